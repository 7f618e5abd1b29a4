//! What the content of one live object needs, by the life cycle of its kind.

use jiff::Timestamp;
use serde_json::Value;

use super::changes;
use super::plan_value::{Change, ChangeKind};
use super::reason::Reason;
use super::shown::SecretState;
use crate::base::code::Code;
use crate::base::diagnostic::Diagnostic;
use crate::base::path::Path;
use crate::base::source::SourceMap;
use crate::desired::DesiredObject;
use crate::diff::{Cause, Difference, Judged, three_way};
use crate::kinds::{Kind, LifeCycle, Spec, canonical};
use crate::object::action::ActionKind;
use crate::object::record::{DigestRow, ObjectRecord, VersionRow};

/// What has to be done to an object's content.
#[derive(Debug)]
pub(super) enum Content {
    /// Nothing.
    Alike,
    /// Something, if the object allows it.
    Differs(Needed),
}

/// An action on content.
#[derive(Debug)]
pub(super) struct Needed {
    pub action: ActionKind,
    pub reason: Reason,
    pub changes: Vec<Change>,
    pub version: Option<u64>,
    /// Of a replace: the old object is archived, not deleted.
    pub archives: bool,
    /// Drifted fields whose live values are kept.
    pub keeps: Vec<Path>,
}

/// What is compared.
pub(super) struct Comparison<'a> {
    pub object: &'a DesiredObject,
    pub row: &'a DigestRow,
    /// In full, when the digests differ or the plan asked for it.
    pub record: Option<&'a ObjectRecord>,
    pub sources: &'a SourceMap,
    pub now: Timestamp,
    /// What is known of each of the object's secrets.
    pub secrets: &'a [(Path, SecretState)],
    /// `--replace`.
    pub replace_asked: bool,
}

/// Decides what one object's content needs. Problems that no action can solve go to `problems`.
pub(super) fn decide(given: &Comparison<'_>, problems: &mut Vec<Diagnostic>) -> Content {
    let Comparison { object, row, record, sources, .. } = given;
    let kind = object.address.kind;
    let (mut judged, keeps, live) = match record {
        Some(record) if row.digest != object.digest || given.replace_asked => {
            match differences(object, record, problems) {
                Some(found) => found,
                None => return Content::Alike,
            }
        }
        _ => (Vec::new(), Vec::new(), None),
    };
    judged.retain(|judged| !keeps.contains(&judged.difference.path));
    let state_of = |path: &Path| {
        given.secrets.iter().find(|(secret, _)| secret == path).map_or(SecretState::Unchanged, |(_, state)| *state)
    };
    let mut changes: Vec<Change> = judged
        .iter()
        .map(|difference| changes::judged(kind, difference, object, state_of(&difference.difference.path), sources))
        .collect();
    for (path, state) in given.secrets {
        if *state == SecretState::Changed && !changes.iter().any(|change| path.starts_with(&change.path)) {
            changes.push(changes::secret(object, path, *state, sources));
        }
    }
    if changes.is_empty() && !given.replace_asked {
        return Content::Alike;
    }
    check_allowed(given, &judged, live.as_ref(), problems);
    let (drift_only, over_drift) = (
        !judged.is_empty() && changes.iter().all(|change| change.kind == ChangeKind::Drift),
        judged.iter().any(|judged| judged.cause == Cause::ChangeOverDrift),
    );
    let reason = match (judged.is_empty(), drift_only, over_drift) {
        (true, ..) => Reason::SecretChanged,
        (_, true, _) => Reason::Drift,
        (.., true) => Reason::ChangedOverDrift,
        (..) => Reason::ManifestChanged,
    };
    let needed = Needed { action: ActionKind::Update, reason, changes, version: None, archives: false, keeps };
    Content::Differs(by_life_cycle(given, needed))
}

fn by_life_cycle(given: &Comparison<'_>, mut needed: Needed) -> Needed {
    if given.replace_asked && given.object.address.kind.life_cycle() != LifeCycle::VersionsGrow {
        needed.action = ActionKind::Replace;
        needed.reason = Reason::ReplaceAsked;
        needed.archives = given.row.used;
        return needed;
    }
    match given.object.address.kind.life_cycle() {
        LifeCycle::Mutable => {}
        LifeCycle::FrozenOnceUsed => {
            // Metadata is for people and stays editable; the spec is what was shown.
            let spec = Path::keys("spec");
            let frozen = needed.changes.iter().position(|change| change.path.starts_with(&spec));
            if let (true, Some(first)) = (given.row.used, frozen) {
                for change in needed.changes.iter_mut().filter(|change| change.path.starts_with(&spec)) {
                    change.forces_replacement = true;
                }
                let path = needed.changes.get(first).map_or_else(Path::root, |change| change.path.clone());
                needed.action = ActionKind::Replace;
                needed.reason = Reason::Frozen(path);
                needed.archives = true;
            }
        }
        LifeCycle::VersionsGrow => version_action(given, &mut needed),
    }
    needed
}

