//! How identifiers and times stand in the schemas: each is a text or number of a form.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::kinds::Kind;

macro_rules! forms {
    ($($(#[$doc:meta])* $name:ident $schema:tt;)+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )+};
}

forms! {
    /// A UUID with hyphens.
    UuidForm { "type": "string", "format": "uuid" };
    /// 64 hex digits.
    DigestForm { "type": "string", "pattern": "^[0-9a-f]{64}$" };
    /// A counter.
    CounterForm { "type": "integer", "format": "uint64", "minimum": 0 };
    /// RFC 3339.
    TimeForm { "type": "string", "format": "date-time" };
    /// `Kind/name`.
    AddressForm { "type": "string", "pattern": "^[A-Za-z]+/[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$" };
    /// A map of anything: what it must be is told by the kind's own schema.
    MapForm { "type": "object" };
}

/// A kind.
#[derive(Debug)]
pub struct KindForm;

impl JsonSchema for KindForm {
    fn schema_name() -> Cow<'static, str> {
        "KindForm".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        json_schema!({ "type": "string", "enum": kinds })
    }
}
