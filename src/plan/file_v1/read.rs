//! Reading a plan back: from untrusted bytes to a plan, or a clear error.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use serde_json::error::Category;

use super::guarded::Rebuild;
use super::review::{PolicyFindingV1, PreviewV1};
use super::{ActionV1, ChangeV1, DriftV1, OriginV1, PlanV1, RefreshV1, RefusalV1, Side, UnknownSecretV1, body_digest};
use crate::base::path::Path;
use crate::base::source::Location;
use crate::object::action::ActionKind;
use crate::plan::plan_value::{Action, Change, Drift, Origin, Plan, Refusal, Summary, UnknownSecret};
use crate::plan::reason::Reason;
use crate::plan::review::Review;

/// The largest plan file that is read, in bytes: a plan of 100,000 creates has about a tenth of it.
pub const SIZE_LIMIT: usize = 256 * 1024 * 1024;

/// Why a file is not a plan that can be used.
#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    /// More bytes than [`SIZE_LIMIT`].
    #[error("read the plan: it has {0} bytes, and at most {SIZE_LIMIT} are read")]
    TooLarge(usize),
    /// Ends in the middle.
    #[error("read the plan: it is cut short at line {line}, column {column}")]
    CutShort {
        /// The last line.
        line: usize,
        /// The last column.
        column: usize,
    },
    /// Not JSON.
    #[error("read the plan: this is not a trueup plan, it is not JSON (line {line}, column {column})")]
    NotJson {
        /// Line of the first fault.
        line: usize,
        /// Column of the first fault.
        column: usize,
    },
    /// JSON, but no plan.
    #[error("read the plan: this is not a trueup plan, it has no format_version of one")]
    Foreign,
    /// Written by a later program.
    #[error("read the plan: its format_version is {0}, and this trueup reads 1.x; use the trueup that made it")]
    Newer(String),
    /// A field is missing or has a wrong value.
    #[error("read the plan: it is damaged or was changed by hand")]
    Damaged(#[source] serde_json::Error),
    /// Its parts contradict each other.
    #[error("read the plan: it is damaged or was changed by hand: {0}")]
    Inconsistent(String),
}

/// Reads a plan file.
///
/// # Errors
/// When it is no plan, a damaged one, or one of a later format; see [`PlanFileError`].
pub fn read(bytes: &[u8]) -> Result<Plan, PlanFileError> {
    PlanV1::parse(bytes)?.into_plan()
}

/// Only what tells a plan from any other JSON.
#[derive(Deserialize)]
struct Probe {
    #[serde(default)]
    format_version: Option<Value>,
    #[serde(default)]
    plan_id: Option<Value>,
}

impl PlanV1 {
    /// Reads the document, without looking for contradictions in it.
    ///
    /// # Errors
    /// As [`read`].
    pub fn parse(bytes: &[u8]) -> Result<Self, PlanFileError> {
        if bytes.len() > SIZE_LIMIT {
            return Err(PlanFileError::TooLarge(bytes.len()));
        }
        let probe: Probe = serde_json::from_slice(bytes).map_err(|error| unreadable(&error))?;
        let version = probe.format_version.as_ref().and_then(Value::as_str).ok_or(PlanFileError::Foreign)?;
        // Every document of ours has a format_version; only a plan has an id.
        let plan_id = probe.plan_id.is_some();
        match version.split_once('.').map(|(major, minor)| (major.parse::<u32>(), minor.parse::<u32>())) {
            Some((Ok(1), Ok(_))) if plan_id => {}
            Some((Ok(major), Ok(_))) if major > 1 => return Err(PlanFileError::Newer(version.to_owned())),
            _ => return Err(PlanFileError::Foreign),
        }
        serde_json::from_slice(bytes).map_err(PlanFileError::Damaged)
    }

    /// The plan of the document.
    ///
    /// # Errors
    /// When its parts contradict each other.
    pub fn into_plan(self) -> Result<Plan, PlanFileError> {
        let Self {
            format_version: _,
            trueup_version,
            project,
            target,
            plan_id,
            created_at,
            desired_digest,
            body_digest: written,
            revision,
            complete,
            selection,
            actions,
            drift,
            orphans,
            unknown_secrets,
            refresh,
            refusals,
            suspensions,
            suspended,
            warnings,
            diagnostics,
            summary,
            preview,
            data_flow,
            policies,
            links,
        } = self;
        let counted = Summary::count(actions.iter().map(|action| &action.action), summary.unchanged);
        if counted != summary {
            return Err(PlanFileError::Inconsistent("the summary does not count its actions".to_owned()));
        }
        let plan = Plan {
            plan_id,
            trueup_version,
            created_at,
            project,
            target,
            desired: desired_digest,
            revision,
            complete,
            selection,
            actions: actions.into_iter().map(action).collect::<Result<_, _>>()?,
            drift: drift.into_iter().map(drifted).collect::<Result<_, _>>()?,
            orphans,
            unknown_secrets: unknown_secrets.into_iter().map(unknown_secret).collect::<Result<_, _>>()?,
            refresh: refresh
                .into_iter()
                .map(|RefreshV1 { address, expected_generation }| (address, expected_generation))
                .collect(),
            suspensions,
            suspended,
            warnings,
            diagnostics,
            refusals: refusals.into_iter().map(refusal).collect(),
            summary,
            review: Review {
                preview: preview.map(PreviewV1::into_preview).transpose()?,
                data_flow,
                policies: policies.into_iter().map(PolicyFindingV1::into_finding).collect(),
                links,
            },
        };
        if written.is_some() && written != body_digest(&plan).ok() {
            return Err(PlanFileError::Inconsistent("it was changed after it was made".to_owned()));
        }
        Ok(plan)
    }
}

