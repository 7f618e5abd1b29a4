use std::collections::BTreeSet;

use proptest::prelude::{Just, Strategy, any, proptest};
use proptest::prop_assert_eq;
use proptest::sample::subsequence;
use serde::Deserialize;
use serde_json::Map;

use super::*;
use crate::base::path::{Path, Segment};
use crate::kinds::Kind;
use crate::kinds::Spec;

/// The manifests in a kind's documentation, read by another YAML reader than ours.
pub(in crate::kinds) fn examples(kind: Kind) -> Vec<Value> {
    let documentation = kind.documentation();
    let blocks = documentation.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let documents = blocks.flat_map(|block| serde_yaml::Deserializer::from_str(block).collect::<Vec<_>>());
    let values = documents.map(|document| Value::deserialize(document).expect("an example is YAML"));
    values.filter(|value| value.get("kind").is_some_and(|k| k == kind.as_str())).collect()
}

fn metadata_of(value: &Value) -> Metadata {
    serde_json::from_value(value["metadata"].clone()).expect("readable metadata")
}

/// `{metadata, spec}` in canonical form.
fn canonical(kind: Kind, value: &Value) -> Value {
    let mut metadata = metadata_of(value);
    let mut spec: Spec = kind.read_spec(&value["spec"]).expect("a readable spec");
    metadata.normalise();
    spec.normalise();
    json!({ "metadata": metadata, "spec": spec.to_value().expect("a spec has a value") })
}

fn is_valid(schema: &Value, value: &Value) -> bool {
    jsonschema::draft202012::new(schema).expect("a schema").is_valid(value)
}

fn everywhere(schema: &Value, see: &mut dyn FnMut(&Map<String, Value>)) {
    subschemas::visit(&mut schema.clone(), &mut |map| see(map));
}

/// The first example with something else in one place.
fn with(kind: Kind, path: &str, value: Value) -> Value {
    let mut manifest = examples(kind).remove(0);
    let (parent, key) = path.rsplit_once('/').expect("a pointer");
    manifest.pointer_mut(parent).and_then(Value::as_object_mut).expect("a map").insert(key.into(), value);
    manifest
}

#[test]
fn every_schema_is_valid_and_compiles() {
    for kind in Kind::ALL {
        for schema in [manifest_schema(*kind), editor_schema(*kind)] {
            assert!(jsonschema::draft202012::meta::validate(&schema).is_ok(), "{kind}");
            let id = schema["$id"].as_str().unwrap_or_default();
            assert!(jsonschema::draft202012::new(&schema).is_ok(), "{id}");
            let old = to_draft07(schema);
            assert!(jsonschema::draft7::meta::validate(&old).is_ok(), "{kind}");
            assert!(jsonschema::draft7::new(&old).is_ok(), "{kind}");
        }
        assert!(validator(*kind).is_ok(), "{kind}");
    }
    assert_eq!(file_name(Kind::EventType), "event-type.schema.json");
}

#[test]
fn every_example_is_valid_everywhere() {
    let all = all_schema(Variety::Editor, json!({ "type": "object" }));
    let all_old = to_draft07(all.clone());
    let all_old = jsonschema::draft7::new(&all_old).expect("a draft-07 schema");
    for kind in Kind::ALL {
        assert!(!examples(*kind).is_empty(), "{kind} has no example");
        for example in examples(*kind) {
            let errors: Vec<_> =
                validator(*kind).expect("a validator").iter_errors(&example).map(|e| e.to_string()).collect();
            assert_eq!(errors, Vec::<String>::new(), "{kind}");
            assert!(is_valid(&editor_schema(*kind), &example), "{kind}");
            assert!(is_valid(&all, &example), "{kind}");
            assert!(all_old.is_valid(&example), "{kind}");
        }
    }
}

