//! A path into a document: `spec.steps[2].headers["X-Key"]`.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

/// One step of a [`Path`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// A key of a map.
    Key(Box<str>),
    /// A place in a list, from 0.
    Index(usize),
    /// An element of a list that is known by its key field: `steps[ask]`.
    Element(Box<str>),
}

/// Where a value stands in a document, from its root.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Vec<Segment>);

impl Path {
    /// The root of the document.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// A path of plain keys: `Path::keys("spec.auth.token")`. For constants of ours: a key with a dot needs [`Path::key`].
    #[must_use]
    pub fn keys(dotted: &str) -> Self {
        Self(dotted.split('.').map(|key| Segment::Key(key.into())).collect())
    }

    /// This path and a key below it.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.with(Segment::Key(key.into()))
    }

    /// This path and a list index below it.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.with(Segment::Index(index))
    }

    /// This path and a keyed element below it.
    #[must_use]
    pub fn element(&self, key: &str) -> Self {
        self.with(Segment::Element(key.into()))
    }

    /// This path and one more segment.
    #[must_use]
    pub fn with(&self, segment: Segment) -> Self {
        let mut path = self.0.clone();
        path.push(segment);
        Self(path)
    }

    /// The path without its last segment; `None` at the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (_, rest) = self.0.split_last()?;
        Some(Self(rest.to_vec()))
    }

    /// The segments, outermost first.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Whether `prefix` is this path or lies above it.
    #[must_use]
    pub fn starts_with(&self, prefix: &Self) -> bool {
        self.0.starts_with(&prefix.0)
    }

    /// The value at this path. `Element` is looked up by the fields `name`.
    #[must_use]
    pub fn of<'v>(&self, root: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(root, |value, segment| match segment {
            Segment::Key(key) => value.get(&**key),
            Segment::Index(index) => value.get(index),
            Segment::Element(name) => {
                value.as_array()?.iter().find(|v| v.get("name").and_then(Value::as_str) == Some(&**name))
            }
        })
    }
}

impl Path {
    /// Puts a value at this path, or takes away what is there. Parents must exist; where one does not, nothing is done.
    /// An element of a keyed list that is not there is added at the end.
    pub fn put(&self, root: &mut Value, value: Option<Value>) {
        let Some((last, above)) = self.0.split_last() else {
            if let Some(value) = value {
                *root = value;
            }
            return;
        };
        let parent = above.iter().try_fold(root, |at, segment| match segment {
            Segment::Key(key) => at.get_mut(&**key),
            Segment::Index(index) => at.get_mut(*index),
            Segment::Element(name) => {
                let place = element_index(at.as_array()?, name)?;
                at.get_mut(place)
            }
        });
        match (last, parent, value) {
            (Segment::Key(key), Some(Value::Object(map)), Some(value)) => {
                map.insert(key.to_string(), value);
            }
            (Segment::Key(key), Some(Value::Object(map)), None) => {
                map.shift_remove(&**key);
            }
            (Segment::Index(_) | Segment::Element(_), Some(Value::Array(list)), value) => {
                let place = match last {
                    Segment::Element(name) => element_index(list, name),
                    Segment::Index(index) => Some(*index).filter(|index| *index < list.len()),
                    Segment::Key(_) => None,
                };
                match (place, value) {
                    (Some(place), Some(value)) => list[place] = value,
                    (Some(place), None) => drop(list.remove(place)),
                    (None, Some(value)) => list.push(value),
                    (None, None) => {}
                }
            }
            _ => {}
        }
    }
}

fn element_index(list: &[Value], name: &str) -> Option<usize> {
    list.iter().position(|element| element.get("name").and_then(Value::as_str) == Some(name))
}

impl FromIterator<Segment> for Path {
    fn from_iter<T: IntoIterator<Item = Segment>>(segments: T) -> Self {
        Self(segments.into_iter().collect())
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '$'))
}

fn is_number(key: &str) -> bool {
    key.bytes().all(|b| b.is_ascii_digit())
}

fn quoted(key: &str) -> String {
    Value::from(key).to_string()
}

/// A text that is not a path as [`Path`] prints it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a path")]
pub struct PathError(String);

impl FromStr for Path {
    type Err = PathError;

