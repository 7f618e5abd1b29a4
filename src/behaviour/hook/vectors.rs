//! The vectors of the documentation, tried on the code.

use std::collections::BTreeSet;

use schemars::SchemaGenerator;
use serde_json::{Value, json};

use super::call::{self, Input};
use super::dataset::{self, Moment};
use super::error::{HookCode, HookError};
use super::file_url::FileUrl;
use super::identifier::Identifier;
use super::rights::{self, ActionView, Caller, RequestView};
use super::schema::CallBody;
use crate::kinds::workflow::Roles;
use crate::kinds::workflow::data::Data;

const DOCUMENT: &str = include_str!("../../../docs/behaviour-hooks.md");

/// The vectors under a name: a JSON list in the code block that follows the mark.
fn vectors(name: &str) -> Vec<Value> {
    let mark = format!("<!-- vectors: {name} -->\n```json\n");
    let (_, rest) = DOCUMENT.split_once(&mark).expect("vectors of this name");
    let (block, _) = rest.split_once("\n```").expect("the end of the block");
    serde_json::from_str(block).expect("a list of vectors")
}

fn codes(errors: &[HookError]) -> Vec<&str> {
    errors.iter().map(|error| error.code.as_str()).collect()
}

#[test]
fn every_code_is_explained() {
    for code in HookCode::ALL {
        let row = DOCUMENT.lines().find(|line| line.starts_with(&format!("| `{code}` |")));
        assert!(row.is_some_and(|row| row.ends_with(&format!("| {} |", code.meaning()))), "{code}");
    }
}

#[test]
fn ids() {
    for vector in vectors("hook-ids") {
        let id = vector["id"].as_str().expect("an id");
        let means = Identifier::decode(id);
        assert_eq!(means.map(|id| id.to_string()).as_deref(), vector["means"].as_str(), "{vector}");
        assert!(means.is_none_or(|means| means.encode() == id), "{vector}");
    }
}

#[test]
fn calls() {
    for vector in vectors("hook-calls") {
        let errors = call::parse(&vector["call"]).err().unwrap_or_default();
        assert_eq!(json!(codes(&errors)), vector["codes"], "{vector} {errors:?}");
    }
}

/// The schema takes every call that is read, and none that is refused for its form.
#[test]
fn the_schema_says_the_same() {
    let schema = SchemaGenerator::default().into_root_schema_for::<CallBody>().to_value();
    let schema = jsonschema::validator_for(&schema).expect("a schema");
    // What no schema can say.
    let beyond = ["conflicting-fields", "invalid-id", "duplicate-parameter", "unknown-data", "wrong-data-type"];
    let mut calls: Vec<(Value, Value)> = Vec::new();
    for vector in vectors("hook-calls") {
        calls.push((vector["call"].clone(), vector["codes"].clone()));
    }
    for vector in vectors("hook-parameters") {
        let input = json!({ "number": 1, "parameters": vector["parameters"] });
        let call = json!({ "operation": "updateRequestDataset", "args": { "input": input } });
        let codes = vector.get("codes").cloned().unwrap_or(json!([]));
        if vector["parameters"] != json!([]) {
            calls.push((call, codes));
        }
    }
    let mut refused = 0;
    for (call, codes) in calls {
        let codes: Vec<&str> = codes.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let only_beyond = codes.iter().all(|code| beyond.contains(code));
        if only_beyond && !call.to_string().contains("numericValue\":1}") {
            assert!(schema.is_valid(&call), "{call}: {:?}", schema.iter_errors(&call).next().map(|e| e.to_string()));
        } else if call::parse(&call).is_err_and(|errors| errors.iter().any(|e| e.code == HookCode::UnknownField)) {
            assert!(!schema.is_valid(&call), "{call}");
            refused += 1;
        }
    }
    assert!(refused > 5, "{refused}");
}

#[test]
fn parameters() {
    let data: Vec<Data> = serde_json::from_value(json!([
        { "name": "EMAIL", "type": "text", "required": true },
        { "name": "COUNT", "type": "numeric", "required": true, "default": 5 },
        { "name": "DUE", "type": "datetime" },
        { "name": "SCAN", "type": "file" },
    ]))
    .expect("readable data");
    for vector in vectors("hook-parameters") {
        let moment = if vector["moment"] == "start" { Moment::Start } else { Moment::Later };
        let input = json!({ "processName": "p", "parameters": vector["parameters"] });
        let fitted = call::parse(&json!({ "operation": "createRequest", "args": { "input": input } }));
        let fitted = fitted.and_then(|call| {
            let Input::CreateRequest(input) = call.input else { panic!("another operation") };
            dataset::fit(input.parameters, &data, moment)
        });
        match fitted {
            Ok(fitted) => {
                assert_eq!(Value::Object(fitted.values), vector["values"], "{vector}");
                let files: Vec<&str> = fitted.files.iter().map(|(name, _)| name.as_str()).collect();
                assert_eq!(json!(files), vector.get("files").cloned().unwrap_or(json!([])), "{vector}");
            }
            Err(errors) => assert_eq!(json!(codes(&errors)), vector["codes"], "{vector} {errors:?}"),
        }
    }
}

#[test]
fn file_urls() {
    for vector in vectors("hook-file-urls") {
        let url = FileUrl::parse(vector["url"].as_str().expect("a URL"));
        assert_eq!(url.as_ref().ok().and_then(|url| url.path().to_str()), vector["path"].as_str(), "{vector} {url:?}");
    }
}

#[test]
fn rights() {
    let all = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>();
    let roles = Roles { administrators: all(&["admin"]), supervisors: all(&["sup"]) };
    let system_users = BTreeSet::from(["sys".to_owned()]);
    let (requesters, participants) = (all(&["req", "del"]), all(&["old", "bo"]));
    for vector in vectors("hook-rights") {
        let operation = vector["operation"].as_str().expect("an operation");
        let on_action = operation.contains("Action");
        let mut input = match operation {
            "createRequest" => json!({ "processName": "p" }),
            "updateRequestDataset" => json!({ "number": 1, "parameters": [{ "name": "a", "textValue": "" }] }),
            "cancelRequest" => json!({ "number": 1 }),
            "assignAction" => json!({ "requestNumber": 1, "number": 1, "assigneeUserName": "bo" }),
            _ => json!({ "requestNumber": 1, "number": 1 }),
        };
        for (key, value) in vector["input"].as_object().into_iter().flatten() {
            input[key] = value.clone();
        }
        let call = call::parse(&json!({ "operation": operation, "args": { "input": input } })).expect("a call");
        let user = |key: &str| vector[key].as_str().map(str::to_owned);
        let caller = Caller { user: user("who").expect("a user"), on_behalf_of: user("for") };
        let flag = |key: &str, otherwise: bool| vector["but"].get(key).map_or(otherwise, |value| value == true);
        let request = RequestView {
            system_users: &system_users,
            roles: &roles,
            requesters: &requesters,
            participants: &participants,
            open: flag("requestOpen", true),
            is_test: false,
        };
        let action = ActionView {
            activity: "approve",
            open: flag("actionOpen", true),
            assignee: vector["but"].get("assignee").map_or(Some("bo"), Value::as_str),
            can_be_cancelled: flag("canBeCancelled", true),
            can_fail: flag("canFail", false),
        };
        let checked = rights::check(&call, &caller, &request, on_action.then_some(&action));
        let code = checked.as_ref().err().map(|error| error.code.as_str());
        assert_eq!(code, vector["code"].as_str(), "{vector} {checked:?}");
    }
}
