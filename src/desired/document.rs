//! One document becomes one typed object: envelope, schema, type, and what the object alone gets wrong.

use std::fmt::Display;

use serde_json::Value;

use super::client_side::{ClientAddress, ClientManifest};
use super::{Link, SecretLink};
use crate::base::code::Code;
use crate::base::diagnostic::{Diagnostic, LISTED, Severity, nearest, unlisted};
use crate::base::digest::Digest;
use crate::base::path::Path;
use crate::base::positions::Positions;
use crate::base::schema_errors::{SchemaContext, schema_diagnostics};
use crate::base::secret::SecretRef;
use crate::base::source::{FileId, Span};
use crate::kinds::finding::{Finding, Findings};
use crate::kinds::schema::API_VERSION;
use crate::kinds::{Address, ClientSpec, Kind, ManifestKind, Metadata, Spec, schema};
use crate::manifest::Document;

/// What became of a document.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The file it is in.
    pub file: FileId,
    /// What it is, when that could be told.
    pub declared: Option<Declared>,
    /// Where the name stands.
    pub name_span: Option<Span>,
    /// The problems.
    pub diagnostics: Vec<Diagnostic>,
}

/// What a document declares. A broken one still exists for those that refer to it.
#[derive(Debug)]
pub(super) enum Declared {
    /// An object, unless an error leaves none.
    Managed(Address, Option<Box<Candidate>>),
    /// Something that is never sent, likewise.
    ClientSide(ClientAddress, Option<Box<ClientManifest>>),
}

/// A typed object that was not yet looked at together with the others.
#[derive(Debug)]
pub(super) struct Candidate {
    pub address: Address,
    pub metadata: Metadata,
    pub spec: Spec,
    pub links: Vec<Link>,
    pub secrets: Vec<SecretLink>,
    pub positions: Positions,
    pub span: Span,
}

/// Reads one document.
pub(super) fn read(document: Document) -> Outcome {
    let Document { file, value, positions, span, sound } = document;
    let mut outcome = Outcome { file, declared: None, name_span: None, diagnostics: Vec::new() };
    let kind = match kind_of(&value, &positions, span) {
        Ok(kind) => kind,
        Err(problem) => {
            if sound {
                outcome.diagnostics.push(*problem);
            }
            return outcome;
        }
    };
    let name_path = Path::keys("metadata.name");
    let name = name_path.of(&value).and_then(Value::as_str).and_then(|name| name.parse().ok());
    outcome.name_span = positions.find(&name_path).map(|place| place.value);
    let written = Written { value: &value, positions: &positions, sound };
    let problems = &mut outcome.diagnostics;
    match kind {
        ManifestKind::Managed(kind) => {
            let address = name.map(|name| Address::new(kind, name));
            let check = |address: &Address, metadata: &Metadata, spec: &Spec, findings: &mut Findings| {
                metadata.check(address, findings);
                spec.check(findings);
            };
            let read = |spec: &Value| kind.read_spec(spec);
            let typed = written.typed(kind.into(), address.as_ref(), &read, check, problems);
            let object = typed.map(|(address, metadata, spec)| {
                let (links, secrets) = links(kind, &value);
                Box::new(Candidate { address, metadata, spec, links, secrets, positions, span })
            });
            outcome.declared = address.map(|address| Declared::Managed(address, object));
        }
        ManifestKind::ClientSide(kind) => {
            let address = name.map(|name| ClientAddress { kind, name });
            let check = |_: &ClientAddress, metadata: &Metadata, spec: &ClientSpec, findings: &mut Findings| {
                metadata.check_client_side(kind.as_str(), findings);
                spec.check(findings);
            };
            let read = |spec: &Value| kind.read_spec(spec);
            let typed = written.typed(kind.into(), address.as_ref(), &read, check, problems);
            let manifest = typed.map(|(address, metadata, spec)| {
                let digest = Digest::of_json(&value);
                Box::new(ClientManifest { address, metadata, spec, digest, positions, span })
            });
            outcome.declared = address.map(|address| Declared::ClientSide(address, manifest));
        }
    }
    outcome
}

