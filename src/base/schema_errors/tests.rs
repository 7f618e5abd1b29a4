use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde_json::json;

use super::super::ident::Name;
use super::super::positions::PositionsBuilder;
use super::super::secret::SecretRef;
use super::super::source::{FileId, Span};
use super::*;

// The types only serve to have schemas made of them.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "only the schema is used")]
struct Spec {
    /// Text.
    method: Option<Method>,
    #[schemars(range(min = 1, max = 60))]
    timeout_seconds: Option<u32>,
    #[schemars(length(min = 1))]
    title: Option<String>,
    owner: Option<Name>,
    auth: Option<Auth>,
    #[schemars(extend("x-trueup-secret" = true))]
    token: Option<SecretRef>,
    headers: Option<BTreeMap<String, Header>>,
    template: Option<Reference>,
    condition: Option<Condition>,
    steps: Option<Vec<Step>>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[expect(dead_code, reason = "only the schema is used")]
enum Method {
    /// Documented.
    Get,
    Post,
    Put,
}

#[derive(JsonSchema)]
#[schemars(tag = "type", rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "only the schema is used")]
enum Auth {
    None,
    /// By token.
    Bearer {
        #[schemars(extend("x-trueup-secret" = true))]
        token: SecretRef,
    },
    Basic {
        username: String,
        #[schemars(extend("x-trueup-secret" = true))]
        password: SecretRef,
    },
}

#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only the schema is used")]
enum Header {
    Plain(String),
    Secret(SecretRef),
}

#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only the schema is used")]
enum Reference {
    Name(Name),
    Id(Id),
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only the schema is used")]
struct Id {
    id: String,
}

#[derive(JsonSchema)]
#[schemars(untagged, deny_unknown_fields)]
#[expect(dead_code, reason = "only the schema is used")]
enum Condition {
    All { all: Vec<Condition> },
    Any { any: Vec<Condition> },
    Row { property: String, operator: String },
    List(Vec<Condition>),
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only the schema is used")]
struct Step {
    name: String,
    #[schemars(flatten)]
    action: Action,
}

#[derive(JsonSchema)]
#[schemars(tag = "type", rename_all = "camelCase")]
#[expect(dead_code, reason = "only the schema is used")]
enum Action {
    Call(Call),
    SendEmail { to: String, subject: String },
    End,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only the schema is used")]
struct Call {
    url: String,
    #[schemars(range(max = 60))]
    timeout: Option<u32>,
}

/// Positions in which every value's and key's span is a number of its own.
fn positions(value: &Value) -> (Positions, Vec<String>) {
    fn walk(value: &Value, key: Option<&str>, path: &str, builder: &mut PositionsBuilder, names: &mut Vec<String>) {
        let at = u32::try_from(names.len()).unwrap() * 10 + 10;
        names.push(path.to_owned());
        let span = |start| Span { file: FileId(0), start, end: start + 1 };
        builder.open(key, key.map(|_| span(at)), span(at + 5), None);
        match value {
            Value::Array(list) => {
                for (n, element) in list.iter().enumerate() {
                    walk(element, None, &format!("{path}[{n}]"), builder, names);
                }
            }
            Value::Object(map) => {
                for (key, value) in map {
                    walk(value, Some(key), &format!("{path}.{key}"), builder, names);
                }
            }
            _ => {}
        }
        builder.close();
    }
    let (mut builder, mut names) = (PositionsBuilder::default(), Vec::new());
    walk(value, None, "", &mut builder, &mut names);
    (builder.finish(), names)
}

fn diagnostics(instance: Value) -> Vec<Diagnostic> {
    places(instance).0
}

/// The diagnostics, and the place of each as `key of .a.b` or `value of .a.b`.
#[expect(clippy::needless_pass_by_value, reason = "the value is written in the call")]
fn places(instance: Value) -> (Vec<Diagnostic>, Vec<String>) {
    let mut schema = schemars::schema_for!(Spec).to_value();
    schema::without_null(&mut schema);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let instance = json!({ "spec": instance });
    let (positions, names) = positions(&instance);
    let base = Path::keys("spec");
    let context = SchemaContext {
        schema: &schema,
        instance: &instance["spec"],
        positions: &positions,
        base: &base,
        address: Some("Webhook/x"),
    };
    let done = schema_diagnostics(validator.iter_errors(&instance["spec"]), context);
    let place = |diagnostic: &Diagnostic| {
        let start = diagnostic.span.unwrap().start;
        let what = if start.is_multiple_of(10) { "key" } else { "value" };
        format!("{what} of {}", names[(start / 10 - 1) as usize])
    };
    let places = done.iter().map(place).collect();
    (done, places)
}

fn only(instance: Value) -> (Code, String, String, String) {
    let (mut done, mut places) = places(instance);
    assert_eq!(done.len(), 1, "{done:#?}");
    let Diagnostic { code, message, help, .. } = done.remove(0);
    (code, message, places.remove(0), help.unwrap_or_default())
}

fn check(instance: Value, code: Code, message: &str, place: &str, help: &str) {
    assert_eq!(only(instance), (code, message.to_owned(), place.to_owned(), help.to_owned()));
}

#[test]
fn good_values_have_no_diagnostics() {
    let good = json!({
        "method": "GET", "timeoutSeconds": 60, "auth": {"type": "none"}, "token": {"fromEnv": "A"},
        "headers": {"a": "b", "c": {"fromFile": "d"}}, "template": {"id": "x"},
        "condition": [{"all": [{"property": "p", "operator": "o"}]}],
        "steps": [{"name": "a", "type": "call", "url": "u"}, {"name": "b", "type": "end"}],
    });
    assert!(diagnostics(good).is_empty());
}

#[test]
fn fields() {
    check(
        json!({"timeoutSecond": 1}),
        Code::UnknownField,
        "there is no field `timeoutSecond` in `spec`",
        "key of .spec.timeoutSecond",
        "did you mean `timeoutSeconds`?",
    );
    let (_, places) = places(json!({"xxxxxx": 1, "yyyyyy": 2}));
    assert_eq!(places, ["key of .spec.xxxxxx", "key of .spec.yyyyyy"]);
    check(
        json!({"auth": {"type": "bearer"}}),
        Code::MissingField,
        "`token` is missing in `auth`",
        "key of .spec.auth",
        "",
    );
}

#[test]
fn values() {
    check(
        json!({"timeoutSeconds": 90}),
        Code::InvalidValue,
        "`timeoutSeconds` must be at most 60, found 90",
        "value of .spec.timeoutSeconds",
        "",
    );
    check(
        json!({"timeoutSeconds": "5"}),
        Code::WrongType,
        "`timeoutSeconds` must be a whole number, found a text",
        "value of .spec.timeoutSeconds",
        "",
    );
    check(
        json!({"title": 5}),
        Code::WrongType,
        "`title` must be a text, found a number",
        "value of .spec.title",
        "put it in quotes",
    );
    check(json!({"title": ""}), Code::InvalidValue, "`title` must not be empty", "value of .spec.title", "");
    check(
        json!({"method": "PSOT"}),
        Code::InvalidValue,
        "`method` must be one of `POST`, `PUT`, `GET`, found `PSOT`",
        "value of .spec.method",
        "did you mean `POST`?",
    );
    let (code, message, ..) = only(json!({"owner": "A B"}));
    assert_eq!((code, message.as_str()), (Code::InvalidName, "`owner` is not a name, found `A B`"));
    let (code, message, ..) = only(json!({"owner": "a".repeat(64)}));
    assert_eq!((code, message.starts_with("`owner` is not a name")), (Code::InvalidName, true));
    check(
        json!({"timeoutSeconds": 0.5}),
        Code::WrongType,
        "`timeoutSeconds` must be a whole number, found 0.5",
        "value of .spec.timeoutSeconds",
        "",
    );
    assert_eq!(only(json!({"token": {"fromEnv": "A=B"}})).1, "`fromEnv` must match `^[A-Za-z_][A-Za-z0-9_]*$`");
    assert_eq!(only(json!({"template": 5})).1, "`template` must be a map or a text, found a number");
}

#[test]
fn unions_by_tag() {
    check(
        json!({"auth": {"type": "beaer"}}),
        Code::InvalidValue,
        "`type` must be one of `none`, `bearer`, `basic`, found `beaer`",
        "value of .spec.auth.type",
        "did you mean `bearer`?",
    );
    check(
        json!({"auth": {}}),
        Code::MissingField,
        "`type` is missing in `auth`",
        "key of .spec.auth",
        "it is one of `none`, `bearer`, `basic`",
    );
    check(
        json!({"auth": {"type": "basic", "usernam": "u", "username": "u", "password": {"fromEnv": "P"}}}),
        Code::UnknownField,
        "there is no field `usernam` in `auth`",
        "key of .spec.auth.usernam",
        "did you mean `username`?",
    );
    assert_eq!(only(json!({"auth": "none"})).1, "`auth` must be a map, found a text");
}

#[test]
fn flattened_tags() {
    let steps = |step: Value| json!({"steps": [{"name": "a", "type": "end"}, step]});
    check(
        steps(json!({"name": "b", "type": "sendEmail", "to": "x"})),
        Code::MissingField,
        "`subject` is missing in `steps[1]`",
        "value of .spec.steps[1]",
        "",
    );
    check(
        steps(json!({"name": "b", "type": "sendMail"})),
        Code::InvalidValue,
        "`type` must be one of `call`, `sendEmail`, `end`, found `sendMail`",
        "value of .spec.steps[1].type",
        "did you mean `sendEmail`?",
    );
    check(
        steps(json!({"name": "b", "type": "call", "url": "u", "timeout": 90})),
        Code::InvalidValue,
        "`timeout` must be at most 60, found 90",
        "value of .spec.steps[1].timeout",
        "",
    );
    check(
        steps(json!({"name": "b", "type": "call", "url": "u", "timout": 9})),
        Code::UnknownField,
        "there is no field `timout` in `steps[1]`",
        "key of .spec.steps[1].timout",
        "did you mean `timeout`?",
    );
}

#[test]
fn unions_without_tag() {
    check(
        json!({"template": {"ids": "x"}}),
        Code::UnknownField,
        "there is no field `ids` in `template`",
        "key of .spec.template.ids",
        "did you mean `id`?",
    );
    check(
        json!({"condition": {"property": "p"}}),
        Code::MissingField,
        "`operator` is missing in `condition`",
        "key of .spec.condition",
        "",
    );
    check(
        json!({"condition": {"all": [{"any": [{"property": 1, "operator": "x"}]}]}}),
        Code::WrongType,
        "`property` must be a text, found a number",
        "value of .spec.condition.all[0].any[0].property",
        "put it in quotes",
    );
    check(
        json!({"token": {"fromEnv": "A", "fromFile": "b"}}),
        Code::ExclusiveFields,
        "only one of `fromEnv`, `fromFile` can be given",
        "key of .spec.token.fromFile",
        "",
    );
    check(
        json!({"token": {}}),
        Code::ExclusiveFields,
        "`token` needs one of `fromEnv`, `fromFile`, `fromCommand`",
        "key of .spec.token",
        "",
    );
    assert_eq!(only(json!({"token": {"fromEnvv": "A"}})).3, "did you mean `fromEnv`?");
}

#[test]
fn secrets_are_never_repeated() {
    for literal in [json!("hunter2hunter2"), json!(12_345_678), json!(["hunter2hunter2"])] {
        for instance in [
            json!({"token": literal}),
            json!({"auth": {"type": "bearer", "token": literal}}),
            json!({"auth": {"type": "basic", "username": "u", "password": literal}}),
        ] {
            let done = diagnostics(instance);
            assert_eq!(done.iter().map(|d| d.code).collect::<Vec<_>>(), [Code::SecretLiteral], "{done:#?}");
            assert!(done[0].help.as_deref().unwrap().contains("fromEnv"));
        }
    }
    for instance in [
        json!({"token": {"fromEnv": ["hunter2hunter2"]}}),
        json!({"token": {"fromEnv": ""}}),
        json!({"token": {"fromCommand": "hunter2hunter2"}}),
    ] {
        let done = diagnostics(instance);
        assert_eq!(done.len(), 1);
        assert!(!format!("{done:?}").contains("hunter2"), "{done:#?}");
    }
    check(
        json!({"token": "x"}),
        Code::SecretLiteral,
        "`token` is a secret and may not be written out",
        "value of .spec.token",
        "refer to it: { fromEnv: NAME }, { fromFile: path } or { fromCommand: [program, argument] }",
    );
}

#[test]
fn all_problems_are_reported_with_address_and_path() {
    let done = diagnostics(json!({"timeoutSeconds": 0, "title": "", "auth": {"type": "bearer", "token": "s", "x": 1}}));
    assert_eq!(done.len(), 4, "{done:#?}");
    assert!(done.iter().all(|d| d.address.as_deref() == Some("Webhook/x")));
    assert!(done.iter().any(|d| d.path.as_ref().unwrap().to_string() == "spec.auth.x"));
}

#[test]
fn the_place_before_a_patch_is_named_too() {
    let span = |file, start| Span { file: FileId(file), start, end: start + 1 };
    let mut builder = PositionsBuilder::default();
    builder.open(None, None, span(1, 1), None);
    let note = Note::Patched { target: "production".into(), original: Some(span(1, 20)) };
    builder.open(Some("timeoutSeconds"), Some(span(0, 5)), span(0, 9), Some(note));
    builder.close();
    builder.close();
    let schema = schemars::schema_for!(Spec).to_value();
    let instance = json!({"timeoutSeconds": 90});
    let (positions, base) = (builder.finish(), Path::root());
    let context =
        SchemaContext { schema: &schema, instance: &instance, positions: &positions, base: &base, address: None };
    let validator = jsonschema::validator_for(&schema).unwrap();
    let done = schema_diagnostics(validator.iter_errors(&instance), context);
    assert_eq!(done[0].span, Some(span(0, 9)));
    assert_eq!(done[0].related, [("patched by target `production`; written here".to_owned(), span(1, 20))]);
}
