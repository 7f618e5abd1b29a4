//! The webhook step: a request, what of its answer is kept, and what happens when it fails.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::step::{Assignments, Routes, assignments};
use super::variable_target::SetVariable;
use crate::base::code::Code;
use crate::base::path::Path;
use crate::kinds::finding::Findings;
use crate::kinds::header::{self, HeaderValue, Headers};
use crate::kinds::placeholder::with_braces_replaced;
use crate::kinds::{web_address, whole_number};

/// Calls a URL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct WebhookStep {
    /// Name of the step, unique within the workflow.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// Request type.
    pub method: StepMethod,
    /// Where the request goes: absolute, http or https, with `{{variables}}` after the host.
    #[schemars(length(min = 1, max = 2048))]
    pub url: String,
    /// Headers, plain (with `{{variables}}`) or secret; authentication goes here.
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    pub headers: Headers,
    /// What the body is; only for `POST`, `PUT` and `PATCH`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<ContentType>,
    /// The body as a text, with `{{variables}}`; for `json`, `xml` and `formEncoded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The body as fields, with `{{variables}}`; for `formEncoded` and `formData`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<BTreeMap<String, String>>,
    /// How long the request may take, in seconds; then the exit is `failure`. The range 1 to 300 is ours.
    #[serde(default = "timeout_seconds", deserialize_with = "whole_number::read")]
    #[schemars(range(min = 1, max = 300))]
    pub timeout_seconds: u32,
    /// Keep the request's body in the log of the run.
    #[serde(default)]
    pub log_request_body: bool,
    /// Keep the response's body in the log of the run.
    #[serde(default)]
    pub log_response_body: bool,
    /// What is taken from the response's body, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set_variables: Vec<SetVariable>,
    /// What happens beside taking the exit `failure`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<OnFailure>,
    /// The next step by exit.
    #[serde(default, skip_serializing_if = "Routes::is_empty")]
    pub routes: Routes,
}

/// Request type of a webhook step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(inline)]
pub enum StepMethod {
    /// Without a body.
    Get,
    /// With a body.
    Post,
    /// With a body.
    Put,
    /// With a body.
    Patch,
    /// Without a body; neither has its response one.
    Head,
    /// Without a body.
    Delete,
}

impl StepMethod {
    /// As written in manifests and requests.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Head => "HEAD",
            Self::Delete => "DELETE",
        }
    }

    /// Whether its requests have a content type and a body.
    #[must_use]
    pub fn has_body(self) -> bool {
        match self {
            Self::Post | Self::Put | Self::Patch => true,
            Self::Get | Self::Head | Self::Delete => false,
        }
    }
}

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum ContentType {
    /// JSON, from `body`.
    Json,
    /// XML, from `body`.
    Xml,
    /// URL-encoded fields, from `body` or `form`.
    FormEncoded,
    /// Multipart fields, from `form`.
    FormData,
}

impl ContentType {
    /// As written in manifests.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Xml => "xml",
            Self::FormEncoded => "formEncoded",
            Self::FormData => "formData",
        }
    }
}

/// What happens when the request fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct OnFailure {
    /// Values by variable: texts (with `{{variables}}`), numbers, booleans.
    #[schemars(schema_with = "assignments")]
    pub set: Assignments,
}

fn timeout_seconds() -> u32 {
    10
}

impl WebhookStep {
    /// Brings it into canonical form.
    pub fn normalise(&mut self) {
        self.form.take_if(|form| form.is_empty());
    }

    /// Checks everything but variables and routes. `at` is the step's path.
    pub fn check(&self, at: &Path, findings: &mut Findings) {
        self.check_url(&at.key("url"), findings);
        header::check(&self.headers, &at.key("headers"), true, findings);
        self.check_headers(&at.key("headers"), findings);
        if self.method.has_body() {
            self.check_body(at, findings);
        } else {
            let given = [
                ("contentType", self.content_type.is_some()),
                ("body", self.body.is_some()),
                ("form", self.form.is_some()),
            ];
            for (key, _) in given.into_iter().filter(|(_, given)| *given) {
                let message = format!("a {} request has no {key}", self.method.as_str());
                findings
                    .error(Code::BodyNotAllowed, at.key(key), message)
                    .at_key()
                    .help("use POST, PUT or PATCH, or remove it");
            }
        }
        for (n, row) in self.set_variables.iter().enumerate() {
            row.check(&at.key("setVariables").index(n), findings);
        }
    }

