//! The schema of a call, for those who describe the API. What it takes is what [`call::parse`](super::call::parse) takes,
//! save what a schema cannot say: that two fields agree, that an id is of the right type, that a text is a time.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::kinds::incoming_webhook::Operation;

/// The body of a call; only its schema is of use.
#[derive(Clone, Copy, Debug)]
pub struct CallBody;

impl JsonSchema for CallBody {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "HookCall".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let calls: Vec<Value> = Operation::ALL.iter().map(|operation| call(*operation)).collect();
        let mut schema = Schema::default();
        schema.insert("description".into(), "A call of one of the eight operations.".into());
        schema.insert("oneOf".into(), calls.into());
        schema
    }
}

fn call(operation: Operation) -> Value {
    let object = |properties: Value, required: Value| json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false });
    let args = object(json!({ "input": input(operation) }), json!(["input"]));
    object(json!({ "operation": { "const": operation.as_str() }, "args": args }), json!(["operation", "args"]))
}

fn input(operation: Operation) -> Value {
    let mut fields = Map::new();
    let mut add = |names: &[&str], schema: fn() -> Value| {
        for name in names {
            fields.insert((*name).to_owned(), nullable(&schema()));
        }
    };
    add(&["clientMutationId"], line);
    let action = ["requestNumber", "number"];
    let needs = match operation {
        Operation::CreateRequest => {
            add(&["processName", "processId"], line);
            add(&["processVersion"], counted);
            add(&["isTest", "inTest"], boolean);
            add(&["parameters"], parameters);
            any_of(&[&["processName"], &["processId"]])
        }
        Operation::UpdateRequestDataset => {
            add(&["number"], counted);
            add(&["id"], line);
            add(&["parameters"], || with(parameters(), "minItems", json!(1)));
            any_of(&[&["number", "parameters"], &["id", "parameters"]])
        }
        Operation::CancelRequest => {
            add(&["number"], counted);
            add(&["id"], line);
            add(&["notifyParticipant"], || json!({ "const": false }));
            any_of(&[&["number"], &["id"]])
        }
        Operation::CompleteAction | Operation::CompleteFormAction => {
            add(&action, counted);
            add(&["id", "activityName"], line);
            add(&["isTest", "inTest"], boolean);
            add(&["parameters"], parameters);
            any_of(&[&action, &["id"]])
        }
        Operation::CancelAction => {
            add(&action, counted);
            add(&["id"], line);
            add(&["type"], || json!({ "type": "string", "enum": ["CANCEL", "ERROR"] }));
            add(&["exception"], exception);
            any_of(&[&action, &["id"]])
        }
        Operation::AssignAction => {
            add(&action, counted);
            add(&["id", "assigneeUserName", "assigneeId"], line);
            any_of(&[
                &["requestNumber", "number", "assigneeUserName"],
                &["requestNumber", "number", "assigneeId"],
                &["id", "assigneeUserName"],
                &["id", "assigneeId"],
            ])
        }
        Operation::CancelActionAssignment => {
            add(&action, counted);
            add(&["id"], line);
            any_of(&[&action, &["id"]])
        }
    };
    if !matches!(operation, Operation::UpdateRequestDataset | Operation::CancelActionAssignment) {
        add(&["onBehalfOf", "onBehalfOfUserName"], line);
    }
    json!({ "type": "object", "properties": fields, "anyOf": needs, "additionalProperties": false })
}

/// What must be there, and not null.
fn any_of(sets: &[&[&str]]) -> Value {
    let set = |names: &&[&str]| {
        let there: Map<String, Value> =
            names.iter().map(|name| ((*name).to_owned(), json!({ "not": { "type": "null" } }))).collect();
        json!({ "required": names, "properties": there })
    };
    sets.iter().map(set).collect()
}

fn nullable(schema: &Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
}

fn with(mut schema: Value, keyword: &str, value: Value) -> Value {
    if let Some(map) = schema.as_object_mut() {
        map.insert(keyword.to_owned(), value);
    }
    schema
}

fn line() -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": 255 })
}

fn boolean() -> Value {
    json!({ "type": "boolean" })
}

fn counted() -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": i64::MAX })
}

fn exception() -> Value {
    let text = || nullable(&json!({ "type": "string", "maxLength": 4096 }));
    json!({
        "type": "object",
        "properties": { "message": text(), "source": text() },
        "additionalProperties": false,
    })
}

fn parameters() -> Value {
    json!({ "type": "array", "maxItems": 1000, "items": parameter() })
}

fn parameter() -> Value {
    let properties = json!({
        "name": line(),
        "type": nullable(&json!({ "type": "string", "enum": ["TEXT", "NUMERIC", "DATETIME", "FILE"] })),
        "textValue": nullable(&json!({ "type": "string" })),
        "numericValue": nullable(&json!({ "type": "number" })),
        "dateTimeValue": nullable(&json!({
            "type": "string",
            "description": "`YYYY-MM-DD`, `YYYY-MM-DD hh:mm` (both UTC) or RFC 3339 with an offset.",
        })),
        "fileValue": nullable(&file()),
    });
    let one_of = ["textValue", "numericValue", "dateTimeValue", "fileValue"];
    let one_of: Vec<Value> =
        one_of.iter().filter_map(|name| any_of(&[&[*name]]).as_array().cloned()).flatten().collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": ["name"],
        "oneOf": one_of,
        "additionalProperties": false,
    })
}

fn file() -> Value {
    let text = |description: &str| nullable(&json!({ "type": "string", "description": description }));
    let properties = json!({
        "content": text("Base64."),
        "url": text("`file:///` and a path in a folder that the server reads files from."),
        "contentType": nullable(&line()),
        "description": nullable(&json!({ "type": "string", "maxLength": 4096 })),
        "name": nullable(&line()),
        "size": nullable(&json!({ "type": "integer", "minimum": 0, "description": "Bytes." })),
        "updatedAt": text("A time, in the forms of a `dateTimeValue`."),
    });
    json!({
        "type": "object",
        "properties": properties,
        "anyOf": any_of(&[&["content", "name"], &["url"]]),
        "additionalProperties": false,
    })
}
