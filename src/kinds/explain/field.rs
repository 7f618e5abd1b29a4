//! Finding a field by what a person types, and all that is known about it.

use serde_json::Value;

use super::subject::Subject;
use super::type_text::{allowed, type_text};
use super::{Allowed, Child, ExplainError, Explanation, first_sentence};
use crate::base::diagnostic::nearest;
use crate::base::path::Path;
use crate::kinds::catalogue::EVENTS;
use crate::kinds::field::{Compare, FieldTree};
use crate::kinds::schema::sites::{self, FieldSite, Site};
use crate::kinds::schema::{CLASS_MARK, IMMUTABLE_MARK, REFERENCE_MARK, SECRET_MARK};
use crate::kinds::{DataClass, Kind};

/// How many lists and free keys a reader may skip in a row.
const SKIP_LIMIT: usize = 4;

/// A place on the way to a field.
#[derive(Clone)]
struct Found<'s> {
    at: Vec<Site<'s>>,
    /// `spec.steps[].headers.*`
    written: String,
    /// The same for the field table.
    path: Path,
    required: bool,
    only_with: Vec<(&'s str, &'s str)>,
    /// The fields beside it.
    beside: Vec<FieldSite<'s>>,
}

/// Explains the field that `rest`, which follows the kind and a dot, leads to.
pub(super) fn of_field(subject: &Subject<'_>, rest: &str) -> Result<Explanation, ExplainError> {
    let root = subject.schema;
    let top = Found {
        at: sites::root(root),
        written: String::new(),
        path: Path::root(),
        required: true,
        only_with: Vec::new(),
        beside: Vec::new(),
    };
    let segments: Vec<&str> = rest.split('.').filter(|segment| !segment.is_empty()).collect();
    let first = segments.first().map(|segment| bare(segment)).unwrap_or_default();
    let from = match sites::field(root, &top.at, first) {
        Some(_) => top,
        None => named(root, &top, "spec").unwrap_or(top),
    };
    let mut found = from;
    for (n, segment) in segments.iter().enumerate() {
        let Some(next) = step(root, &found, bare(segment)) else {
            return Err(unknown(subject.name, root, &found, bare(segment), n == 0));
        };
        let (Step::Named(at) | Step::Free(at)) = &next;
        found = at.clone();
        if matches!(next, Step::Free(_)) && names(root, &found).is_empty() {
            // The rest is one key with dots in it, as annotations have.
            break;
        }
    }
    Ok(explained(subject, root, &found))
}

/// A segment without the `[]`, `[0]` or `[ask]` that may follow it.
fn bare(segment: &str) -> &str {
    segment.split('[').next().unwrap_or(segment)
}