    /// What headers mean beside the other fields of the step.
    fn check_headers(&self, at: &Path, findings: &mut Findings) {
        for (name, value) in &self.headers {
            if name.eq_ignore_ascii_case("content-type") && self.content_type.is_some() {
                findings
                    .error(Code::ReservedHeader, at.key(name), format!("`{name}` is set through contentType"))
                    .at_key()
                    .help("remove the header or contentType");
            }
            // A value that comes from the run is no secret of the manifest's author.
            if name.eq_ignore_ascii_case("authorization")
                && let HeaderValue::Plain(text) = value
                && !text.contains("{{")
            {
                findings
                    .warning(Code::SecretLiteral, at.key(name), format!("the value of `{name}` is written out"))
                    .help("refer to it: { fromEnv: NAME }, { fromFile: path } or { fromCommand: [program, argument] }");
            }
        }
    }

    /// The host is written out, so that a reviewer knows where data goes and a caller cannot choose it.
    fn check_url(&self, at: &Path, findings: &mut Findings) {
        let written_out = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        let host = written_out.split(['/', '?', '#']).next().unwrap_or_default();
        if self.url.starts_with("{{") || host.contains("{{") {
            findings
                .error(
                    Code::InvalidUrl,
                    at.clone(),
                    "the scheme and host of a URL cannot come from a variable of the run",
                )
                .help("write them out; variables may stand in the path and the query, and ${var.…} anywhere");
        } else if let Err(message) = web_address::check(&with_braces_replaced(&self.url, "x")) {
            findings.error(Code::InvalidUrl, at.clone(), message);
        }
    }

    fn check_body(&self, at: &Path, findings: &mut Findings) {
        if self.body.is_some() && self.form.is_some() {
            findings
                .error(Code::ExclusiveFields, at.key("form"), "both body and form are given")
                .at_key()
                .help("give one of the two")
                .related("the body", at.key("body"));
            return;
        }
        if self.form.as_ref().is_some_and(BTreeMap::is_empty) {
            findings
                .error(Code::ContentType, at.key("form"), "the form has no fields")
                .at_key()
                .help("write form: { field: value }, or remove it");
            return;
        }
        let form_refused = matches!(self.content_type, Some(ContentType::Json | ContentType::Xml));
        match (self.content_type, &self.body, &self.form) {
            (None, None, None) => {}
            (Some(_), None, None) => {
                findings
                    .error(Code::ContentType, at.key("contentType"), "a contentType needs a body or a form")
                    .at_key()
                    .help("add body or form, or remove it");
            }
            (None, body, _) => {
                let key = if body.is_some() { "body" } else { "form" };
                findings
                    .error(Code::ContentType, at.key(key), format!("a {key} needs a contentType"))
                    .at_key()
                    .help("contentType: json, xml, formEncoded or formData");
            }
            (Some(ContentType::FormData), Some(_), _) => {
                findings
                    .error(Code::ContentType, at.key("body"), "formData takes form, not body")
                    .at_key()
                    .help("write form: { field: value }");
            }
            (Some(content_type), _, Some(_)) if form_refused => {
                findings
                    .error(Code::ContentType, at.key("form"), format!("{} takes body, not form", content_type.as_str()))
                    .at_key()
                    .help("write body: with the whole text");
            }
            (Some(ContentType::Json), Some(body), _) if is_broken_json(body) => {
                findings
                    .warning(Code::InvalidValue, at.key("body"), "the body is not JSON, whatever its variables are")
                    .help("check its quotes, commas and braces");
            }
            (Some(_), _, _) => {}
        }
    }
}

