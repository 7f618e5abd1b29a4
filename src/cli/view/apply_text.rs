//! Apply for people: progress while it goes on, and how it ended.

use std::io::{self, BufWriter, Write};

use indicatif::{ProgressBar, ProgressStyle};

use super::style::{Role, Style, count};
use super::visible;
use crate::apply::report::{ActionReport, ActionState, Event, Report};

/// Shows events as they come: a bar on a terminal, one line per action elsewhere.
pub struct Progress {
    shape: Shape,
}

enum Shape {
    Lines(BufWriter<Box<dyn Write + Send>>, Style),
    Bar(ProgressBar),
}

impl std::fmt::Debug for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.shape {
            Shape::Lines(..) => "Progress(lines)",
            Shape::Bar(_) => "Progress(bar)",
        })
    }
}

impl Progress {
    /// One line per event.
    #[must_use]
    pub fn lines(out: Box<dyn Write + Send>, style: Style) -> Self {
        Self { shape: Shape::Lines(BufWriter::new(out), style) }
    }

    /// A bar on standard error, which goes away when it is done. `actions` is its length.
    #[must_use]
    pub fn bar(actions: usize, style: Style) -> Self {
        let bar = ProgressBar::new(u64::try_from(actions).unwrap_or(u64::MAX));
        let template = if style.colour { "{bar:30.cyan} {pos}/{len} {msg}" } else { "{bar:30} {pos}/{len} {msg}" };
        if let Ok(shape) = ProgressStyle::with_template(template) {
            bar.set_style(shape);
        }
        Self { shape: Shape::Bar(bar) }
    }

    /// Shows one event.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn show(&mut self, event: &Event) -> io::Result<()> {
        match &mut self.shape {
            Shape::Lines(out, style) => match event {
                Event::Ended(action) => writeln!(out, "{}", action_line(action, *style)),
                Event::LeaseTaken | Event::ComparingSecrets { count: 0 } => Ok(()),
                Event::ComparingSecrets { .. } | Event::Writing { .. } => {
                    writeln!(out, "{}", phase(event))?;
                    // Somebody may be waiting for it. How the actions ended comes at once for all of them.
                    out.flush()
                }
            },
            Shape::Bar(bar) => {
                match event {
                    Event::Ended(action) => {
                        bar.set_message(action.address.to_string());
                        bar.inc(1);
                    }
                    Event::LeaseTaken | Event::ComparingSecrets { .. } | Event::Writing { .. } => {
                        bar.set_message(phase(event));
                    }
                }
                Ok(())
            }
        }
    }

    /// Writes what is left to write, or takes the bar away.
    pub fn finish(self) {
        match self.shape {
            // What cannot be written any more is missed by nobody.
            Shape::Lines(mut out, _) => drop(out.flush()),
            Shape::Bar(bar) => bar.finish_and_clear(),
        }
    }
}

fn phase(event: &Event) -> String {
    match event {
        Event::LeaseTaken => "lease taken".to_owned(),
        Event::ComparingSecrets { count: secrets } => format!("Comparing {}.", count(*secrets, "secret")),
        Event::Writing { actions } => format!("Writing {}.", count(*actions, "action")),
        Event::Ended(action) => action.address.to_string(),
    }
}

/// `  ~ Webhook/nps-to-slack  update  done`
fn action_line(report: &ActionReport, style: Style) -> String {
    let ActionReport { address, action, state, id } = report;
    let symbol = style.paint(Role::of(*action), format_args!("{:>3}", action.symbol()));
    let (role, why) = match state {
        ActionState::Done => (Role::Faint, id.map(|id| format!("  id {id}")).unwrap_or_default()),
        ActionState::Failed(why) => (Role::Error, format!(": {}", visible::line(why))),
        ActionState::Stale => (Role::Error, ": it changed since the plan was made".to_owned()),
        ActionState::NotStarted => (Role::Warning, String::new()),
        ActionState::Unknown => (Role::Error, ": whether it happened is not known; plan again".to_owned()),
    };
    format!("{symbol} {address}  {action}  {}", style.paint(role, format_args!("{}{why}", state.as_str())))
}

/// Writes how an apply ended. Where something failed, every address with its state.
///
/// # Errors
/// When the writer fails.
pub fn write_report(out: &mut dyn Write, report: &Report, style: Style) -> io::Result<()> {
    if let Some((at, by)) = &report.applied_before {
        let by = visible::line(by);
        writeln!(out, "This plan was applied before, at {at:.0} by {by}. Nothing is written again.")?;
        return writeln!(out, "{}", last_line(report));
    }
    let begun = |action: &&ActionReport| action.state != ActionState::NotStarted;
    if !is_complete(report) && !report.actions.iter().any(|action| begun(&action)) {
        writeln!(out, "{}", style.paint(Role::Error, "Nothing was done."))?;
    } else if !is_complete(report) {
        writeln!(out, "{}", style.paint(Role::Error, "Not everything was done:"))?;
        for action in &report.actions {
            writeln!(out, "{}", action_line(action, style))?;
        }
        writeln!(out)?;
    }
    writeln!(out, "{}", last_line(report))
}

/// `Apply complete! Resources: 3 added, 2 changed, 1 destroyed.`; where something failed it begins `Apply failed.`
#[must_use]
pub fn last_line(report: &Report) -> String {
    let totals = report.totals;
    let now = |number: usize| if report.applied_before.is_some() { 0 } else { number };
    let word = if is_complete(report) { "Apply complete!" } else { "Apply failed." };
    format!(
        "{word} Resources: {} added, {} changed, {} destroyed.",
        now(totals.add),
        now(totals.change),
        now(totals.destroy)
    )
}

fn is_complete(report: &Report) -> bool {
    report.applied_before.is_some() || report.actions.iter().all(|action| action.state == ActionState::Done)
}

#[cfg(test)]
mod tests;
