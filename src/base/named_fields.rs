//! Reading so that an object is an object.
//!
//! What serde derives for a struct also reads a list of its fields in their order. Nobody means that: a caller who sends
//! `["a", 1]` where `{"name": "a", "count": 1}` is described has made a mistake, and would be surprised when a field is
//! added between the two. So bodies from outside are read through [`NamedFields`], which asks for a map wherever a
//! struct is asked for, at any depth.
//!
//! One thing it does not reach: what a derived enum with a tag inside it (`#[serde(tag = …)]`) has set aside until its
//! tag is known. Fields of such an enum that hold structs, and fields that hold such an enum, are read
//! `#[serde(deserialize_with = "named_fields::object")]`.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Reads JSON.
///
/// # Errors
/// As [`serde_json::from_slice`], and for a list in place of an object.
pub fn from_slice<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let value = T::deserialize(NamedFields(&mut reader))?;
    reader.end()?;
    Ok(value)
}

/// Reads an object, whatever else the type would take.
///
/// # Errors
/// When it is none, or does not fit the type.
pub fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Object<T>(std::marker::PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
        type Value = T;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(NamedFields(MapAccessDeserializer::new(map)))
        }
    }
    deserializer.deserialize_map(Object(std::marker::PhantomData))
}

/// Reads a value that is there: `null` is refused like any other value of the wrong type. What is not known is left out.
///
/// # Errors
/// When it does not fit the type.
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Reads an object or `null`.
///
/// # Errors
/// As [`object`].
pub fn optional_object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    struct Read<T>(T);
    impl<'de, T: Deserialize<'de>> Deserialize<'de> for Read<T> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            object(deserializer).map(Self)
        }
    }
    Ok(Option::<Read<T>>::deserialize(deserializer)?.map(|Read(value)| value))
}

/// Wraps a deserializer, and with it everything that is read from it.
#[derive(Clone, Copy, Debug)]
pub struct NamedFields<T>(pub T);

macro_rules! as_they_are {
    ($($method:ident)+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.0.$method(NamedFields(visitor))
        })+
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for NamedFields<D> {
    type Error = D::Error;

    as_they_are! {
        deserialize_any deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64
        deserialize_char deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf deserialize_option
        deserialize_unit deserialize_seq deserialize_map deserialize_identifier deserialize_ignored_any
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(NamedFields(visitor))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_unit_struct(name, NamedFields(visitor))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_newtype_struct(name, NamedFields(visitor))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_tuple(length, NamedFields(visitor))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_tuple_struct(name, length, NamedFields(visitor))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_enum(name, variants, NamedFields(visitor))
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

/// What a visitor expects, as text.
struct Expecting<'v, V>(&'v V);

impl<'de, V: Visitor<'de>> fmt::Display for Expecting<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }
}

