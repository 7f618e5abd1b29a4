//! `POST /accounts/connect/token`: an access token for a key (domain §1.1). Failures are those of OAuth 2 (RFC 6749 §5.2).

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::endpoint::Endpoint;
use super::extract::RawBody;
use super::problem::{Problem, ProblemCode};
use crate::base::ident::ClientId;
use crate::base::secret::SecretText;
use crate::object::access::{Scope, Scopes};
use crate::server::access::ClientAddress;
use crate::server::metrics::LoginLabels;
use crate::server::state::AppState;
use crate::store::IssuedToken;

/// The form.
#[derive(Debug, JsonSchema)]
struct TokenForm {
    /// `client_credentials`.
    grant_type: String,
    /// The scopes the token shall have, separated by spaces; all of the key's when left out.
    scope: Option<String>,
}

/// A token.
#[derive(Debug, Serialize, JsonSchema)]
struct GrantedToken {
    /// To be sent as `Authorization: Bearer …`.
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// Seconds until it ends.
    expires_in: i64,
    /// What it allows, separated by spaces.
    scope: String,
}

/// A failure.
#[derive(Debug, Serialize, JsonSchema)]
struct TokenFailure {
    /// For programs.
    error: TokenFailureCode,
    /// For people.
    error_description: String,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum TokenFailureCode {
    /// The request is not as described.
    InvalidRequest,
    /// No such key, a wrong secret, or a revoked key.
    InvalidClient,
    /// Only `client_credentials` is known.
    UnsupportedGrantType,
    /// A scope that there is not, or that the key does not have.
    InvalidScope,
    /// Too many failed attempts, or the server cannot answer now.
    TemporarilyUnavailable,
    /// The server failed.
    ServerError,
}

/// Bytes of a form, credentials included in a header.
const FORM_LIMIT: usize = 4 * 1024;
const FORM: &str = "application/x-www-form-urlencoded";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("token", "/accounts/connect/token", token)
            .area("access")
            .public()
            .summary("Get an access token for a key.")
            .describe(
                "HTTP Basic with the client id and the client secret of a key. The token is good for a day, across \
                 restarts of the server, and ends at once when the key is revoked.",
            )
            .header("Authorization", "`Basic` with client id and client secret")
            .body::<TokenForm>(FORM)
            .body_limit(FORM_LIMIT)
            .answers::<GrantedToken>(200, "a token")
            .fails(&[
                ProblemCode::Unauthenticated,
                ProblemCode::RateLimited,
                ProblemCode::UnsupportedGrantType,
                ProblemCode::UnknownScope,
            ])
            .failures_as::<TokenFailure>("application/json", render),
    ]
}

/// A problem, said as OAuth 2 says it.
fn render(problem: Problem) -> Response {
    let error = match problem.code() {
        ProblemCode::Unauthenticated => TokenFailureCode::InvalidClient,
        ProblemCode::RateLimited | ProblemCode::Unavailable | ProblemCode::UnknownOutcome => {
            TokenFailureCode::TemporarilyUnavailable
        }
        ProblemCode::UnsupportedGrantType => TokenFailureCode::UnsupportedGrantType,
        ProblemCode::UnknownScope => TokenFailureCode::InvalidScope,
        code if code.status().is_server_error() => TokenFailureCode::ServerError,
        _ => TokenFailureCode::InvalidRequest,
    };
    let body = json!({ "error": error, "error_description": problem.detail() });
    problem.respond_with("application/json", &body)
}

async fn token(
    State(state): State<AppState>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    headers: HeaderMap,
    body: RawBody,
) -> Result<Response, Problem> {
    body.expect(FORM)?;
    let form = read(&body.bytes)?;
    if form.grant_type != "client_credentials" {
        let detail = "the only grant_type is client_credentials";
        return Err(Problem::new(ProblemCode::UnsupportedGrantType, detail));
    }
    let (client_id, secret) = basic(&headers).ok_or_else(invalid_client)?;
    let logins = &state.metrics().logins;
    let outcome = |outcome| logins.get_or_create(&LoginLabels { outcome }).inc();
    if let Err(wait) = state.access().attempts.begin(client_id, address) {
        outcome("limited");
        return Err(Problem::rate_limited("too many failed attempts", wait));
    }
    let Some(key) = state.access().verify(client_id, secret).await? else {
        outcome("failed");
        let known = client_id.map(|id| id.to_string());
        tracing::warn!(client_id = known, address = address.to_string(), "a log-in failed");
        if let Some(client_id) = client_id {
            state.store().note_login_failure(client_id, &format!("somebody at {address}")).await?;
        }
        return Err(invalid_client());
    };
    state.access().attempts.succeeded(key.client_id, address);
    let scopes = wanted(form.scope.as_deref(), &key.scopes)?;
    let issued = state.store().issue_token(key.client_id, &scopes).await?.ok_or_else(invalid_client)?;
    outcome("issued");
    let granted = GrantedToken {
        access_token: issued.token.expose_to_target().to_owned(),
        token_type: "Bearer",
        expires_in: IssuedToken::SECONDS,
        scope: issued.scopes.to_string(),
    };
    let mut response = super::extract::Json(granted).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Reads the form. As OAuth 2 asks, a field that is not known is passed over, and one that is given twice refused.
fn read(bytes: &[u8]) -> Result<TokenForm, Problem> {
    let malformed = |detail: String| Problem::new(ProblemCode::MalformedBody, detail);
    let (mut grant_type, mut scope) = (None, None);
    for (name, value) in url::form_urlencoded::parse(bytes) {
        let field = match &*name {
            "grant_type" => &mut grant_type,
            "scope" => &mut scope,
            _ => continue,
        };
        if field.replace(value.into_owned()).is_some() {
            return Err(malformed(format!("{name} is given twice")));
        }
    }
    let grant_type = grant_type.ok_or_else(|| malformed("grant_type is missing".to_owned()))?;
    Ok(TokenForm { grant_type, scope })
}

fn wanted(asked: Option<&str>, held: &Scopes) -> Result<Scopes, Problem> {
    let Some(asked) = asked.map(str::trim).filter(|asked| !asked.is_empty()) else { return Ok(held.clone()) };
    let refused = |detail: String| Problem::new(ProblemCode::UnknownScope, detail);
    let scopes: Scopes =
        asked.parse().map_err(|error: crate::object::access::ScopeError| refused(error.to_string()))?;
    let missing: Option<Scope> = scopes.iter().find(|scope| !held.contains(*scope));
    match missing {
        Some(scope) => Err(refused(format!("the key does not have the scope {scope}"))),
        None => Ok(scopes),
    }
}

/// Client id and secret of `Authorization: Basic …`. An id that no key can have is `None`: it costs as much as one that
/// none has.
fn basic(headers: &HeaderMap) -> Option<(Option<ClientId>, SecretText)> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let text = values.next()?.to_str().ok().filter(|_| values.next().is_none())?;
    let (scheme, encoded) = text.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = Zeroizing::new(STANDARD.decode(encoded.trim()).ok()?);
    let (id, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((id.parse().ok(), SecretText::new(secret.to_owned())))
}

/// The same for an unknown id, a wrong secret and a revoked key.
fn invalid_client() -> Problem {
    let detail = "no key in use has this client id and client secret (they are sent with HTTP Basic)";
    Problem::new(ProblemCode::Unauthenticated, detail).challenge(r#"Basic realm="trueup", charset="UTF-8""#)
}