/// A document as it was written.
struct Written<'d> {
    value: &'d Value,
    positions: &'d Positions,
    /// Whether its text could be resolved.
    sound: bool,
}

impl Written<'_> {
    /// Types it and notes what it gets wrong alone; `None` where an error leaves nothing to go on with.
    fn typed<A: Clone + Display, S>(
        &self,
        kind: ManifestKind,
        address: Option<&A>,
        read_spec: &dyn Fn(&Value) -> Result<S, serde_json::Error>,
        check: impl FnOnce(&A, &Metadata, &S, &mut Findings),
        problems: &mut Vec<Diagnostic>,
    ) -> Option<(A, Metadata, S)> {
        if !self.sound {
            return None;
        }
        let shown = address.map(ToString::to_string);
        match typed(kind, self.value, self.positions, shown.as_deref(), read_spec) {
            Err(found) => {
                *problems = found;
                None
            }
            Ok((metadata, spec)) => {
                let address = address?;
                let mut findings = Findings::default();
                check(address, &metadata, &spec, &mut findings);
                *problems = diagnostics(findings, address, self.positions);
                Some((address.clone(), metadata, spec))
            }
        }
    }
}

fn kind_of(value: &Value, positions: &Positions, span: Span) -> Result<ManifestKind, Box<Diagnostic>> {
    let at = |key: &str| positions.find(&Path::root().key(key)).filter(|place| place.exact).map_or(span, |p| p.value);
    let start = positions.find(&Path::root()).map_or(span, |place| place.value);
    // Only where it begins: what it is may be pages long.
    let start = Span { end: start.start, ..start };
    let not_a_manifest = |message: &str| {
        Diagnostic::error(Code::NotAManifest, message)
            .at(start)
            .help("a manifest has apiVersion: trueup/v1, kind, metadata and spec; name other files in .trueupignore")
    };
    let Some(map) = value.as_object() else {
        return Err(Box::new(not_a_manifest("this document is not a map")));
    };
    match map.get("apiVersion") {
        Some(Value::String(version)) if version == API_VERSION => {}
        Some(version) => {
            let message = format!("apiVersion {version} is not one this program reads");
            return Err(Box::new(
                Diagnostic::error(Code::ApiVersion, message)
                    .at(at("apiVersion"))
                    .help(format!("write apiVersion: {API_VERSION}")),
            ));
        }
        None if map.contains_key("kind") => {
            let problem = Diagnostic::error(Code::MissingField, "the field `apiVersion` is missing");
            return Err(Box::new(problem.at(start).help(format!("write apiVersion: {API_VERSION}"))));
        }
        None => return Err(Box::new(not_a_manifest("this document has no apiVersion and no kind"))),
    }
    let kinds = || ManifestKind::all().map(ManifestKind::as_str);
    match map.get("kind") {
        Some(Value::String(kind)) => kind.parse().map_err(|()| {
            let problem = Diagnostic::error(Code::UnknownKind, format!("there is no kind `{kind}`")).at(at("kind"));
            let help = if kind == "Project" {
                "the project file is named trueup.yaml and stands in the project's folder".to_owned()
            } else {
                nearest(kind, kinds()).map_or_else(
                    || format!("kinds are {}", kinds().collect::<Vec<_>>().join(", ")),
                    |near| format!("did you mean `{near}`?"),
                )
            };
            Box::new(problem.help(help))
        }),
        Some(_) => Err(Box::new(Diagnostic::error(Code::WrongType, "`kind` is a text").at(at("kind")))),
        None => {
            let problem = Diagnostic::error(Code::MissingField, "the field `kind` is missing").at(start);
            Err(Box::new(problem.help(format!("kinds are {}", kinds().collect::<Vec<_>>().join(", ")))))
        }
    }
}

