//! Reading a request: what cannot be read is a problem, in the same form everywhere.

use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::gate::too_large;
use super::problem::{Answer, Problem, ProblemCode};
use crate::base::named_fields;
use crate::server::patience::Refused;

/// JSON: a body that is read, or an answer.
#[derive(Clone, Debug)]
pub struct Json<T>(pub T);

/// The parameters of the query.
#[derive(Clone, Debug)]
pub struct Query<T>(pub T);

/// The parameters of the path.
#[derive(Clone, Debug)]
pub struct Path<T>(pub T);

/// A body as it came, with its content type in lower case and without parameters.
#[derive(Clone, Debug)]
pub struct RawBody {
    /// `application/json`; empty when none was given.
    pub content_type: String,
    /// The whole of it, within the endpoint's limit.
    pub bytes: Bytes,
}

impl RawBody {
    /// Refuses other types than this one.
    ///
    /// # Errors
    /// 415.
    pub fn expect(&self, content_type: &str) -> Answer<()> {
        if self.content_type == content_type {
            return Ok(());
        }
        let detail = format!("the body must be of type {content_type}");
        Err(Problem::new(ProblemCode::UnsupportedMediaType, detail))
    }

    /// Reads it as JSON.
    ///
    /// # Errors
    /// 400 that says where it goes wrong.
    pub fn json<T: DeserializeOwned>(&self) -> Answer<T> {
        json(&self.bytes)
    }
}

/// Reads JSON; where an object is described, a list of its fields is none.
///
/// # Errors
/// 400 that says where it goes wrong.
pub fn json<T: DeserializeOwned>(bytes: &[u8]) -> Answer<T> {
    named_fields::from_slice(bytes).map_err(|error| {
        let what = match error.classify() {
            serde_json::error::Category::Data => "the body is not as described",
            serde_json::error::Category::Syntax | serde_json::error::Category::Eof => "the body is not JSON",
            serde_json::error::Category::Io => "the body cannot be read",
        };
        Problem::new(ProblemCode::MalformedBody, format!("{what}: {error}"))
    })
}

/// The content type in lower case, without parameters.
fn content_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

impl<S: Sync> FromRequest<S> for RawBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let content_type = content_type(request.headers());
        match request.into_body().collect().await {
            Ok(collected) => Ok(Self { content_type, bytes: collected.to_bytes() }),
            Err(error) => Err(unread(&error)),
        }
    }
}

/// Why a body did not come to its end.
#[must_use]
pub fn unread(error: &axum::Error) -> Problem {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        match error.downcast_ref::<Refused>() {
            Some(Refused::TooLarge(limit)) => return too_large(*limit),
            Some(Refused::TooSlow) => {
                return Problem::new(ProblemCode::RequestTimeout, "the body did not arrive in time");
            }
            None => cause = error.source(),
        }
    }
    Problem::new(ProblemCode::MalformedBody, "the body ended before it was complete")
}

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let of_type = content_type(request.headers());
        if of_type != "application/json" {
            let detail = "the body must be of type application/json";
            return Err(Problem::new(ProblemCode::UnsupportedMediaType, detail));
        }
        RawBody::from_request(request, state).await?.json().map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(bytes) => {
                let mut response = bytes.into_response();
                let json = HeaderValue::from_static("application/json");
                response.headers_mut().insert(header::CONTENT_TYPE, json);
                response
            }
            Err(error) => Problem::internal(format!("an answer cannot be written as JSON: {error}")).into_response(),
        }
    }
}

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let read = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        read.map(|query| Self(query.0)).map_err(|error| {
            let detail = format!("the query is not as described: {}", innermost(&error));
            Problem::new(ProblemCode::MalformedRequest, detail)
        })
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(path) => Ok(Self(path.0)),
            Err(PathRejection::FailedToDeserializePathParams(error)) => {
                let detail = format!("the path is not as described: {}", error.body_text());
                Err(Problem::new(ProblemCode::MalformedRequest, detail))
            }
            Err(error) => Err(Problem::internal(error.body_text())),
        }
    }
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(cause) = error.source() {
        error = cause;
    }
    error.to_string()
}
