//! A webhook step's request.

use super::effect::{HeaderContent, HttpRequest};
use super::place::form::{self, FormText};
use super::place::header::fill_line;
use super::place::json::Json;
use super::place::url::fill_url;
use super::place::xml::Xml;
use super::state::RunState;
use super::text::{Refusal, fill};
use crate::base::path::Path;
use crate::kinds::header::HeaderValue;
use crate::kinds::workflow::step_webhook::{ContentType, StepMethod, WebhookStep};

/// The header by which a receiver recognises a request that is sent a second time.
pub const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// Namespaces by which a SOAP envelope is recognised, with the content type that SOAP wants for it.
const SOAP: [(&str, &str); 2] = [
    ("http://schemas.xmlsoap.org/soap/envelope/", "text/xml; charset=utf-8"),
    ("http://www.w3.org/2003/05/soap-envelope", "application/soap+xml; charset=utf-8"),
];

/// The request that a step sends.
///
/// # Errors
/// When the run's variables cannot be written where they stand. The step's exit is then `failure`, and nothing is sent.
pub(super) fn build(step: &WebhookStep, state: &RunState) -> Result<HttpRequest, Refusal> {
    let of = |what: &str| {
        let what = what.to_owned();
        move |Refusal(reason): Refusal| Refusal(format!("{what}: {reason}"))
    };
    let url = fill_url(&step.url, &state.variables).map_err(of("url"))?;
    let at = Path::keys("spec.steps").element(&step.name).key("headers");
    let mut headers = Vec::with_capacity(step.headers.len() + 2);
    for (name, value) in &step.headers {
        let content = match value {
            HeaderValue::Plain(text) => {
                HeaderContent::Plain(fill_line(text, &state.variables).map_err(of(&format!("header {name}")))?)
            }
            HeaderValue::Secret(_) => HeaderContent::Secret(at.key(name).to_string()),
        };
        headers.push((name.clone(), content));
    }
    let mut body = None;
    if step.method.has_body()
        && let Some((text, content_type)) = self::body(step, state).map_err(of("body"))?
    {
        headers.push(("Content-Type".to_owned(), HeaderContent::Plain(content_type)));
        body = Some(text);
    }
    let changes_something = !matches!(step.method, StepMethod::Get | StepMethod::Head);
    if changes_something && !step.headers.keys().any(|name| name.eq_ignore_ascii_case(IDEMPOTENCY_KEY)) {
        headers.push((IDEMPOTENCY_KEY.to_owned(), HeaderContent::Plain(state.visit_key())));
    }
    Ok(HttpRequest {
        method: step.method,
        url,
        headers,
        body,
        timeout_seconds: step.timeout_seconds,
        log_request_body: step.log_request_body,
        log_response_body: step.log_response_body,
    })
}

