//! The plan for people: what is done and why, what is not done, and the counts in its last line.

use std::io::{self, BufWriter, Write};

use super::change_text::ChangeView;
use super::style::{Role, Style, count};
use super::visible;
use super::{data_flow_text, diagnostic_text, policy_text, preview_text};
use crate::kinds::Address;
use crate::object::action::ActionKind;
use crate::plan::plan_value::{Action, Drift, Plan, Refusal};

/// Writes a plan. Personal data is in the open only with `show_personal`: on a terminal, or where it was asked for.
///
/// # Errors
/// When the writer fails.
pub fn write(out: &mut dyn Write, plan: &Plan, style: Style, show_personal: bool) -> io::Result<()> {
    let out: &mut dyn Write = &mut BufWriter::new(out);
    let view = PlanView { style, show_personal };
    view.banner(out, plan)?;
    for action in &plan.actions {
        view.action(out, action)?;
        writeln!(out)?;
    }
    view.drift(out, &plan.drift)?;
    preview_text::write(out, plan, style, show_personal)?;
    data_flow_text::write(out, &plan.review.data_flow, style)?;
    view.left_alone(out, plan)?;
    view.notes(out, plan)?;
    policy_text::write(out, &plan.review.policies, style)?;
    view.refusals(out, &plan.refusals)?;
    writeln!(out, "{}", last_line(plan))?;
    out.flush()
}

/// `Plan: 3 to add, 2 to change, 1 to destroy. 12 unchanged.`, or `No changes.`
#[must_use]
pub fn last_line(plan: &Plan) -> String {
    if plan.is_empty() {
        return "No changes.".to_owned();
    }
    let totals = plan.totals();
    format!(
        "Plan: {} to add, {} to change, {} to destroy. {} unchanged.",
        totals.add, totals.change, totals.destroy, plan.summary.unchanged
    )
}

/// Who corrects nothing but shows what was changed by hand (`drift`).
///
/// # Errors
/// When the writer fails.
pub fn write_drift(out: &mut dyn Write, drift: &[Drift], style: Style, show_personal: bool) -> io::Result<()> {
    PlanView { style, show_personal }.drift(out, drift)
}

struct PlanView {
    style: Style,
    show_personal: bool,
}

impl PlanView {
    fn changes(&self, indent: usize) -> ChangeView {
        ChangeView { style: self.style, show_personal: self.show_personal, indent, tell_drift: true }
    }

    fn heading(&self, out: &mut dyn Write, text: &str) -> io::Result<()> {
        writeln!(out, "{}", self.style.paint(Role::Strong, text))
    }

    fn banner(&self, out: &mut dyn Write, plan: &Plan) -> io::Result<()> {
        let Some(selection) = &plan.selection else { return Ok(()) };
        let text = format!("Only a part of {} is planned: {}.", plan.project, visible::line(selection));
        writeln!(out, "{}", self.style.paint(Role::Warning, text))?;
        writeln!(out, "What is not selected is neither changed nor removed.\n")
    }

    fn action(&self, out: &mut dyn Write, action: &Action) -> io::Result<()> {
        let Action { address, action: kind, reason, changes, expected: _, from, version, archives, sends, keeps } =
            action;
        let symbol = self.style.paint(Role::of(*kind), format_args!("{:>3}", kind.symbol()));
        let name = self.style.paint(Role::Strong, address);
        let reason = visible::line(&reason.to_string()).into_owned();
        writeln!(
            out,
            "{symbol} {name}  {}  ({reason}){}",
            self.style.paint(Role::of(*kind), kind),
            self.manifest(action)
        )?;
        if let Some(detail) = detail(*kind, from.as_ref(), *version, *archives) {
            writeln!(out, "      {detail}")?;
        }
        if let Some(sends) = sends {
            let text = format!("sends to {} at once", visible::line(sends));
            writeln!(out, "    {} {}", self.style.paint(Role::Warning, "!"), self.style.paint(Role::Warning, text))?;
        }
        self.changes(6).write(out, changes)?;
        for path in keeps {
            let path = visible::line(&path.to_string()).into_owned();
            let text = format!("keeps the live value of {path} (trueup.dev/ignore-drift)");
            writeln!(out, "      {}", self.style.paint(Role::Faint, text))?;
        }
        Ok(())
    }

