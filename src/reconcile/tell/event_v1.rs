//! The document of an event, in its first version: what a receiver gets in the body of a request.
//!
//! It holds addresses, paths of fields, names of people and of test cases, and words of ours; never a value of a manifest
//! or of a live object, nor what a target or git said. Lists are cut, and say how many there were.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::news::{News, Trouble};
use super::notes::ProjectNotes;
use super::reason;
use crate::base::code::Code;
use crate::base::diagnostic_record::DiagnosticRecord;
use crate::base::schema::published;
use crate::kinds::Address;
use crate::object::suspension::Suspension;
use crate::plan::plan_value::Totals;
use crate::reconcile::fight::Fight;
use crate::reconcile::outcome::{Drifted, Findings, Outcome, Tick};
use crate::reconcile::wish::Mode;

/// What all types begin with.
pub const TYPE_PREFIX: &str = "trueup.reconcile.";

/// The most of a list that is listed.
const LISTED: usize = 50;
/// The most fields of a drifted object that are listed.
const FIELDS: usize = 10;
/// Characters of a text, at most.
const TEXT: usize = 200;
/// Characters of a reason that a person gave.
const REASON: usize = 1_000;

/// An event: something that `trueup reconcile` found, did, or could not do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EventV1 {
    /// What happened, such as `trueup.reconcile.applied`: the types stand in docs/operations.md.
    #[serde(rename = "type")]
    pub kind: String,
    /// When the tick ended that it is about.
    #[schemars(extend("format" = "date-time"))]
    pub timestamp: String,
    /// What it is about.
    pub data: EventDataV1,
}

/// What an event is about: the tick that it comes of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct EventDataV1 {
    /// `1.0`; a reader of `1.0` can read every `1.x`.
    pub format_version: String,
    /// The project; `null` while its manifests could never be loaded.
    pub project: Option<String>,
    /// The target.
    pub target: Option<String>,
    /// The project's folder in the repository; empty for the source itself.
    pub path: String,
    /// `report` or `heal`.
    pub mode: String,
    /// The commit.
    pub commit: Option<String>,
    /// The target's revision.
    pub revision: Option<u64>,
    /// What came of the tick: as in `reconcile -o json`.
    pub outcome: String,
    /// Ticks in a row that failed: the target, the repository or this machine.
    pub failures: u32,
    /// Of `recovered`: what is over, `failing` or `refused`.
    pub recovered_from: Vec<String>,
    /// Why it failed or was refused, a sentence each.
    pub reasons: ListedV1<String>,
    /// Why the repository could not be asked; the commit in use is kept true meanwhile.
    pub source_error: Option<String>,
    /// Of an apply: how many objects were added, changed and destroyed.
    pub totals: Option<EventTotalsV1>,
    /// How many actions there are of each kind.
    pub action_counts: BTreeMap<String, usize>,
    /// What was done (`applied`, `drift-healed`), or would be.
    pub actions: ListedV1<EventActionV1>,
    /// Of `drift-healed` the objects that were put right; otherwise those that are changed outside the manifests now.
    pub drift: ListedV1<EventDriftV1>,
    /// Managed objects that are no longer in the manifests, and stay for want of `--prune`.
    pub orphans: ListedV1<String>,
    /// Objects that are left alone because they are suspended or fought over.
    pub left_alone: ListedV1<String>,
    /// Fights that were found now.
    pub fights: ListedV1<EventFightV1>,
    /// The suspension of the project.
    pub suspension: Option<EventSuspensionV1>,
    /// What is wrong with the manifests.
    pub diagnostics: ListedV1<EventDiagnosticV1>,
}

/// The first of a list, and how many there are in all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct ListedV1<T> {
    /// How many there are.
    pub total: usize,
    /// The first of them.
    pub items: Vec<T>,
}

/// The three numbers of an apply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct EventTotalsV1 {
    /// Added.
    pub add: usize,
    /// Changed.
    pub change: usize,
    /// Destroyed.
    pub destroy: usize,
}

/// An action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct EventActionV1 {
    /// `Kind/name`.
    pub address: String,
    /// What, as in a plan.
    pub action: String,
}

/// An object that was changed outside the manifests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct EventDriftV1 {
    /// `Kind/name`.
    pub address: String,
    /// The changed fields, by path.
    pub fields: ListedV1<String>,
    /// Who changed it last, where the audit may be read.
    pub by: Option<String>,
    /// When.
    pub at: Option<String>,
}

/// Drift that comes back after every correction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct EventFightV1 {
    /// `Kind/name`.
    pub address: String,
    /// Who changed it last.
    pub by: String,
    /// When.
    pub at: String,
    /// Corrections in a row.
    pub corrections: usize,
}

/// A suspension of the project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct EventSuspensionV1 {
    /// Who suspended it.
    pub by: String,
    /// Why, in that person's words.
    pub reason: String,
    /// Since when.
    pub since: String,
    /// Until when; `null`: until a person resumes it.
    pub until: Option<String>,
}

/// Something that is wrong with the manifests: where and of which sort, without the words that quote the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct EventDiagnosticV1 {
    /// Stable; `trueup explain CODE` documents it.
    pub code: String,
    /// What such a problem is.
    pub title: String,
    /// Relative to the project's folder.
    pub file: Option<String>,
    /// First line.
    pub line: Option<u32>,
    /// First column.
    pub column: Option<u32>,
    /// `Kind/name` of the manifest.
    pub address: Option<String>,
    /// Path within the manifest.
    pub path: Option<String>,
}