fn unreadable(error: &serde_json::Error) -> PlanFileError {
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        Category::Eof if column > 0 => PlanFileError::CutShort { line, column },
        Category::Eof | Category::Io | Category::Syntax => PlanFileError::NotJson { line, column },
        // Well-formed so far, but not a map.
        Category::Data => PlanFileError::Foreign,
    }
}

fn path(text: &str) -> Result<Path, PlanFileError> {
    text.parse().map_err(|error: crate::base::path::PathError| PlanFileError::Inconsistent(error.to_string()))
}

fn action(action: ActionV1) -> Result<Action, PlanFileError> {
    let ActionV1 { address, action, reason, changes, expected_generation, from, version, archives, sends, keeps } =
        action;
    let misses = |field: &str| PlanFileError::Inconsistent(format!("the {action} of {address} has no {field}"));
    if action == ActionKind::Move && from.is_none() {
        return Err(misses("from"));
    }
    if action == ActionKind::MakeCurrent && version.is_none() {
        return Err(misses("version"));
    }
    Ok(Action {
        changes: self::changes(changes)?,
        keeps: keeps.iter().map(|keep| path(keep)).collect::<Result<_, _>>()?,
        address,
        action,
        reason: Reason::Stated(reason),
        expected: expected_generation,
        from,
        version,
        archives,
        sends,
    })
}

/// The changes of a list.
pub(super) fn changes(list: Vec<ChangeV1>) -> Result<Vec<Change>, PlanFileError> {
    list.into_iter().map(change).collect()
}

fn change(change: ChangeV1) -> Result<Change, PlanFileError> {
    let ChangeV1 {
        path: at,
        before,
        after,
        kind,
        forces_replacement,
        origin,
        overwrites,
        order_only,
        is_text,
        guarded,
    } = change;
    let mut rebuild = Rebuild::new(guarded);
    let result = Change {
        path: path(&at)?,
        before: rebuild.value(Side::Before, before).map_err(PlanFileError::Inconsistent)?,
        after: rebuild.value(Side::After, after).map_err(PlanFileError::Inconsistent)?,
        overwrites: rebuild.value(Side::Overwrites, overwrites).map_err(PlanFileError::Inconsistent)?,
        kind,
        is_text,
        order_only,
        forces_replacement,
        origin: origin.map(origin_of),
    };
    rebuild.finish().map_err(PlanFileError::Inconsistent)?;
    Ok(result)
}

fn origin_of(origin: OriginV1) -> Origin {
    let OriginV1 { file, line, column, note, blame } = origin;
    Origin { location: location(&file, line, column), note, blame }
}

/// A place in a file. The end is not stored: no view of a plan shows it.
pub(super) fn location(file: &str, line: u32, column: u32) -> Location {
    Location { file: Arc::from(file), line, column, end_line: line, end_column: column }
}

fn drifted(drift: DriftV1) -> Result<Drift, PlanFileError> {
    let DriftV1 { address, action, reason: _, changes, by } = drift;
    Ok(Drift { address, action, changes: self::changes(changes)?, by: by.map(|by| (by.actor, by.at)) })
}

fn unknown_secret(secret: UnknownSecretV1) -> Result<UnknownSecret, PlanFileError> {
    let UnknownSecretV1 { address, path: at, expected_generation } = secret;
    Ok(UnknownSecret { address, path: path(&at)?, expected: expected_generation })
}

fn refusal(refusal: RefusalV1) -> Refusal {
    match refusal {
        RefusalV1::TooManyDeletes { planned, allowed } => Refusal::TooManyDeletes { planned, allowed },
        RefusalV1::TooMuchChanged { planned, managed, allowed } => {
            Refusal::TooMuchChanged { planned, managed, allowed }
        }
        RefusalV1::Protected { address } => Refusal::Protected(address),
        RefusalV1::Sends { addresses } => Refusal::Sends { addresses },
        RefusalV1::Policy { errors } => Refusal::Policy { errors },
        RefusalV1::FailOn { reason, count } => Refusal::FailOn { reason, count },
    }
}
