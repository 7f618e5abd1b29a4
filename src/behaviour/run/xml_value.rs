//! XML as a value that dotted paths can walk.
//!
//! An element without attributes and children is its text. Any other is a map: its children by local name (several of
//! one name are a list), its attributes under `@name`, and its own text, if it has any, under `#text`. Namespaces,
//! comments and instructions are left out; entities of a document's own are not expanded.

use std::collections::HashSet;

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;
use serde_json::{Map, Value};

/// How deep elements may nest: as deep as JSON is read.
const DEPTH_LIMIT: usize = 128;

/// What XML takes for white space.
const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// A text that is no XML document, or one that nests too deep.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no XML: {0}")]
pub struct XmlError(String);

/// An element that is being read.
#[derive(Default)]
struct Element {
    name: String,
    map: Map<String, Value>,
    text: String,
    has_children: bool,
}

/// Reads a document: a map with the root element under its local name.
///
/// # Errors
/// When it is not well-formed, or nests deeper than 128 elements.
pub fn read(text: &str) -> Result<Value, XmlError> {
    let error = |reason: String| XmlError(reason);
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut open: Vec<Element> = Vec::new();
    let mut root: Option<Map<String, Value>> = None;
    loop {
        match reader.read_event().map_err(|fault| error(fault.to_string()))? {
            Event::Start(start) => {
                if open.len() >= DEPTH_LIMIT {
                    return Err(error(format!("elements nest deeper than {DEPTH_LIMIT}")));
                }
                open.push(Element::begin(&start)?);
            }
            Event::Empty(start) => {
                let element = Element::begin(&start)?;
                close(element, open.last_mut(), &mut root)?;
            }
            Event::End(_) => {
                let element = open.pop().ok_or_else(|| error("an element is closed that is not open".into()))?;
                close(element, open.last_mut(), &mut root)?;
            }
            Event::Text(part) => {
                let part = part.xml_content(XmlVersion::Implicit1_0);
                match open.last_mut() {
                    Some(element) => element.text.push_str(&part),
                    None if part.trim().is_empty() => {}
                    None => return Err(error("there is text outside of its root element".into())),
                }
            }
            Event::CData(part) => match open.last_mut() {
                Some(element) => element.text.push_str(&part.xml_content(XmlVersion::Implicit1_0)),
                None => return Err(error("there is text outside of its root element".into())),
            },
            Event::GeneralRef(reference) => {
                let element =
                    open.last_mut().ok_or_else(|| error("there is text outside of its root element".into()))?;
                match reference.resolve_char_ref().map_err(|fault| error(fault.to_string()))? {
                    Some(c) => element.text.push(c),
                    None => match resolve_predefined_entity(&reference) {
                        Some(known) => element.text.push_str(known),
                        None => element.text.push_str(&format!("&{};", &*reference)),
                    },
                }
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            Event::Eof => break,
        }
    }
    match root {
        Some(root) if open.is_empty() => Ok(Value::Object(root)),
        Some(_) | None => Err(error("it ends before its root element does".into())),
    }
}

impl Element {
    fn begin(start: &BytesStart<'_>) -> Result<Self, XmlError> {
        let mut element = Self { name: local(start.name().as_ref()).to_owned(), ..Self::default() };
        // The library compares each attribute with all before it; a megabyte of them would take minutes.
        let mut seen = HashSet::new();
        for attribute in start.attributes().with_checks(false) {
            let attribute = attribute.map_err(|fault| XmlError(fault.to_string()))?;
            let name = attribute.key.as_ref();
            if !seen.insert(name.to_owned()) {
                return Err(XmlError(format!("`{}` has an attribute twice", element.name)));
            }
            if name == "xmlns" || name.starts_with("xmlns:") {
                continue;
            }
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_or_else(|_| attribute.value.to_string(), std::borrow::Cow::into_owned);
            element.map.insert(format!("@{}", local(name)), Value::String(value));
        }
        Ok(element)
    }

    fn into_value(self) -> Value {
        let Self { name: _, mut map, text, has_children } = self;
        if map.is_empty() {
            return Value::String(text);
        }
        // Between children, white space is layout.
        let kept = if has_children { text.trim_matches(SPACE) } else { text.as_str() };
        if !kept.trim_matches(SPACE).is_empty() {
            map.insert("#text".to_owned(), Value::String(kept.to_owned()));
        }
        Value::Object(map)
    }
}

fn close(
    element: Element,
    parent: Option<&mut Element>,
    root: &mut Option<Map<String, Value>>,
) -> Result<(), XmlError> {
    let name = element.name.clone();
    let value = element.into_value();
    match parent {
        Some(parent) => {
            parent.has_children = true;
            match parent.map.get_mut(&name) {
                None => drop(parent.map.insert(name, value)),
                Some(Value::Array(list)) => list.push(value),
                Some(first) => *first = Value::Array(vec![first.take(), value]),
            }
        }
        None if root.is_none() => *root = Some(Map::from_iter([(name, value)])),
        None => return Err(XmlError("it has two root elements".into())),
    }
    Ok(())
}

/// A name without its prefix.
fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// The value at a dotted path of a document that was [`read`].
///
/// A segment may have a prefix, which is left out as in the document. `0` of an element that stands alone is that
/// element, so that a path into a list works for a list of one; `#text` of a text is the text.
#[must_use]
pub fn at<'v>(document: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(document, |value, segment| {
        let segment = match segment.strip_prefix('@') {
            Some(attribute) => format!("@{}", local(attribute)),
            None => local(segment).to_owned(),
        };
        match (value, segment.as_str()) {
            (Value::Object(map), key) if map.contains_key(key) => map.get(key),
            (Value::Array(list), index) => list.get(index.parse::<usize>().ok()?),
            (Value::String(_) | Value::Object(_), "0") | (Value::String(_), "#text") => Some(value),
            (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_), _) => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const SOAP: &str = r#"<?xml version="1.0"?>
        <soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:x">
          <soap:Body><GetResponse>
            <Result>7 &lt; 8 &#x41;</Result><!-- c -->
            <user xsi:id="1"><name>Ana</name></user><user id="2"><name>Bo</name></user>
            <only><name><![CDATA[<Kim>]]></name></only><price currency="EUR"> 5 </price>
          </GetResponse></soap:Body>
        </soap:Envelope>"#;

    #[test]
    fn paths_walk_a_document() {
        let document = read(SOAP).expect("XML");
        let got = |path: &str| at(&document, &format!("Envelope.Body.GetResponse.{path}")).cloned();
        assert_eq!(got("Result"), Some(json!("7 < 8 A")));
        assert_eq!(got("user.1.name"), Some(json!("Bo")));
        assert_eq!(got("user.0.@id"), Some(json!("1")));
        assert_eq!(got("only.0.name"), Some(json!("<Kim>")));
        assert_eq!(got("price"), Some(json!({"@currency": "EUR", "#text": " 5 "})));
        assert_eq!(got("price.#text"), Some(json!(" 5 ")));
        assert_eq!(got("Result.#text"), Some(json!("7 < 8 A")));
        for absent in ["user.2", "user.name", "none", "Result.x", "only.1"] {
            assert_eq!(got(absent), None, "{absent}");
        }
        assert_eq!(at(&document, "soap:Envelope.soap:Body.GetResponse.Result"), Some(&json!("7 < 8 A")));
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for bad in ["", "x", "<a>", "<a></b>", "<a/><b/>", "<a b='1' b='2'/>", "</a>", "<a/>x", "<a"] {
            assert!(read(bad).is_err(), "{bad}");
        }
        let deep = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
        assert!(read(&deep(DEPTH_LIMIT)).is_ok());
        assert!(read(&deep(DEPTH_LIMIT + 1)).is_err());
    }

    /// As many as an answer can hold: with each compared with all others this would not end in a test's time.
    #[test]
    fn many_attributes_take_no_longer_than_their_bytes() {
        let attributes: String = (0..100_000).map(|n| format!(" a{n}='1'")).collect();
        let document = read(&format!("<a{attributes}/>")).expect("XML");
        assert_eq!(document["a"].as_object().map(Map::len), Some(100_000));
        assert!(read(&format!("<a{attributes} a7='2'/>")).is_err());
        assert_eq!(read("<a x:b='1' y:b='2'/>"), Ok(json!({"a": {"@b": "2"}})), "two names, one local name");
    }

    #[test]
    fn entities_are_not_expanded() {
        let bomb = "<!DOCTYPE a [<!ENTITY b \"&c;&c;\"><!ENTITY c \"x\">]><a>&b;</a>";
        assert_eq!(read(bomb), Ok(json!({"a": "&b;"})));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "[<>/a&;!\\[\\]\"'= ?x-]{0,40}") {
            let _ = read(&text);
        }
    }
}
