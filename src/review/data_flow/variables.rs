//! Where the variables of a workflow's runs come from.
//!
//! The order of steps is not looked at: what a variable holds at some point of some run, it is taken to hold everywhere.
//! That may tell of a flow that no run takes, and never misses one.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use super::{WHOLE_PAYLOAD, host, webhook};
use crate::kinds::DataClass;
use crate::kinds::placeholder::brace_names;
use crate::kinds::workflow::WorkflowSpec;
use crate::kinds::workflow::step::{Assignments, Step};
use crate::kinds::workflow::step_webhook::WebhookStep;
use crate::kinds::workflow::variable_target::TargetType;
use crate::kinds::workflow::variables::{classes, root};

/// Variables looked at in one workflow, each time counted: far more than people write. Beyond it what is sent is not
/// told apart.
const VISITS: usize = 100_000;

/// What a variable may hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Origin {
    pub class: DataClass,
    pub source: String,
    /// The host whose answer it is from.
    pub answered_by: Option<String>,
}

/// The origins of a workflow's variables.
pub(super) struct Variables<'w> {
    /// Of data items and of what is gathered: the most guarded class that is said of the name.
    declared: BTreeMap<&'w str, DataClass>,
    origins: BTreeMap<&'w str, BTreeSet<Origin>>,
    /// Variables that occur in what a variable is set to.
    made_of: BTreeMap<&'w str, BTreeSet<&'w str>>,
    visits: Cell<usize>,
}

impl<'w> Variables<'w> {
    pub(super) fn of(spec: &'w WorkflowSpec) -> Self {
        let declared = classes(&spec.data, &spec.steps);
        let mut this = Self { declared, origins: BTreeMap::new(), made_of: BTreeMap::new(), visits: Cell::new(0) };
        for (name, class) in this.declared.clone() {
            this.add(name, Origin { class, source: name.to_owned(), answered_by: None });
        }
        for step in &spec.steps {
            match step {
                Step::Webhook(step) => this.add_answer(step),
                Step::Set(step) => this.assign(&step.values),
                Step::SayGather(_)
                | Step::SayIntent(_)
                | Step::SendEmail(_)
                | Step::Task(_)
                | Step::Notify(_)
                | Step::Branch(_)
                | Step::End(_) => {}
            }
        }
        this
    }

    fn add(&mut self, name: &'w str, origin: Origin) {
        self.origins.entry(name).or_default().insert(origin);
    }

    fn add_answer(&mut self, step: &'w WebhookStep) {
        for row in step.set_variables.iter().filter(|row| row.target_type == TargetType::Variable) {
            let class = self.declared.get(row.target.as_str()).copied().unwrap_or(DataClass::Content);
            let source = format!("{} response {}", step.name, row.name);
            self.add(&row.target, Origin { class, source, answered_by: Some(host::of_url(&step.url)) });
        }
        if let Some(on_failure) = &step.on_failure {
            self.assign(&on_failure.set);
        }
    }

    fn assign(&mut self, values: &'w Assignments) {
        for (name, value) in values {
            let names = value.as_str().map(used).unwrap_or_default();
            if names.is_empty() {
                let class = self.declared.get(name.as_str()).copied().unwrap_or_else(|| webhook::class_of(value));
                self.add(name, Origin { class, source: name.clone(), answered_by: None });
            }
            self.made_of.entry(name).or_default().extend(names);
        }
    }

    /// What may stand in these texts once their variables are replaced.
    pub(super) fn in_texts<'t>(&self, texts: impl IntoIterator<Item = &'t str>) -> BTreeSet<Origin> {
        let mut found = BTreeSet::new();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut todo: Vec<&str> = texts.into_iter().flat_map(used).collect();
        while let Some(name) = todo.pop() {
            self.visits.set(self.visits.get() + 1);
            if self.visits.get() > VISITS {
                let source = WHOLE_PAYLOAD.to_owned();
                return [Origin { class: DataClass::Personal, source, answered_by: None }].into();
            }
            if !seen.insert(name) {
                continue;
            }
            let (origins, made_of) = (self.origins.get(name), self.made_of.get(name));
            if origins.is_none() && made_of.is_none() {
                // Made by hand, and nobody says what it is.
                found.insert(Origin { class: DataClass::Content, source: name.to_owned(), answered_by: None });
            }
            found.extend(origins.into_iter().flatten().cloned());
            todo.extend(made_of.into_iter().flatten());
        }
        found
    }
}

/// The variables of a text: of `{{name.0.key}}` the `name`.
fn used(text: &str) -> Vec<&str> {
    brace_names(text).into_iter().map(root).collect()
}

/// Whether a text is written out in a manifest.
pub(super) fn is_written_out(text: &str) -> bool {
    used(text).is_empty()
}
