//! Kinds that are never sent to a target: they say what is to hold of the manifests, and live beside them.
//!
//! They share envelope, schemas, positions and reference pages with the managed kinds, and nothing of life cycles,
//! comparison or storage. Adding one is one file, one line in the list below and one example.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::field::{Field, FieldTree};
use super::finding::Findings;
use super::scope::Scope;
use super::{Kind, policy, test};
use crate::base::module_text::module_documentation;

/// What the file of a client-side kind gives to the rest of the program.
pub trait ClientSide: DeserializeOwned + JsonSchema {
    /// Whether what a plan says depends on it, so that a plan goes stale when it changes.
    const DECIDES_PLANS: bool;
    /// One row per schema property.
    const FIELDS: &'static [Field];

    /// What it gets wrong alone, beyond its schema.
    fn check(&self, findings: &mut Findings);

    /// What it gets wrong about the objects of the project.
    fn check_in(&self, scope: &dyn Scope, findings: &mut Findings);
}

macro_rules! client_kinds {
    ($($kind:ident in $module:ident as $spec:ident;)+) => {
        /// The name of a kind that is never sent to a target.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ClientKind { $(#[doc = concat!("See [`mod@", stringify!($module), "`].")] $kind,)+ }

        /// The typed spec of one such manifest.
        #[derive(Clone, Debug)]
        pub enum ClientSpec { $(#[doc = concat!("A ", stringify!($kind), ".")] $kind(Box<$module::$spec>),)+ }

        impl ClientKind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)+];

            /// As written in manifests.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$kind => stringify!($kind),)+ }
            }

            /// Whether what a plan says depends on it.
            #[must_use]
            pub fn decides_plans(self) -> bool {
                match self { $(Self::$kind => <$module::$spec as ClientSide>::DECIDES_PLANS,)+ }
            }

            /// The rows of its field table, those of the metadata apart.
            #[must_use]
            pub fn fields(self) -> &'static [Field] {
                match self { $(Self::$kind => <$module::$spec as ClientSide>::FIELDS,)+ }
            }

            /// Its rows as a tree, those of the metadata included.
            #[must_use]
            pub fn field_tree(self) -> &'static FieldTree {
                match self { $(Self::$kind => {
                    static TREE: LazyLock<FieldTree> = LazyLock::new(|| FieldTree::new(<$module::$spec as ClientSide>::FIELDS));
                    &TREE
                })+ }
            }

            /// Its documentation in Markdown: the module documentation of its file.
            #[must_use]
            pub fn documentation(self) -> String {
                let source = match self { $(Self::$kind => include_str!(concat!(stringify!($module), ".rs")),)+ };
                module_documentation(source)
            }

            /// Reads a spec that has passed the kind's schema.
            ///
            /// # Errors
            /// When a value cannot be held by the type; the text names the first one.
            pub fn read_spec(self, spec: &Value) -> Result<ClientSpec, serde_json::Error> {
                match self {
                    $(Self::$kind => serde::Deserialize::deserialize(spec).map(|spec| ClientSpec::$kind(Box::new(spec))),)+
                }
            }

            /// The JSON Schema of its spec, as the type gives it.
            #[must_use]
            pub fn spec_schema(self, generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                match self { $(Self::$kind => <$module::$spec as JsonSchema>::json_schema(generator),)+ }
            }
        }

        impl ClientSpec {
            /// Its kind.
            #[must_use]
            pub fn kind(&self) -> ClientKind {
                match self { $(Self::$kind(_) => ClientKind::$kind,)+ }
            }

            /// What it gets wrong alone.
            pub fn check(&self, findings: &mut Findings) {
                match self { $(Self::$kind(spec) => spec.check(findings),)+ }
            }

            /// What it gets wrong about the objects of the project.
            pub fn check_in(&self, scope: &dyn Scope, findings: &mut Findings) {
                match self { $(Self::$kind(spec) => spec.check_in(scope, findings),)+ }
            }
        }
    };
}

client_kinds! {
    Policy in policy as PolicySpec;
    Test in test as TestSpec;
}

impl FromStr for ClientKind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().find(|kind| kind.as_str() == text).copied().ok_or(())
    }
}

impl fmt::Display for ClientKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Any kind that a manifest can have; the project file is no manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ManifestKind {
    /// Sent to a target.
    Managed(Kind),
    /// Never sent.
    ClientSide(ClientKind),
}

impl From<Kind> for ManifestKind {
    fn from(kind: Kind) -> Self {
        Self::Managed(kind)
    }
}

impl From<ClientKind> for ManifestKind {
    fn from(kind: ClientKind) -> Self {
        Self::ClientSide(kind)
    }
}

impl ManifestKind {
    /// How many there are.
    pub const COUNT: usize = Kind::ALL.len() + ClientKind::ALL.len();

    /// All of them, the managed ones first.
    pub fn all() -> impl Iterator<Item = Self> + Clone {
        let managed = Kind::ALL.iter().copied().map(Self::Managed);
        managed.chain(ClientKind::ALL.iter().copied().map(Self::ClientSide))
    }

    /// Its place in [`ManifestKind::all`].
    #[must_use]
    pub fn index(self) -> usize {
        // Both enums are numbered in the order of their lists, because one list declares both.
        match self {
            Self::Managed(kind) => kind as usize,
            Self::ClientSide(kind) => Kind::ALL.len() + kind as usize,
        }
    }

    /// As written in manifests.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Managed(kind) => kind.as_str(),
            Self::ClientSide(kind) => kind.as_str(),
        }
    }

    /// Its documentation in Markdown.
    #[must_use]
    pub fn documentation(self) -> String {
        match self {
            Self::Managed(kind) => kind.documentation(),
            Self::ClientSide(kind) => kind.documentation(),
        }
    }

    /// The rows of its field table, those of the metadata apart.
    #[must_use]
    pub fn fields(self) -> &'static [Field] {
        match self {
            Self::Managed(kind) => kind.fields(),
            Self::ClientSide(kind) => kind.fields(),
        }
    }

    /// Its rows as a tree, those of the metadata included.
    #[must_use]
    pub fn field_tree(self) -> &'static FieldTree {
        match self {
            Self::Managed(kind) => kind.field_tree(),
            Self::ClientSide(kind) => kind.field_tree(),
        }
    }

    /// The JSON Schema of its spec, as the type gives it.
    #[must_use]
    pub fn spec_schema(self, generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        match self {
            Self::Managed(kind) => kind.spec_schema(generator),
            Self::ClientSide(kind) => kind.spec_schema(generator),
        }
    }

    /// The kind a person means: `webhook`, `incoming-webhook`, `IncomingWebhook`. Manifests are not read so.
    #[must_use]
    pub fn named_like(text: &str) -> Option<Self> {
        let bare = text.replace('-', "");
        Self::all().find(|kind| kind.as_str().eq_ignore_ascii_case(&bare))
    }
}

impl FromStr for ManifestKind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::all().find(|kind| kind.as_str() == text).ok_or(())
    }
}

impl fmt::Display for ManifestKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_a_place_and_a_name_of_its_own() {
        let all: Vec<ManifestKind> = ManifestKind::all().collect();
        assert_eq!(all.len(), ManifestKind::COUNT);
        for (n, kind) in all.into_iter().enumerate() {
            assert_eq!(kind.index(), n);
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(ManifestKind::named_like(&kind.as_str().to_lowercase()), Some(kind));
        }
    }
}