/// The body and its content type, where the step has one.
fn body(step: &WebhookStep, state: &RunState) -> Result<Option<(String, String)>, Refusal> {
    let variables = &state.variables;
    Ok(match (step.content_type, &step.body, &step.form) {
        (Some(ContentType::Json), Some(text), _) => {
            Some((fill(text, variables, &mut Json::default())?, "application/json".to_owned()))
        }
        (Some(ContentType::Xml), Some(text), _) => {
            let soap = SOAP.iter().find(|(namespace, _)| text.contains(namespace));
            let content_type = soap.map_or("application/xml; charset=utf-8", |(_, content_type)| content_type);
            Some((fill(text, variables, &mut Xml::default())?, content_type.to_owned()))
        }
        (Some(ContentType::FormEncoded), Some(text), _) => {
            Some((fill(text, variables, &mut FormText)?, "application/x-www-form-urlencoded".to_owned()))
        }
        (Some(ContentType::FormEncoded), None, Some(form)) => {
            Some((form::encoded(form, variables)?, "application/x-www-form-urlencoded".to_owned()))
        }
        (Some(ContentType::FormData), _, Some(form)) => {
            // A boundary has at most 70 characters, of a run's key of 36.
            let wanted: String = format!("trueup-{}", state.visit_key()).chars().take(64).collect();
            let (body, boundary) = form::multipart(form, variables, &wanted)?;
            Some((body, format!("multipart/form-data; boundary={boundary}")))
        }
        // The kinds' checks refuse the rest but a step without a body.
        (Some(ContentType::Json | ContentType::Xml), None, _)
        | (Some(ContentType::FormEncoded), None, None)
        | (Some(ContentType::FormData), _, None)
        | (None, _, _) => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn built(more: Value) -> Result<HttpRequest, Refusal> {
        let mut step = json!({"name": "s", "method": "POST", "url": "https://a.test/{{x}}"});
        if let (Value::Object(step), Value::Object(more)) = (&mut step, more) {
            step.extend(more);
        }
        let step: WebhookStep = serde_json::from_value(step).expect("a readable step");
        let mut state = RunState::new("run", serde_json::from_value(json!({"x": "a b", "n": 5})).unwrap_or_default());
        state.path.push("s".into());
        build(&step, &state)
    }

    fn plain(name: &str, value: &str) -> (String, HeaderContent) {
        (name.into(), HeaderContent::Plain(value.into()))
    }

    #[test]
    fn a_request_is_built() -> Result<(), Refusal> {
        let request = built(json!({
            "contentType": "json", "body": r#"{"a": "{{x}}", "n": {{n}}}"#,
            "headers": {"X-Key": {"fromEnv": "K"}, "X-Plain": "v {{x}}"}, "timeoutSeconds": 3, "logRequestBody": true,
        }))?;
        assert_eq!((request.method, request.url.as_str()), (StepMethod::Post, "https://a.test/a%20b"));
        assert_eq!(request.body.as_deref(), Some(r#"{"a": "a b", "n": 5}"#));
        assert_eq!(
            request.headers,
            [
                ("X-Key".into(), HeaderContent::Secret("spec.steps[s].headers.X-Key".into())),
                plain("X-Plain", "v a b"),
                plain("Content-Type", "application/json"),
                plain("Idempotency-Key", "run-1"),
            ]
        );
        assert_eq!((request.timeout_seconds, request.log_request_body, request.log_response_body), (3, true, false));
        Ok(())
    }

    #[test]
    fn each_content_type_has_its_form() {
        let sent = |more: Value| {
            let request = built(more).expect("a request");
            let content_type = request.headers.iter().find_map(|(name, value)| match value {
                HeaderContent::Plain(value) if name == "Content-Type" => Some(value.clone()),
                HeaderContent::Plain(_) | HeaderContent::Secret(_) => None,
            });
            (content_type.unwrap_or_default(), request.body.unwrap_or_default())
        };
        let form = "application/x-www-form-urlencoded".to_owned();
        assert_eq!(
            sent(json!({"contentType": "xml", "body": "<a>{{x}}</a>"})),
            ("application/xml; charset=utf-8".into(), "<a>a b</a>".into())
        );
        let soap = r#"<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"/>"#;
        assert_eq!(sent(json!({"contentType": "xml", "body": soap})).0, "text/xml; charset=utf-8");
        assert_eq!(sent(json!({"contentType": "formEncoded", "body": "a={{x}}"})), (form.clone(), "a=a+b".into()));
        assert_eq!(sent(json!({"contentType": "formEncoded", "form": {"a": "{{x}}"}})), (form, "a=a+b".into()));
        let (content_type, body) = sent(json!({"contentType": "formData", "form": {"a": "{{x}}"}}));
        assert_eq!(content_type, "multipart/form-data; boundary=trueup-run-1");
        assert!(body.contains("name=\"a\"\r\n\r\na b\r\n"), "{body}");
        assert_eq!(sent(json!({})), (String::new(), String::new()));
    }

    #[test]
    fn only_what_changes_something_has_a_key() -> Result<(), Refusal> {
        for (method, expected) in [("GET", 0), ("HEAD", 0), ("DELETE", 1), ("PUT", 1), ("PATCH", 1)] {
            assert_eq!(built(json!({ "method": method }))?.headers.len(), expected, "{method}");
        }
        let own = built(json!({"headers": {"idempotency-key": "{{n}}"}}))?;
        assert_eq!(own.headers, [plain("idempotency-key", "5")]);
        Ok(())
    }

    #[test]
    fn a_value_that_breaks_a_line_sends_nothing() {
        let refused = built(json!({"headers": {"X": "{{x}}"}, "url": "https://a.test/{{n}}"}));
        assert!(refused.is_ok());
        let step: WebhookStep = serde_json::from_value(
            json!({"name": "s", "method": "GET", "url": "https://a.test", "headers": {"X": "{{x}}"}}),
        )
        .expect("a readable step");
        let state = RunState::new("run", serde_json::from_value(json!({"x": "a\r\nY: 1"})).unwrap_or_default());
        assert_eq!(
            build(&step, &state),
            Err(Refusal::new("header X: a variable has a line break or control character"))
        );
    }
}