#[test]
fn schemas_are_closed_and_know_no_null() {
    for kind in Kind::ALL {
        everywhere(strict(*kind), &mut |map| {
            let open = map.contains_key("properties")
                && map.get("type").is_some_and(|t| t == "object")
                && map.get("additionalProperties") != Some(&Value::Bool(false));
            assert!(!open, "{kind}: {map:?}");
            let text = map.get("type").map(Value::to_string).unwrap_or_default();
            assert!(!text.contains("null"), "{kind}: {map:?}");
            assert!(map.get("default") != Some(&Value::Null), "{kind}: {map:?}");
            let format = map.get("format").and_then(Value::as_str).unwrap_or_default();
            assert!(!format.contains("int"), "{kind}: {map:?}");
        });
        // No optional field takes null, wherever it stands.
        for example in examples(*kind) {
            for path in optional_fields(*kind, &example) {
                let mut example = example.clone();
                *pointed(&mut example, &path) = Value::Null;
                assert!(!validator(*kind).expect("a validator").is_valid(&example), "{kind} {path}");
            }
        }
    }
}

#[test]
fn definitions_hold_only_what_contains_itself() {
    for kind in Kind::ALL {
        let schema = strict(*kind);
        for (name, body) in schema.get("$defs").and_then(Value::as_object).into_iter().flatten() {
            let mut found = BTreeSet::new();
            inline::references(&mut body.clone(), &mut found);
            assert!(found.contains(name), "{kind} {name}");
        }
    }
}

#[test]
fn wrong_manifests_are_refused() {
    let refused = |kind, path, value| {
        let manifest = with(kind, path, value);
        assert!(!validator(kind).expect("a validator").is_valid(&manifest), "{path}");
    };
    refused(Kind::Destination, "/spec/timeoutSecond", json!(5));
    refused(Kind::Destination, "/spec/timeoutSeconds", json!(61));
    refused(Kind::Destination, "/spec/rateLimit", Value::Null);
    refused(Kind::Destination, "/spec/auth", json!({"type": "none", "token": {"fromEnv": "X"}}));
    refused(Kind::Destination, "/apiVersion", json!("trueup/v2"));
    refused(Kind::Destination, "/metadata/nam", json!("x"));
    refused(Kind::Destination, "/status", json!({}));
    refused(Kind::System, "/spec/platform", json!("fridge"));
}

#[test]
fn editors_take_references_where_scalars_stand() {
    let cases = [
        (Kind::Destination, "/spec/timeoutSeconds", json!("${var.t}")),
        (Kind::Destination, "/spec/method", json!("${var.method}")),
        (Kind::Webhook, "/spec/enabled", json!("${var.on}")),
        (Kind::Webhook, "/spec/system", json!("${target.name}-crm")),
        (Kind::System, "/spec/systemId", json!("${var.id}")),
    ];
    for (kind, path, value) in cases {
        let manifest = with(kind, path, value);
        assert!(is_valid(&editor_schema(kind), &manifest), "{path}");
        assert!(!is_valid(strict(kind), &manifest), "{path}");
    }
    for (kind, path, value) in [
        (Kind::Destination, "/spec/timeoutSeconds", json!("10")),
        (Kind::Destination, "/spec/timeoutSeconds", json!("$${var.t}")),
        (Kind::Destination, "/spec/auth", json!({"type": "${var.auth}"})),
        (Kind::Destination, "/kind", json!("${var.kind}")),
    ] {
        assert!(!is_valid(&editor_schema(kind), &with(kind, path, value)), "{path}");
    }
}

