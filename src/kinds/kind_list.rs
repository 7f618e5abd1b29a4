//! What every list of kinds declares, whether they are sent to a target or not: the name of a kind, the typed spec of one
//! manifest, and what both can tell by the kind's file.

/// Declares the names (`$Kind`) and specs (`$Spec`) of kinds whose files implement `$Trait`.
macro_rules! kind_list {
    (
        $(#[$kind_attribute:meta])* enum $Kind:ident;
        $(#[$spec_attribute:meta])* enum $Spec:ident;
        by $Trait:ident;
        $($kind:ident in $module:ident as $spec:ident;)+
    ) => {
        $(#[$kind_attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $Kind { $(#[doc = concat!("See [`mod@", stringify!($module), "`].")] $kind,)+ }

        $(#[$spec_attribute])*
        #[derive(Clone, Debug, PartialEq)]
        pub enum $Spec { $(#[doc = concat!("A ", stringify!($kind), ".")] $kind(Box<$module::$spec>),)+ }

        impl $Kind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)+];

            /// As written in manifests.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$kind => stringify!($kind),)+ }
            }

            /// The rows of its field table, those of the metadata apart.
            #[must_use]
            pub fn fields(self) -> &'static [$crate::kinds::Field] {
                match self { $(Self::$kind => <$module::$spec as $Trait>::FIELDS,)+ }
            }

            /// Its rows as a tree, those of the metadata included.
            #[must_use]
            pub fn field_tree(self) -> &'static $crate::kinds::FieldTree {
                match self { $(Self::$kind => {
                    static TREE: std::sync::LazyLock<$crate::kinds::FieldTree> =
                        std::sync::LazyLock::new(|| $crate::kinds::FieldTree::new(<$module::$spec as $Trait>::FIELDS));
                    &TREE
                })+ }
            }

            /// Its documentation in Markdown: the module documentation of its file.
            #[must_use]
            pub fn documentation(self) -> String {
                let source = match self { $(Self::$kind => include_str!(concat!(stringify!($module), ".rs")),)+ };
                $crate::base::module_text::module_documentation(source)
            }

            /// Reads a spec that has passed the kind's schema.
            ///
            /// # Errors
            /// When a value cannot be held by the type; the text names the first one.
            pub fn read_spec(self, spec: &serde_json::Value) -> Result<$Spec, serde_json::Error> {
                match self {
                    $(Self::$kind => serde::Deserialize::deserialize(spec).map(|spec| $Spec::$kind(Box::new(spec))),)+
                }
            }

            /// The JSON Schema of its spec, as the type gives it.
            #[must_use]
            pub fn spec_schema(self, generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                match self { $(Self::$kind => <$module::$spec as schemars::JsonSchema>::json_schema(generator),)+ }
            }
        }

        impl $Spec {
            /// Its kind.
            #[must_use]
            pub fn kind(&self) -> $Kind {
                match self { $(Self::$kind(_) => $Kind::$kind,)+ }
            }

            /// What it gets wrong alone.
            pub fn check(&self, findings: &mut $crate::kinds::finding::Findings) {
                match self { $(Self::$kind(spec) => spec.check(findings),)+ }
            }
        }

        impl std::str::FromStr for $Kind {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                Self::ALL.iter().find(|kind| kind.as_str() == text).copied().ok_or(())
            }
        }

        impl std::fmt::Display for $Kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

pub(super) use kind_list;
