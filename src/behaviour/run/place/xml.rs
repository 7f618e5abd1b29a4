//! Variables in an XML body: as text in elements, attribute values and CDATA sections; refused everywhere else.

use serde_json::Value;

use crate::behaviour::run::text::{Place, Refusal, plain};

/// An XML body that is being filled in.
#[derive(Default)]
pub struct Xml {
    at: At,
    /// The end of the literal text since the last change of place, where an opening or closing mark may have begun.
    seen: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    Text,
    Tag,
    Attribute(char),
    CData,
    Comment,
    Instruction,
    /// A `<!…>` that is neither a comment nor a CDATA section.
    Declaration,
}

impl Xml {
    fn enter(&mut self, at: At) {
        self.at = at;
        self.seen.clear();
    }

    fn step(&mut self, c: char) {
        self.seen.push(c);
        let seen = self.seen.as_str();
        match self.at {
            At::Text if c == '<' => {
                self.at = At::Tag;
                self.seen.clear();
                self.seen.push(c);
            }
            At::Tag | At::Declaration if c == '>' => self.enter(At::Text),
            At::Tag if seen == "<!--" => self.enter(At::Comment),
            At::Tag if seen == "<![CDATA[" => self.enter(At::CData),
            At::Tag if seen == "<?" => self.enter(At::Instruction),
            At::Tag if matches!(c, '"' | '\'') && !seen.starts_with("<!") => self.enter(At::Attribute(c)),
            At::Tag if seen.starts_with("<!") && !"<!--".starts_with(seen) && !"<![CDATA[".starts_with(seen) => {
                self.enter(At::Declaration);
            }
            At::Attribute(quote) if c == quote => self.enter(At::Tag),
            At::CData if seen.ends_with("]]>") => self.enter(At::Text),
            At::Comment if seen.ends_with("-->") => self.enter(At::Text),
            At::Instruction if seen.ends_with("?>") => self.enter(At::Text),
            At::Text | At::Tag | At::Attribute(_) | At::CData | At::Comment | At::Instruction | At::Declaration => {}
        }
    }
}

impl Place for Xml {
    fn literal(&mut self, text: &str) {
        text.chars().for_each(|c| self.step(c));
    }

    fn value(&mut self, value: Option<&Value>) -> Result<String, Refusal> {
        let text = plain(value);
        match self.at {
            At::Text | At::Attribute(_) => Ok(escaped(&text)),
            // A section ends at the first `]]>`, which may begin before the value or end after it.
            At::CData if self.seen.ends_with(']') => {
                Err(Refusal::new("it stands behind a `]` of a CDATA section, whose end it could write"))
            }
            At::CData => {
                self.seen.clear();
                let text: String = text.chars().map(allowed).collect();
                let apart = text.replace("]]>", "]]]]><![CDATA[>");
                // Behind a value that ends with `]` the section is begun anew.
                Ok(if apart.ends_with(']') { apart + "]]><![CDATA[" } else { apart })
            }
            At::Tag | At::Comment | At::Instruction | At::Declaration => {
                Err(Refusal::new("in XML a variable stands in text, in an attribute's value or in CDATA"))
            }
        }
    }
}

/// A text as it stands in an element or an attribute's value.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars().map(allowed) {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            // In an attribute's value they would be read as spaces.
            '\t' | '\n' | '\r' => escaped.push_str(&format!("&#{};", u32::from(c))),
            other => escaped.push(other),
        }
    }
    escaped
}

/// XML has no way to write most control characters: the replacement character stands for them.
fn allowed(c: char) -> char {
    match c {
        '\t' | '\n' | '\r' => c,
        '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => char::REPLACEMENT_CHARACTER,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::behaviour::run::text::fill;
    use crate::behaviour::run::xml_value;

    fn filled(template: &str, value: &str) -> Result<String, Refusal> {
        let variables = serde_json::from_value(json!({ "x": value })).unwrap_or_default();
        fill(template, &variables, &mut Xml::default())
    }

    #[test]
    fn values_are_escaped_for_where_they_stand() {
        assert_eq!(
            filled("<a b='{{x}}'>{{x}}<![CDATA[{{x}}]]></a>", "<&]]>").as_deref(),
            Ok("<a b='&lt;&amp;]]&gt;'>&lt;&amp;]]&gt;<![CDATA[<&]]]]><![CDATA[>]]></a>")
        );
        assert_eq!(filled("<a>{{y}}</a>", "").as_deref(), Ok("<a></a>"));
        assert_eq!(
            filled("<a><!-- \" ' --><?p \"?>{{x}}</a>", "&").as_deref(),
            Ok("<a><!-- \" ' --><?p \"?>&amp;</a>")
        );
    }

    #[test]
    fn elsewhere_they_are_refused() {
        for template in [
            "<{{x}}/>",
            "<a {{x}}='1'/>",
            "<a b={{x}}/>",
            "<!-- {{x}} --><a/>",
            "<?xml version='1.0' encoding='{{x}}'?><a/>",
            "<!DOCTYPE a [<!ENTITY e '{{x}}'>]><a/>",
            "<a><![CDATA[]{{x}}]]></a>",
        ] {
            assert!(filled(template, "v").is_err(), "{template}");
        }
    }

    proptest! {
        #[test]
        fn the_structure_stays(value in any::<String>()) {
            let template = "<r><a b=\"{{x}}\" c='{{x}}'>{{x}}</a><d><![CDATA[.{{x}}{{x}}.]]></d><e/></r>";
            let filled = filled(template, &value).expect("allowed places");
            let read = xml_value::read(&filled).expect("well-formed XML");
            let kept: String = value.chars().map(allowed).collect();
            // Line ends in CDATA are read as XML reads them.
            let lines = kept.replace("\r\n", "\n").replace('\r', "\n");
            let twice = format!(".{kept}{kept}.").replace("\r\n", "\n").replace('\r', "\n");
            let mut a = json!({"@b": kept, "@c": kept});
            if !kept.trim_matches([' ', '\t', '\n', '\r']).is_empty() {
                a["#text"] = json!(kept);
            }
            prop_assert!(lines.len() <= kept.len());
            prop_assert_eq!(read, json!({"r": {"a": a, "d": twice, "e": ""}}));
        }
    }
}