#[test]
fn marks_follow_the_field_table() {
    let destination = strict(Kind::Destination);
    let header = &destination["properties"]["spec"]["properties"]["headers"]["additionalProperties"];
    assert_eq!(header.get(SECRET_MARK), None, "a header also takes a plain text");
    let marked: Vec<bool> =
        header["anyOf"].as_array().into_iter().flatten().map(|b| b.get(SECRET_MARK).is_some()).collect();
    assert_eq!(marked, [false, true]);
    let system = &strict(Kind::System)["properties"]["spec"]["properties"];
    assert_eq!(system["systemId"][IMMUTABLE_MARK], json!(true));
    assert_eq!(system["endUserId"]["properties"]["hash"]["properties"]["salt"][SECRET_MARK], json!(true));
    assert_eq!(system["censor"]["properties"]["events"]["items"][REFERENCE_MARK], json!("EventType"));
    for kind in Kind::ALL {
        let schema = strict(*kind);
        for row in kind.fields() {
            let sites = marks::sites_of(schema, row.path);
            assert!(!sites.is_empty(), "{kind}: no schema for {}", row.path);
            let secret = sites::facets(schema, &sites).iter().any(|site| site.schema.get(SECRET_MARK).is_some());
            let below = row.compare == crate::kinds::field::Compare::Group;
            assert!(below || secret == row.secret, "{kind}: {}", row.path);
        }
        let (mut takes, mut marked) = (0, 0);
        everywhere(schema, &mut |map| {
            let branches = map.get("oneOf").and_then(Value::as_array);
            takes += usize::from(branches.is_some_and(|b| b.iter().any(|b| b["properties"]["fromEnv"].is_object())));
            marked += usize::from(map.contains_key(SECRET_MARK));
        });
        assert_eq!(takes, marked, "{kind}: every place that takes a secret is marked, and no other");
    }
}

#[test]
fn one_schema_serves_all_kinds() {
    let project = json!({
        "$schema": DIALECT, "$id": "https://trueup.dev/schemas/v1/project.schema.json", "type": "object",
        "properties": {"spec": {"$ref": "#/$defs/NestedCondition"}},
        "$defs": {"NestedCondition": {"type": "object", "maxProperties": 0}, "System": {"type": "string"}},
    });
    let all = all_schema(Variety::Editor, project);
    assert!(all::is_complete(&all));
    let validator = jsonschema::draft202012::new(&all).expect("a schema");
    let old = jsonschema::draft7::new(&to_draft07(all.clone())).expect("a draft-07 schema");
    let valid = |value: Value| {
        assert_eq!(validator.is_valid(&value), old.is_valid(&value), "{value}");
        validator.is_valid(&value)
    };
    assert!(valid(with(Kind::Destination, "/spec/timeoutSeconds", json!("${var.t}"))));
    assert!(!valid(with(Kind::Destination, "/spec/timeoutSeconds", json!("x"))));
    assert!(!valid(with(Kind::Destination, "/kind", json!("Destinatio"))));
    assert!(!valid(with(Kind::Destination, "/kind", json!("Webhook"))));
    let project = |spec| json!({"apiVersion": "trueup/v1", "kind": "Project", "metadata": {"name": "p"}, "spec": spec});
    assert!(valid(project(json!({}))));
    assert!(!valid(project(json!({"all": []}))), "a project's own definition is not another kind's of that name");
    let wrong = with(Kind::Webhook, "/spec/conditions", json!([{"property": "x", "operator": "is"}]));
    let errors: Vec<String> = validator.iter_errors(&wrong).map(|e| e.instance_path().to_string()).collect();
    assert_eq!(errors, ["/spec/conditions/0/operator"], "only the manifest's own kind is reported");
}

#[test]
fn defaults_are_found() {
    let of = |kind, path| default_at(kind, &Path::keys(path)).cloned();
    assert_eq!(of(Kind::Destination, "spec.timeoutSeconds"), Some(json!(10)));
    assert_eq!(of(Kind::Destination, "spec.auth"), Some(json!({"type": "none"})));
    assert_eq!(of(Kind::Destination, "spec.retry"), Some(json!({"maxAttempts": 8})));
    assert_eq!(of(Kind::Destination, "spec.retry.maxAttempts"), Some(json!(8)));
    assert_eq!(of(Kind::Webhook, "spec.properties.include"), Some(json!("all")));
    assert_eq!(of(Kind::Webhook, "spec.system"), None);
    assert_eq!(of(Kind::Webhook, "spec.nothing.here"), None);
}

