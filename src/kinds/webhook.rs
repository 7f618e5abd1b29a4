//! A **Webhook** picks occurrences of one event, shapes their properties and sends them to a destination.
//!
//! ```yaml
//! apiVersion: trueup/v1
//! kind: Webhook
//! metadata: { name: nps-to-slack }
//! spec:
//!   system: crm
//!   event: survey.submitted
//!   conditions:
//!     - { property: score, operator: lessThan, value: 7 }
//!     - any:
//!         - { property: country, operator: equalTo, value: DE }
//!         - { property: country, operator: equalTo, value: FR }
//!   properties:
//!     include: [endUserId, score, answer]
//!     rename: { endUserId: user_id }
//!     static: { source: trueup, priority: 2 }
//!   destination: slack-nps
//!   enabled: true
//! ```
//!
//! The event is one of the 32 built-in ones or the name of an EventType. The first webhook of a system also needs the
//! system's settings to be published, which the plan shows as an action of its own.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::Kind;
use super::condition::Condition;
use super::field::{Compare, Field, field};
use super::finding::Findings;
use super::life_cycle::LifeCycle;
use super::managed::Managed;
use super::property_name;
use super::scope::{Scope, event_properties};
use super::system::unknown_event;
use crate::base::code::Code;
use crate::base::ident::Name;
use crate::base::path::Path;

/// Spec of a Webhook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WebhookSpec {
    /// The system whose events it listens to.
    pub system: Name,
    /// One of the 32 built-in events, or the name of an EventType.
    #[schemars(length(min = 1))]
    pub event: String,
    /// Which occurrences are sent; all when absent. A list means that all of its rows must hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Condition>,
    /// What is sent of each.
    #[serde(default)]
    pub properties: Properties,
    /// Where it is sent.
    pub destination: Name,
    /// Whether anything is sent at all.
    #[serde(default = "enabled")]
    pub enabled: bool,
}

/// What is sent of an event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct Properties {
    /// `all`, or the list of properties that are sent.
    #[serde(default)]
    pub include: Include,
    /// Names the receiver expects, by the property's own name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rename: BTreeMap<String, String>,
    /// Properties added to every request: texts, numbers, booleans.
    #[serde(default, rename = "static", skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "scalars")]
    pub fixed: BTreeMap<String, Value>,
}

/// Which properties are sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Include {
    /// All of the event's.
    #[default]
    All,
    /// These, sorted.
    These(Vec<String>),
}

impl Properties {
    /// Under which name a property of the event is sent; `None` if it is not. Of a list that is sorted, as canonical
    /// form has it.
    #[must_use]
    pub fn sent_as<'n>(&'n self, name: &'n str) -> Option<&'n str> {
        let included = match &self.include {
            Include::All => true,
            Include::These(list) => list.binary_search_by(|one| one.as_str().cmp(name)).is_ok(),
        };
        included.then(|| self.rename.get(name).map_or(name, String::as_str))
    }
}

fn enabled() -> bool {
    true
}

fn scalars(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "additionalProperties": { "type": ["string", "number", "boolean"] } })
}

impl Serialize for Include {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => serializer.serialize_str("all"),
            Self::These(list) => list.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Include {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(all) if all == "all" => Ok(Self::All),
            list @ Value::Array(_) => Vec::deserialize(list).map(Self::These).map_err(D::Error::custom),
            _ => Err(D::Error::custom("expected `all` or a list of property names")),
        }
    }
}

impl JsonSchema for Include {
    fn schema_name() -> Cow<'static, str> {
        "Include".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "if": { "type": "array" },
            "then": { "items": { "type": "string", "minLength": 1 }, "minItems": 1 },
            "else": { "const": "all" }
        })
    }
}

