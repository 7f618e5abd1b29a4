//! One endpoint, declared once: its route, what it needs, what it takes and answers.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::handler::Handler;
use axum::http::Method;
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::gate::{self, Gate};
use super::problem::{Problem, ProblemCode};
use crate::object::access::Scope;
use crate::server::state::AppState;

/// The most bytes of a body where an endpoint says nothing else.
pub const DEFAULT_BODY_LIMIT: usize = 1024 * 1024;

/// Makes a schema; a function, so that all endpoints can share one set of named schemas.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// What a caller must bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// An access token with this scope.
    Scope(Scope),
}

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the path.
    Path,
    /// In a header.
    Header,
}

/// A parameter beside those of the query.
#[derive(Clone, Debug)]
pub struct Parameter {
    pub(super) place: Place,
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) required: bool,
    pub(super) schema: SchemaOf,
}

/// A body that is taken.
#[derive(Clone, Debug)]
pub struct Body {
    pub(super) required: bool,
    /// Content types, each with the schema of what it holds.
    pub(super) types: Vec<(&'static str, SchemaOf)>,
}

/// A successful answer.
#[derive(Clone, Debug)]
pub struct Success {
    pub(super) status: u16,
    pub(super) description: &'static str,
    pub(super) content: Option<(&'static str, SchemaOf)>,
    pub(super) headers: Vec<(&'static str, &'static str)>,
}

/// The tongue in which failures are told.
#[derive(Clone, Copy, Debug)]
pub enum FailureForm {
    /// `application/problem+json`.
    Problem,
    /// A tongue of the endpoint's own: its content type and schema, and how a problem is said in it.
    Own {
        /// The content type.
        content_type: &'static str,
        /// The schema.
        schema: SchemaOf,
        /// A problem, said so.
        render: fn(Problem) -> Response,
    },
}

/// One endpoint. See [`super`] for how one is added.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub(super) name: &'static str,
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) needs: Needs,
    pub(super) may_need: Vec<(Scope, &'static str)>,
    pub(super) area: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    pub(super) parameters: Vec<Parameter>,
    pub(super) query: Option<SchemaOf>,
    pub(super) body: Option<Body>,
    pub(super) body_limit: usize,
    pub(super) successes: Vec<Success>,
    pub(super) fails: BTreeSet<ProblemCode>,
    pub(super) failure_form: FailureForm,
    handler: MethodRouter<AppState>,
}

fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// What is not described further: any text.
fn any_text(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({ "type": "string" })
}

impl Endpoint {
    fn new<H, T>(method: Method, filter: MethodFilter, name: &'static str, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        Self {
            name,
            method,
            path,
            // Whoever forgets to say what is needed needs everything there is: a scope that reads who did what.
            needs: Needs::Scope(Scope::AuditRead),
            may_need: Vec::new(),
            area: "",
            summary: "",
            description: "",
            parameters: Vec::new(),
            query: None,
            body: None,
            body_limit: DEFAULT_BODY_LIMIT,
            successes: Vec::new(),
            fails: BTreeSet::new(),
            failure_form: FailureForm::Problem,
            handler: on(filter, handler),
        }
    }

