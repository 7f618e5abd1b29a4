//! Drift for people and for programs.

use std::io::{self, Write};

use serde_json::json;

use super::plan_text::write_drift;
use super::style::{Role, Style, count};
use crate::kinds::Address;
use crate::plan::Plan;
use crate::plan::file_v1::{FORMAT_VERSION, PlanV1};

/// What `drift` shows.
#[derive(Debug)]
pub struct DriftView<'a> {
    /// The plan that would correct it.
    pub plan: &'a Plan,
    /// Destinations whose receiver said 410.
    pub halted: Vec<&'a Address>,
    /// Objects made by hand.
    pub unmanaged: Vec<&'a Address>,
}

impl DriftView<'_> {
    /// Whether nothing drifted and nothing is halted.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.plan.drift.is_empty() && self.halted.is_empty()
    }
}

/// For people.
///
/// # Errors
/// When the writer fails.
pub fn write_text(out: &mut dyn Write, view: &DriftView<'_>, style: Style, personal: bool) -> io::Result<()> {
    let DriftView { plan, halted, unmanaged } = view;
    if !plan.drift.is_empty() {
        write_drift(out, &plan.drift, style, personal)?;
    }
    list(
        out,
        style,
        "Halted, because the receiver said that it is gone (410); a change, or redelivering something, lifts it:",
        halted,
    )?;
    let orphans: Vec<&Address> = plan.orphans.iter().collect();
    list(out, style, "No longer in the manifests:", &orphans)?;
    list(out, style, "Made by hand, and not managed:", unmanaged)?;
    if view.is_clean() {
        writeln!(out, "No drift.")
    } else {
        let objects = count(plan.drift.len(), "object");
        writeln!(
            out,
            "{}",
            style.paint(
                Role::Strong,
                format!("Drift: {objects} changed outside the manifests, {} halted.", halted.len())
            )
        )
    }
}

fn list(out: &mut dyn Write, style: Style, title: &str, addresses: &[&Address]) -> io::Result<()> {
    if addresses.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}", style.paint(Role::Strong, title))?;
    for address in addresses {
        writeln!(out, "    {address}")?;
    }
    writeln!(out)
}

/// For programs: `drift`, `orphans` in the shapes of a plan, `halted`, `unmanaged`, and a summary.
///
/// # Errors
/// When the writer fails.
pub fn write_json(out: &mut dyn Write, view: &DriftView<'_>, personal: bool) -> io::Result<()> {
    let DriftView { plan, halted, unmanaged } = view;
    let document = PlanV1::from_plan(plan, personal);
    let value = json!({
        "format_version": FORMAT_VERSION,
        "project": plan.project,
        "target": plan.target,
        "revision": plan.revision,
        "drift": document.drift,
        "orphans": plan.orphans,
        "halted": halted,
        "unmanaged": unmanaged,
        "summary": { "drifted": plan.drift.len(), "halted": halted.len(), "orphans": plan.orphans.len(), "unmanaged": unmanaged.len() },
    });
    serde_json::to_writer_pretty(&mut *out, &value)?;
    writeln!(out)
}