    /// Where the manifest stands: the place of a whole spec is its own, of a field only the file is worth repeating.
    fn manifest(&self, action: &Action) -> String {
        let whole = action.changes.first().filter(|change| change.path.segments().len() <= 1);
        if whole.is_some_and(|change| change.origin.is_some()) {
            // The change's own line says it.
            return String::new();
        }
        let origin = action.changes.iter().find_map(|change| change.origin.as_ref());
        origin.map_or_else(String::new, |origin| {
            let file = format!("  in {}", visible::line(&origin.location.file));
            self.style.paint(Role::Faint, file)
        })
    }

    fn drift(&self, out: &mut dyn Write, drift: &[Drift]) -> io::Result<()> {
        if drift.is_empty() {
            return Ok(());
        }
        self.heading(out, "Changed outside the manifests:")?;
        for Drift { address, action, changes, by } in drift {
            let by = by.as_ref().map(|(who, at)| format!("  by {} at {at:.0}", visible::line(who))).unwrap_or_default();
            let becomes = match action {
                Some(action) => format!("  (corrected by the {action})"),
                None => String::new(),
            };
            let address = self.style.paint(Role::Strong, address);
            writeln!(out, "  {address}{by}{}", self.style.paint(Role::Faint, becomes))?;
            ChangeView { tell_drift: false, ..self.changes(4) }.write(out, changes)?;
        }
        writeln!(out)
    }

    fn left_alone(&self, out: &mut dyn Write, plan: &Plan) -> io::Result<()> {
        if !plan.orphans.is_empty() {
            self.heading(out, "No longer in the manifests, and left as they are:")?;
            for address in &plan.orphans {
                writeln!(out, "    {address}")?;
            }
            writeln!(out, "  --prune removes them.\n")?;
        }
        if !plan.unknown_secrets.is_empty() {
            self.heading(out, "Secrets compared at apply, because they are not available here:")?;
            for secret in &plan.unknown_secrets {
                writeln!(out, "    {} {}", secret.address, visible::line(&secret.path.to_string()))?;
            }
            writeln!(out)?;
        }
        if !plan.refresh.is_empty() {
            let objects = count(plan.refresh.len(), "object");
            writeln!(out, "Brought into line by hand: {objects}; apply records it and changes nothing there.\n")?;
        }
        Ok(())
    }

    fn notes(&self, out: &mut dyn Write, plan: &Plan) -> io::Result<()> {
        for warning in &plan.warnings {
            writeln!(out, "{}: {}", self.style.paint(Role::Warning, "warning"), visible::line(warning))?;
        }
        diagnostic_text::write_records(out, &plan.diagnostics, self.style)?;
        if plan.warnings.is_empty() && plan.diagnostics.is_empty() { Ok(()) } else { writeln!(out) }
    }

    fn refusals(&self, out: &mut dyn Write, refusals: &[Refusal]) -> io::Result<()> {
        if refusals.is_empty() {
            return Ok(());
        }
        writeln!(out, "{}", self.style.paint(Role::Error, "Apply refuses this plan:"))?;
        for refusal in refusals {
            writeln!(out, "  - {refusal}")?;
        }
        writeln!(out)
    }
}

/// What an action does beyond its changes.
pub(super) fn detail(kind: ActionKind, from: Option<&Address>, version: Option<u64>, archives: bool) -> Option<String> {
    let text = match kind {
        ActionKind::Create | ActionKind::Update | ActionKind::Delete => return None,
        ActionKind::Replace if archives => {
            "a new object with a new id is made, then the old one is archived".to_owned()
        }
        ActionKind::Replace => "a new object with a new id is made, then the old one is deleted".to_owned(),
        ActionKind::NewVersion => "a version is added, and the pointer that its release names moves to it".to_owned(),
        ActionKind::MakeCurrent => {
            format!("the pointer that its release names moves to version {}", version.unwrap_or_default())
        }
        ActionKind::Move => match from {
            Some(from) => format!("{from} gets this name; its id stays"),
            None => "the object gets this name; its id stays".to_owned(),
        },
        ActionKind::Archive => "it is taken out of use, and keeps answering calls by its id".to_owned(),
        ActionKind::Restore => "the archived object comes back with its id".to_owned(),
        ActionKind::Adopt => "the object is managed from now on".to_owned(),
        ActionKind::PublishSettings => {
            "its settings are published; removing webhooks later does not undo it".to_owned()
        }
    };
    Some(text)
}

#[cfg(test)]
mod tests;
