//! What every request passes before its handler: token, scope, project, query, size of the body.

use std::sync::Arc;

use axum::extract::{RawPathParams, Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::endpoint::{FailureForm, Needs};
use super::problem::{Answer, Problem, ProblemCode};
use crate::base::secret::SecretText;
use crate::server::access::Caller;
use crate::server::patience;
use crate::server::state::AppState;

/// What the gate of one endpoint asks for.
pub(super) struct Gate {
    pub(super) needs: Needs,
    pub(super) takes_query: bool,
    pub(super) body_limit: usize,
    pub(super) failure_form: FailureForm,
    pub(super) state: AppState,
}

/// Lets a request through to its handler, or answers it.
pub(super) async fn pass(
    State(gate): State<Arc<Gate>>,
    parameters: RawPathParams,
    request: Request,
    next: Next,
) -> Response {
    let mut response = match admit(&gate, &parameters, request).await {
        Ok(request) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    match gate.failure_form {
        FailureForm::Problem => response,
        FailureForm::Own { render, .. } => match response.extensions_mut().remove::<Problem>() {
            Some(problem) => render(problem),
            None => response,
        },
    }
}

async fn admit(gate: &Gate, parameters: &RawPathParams, mut request: Request) -> Answer<Request> {
    // Who may not ask learns nothing else.
    if let Needs::Scope(scope) = gate.needs {
        let token = bearer(request.headers())?;
        let caller = gate.state.access().caller(&token).await?.ok_or_else(|| Problem::unauthenticated(true))?;
        caller.require(scope)?;
        check_project(&caller, parameters)?;
        request.extensions_mut().insert(caller);
    }
    if !gate.takes_query && request.uri().query().is_some_and(|query| !query.is_empty()) {
        return Err(Problem::new(ProblemCode::MalformedRequest, "this address takes no query"));
    }
    let declared = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if declared.is_some_and(|length: u64| length > gate.body_limit as u64) {
        return Err(too_large(gate.body_limit));
    }
    let patience = gate.state.settings().limits.body_time;
    Ok(request.map(|body| patience::guard(body, gate.body_limit, patience)))
}

/// A body of more bytes than are taken.
#[must_use]
pub fn too_large(limit: usize) -> Problem {
    Problem::new(ProblemCode::TooLarge, format!("the body is larger than {limit} bytes")).with("limit", limit)
}

/// The token of `Authorization: Bearer …`.
fn bearer(headers: &HeaderMap) -> Answer<SecretText> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Err(Problem::unauthenticated(false)) };
    let text = value.to_str().ok().filter(|_| values.next().is_none());
    let token = text.and_then(|text| text.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let token = token.map(|(_, token)| token.trim()).filter(|token| !token.is_empty() && token.len() <= 512);
    token.map(|token| SecretText::new(token.to_owned())).ok_or_else(|| Problem::unauthenticated(false))
}

/// A key reaches one project. Of any other it does not even learn whether it exists.
fn check_project(caller: &Caller, parameters: &RawPathParams) -> Answer<()> {
    match parameters.iter().find(|(name, _)| *name == "project") {
        Some((_, project)) if project != caller.project.as_str() => {
            Err(Problem::new(ProblemCode::NotFound, "this key reaches no project of that name"))
        }
        Some(_) | None => Ok(()),
    }
}
