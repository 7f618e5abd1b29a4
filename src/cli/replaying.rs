//! From recorded events, in a file or on the target, to what a plan changes about them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;

use super::exit::{self, Exit};
use super::since::Since;
use super::{Context, project};
use crate::base::diagnostic::Diagnostic;
use crate::base::source::SourceMap;
use crate::behaviour::event::StoredEvent;
use crate::behaviour::fault::Fault;
use crate::behaviour::recorded::EventLine;
use crate::desired::Desired;
use crate::live::Live;
use crate::object::delivery::{EventPage, EventQuery};
use crate::plan::Plan;
use crate::plan::plan_value::Refusal;
use crate::plan::preview::FailOn;
use crate::provider::{ProviderError, Reader};
use crate::review::preview::{Arrival, Cases, Replay};
use crate::review::states::States;

/// Events of a sample: a preview is read by people, and a sample of this size says all that a larger one would.
const EVENTS: u64 = 1_000_000;
/// Bytes of a line: what a control plane takes of one event.
const LINE: u64 = 8 * 1024 * 1024;
/// Bad lines that are told; the rest of the file is not read.
const FAULTS: usize = 100;
/// Events that are asked for at once.
const PAGE: u32 = 1_000;

/// What is replayed, and what of it refuses the plan.
#[derive(Clone, Debug, Args)]
pub struct ReplayArguments {
    /// Run recorded events through what is live and what is planned, and show the difference: a file with one event a
    /// line, or `live` for those that the target has recorded (`runtime:read`).
    #[arg(long, value_name = "FILE|live", value_parser = source)]
    pub replay: Option<ReplaySource>,
    /// Replay only events since then: `24h`, `7d`, `2026-11-01`.
    #[arg(long, value_name = "WHEN", requires = "replay", value_parser = Since::read)]
    pub since: Option<Since>,
    /// Refuse the plan (exit code 5) if the replay shows this; several are separated by commas.
    #[arg(long, value_name = "WHAT", requires = "replay", value_delimiter = ',', action = clap::ArgAction::Append, value_parser = fail_on)]
    pub fail_on: Vec<FailOn>,
}

/// Where events are read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplaySource {
    /// What the target has recorded.
    Live,
    /// A file with one event a line.
    File(PathBuf),
}

#[expect(clippy::unnecessary_wraps, reason = "the form of a value parser")]
fn source(text: &str) -> Result<ReplaySource, String> {
    Ok(if text == "live" { ReplaySource::Live } else { ReplaySource::File(text.into()) })
}

fn fail_on(text: &str) -> Result<FailOn, String> {
    let known = FailOn::ALL.iter().find(|reason| reason.as_str() == text.trim());
    let names = || FailOn::ALL.iter().map(|reason| reason.as_str()).collect::<Vec<_>>().join(", ");
    known.copied().ok_or_else(|| format!("expected {}", names()))
}

/// What a replay works with.
pub struct Sources<'a> {
    /// For how problems are told, and the working folder.
    pub context: &'a Context,
    /// The target.
    pub reader: &'a dyn Reader,
    /// The manifests, for what their tests say of templates and workflows.
    pub desired: &'a Desired,
}

/// Runs the events that are asked for through both states, puts what they show into the plan, and refuses it if that is
/// what was asked for.
///
/// # Errors
/// When events cannot be read, which is said.
pub async fn replay(
    sources: &Sources<'_>,
    arguments: &ReplayArguments,
    plan: &mut Plan,
    live: &Live,
    states: &States,
) -> Result<(), Exit> {
    let ReplayArguments { replay, since, fail_on } = arguments;
    let Some(source) = replay else { return Ok(()) };
    let since = since.map(|since| since.before(plan.created_at));
    let ids: BTreeMap<_, _> = live.rows.iter().map(|(address, row)| (address, row.id)).collect();
    let arrival = Arrival { ids, now: plan.created_at };
    let mut replay = Replay::new(states, arrival);
    match source {
        ReplaySource::Live => from_target(sources.reader, since, &mut replay).await?,
        ReplaySource::File(path) => from_file(sources.context, path, since, &mut replay)?,
    }
    let tests = sources.desired.client_side.iter();
    let tests = tests.filter_map(|manifest| Some(Cases { test: &manifest.address.name, spec: manifest.test()? }));
    let preview = replay.finish(plan, &tests.collect::<Vec<_>>());
    for reason in FailOn::ALL.iter().filter(|reason| fail_on.contains(reason)) {
        let count = reason.count(&preview);
        if count > 0 {
            plan.refusals.push(Refusal::FailOn { reason: *reason, count });
        }
    }
    plan.review.preview = Some(preview);
    Ok(())
}