enum Step<'s> {
    Named(Found<'s>),
    Free(Found<'s>),
}

fn step<'s>(root: &'s Value, from: &Found<'s>, segment: &str) -> Option<Step<'s>> {
    let mut at = from.clone();
    let mut free = None;
    for _ in 0..=SKIP_LIMIT {
        if let Some(next) = named(root, &at, segment) {
            return Some(Step::Named(next));
        }
        let any = sites::any_key(root, &at.at);
        if !any.is_empty() && free.is_none() {
            free = Some(below(&at, any, ".*", Path::key(&at.path, "*")));
        }
        let Some(next) = skip(root, &at) else { break };
        at = next;
    }
    free.map(Step::Free)
}

fn named<'s>(root: &'s Value, from: &Found<'s>, name: &str) -> Option<Found<'s>> {
    let beside = sites::fields(root, &from.at);
    let field = beside.iter().find(|field| field.name == name)?.clone();
    let dot = if from.written.is_empty() { "" } else { "." };
    Some(Found {
        at: field.sites,
        written: format!("{}{dot}{name}", from.written),
        path: from.path.key(name),
        required: field.required,
        only_with: field.only_with,
        beside,
    })
}

/// One level down, to the elements of a list or the values of free keys.
fn skip<'s>(root: &'s Value, from: &Found<'s>) -> Option<Found<'s>> {
    let elements = sites::element(root, &from.at);
    if !elements.is_empty() {
        return Some(below(from, elements, "[]", from.path.index(0)));
    }
    let any = sites::any_key(root, &from.at);
    (!any.is_empty()).then(|| below(from, any, ".*", from.path.key("*")))
}

fn below<'s>(from: &Found<'s>, at: Vec<Site<'s>>, suffix: &str, path: Path) -> Found<'s> {
    Found {
        at,
        written: format!("{}{suffix}", from.written),
        path,
        required: false,
        only_with: Vec::new(),
        beside: Vec::new(),
    }
}

/// The names that could follow, behind lists and free keys, too.
fn names<'s>(root: &'s Value, from: &Found<'s>) -> Vec<&'s str> {
    let mut at = from.clone();
    let mut names = Vec::new();
    for _ in 0..=SKIP_LIMIT {
        names.extend(sites::fields(root, &at.at).iter().map(|field| field.name));
        let Some(next) = skip(root, &at) else { break };
        at = next;
    }
    names
}

fn unknown(name: &str, root: &Value, from: &Found<'_>, field: &str, first: bool) -> ExplainError {
    let mut candidates = names(root, from);
    if first {
        candidates.extend(sites::fields(root, &sites::root(root)).iter().map(|field| field.name));
    }
    let within = if from.written.is_empty() { name.to_owned() } else { format!("{name}.{}", from.written) };
    let nearest = nearest(field, candidates).map(str::to_owned);
    ExplainError::UnknownField { field: field.chars().take(120).collect(), within, nearest }
}

fn explained(subject: &Subject<'_>, root: &Value, found: &Found<'_>) -> Explanation {
    let at = &found.at;
    let with_elements: Vec<Site<'_>> = at.iter().cloned().chain(sites::element(root, at)).collect();
    let reference = mark(&with_elements, REFERENCE_MARK).and_then(Value::as_str).and_then(|kind| kind.parse().ok());
    let mut allowed = allowed(root, at);
    if allowed.is_empty() {
        allowed = self::allowed(root, &sites::element(root, at));
    }
    if reference == Some(Kind::EventType) {
        allowed = EVENTS
            .values()
            .map(|event| Allowed {
                value: event.id.into(),
                description: event.happens.into(),
                group: event.group.into(),
            })
            .collect();
    }
    let description = description(at);
    let row = subject.tree.and_then(|tree| tree.at(&found.path)).and_then(FieldTree::field);
    let secret = is_secret(root, at);
    let notes = [
        said_by_type(root, found, &allowed, &description),
        (row.is_some_and(|row| row.compare == Compare::Set))
            .then(|| "The order of its elements does not matter.".into()),
        secret.then(|| "A secret is never written out: `{ fromEnv: NAME }`, `{ fromFile: path }` or `{ fromCommand: [program, argument] }`.".into()),
        row.is_some_and(|row| row.immutable)
            .then(|| "It cannot be changed; another value needs an object with a new name.".into()),
        row.is_some_and(|row| row.beside_versions)
            .then(|| "It lives beside the versions: a change makes no new one.".into()),
        row.is_some_and(|row| row.needs_published)
            .then(|| "The settings of the object it names must be published.".into()),
    ];
    Explanation {
        title: format!("{}.{}", subject.name, found.written),
        type_text: Some(type_text(root, at)),
        required: found.required,
        default: agreed_default(at).cloned(),
        description,
        reference,
        life_cycle: None,
        immutable: mark(at, IMMUTABLE_MARK).is_some(),
        secret,
        class: class(at),
        only_with: tags(&found.only_with),
        allowed,
        children: children(root, at),
        text: notes.into_iter().flatten().collect::<Vec<String>>().join("\n\n"),
    }
}

/// A free text whose meaning depends on the `type` beside it: what the types say.
fn said_by_type(root: &Value, found: &Found<'_>, own: &[Allowed], description: &str) -> Option<String> {
    let is_type = found.path.segments().last() == Path::keys("type").segments().first();
    if !own.is_empty() || is_type || !description.contains("type") {
        return None;
    }
    let types = allowed(root, &found.beside.iter().find(|field| field.name == "type")?.sites);
    let lines: Vec<String> = types
        .iter()
        .filter(|allowed| !allowed.description.is_empty())
        .map(|allowed| format!("- `{}`: {}", allowed.value, allowed.description))
        .collect();
    (!lines.is_empty()).then(|| format!("By `type`:\n\n{}", lines.join("\n")))
}

/// What stands below, behind lists and free keys if there is nothing before them.
pub(super) fn children(root: &Value, at: &[Site<'_>]) -> Vec<Child> {
    let mut at = at.to_vec();
    for _ in 0..=SKIP_LIMIT {
        // How a secret is referred to is said once, in words.
        if is_secret(root, &at) {
            break;
        }
        let fields = sites::fields(root, &at);
        if !fields.is_empty() {
            return fields.iter().map(|field| child(root, field)).collect();
        }
        let elements = sites::element(root, &at);
        at = if elements.is_empty() { sites::any_key(root, &at) } else { elements };
    }
    Vec::new()
}

fn child(root: &Value, field: &FieldSite<'_>) -> Child {
    Child {
        name: field.name.to_owned(),
        type_text: type_text(root, &field.sites),
        required: field.required,
        description: first_sentence(&description(&field.sites)),
        only_with: tags(&field.only_with),
    }
}

/// Tags as people read them, one text for each name: `type: bearer, basic`.
pub(super) fn tags(tags: &[(&str, &str)]) -> Vec<String> {
    let mut texts: Vec<(&str, String)> = Vec::new();
    for (name, value) in tags {
        match texts.iter_mut().find(|(other, _)| other == name) {
            Some((_, text)) => text.extend([", ", value]),
            None => texts.push((name, format!("{name}: {value}"))),
        }
    }
    texts.into_iter().map(|(_, text)| text).collect()
}

/// What places say, each thing once: what another place says with more words is left out.
pub(super) fn description(at: &[Site<'_>]) -> String {
    let mut said: Vec<&str> = Vec::new();
    for words in at.iter().filter_map(|site| site.schema.get("description")?.as_str()) {
        if !said.iter().any(|other| other.starts_with(words)) {
            said.retain(|other| !words.starts_with(other));
            said.push(words);
        }
    }
    if said.is_empty() && !at.is_empty() && at.iter().all(|site| site.schema.get("const").is_some()) {
        return "Which form it has; each has fields of its own.".into();
    }
    said.join(" ")
}

/// The default that all places give.
pub(super) fn agreed_default<'s>(at: &[Site<'s>]) -> Option<&'s Value> {
    let first = at.first()?.schema.get("default")?;
    at.iter().all(|site| site.schema.get("default") == Some(first)).then_some(first)
}

/// A mark that one of the places has.
pub(super) fn mark<'s>(at: &[Site<'s>], name: &str) -> Option<&'s Value> {
    at.iter().find_map(|site| site.schema.get(name))
}

/// Whether a reference to a secret can stand here.
pub(super) fn is_secret(root: &Value, at: &[Site<'_>]) -> bool {
    mark(&sites::facets(root, at), SECRET_MARK).is_some()
}

/// The data class that the field table gives.
pub(super) fn class(at: &[Site<'_>]) -> DataClass {
    match mark(at, CLASS_MARK).and_then(Value::as_str) {
        Some("personal") => DataClass::Personal,
        Some("content") => DataClass::Content,
        _ => DataClass::Technical,
    }
}
