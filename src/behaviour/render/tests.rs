use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::kinds::placeholder::hash_names;

fn template(body: &str) -> TemplateSpec {
    serde_json::from_value(json!({ "title": "t", "body": body })).expect("a readable spec")
}

fn overrides(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn placeholders_in_a_locale_are_filled_too() {
    let spec = json!({"title": "t", "body": "b", "locales": {"de": {"body": "###NAME###"}}});
    let spec: TemplateSpec = serde_json::from_value(spec).expect("a readable spec");
    let read = |locale| render(&spec, OwnTexts::default(), locale, &overrides(&[("###NAME###", "Kim")])).body;
    assert_eq!((read(None), read(Some("de"))), ("b".to_owned(), "Kim".to_owned()));
    assert_eq!(read(Some("")), "b");
    assert_eq!(read(Some("-")), "b");
}

proptest! {
    #[test]
    fn without_values_a_text_stays_and_all_its_placeholders_are_reported(body in "[#ab\n]{0,24}") {
        prop_assume!(!body.is_empty());
        let rendered = render(&template(&body), OwnTexts::default(), None, &BTreeMap::new());
        prop_assert_eq!(&rendered.body, &body);
        let mut names: Vec<&str> = Vec::new();
        for name in hash_names(&body) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        prop_assert_eq!(rendered.unresolved, names);
    }

    #[test]
    fn with_all_values_nothing_is_unresolved(body in "[#ab ]{1,24}") {
        let values = hash_names(&body).into_iter().map(|name| (name.to_owned(), "v".to_owned())).collect();
        let rendered = render(&template(&body), OwnTexts::default(), None, &values);
        prop_assert_eq!(rendered.unresolved, Vec::<String>::new());
    }

    #[test]
    fn a_value_is_never_searched_again(value in "[#AB]{0,12}") {
        let rendered = render(&template("x###A###y"), OwnTexts::default(), None, &overrides(&[("A", &value)]));
        prop_assert_eq!(rendered.body, format!("x{value}y"));
    }
}
