//! A **System** is one place where events happen and notifications appear: a web application, the desktop menu of a
//! workstation, a mobile app. It has environments with the URLs where it loads, says how end-user ids are stored,
//! and what must not be captured at all.
//!
//! ```yaml
//! apiVersion: trueup/v1
//! kind: System
//! metadata: { name: crm, labels: { team: adoption } }
//! spec:
//!   platform: web
//!   environments:
//!     production: { urls: ["https://crm.acme.test/*"] }
//!     test: { urls: ["https://crm-test.acme.test/*"] }
//!   endUserId: { hash: { algorithm: sha256, salt: { fromEnv: CRM_SALT } } }
//!   censor: { properties: [pageTitle], events: [dxa.page-viewed] }
//! ```
//!
//! `systemId` is what callers of the notification API send. Left out, it is the object's id without hyphens. It is
//! unique and cannot be changed: a system with another id is another system and needs a new name.
//!
//! The first webhook of a system needs its settings to be published; the plan then has a `publish-settings` action.

pub mod censorship;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::catalogue;
use super::field::{Compare, Field, field};
use super::finding::Findings;
use super::life_cycle::LifeCycle;
use super::managed::{Creation, Managed};
use super::scope::{Scope, event_properties};
use super::{Kind, Spec};
use crate::base::code::Code;
use crate::base::diagnostic::nearest;
use crate::base::ident::Name;
use crate::base::path::Path;
use crate::base::secret::SecretRef;

/// Spec of a System.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SystemSpec {
    /// Where it runs.
    pub platform: Platform,
    /// 32 hex digits that callers name it by; the object's id without hyphens when absent. Unique; cannot be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9a-fA-F]{32}$"))]
    pub system_id: Option<String>,
    /// Its environments by name, such as `production` and `test`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environments: BTreeMap<Name, Environment>,
    /// How end-user ids are stored; as they arrive when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_user_id: Option<EndUserId>,
    /// What is dropped before anything is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub censor: Option<Censor>,
}

/// Where a system runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Platform {
    /// A web application.
    Web,
    /// The desktop menu that shows notifications.
    Workstation,
    /// A mobile app.
    Mobile,
    /// A web application on a mobile device.
    MobileWeb,
    /// A desktop application.
    Desktop,
}

/// One environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct Environment {
    /// URL globs where the system loads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
}

/// How end-user ids are stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct EndUserId {
    /// Store only a hash of the id; the original is kept nowhere.
    pub hash: IdHash,
}

/// base64(hash(salt ‖ id)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct IdHash {
    /// The hash function.
    pub algorithm: HashAlgorithm,
    /// Put before the id; plain hash when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<SecretRef>,
}

/// A hash function for end-user ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum HashAlgorithm {
    /// SHA-256.
    Sha256,
}

/// What is dropped at ingest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct Censor {
    /// Properties dropped from every event.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<String>,
    /// Events dropped whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    /// Drop text typed into input fields.
    #[serde(default = "drop_input_text")]
    pub input_text: bool,
}

impl Default for Censor {
    /// What a System drops that says nothing of it.
    fn default() -> Self {
        Self { properties: Vec::new(), events: Vec::new(), input_text: drop_input_text() }
    }
}

fn drop_input_text() -> bool {
    true
}

impl Managed for SystemSpec {
    const LIFE_CYCLE: LifeCycle = LifeCycle::Mutable;
    const OUTPUTS: &'static [&'static str] = &["id", "systemId"];
    const FIELDS: &'static [Field] = &[
        field("spec.platform"),
        field("spec.systemId").immutable().unique(),
        field("spec.environments").compare(Compare::Map),
        field("spec.environments.*.urls").compare(Compare::Set),
        field("spec.endUserId").compare(Compare::Group),
        field("spec.endUserId.hash").compare(Compare::Group),
        field("spec.endUserId.hash.algorithm"),
        field("spec.endUserId.hash.salt").secret(),
        field("spec.censor").compare(Compare::Group),
        field("spec.censor.properties").compare(Compare::Set),
        field("spec.censor.events").compare(Compare::Set),
        field("spec.censor.events[]").refers_to(Kind::EventType),
        field("spec.censor.inputText"),
    ];

    fn normalise(&mut self) {
        if let Some(id) = &mut self.system_id {
            id.make_ascii_lowercase();
        }
        for environment in self.environments.values_mut() {
            environment.urls.sort();
            environment.urls.dedup();
        }
        if let Some(censor) = &mut self.censor {
            for list in [&mut censor.properties, &mut censor.events] {
                list.sort();
                list.dedup();
            }
        }
        self.censor.take_if(|censor| *censor == Censor::default());
    }

    fn check(&self, findings: &mut Findings) {
        for (name, environment) in &self.environments {
            let at = Path::keys("spec.environments").key(name.as_str()).key("urls");
            for (n, url) in environment.urls.iter().enumerate() {
                if !(url.starts_with("http://") || url.starts_with("https://") || url.starts_with('*')) {
                    findings
                        .error(Code::InvalidUrl, at.index(n), format!("`{url}` is not a URL glob"))
                        .help("a glob begins with http://, https:// or *, for example https://crm.acme.test/*");
                }
            }
        }
    }

    fn check_in(&self, name: &Name, scope: &dyn Scope, findings: &mut Findings) {
        let censor = Path::keys("spec.censor");
        for (n, event) in self.censor.iter().flat_map(|c| c.events.iter().enumerate()) {
            if event_properties(scope, event).is_none() {
                unknown_event(event, scope, censor.key("events").index(n), findings);
            }
        }
        for (n, property) in self.censor.iter().flat_map(|c| c.properties.iter().enumerate()) {
            let built_in = || catalogue::EVENTS.values().flat_map(|e| e.properties.keys().copied());
            if !built_in().any(|p| p == property) && !scope.has_own_property(property) {
                findings
                    .error(
                        Code::UnknownProperty,
                        censor.key("properties").index(n),
                        format!("no event has a property `{property}`"),
                    )
                    .did_you_mean(property, built_in());
            }
        }
        let Some(id) = &self.system_id else { return };
        if let Some(other) = scope.system_of_id(id).filter(|other| *other < name) {
            let message = format!("System/{other} has the same systemId");
            findings.error(Code::InvalidValue, Path::keys("spec.systemId"), message).help("a systemId is unique");
        }
    }

    fn server_set(&self, creation: &Creation) -> Value {
        let id = self.system_id.clone().unwrap_or_else(|| creation.id.0.simple().to_string());
        json!({ "systemId": id, "published": false })
    }
}