    /// A GET (and with it HEAD); `name` is its operationId, `path` in axum's form, `/v1/things/{id}`.
    pub fn get<H: Handler<T, AppState>, T: 'static>(name: &'static str, path: &'static str, handler: H) -> Self {
        Self::new(Method::GET, MethodFilter::GET, name, path, handler)
    }

    /// A POST.
    pub fn post<H: Handler<T, AppState>, T: 'static>(name: &'static str, path: &'static str, handler: H) -> Self {
        Self::new(Method::POST, MethodFilter::POST, name, path, handler)
    }

    /// A PUT.
    pub fn put<H: Handler<T, AppState>, T: 'static>(name: &'static str, path: &'static str, handler: H) -> Self {
        Self::new(Method::PUT, MethodFilter::PUT, name, path, handler)
    }

    /// A DELETE.
    pub fn delete<H: Handler<T, AppState>, T: 'static>(name: &'static str, path: &'static str, handler: H) -> Self {
        Self::new(Method::DELETE, MethodFilter::DELETE, name, path, handler)
    }

    /// Needs an access token with this scope.
    #[must_use]
    pub fn scope(self, scope: Scope) -> Self {
        Self { needs: Needs::Scope(scope), ..self }
    }

    /// Needs no access token.
    #[must_use]
    pub fn public(self) -> Self {
        Self { needs: Needs::Nothing, ..self }
    }

    /// For some requests needs a further scope, which the handler asks for; `when` completes "needed when …".
    #[must_use]
    pub fn may_need(mut self, scope: Scope, when: &'static str) -> Self {
        self.may_need.push((scope, when));
        self
    }

    /// The area it is listed under.
    #[must_use]
    pub fn area(self, area: &'static str) -> Self {
        Self { area, ..self }
    }

    /// What it does, in a sentence.
    #[must_use]
    pub fn summary(self, summary: &'static str) -> Self {
        Self { summary, ..self }
    }

    /// What else there is to know.
    #[must_use]
    pub fn describe(self, description: &'static str) -> Self {
        Self { description, ..self }
    }

    /// A parameter of the path. `project` needs no more than standing in the path.
    #[must_use]
    pub fn path_parameter<T: JsonSchema>(mut self, name: &'static str, description: &'static str) -> Self {
        let schema = schema_of::<T>;
        self.parameters.push(Parameter { place: Place::Path, name, description, required: true, schema });
        self
    }

    /// A header that may be given.
    #[must_use]
    pub fn header(mut self, name: &'static str, description: &'static str) -> Self {
        let schema = any_text;
        self.parameters.push(Parameter { place: Place::Header, name, description, required: false, schema });
        self
    }

    /// The parameters of the query: the fields of `T`. Without this a query is refused.
    #[must_use]
    pub fn query<T: JsonSchema>(self) -> Self {
        Self { query: Some(schema_of::<T>), ..self }
    }

    /// Takes a body of JSON.
    #[must_use]
    pub fn json_body<T: JsonSchema>(self) -> Self {
        self.body::<T>("application/json")
    }

    /// Takes a body of this content type; called again, one of another type as well.
    #[must_use]
    pub fn body<T: JsonSchema>(mut self, content_type: &'static str) -> Self {
        let body = self.body.get_or_insert_with(|| Body { required: true, types: Vec::new() });
        body.types.push((content_type, schema_of::<T>));
        self
    }

    /// The body may be left out.
    #[must_use]
    pub fn body_optional(mut self) -> Self {
        if let Some(body) = &mut self.body {
            body.required = false;
        }
        self
    }

    /// The most bytes of a body.
    #[must_use]
    pub fn body_limit(self, bytes: usize) -> Self {
        Self { body_limit: bytes, ..self }
    }

    /// Answers JSON of this shape.
    #[must_use]
    pub fn answers<T: JsonSchema>(self, status: u16, description: &'static str) -> Self {
        self.answers_as::<T>(status, description, "application/json")
    }

    /// Answers lines of JSON, each of this shape.
    #[must_use]
    pub fn answers_lines<T: JsonSchema>(self, status: u16, description: &'static str) -> Self {
        self.answers_as::<T>(status, description, "application/x-ndjson")
    }

    /// Answers text.
    #[must_use]
    pub fn answers_text(mut self, status: u16, description: &'static str, content_type: &'static str) -> Self {
        let content = Some((content_type, any_text as SchemaOf));
        self.successes.push(Success { status, description, content, headers: Vec::new() });
        self
    }

    /// Answers nothing but the status.
    #[must_use]
    pub fn answers_nothing(mut self, status: u16, description: &'static str) -> Self {
        self.successes.push(Success { status, description, content: None, headers: Vec::new() });
        self
    }

    /// A header of the answer declared last.
    #[must_use]
    pub fn answer_header(mut self, name: &'static str, description: &'static str) -> Self {
        if let Some(success) = self.successes.last_mut() {
            success.headers.push((name, description));
        }
        self
    }

    fn answers_as<T: JsonSchema>(mut self, status: u16, description: &'static str, content_type: &'static str) -> Self {
        let content = Some((content_type, schema_of::<T> as SchemaOf));
        self.successes.push(Success { status, description, content, headers: Vec::new() });
        self
    }

    /// May fail so, beyond what follows from the rest of the declaration.
    #[must_use]
    pub fn fails(mut self, codes: &[ProblemCode]) -> Self {
        self.fails.extend(codes);
        self
    }

    /// Tells failures in a tongue of its own.
    #[must_use]
    pub fn failures_as<T: JsonSchema>(self, content_type: &'static str, render: fn(Problem) -> Response) -> Self {
        Self { failure_form: FailureForm::Own { content_type, schema: schema_of::<T>, render }, ..self }
    }

    /// Its operationId.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Its path, with parameters in braces.
    #[must_use]
    pub fn path(&self) -> &'static str {
        self.path
    }

    /// What a caller must bring.
    #[must_use]
    pub fn needs(&self) -> Needs {
        self.needs
    }

    /// The content types of the bodies it takes; empty when it takes none.
    pub fn body_types(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.body.iter().flat_map(|body| body.types.iter().map(|(content_type, _)| *content_type))
    }

    /// Every way in which it may fail.
    #[must_use]
    pub fn failures(&self) -> BTreeSet<ProblemCode> {
        let mut codes = self.fails.clone();
        // A query is refused where none is taken, so every endpoint can answer it.
        codes.extend([ProblemCode::MalformedRequest, ProblemCode::Internal, ProblemCode::Unavailable]);
        if let Needs::Scope(_) = self.needs {
            codes.extend([ProblemCode::Unauthenticated, ProblemCode::MissingScope]);
        }
        if self.path.contains('{') {
            codes.insert(ProblemCode::NotFound);
        }
        // Whatever is sent is measured, also where it is not read.
        codes.insert(ProblemCode::TooLarge);
        if self.body.is_some() {
            codes.extend([
                ProblemCode::MalformedBody,
                ProblemCode::Invalid,
                ProblemCode::RequestTimeout,
                ProblemCode::UnsupportedMediaType,
            ]);
        }
        codes
    }

    /// The route, with the gate before the handler.
    pub(super) fn into_route(self, state: &AppState) -> (&'static str, MethodRouter<AppState>) {
        let gate = Gate {
            needs: self.needs,
            takes_query: self.query.is_some(),
            body_limit: self.body_limit,
            failure_form: self.failure_form,
            state: state.clone(),
        };
        let layer = axum::middleware::from_fn_with_state(Arc::new(gate), gate::pass);
        (self.path, self.handler.layer(layer))
    }
}