/// Whether no value of the variables could make it JSON, as far as can be told: neither a scalar nor nothing in the
/// place of each does.
fn is_broken_json(body: &str) -> bool {
    ["0", ""].into_iter().all(|word| {
        let text = with_braces_replaced(body, word);
        serde_json::from_str::<serde::de::IgnoredAny>(&text).is_err()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn found(more: Value) -> Vec<(Code, String)> {
        let mut step = json!({"name": "s", "method": "POST", "url": "https://a.test/x"});
        if let (Value::Object(step), Value::Object(more)) = (&mut step, more) {
            step.extend(more);
        }
        let step: WebhookStep = serde_json::from_value(step).expect("a readable step");
        let mut findings = Findings::default();
        step.check(&Path::root(), &mut findings);
        findings.into_vec().into_iter().map(|f| (f.code, f.path.to_string())).collect()
    }

    #[test]
    fn defaults_are_filled() -> Result<(), serde_json::Error> {
        let step: WebhookStep =
            serde_json::from_value(json!({"name": "s", "method": "HEAD", "url": "https://a.test"}))?;
        assert_eq!(
            serde_json::to_value(&step)?,
            json!({"name": "s", "method": "HEAD", "url": "https://a.test", "timeoutSeconds": 10,
                   "logRequestBody": false, "logResponseBody": false})
        );
        Ok(())
    }

    #[test]
    fn the_url_may_have_variables_after_the_host() {
        for fine in ["https://a.test/{{id}}?q={{ q }}#{{f}}", "http://a.test:8080/{{id}}"] {
            assert_eq!(found(json!({ "url": fine })), [], "{fine}");
        }
        for bad in
            ["https://{{host}}/x", "{{url}}", "https://a.test:{{port}}/", "a.test/x", "ftp://a.test", "https:///x y"]
        {
            assert_eq!(found(json!({ "url": bad })), [(Code::InvalidUrl, "url".to_owned())], "{bad}");
        }
    }

    #[test]
    fn only_three_methods_have_a_body() {
        for method in ["GET", "HEAD", "DELETE"] {
            assert_eq!(
                found(json!({"method": method, "contentType": "json", "body": "{}"})),
                [(Code::BodyNotAllowed, "contentType".to_owned()), (Code::BodyNotAllowed, "body".to_owned())],
                "{method}"
            );
        }
        for method in ["POST", "PUT", "PATCH"] {
            assert_eq!(found(json!({"method": method, "contentType": "json", "body": "{}"})), [], "{method}");
        }
    }

    #[test]
    fn content_type_and_body_fit() {
        let form = json!({"a": "b"});
        for fine in [
            json!({}),
            json!({"contentType": "xml", "body": "<a/>"}),
            json!({"contentType": "formEncoded", "body": "a=b"}),
            json!({"contentType": "formEncoded", "form": form.clone()}),
            json!({"contentType": "formData", "form": form.clone()}),
        ] {
            assert_eq!(found(fine.clone()), [], "{fine}");
        }
        assert_eq!(found(json!({"body": "x"})), [(Code::ContentType, "body".to_owned())]);
        assert_eq!(found(json!({"contentType": "json"})), [(Code::ContentType, "contentType".to_owned())]);
        assert_eq!(found(json!({"contentType": "formData", "form": {}})), [(Code::ContentType, "form".to_owned())]);
        assert_eq!(found(json!({"form": form.clone()})), [(Code::ContentType, "form".to_owned())]);
        assert_eq!(found(json!({"contentType": "formData", "body": "x"})), [(Code::ContentType, "body".to_owned())]);
        for content_type in ["json", "xml"] {
            assert_eq!(
                found(json!({"contentType": content_type, "form": form.clone()})),
                [(Code::ContentType, "form".to_owned())]
            );
        }
        assert_eq!(
            found(json!({"contentType": "formEncoded", "body": "x", "form": form})),
            [(Code::ExclusiveFields, "form".to_owned())]
        );
    }

    #[test]
    fn a_json_body_that_cannot_be_json_is_pointed_out() {
        let body = |body: &str| found(json!({"contentType": "json", "body": body}));
        for fine in [r#"{"email": "{{email}}"}"#, r#"{"n": {{n}}}"#, "{ {{rest}} }", r#"{"a": {"b": 1}}"#, "{{all}}"] {
            assert_eq!(body(fine), [], "{fine}");
        }
        for broken in [r#"{"email": "{{email}}""#, "{email: {{email}}}", "{'a': 1}"] {
            assert_eq!(body(broken), [(Code::InvalidValue, "body".to_owned())], "{broken}");
        }
    }

    #[test]
    fn authentication_goes_into_the_headers() {
        assert_eq!(found(json!({"headers": {"Authorization": {"fromEnv": "T"}, "X-A": "{{a}}"}})), []);
        assert_eq!(found(json!({"headers": {"Host": "x"}})), [(Code::ReservedHeader, "headers.Host".to_owned())]);
        assert_eq!(found(json!({"headers": {"Authorization": "Bearer {{token}}"}})), []);
        assert_eq!(
            found(json!({"headers": {"authorization": "Bearer abc"}})),
            [(Code::SecretLiteral, "headers.authorization".to_owned())]
        );
        assert_eq!(found(json!({"headers": {"X-A": "••••••"}})), [(Code::SecretMasked, "headers.X-A".to_owned())]);
        assert_eq!(
            found(json!({"contentType": "json", "body": "{}", "headers": {"content-type": "text/plain"}})),
            [(Code::ReservedHeader, "headers.content-type".to_owned())]
        );
    }
}