/// The JSON Schema (2020-12) of events.
#[must_use]
pub fn event_schema() -> Value {
    published(schemars::schema_for!(EventV1).to_value(), "reconcile-event.schema.json", "trueup reconcile event")
}

impl EventV1 {
    /// The document of news, by the tick that it comes of.
    #[must_use]
    pub fn new(news: &News, tick: &Tick, notes: &ProjectNotes, mode: Mode) -> Self {
        let outcome = &*tick.outcome;
        let nothing = Findings::default();
        let findings = outcome.findings().unwrap_or(&nothing);
        let Findings { actions, drift: _, orphans, left_alone, fights } = findings;
        let fights = if let News::FightFound(new) = news { new } else { fights };
        let mut action_counts = BTreeMap::new();
        for (_, action) in actions {
            *action_counts.entry(action.as_str().to_owned()).or_default() += 1;
        }
        let drift = match news {
            News::DriftHealed => listed(outcome.healed(), LISTED, drifted),
            News::Suspended
            | News::Resumed
            | News::DriftFound
            | News::FightFound(_)
            | News::Applied
            | News::Refused
            | News::Failing(_)
            | News::Recovered(_) => listed(outcome.unhealed(), LISTED, drifted),
        };
        let recovered: &[Trouble] = if let News::Recovered(troubles) = news { troubles } else { &[] };
        let totals = if let Outcome::Applied { totals, .. } = outcome { Some(*totals) } else { None };
        let addresses = |list: &[Address]| listed(list.iter(), LISTED, |address| cut(&address.to_string()));
        let data = EventDataV1 {
            format_version: "1.0".to_owned(),
            project: notes.project.clone(),
            target: notes.target.clone(),
            path: cut(&tick.path),
            mode: mode.as_str().to_owned(),
            commit: tick.commit.as_deref().map(cut),
            revision: tick.revision.map(|revision| revision.0),
            outcome: outcome.as_str().to_owned(),
            failures: notes.failures,
            recovered_from: recovered.iter().map(|trouble| trouble.as_str().to_owned()).collect(),
            reasons: listed(reason::of(outcome).iter(), LISTED, |reason| cut(reason)),
            source_error: tick.source_error.as_ref().map(|error| cut(&reason::of_source(error))),
            totals: totals.map(|Totals { add, change, destroy }| EventTotalsV1 { add, change, destroy }),
            action_counts,
            actions: listed(actions.iter(), LISTED, |(address, action)| EventActionV1 {
                address: cut(&address.to_string()),
                action: action.as_str().to_owned(),
            }),
            drift,
            orphans: addresses(orphans),
            left_alone: addresses(left_alone),
            fights: listed(fights.iter(), LISTED, fight),
            suspension: outcome.suspension().map(suspended),
            diagnostics: listed(outcome.diagnostics().iter(), LISTED, diagnostic),
        };
        Self { kind: format!("{TYPE_PREFIX}{}", news.as_str()), timestamp: time(tick.at), data }
    }
}

fn listed<'a, S: 'a, T>(all: impl Iterator<Item = &'a S>, limit: usize, one: impl Fn(&'a S) -> T) -> ListedV1<T> {
    let mut listed = ListedV1 { total: 0, items: Vec::new() };
    for item in all {
        listed.total += 1;
        if listed.total <= limit {
            listed.items.push(one(item));
        }
    }
    listed
}

fn drifted(drifted: &Drifted) -> EventDriftV1 {
    let Drifted { address, fields, by } = drifted;
    EventDriftV1 {
        address: cut(&address.to_string()),
        fields: listed(fields.iter(), FIELDS, |field| cut(field)),
        by: by.as_ref().map(|(actor, _)| cut(actor)),
        at: by.as_ref().map(|(_, at)| time(*at)),
    }
}

fn fight(fight: &Fight) -> EventFightV1 {
    let Fight { address, actor, at, corrections } = fight;
    EventFightV1 { address: cut(&address.to_string()), by: cut(actor), at: time(*at), corrections: *corrections }
}

fn suspended(suspension: &Suspension) -> EventSuspensionV1 {
    let Suspension { address: _, reason, actor, since, until } = suspension;
    EventSuspensionV1 { by: cut(actor), reason: cut_to(reason, REASON), since: time(*since), until: until.map(time) }
}

fn diagnostic(record: &DiagnosticRecord) -> EventDiagnosticV1 {
    let DiagnosticRecord { code, file, line, column, address, path, .. } = record;
    let title = code.parse::<Code>().map(Code::title).unwrap_or_default();
    EventDiagnosticV1 {
        code: cut(code),
        title: title.to_owned(),
        file: file.as_deref().map(cut),
        line: *line,
        column: *column,
        address: address.as_deref().map(cut),
        path: path.as_deref().map(cut),
    }
}

fn time(at: Timestamp) -> String {
    at.to_string()
}

fn cut(text: &str) -> String {
    cut_to(text, TEXT)
}

/// A text of at most so many characters.
pub(super) fn cut_to(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some(_) => text.chars().take(limit.saturating_sub(1)).chain(['…']).collect(),
    }
}
