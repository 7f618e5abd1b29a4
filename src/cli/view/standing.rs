//! How a project stands on a target, and what is suspended there, for people and for programs.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::style::{Role, Style, count};
use super::visible;
use crate::base::ident::{Name, Revision};
use crate::kinds::Address;
use crate::manifest::Project;
use crate::object::lease::LeaseHolder;
use crate::object::suspension::Suspension;

/// The version of the documents.
const FORMAT_VERSION: &str = "1.0";

/// What `suspend` or `resume` did.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// These are suspended now.
    Suspended(&'a [Suspension]),
    /// Resumed, and what stays suspended.
    Resumed {
        /// What was suspended until now.
        lifted: &'a [Suspension],
        /// What else is suspended.
        still: &'a [Suspension],
    },
}

/// What `suspend` or `resume` did, for people.
///
/// # Errors
/// When the writer fails.
pub fn change_text(out: &mut dyn Write, project: &Project, change: Change<'_>) -> io::Result<()> {
    let on = format!("{} on the target {}", project.name, project.target.name);
    let what = |suspension: &Suspension| match &suspension.address {
        None => on.clone(),
        Some(address) => format!("{address} of {on}"),
    };
    match change {
        Change::Suspended(suspensions) => {
            for suspension in suspensions {
                let line = format!("{} is {suspension}", what(suspension));
                writeln!(out, "{}", visible::line(&line))?;
            }
        }
        Change::Resumed { lifted, still } => {
            for suspension in lifted {
                let line = format!("{} is resumed; it was {suspension}", what(suspension));
                writeln!(out, "{}", visible::line(&line))?;
            }
            if lifted.is_empty() {
                writeln!(out, "Nothing was suspended that this would resume.")?;
            }
            for suspension in still {
                let line = format!("{} stays {suspension}", what(suspension));
                writeln!(out, "{}", visible::line(&line))?;
            }
        }
    }
    Ok(())
}

/// The same for programs.
///
/// # Errors
/// When the writer fails.
pub fn change_json(out: &mut dyn Write, project: &Project, change: Change<'_>) -> io::Result<()> {
    let mut value = json!({
        "format_version": FORMAT_VERSION, "project": project.name, "target": project.target.name,
    });
    match change {
        Change::Suspended(suspensions) => value["suspensions"] = json!(suspensions),
        Change::Resumed { lifted, still } => {
            value["resumed"] = json!(lifted);
            value["suspensions"] = json!(still);
        }
    }
    writeln!(out, "{value:#}")
}

/// How the manifests and the target differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Objects changed outside the manifests.
    pub drifted: usize,
    /// Actions of a plan, without pruning.
    pub pending: usize,
    /// Managed objects that are no longer in the manifests.
    pub orphans: usize,
}

/// How a project stands on a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The project.
    pub project: Name,
    /// The target.
    pub target: Name,
    /// Its revision.
    pub revision: Revision,
    /// Live objects that are managed.
    pub managed: usize,
    /// Live objects that were made by hand.
    pub unmanaged: usize,
    /// How the manifests and the target differ; `None` when the manifests have errors.
    pub comparison: Option<Comparison>,
    /// What is suspended on the target: the project first, then objects.
    pub suspensions: Vec<Suspension>,
    /// Objects whose manifest is suspended by its annotation.
    pub by_manifest: Vec<Address>,
    /// Who holds the lease.
    pub lease: Option<LeaseHolder>,
}

/// For people.
///
/// # Errors
/// When the writer fails.
pub fn write_text(out: &mut dyn Write, standing: &Standing, style: Style) -> io::Result<()> {
    let Standing { project, target, revision, managed, unmanaged, comparison, suspensions, by_manifest, lease } =
        standing;
    let title = style.paint(Role::Strong, format!("{project} on the target {target}"));
    writeln!(out, "{title}, revision {revision}")?;
    writeln!(out, "  objects    {managed} managed, {unmanaged} made by hand")?;
    match comparison {
        Some(Comparison { drifted, pending, orphans }) => {
            let drift = if *drifted == 0 {
                "none".to_owned()
            } else {
                style.paint(Role::Warning, format!("{} changed outside the manifests", count(*drifted, "object")))
            };
            writeln!(out, "  drift      {drift}")?;
            let orphans = if *orphans == 0 { String::new() } else { format!(", {orphans} no longer in the manifests") };
            writeln!(out, "  pending    {}{orphans}", count(*pending, "action"))?;
        }
        None => {
            let unknown = style.paint(Role::Warning, "not known: the manifests have errors, see trueup validate");
            writeln!(out, "  drift      {unknown}")?;
        }
    }
    if suspensions.is_empty() && by_manifest.is_empty() {
        writeln!(out, "  reconcile  not suspended")?;
    }
    for suspension in suspensions {
        let Suspension { address, reason, actor, since, until } = suspension;
        let what = address.as_ref().map(|address| format!("{address} ")).unwrap_or_default();
        let end = until.map_or_else(|| "it is resumed".to_owned(), |until| format!("{until:.0}"));
        let text = format!("{what}suspended until {end}: {reason}");
        writeln!(out, "  reconcile  {}", style.paint(Role::Warning, visible::line(&text)))?;
        writeln!(out, "             by {} since {since:.0}", visible::line(actor))?;
    }
    for address in by_manifest {
        writeln!(out, "  reconcile  {address} suspended by its manifest")?;
    }
    match lease {
        None => writeln!(out, "  lease      free"),
        Some(LeaseHolder { owner, actor, since, expires_at, ends_with_process: _ }) => {
            let actor = visible::line(actor);
            writeln!(out, "  lease      {actor} since {since:.0}, until {expires_at:.0}, for plan {owner}")
        }
    }
}

/// For programs.
///
/// # Errors
/// When the writer fails.
pub fn write_json(out: &mut dyn Write, standing: &Standing) -> io::Result<()> {
    let Standing { project, target, revision, managed, unmanaged, comparison, suspensions, by_manifest, lease } =
        standing;
    let number = |number: fn(&Comparison) -> usize| comparison.as_ref().map(number);
    let lease = lease.as_ref().map_or(Value::Null, |holder| {
        let LeaseHolder { owner, actor, since, expires_at, ends_with_process: _ } = holder;
        json!({ "plan_id": owner, "actor": actor, "since": since, "expires_at": expires_at })
    });
    let value = json!({
        "format_version": FORMAT_VERSION,
        "project": project,
        "target": target,
        "revision": revision,
        "managed": managed,
        "unmanaged": unmanaged,
        "drifted": number(|comparison| comparison.drifted),
        "pending": number(|comparison| comparison.pending),
        "orphans": number(|comparison| comparison.orphans),
        "suspensions": suspensions,
        "suspended": by_manifest,
        "lease": lease,
    });
    writeln!(out, "{value:#}")
}
