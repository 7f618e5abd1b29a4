//! What holds for every kind: its field table covers its schema, and the example of its documentation is in order.

use std::collections::{BTreeMap, BTreeSet};

use schemars::SchemaGenerator;
use serde_json::{Value, json};

use super::finding::Findings;
use super::{Address, Field, Kind, ManifestKind, Metadata, Spec};
use crate::base::diagnostic::Severity;

/// The schema of a kind's spec with its definitions, as a whole document.
fn schema(kind: ManifestKind) -> Value {
    let mut generator = SchemaGenerator::default();
    let mut schema = kind.spec_schema(&mut generator).to_value();
    schema["$defs"] = Value::Object(generator.take_definitions(true));
    schema
}

/// What a schema says about the places of a document.
#[derive(Default)]
struct Places {
    /// Paths of properties with a name of their own.
    properties: BTreeSet<String>,
    /// Paths of values of a map with free keys (`….*`) and of elements (`…[]`).
    values: BTreeSet<String>,
    /// Paths of properties that say nothing about themselves.
    undescribed: BTreeSet<String>,
}

impl Places {
    /// Walks a schema in all its variants. Stops where a row says that what lies below has a form of its own.
    fn walk(&mut self, at: &str, schema: &Value, root: &Value, fields: &[Field]) {
        let leaf = |field: &Field| field.opaque || field.secret || field.reference.is_some();
        if fields.iter().any(|field| field.path == at && leaf(field)) {
            return;
        }
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let definition = root.pointer(reference.trim_start_matches('#')).expect("a definition");
            self.walk(at, definition, root, fields);
        }
        for variants in ["oneOf", "anyOf", "allOf"] {
            for variant in schema.get(variants).and_then(Value::as_array).into_iter().flatten() {
                self.walk(at, variant, root, fields);
            }
        }
        for branch in ["then", "else"] {
            if let Some(branch) = schema.get(branch) {
                self.walk(at, branch, root, fields);
            }
        }
        for (key, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let path = format!("{at}.{key}");
            self.properties.insert(path.clone());
            // The tag of a variant is described by the variant.
            if property.get("description").is_none() && property.get("const").is_none() {
                self.undescribed.insert(path.clone());
            }
            self.walk(&path, property, root, fields);
        }
        let maps = schema.get("patternProperties").and_then(Value::as_object).into_iter().flat_map(|map| map.values());
        let maps = maps.chain(schema.get("additionalProperties")).map(|value| (value, ".*"));
        for (value, suffix) in maps.chain(schema.get("items").map(|value| (value, "[]"))) {
            if value.is_object() {
                let path = format!("{at}{suffix}");
                self.values.insert(path.clone());
                self.walk(&path, value, root, fields);
            }
        }
    }
}

#[test]
fn every_schema_property_has_exactly_one_row() {
    for kind in ManifestKind::all() {
        let schema = schema(kind);
        let mut places = Places::default();
        places.walk("spec", &schema, &schema, kind.fields());
        let mut rows: BTreeSet<String> = BTreeSet::new();
        for field in kind.fields() {
            assert!(rows.insert(field.path.to_owned()), "{kind}: two rows for {}", field.path);
        }
        let is_value = |path: &String| path.ends_with('*') || path.ends_with("[]");
        let (values, properties): (BTreeSet<String>, BTreeSet<String>) = rows.into_iter().partition(is_value);
        assert_eq!(properties, places.properties, "{kind}: rows on the left, schema on the right");
        let strangers: Vec<&String> = values.difference(&places.values).collect();
        assert!(strangers.is_empty(), "{kind}: rows without a place in the schema: {strangers:?}");
    }
}

#[test]
fn every_schema_property_is_described() {
    for kind in ManifestKind::all() {
        let schema = schema(kind);
        let mut places = Places::default();
        places.walk("spec", &schema, &schema, kind.fields());
        assert_eq!(places.undescribed, BTreeSet::new(), "{kind}");
    }
}

/// The example in a kind's documentation, as people would write it.
fn example(kind: Kind) -> Value {
    let documentation = kind.documentation();
    let yaml = documentation.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next());
    let yaml = yaml.expect("an example").replace("${var.slackHost}", "hooks.slack.test");
    serde_yaml::from_str(&yaml).expect("an example that is YAML")
}