#[test]
fn what_equals_its_default_is_left_out() {
    let value = json!({"metadata": {"name": "d"}, "spec": {
        "platform": "Slack", "method": "POST", "url": "https://a.test", "auth": {"type": "none"},
        "headers": {"X": "none"}, "timeoutSeconds": 10, "retry": {"maxAttempts": 8},
    }});
    assert_eq!(
        without_defaults(Kind::Destination, &value),
        json!({"metadata": {"name": "d"}, "spec": {
            "platform": "Slack", "method": "POST", "url": "https://a.test", "headers": {"X": "none"},
        }})
    );
    let value = json!({"metadata": {"name": "w"}, "spec": {
        "system": "s", "event": "menu.opened", "destination": "d", "enabled": false,
        "properties": {"include": "all", "static": {"include": "all", "enabled": true}},
    }});
    assert_eq!(
        without_defaults(Kind::Webhook, &value)["spec"],
        json!({"system": "s", "event": "menu.opened", "destination": "d", "enabled": false,
               "properties": {"static": {"include": "all", "enabled": true}}})
    );
}

/// The optional fields that a value has.
fn optional_fields(kind: Kind, value: &Value) -> Vec<Path> {
    fn walk(root: &Value, at: &[sites::Site<'_>], value: &Value, path: &Path, found: &mut Vec<Path>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    let field = sites::field(root, at, key);
                    let path = path.key(key);
                    if !field.as_ref().is_some_and(|field| field.required) {
                        found.push(path.clone());
                    }
                    walk(root, &sites::key(root, at, key), value, &path, found);
                }
            }
            Value::Array(list) => {
                for (n, value) in list.iter().enumerate() {
                    walk(root, &sites::element(root, at), value, &path.index(n), found);
                }
            }
            _ => {}
        }
    }
    let (root, mut found) = (strict(kind), Vec::new());
    walk(root, &sites::root(root), value, &Path::root(), &mut found);
    found
}

fn pointed<'v>(value: &'v mut Value, path: &Path) -> &'v mut Value {
    path.segments().iter().fold(value, |value, segment| match segment {
        Segment::Key(key) => &mut value[&**key],
        Segment::Index(n) => &mut value[*n],
        Segment::Element(_) => unreachable!("the tests use indices"),
    })
}

fn remove(value: &mut Value, path: &Path) {
    let (Some(parent), Some(Segment::Key(key))) = (path.parent(), path.segments().last()) else { return };
    if parent.of(value).is_some()
        && let Some(map) = pointed(value, &parent).as_object_mut()
    {
        map.remove(&**key);
    }
}

/// Manifests made of the examples: some optional fields left out, some set to their defaults.
fn samples() -> impl Strategy<Value = (Kind, Value)> {
    let all: Vec<(Kind, Value)> =
        Kind::ALL.iter().flat_map(|kind| examples(*kind).into_iter().map(|example| (*kind, example))).collect();
    proptest::sample::select(all).prop_flat_map(|(kind, example)| {
        let paths = optional_fields(kind, &canonical(kind, &example));
        let count = paths.len();
        (Just((kind, example)), subsequence(paths, 0..=count), any::<u64>()).prop_map(
            |((kind, example), paths, bits)| {
                let mut sample = example;
                for (n, path) in paths.iter().enumerate() {
                    let default = default_at(kind, path).filter(|_| bits >> (n % 64) & 1 == 0);
                    match (default, path.of(&sample)) {
                        (Some(default), Some(_)) => *pointed(&mut sample, path) = default.clone(),
                        _ => remove(&mut sample, path),
                    }
                }
                (kind, sample)
            },
        )
    })
}

proptest! {
    #[test]
    fn leaving_defaults_out_changes_nothing((kind, sample) in samples()) {
        // What was left out may have been needed by another field; that is not this law's concern.
        if validator(kind).expect("a validator").is_valid(&sample) && kind.read_spec(&sample["spec"]).is_ok() {
            let canonical_form = canonical(kind, &sample);
            let short = without_defaults(kind, &canonical_form);
            prop_assert_eq!(canonical(kind, &short), canonical_form.clone());
            prop_assert_eq!(without_defaults(kind, &short), short.clone(), "nothing more to leave out");
            let mut manifest = short;
            manifest["apiVersion"] = API_VERSION.into();
            manifest["kind"] = kind.as_str().into();
            prop_assert_eq!(validator(kind).expect("a validator").is_valid(&manifest), true);
        }
    }
}
