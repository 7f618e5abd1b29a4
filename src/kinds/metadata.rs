//! What stands under `metadata` in every manifest.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Address;
use super::finding::Findings;
use crate::base::code::Code;
use crate::base::ident::Name;
use crate::base::path::Path;

/// Never delete, replace or archive the object.
pub const PROTECT: &str = "trueup.dev/protect";
/// Paths whose drift is left alone, separated by commas.
pub const IGNORE_DRIFT: &str = "trueup.dev/ignore-drift";
/// The object's former name: the live object moves and keeps its id.
pub const WAS: &str = "trueup.dev/was";
/// `suspended`: `reconcile` leaves the object alone; a person's apply does not.
pub const RECONCILE: &str = "trueup.dev/reconcile";

const PREFIX: &str = "trueup.dev/";
/// The one value of [`RECONCILE`].
const SUSPENDED: &str = "suspended";

/// Name and description of an object, apart from what it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// Identity within kind and project: lower-case letters, digits and hyphens, at most 63.
    pub name: Name,
    /// What consoles and callers see; the name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub display_name: Option<String>,
    /// Free text for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub description: Option<String>,
    /// For selecting manifests (`-l key=value`) and for policies.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// For tools. Understood here: `trueup.dev/protect`, `trueup.dev/ignore-drift`,
    /// `trueup.dev/was`, `trueup.dev/reconcile`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Metadata {
    /// Metadata with a name and nothing else.
    #[must_use]
    pub fn named(name: Name) -> Self {
        Self { name, display_name: None, description: None, labels: BTreeMap::new(), annotations: BTreeMap::new() }
    }

    /// Brings it into canonical form: a display name equal to the name is none, an empty description is none. `was` and
    /// `reconcile` are no part of the state: they instruct this program, the one to move an object once, which would
    /// otherwise be a difference for ever after, the other to write nothing, which its own arrival would need.
    pub fn normalise(&mut self) {
        if self.display_name.as_deref() == Some(self.name.as_str()) {
            self.display_name = None;
        }
        self.description.take_if(|description| description.is_empty());
        self.annotations.remove(WAS);
        self.annotations.remove(RECONCILE);
        if self.annotations.get(PROTECT).is_some_and(|v| v == "false") {
            self.annotations.remove(PROTECT);
        }
    }

    /// Whether the object may never be deleted, replaced or archived.
    #[must_use]
    pub fn is_protected(&self) -> bool {
        self.annotations.get(PROTECT).is_some_and(|v| v == "true")
    }

    /// Whether `reconcile` leaves the object alone.
    #[must_use]
    pub fn is_reconcile_suspended(&self) -> bool {
        self.annotations.get(RECONCILE).is_some_and(|v| v == SUSPENDED)
    }

    /// The paths whose drift is left alone.
    #[must_use]
    pub fn ignored_drift(&self) -> Vec<&str> {
        let list = self.annotations.get(IGNORE_DRIFT).map(String::as_str).unwrap_or_default();
        list.split(',').map(str::trim).filter(|path| !path.is_empty()).collect()
    }

    /// The former name, if it was renamed.
    #[must_use]
    pub fn former_name(&self) -> Option<Name> {
        self.annotations.get(WAS)?.parse().ok()
    }

    /// Of a manifest that is never sent, no annotation of this program's means anything.
    pub fn check_client_side(&self, kind: &str, findings: &mut Findings) {
        for key in self.annotations.keys().filter(|key| key.starts_with(PREFIX)) {
            let at = Path::keys("metadata.annotations").key(key);
            let message = format!("the annotation `{key}` means nothing on a {kind}, which is never sent to a target");
            findings.error(Code::InvalidAnnotation, at, message).at_key().help("remove it");
        }
    }

    /// Checks the annotations this program understands.
    pub fn check(&self, address: &Address, findings: &mut Findings) {
        let annotations = Path::keys("metadata.annotations");
        for (key, value) in &self.annotations {
            let at = annotations.key(key);
            match key.as_str() {
                PROTECT if !matches!(value.as_str(), "true" | "false") => {
                    findings
                        .error(
                            Code::InvalidAnnotation,
                            at,
                            format!("`{PROTECT}` is \"true\" or \"false\", not `{value}`"),
                        )
                        .help("quote it: YAML would otherwise read a boolean");
                }
                WAS => match value.parse::<Name>() {
                    Err(error) => {
                        findings.error(Code::InvalidAnnotation, at, error.to_string());
                    }
                    Ok(former) if former == address.name => {
                        findings.error(Code::InvalidAnnotation, at, format!("`{WAS}` names the present name"));
                    }
                    Ok(_) => {}
                },
                IGNORE_DRIFT => {
                    for path in self.ignored_drift() {
                        if !(path.starts_with("spec.") || path.starts_with("metadata.")) {
                            findings
                                .error(
                                    Code::InvalidAnnotation,
                                    at.clone(),
                                    format!("`{path}` is not a path of a manifest"),
                                )
                                .help("paths begin with spec. or metadata., for example spec.headers.X");
                        }
                    }
                }
                RECONCILE if value != SUSPENDED => {
                    let message = format!("`{RECONCILE}` is `{SUSPENDED}`, not `{value}`");
                    findings
                        .error(Code::InvalidAnnotation, at, message)
                        .help("take the annotation out to have the object reconciled");
                }
                PROTECT | RECONCILE => {}
                other if other.starts_with(PREFIX) => {
                    findings
                        .error(Code::InvalidAnnotation, at, format!("the annotation `{other}` is not known"))
                        .at_key()
                        .did_you_mean(other, [PROTECT, IGNORE_DRIFT, WAS, RECONCILE]);
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_description_is_none() {
        let name = Name::from_any("a");
        let mut metadata = Metadata { description: Some(String::new()), ..Metadata::named(name.clone()) };
        metadata.normalise();
        assert_eq!(metadata, Metadata::named(name));
    }

    #[test]
    fn suspended_is_all_that_the_annotation_for_reconcile_can_say() {
        let found = |value: &str| {
            let address: Address = "System/a".parse().expect("an address");
            let mut metadata = Metadata::named(address.name.clone());
            metadata.annotations.insert(RECONCILE.into(), value.into());
            let mut findings = Findings::default();
            metadata.check(&address, &mut findings);
            let suspended = metadata.is_reconcile_suspended();
            metadata.normalise();
            assert_eq!(metadata, Metadata::named(address.name), "it is no part of the state");
            (suspended, findings.as_slice().iter().map(|finding| finding.message.clone()).collect::<Vec<_>>())
        };
        assert_eq!(found("suspended"), (true, Vec::new()));
        for other in ["", "enabled", "Suspended", "true"] {
            let message = format!("`trueup.dev/reconcile` is `suspended`, not `{other}`");
            assert_eq!(found(other), (false, vec![message]));
        }
    }
}
