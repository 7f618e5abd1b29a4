//! What can be managed: one file per kind, which says everything about it.
//!
//! Other modules never match on a kind to decide something: they ask the kind's life cycle, its field table or one of
//! the functions of [`Managed`]. Adding a kind is one file, one line in the list below and one example.

pub mod address;
pub mod canonical;
pub mod catalogue;
pub mod client_side;
pub mod condition;
pub mod explain;
pub mod field;
pub mod finding;
pub mod header;
mod kind_list;
pub mod life_cycle;
pub mod managed;
pub mod metadata;
pub mod overrides;
pub mod placeholder;
pub mod property_name;
pub mod recipients;
pub mod reference;
pub mod schema;
pub mod scope;
pub mod time;
pub mod web_address;
pub mod whole_number;

pub mod audience;
pub mod destination;
pub mod event_type;
pub mod incoming_webhook;
pub mod notification;
pub mod system;
pub mod template;
pub mod webhook;
pub mod workflow;

pub mod policy;
pub mod test;

#[cfg(test)]
mod every_kind;

use serde_json::Value;

pub use address::Address;
pub use client_side::{ClientKind, ClientSpec, ManifestKind};
pub use field::{DataClass, Field, FieldTree};
pub use life_cycle::LifeCycle;
pub use managed::{Before, Creation, Managed, Reach};
pub use metadata::Metadata;

use crate::base::ident::Name;
use crate::base::path::Path;
use finding::Findings;
use kind_list::kind_list;
use scope::{Scope, Siblings};

macro_rules! kinds {
    ($($kind:ident in $module:ident as $spec:ident;)+) => {
        kind_list! {
            /// The name of a kind, as written in manifests.
            enum Kind;
            /// The typed spec of one object.
            enum Spec;
            by Managed;
            $($kind in $module as $spec;)+
        }

        impl Kind {
            /// What a change and a removal become.
            #[must_use]
            pub fn life_cycle(self) -> LifeCycle {
                match self { $(Self::$kind => <$module::$spec as Managed>::LIFE_CYCLE,)+ }
            }

            /// Why a name is taken by something built in.
            #[must_use]
            pub fn reserved_name(self, name: &str) -> Option<String> {
                match self { $(Self::$kind => <$module::$spec as Managed>::reserved_name(name),)+ }
            }

            /// Whether the target makes a secret token for each object, which is an output.
            #[must_use]
            pub fn has_token(self) -> bool {
                match self { $(Self::$kind => <$module::$spec as Managed>::HAS_TOKEN,)+ }
            }

            /// What callers outside need of an object: `id`, or fields the target sets.
            #[must_use]
            pub fn outputs(self) -> &'static [&'static str] {
                match self { $(Self::$kind => <$module::$spec as Managed>::OUTPUTS,)+ }
            }
        }

        impl Spec {
            /// Fills defaults that depend on the rest of the project. Returns whether anything changed.
            pub fn complete(&mut self, siblings: &Siblings) -> bool {
                match self { $(Self::$kind(spec) => spec.complete(siblings),)+ }
            }

            /// Brings it into canonical form: defaults filled, sets sorted, texts and times normalised.
            pub fn normalise(&mut self) {
                match self { $(Self::$kind(spec) => spec.normalise(),)+ }
            }

            /// Its canonical form as a value, once normalised.
            ///
            /// # Errors
            /// Never for a spec that was read from a value; the error is passed on rather than hidden.
            pub fn to_value(&self) -> Result<Value, serde_json::Error> {
                match self { $(Self::$kind(spec) => serde_json::to_value(spec),)+ }
            }

            /// What the object gets wrong about the others it refers to.
            pub fn check_in(&self, name: &Name, scope: &dyn Scope, findings: &mut Findings) {
                match self { $(Self::$kind(spec) => spec.check_in(name, scope, findings),)+ }
            }

            /// What the target sets when it creates the object.
            #[must_use]
            pub fn server_set(&self, creation: &Creation) -> Value {
                match self { $(Self::$kind(spec) => spec.server_set(creation),)+ }
            }

            /// What the target sets when it changes `before` into this.
            #[must_use]
            pub fn server_set_on_update(&self, before: Before<'_, Spec>, now: jiff::Timestamp) -> Value {
                match self { $(Self::$kind(spec) => {
                    // An object never changes its kind; were it asked, nothing of the old one would be touched.
                    let Self::$kind(old) = before.spec else { return before.server_set.clone() };
                    spec.server_set_on_update(Before { spec: &**old, server_set: before.server_set }, now)
                })+ }
            }

            /// Who would be reached at once by creating this, or by changing `before` into it.
            #[must_use]
            pub fn reach(&self, before: Option<Before<'_, Spec>>, now: jiff::Timestamp) -> Option<Reach> {
                match self { $(Self::$kind(spec) => {
                    let before = before.and_then(|before| {
                        let Self::$kind(old) = before.spec else { return None };
                        Some(Before { spec: &**old, server_set: before.server_set })
                    });
                    spec.reach(before, now)
                })+ }
            }

            /// The field whose time lies so far back that writing this now would be without effect.
            #[must_use]
            pub fn already_past(&self, now: jiff::Timestamp) -> Option<Path> {
                match self { $(Self::$kind(spec) => spec.already_past(now),)+ }
            }

            /// Why the live object can no longer be changed, given what the target has set on it.
            #[must_use]
            pub fn closed(&self, server_set: &Value, now: jiff::Timestamp) -> Option<String> {
                match self { $(Self::$kind(spec) => spec.closed(server_set, now),)+ }
            }
        }
    };
}

kinds! {
    System in system as SystemSpec;
    EventType in event_type as EventTypeSpec;
    Template in template as TemplateSpec;
    Audience in audience as AudienceSpec;
    Notification in notification as NotificationSpec;
    Destination in destination as DestinationSpec;
    Webhook in webhook as WebhookSpec;
    IncomingWebhook in incoming_webhook as IncomingWebhookSpec;
    Workflow in workflow as WorkflowSpec;
}

impl Kind {
    /// The kind a person means: `webhook`, `incoming-webhook`, `IncomingWebhook`. Manifests are not read so.
    #[must_use]
    pub fn named_like(text: &str) -> Option<Self> {
        let bare = text.replace('-', "");
        Self::ALL.iter().find(|kind| kind.as_str().eq_ignore_ascii_case(&bare)).copied()
    }
}

impl serde::Serialize for Kind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for Kind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(|()| serde::de::Error::custom(format!("`{text}` is not a kind")))
    }
}
