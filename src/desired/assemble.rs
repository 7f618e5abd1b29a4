//! Objects together: duplicates, completion, references, what each gets wrong about others, canonical forms.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::client_side::{ClientAddress, ClientManifest};
use super::document::{Candidate, Declared, Outcome, diagnostics as located, links};
use super::{DesiredObject, Link, Objects};
use crate::base::code::Code;
use crate::base::diagnostic::{Diagnostic, LISTED, Severity, nearest, unlisted};
use crate::base::digest::Digest;
use crate::base::path::Path;
use crate::base::source::Span;
use crate::kinds::finding::Findings;
use crate::kinds::metadata::WAS;
use crate::kinds::scope::Siblings;
use crate::kinds::{Address, Kind, canonical};

/// Makes the desired objects of what the documents gave. With `partial`, a reference to an object that was not loaded
/// says nothing about the project.
pub(super) fn assemble(outcomes: Vec<Outcome>, partial: bool, diagnostics: &mut Vec<Diagnostic>) -> Assembled {
    let Unique { candidates, known, client_side } = unique(outcomes, diagnostics);
    let mut objects = completed(candidates, diagnostics);
    let scope = Objects::new(&objects);
    let mut suggestions = Suggestions::new(&known);
    let mut renamed: BTreeMap<Address, &DesiredObject> = BTreeMap::new();
    for object in &objects {
        check_links(object, &known, partial, &mut suggestions, diagnostics);
        check_former_name(object, &known, diagnostics);
        check_renamed_once(object, &mut renamed, diagnostics);
        let mut findings = Findings::default();
        object.spec.check_in(&object.address.name, &scope, &mut findings);
        let found = located(findings, &object.address, &object.positions);
        diagnostics.extend(found.into_iter().filter(|found| !(partial && may_be_elsewhere(object, found))));
    }
    // What was not loaded cannot be told from what is not there.
    if !partial {
        for manifest in &client_side {
            let mut findings = Findings::default();
            manifest.spec.check_in(&scope, &mut findings);
            diagnostics.extend(located(findings, &manifest.address, &manifest.positions));
        }
    }
    for object in &mut objects {
        Arc::make_mut(&mut object.metadata).normalise();
        Arc::make_mut(&mut object.spec).normalise();
        match object.canonical() {
            Ok(value) => object.digest = canonical::digest(&value),
            Err(error) => diagnostics.push(unreadable(&object.address, object.span, &error)),
        }
    }
    let digest = digest_of(&objects, &client_side);
    Assembled { objects, client_side, digest }
}

/// A project's manifests, checked together.
pub(super) struct Assembled {
    /// In the order of their addresses.
    pub objects: Vec<DesiredObject>,
    /// What is never sent, likewise.
    pub client_side: Vec<ClientManifest>,
    /// Of everything that a plan depends on.
    pub digest: Digest,
}

/// Every address with the place of its name, broken manifests included.
type Known = BTreeMap<Address, Option<Span>>;

struct Unique {
    candidates: Vec<Candidate>,
    known: Known,
    client_side: Vec<ClientManifest>,
}

fn unique(outcomes: Vec<Outcome>, diagnostics: &mut Vec<Diagnostic>) -> Unique {
    let mut known = Known::new();
    let mut known_client_side: BTreeMap<ClientAddress, Option<Span>> = BTreeMap::new();
    let mut candidates = Vec::with_capacity(outcomes.len());
    let mut client_side = Vec::new();
    for outcome in outcomes {
        let Outcome { declared, name_span, .. } = outcome;
        match declared {
            None => {}
            Some(Declared::Managed(address, object)) => match known.get(&address) {
                Some(first) => diagnostics.push(duplicate(&address, *first, name_span)),
                None => {
                    known.insert(address, name_span);
                    candidates.extend(object.map(|object| *object));
                }
            },
            Some(Declared::ClientSide(address, manifest)) => match known_client_side.get(&address) {
                Some(first) => diagnostics.push(duplicate(&address, *first, name_span)),
                None => {
                    known_client_side.insert(address, name_span);
                    client_side.extend(manifest.map(|manifest| *manifest));
                }
            },
        }
    }
    candidates.sort_by(|a, b| a.address.cmp(&b.address));
    client_side.sort_by(|a, b| a.address.cmp(&b.address));
    Unique { candidates, known, client_side }
}

fn duplicate(address: &dyn std::fmt::Display, first: Option<Span>, second: Option<Span>) -> Diagnostic {
    let mut problem = Diagnostic::error(Code::DuplicateAddress, format!("there are two manifests of {address}"))
        .of(address.to_string())
        .path(Path::keys("metadata.name"))
        .help("kind and name are the identity of an object: rename or remove one of the two");
    problem.span = second;
    problem.related.extend(first.map(|first| ("the first one".to_owned(), first)));
    problem
}

fn completed(candidates: Vec<Candidate>, diagnostics: &mut Vec<Diagnostic>) -> Vec<DesiredObject> {
    let siblings = Siblings::of(candidates.iter().map(|candidate| (&candidate.address.name, &candidate.spec)));
    candidates
        .into_iter()
        .map(|candidate| {
            let Candidate { address, metadata, mut spec, mut links, secrets, positions, span } = candidate;
            if spec.complete(&siblings) {
                match canonical::value(&metadata, &spec) {
                    Ok(value) => links = completed_links(address.kind, &value, links),
                    Err(error) => diagnostics.push(unreadable(&address, span, &error)),
                }
            }
            let former_name = metadata.former_name();
            let reconcile_suspended = metadata.is_reconcile_suspended();
            let digest = Digest::of_bytes(&[]);
            DesiredObject {
                address,
                metadata: Arc::new(metadata),
                former_name,
                reconcile_suspended,
                spec: Arc::new(spec),
                digest,
                links,
                secrets,
                positions,
                span,
            }
        })
        .collect()
}

