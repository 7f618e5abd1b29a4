//! The request that an event gives rise to, as reviewers are shown it, and how two of them differ.

use serde_json::Value;

use super::routes::Sender;
use crate::base::path::Path;
use crate::base::secret::SecretRef;
use crate::behaviour::delivery::request;
use crate::behaviour::event::StoredEvent;
use crate::behaviour::request::{Content, OutgoingRequest, RequestAuth, SecretPlace};
use crate::kinds::DataClass;
use crate::kinds::destination::Method;
use crate::kinds::scope::EventProperties;
use crate::kinds::webhook::Properties;
use crate::plan::plan_value::Change;
use crate::plan::shown::{SecretState, Shown};

/// One part of a request.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) path: Path,
    pub(super) value: PartValue,
}

/// What stands there.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum PartValue {
    /// Anybody may see it.
    Plain(Value),
    /// It says something about a person.
    Personal(Value),
    /// Known to the target only.
    Secret(SecretRef),
}

/// The parts of a request in the order they are shown.
pub(super) fn parts(sender: &Sender<'_>, event: &StoredEvent) -> Vec<Part> {
    let bare = request(&serde_json::Map::new(), sender.destination);
    let OutgoingRequest { method, url, headers, body: _, auth, signing } = bare;
    let part = |path: Path, value: PartValue| Part { path, value };
    let plain = |text: &str| PartValue::Plain(text.into());
    let mut parts = vec![part(Path::keys("method"), plain(method.as_str())), part(Path::keys("url"), plain(&url))];
    for (name, content) in headers {
        let value = match content {
            Content::Plain(text) => plain(&text),
            Content::Secret(SecretPlace { path: _, reference }) => PartValue::Secret(reference),
        };
        parts.push(part(Path::keys("headers").key(&name), value));
    }
    parts.extend(authentication(auth).into_iter().map(|(name, value)| part(Path::keys("auth").key(name), value)));
    if let Some(SecretPlace { path: _, reference }) = signing {
        parts.push(part(Path::keys("signing"), PartValue::Secret(reference)));
    }
    let root = match sender.destination.method {
        Method::Get => Path::keys("query"),
        Method::Post | Method::Put | Method::Patch | Method::Delete => Path::keys("body"),
    };
    let properties = &sender.spec.properties;
    for (name, value) in sender.webhook.shape(event) {
        let value = if is_personal(&name, event, properties, sender.known) {
            PartValue::Personal(value)
        } else {
            PartValue::Plain(value)
        };
        parts.push(part(root.key(&name), value));
    }
    parts
}

fn authentication(auth: RequestAuth) -> Vec<(&'static str, PartValue)> {
    let plain = |value: Value| PartValue::Plain(value);
    let secret = |place: SecretPlace| PartValue::Secret(place.reference);
    match auth {
        RequestAuth::None => Vec::new(),
        RequestAuth::Bearer { token } => vec![("type", plain("bearer".into())), ("token", secret(token))],
        RequestAuth::Basic { username, password } => {
            vec![("type", plain("basic".into())), ("username", plain(username.into())), ("password", secret(password))]
        }
        RequestAuth::Oauth2 { token_url, client_id, client_secret, scopes, audience } => {
            let mut parts = vec![
                ("type", plain("oauth2".into())),
                ("tokenUrl", plain(token_url.into())),
                ("clientId", plain(client_id.into())),
                ("clientSecret", secret(client_secret)),
            ];
            if !scopes.is_empty() {
                parts.push(("scopes", plain(scopes.into())));
            }
            parts.extend(audience.map(|audience| ("audience", plain(audience.into()))));
            parts
        }
    }
}

/// Whether what is sent under a name is personal: by the class of the event's property it is taken from. One that the
/// event does not declare is guarded.
fn is_personal(sent: &str, event: &StoredEvent, properties: &Properties, known: Option<EventProperties<'_>>) -> bool {
    if properties.fixed.contains_key(sent) {
        return false;
    }
    let mut sources = event.properties.keys().filter(|name| properties.sent_as(name) == Some(sent));
    sources.any(|name| {
        let class = known.and_then(|known| known.get(name)).map(|property| property.class);
        match class {
            Some(DataClass::Personal) | None => true,
            Some(DataClass::Technical | DataClass::Content) => false,
        }
    })
}

/// How two requests differ; one that is there on one side only differs in everything.
pub(super) fn changes(before: Option<Vec<Part>>, after: Option<Vec<Part>>) -> Vec<Change> {
    let one_sided = before.is_none() || after.is_none();
    let (before, mut after) = (before.unwrap_or_default(), after.unwrap_or_default());
    let mut changes = Vec::new();
    for Part { path, value } in before {
        let at = after.iter().position(|part| part.path == path);
        let new = at.map(|at| after.remove(at).value);
        if new.as_ref() != Some(&value) {
            changes.push(change(path, Some(value), new, one_sided));
        }
    }
    changes.extend(after.into_iter().map(|Part { path, value }| change(path, None, Some(value), one_sided)));
    changes
}

fn change(path: Path, before: Option<PartValue>, after: Option<PartValue>, one_sided: bool) -> Change {
    let personal = |value: &Option<PartValue>| matches!(value, Some(PartValue::Personal(_)));
    // A property whose class changes is guarded on both sides.
    let guarded = personal(&before) || personal(&after);
    let state = if one_sided { SecretState::Unchanged } else { SecretState::Changed };
    let shown = |value: PartValue| match value {
        PartValue::Plain(value) if guarded => Shown::Personal(value),
        PartValue::Plain(value) => Shown::Plain(value),
        PartValue::Personal(value) => Shown::Personal(value),
        PartValue::Secret(reference) => Shown::Secret { state, reference: Some(reference) },
    };
    let is_text = |value: &Option<PartValue>| match value {
        Some(PartValue::Plain(Value::String(text))) => text.trim_end().contains('\n'),
        Some(PartValue::Plain(_) | PartValue::Personal(_) | PartValue::Secret(_)) | None => false,
    };
    let is_text = is_text(&before) && is_text(&after);
    Change { is_text, ..Change::new(path, before.map(shown), after.map(shown)) }
}
