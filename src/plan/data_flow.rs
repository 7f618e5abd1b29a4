//! Which data reaches which host, before and after: a part of the plan that `review` fills in and every view shows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kinds::{Address, DataClass};

/// One property or variable that reaches one host by one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct DataFlow {
    /// What it says about people.
    pub class: DataClass,
    /// The event's property (`survey.submitted.answer`), the run's variable (`email`), or `whole payload` if unknown.
    pub source: String,
    /// The object by which it leaves.
    #[schemars(with = "String")]
    pub via: Address,
    /// Host and port of the receiver, lower case; `any host` where the host itself is a variable.
    pub host: String,
    /// Whether the plan brings it about.
    pub change: FlowChange,
}

/// What a plan does to a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum FlowChange {
    /// The plan brings it about.
    Added,
    /// The plan ends it.
    Removed,
    /// It is there before and after.
    Kept,
}

impl FlowChange {
    /// As written in documents.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Kept => "kept",
        }
    }
}

impl DataFlow {
    /// What they are sorted by, as reviewers read them: what is new first, and of it the most guarded class first.
    #[must_use]
    pub fn rank(&self) -> impl Ord + '_ {
        (self.change, std::cmp::Reverse(self.class), &self.host, &self.via, &self.source)
    }
}