fn typed<S>(
    kind: ManifestKind,
    value: &Value,
    positions: &Positions,
    address: Option<&str>,
    read_spec: &dyn Fn(&Value) -> Result<S, serde_json::Error>,
) -> Result<(Metadata, S), Vec<Diagnostic>> {
    let broken = |error: &dyn Display| {
        let place = positions.find(&Path::keys("spec")).map(|place| place.value);
        let mut problem = Diagnostic::error(Code::InvalidValue, format!("this {kind} cannot be read: {error}"));
        problem.span = place;
        problem.address = address.map(str::to_owned);
        vec![problem]
    };
    let validator = schema::validator(kind).map_err(|error| broken(&error))?;
    if !validator.is_valid(value) {
        let context =
            SchemaContext { schema: schema::strict(kind), instance: value, positions, base: &Path::root(), address };
        let mut problems = schema_diagnostics(validator.iter_errors(value), context);
        for problem in problems.iter_mut().filter(|problem| problem.code == Code::InvalidName) {
            let written = problem.path.as_ref().and_then(|path| path.of(value)).and_then(Value::as_str);
            let reserved = |name| match kind {
                ManifestKind::Managed(kind) => kind.reserved_name(name),
                ManifestKind::ClientSide(_) => None,
            };
            if let Some(message) = written.and_then(reserved) {
                problem.code = Code::ReservedEvent;
                problem.message = message;
                problem.help = Some("choose another name, or leave the manifest out".to_owned());
            }
        }
        // A schema that refuses without an error would let a broken manifest pass as an absent one.
        return Err(if problems.is_empty() { broken(&"it does not fit its schema") } else { problems });
    }
    let metadata = serde::Deserialize::deserialize(value.get("metadata").unwrap_or(&Value::Null));
    let metadata: Metadata = metadata.map_err(|error: serde_json::Error| broken(&error))?;
    let spec = read_spec(value.get("spec").unwrap_or(&Value::Null)).map_err(|error| broken(&error))?;
    Ok((metadata, spec))
}

/// The references and secrets of a manifest or a canonical form, by the kind's field table.
#[must_use]
pub fn links(kind: Kind, value: &Value) -> (Vec<Link>, Vec<SecretLink>) {
    let mut links = Vec::new();
    let mut secrets = Vec::new();
    kind.field_tree().visit_links(value, &mut |field, path, value| {
        if let Some(kind) = field.reference
            && let Some(name) = value.as_str().and_then(|name| name.parse().ok())
        {
            let to = Address::new(kind, name);
            links.push(Link { path, to, needs_published: field.needs_published });
        } else if field.secret
            && value.is_object()
            && let Ok(reference) = serde_json::from_value::<SecretRef>(value.clone())
        {
            secrets.push(SecretLink { path, reference });
        }
    });
    (links, secrets)
}

/// Findings at their positions.
pub(super) fn diagnostics(findings: Findings, address: &dyn Display, positions: &Positions) -> Vec<Diagnostic> {
    let span_of = |path: &Path, at_key: bool| {
        if at_key { positions.key_span(path) } else { positions.value_span(path) }
    };
    let mut findings = findings.into_vec();
    // Errors first: a warning must not take the place of one.
    findings.sort_by_key(|finding| finding.severity);
    let beyond = findings.split_off(findings.len().min(LISTED));
    let mut found: Vec<Diagnostic> = findings
        .into_iter()
        .map(|finding| {
            let Finding { severity, code, path, at_key, message, help, related } = finding;
            let mut diagnostic = match severity {
                Severity::Error => Diagnostic::error(code, message),
                Severity::Warning => Diagnostic::warning(code, message),
            };
            diagnostic.span = span_of(&path, at_key);
            diagnostic.address = Some(address.to_string());
            diagnostic.help = help;
            diagnostic.related =
                related.into_iter().filter_map(|(label, path)| Some((label, span_of(&path, false)?))).collect();
            diagnostic.path = Some(path);
            diagnostic
        })
        .collect();
    if let Some(first) = beyond.first()
        && let Some(mut more) = unlisted(beyond.len(), first.severity, first.code)
    {
        (more.span, more.address) = (found.last().and_then(|last| last.span), Some(address.to_string()));
        found.push(more);
    }
    found
}
