//! The description of the API: OpenAPI 3.1, made of the declared endpoints and the schemas of their types.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::endpoint::{Endpoint, FailureForm, Needs, Parameter, Place, SchemaOf, Success};
use super::endpoints;
use super::problem::ProblemCode;
use crate::base::code::Code;
use crate::base::ident::Name;
use crate::object::access::Scope;

/// The description, as it is answered: made once.
#[must_use]
pub fn text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| format!("{:#}\n", document()));
    &TEXT
}

/// The description.
#[must_use]
pub fn document() -> Value {
    describe(&endpoints())
}

fn describe(endpoints: &[Endpoint]) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for endpoint in endpoints {
        let method = endpoint.method.as_str().to_ascii_lowercase();
        paths.entry(endpoint.path).or_default().insert(method, operation(endpoint, &mut generator));
    }
    let mut schemas = generator.take_definitions(true);
    schemas.insert("Problem".to_owned(), problem_schema());
    let scopes: Map<String, Value> =
        Scope::ALL.iter().map(|scope| (scope.as_str().to_owned(), scope.meaning().into())).collect();
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "trueup",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The control plane: configuration of many projects, and what is configured carried out.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {
                    "type": "oauth2",
                    "description": "An access token of a key: `Authorization: Bearer …`.",
                    "flows": { "clientCredentials": { "tokenUrl": "/accounts/connect/token", "scopes": scopes } },
                },
            },
        },
    })
}

fn operation(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let mut operation = Map::new();
    operation.insert("operationId".into(), endpoint.name.into());
    operation.insert("tags".into(), json!([endpoint.area]));
    operation.insert("summary".into(), endpoint.summary.trim_end_matches('.').into());
    let description = description(endpoint);
    if !description.is_empty() {
        operation.insert("description".into(), description.into());
    }
    let parameters = parameters(endpoint, generator);
    if !parameters.is_empty() {
        operation.insert("parameters".into(), parameters.into());
    }
    if let Some(body) = &endpoint.body {
        let content: Map<String, Value> = body
            .types
            .iter()
            .map(|(content_type, schema)| ((*content_type).to_owned(), json!({ "schema": schema(generator) })))
            .collect();
        operation.insert("requestBody".into(), json!({ "required": body.required, "content": content }));
    }
    operation.insert("responses".into(), responses(endpoint, generator));
    let security = match endpoint.needs {
        Needs::Nothing => json!([]),
        Needs::Scope(scope) => json!([{ "token": [scope.as_str()] }]),
    };
    operation.insert("security".into(), security);
    Value::Object(operation)
}

