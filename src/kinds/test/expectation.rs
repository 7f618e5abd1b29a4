//! What a case expects. Which of it can be given depends on the sort of the case.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::given::{value, values};
use crate::base::ident::Name;
use crate::kinds::destination::{Auth, Method};
use crate::kinds::header::Headers;
use crate::kinds::workflow::step_webhook::StepMethod;

/// What is to come of a case.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct Expectation {
    /// Of an `event`: exactly these deliveries, in any order; `[]` for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deliveries: Option<Vec<ExpectedDelivery>>,
    /// Of a `render`: the title that administrators see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Of a `render`: the title that end users see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_title: Option<String>,
    /// Of a `render`: the text that end users read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Of a `render`: what stands on the button.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub button_text: Option<String>,
    /// Of a `render`: what the button opens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Of a `render`: exactly the placeholders that have no value, in any order; `[]` for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unresolved: Option<Vec<String>>,
    /// Of an `audience`: whether the end user is in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<bool>,
    /// Of a `workflow`: exactly the steps it visits, in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Vec<String>>,
    /// Of a `workflow`: values of variables when it has ended; others are not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "values")]
    pub variables: Option<BTreeMap<String, Value>>,
    /// Of a `workflow`: requests it makes; others are not looked at. A second one of a step is its second visit's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<Vec<ExpectedRequest>>,
}

/// A delivery of a webhook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct ExpectedDelivery {
    /// The webhook.
    pub webhook: Name,
    /// Its request type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// Where it goes, with its query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Headers that it has, plain or secret (as the reference); others are not looked at.
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    pub headers: Headers,
    /// How it is authenticated, with secrets as their references.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    /// Its body as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "value")]
    pub body: Option<Value>,
    /// A part of its body: keys of a map with their values, or a text within it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "value")]
    pub body_includes: Option<Value>,
}

/// A request of a workflow's webhook step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct ExpectedRequest {
    /// The step.
    #[schemars(length(min = 1))]
    pub step: String,
    /// Its request type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<StepMethod>,
    /// Where it goes, with its query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Headers that it has, plain or secret (as the reference); others are not looked at.
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    pub headers: Headers,
    /// Its body as a whole: a text as it is sent, everything else as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "value")]
    pub body: Option<Value>,
    /// A part of its body: keys of a map with their values, or a text within it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "value")]
    pub body_includes: Option<Value>,
}

/// What can be expected of a delivery and of a request alike.
#[derive(Clone, Copy, Debug)]
pub struct ExpectedMessage<'e> {
    /// Headers that it has.
    pub headers: &'e Headers,
    /// Its body as a whole.
    pub body: Option<&'e Value>,
    /// A part of its body.
    pub body_includes: Option<&'e Value>,
}

impl ExpectedDelivery {
    /// What it shares with a request.
    #[must_use]
    pub fn message(&self) -> ExpectedMessage<'_> {
        let Self { webhook: _, method: _, url: _, headers, auth: _, body, body_includes } = self;
        ExpectedMessage { headers, body: body.as_ref(), body_includes: body_includes.as_ref() }
    }
}

impl ExpectedRequest {
    /// What it shares with a delivery.
    #[must_use]
    pub fn message(&self) -> ExpectedMessage<'_> {
        let Self { step: _, method: _, url: _, headers, body, body_includes } = self;
        ExpectedMessage { headers, body: body.as_ref(), body_includes: body_includes.as_ref() }
    }
}

impl Expectation {
    /// The names of what is expected.
    #[must_use]
    pub fn given(&self) -> Vec<&'static str> {
        let Self {
            deliveries,
            title,
            runtime_title,
            body,
            button_text,
            link,
            unresolved,
            member,
            path,
            variables,
            requests,
        } = self;
        let all = [
            ("deliveries", deliveries.is_some()),
            ("title", title.is_some()),
            ("runtimeTitle", runtime_title.is_some()),
            ("body", body.is_some()),
            ("buttonText", button_text.is_some()),
            ("link", link.is_some()),
            ("unresolved", unresolved.is_some()),
            ("member", member.is_some()),
            ("path", path.is_some()),
            ("variables", variables.is_some()),
            ("requests", requests.is_some()),
        ];
        all.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name).collect()
    }
}
