//! Which field of a webhook decided about one key of its body.

use super::configuration::{Configuration, Hook};
use super::report::Decider;
use crate::base::path::Path;
use crate::behaviour::event::StoredEvent;
use crate::kinds::system::censorship::INPUT_TEXT;
use crate::kinds::test::given::GivenEvent;
use crate::kinds::webhook::Include;
use crate::kinds::{Address, Kind};

/// The field that put a key into the body, or kept it out.
pub(super) fn decider(
    configuration: &Configuration<'_>,
    hook: &Hook<'_>,
    event: &StoredEvent,
    given: &GivenEvent,
    key: &str,
) -> Decider {
    let address = &hook.object.address;
    let properties = &hook.spec.properties;
    let at = Path::keys("spec.properties");
    if properties.fixed.contains_key(key) {
        return configuration.decider(address, at.key("static").key(key), format!("`{key}` is a static property"));
    }
    let renamed = properties.rename.iter().find(|(_, to)| *to == key).map(|(from, _)| from.as_str());
    let from = renamed.unwrap_or(key);
    let is_included = match &properties.include {
        Include::All => true,
        Include::These(list) => list.iter().any(|name| name == from),
    };
    if let Some(to) = properties.rename.get(from).filter(|to| *to != key && is_included) {
        let says = format!("`{from}` is sent as `{to}`");
        return configuration.decider(address, at.key("rename").key(from), says);
    }
    if !is_included {
        return configuration.decider(address, at.key("include"), format!("`{from}` is not included"));
    }
    if !event.properties.contains_key(from) {
        if given.properties.contains_key(from) || is_censored(given, from) {
            let system = Address::new(Kind::System, given.system.clone());
            let says = format!("System/{} drops `{from}` before anything is stored", given.system);
            return configuration.decider(&system, Path::keys("spec.censor"), says);
        }
        return configuration.decider(address, at.key("include"), format!("the event has no `{from}`"));
    }
    match (renamed, &properties.include) {
        (Some(from), _) => {
            configuration.decider(address, at.key("rename").key(from), format!("the event's `{from}`, renamed"))
        }
        (None, Include::These(_)) => configuration.decider(address, at.key("include"), format!("the event's `{from}`")),
        (None, Include::All) => {
            let says = format!("the event's `{from}`: all of its properties are sent");
            configuration.decider(address, at.key("include"), says)
        }
    }
}

/// Whether a property that stands beside `properties` was given, so that only censoring can have dropped it.
fn is_censored(given: &GivenEvent, name: &str) -> bool {
    match name {
        "eventId" | "event" | "occurredAt" | "systemId" | "endUserId" => true,
        "environment" => given.environment.is_some(),
        "sessionId" => given.session_id.is_some(),
        name => given.event == INPUT_TEXT.0 && name == INPUT_TEXT.1,
    }
}