fn description(endpoint: &Endpoint) -> String {
    let mut parts = vec![endpoint.description.to_owned()];
    if let Needs::Scope(scope) = endpoint.needs {
        parts.push(format!("Needs the scope `{scope}`."));
    }
    parts.extend(endpoint.may_need.iter().map(|(scope, when)| format!("Needs the scope `{scope}` when {when}.")));
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

fn parameters(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Vec<Value> {
    let mut parameters = Vec::new();
    if endpoint.path.contains("{project}") {
        let project = Parameter {
            place: Place::Path,
            name: "project",
            description: "The project; a key reaches one.",
            required: true,
            schema: (|generator| generator.subschema_for::<Name>()) as SchemaOf,
        };
        parameters.push(parameter(&project, generator));
    }
    parameters.extend(endpoint.parameters.iter().map(|one| parameter(one, generator)));
    if let Some(query) = endpoint.query {
        parameters.extend(query_parameters(&query(generator).to_value(), generator));
    }
    parameters
}

fn parameter(parameter: &Parameter, generator: &mut SchemaGenerator) -> Value {
    let Parameter { place, name, description, required, schema } = parameter;
    let place = match place {
        Place::Path => "path",
        Place::Header => "header",
    };
    json!({ "name": name, "in": place, "required": required, "description": description, "schema": schema(generator) })
}

/// One parameter for each property of the type that the query is read as.
fn query_parameters(schema: &Value, generator: &mut SchemaGenerator) -> Vec<Value> {
    let named = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
    let schema = named.and_then(|name| generator.definitions_mut().remove(name)).unwrap_or_else(|| schema.clone());
    let required = |name: &str| schema["required"].as_array().is_some_and(|list| list.iter().any(|one| one == name));
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties
        .map(|(name, property)| {
            let mut property = property.clone();
            without_null(&mut property);
            let description = property.as_object_mut().and_then(|map| map.remove("description"));
            let mut parameter = json!({ "name": name, "in": "query", "required": required(name), "schema": property });
            parameter["description"] = description.unwrap_or_default();
            parameter
        })
        .collect()
}

/// In a query a parameter is left out, never null.
fn without_null(schema: &mut Value) {
    let Some(map) = schema.as_object_mut() else { return };
    map.remove("default");
    if let Some(Value::Array(types)) = map.get_mut("type") {
        types.retain(|one| one != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            map.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(choices)) = map.get_mut("anyOf") {
        choices.retain(|choice| choice["type"] != "null");
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            map.remove("anyOf");
            map.extend(only);
        }
    }
}

fn responses(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let mut responses: BTreeMap<String, Value> = BTreeMap::new();
    for success in &endpoint.successes {
        let Success { status, description, content, headers } = success;
        let mut response = json!({ "description": description });
        if let Some((content_type, schema)) = content {
            let schema = schema(generator).to_value();
            response["content"] = json!({ *content_type: { "schema": schema } });
        }
        for (name, description) in headers {
            response["headers"][name] = json!({ "description": description, "schema": { "type": "string" } });
        }
        responses.insert(status.to_string(), response);
    }
    let mut failures: BTreeMap<u16, Vec<ProblemCode>> = BTreeMap::new();
    for code in endpoint.failures() {
        failures.entry(code.status().as_u16()).or_default().push(code);
    }
    for (status, codes) in failures {
        responses.insert(status.to_string(), failure(status, &codes, endpoint.failure_form, generator));
    }
    json!(responses)
}

fn failure(status: u16, codes: &[ProblemCode], form: FailureForm, generator: &mut SchemaGenerator) -> Value {
    let (content_type, schema, words) = match form {
        FailureForm::Problem => {
            let words: Vec<String> =
                codes.iter().map(|code| format!("`{}`: {}", code.as_str(), code.title())).collect();
            ("application/problem+json", json!({ "$ref": "#/components/schemas/Problem" }), words.join("; "))
        }
        FailureForm::Own { content_type, schema, .. } => {
            let titles: Vec<&str> = codes.iter().map(|code| code.title()).collect();
            (content_type, schema(generator).to_value(), titles.join("; "))
        }
    };
    let mut response = json!({ "description": words, "content": { content_type: { "schema": schema } } });
    let header = match status {
        401 => Some(("WWW-Authenticate", "How to authenticate")),
        405 => Some(("Allow", "The methods known here")),
        429 => Some(("Retry-After", "Seconds until the next request is welcome")),
        _ => None,
    };
    if let Some((name, description)) = header {
        response["headers"] = json!({ name: { "description": description, "schema": { "type": "string" } } });
    }
    response
}

fn problem_schema() -> Value {
    let codes: Vec<&str> = ProblemCode::ALL.iter().map(|code| code.as_str()).collect();
    json!({
        "type": "object",
        "description": "A failed request (RFC 9457). Further members depend on the code.",
        "required": ["type", "title", "status", "detail", "code"],
        "properties": {
            "type": { "type": "string", "format": "uri" },
            "title": { "type": "string" },
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "detail": { "type": "string" },
            "code": { "type": "string", "enum": codes },
            "errors": {
                "type": "array",
                "description": "Each fault, where there are several or one has a place. Nothing was done.",
                "items": {
                    "type": "object",
                    "required": ["detail"],
                    "properties": {
                        "code": {
                            "type": "string",
                            "description": "What sort of fault, where it is told apart; `trueup explain CODE` says more.",
                            "enum": Code::ALL.iter().map(|code| code.as_str()).collect::<Vec<_>>(),
                        },
                        "place": {
                            "type": "string",
                            "description": "Where: a field from the root of the body, an address with a path, a line.",
                        },
                        "detail": { "type": "string", "description": "What is wrong, for people." },
                    },
                },
            },
        },
    })
}
