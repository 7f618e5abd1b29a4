//! An **EventType** is an event of your own, with its own properties, beside the 32 built-in ones.
//!
//! ```yaml
//! apiVersion: trueup/v1
//! kind: EventType
//! metadata: { name: quote-approved }
//! spec:
//!   properties:
//!     quoteId: { type: string, class: content }
//!     amount: { type: number, class: content }
//! ```
//!
//! Every event also has the common properties (`eventId`, `occurredAt`, `endUserId`, `pageUrl` and so on). The
//! built-in events can be referred to, not redefined.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::catalogue::{COMMON, EVENTS, Property};
use super::field::{Compare, Field, field};
use super::finding::Findings;
use super::life_cycle::LifeCycle;
use super::managed::Managed;
use super::property_name;
use crate::base::code::Code;
use crate::base::path::Path;

/// Spec of an EventType.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EventTypeSpec {
    /// Its own properties by name, beside the common ones.
    pub properties: BTreeMap<String, Property>,
}

impl Managed for EventTypeSpec {
    const LIFE_CYCLE: LifeCycle = LifeCycle::Mutable;
    const FIELDS: &'static [Field] = &[
        field("spec.properties").compare(Compare::Map),
        field("spec.properties.*.type"),
        field("spec.properties.*.class"),
    ];

    fn reserved_name(name: &str) -> Option<String> {
        EVENTS
            .contains_key(name)
            .then(|| format!("`{name}` is a built-in event, which can be referred to and not redefined"))
    }

    fn normalise(&mut self) {}

    fn check(&self, findings: &mut Findings) {
        for name in self.properties.keys() {
            let at = Path::keys("spec.properties").key(name);
            property_name::check(name, &at, true, findings);
            if COMMON.contains_key(name.as_str()) {
                findings
                    .error(Code::PropertyCollision, at, format!("every event already has a property `{name}`"))
                    .at_key()
                    .help("give it another name");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ident::Name;

    #[test]
    fn no_name_of_an_object_is_that_of_a_built_in_event() {
        assert!(EventTypeSpec::reserved_name("survey.submitted").is_some());
        assert!(EVENTS.keys().all(|id| id.parse::<Name>().is_err()));
    }
}