async fn from_target(reader: &dyn Reader, since: Option<Timestamp>, replay: &mut Replay<'_>) -> Result<(), Exit> {
    let mut pages = Pages::new(reader, since);
    while let Some(events) = pages.next().await? {
        for event in events {
            if replay.taken() >= EVENTS {
                return Err(too_many("the target has recorded"));
            }
            // A stored event has nothing to be found wrong.
            let _ = replay.take(EventLine::Stored(event));
        }
    }
    Ok(())
}

/// Recorded events of a target, page by page.
pub struct Pages<'r> {
    reader: &'r dyn Reader,
    query: EventQuery,
}

impl<'r> Pages<'r> {
    /// Those accepted since then.
    #[must_use]
    pub fn new(reader: &'r dyn Reader, since: Option<Timestamp>) -> Self {
        Self { reader, query: EventQuery { since, limit: PAGE, cursor: None } }
    }

    /// The next page; `None` once there are no more.
    ///
    /// # Errors
    /// When the target cannot be read or the key may not, which is said on standard error.
    pub async fn next(&mut self) -> Result<Option<Vec<StoredEvent>>, Exit> {
        let page = self.reader.events(&self.query).await;
        let EventPage { events, next } = page.map_err(|error| refused(&error))?;
        self.query.cursor = next;
        if events.is_empty() {
            return Ok(None);
        }
        let events: Result<Vec<StoredEvent>, _> = events.into_iter().map(serde_json::from_value).collect();
        events.map(Some).map_err(|error| exit::failed(format!("failed to read a recorded event: {error}")))
    }
}

fn refused(error: &ProviderError) -> Exit {
    match error {
        ProviderError::Unauthorised(why) => {
            let help = "recorded events are read with a key that has the scope runtime:read";
            exit::say_error(&format!("failed to {why}"), Some(help));
            Exit::NotAllowed
        }
        ProviderError::Absent(_)
        | ProviderError::Conflict(_)
        | ProviderError::Rejected { .. }
        | ProviderError::LeaseHeld(_)
        | ProviderError::LeaseLost
        | ProviderError::Suspended(_)
        | ProviderError::PlanReused
        | ProviderError::Unavailable { .. }
        | ProviderError::UnknownOutcome { .. } => exit::provider(error),
    }
}

fn too_many(whose: &str) -> Exit {
    exit::say_error(&format!("{whose} more than {EVENTS} events"), Some("replay fewer of them with --since"));
    Exit::InvalidInput
}

fn from_file(context: &Context, path: &Path, since: Option<Timestamp>, replay: &mut Replay<'_>) -> Result<(), Exit> {
    let unreadable = |error: std::io::Error| {
        exit::say_error(&format!("failed to read the events {}: {error}", path.display()), None);
        Exit::InvalidInput
    };
    let mut reader =
        BufReader::with_capacity(1 << 16, File::open(context.working_folder.join(path)).map_err(unreadable)?);
    let mut problems: Vec<Diagnostic> = Vec::new();
    let (mut line, mut number) = (Vec::new(), 0_u64);
    loop {
        line.clear();
        number += 1;
        let read = reader.by_ref().take(LINE + 1).read_until(b'\n', &mut line).map_err(unreadable)?;
        if read == 0 || problems.len() > FAULTS {
            break;
        }
        let at = format!("{}:{number}", path.display());
        let told = |fault: Fault| {
            let Fault { code, field, message } = fault;
            let message = if field.is_empty() { message } else { format!("{field}: {message}") };
            Diagnostic::error(code, message).in_file(at.clone())
        };
        if read as u64 > LINE {
            let message = format!("a line has at most {LINE} bytes; the file is read no further");
            problems.push(told(Fault::new(crate::base::code::Code::TooLarge, "", message)));
            break;
        }
        let text = line.trim_ascii();
        if text.is_empty() {
            continue;
        }
        match EventLine::read(text) {
            Ok(event) if since.is_some_and(|since| occurred_at(&event).is_some_and(|at| at < since)) => {}
            Ok(event) => {
                if replay.taken() >= EVENTS {
                    return Err(too_many(&format!("{} has", path.display())));
                }
                if let Err(faults) = replay.take(event) {
                    problems.extend(faults.into_iter().map(told));
                }
            }
            Err(fault) => problems.push(told(fault)),
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    if problems.len() > FAULTS {
        problems.truncate(FAULTS);
        let last =
            Diagnostic::error(crate::base::code::Code::InvalidValue, "more lines are wrong; the rest is not read");
        problems.push(last.in_file(path.display().to_string()));
    }
    project::tell(context, &problems, &SourceMap::default(), 0, &context.working_folder);
    Err(Exit::InvalidInput)
}

fn occurred_at(event: &EventLine) -> Option<Timestamp> {
    match event {
        EventLine::Raw(raw) => crate::kinds::time::parse(raw.occurred_at.as_deref()?).ok(),
        EventLine::Stored(stored) => Some(stored.occurred_at),
    }
}