impl Managed for WebhookSpec {
    const LIFE_CYCLE: LifeCycle = LifeCycle::Mutable;
    const FIELDS: &'static [Field] = &[
        field("spec.system").refers_to(Kind::System).needs_published(),
        field("spec.event").refers_to(Kind::EventType),
        field("spec.conditions").compare(Compare::List).opaque(),
        field("spec.properties").compare(Compare::Group),
        field("spec.properties.include").compare(Compare::Set),
        field("spec.properties.rename").compare(Compare::Map),
        field("spec.properties.rename.*"),
        field("spec.properties.static").compare(Compare::Map),
        field("spec.properties.static.*"),
        field("spec.destination").refers_to(Kind::Destination),
        field("spec.enabled"),
    ];

    fn normalise(&mut self) {
        self.conditions.take_if(|conditions| conditions.is_empty());
        if let Some(conditions) = &mut self.conditions {
            conditions.normalise();
        }
        if let Include::These(list) = &mut self.properties.include {
            list.sort();
            list.dedup();
        }
        self.properties.rename.retain(|from, to| from != to);
    }

    fn check(&self, findings: &mut Findings) {
        let properties = Path::keys("spec.properties");
        if let Include::These(list) = &self.properties.include {
            let mut seen = BTreeSet::new();
            for (n, name) in list.iter().enumerate().filter(|(_, name)| !seen.insert(name.as_str())) {
                findings
                    .warning(Code::InvalidValue, properties.key("include").index(n), format!("`{name}` stands twice"))
                    .help("remove one of the two");
            }
        }
        for (from, to) in &self.properties.rename {
            property_name::check(to, &properties.key("rename").key(from), false, findings);
        }
        for name in self.properties.fixed.keys() {
            property_name::check(name, &properties.key("static").key(name), true, findings);
        }
    }

    fn check_in(&self, _name: &Name, scope: &dyn Scope, findings: &mut Findings) {
        let Some(known) = event_properties(scope, &self.event) else {
            return unknown_event(&self.event, scope, Path::keys("spec.event"), findings);
        };
        let unknown = |findings: &mut Findings, name: &str, at: Path, at_key: bool| {
            let message = format!("the event `{}` has no property `{name}`", self.event);
            findings.error(Code::UnknownProperty, at, message).did_you_mean(name, known.names()).at_key = at_key;
        };
        if let Some(conditions) = &self.conditions {
            conditions.check(
                &Path::keys("spec.conditions"),
                &|property| known.get(property).map(|p| Some(p.value_type)).ok_or(()),
                &mut |findings, row, at| unknown(findings, &row.property, at, false),
                findings,
            );
        }
        let at = Path::keys("spec.properties");
        let sent: BTreeSet<&str> = match &self.properties.include {
            Include::All => known.names().collect(),
            Include::These(list) => {
                for (n, name) in list.iter().enumerate().filter(|(_, name)| known.get(name).is_none()) {
                    unknown(findings, name, at.key("include").index(n), false);
                }
                list.iter().map(String::as_str).collect()
            }
        };
        for from in self.properties.rename.keys() {
            if known.get(from).is_none() {
                unknown(findings, from, at.key("rename").key(from), true);
            } else if !sent.contains(from.as_str()) {
                findings
                    .warning(Code::Unused, at.key("rename").key(from), format!("`{from}` is renamed and not sent"))
                    .at_key()
                    .help("add it to include, or remove the line");
            }
        }
        self.check_collisions(&sent, &at, findings);
    }
}

impl WebhookSpec {
    fn check_collisions(&self, sent: &BTreeSet<&str>, at: &Path, findings: &mut Findings) {
        let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
        for from in sent {
            let renamed = self.properties.rename.get(*from);
            let to = renamed.map_or(*from, String::as_str);
            if let Some(other) = taken.insert(to, from) {
                let culprit = if renamed.is_some() { from } else { other };
                findings.error(
                    Code::PropertyCollision,
                    at.key("rename").key(culprit),
                    format!("`{other}` and `{from}` would both be sent as `{to}`"),
                );
            }
        }
        for name in self.properties.fixed.keys() {
            if let Some(from) = taken.get(name.as_str()) {
                findings
                    .error(
                        Code::PropertyCollision,
                        at.key("static").key(name),
                        format!("the static `{name}` and the property `{from}` would be sent under one name"),
                    )
                    .at_key();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn findings(spec: Value) -> Vec<(Code, String)> {
        let spec: WebhookSpec = serde_json::from_value(spec).expect("a readable spec");
        let mut findings = Findings::default();
        spec.check(&mut findings);
        spec.check_in(&Name::from_any("w"), &BTreeMap::new(), &mut findings);
        findings.into_vec().into_iter().map(|f| (f.code, f.path.to_string())).collect()
    }

    #[test]
    fn properties_must_exist_and_be_of_the_right_type() {
        let spec = json!({"system": "crm", "event": "survey.submitted", "destination": "d",
            "conditions": [{"property": "scor", "operator": "lessThan", "value": 7}, {"property": "score", "operator": "lessThan", "value": "7"}],
            "properties": {"include": ["answer", "nope"], "rename": {"score": "points"}}});
        assert_eq!(
            findings(spec),
            [
                (Code::UnknownProperty, "spec.conditions[0].property".to_owned()),
                (Code::OperandType, "spec.conditions[1].value".to_owned()),
                (Code::UnknownProperty, "spec.properties.include[1]".to_owned()),
                (Code::Unused, "spec.properties.rename.score".to_owned()),
            ]
        );
    }

    #[test]
    fn names_must_not_collide() {
        let spec = json!({"system": "crm", "event": "launcher.clicked", "destination": "d",
            "properties": {"rename": {"browser": "os"}, "static": {"country": "DE"}}});
        let codes: Vec<_> = findings(spec).into_iter().map(|(code, _)| code).collect();
        assert_eq!(codes, [Code::PropertyCollision, Code::PropertyCollision]);
    }

    #[test]
    fn a_property_included_twice_is_no_collision() {
        let spec = json!({"system": "crm", "event": "survey.submitted", "destination": "d",
            "properties": {"include": ["score", "answer", "score"]}});
        assert_eq!(findings(spec), [(Code::InvalidValue, "spec.properties.include[2]".to_owned())]);
    }

    #[test]
    fn an_unknown_event_is_reported_once() {
        let spec = json!({"system": "crm", "event": "survey.submited", "destination": "d"});
        assert_eq!(findings(spec), [(Code::UnknownEvent, "spec.event".to_owned())]);
    }
}
