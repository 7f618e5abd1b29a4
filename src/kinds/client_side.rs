//! Kinds that are never sent to a target: they say what is to hold of the manifests, and live beside them.
//!
//! They share envelope, schemas, positions and reference pages with the managed kinds, and nothing of life cycles,
//! comparison or storage. Adding one is one file, one line in the list below and one example.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::field::{Field, FieldTree};
use super::finding::Findings;
use super::kind_list::kind_list;
use super::scope::Scope;
use super::{Kind, policy, test};

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
        kind_list! {
            /// The name of a kind that is never sent to a target.
            enum ClientKind;
            /// The typed spec of one such manifest.
            enum ClientSpec;
            by ClientSide;
            $($kind in $module as $spec;)+
        }

        impl ClientKind {
            /// Whether what a plan says depends on it.
            #[must_use]
            pub fn decides_plans(self) -> bool {
                match self { $(Self::$kind => <$module::$spec as ClientSide>::DECIDES_PLANS,)+ }
            }
        }

        impl ClientSpec {
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
