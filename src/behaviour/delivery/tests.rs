use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::kinds::catalogue::COMMON;
use crate::kinds::scope::event_properties;

fn webhook(properties: &Value) -> CompiledWebhook {
    let spec = json!({"system": "crm", "event": "launcher.clicked", "destination": "d", "properties": properties});
    let spec: WebhookSpec = serde_json::from_value(spec).expect("a readable spec");
    CompiledWebhook::new(&spec, event_properties(&BTreeMap::new(), &spec.event)).expect("made ready")
}

fn event(properties: Map<String, Value>) -> StoredEvent {
    StoredEvent {
        event_id: "e1".into(),
        event: "launcher.clicked".into(),
        system: Name::from_any("crm"),
        occurred_at: jiff::Timestamp::UNIX_EPOCH,
        properties,
    }
}

#[test]
fn a_header_with_a_dot_has_a_path_of_its_own() {
    let destination: DestinationSpec =
        serde_json::from_value(json!({"platform": "x", "method": "POST", "url": "https://a.test",
        "headers": {"X.Key": {"fromEnv": "K"}, "X-Key": {"fromEnv": "K"}}}))
        .expect("a readable spec");
    let paths: Vec<String> = request(&Map::new(), &destination)
        .headers
        .into_iter()
        .filter_map(|(_, content)| match content {
            Content::Secret(place) => Some(place.path),
            Content::Plain(_) => None,
        })
        .collect();
    let wanted = |name: &str| Path::keys("spec.headers").key(name).to_string();
    assert_eq!(paths, [wanted("X-Key"), wanted("X.Key")]);
    assert_eq!(wanted("X-Key"), "spec.headers.X-Key");
}

#[test]
fn a_query_is_added_to_whatever_the_url_has() {
    let shaped = json!({"a b": "c", "n": 1.5}).as_object().cloned().unwrap_or_default();
    for (url, with) in [
        ("https://a.test", "https://a.test?a%20b=c&n=1.5"),
        ("https://a.test/?", "https://a.test/?a%20b=c&n=1.5"),
        ("https://a.test/x?k=v", "https://a.test/x?k=v&a%20b=c&n=1.5"),
        ("https://a.test/x?k=v&", "https://a.test/x?k=v&a%20b=c&n=1.5"),
        ("https://a.test/x#y?z", "https://a.test/x?a%20b=c&n=1.5"),
    ] {
        assert_eq!(with_query(url, &shaped), with);
        assert_eq!(
            url::Url::parse(with).map(|url| url.query_pairs().count()).ok(),
            Some(2 + usize::from(url.contains("k=v")))
        );
    }
}

proptest! {
    /// Choosing and renaming never make a value up, never lose a chosen one, and never send one that was not chosen.
    #[test]
    fn what_is_sent_is_what_was_chosen(
        present in prop::sample::subsequence(COMMON.keys().copied().collect::<Vec<_>>(), 0..COMMON.len()),
        include in prop::option::of(prop::sample::subsequence(COMMON.keys().copied().collect::<Vec<_>>(), 1..COMMON.len())),
        renamed in prop::sample::subsequence(COMMON.keys().copied().collect::<Vec<_>>(), 0..COMMON.len()),
        fixed in prop::collection::btree_map("static_[a-c]", 0i64..3, 0..3),
    ) {
        let value = |name: &str| json!(format!("value of {name}"));
        let event = event(present.iter().map(|name| ((*name).to_owned(), value(name))).collect());
        let rename: BTreeMap<&str, String> = renamed.iter().map(|name| (*name, format!("to_{name}"))).collect();
        let included = include.clone().map_or_else(|| json!("all"), |list| json!(list));
        let shaped = webhook(&json!({"include": included, "rename": rename, "static": fixed})).shape(&event);
        let mut expected = Map::new();
        for name in present.iter().filter(|name| include.as_ref().is_none_or(|list| list.contains(*name))) {
            expected.insert(rename.get(name).cloned().unwrap_or_else(|| (*name).to_owned()), value(name));
        }
        expected.extend(fixed.into_iter().map(|(name, number)| (name, json!(number))));
        let bytes = |map: &Map<String, Value>| serde_json::to_string(map).expect("serialised");
        prop_assert_eq!(bytes(&shaped), bytes(&expected));
    }

    /// A receiver that takes the query apart gets exactly what was sent.
    #[test]
    fn a_query_comes_through(values in prop::collection::vec(("[a-zA-Z_]{1,6}", any::<String>()), 0..5)) {
        let shaped: Map<String, Value> = values.into_iter().map(|(name, text)| (name, text.into())).collect();
        let url = url::Url::parse(&with_query("https://a.test/p", &shaped)).expect("a URL");
        let read: Map<String, Value> = url.query_pairs().map(|(k, v)| (k.into_owned(), v.into_owned().into())).collect();
        prop_assert_eq!(read, shaped);
    }
}
