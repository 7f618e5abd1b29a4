//! SHA-256 digests of canonical forms.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

/// Hash of a canonical form; shown as 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// A text that is not 64 hex digits.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a digest of 64 hex digits")]
pub struct DigestError;

impl Digest {
    /// The digest of bytes.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest of a value, whatever the order of its maps' keys.
    #[must_use]
    pub fn of_json(value: &Value) -> Self {
        let mut text = Vec::with_capacity(512);
        write_sorted(value, &mut text);
        Self::of_bytes(&text)
    }

    /// As [`Digest::of_json`] of this map with the list of `elements` at `key`, which are made one after another: all of
    /// them at once may be large.
    ///
    /// # Errors
    /// The first error among the elements.
    pub fn of_json_with_list<E>(
        map: &Map<String, Value>,
        key: &str,
        elements: impl Iterator<Item = Result<Value, E>>,
    ) -> Result<Self, E> {
        let mut keys: Vec<&str> = map.keys().map(String::as_str).filter(|other| *other != key).chain([key]).collect();
        keys.sort_unstable();
        let mut elements = Some(elements);
        let mut hash = Sha256::new();
        let mut text = Vec::with_capacity(512);
        for (n, at) in keys.into_iter().enumerate() {
            text.push(if n > 0 { b',' } else { b'{' });
            write_scalar(at, &mut text);
            text.push(b':');
            match map.get(at).filter(|_| at != key) {
                Some(value) => write_sorted(value, &mut text),
                None => {
                    text.push(b'[');
                    for (n, element) in elements.take().into_iter().flatten().enumerate() {
                        if n > 0 {
                            text.push(b',');
                        }
                        write_sorted(&element?, &mut text);
                        hash.update(&text);
                        text.clear();
                    }
                    text.push(b']');
                }
            }
        }
        text.push(b'}');
        hash.update(&text);
        Ok(Self(hash.finalize().into()))
    }

    /// The digest of many parts, each kept apart from its neighbours.
    pub fn of_parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first eight hex digits: enough to tell two apart on a screen, too few to find a value by trying.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string().chars().take(8).collect()
    }
}

/// Compact JSON with the keys of every map in byte order.
fn write_sorted(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| key.as_bytes());
            out.push(b'{');
            for (n, (key, value)) in entries.into_iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                write_scalar(key, out);
                out.push(b':');
                write_sorted(value, out);
            }
            out.push(b'}');
        }
        Value::Array(list) => {
            out.push(b'[');
            for (n, value) in list.iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                write_sorted(value, out);
            }
            out.push(b']');
        }
        scalar @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => write_scalar(scalar, out),
    }
}

fn write_scalar<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    // Writing a scalar into a vector cannot fail; if it ever did, the digest would differ and nothing would be skipped.
    let _ = serde_json::to_writer(out, value);
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let mut bytes = [0u8; 32];
        if text.len() != 64 || !text.is_ascii() {
            return Err(DigestError);
        }
        for (n, byte) in bytes.iter_mut().enumerate() {
            let pair = text.get(n * 2..n * 2 + 2).ok_or(DigestError)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| DigestError)?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn key_order_does_not_matter_and_list_order_does() {
        let of = |text: &str| serde_json::from_str(text).map(|v: Value| Digest::of_json(&v)).ok();
        assert_eq!(of(r#"{"a":1,"b":{"c":2,"d":3}}"#), of(r#"{"b":{"d":3,"c":2},"a":1}"#));
        assert_ne!(of("[1,2]"), of("[2,1]"));
        assert_ne!(of(r#"{"a":"1"}"#), of(r#"{"a":1}"#));
    }

    #[test]
    fn a_list_may_come_in_pieces() {
        for key in ["a", "m", "z"] {
            for length in 0..3 {
                let list: Vec<Value> = (0..length).map(|n| json!({"y": n, "x": [n]})).collect();
                let mut whole = json!({"b": 1, "c": {"e": 2, "d": 3}});
                whole[key] = json!(null);
                let head = whole.as_object().cloned().unwrap_or_default();
                let pieces = Digest::of_json_with_list(&head, key, list.iter().cloned().map(Ok::<_, DigestError>));
                whole[key] = list.into();
                assert_eq!(pieces, Ok(Digest::of_json(&whole)), "{whole}");
            }
        }
    }

    #[test]
    fn digests_are_read_back() {
        let digest = Digest::of_bytes(b"x");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!("zz".parse::<Digest>(), Err(DigestError));
    }
}
