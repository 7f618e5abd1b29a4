//! A **Destination** is a place that webhooks deliver to: a chat channel, an analytics tool, a service of your own. It
//! is shared: several webhooks may use one.
//!
//! ```yaml
//! apiVersion: trueup/v1
//! kind: Destination
//! metadata: { name: slack-nps }
//! spec:
//!   platform: Slack
//!   method: POST
//!   url: "https://${var.slackHost}/services/T0/B0"
//!   auth: { type: bearer, token: { fromEnv: SLACK_TOKEN } }
//!   headers:
//!     X-Environment: production
//!     X-Api-Key: { fromFile: /run/secrets/key }
//!   timeoutSeconds: 10
//!   retry: { maxAttempts: 8 }
//!   rateLimit: { perSecond: 20 }
//!   signing: { secret: { fromEnv: SLACK_SIGNING } }
//! ```
//!
//! Authentication is one of `{ type: none }`, `{ type: bearer, token }`, `{ type: basic, username, password }` and
//! `{ type: oauth2, tokenUrl, clientId, clientSecret, scopes, audience }`. With `GET` the properties are sent as the
//! query, otherwise as a JSON body.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::field::{Compare, Field, field};
use super::finding::Findings;
use super::header::{self, Headers};
use super::life_cycle::LifeCycle;
use super::managed::{Creation, Managed};
use super::{web_address, whole_number};
use crate::base::code::Code;
use crate::base::path::Path;
use crate::base::secret::SecretRef;

/// Spec of a Destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DestinationSpec {
    /// What it is, for people: Heap, Mixpanel, Google Analytics, Slack and so on.
    #[schemars(length(min = 1, max = 255))]
    pub platform: String,
    /// Request type.
    pub method: Method,
    /// Where requests go: absolute, http or https.
    #[schemars(length(min = 1, max = 2048))]
    pub url: String,
    /// How requests are authenticated.
    #[serde(default)]
    pub auth: Auth,
    /// Further headers, plain or secret. `Authorization` is set through `auth`.
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    pub headers: Headers,
    /// How long one attempt may take, in seconds.
    #[serde(default = "timeout_seconds", deserialize_with = "whole_number::read")]
    #[schemars(range(min = 1, max = 60))]
    pub timeout_seconds: u32,
    /// How often a delivery is tried.
    #[serde(default)]
    pub retry: Retry,
    /// How many requests a second it is sent at the most; no limit when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// Signs each request by the Standard Webhooks scheme; unsigned when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing: Option<Signing>,
}

/// Request type of a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(inline)]
pub enum Method {
    /// Properties in the query.
    Get,
    /// Properties as a JSON body.
    Post,
    /// Properties as a JSON body.
    Put,
    /// Properties as a JSON body.
    Patch,
    /// Properties as a JSON body.
    Delete,
}

/// How requests are authenticated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub enum Auth {
    /// Not at all.
    None {},
    /// `Authorization: Bearer …`.
    Bearer {
        /// The token.
        token: SecretRef,
    },
    /// `Authorization: Basic …`.
    Basic {
        /// The user's name.
        #[schemars(length(min = 1))]
        username: String,
        /// The user's password.
        password: SecretRef,
    },
    /// OAuth 2.0 client credentials; tokens are kept until they expire.
    Oauth2 {
        /// Where tokens are asked for.
        #[schemars(length(min = 1, max = 2048))]
        token_url: String,
        /// The client's id.
        #[schemars(length(min = 1))]
        client_id: String,
        /// The client's secret.
        client_secret: SecretRef,
        /// Scopes asked for.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        scopes: Vec<String>,
        /// Audience asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        audience: Option<String>,
    },
}

impl Default for Auth {
    fn default() -> Self {
        Self::None {}
    }
}

/// How often a delivery is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct Retry {
    /// Attempts in all, the first one included.
    #[serde(default = "max_attempts", deserialize_with = "whole_number::read")]
    #[schemars(range(min = 1, max = 8))]
    pub max_attempts: u32,
}

impl Default for Retry {
    fn default() -> Self {
        Self { max_attempts: max_attempts() }
    }
}

/// A limit on requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct RateLimit {
    /// Requests a second.
    #[serde(deserialize_with = "whole_number::read")]
    #[schemars(range(min = 1, max = 10_000))]
    pub per_second: u32,
}

/// Signing by the Standard Webhooks scheme.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct Signing {
    /// The key.
    pub secret: SecretRef,
}

fn timeout_seconds() -> u32 {
    10
}

fn max_attempts() -> u32 {
    8
}

