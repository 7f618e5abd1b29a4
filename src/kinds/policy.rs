//! A **Policy** refuses changes that break a rule, or warns of them. It is never sent to a target.
//!
//! ```yaml
//! apiVersion: trueup/v1
//! kind: Policy
//! metadata: { name: https-only }
//! spec:
//!   match: { kinds: [Destination], targets: [production] }
//!   rules:
//!     - expression: "object.spec.url.startsWith('https://')"
//!       message: destinations must use https
//!       severity: error
//! ```
//!
//! Each rule is an expression of the [Common Expression Language](https://cel.dev) that must be true of every object the
//! policy matches. It sees `object` (as it would be after the plan), `before` (what is live), `action` (what the plan
//! does), `target` (its name) and `flow` (which data the object sends to which host). A rule that names none of `before`,
//! `action` and `flow` needs no live state, and `validate` checks it too. A broken rule of severity `error` refuses the
//! plan: `validate`, `plan` and `apply` end with exit code 5, and nothing is written. A rule without an answer, for
//! example because a field is not there, is a broken one; ask `has(object.spec.field)` first.
//!
//! An expression has at most 1,024 bytes, and `all`, `exists`, `filter` and `map` stand in one another at most twice.
//! `metadata.labels` and `metadata.annotations` are there even where a manifest has none.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Kind;
use super::client_side::ClientSide;
use super::field::{Compare, Field, field};
use super::finding::Findings;
use super::scope::Scope;
use crate::base::ident::Name;

/// What a policy demands, and of what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicySpec {
    /// Which objects it looks at; all when absent.
    #[serde(default, rename = "match")]
    pub matches: Match,
    /// What must hold of each.
    #[schemars(length(min = 1, max = 100))]
    pub rules: Vec<Rule>,
}

/// Which objects a policy looks at: those that fit all that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Match {
    /// Their kinds; every kind when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<PolicyKind>")]
    pub kinds: Vec<Kind>,
    /// Labels they have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Targets it holds for; every target when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Name>,
}

/// One demand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// A CEL expression that is true of what is in order.
    #[schemars(length(min = 1, max = 1024))]
    pub expression: String,
    /// What to tell the author of a change that breaks it.
    #[schemars(length(min = 1, max = 500))]
    pub message: String,
    /// Whether it refuses or warns.
    #[serde(default)]
    pub severity: RuleSeverity,
}

/// What comes of a broken rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum RuleSeverity {
    /// The plan is refused.
    #[default]
    Error,
    /// It is said, and nothing more.
    Warning,
}

/// The name of a managed kind, for the schema.
struct PolicyKind;

impl JsonSchema for PolicyKind {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PolicyKind".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        schemars::json_schema!({ "type": "string", "enum": names })
    }
}

impl ClientSide for PolicySpec {
    const DECIDES_PLANS: bool = true;
    const FIELDS: &'static [Field] = &[
        field("spec.match").compare(Compare::Group),
        field("spec.match.kinds").compare(Compare::Set),
        field("spec.match.labels").compare(Compare::Map),
        field("spec.match.targets").compare(Compare::Set),
        field("spec.rules").compare(Compare::List),
        field("spec.rules[].expression"),
        field("spec.rules[].message"),
        field("spec.rules[].severity"),
    ];

    fn check(&self, _findings: &mut Findings) {}

    fn check_in(&self, _scope: &dyn Scope, _findings: &mut Findings) {}
}
