//! Variables in a URL: percent-encoded, in path and query alike, but for letters, digits and `-._~`.

use serde_json::Value;

use crate::behaviour::run::text::{Part, Place, Refusal, fill, parts, plain};
use crate::behaviour::run::variables::Variables;

/// Bytes a URL may have. Servers refuse far shorter ones; this only keeps a run from trying with megabytes.
const URL_LIMIT: usize = 16 << 10;

/// Fills a URL in.
///
/// # Errors
/// When a variable makes a segment of the path `.` or `..` (even percent-encoded, the receiver would leave the folder), or
/// when the URL becomes longer than 16 KiB.
pub fn fill_url(template: &str, variables: &Variables) -> Result<String, Refusal> {
    let filled = fill(template, variables, &mut Encoded)?;
    if filled.len() > URL_LIMIT {
        return Err(Refusal::new(format!("the URL becomes longer than {URL_LIMIT} bytes")));
    }
    // No encoded value contains what ends a segment, so the segments of both texts stand side by side.
    let literal: String = parts(template)
        .into_iter()
        .map(|part| match part {
            Part::Literal(text) => text,
            Part::Variable(_) => "x",
        })
        .collect();
    let moved = path(&filled).zip(path(&literal)).any(|(filled, literal)| is_dots(filled) && !is_dots(literal));
    if moved {
        return Err(Refusal::new("a variable makes a segment of the URL's path `.` or `..`"));
    }
    Ok(filled)
}

struct Encoded;

impl Place for Encoded {
    fn value(&mut self, value: Option<&Value>) -> Result<String, Refusal> {
        Ok(percent_encoded(&plain(value)))
    }
}

/// Percent-encodes everything but letters, digits and `-._~`.
#[must_use]
pub fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

/// The segments of a URL's path.
fn path(url: &str) -> impl Iterator<Item = &str> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['?', '#']).next().unwrap_or_default().split(['/', '\\'])
}

/// Whether a segment leads to the same or the upper folder.
fn is_dots(segment: &str) -> bool {
    let plain = segment.to_ascii_lowercase().replace("%2e", ".");
    matches!(plain.as_str(), "." | "..")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn filled(template: &str, value: &str) -> Result<String, Refusal> {
        fill_url(template, &serde_json::from_value(json!({ "x": value })).unwrap_or_default())
    }

    #[test]
    fn values_are_percent_encoded() {
        assert_eq!(
            filled("https://a.test/{{x}}?q={{x}}", "a b/ü&=").as_deref(),
            Ok("https://a.test/a%20b%2F%C3%BC%26%3D?q=a%20b%2F%C3%BC%26%3D")
        );
        assert_eq!(filled("https://a.test/{{y}}/z", "").as_deref(), Ok("https://a.test//z"));
    }

    #[test]
    fn a_value_cannot_leave_the_folder() {
        for (template, value) in [
            ("https://a.test/u/{{x}}/z", ".."),
            ("https://a.test/u/{{x}}", "."),
            ("https://a.test/u/.{{x}}/z", "."),
            ("https://a.test/u/%2e{{x}}/z", "."),
            ("https://a.test/u/.{{x}}/z", ""),
        ] {
            assert!(filled(template, value).is_err(), "{template} {value}");
        }
        assert!(filled("https://a.test/u/{{x}}/../z?q={{x}}", "...").is_ok());
        assert!(filled("https://a.test/u?q={{x}}", "..").is_ok());
        assert!(filled("https://a.test/{{x}}", &"y".repeat(URL_LIMIT)).is_err());
    }

    proptest! {
        #[test]
        fn the_structure_stays(value in any::<String>()) {
            if let Ok(filled) = filled("https://a.test:81/u/{{x}}/v?q={{x}}&r=1#f", &value) {
                let url = ::url::Url::parse(&filled).expect("a URL");
                prop_assert_eq!((url.scheme(), url.host_str(), url.port()), ("https", Some("a.test"), Some(81)));
                let segments: Vec<&str> = url.path_segments().expect("a path").collect();
                prop_assert_eq!((segments.len(), segments[0], segments[2]), (3, "u", "v"));
                let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
                prop_assert_eq!(query, [("q".to_owned(), value), ("r".to_owned(), "1".to_owned())]);
                prop_assert_eq!(url.fragment(), Some("f"));
            } else {
                prop_assert!(matches!(value.as_str(), "." | "..") || value.len() > 1000);
            }
        }
    }
}