/// The most names that are compared with an unknown one, and the most that are listed: in a large project one slip may
/// occur in thousands of manifests.
const COMPARED: usize = 1_000;
const LISTED: usize = 10;

fn listed(names: &[&str]) -> String {
    let more = if names.len() > LISTED { ", …" } else { "" };
    format!("{}{more}", names.get(..LISTED).unwrap_or(names).join(", "))
}

/// Reports an event that is neither built in nor an EventType of the project.
pub(super) fn unknown_event(event: &str, scope: &dyn Scope, at: Path, findings: &mut Findings) {
    let own = scope.names(Kind::EventType).into_iter().map(Name::as_str).take(COMPARED);
    let known = catalogue::EVENTS.keys().copied().chain(own);
    let near = nearest(event, known).map(|near| format!("did you mean `{near}`?"));
    let finding = findings.error(Code::UnknownEvent, at, format!("there is no event `{event}`"));
    finding.help(near.unwrap_or_else(|| "`trueup explain Webhook.spec.event` lists the built-in events".into()));
}

/// Checks the system of a template or notification, which live on workstations only (domain §1).
///
/// Silent about a system the project does not have: the field table's reference reports that.
pub(super) fn check_workstation(system: Option<&Name>, scope: &dyn Scope, findings: &mut Findings) {
    let at = Path::keys("spec.system");
    let platform = |name: &str| match scope.get(Kind::System, name) {
        Some(Spec::System(spec)) => Some(spec.platform),
        _ => None,
    };
    let workstations = || -> Vec<&str> {
        let names = scope.names(Kind::System).into_iter().map(Name::as_str);
        names.filter(|name| platform(name) == Some(Platform::Workstation)).collect()
    };
    if let Some(name) = system {
        if platform(name.as_str()).is_some_and(|platform| platform != Platform::Workstation) {
            let workstations = workstations();
            let message = format!("System/{name} is not a workstation system");
            let finding = findings.error(Code::NotAWorkstation, at, message);
            if !workstations.is_empty() {
                finding.help(format!("workstation systems: {}", listed(&workstations)));
            }
        }
        return;
    }
    let (count, help) = match workstations().as_slice() {
        [] => ("no workstation system".to_owned(), "add a System with platform: workstation".to_owned()),
        [one] => ("one workstation system".to_owned(), format!("write system: {one}")),
        several => {
            (format!("{} workstation systems", several.len()), format!("write system: with one of {}", listed(several)))
        }
    };
    findings.error(Code::SystemRequired, at, format!("the system cannot be told: the project has {count}")).help(help);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(spec: Value) -> Result<SystemSpec, serde_json::Error> {
        serde_json::from_value(spec)
    }

    #[test]
    fn the_canonical_form_is_sorted_and_lower_case() -> Result<(), serde_json::Error> {
        let mut spec = read(json!({
            "platform": "mobile-web", "systemId": "BCF4C7F5682B4AA6875A0FC9BDFA21CA",
            "environments": {"test": {"urls": ["https://b/*", "https://a/*", "https://b/*"]}},
            "censor": {"inputText": true},
        }))?;
        spec.normalise();
        assert_eq!(
            serde_json::to_value(&spec)?,
            json!({"platform": "mobile-web", "systemId": "bcf4c7f5682b4aa6875a0fc9bdfa21ca",
                   "environments": {"test": {"urls": ["https://a/*", "https://b/*"]}}})
        );
        Ok(())
    }
}
