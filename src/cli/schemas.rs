//! The published schemas by name: what `trueup schema` prints and the folder `schemas/` holds.

use serde_json::Value;

use super::view::reconcile_json::tick_schema;
use super::view::test_json::test_report_schema;
use crate::kinds::ManifestKind;
use crate::kinds::explain::DocumentKind;
use crate::kinds::schema::{Variety, all_schema, file_name, to_draft07};
use crate::manifest::{project_documentation, project_schema};
use crate::plan::file_v1::plan_schema;
use crate::steward::status::status_schema;

/// A schema that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishedSchema {
    /// Manifests of one kind.
    Kind(ManifestKind),
    /// Manifests of every kind and the project file.
    Manifest,
    /// The same for editors that know draft-07 only.
    ManifestDraft07,
    /// The project file.
    Project,
    /// A saved plan.
    Plan,
    /// A report of tests.
    TestReport,
    /// One tick of reconcile.
    ReconcileTick,
    /// How a reconcile that runs as a service stands.
    ReconcileStatus,
}

impl PublishedSchema {
    /// All of them: those of kinds first.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let kinds = ManifestKind::all().map(Self::Kind);
        let manifests = [Self::Manifest, Self::ManifestDraft07, Self::Project];
        let documents = [Self::Plan, Self::TestReport, Self::ReconcileTick, Self::ReconcileStatus];
        kinds.chain(manifests).chain(documents).collect()
    }

    /// The one that a person means: `webhook`, `IncomingWebhook`, `manifest-draft-07`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let lower = name.to_ascii_lowercase();
        let others = Self::all().into_iter().find(|schema| schema.name() == lower);
        others.or_else(|| ManifestKind::named_like(name).map(Self::Kind))
    }

    /// What it is asked for by.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Kind(kind) => file_name(kind).trim_end_matches(".schema.json").to_owned(),
            Self::Manifest => "manifest".to_owned(),
            Self::ManifestDraft07 => "manifest-draft-07".to_owned(),
            Self::Project => "project".to_owned(),
            Self::Plan => "plan".to_owned(),
            Self::TestReport => "test-report".to_owned(),
            Self::ReconcileTick => "reconcile-tick".to_owned(),
            Self::ReconcileStatus => "reconcile-status".to_owned(),
        }
    }

    /// The name of its file.
    #[must_use]
    pub fn file(self) -> String {
        match self {
            Self::ManifestDraft07 => "manifest.draft-07.schema.json".to_owned(),
            Self::Kind(_)
            | Self::Manifest
            | Self::Project
            | Self::Plan
            | Self::TestReport
            | Self::ReconcileTick
            | Self::ReconcileStatus => format!("{}.schema.json", self.name()),
        }
    }

    /// What it describes.
    #[must_use]
    pub fn about(self) -> String {
        match self {
            Self::Kind(kind) => format!("manifests of kind {kind}"),
            Self::Manifest => "manifests of every kind, and the project file".to_owned(),
            Self::ManifestDraft07 => "the same in draft-07, for older editors".to_owned(),
            Self::Project => "the project file, trueup.yaml".to_owned(),
            Self::Plan => "a plan, as printed by `plan -o json` and saved by `plan --out`".to_owned(),
            Self::TestReport => "what came of tests, as printed by `test -o json`".to_owned(),
            Self::ReconcileTick => "one tick, as told in a line by `reconcile -o json`".to_owned(),
            Self::ReconcileStatus => "how things stand, as answered at `/status` by `reconcile --listen`".to_owned(),
        }
    }

    /// The schema. Of a project file and of what is told there is one variety only.
    #[must_use]
    pub fn schema(self, variety: Variety) -> Value {
        match self {
            Self::Kind(kind) => variety.schema(kind),
            Self::Manifest => all_schema(variety, project_schema()),
            Self::ManifestDraft07 => to_draft07(all_schema(variety, project_schema())),
            Self::Project => project_schema(),
            Self::Plan => plan_schema(),
            Self::TestReport => test_report_schema(),
            Self::ReconcileTick => tick_schema(),
            Self::ReconcileStatus => status_schema(),
        }
    }

    /// The schema as it is printed: indented, with a line break at its end.
    #[must_use]
    pub fn text(self, variety: Variety) -> String {
        format!("{:#}\n", self.schema(variety))
    }
}

/// Calls `use_it` with the documents that are explained as kinds are: the project file.
pub fn with_documents<T>(use_it: impl FnOnce(&[DocumentKind<'_>]) -> T) -> T {
    let (documentation, schema) = (project_documentation(), project_schema());
    use_it(&[DocumentKind { name: "Project", documentation: &documentation, schema: &schema }])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_is_found_by_its_name() {
        for schema in PublishedSchema::all() {
            assert_eq!(PublishedSchema::named(&schema.name()), Some(schema));
            assert!(schema.text(Variety::Strict).ends_with("}\n"));
        }
        let incoming = Some(PublishedSchema::Kind(ManifestKind::Managed(crate::kinds::Kind::IncomingWebhook)));
        for name in ["IncomingWebhook", "incomingwebhook", "incoming-webhook", "Incoming-Webhook"] {
            assert_eq!(PublishedSchema::named(name), incoming, "{name}");
        }
        assert_eq!(PublishedSchema::named("MANIFEST"), Some(PublishedSchema::Manifest));
        assert_eq!(PublishedSchema::named("webhok"), None);
    }
}