    /// Reads what `Display` prints.
    fn from_str(text: &str) -> Result<Self, PathError> {
        let wrong = || PathError(text.chars().take(120).collect());
        let mut segments = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(inner) = rest.strip_prefix('[') {
                let (segment, after) = bracket(inner).ok_or_else(wrong)?;
                segments.push(segment);
                rest = after;
                continue;
            }
            let dotted = if segments.is_empty() { rest } else { rest.strip_prefix('.').ok_or_else(wrong)? };
            let end = dotted.find(['.', '[']).unwrap_or(dotted.len());
            let (key, after) = dotted.split_at(end);
            if !is_plain(key) {
                return Err(wrong());
            }
            segments.push(Segment::Key(key.into()));
            rest = after;
        }
        Ok(Self(segments))
    }
}

/// What stands after a `[`, and the text after its `]`.
fn bracket(inner: &str) -> Option<(Segment, &str)> {
    if let Some(named) = inner.strip_prefix("name=") {
        let (name, after) = quoted_text(named)?;
        return Some((Segment::Element(name.into()), after));
    }
    if inner.starts_with('"') {
        let (key, after) = quoted_text(inner)?;
        return Some((Segment::Key(key.into()), after));
    }
    let (word, after) = inner.split_once(']')?;
    if !word.is_empty() && is_number(word) {
        return Some((Segment::Index(word.parse().ok()?), after));
    }
    is_plain(word).then(|| (Segment::Element(word.into()), after))
}

/// A JSON string, a `]`, and the text after it.
fn quoted_text(text: &str) -> Option<(String, &str)> {
    let mut strings = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let content = strings.next()?.ok()?;
    let after = text.get(strings.byte_offset()..)?.strip_prefix(']')?;
    Some((content, after))
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Key(key) if is_plain(key) => {
                    if n > 0 {
                        f.write_str(".")?;
                    }
                    f.write_str(key)?;
                }
                Segment::Key(key) => write!(f, "[{}]", quoted(key))?,
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Element(key) if is_plain(key) && !is_number(key) => write!(f, "[{key}]")?,
                // Without `name=` an element called `2` would read as the third place, and one called `a b` as a key.
                Segment::Element(key) => write!(f, "[name={}]", quoted(key))?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_like_code() {
        let path = Path::keys("spec.steps").element("ask").key("headers").key("a.b");
        assert_eq!(path.to_string(), "spec.steps[ask].headers[\"a.b\"]");
        assert_eq!(Path::keys("spec.tags").index(2).to_string(), "spec.tags[2]");
    }

    #[test]
    fn values_are_put_and_taken_away() {
        let mut value = serde_json::json!({"a": {"list": [{"name": "x", "v": 1}]}});
        Path::keys("a.list").element("x").key("v").put(&mut value, Some(2.into()));
        Path::keys("a.list").element("y").put(&mut value, Some(serde_json::json!({"name": "y"})));
        Path::keys("a.nothing.here").put(&mut value, Some(1.into()));
        assert_eq!(value, serde_json::json!({"a": {"list": [{"name": "x", "v": 2}, {"name": "y"}]}}));
        Path::keys("a.list").element("x").put(&mut value, None);
        assert_eq!(value, serde_json::json!({"a": {"list": [{"name": "y"}]}}));
    }

    #[test]
    fn printed_paths_are_read_back() {
        let paths = [
            Path::root(),
            Path::keys("spec.steps").element("ask").key("headers").key("a.b"),
            Path::keys("spec.tags").index(2).key("x"),
            Path::keys("spec").key("a\"]\u{1b}").element("a b").element("2").element(""),
            Path::root().key("[").key(""),
        ];
        for path in paths {
            assert_eq!(path.to_string().parse(), Ok(path));
        }
        for wrong in ["a..b", ".a", "a[", "a[]", "a[\"x]", "a]", "a[name=x]", "a[99999999999999999999999]", "a b"] {
            assert!(wrong.parse::<Path>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn values_are_found() {
        let value = serde_json::json!({"a": {"list": [{"name": "x", "v": 1}]}});
        let by_name = Path::keys("a.list").element("x").key("v");
        assert_eq!(by_name.of(&value), Some(&1.into()));
        assert_eq!(Path::keys("a.nothing").of(&value), None);
    }
}