macro_rules! values {
    ($($method:ident: $value:ty,)+) => {
        $(fn $method<E: serde::de::Error>(self, value: $value) -> Result<V::Value, E> {
            self.0.$method(value)
        })+
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for NamedFields<V> {
    type Value = V::Value;

    /// What serde derives names the Rust type, which says nothing to a caller.
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = Expecting(&self.0).to_string();
        f.write_str(if text.starts_with("struct ") { "an object" } else { &text })
    }

    values! {
        visit_bool: bool,
        visit_i8: i8,
        visit_i16: i16,
        visit_i32: i32,
        visit_i64: i64,
        visit_i128: i128,
        visit_u8: u8,
        visit_u16: u16,
        visit_u32: u32,
        visit_u64: u64,
        visit_u128: u128,
        visit_f32: f32,
        visit_f64: f64,
        visit_char: char,
        visit_str: &str,
        visit_borrowed_str: &'de str,
        visit_string: String,
        visit_bytes: &[u8],
        visit_borrowed_bytes: &'de [u8],
        visit_byte_buf: Vec<u8>,
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.0.visit_none()
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.0.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.0.visit_some(NamedFields(deserializer))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.0.visit_newtype_struct(NamedFields(deserializer))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(NamedFields(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(NamedFields(map))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, variant: A) -> Result<V::Value, A::Error> {
        self.0.visit_enum(NamedFields(variant))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for NamedFields<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(NamedFields(deserializer))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for NamedFields<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(NamedFields(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for NamedFields<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(NamedFields(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: EnumAccess<'de>> EnumAccess<'de> for NamedFields<A> {
    type Error = A::Error;
    type Variant = NamedFields<A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        self.0.variant_seed(seed).map(|(value, variant)| (value, NamedFields(variant)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for NamedFields<A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.0.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.0.newtype_variant_seed(NamedFields(seed))
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.0.tuple_variant(length, NamedFields(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, A::Error> {
        self.0.newtype_variant_seed(Fields(visitor))
    }
}

/// The fields of a variant, which are an object like any other.
struct Fields<V>(V);

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Fields<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        deserializer.deserialize_map(NamedFields(self.0))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Serialize;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        name: String,
        inner: Inner,
        #[serde(default)]
        many: Vec<Inner>,
        #[serde(default)]
        by_name: BTreeMap<String, Option<Inner>>,
        #[serde(default)]
        choice: Choice,
        #[serde(default)]
        pair: (u8, String),
        #[serde(default)]
        free: Value,
    }

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Inner {
        number: u64,
    }

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    enum Choice {
        #[default]
        None,
        Fields {
            number: f64,
        },
        Wrapped(Inner),
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "type")]
    enum Tagged {
        One {
            #[serde(deserialize_with = "object")]
            inner: Inner,
        },
        Two {
            #[serde(default, deserialize_with = "optional_object")]
            inner: Option<Box<Inner>>,
        },
    }

    fn read(value: &Value) -> Result<Outer, serde_json::Error> {
        from_slice(value.to_string().as_bytes())
    }

    #[test]
    fn what_is_described_is_read_as_without_it() {
        let full = json!({
            "name": "a", "inner": {"number": 1}, "many": [{"number": 2}], "by_name": {"x": {"number": 3}, "y": null},
            "choice": {"Fields": {"number": 1.5}}, "pair": [4, "b"], "free": [1, {"a": [null, "t", -0.5]}]
        });
        let outer = read(&full).expect("read");
        assert_eq!(outer, serde_json::from_value(full.clone()).expect("read"));
        assert_eq!(serde_json::to_value(&outer).expect("written"), full);
        for choice in [json!("None"), json!({"Wrapped": {"number": 5}})] {
            let with = json!({"name": "a", "inner": {"number": 1}, "choice": choice});
            assert_eq!(read(&with).expect("read"), serde_json::from_value(with.clone()).expect("read"));
        }
        assert!(from_slice::<Inner>(b"{\"number\": 1} x").is_err(), "nothing may follow");
    }

    #[test]
    fn a_list_is_an_object_nowhere() {
        let with = |key: &str, value: Value| {
            let mut body = json!({"name": "a", "inner": {"number": 1}});
            body[key] = value;
            body
        };
        for bad in [
            json!(["a", {"number": 1}]),
            with("inner", json!([1])),
            with("many", json!([{"number": 1}, [2]])),
            with("by_name", json!({"x": [3]})),
            with("choice", json!({"Fields": [1.5]})),
            with("choice", json!({"Wrapped": [5]})),
        ] {
            serde_json::from_str::<Outer>(&bad.to_string()).expect("serde alone reads it");
            let error = read(&bad).expect_err("refused");
            assert!(error.to_string().contains("invalid type: sequence, expected an object"), "{bad}: {error}");
        }
    }

    #[test]
    fn what_waits_for_a_tag_is_read_so_where_it_says_so() {
        for (text, fits) in [
            (json!({"type": "One", "inner": {"number": 1}}), true),
            (json!({"inner": {"number": 1}, "type": "Two"}), true),
            (json!({"type": "Two", "inner": null}), true),
            (json!({"type": "Two"}), true),
            (json!({"type": "One", "inner": [1]}), false),
            (json!({"inner": [1], "type": "Two"}), false),
            (json!({"type": "One", "inner": null}), false),
        ] {
            assert_eq!(from_slice::<Tagged>(text.to_string().as_bytes()).is_ok(), fits, "{text}");
        }
    }
}
