//! Variables in forms: URL-encoded, from a text or from fields, and multipart.

use std::collections::BTreeMap;

use serde_json::Value;

use super::url::percent_encoded;
use crate::behaviour::run::text::{Place, Refusal, TEXT_LIMIT, fill_plain, plain};
use crate::behaviour::run::variables::Variables;

/// A URL-encoded body that is written as a text.
pub struct FormText;

impl Place for FormText {
    fn value(&mut self, value: Option<&Value>) -> Result<String, Refusal> {
        Ok(form_encoded(&plain(value)))
    }
}

/// As forms are encoded: as in a URL, and a space as `+`.
fn form_encoded(text: &str) -> String {
    percent_encoded(text).replace("%20", "+")
}

/// The URL-encoded body of a form's fields.
///
/// # Errors
/// When a field or the body becomes too long.
pub fn encoded(form: &BTreeMap<String, String>, variables: &Variables) -> Result<String, Refusal> {
    let mut body = String::new();
    for (name, value) in form {
        let value = fill_plain(value, variables)?;
        let separator = if body.is_empty() { "" } else { "&" };
        body.push_str(&format!("{separator}{}={}", form_encoded(name), form_encoded(&value)));
        within_limit(&body)?;
    }
    Ok(body)
}

/// The multipart body of a form's fields, and the boundary that it was written with.
///
/// The boundary begins with `wanted`; it is made longer until nothing that is sent contains it.
///
/// # Errors
/// When a field or the body becomes too long.
pub fn multipart(
    form: &BTreeMap<String, String>,
    variables: &Variables,
    wanted: &str,
) -> Result<(String, String), Refusal> {
    let fields = form.iter().map(|(name, value)| Ok((name, fill_plain(value, variables)?)));
    let fields: Vec<(&String, String)> = fields.collect::<Result<_, Refusal>>()?;
    let mut boundary = wanted.to_owned();
    let mut more = 0_u32;
    while fields.iter().any(|(name, value)| name.contains(&boundary) || value.contains(&boundary)) {
        boundary = format!("{wanted}-{more}");
        more += 1;
    }
    let mut body = String::new();
    for (name, value) in fields {
        // As browsers write names: what would end the quotes or the line is percent-encoded.
        let name = name.replace('\r', "%0D").replace('\n', "%0A").replace('"', "%22");
        body.push_str(&format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"));
        within_limit(&body)?;
    }
    body.push_str(&format!("--{boundary}--\r\n"));
    Ok((body, boundary))
}

fn within_limit(body: &str) -> Result<(), Refusal> {
    if body.len() > TEXT_LIMIT {
        return Err(Refusal::new(format!("the form becomes longer than {TEXT_LIMIT} bytes")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::behaviour::run::text::fill;

    fn variables(value: &str) -> Variables {
        serde_json::from_value(json!({ "x": value })).unwrap_or_default()
    }

    fn form() -> BTreeMap<String, String> {
        BTreeMap::from([("a b".into(), "<{{x}}>".into()), ("c\"\r\n".into(), "{{y}}".into())])
    }

    /// Reads a multipart body as a receiver does.
    fn fields(body: &str, boundary: &str) -> Vec<(String, String)> {
        let inner = format!("\r\n{body}");
        let (inner, rest) = inner.rsplit_once(&format!("\r\n--{boundary}--\r\n")).expect("an end");
        assert_eq!(rest, "");
        let separator = format!("\r\n--{boundary}\r\n");
        let parts = inner.split(&separator).skip(1).map(|part| {
            let (head, value) = part.split_once("\r\n\r\n").expect("a head");
            assert_eq!(head.lines().count(), 1, "{head}");
            (head.to_owned(), value.to_owned())
        });
        parts.collect()
    }

    #[test]
    fn forms_are_written() {
        assert_eq!(encoded(&form(), &variables("ü &=+")).as_deref(), Ok("a+b=%3C%C3%BC+%26%3D%2B%3E&c%22%0D%0A="));
        assert_eq!(
            multipart(&form(), &variables("1"), "B").map(|(body, _)| body).as_deref(),
            Ok("--B\r\nContent-Disposition: form-data; name=\"a b\"\r\n\r\n<1>\r\n\
                --B\r\nContent-Disposition: form-data; name=\"c%22%0D%0A\"\r\n\r\n\r\n--B--\r\n")
        );
        assert_eq!(multipart(&form(), &variables("B B-0"), "B").map(|(_, boundary)| boundary).as_deref(), Ok("B-1"));
    }

    proptest! {
        #[test]
        fn the_structure_stays(text in any::<String>(), tail in "(\r\n--|--|\r\n)?") {
            let value = format!("{text}\r\n--B{tail}");
            let (body, boundary) = multipart(&form(), &variables(&value), "B").expect("short");
            let fields = fields(&body, &boundary);
            prop_assert_eq!(fields.len(), 2);
            prop_assert_eq!(&fields[0].1, &format!("<{value}>"));

            let read = |body: &str| -> Vec<(String, String)> { ::url::form_urlencoded::parse(body.as_bytes()).into_owned().collect() };
            let encoded = encoded(&form(), &variables(&value)).expect("short");
            prop_assert_eq!(read(&encoded), [("a b".to_owned(), format!("<{value}>")), ("c\"\r\n".to_owned(), String::new())]);
            let written = fill("a={{x}}&b=2", &variables(&value), &mut FormText).expect("short");
            prop_assert_eq!(read(&written), [("a".to_owned(), value), ("b".to_owned(), "2".to_owned())]);
        }
    }
}
