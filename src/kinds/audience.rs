//! An **Audience** is a set of end users: a list of their ids, or a condition over their attributes.
//!
//! ```yaml
//! apiVersion: trueup/v1
//! kind: Audience
//! metadata: { name: sales }
//! spec:
//!   match:
//!     all:
//!       - { property: department, operator: equalTo, value: Sales }
//!       - not: { property: country, operator: in, value: [US, CA] }
//! # or:  spec: { members: [ana@acme.test, bo@acme.test] }
//! ```
//!
//! Exactly one of `members` and `match` is given. Attributes are what callers have said about an end user; they have no
//! declared types, so an operator is checked against its value only. A change updates the audience in place and a
//! removal deletes it. Notifications and the `notify` steps of workflows refer to it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::condition::Condition;
use super::field::{Compare, DataClass, Field, field};
use super::finding::Findings;
use super::life_cycle::LifeCycle;
use super::managed::Managed;
use crate::base::code::Code;
use crate::base::path::Path;

/// Spec of an Audience.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AudienceSpec {
    /// Ids of its end users, at most 25,000; personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 25_000), inner(length(min = 1)))]
    pub members: Option<Vec<String>>,
    /// Who is in, by attributes. A list means that all of its rows must hold.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub rule: Option<Condition>,
}

impl Managed for AudienceSpec {
    const LIFE_CYCLE: LifeCycle = LifeCycle::Mutable;
    const OUTPUTS: &'static [&'static str] = &["id"];
    const FIELDS: &'static [Field] = &[
        field("spec.members").compare(Compare::Set).class(DataClass::Personal),
        field("spec.match").compare(Compare::List).opaque(),
    ];

    fn normalise(&mut self) {
        if let Some(members) = &mut self.members {
            members.sort();
            members.dedup();
        }
        if let Some(rule) = &mut self.rule {
            rule.normalise();
        }
    }

    fn check(&self, findings: &mut Findings) {
        let given = match (&self.members, &self.rule) {
            (Some(_), Some(_)) => Some("both members and match are given"),
            (None, None) => Some("neither members nor match is given"),
            (Some(_), None) | (None, Some(_)) => None,
        };
        if let Some(message) = given {
            findings.error(Code::ExclusiveFields, Path::keys("spec"), message).help("give exactly one of the two");
        }
        if let Some(rule) = &self.rule {
            if rule.asks_nothing() {
                findings
                    .error(
                        Code::InvalidValue,
                        Path::keys("spec.match"),
                        "a match without a condition would mean everybody",
                    )
                    .help("list members, or give a condition");
            }
            rule.check(&Path::keys("spec.match"), &|_| Ok(None), &mut |_, _, _| {}, findings);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn found(spec: Value) -> Vec<(Code, String)> {
        let spec: AudienceSpec = serde_json::from_value(spec).expect("a readable spec");
        let mut findings = Findings::default();
        spec.check(&mut findings);
        findings.into_vec().into_iter().map(|f| (f.code, f.path.to_string())).collect()
    }

    #[test]
    fn exactly_one_of_members_and_match_is_given() {
        let rule = json!([{"property": "department", "operator": "equalTo", "value": "Sales"}]);
        assert_eq!(found(json!({"members": ["a"]})), []);
        assert_eq!(found(json!({"match": rule.clone()})), []);
        assert_eq!(found(json!({"members": ["a"], "match": rule})), [(Code::ExclusiveFields, "spec".to_owned())]);
        assert_eq!(found(json!({})), [(Code::ExclusiveFields, "spec".to_owned())]);
    }

    #[test]
    fn nobody_means_everybody_by_leaving_the_condition_out() {
        for rule in [json!([]), json!({"all": []}), json!([{"all": []}]), json!({"any": [{"all": []}]})] {
            assert_eq!(found(json!({"match": rule})), [(Code::InvalidValue, "spec.match".to_owned())]);
        }
    }

    #[test]
    fn operators_are_checked_against_their_values() {
        let rule = json!([{"property": "age", "operator": "greaterThan", "value": "old"}]);
        assert_eq!(found(json!({"match": rule})), [(Code::OperandType, "spec.match[0].value".to_owned())]);
    }

    #[test]
    fn members_are_a_set_and_a_single_row_is_a_list() -> Result<(), serde_json::Error> {
        let canonical = |spec: Value| {
            let mut spec: AudienceSpec = serde_json::from_value(spec)?;
            spec.normalise();
            serde_json::to_value(&spec)
        };
        assert_eq!(canonical(json!({"members": ["b", "a", "b"]}))?, json!({"members": ["a", "b"]}));
        let row = json!({"property": "x", "operator": "exists"});
        assert_eq!(canonical(json!({ "match": row.clone() }))?, json!({ "match": [row] }));
        Ok(())
    }
}
