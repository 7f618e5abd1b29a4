//! Variables in a JSON body: inside a string the value's text, escaped; outside of one the value as one JSON literal.

use serde_json::Value;

use crate::behaviour::run::text::{Place, Refusal, plain};

/// A JSON body that is being filled in.
#[derive(Default)]
pub struct Json {
    in_string: bool,
    /// The last literal character was a backslash that escapes what comes next.
    escaped: bool,
}

impl Place for Json {
    fn literal(&mut self, text: &str) {
        for c in text.chars() {
            match (self.in_string, self.escaped, c) {
                (true, true, _) => self.escaped = false,
                (true, false, '\\') => self.escaped = true,
                (true, false, '"') => self.in_string = false,
                (false, _, '"') => self.in_string = true,
                (true, false, _) | (false, _, _) => {}
            }
        }
    }

    fn value(&mut self, value: Option<&Value>) -> Result<String, Refusal> {
        if !self.in_string {
            // A variable without a value is `null`: nothing at all would leave no JSON.
            return Ok(value.unwrap_or(&Value::Null).to_string());
        }
        if self.escaped {
            return Err(Refusal::new("it stands behind a backslash, which would escape its first character"));
        }
        let quoted = Value::String(plain(value)).to_string();
        Ok(quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::behaviour::run::text::fill;

    fn filled(template: &str, value: &Value) -> Result<Value, String> {
        let variables = serde_json::from_value(json!({ "x": value })).unwrap_or_default();
        let filled = fill(template, &variables, &mut Json::default()).map_err(|error| error.to_string())?;
        serde_json::from_str(&filled).map_err(|error| error.to_string())
    }

    #[test]
    fn values_are_written_for_where_they_stand() {
        let template = r#"{"s": "a {{x}}", "v": {{x}}, "k\"": ["{{x}}", {{y}}]}"#;
        assert_eq!(filled(template, &json!("\"}")), Ok(json!({"s": "a \"}", "v": "\"}", "k\"": ["\"}", null]})));
        assert_eq!(filled(template, &json!([1])), Ok(json!({"s": "a [1]", "v": [1], "k\"": ["[1]", null]})));
        assert_eq!(filled("\"{{y}}\"", &json!(1)), Ok(json!("")));
        assert!(filled(r#""\{{x}}""#, &json!("n")).is_err());
    }

    /// A value with a marker string or two in it, and the template that makes it: `{{x}}` for each marker.
    fn template() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!(1)),
            Just(json!(null)),
            Just(json!("MARK")),
            "[a\"\\\\]{0,4}".prop_map(|text| json!(format!("{text}MARK{text}"))),
            Just(json!("WHOLE")),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                prop::collection::btree_map("[a\"]{0,3}", inner, 0..4).prop_map(|map| json!(map)),
            ]
        })
    }

    fn expected(template: &Value, value: &Value) -> Value {
        match template {
            Value::String(text) if text == "WHOLE" => value.clone(),
            Value::String(text) => Value::String(text.replace("MARK", &plain(Some(value)))),
            Value::Array(list) => list.iter().map(|inner| expected(inner, value)).collect(),
            Value::Object(map) => map.iter().map(|(key, inner)| (key.clone(), expected(inner, value))).collect(),
            other => other.clone(),
        }
    }

    proptest! {
        #[test]
        fn the_structure_stays(template in template(), text in any::<String>(), number in any::<i64>()) {
            let written = template.to_string().replace("\"WHOLE\"", "{{x}}").replace("MARK", "{{x}}");
            for value in [json!(text), json!(number), json!([text, number])] {
                prop_assert_eq!(filled(&written, &value), Ok(expected(&template, &value)));
            }
        }
    }
}
