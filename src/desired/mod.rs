//! Stage 2: documents become typed, defaulted, checked state.
//!
//! Each document is checked against its kind's schema and typed as it is loaded; then the objects are completed from
//! one another, checked together and brought into canonical form.

pub mod assemble;
pub mod client_side;
pub mod document;
pub mod load;
pub mod secrets;

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use client_side::ClientManifest;

use crate::base::digest::Digest;
use crate::base::ident::Name;
use crate::base::path::Path;
use crate::base::positions::Positions;
use crate::base::secret::SecretRef;
use crate::base::source::{FileId, SourceMap, Span};
use crate::kinds::scope::Scope;
use crate::kinds::{Address, Kind, Metadata, Spec, canonical};
use crate::manifest::Project;

/// All manifests of a project for one target: resolved, typed, checked.
#[derive(Debug)]
pub struct Desired {
    /// The project and its chosen target.
    pub project: Project,
    /// In the order of their addresses, each address once.
    pub objects: Vec<DesiredObject>,
    /// What is never sent to a target, in the order of its addresses.
    pub client_side: Vec<ClientManifest>,
    /// Of everything that the plan depends on in the manifests.
    pub digest: Digest,
    /// The files, for positions.
    pub sources: SourceMap,
    /// The files that were asked for, where the path is not the whole project's: a plan is narrowed to them.
    pub asked: Option<BTreeSet<FileId>>,
    /// Whether the project may have manifests that were not loaded, so that nothing may be pruned.
    pub partial: bool,
}

/// One manifest.
#[derive(Debug)]
pub struct DesiredObject {
    /// Kind and name.
    pub address: Address,
    /// Canonical. Shared with what looks at whole configurations, so that looking does not copy them.
    pub metadata: Arc<Metadata>,
    /// The former name, when the manifest says it was renamed.
    pub former_name: Option<Name>,
    /// Whether the manifest says that `reconcile` leaves the object alone.
    pub reconcile_suspended: bool,
    /// Canonical; shared likewise.
    pub spec: Arc<Spec>,
    /// Digest of the canonical form.
    pub digest: Digest,
    /// The objects of the project it refers to.
    pub links: Vec<Link>,
    /// Its secrets.
    pub secrets: Vec<SecretLink>,
    /// Where its values were written.
    pub positions: Positions,
    /// The document.
    pub span: Span,
}

/// A reference to another object of the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where.
    pub path: Path,
    /// To what.
    pub to: Address,
    /// The object referred to must have its settings published.
    pub needs_published: bool,
}

/// A secret of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretLink {
    /// Where.
    pub path: Path,
    /// Where the content comes from.
    pub reference: SecretRef,
}

impl DesiredObject {
    /// The canonical `{"metadata": …, "spec": …}`, made anew: keeping it would double what a loaded project weighs.
    ///
    /// # Errors
    /// Never for an object that was loaded.
    pub fn canonical(&self) -> Result<Value, serde_json::Error> {
        canonical::value(&self.metadata, &self.spec)
    }
}

impl Desired {
    /// Whether an object stands in a file that was asked for.
    #[must_use]
    pub fn is_asked(&self, object: &DesiredObject) -> bool {
        self.is_asked_file(object.span.file)
    }

    /// Whether a file of manifests was asked for.
    #[must_use]
    pub fn is_asked_file(&self, file: FileId) -> bool {
        self.asked.as_ref().is_none_or(|asked| asked.contains(&file))
    }

    /// Whether this is all of a project, and all of it was asked for.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        !self.partial && self.asked.is_none()
    }

    /// The object of an address.
    #[must_use]
    pub fn get(&self, address: &Address) -> Option<&DesiredObject> {
        let at = self.objects.binary_search_by(|object| object.address.cmp(address)).ok()?;
        self.objects.get(at)
    }
}

/// Objects in the order of their addresses, as checks see them.
#[derive(Debug)]
pub struct Objects<'o> {
    all: &'o [DesiredObject],
    /// Made when first asked for.
    system_ids: OnceCell<HashMap<String, &'o Name>>,
    own_properties: OnceCell<HashSet<&'o str>>,
}

impl<'o> Objects<'o> {
    /// A view of these objects, which must be in the order of their addresses.
    #[must_use]
    pub fn new(objects: &'o [DesiredObject]) -> Self {
        Self { all: objects, system_ids: OnceCell::new(), own_properties: OnceCell::new() }
    }

    fn of(&self, kind: Kind) -> &'o [DesiredObject] {
        let start = self.all.partition_point(|object| object.address.kind < kind);
        let of_kind = self.all.get(start..).unwrap_or_default();
        let end = of_kind.partition_point(|object| object.address.kind == kind);
        of_kind.get(..end).unwrap_or_default()
    }
}

impl Scope for Objects<'_> {
    fn get(&self, kind: Kind, name: &str) -> Option<&Spec> {
        let of_kind = self.of(kind);
        let at = of_kind.binary_search_by(|object| object.address.name.as_str().cmp(name)).ok()?;
        of_kind.get(at).map(|object| &*object.spec)
    }

    fn names(&self, kind: Kind) -> Vec<&Name> {
        self.of(kind).iter().map(|object| &object.address.name).collect()
    }

    fn system_of_id(&self, id: &str) -> Option<&Name> {
        let ids = self.system_ids.get_or_init(|| {
            let mut ids = HashMap::new();
            for object in self.of(Kind::System) {
                if let Spec::System(spec) = &*object.spec
                    && let Some(id) = &spec.system_id
                {
                    ids.entry(id.to_ascii_lowercase()).or_insert(&object.address.name);
                }
            }
            ids
        });
        ids.get(&id.to_ascii_lowercase()).copied()
    }

    fn has_own_property(&self, property: &str) -> bool {
        let properties = self.own_properties.get_or_init(|| {
            let mut properties = HashSet::new();
            for object in self.of(Kind::EventType) {
                if let Spec::EventType(spec) = &*object.spec {
                    properties.extend(spec.properties.keys().map(String::as_str));
                }
            }
            properties
        });
        properties.contains(property)
    }
}
