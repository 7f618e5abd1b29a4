//! What has fields to explain: a kind, or a document that nothing manages.

use std::borrow::Cow;

use serde_json::Value;

use crate::kinds::schema::strict;
use crate::kinds::{FieldTree, ManifestKind};

/// A document with a schema that is no managed kind, such as the project file.
#[derive(Clone, Copy, Debug)]
pub struct DocumentKind<'d> {
    /// Its `kind`.
    pub name: &'d str,
    /// What it is, in Markdown.
    pub documentation: &'d str,
    /// Its schema, without references.
    pub schema: &'d Value,
}

/// Either of them.
#[derive(Debug)]
pub(super) struct Subject<'s> {
    pub(super) name: &'s str,
    pub(super) documentation: Cow<'s, str>,
    pub(super) schema: &'s Value,
    pub(super) tree: Option<&'static FieldTree>,
    pub(super) life_cycle: Option<&'static str>,
}

impl Subject<'static> {
    pub(super) fn of_kind(kind: ManifestKind) -> Self {
        let life_cycle = match kind {
            ManifestKind::Managed(kind) => Some(kind.life_cycle().description()),
            ManifestKind::ClientSide(_) => None,
        };
        Self {
            name: kind.as_str(),
            documentation: Cow::Owned(kind.documentation()),
            schema: strict(kind),
            tree: Some(kind.field_tree()),
            life_cycle,
        }
    }
}

impl<'s> Subject<'s> {
    pub(super) fn of_document(document: &DocumentKind<'s>) -> Self {
        let DocumentKind { name, documentation, schema } = *document;
        Self { name, documentation: Cow::Borrowed(documentation), schema, tree: None, life_cycle: None }
    }
}