impl Managed for DestinationSpec {
    const LIFE_CYCLE: LifeCycle = LifeCycle::Mutable;
    const FIELDS: &'static [Field] = &[
        field("spec.platform"),
        field("spec.method"),
        field("spec.url"),
        field("spec.auth").compare(Compare::Group),
        field("spec.auth.type"),
        field("spec.auth.token").secret(),
        field("spec.auth.username"),
        field("spec.auth.password").secret(),
        field("spec.auth.tokenUrl"),
        field("spec.auth.clientId"),
        field("spec.auth.clientSecret").secret(),
        field("spec.auth.scopes").compare(Compare::Set),
        field("spec.auth.audience"),
        field("spec.headers").compare(Compare::Map),
        field("spec.headers.*").secret(),
        field("spec.timeoutSeconds"),
        field("spec.retry").compare(Compare::Group),
        field("spec.retry.maxAttempts"),
        field("spec.rateLimit").compare(Compare::Group),
        field("spec.rateLimit.perSecond"),
        field("spec.signing").compare(Compare::Group),
        field("spec.signing.secret").secret(),
    ];

    fn normalise(&mut self) {
        if let Auth::Oauth2 { scopes, audience, .. } = &mut self.auth {
            audience.take_if(|audience| audience.is_empty());
            scopes.sort();
            scopes.dedup();
        }
    }

    fn check(&self, findings: &mut Findings) {
        check_url(&self.url, Path::keys("spec.url"), findings);
        match &self.auth {
            Auth::Oauth2 { token_url, .. } => check_url(token_url, Path::keys("spec.auth.tokenUrl"), findings),
            Auth::Basic { username, password: _ } if username.contains(':') => {
                findings
                    .error(Code::InvalidValue, Path::keys("spec.auth.username"), "a user name has no colon")
                    .help("what follows the first colon would be taken for the password");
            }
            Auth::None {} | Auth::Bearer { .. } | Auth::Basic { .. } => {}
        }
        header::check(&self.headers, &Path::keys("spec.headers"), false, findings);
    }

    fn server_set(&self, _creation: &Creation) -> Value {
        json!({ "halted": false })
    }
}

fn check_url(url: &str, at: Path, findings: &mut Findings) {
    match web_address::check(url) {
        Err(message) => {
            findings.error(Code::InvalidUrl, at, message);
        }
        Ok(url) if url.scheme() == "http" && !web_address::is_local(&url) => {
            findings
                .warning(Code::PlainHttp, at, "what is sent here can be read and changed on the way")
                .help("use https");
        }
        Ok(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(more: Value) -> Vec<(Code, String)> {
        let mut spec = json!({"platform": "Slack", "method": "POST", "url": "https://a.test"});
        if let (Value::Object(spec), Value::Object(more)) = (&mut spec, more) {
            spec.extend(more);
        }
        let spec: DestinationSpec = serde_json::from_value(spec).expect("a readable spec");
        let mut findings = Findings::default();
        spec.check(&mut findings);
        findings.into_vec().into_iter().map(|f| (f.code, f.path.to_string())).collect()
    }

    #[test]
    fn authentication_is_checked() {
        let basic = json!({"auth": {"type": "basic", "username": "a:b", "password": {"fromEnv": "P"}}});
        assert_eq!(found(basic), [(Code::InvalidValue, "spec.auth.username".to_owned())]);
        let oauth2 = json!({"auth": {"type": "oauth2", "tokenUrl": "http://a.test", "clientId": "c", "clientSecret": {"fromEnv": "P"}}});
        assert_eq!(found(oauth2), [(Code::PlainHttp, "spec.auth.tokenUrl".to_owned())]);
    }

    #[test]
    fn an_empty_oauth_audience_is_none() -> Result<(), serde_json::Error> {
        let auth =
            json!({"type": "oauth2", "tokenUrl": "https://a.test", "clientId": "c", "clientSecret": {"fromEnv": "P"}});
        let mut with_empty = auth.clone();
        with_empty["audience"] = json!("");
        let canonical = |auth: Value| -> Result<DestinationSpec, serde_json::Error> {
            let mut spec: DestinationSpec = serde_json::from_value(
                json!({"platform": "Slack", "method": "POST", "url": "https://a.test", "auth": auth}),
            )?;
            spec.normalise();
            Ok(spec)
        };
        assert_eq!(canonical(with_empty)?, canonical(auth)?);
        Ok(())
    }

    #[test]
    fn a_whole_number_may_be_written_with_a_point() {
        let spec: Result<DestinationSpec, _> = serde_json::from_value(json!({
            "platform": "Slack", "method": "POST", "url": "https://a.test",
            "timeoutSeconds": 10.0, "retry": {"maxAttempts": 1e0}, "rateLimit": {"perSecond": 5.0},
        }));
        let spec = spec.expect("a readable spec");
        assert_eq!((spec.timeout_seconds, spec.retry.max_attempts), (10, 1));
        assert_eq!(spec.rate_limit, Some(RateLimit { per_second: 5 }));
        assert!(serde_json::from_value::<RateLimit>(json!({"perSecond": 0.5})).is_err());
        assert!(serde_json::from_value::<RateLimit>(json!({"perSecond": -1})).is_err());
    }

    #[test]
    fn defaults_are_filled() -> Result<(), serde_json::Error> {
        let spec: DestinationSpec =
            serde_json::from_value(json!({"platform": "Slack", "method": "POST", "url": "https://a.test"}))?;
        assert_eq!(
            serde_json::to_value(&spec)?,
            json!({"platform": "Slack", "method": "POST", "url": "https://a.test", "auth": {"type": "none"},
                   "timeoutSeconds": 10, "retry": {"maxAttempts": 8}})
        );
        Ok(())
    }

    #[test]
    fn unknown_fields_of_a_variant_are_refused() {
        let read = |auth| serde_json::from_value::<Auth>(auth).is_ok();
        assert!(read(json!({"type": "none"})));
        assert!(!read(json!({"type": "none", "token": {"fromEnv": "X"}})));
        assert!(!read(json!({"type": "bearer", "token": "literal"})));
    }
}