/// The links after completion; those that were written keep their place in the manifest.
fn completed_links(kind: Kind, canonical: &serde_json::Value, written: Vec<Link>) -> Vec<Link> {
    let mut all = written;
    let (now, _) = links(kind, canonical);
    for link in now {
        if !all.iter().any(|known| known.to == link.to) {
            all.push(link);
        }
    }
    all
}

/// Names that an unknown one may have been meant to be.
struct Suggestions<'k> {
    names: BTreeMap<Kind, Vec<&'k str>>,
    /// Comparisons that may still be made: a slip in a pattern that made ten thousand manifests would otherwise cost
    /// the square of their number.
    left: usize,
}

impl<'k> Suggestions<'k> {
    /// About half a second's worth of comparisons.
    const COMPARISONS: usize = 1_000_000;

    fn new(known: &'k Known) -> Self {
        let mut names: BTreeMap<Kind, Vec<&str>> = BTreeMap::new();
        for address in known.keys() {
            names.entry(address.kind).or_default().push(address.name.as_str());
        }
        Self { names, left: Self::COMPARISONS }
    }

    fn nearest(&mut self, to: &Address) -> Option<&'k str> {
        let names = self.names.get(&to.kind)?;
        self.left = self.left.checked_sub(names.len())?;
        nearest(to.name.as_str(), names.iter().copied())
    }
}

fn check_links(
    object: &DesiredObject,
    known: &Known,
    partial: bool,
    suggestions: &mut Suggestions<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut missing = 0;
    for link in &object.links {
        // An EventType's name is not the only thing an event can be: the kind's own check knows the built-in ones.
        if known.contains_key(&link.to) || link.to.kind == Kind::EventType || partial {
            continue;
        }
        missing += 1;
        if missing > LISTED {
            continue;
        }
        let help = suggestions.nearest(&link.to).map_or_else(
            || format!("add a manifest of kind {} named `{}`, or correct the name", link.to.kind, link.to.name),
            |near| format!("did you mean `{near}`?"),
        );
        let mut problem = Diagnostic::error(Code::UnknownReference, format!("there is no {}", link.to))
            .of(object.address.to_string())
            .path(link.path.clone())
            .help(help);
        problem.span = object.positions.find(&link.path).map(|place| place.value);
        diagnostics.push(problem);
    }
    let more = unlisted(missing.saturating_sub(LISTED), Severity::Error, Code::UnknownReference);
    diagnostics.extend(more.map(|more| more.of(object.address.to_string()).at(object.span)));
}

/// Whether an unknown event may be an EventType that was not loaded. The built-in events have dots, which names have not.
fn may_be_elsewhere(object: &DesiredObject, found: &Diagnostic) -> bool {
    let names = |link: &Link| link.to.kind == Kind::EventType && Some(&link.path) == found.path.as_ref();
    found.code == Code::UnknownEvent && object.links.iter().any(names)
}

/// One object cannot become two.
fn check_renamed_once<'o>(
    object: &'o DesiredObject,
    renamed: &mut BTreeMap<Address, &'o DesiredObject>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let Some(former) = &object.former_name else { return };
    let former = Address::new(object.address.kind, former.clone());
    let path = Path::keys("metadata.annotations").key(WAS);
    let place = |object: &DesiredObject| object.positions.find(&path).map(|place| place.value);
    let Some(other) = renamed.get(&former) else {
        renamed.insert(former, object);
        return;
    };
    let message = format!("{former} was renamed to {} already", other.address);
    let mut problem = Diagnostic::error(Code::InvalidAnnotation, message)
        .of(object.address.to_string())
        .help("one object cannot become two: remove one of the annotations");
    problem.span = place(object);
    problem.related.extend(place(other).map(|place| ("it stands here".to_owned(), place)));
    diagnostics.push(problem.path(path));
}

fn check_former_name(object: &DesiredObject, known: &Known, diagnostics: &mut Vec<Diagnostic>) {
    let Some(former) = &object.former_name else { return };
    let former = Address::new(object.address.kind, former.clone());
    if let Some(place) = known.get(&former) {
        let path = Path::keys("metadata.annotations").key(WAS);
        let mut problem = Diagnostic::error(Code::InvalidAnnotation, format!("{former} is also in the manifests"))
            .of(object.address.to_string())
            .help(format!("`{WAS}` says that {former} was renamed: remove the annotation or the other manifest"));
        problem.span = object.positions.find(&path).map(|place| place.value);
        problem.related.extend(place.map(|place| ("it stands here".to_owned(), place)));
        diagnostics.push(problem.path(path));
    }
}

fn unreadable(address: &Address, span: Span, error: &serde_json::Error) -> Diagnostic {
    Diagnostic::error(Code::InvalidValue, format!("{address} has no canonical form: {error}"))
        .of(address.to_string())
        .at(span)
}

fn digest_of(objects: &[DesiredObject], client_side: &[ClientManifest]) -> Digest {
    let objects = objects.iter().map(|object| {
        let former = object.former_name.as_ref().map(|name| format!(" was {name}")).unwrap_or_default();
        format!("{} {}{former}", object.address, object.digest)
    });
    let deciding = client_side.iter().filter(|manifest| manifest.address.kind.decides_plans());
    let deciding = deciding.map(|manifest| format!("{} {}", manifest.address, manifest.digest));
    let parts: Vec<String> = objects.chain(deciding).collect();
    Digest::of_parts(parts.iter().map(String::as_bytes))
}