fn version_action(given: &Comparison<'_>, needed: &mut Needed) {
    let Some(record) = given.record else { return };
    let kind = given.object.address.kind;
    let Ok(desired) = given.object.canonical() else { return };
    let live = serde_json::json!({ "metadata": {}, "spec": record.spec });
    let wanted = canonical::version_digest(kind, &desired);
    let pointer_moves = needed.changes.iter().any(|change| change.path == Path::keys(canonical::POINTER_FIELD));
    if wanted == canonical::version_digest(kind, &live) && !pointer_moves {
        return;
    }
    let versions = record.server_set.get("versions").cloned().unwrap_or_default();
    let versions: Vec<VersionRow> = serde_json::from_value(versions).unwrap_or_default();
    if let Some(known) = versions.iter().rev().find(|version| version.digest == wanted) {
        needed.action = ActionKind::MakeCurrent;
        needed.version = Some(known.version);
        if needed.reason == Reason::ManifestChanged {
            needed.reason = Reason::EqualsVersion(known.version);
        }
    } else {
        needed.action = ActionKind::NewVersion;
    }
}

/// Differences, the drifted paths that are left alone, and the live spec.
type Found = (Vec<Judged>, Vec<Path>, Option<Spec>);

fn differences(object: &DesiredObject, record: &ObjectRecord, problems: &mut Vec<Diagnostic>) -> Option<Found> {
    let kind = object.address.kind;
    let unreadable = |error: &dyn std::fmt::Display| {
        problem(object, Code::NotSupported, format!("the live {} cannot be read: {error}", object.address))
    };
    let (desired, live) = match (object.canonical(), live_canonical(kind, record)) {
        (Ok(desired), Ok(live)) => (desired, live),
        (Err(error), _) | (_, Err(error)) => {
            problems.push(unreadable(&error));
            return None;
        }
    };
    let (live, spec) = live;
    let judged = three_way::judge(kind.field_tree(), &desired, &live, record.last_applied.as_ref());
    let ignored = object.metadata.ignored_drift();
    let keeps = judged
        .iter()
        .filter(|judged| judged.cause == Cause::Drift)
        .map(|judged| &judged.difference.path)
        .filter(|path| ignored.iter().any(|ignored| covers(ignored, path)))
        .cloned()
        .collect();
    Some((judged, keeps, Some(spec)))
}

/// The live object's canonical form, made by the code that makes the desired one's.
fn live_canonical(kind: Kind, record: &ObjectRecord) -> Result<(Value, Spec), serde_json::Error> {
    let mut metadata = record.metadata.clone();
    metadata.normalise();
    let mut spec = kind.read_spec(&record.spec)?;
    spec.normalise();
    Ok((canonical::value(&metadata, &spec)?, spec))
}

fn covers(ignored: &str, path: &Path) -> bool {
    let path = path.to_string();
    path.strip_prefix(ignored).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn check_allowed(given: &Comparison<'_>, judged: &[Judged], live: Option<&Spec>, problems: &mut Vec<Diagnostic>) {
    let Comparison { object, record, now, .. } = given;
    let immutable = object.address.kind.fields().iter().filter(|field| field.immutable);
    for field in immutable {
        let path = Path::keys(field.path);
        let last = field.path.rsplit('.').next().unwrap_or(field.path);
        let filled = record.and_then(|record| record.server_set.get(last));
        // Where the target has filled an absent value in, writing that value out changes nothing.
        let differs = |change: &&Judged| {
            let Difference { path: at, before, after, order_only: _ } = &change.difference;
            *at == path && before.as_ref().or(filled) != after.as_ref().or(filled)
        };
        if let Some(change) = judged.iter().find(differs) {
            let mut found =
                problem(object, Code::ImmutableField, format!("{path} of {} cannot be changed", object.address));
            found.span = object.positions.find(&path).map(|place| place.value);
            found.path = Some(path);
            found.help = Some(match &change.difference.before {
                Some(value) => format!("the target has {value}; give the manifest a new name to make a new object"),
                None => "give the manifest a new name to make a new object".to_owned(),
            });
            problems.push(found);
        }
    }
    let (Some(live), Some(record)) = (live, record) else { return };
    let spec_changed = judged.iter().any(|judged| judged.difference.path.starts_with(&Path::keys("spec")));
    if spec_changed && let Some(why) = live.closed(&record.server_set, *now) {
        let found = problem(object, Code::EndedNotification, format!("{} cannot be changed: {why}", object.address));
        problems.push(found.help("use a new name for a new one"));
    }
}

/// A problem of a manifest as a whole, shown at its name.
pub(super) fn problem(object: &DesiredObject, code: Code, message: String) -> Diagnostic {
    let mut found = Diagnostic::error(code, message).of(object.address.to_string());
    found.span = object.positions.find(&Path::keys("metadata.name")).map(|place| place.value);
    found
}
