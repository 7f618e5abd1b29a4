//! What `trueup explain` says about a kind, a field or a diagnostic code, and the reference pages made of the same.
//!
//! Everything is read from the module documentation, the schema and the field table; nothing is said twice.

mod field;
mod markdown;
mod reference;
mod subject;
mod type_text;

use serde_json::Value;

pub use markdown::table;
pub use reference::{codes_reference, document_reference, events_reference, kind_reference};
pub use subject::DocumentKind;

use super::catalogue::{EVENTS, Event, Property};
use super::schema::{first_paragraph, sites};
use super::{DataClass, Kind, ManifestKind};
use crate::base::code::Code;
use crate::base::diagnostic::nearest;
use subject::Subject;

/// All that is known about a topic; a view chooses how to show it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explanation {
    /// `Webhook`, `Webhook.spec.event` or a code; empty segments skipped by the reader are filled in.
    pub title: String,
    /// What a value of it looks like: `list of text`. `None` for codes and for the list of kinds.
    pub type_text: Option<String>,
    /// Whether it must be given; false for what is no field.
    pub required: bool,
    /// What its absence means.
    pub default: Option<Value>,
    /// One paragraph.
    pub description: String,
    /// The kind that it names.
    pub reference: Option<Kind>,
    /// What a change and a removal become; for kinds.
    pub life_cycle: Option<&'static str>,
    /// Cannot be changed once the object exists.
    pub immutable: bool,
    /// Takes a reference to a secret.
    pub secret: bool,
    /// What its values say about people.
    pub class: DataClass,
    /// The tags it exists with, such as `type: bearer`; empty when with all.
    pub only_with: Vec<String>,
    /// The values it takes, when they are listed.
    pub allowed: Vec<Allowed>,
    /// What stands below it.
    pub children: Vec<Child>,
    /// The long text in Markdown; empty when the description says it all.
    pub text: String,
}

/// A value that a field takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// As written in a manifest.
    pub value: String,
    /// What it means; may be empty.
    pub description: String,
    /// What it belongs to; empty when the values have no groups.
    pub group: String,
}

/// What stands directly below a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Child {
    /// Its name.
    pub name: String,
    /// What a value of it looks like.
    pub type_text: String,
    /// Whether it must be given.
    pub required: bool,
    /// The first line of its description.
    pub description: String,
    /// The tags it exists with; empty when with all.
    pub only_with: Vec<String>,
}

/// A topic there is nothing to say about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExplainError {
    /// Neither a kind nor an event nor a code.
    #[error("`{topic}` is neither a kind nor an event nor a diagnostic code{}", did_you_mean(.nearest.as_deref()))]
    UnknownTopic {
        /// What was asked for.
        topic: String,
        /// What it may have been meant to be.
        nearest: Option<String>,
    },
    /// A field that does not exist.
    #[error("there is no field `{field}` in `{within}`{}", did_you_mean(.nearest.as_deref()))]
    UnknownField {
        /// What was asked for.
        field: String,
        /// Where it was looked for.
        within: String,
        /// What it may have been meant to be.
        nearest: Option<String>,
    },
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map(|nearest| format!(": did you mean `{nearest}`?")).unwrap_or_default()
}

/// Explains `Kind`, `Kind.spec.field.below` (`spec.` may be left out, lists and free keys may be skipped), a built-in
/// event or a code. Kinds are recognised in any case. `documents` are explained as the kinds are.
///
/// # Errors
/// When there is no such kind, field, event or code; the error names one that is near.
pub fn explain(topic: &str, documents: &[DocumentKind<'_>]) -> Result<Explanation, ExplainError> {
    let topic = topic.trim();
    if let Some(event) = EVENTS.get(topic) {
        return Ok(of_event(event));
    }
    if let Ok(code) = topic.parse::<Code>() {
        return Ok(of_code(code));
    }
    let (head, rest) = topic.split_once('.').unwrap_or((topic, ""));
    let document = || documents.iter().find(|document| document.name.eq_ignore_ascii_case(head));
    let subject = ManifestKind::named_like(head).map(Subject::of_kind).or_else(|| document().map(Subject::of_document));
    if let Some(subject) = subject {
        return if rest.is_empty() { Ok(of_subject(&subject)) } else { field::of_field(&subject, rest) };
    }
    let mut kinds: Vec<&str> = ManifestKind::all().map(ManifestKind::as_str).collect();
    kinds.extend(documents.iter().map(|document| document.name));
    let near = if rest.is_empty() {
        nearest(head, kinds.into_iter().chain(Code::ALL.iter().map(|code| code.as_str()))).map(str::to_owned)
    } else {
        let event = nearest(topic, EVENTS.keys().copied()).map(str::to_owned);
        event.or_else(|| nearest(head, kinds).map(|near| format!("{near}.{rest}")))
    };
    Err(ExplainError::UnknownTopic { topic: topic.chars().take(120).collect(), nearest: near })
}

/// The kinds, for a reader who named no topic.
#[must_use]
pub fn overview(documents: &[DocumentKind<'_>]) -> Explanation {
    let child = |name: &str, documentation: &str| Child {
        name: name.to_owned(),
        type_text: "kind".into(),
        required: false,
        description: first_sentence(&first_paragraph(documentation)),
        only_with: Vec::new(),
    };
    let kinds = ManifestKind::all().map(|kind| child(kind.as_str(), &kind.documentation()));
    let documents = documents.iter().map(|document| child(document.name, document.documentation));
    Explanation {
        title: "Kinds".into(),
        description: "Name a kind, a field of one (Webhook.spec.event), an event (survey.submitted) or a diagnostic code (unknown-field).".into(),
        children: kinds.chain(documents).collect(),
        ..Explanation::default()
    }
}

fn of_subject(subject: &Subject<'_>) -> Explanation {
    let Subject { name, documentation, schema, tree: _, life_cycle } = subject;
    let spec = sites::key(schema, &sites::root(schema), "spec");
    Explanation {
        title: (*name).to_owned(),
        type_text: Some("kind".into()),
        description: first_paragraph(documentation),
        life_cycle: *life_cycle,
        children: field::children(schema, &spec),
        text: documentation.clone().into_owned(),
        ..Explanation::default()
    }
}

fn of_event(event: &Event) -> Explanation {
    let Event { id, group, happens, properties } = event;
    let child = |(name, property): (&&str, &Property)| Child {
        name: (*name).to_owned(),
        type_text: property.value_type.as_str().to_owned(),
        required: false,
        description: property.class.as_str().to_owned(),
        only_with: Vec::new(),
    };
    Explanation {
        title: (*id).to_owned(),
        description: format!("{group}: {happens}."),
        children: properties.iter().map(child).collect(),
        ..Explanation::default()
    }
}

fn of_code(code: Code) -> Explanation {
    Explanation {
        title: code.as_str().to_owned(),
        description: code.title().to_owned(),
        text: code.explanation().to_owned(),
        ..Explanation::default()
    }
}

/// A description's first sentence, for a list.
fn first_sentence(text: &str) -> String {
    match text.split_once(". ") {
        Some((first, _)) => format!("{first}."),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