#[test]
fn the_examples_pass_schema_and_checks_and_have_a_stable_canonical_form() {
    let mut scope: BTreeMap<Address, Spec> = BTreeMap::new();
    let desk = json!({"platform": "workstation", "systemId": "bcf4c7f5682b4aa6875a0fc9bdfa21ca"});
    let desk = Kind::System.read_spec(&desk).expect("a system");
    scope.insert("System/desk".parse().expect("an address"), desk);
    for kind in Kind::ALL.iter().copied() {
        let manifest = example(kind);
        assert_eq!(manifest["apiVersion"], "trueup/v1");
        assert_eq!(manifest["kind"], kind.as_str());
        let metadata: Metadata = serde_json::from_value(manifest["metadata"].clone()).expect("metadata");
        let validator = jsonschema::validator_for(&schema(kind.into())).expect("a valid schema");
        let assert_valid = |spec: &Value| {
            let errors: Vec<String> =
                validator.iter_errors(spec).map(|e| format!("{}: {e}", e.instance_path())).collect();
            assert_eq!(errors, Vec::<String>::new(), "{kind}");
        };
        assert_valid(&manifest["spec"]);
        let mut spec = kind.read_spec(&manifest["spec"]).expect("a readable spec");
        spec.normalise();
        let canonical = spec.to_value().expect("a value");
        assert_valid(&canonical);
        assert_eq!(kind.read_spec(&canonical).ok().as_ref(), Some(&spec), "{kind}: reading it back changes it");
        spec.normalise();
        assert_eq!(spec.to_value().ok(), Some(canonical), "{kind}: normalising twice changes it");
        let written = kind.read_spec(&manifest["spec"]).expect("a readable spec");
        scope.insert(Address::new(kind, metadata.name), written);
    }
    for (address, spec) in &scope {
        let mut findings = Findings::default();
        spec.check(&mut findings);
        spec.check_in(&address.name, &scope, &mut findings);
        let errors: Vec<_> = findings.as_slice().iter().map(|f| (f.severity, f.code, f.path.to_string())).collect();
        assert_eq!(errors, Vec::<(Severity, _, String)>::new(), "{address}");
    }
}

#[test]
fn limits_stand_in_the_schemas() {
    let is_valid = |kind: Kind, change: Value| {
        let mut spec = example(kind)["spec"].clone();
        if let (Value::Object(spec), Value::Object(change)) = (&mut spec, change) {
            spec.extend(change);
        }
        jsonschema::is_valid(&schema(kind.into()), &spec)
    };
    let people = |n: usize| (0..n).map(|n| format!("u{n}")).collect::<Vec<_>>();
    assert!(is_valid(Kind::Audience, json!({"members": people(25_000)})));
    assert!(!is_valid(Kind::Audience, json!({"members": people(25_001)})));
    assert!(!is_valid(Kind::Audience, json!({"members": []})));
    assert!(is_valid(Kind::Notification, json!({"endUsers": people(100)})));
    assert!(!is_valid(Kind::Notification, json!({"endUsers": people(101)})));
    for (notification_type, valid) in [("Push", true), ("POPUP", true), ("toast", false)] {
        assert_eq!(is_valid(Kind::Notification, json!({ "type": notification_type })), valid);
        assert_eq!(is_valid(Kind::Template, json!({ "type": notification_type })), valid);
    }
    assert!(!is_valid(Kind::Notification, json!({"template": {"id": "not-a-uuid"}})));
    assert!(!is_valid(Kind::IncomingWebhook, json!({"operations": ["deleteRequest"]})));
    assert!(!is_valid(Kind::Workflow, json!({"steps": []})));
    for (timeout, valid) in [(0, false), (1, true), (300, true), (301, false)] {
        let step = json!({"name": "s", "type": "webhook", "method": "GET", "url": "https://a.test", "timeoutSeconds": timeout});
        assert_eq!(is_valid(Kind::Workflow, json!({ "steps": [step] })), valid, "{timeout}");
    }
    assert!(!is_valid(Kind::Workflow, json!({"steps": [{"name": "bye", "type": "end", "say": "x"}]})));
}

#[test]
fn what_is_asked_of_any_spec_reaches_its_kind() {
    let read = |kind: Kind| kind.read_spec(&example(kind)["spec"]).expect("a readable spec");
    let now = super::time::parse("2031-12-10").expect("a time");
    let late = super::time::parse("2031-12-24").expect("a time");
    let notification = read(Kind::Notification);
    let reached = notification.reach(None, now).map(|reach| reach.recipients);
    assert_eq!(reached.as_deref(), Some("1 audience and 1 end user"));
    let server_set = json!({"startAt": "2031-12-01T08:30:00Z", "endAt": "2031-12-24T00:00:00Z"});
    let before = || super::Before { spec: &notification, server_set: &server_set };
    assert_eq!(notification.reach(Some(before()), now), None);
    assert_eq!(notification.server_set_on_update(before(), now), server_set);
    assert_eq!(notification.already_past(now), None);
    assert!(notification.already_past(late).is_some());
    let audience = read(Kind::Audience);
    assert_eq!(audience.reach(None, now), None);
    assert_eq!(audience.server_set_on_update(before(), now), server_set);
}
