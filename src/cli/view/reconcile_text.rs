//! A tick of `reconcile` for people: a line of what came of it, and what differs below.

use std::io::{self, Write};

use super::style::{Role, Style, count};
use super::visible;
use crate::base::error_text::chain;
use crate::kinds::Address;
use crate::reconcile::fight::Fight;
use crate::reconcile::outcome::{Drifted, Failure, Findings, Outcome, Tick};

/// How many of a list are told one by one.
const TOLD: usize = 20;

/// Writes one tick.
///
/// # Errors
/// When the writer fails.
pub fn write(out: &mut dyn Write, tick: &Tick, style: Style) -> io::Result<()> {
    let Tick {
        at,
        path,
        project,
        target,
        commit,
        revision,
        looked,
        outcome,
        source_error,
        failures,
        committed_at: _,
        failed: _,
        suspensions: _,
        suspended_objects: _,
        orphans,
        took: _,
    } = tick;
    let mut place = match (project, target) {
        (Some(project), Some(target)) => format!("{project} on {target}"),
        (None, _) | (_, None) if path.is_empty() => "the project".to_owned(),
        (None, _) | (_, None) => visible::line(path).into_owned(),
    };
    if let Some(commit) = commit {
        let short: String = commit.chars().take(10).collect();
        // What is not committed counts as well, and is told.
        let more = if commit.ends_with('+') { "+" } else { "" };
        place.push_str(&format!(" at {}{more}", visible::line(&short)));
    }
    if let Some(revision) = revision {
        place.push_str(&format!(", revision {revision}"));
    }
    let role = if outcome.is_failure() { Role::Error } else { Role::Strong };
    let at = at.strftime("%Y-%m-%dT%H:%M:%SZ");
    let mut headline = headline(outcome);
    if !looked && !outcome.is_passing() {
        headline = format!("nothing moved: {headline}");
    }
    if *failures > 1 {
        headline.push_str(&format!(" ({failures} times in a row)"));
    }
    writeln!(out, "{at} {place}: {}", style.paint(role, visible::lines(&headline)))?;
    if let Some(error) = source_error {
        // Where nothing of it was ever seen, the headline has said so.
        if !matches!(**outcome, Outcome::Failed(Failure::Source(_))) {
            let text = format!("failed to {}", chain(&**error));
            writeln!(out, "  {}: {}", style.paint(Role::Error, "source"), visible::lines(&text))?;
        }
        if let Some(help) = error.help() {
            writeln!(out, "  {}: {}", style.paint(Role::Strong, "help"), visible::lines(&help))?;
        }
    }
    if *looked { details(out, outcome, orphans, style) } else { Ok(()) }
}

fn headline(outcome: &Outcome) -> String {
    match outcome {
        Outcome::InSync => "in sync".to_owned(),
        Outcome::Differs(findings) if findings.actions.is_empty() => {
            let drift = count(findings.drift.len(), "object");
            format!("differs: {} left alone, {drift} drifted", count(findings.left_alone.len(), "object"))
        }
        Outcome::Differs(findings) => {
            let drift = count(findings.drift.len(), "object");
            format!("differs: {} to do, {drift} drifted", count(findings.actions.len(), "action"))
        }
        Outcome::Applied { findings: _, totals } => {
            let healed = match outcome.healed().count() {
                0 => String::new(),
                drifted => format!("; {} healed", count(drifted, "drifted object")),
            };
            format!("applied: {} added, {} changed, {} destroyed{healed}", totals.add, totals.change, totals.destroy)
        }
        Outcome::Refused { refusals, .. } => format!("refused, for {}", count(refusals.len(), "reason")),
        Outcome::Invalid { diagnostics, .. } => {
            format!("nothing changed: {} in the manifests", count(diagnostics.len(), "problem"))
        }
        Outcome::TestsFailed { cases } => format!("nothing changed: {} did not pass", count(cases.len(), "test case")),
        Outcome::Suspended { suspension, findings } => {
            format!("{suspension}; {} left", count(findings.actions.len(), "action"))
        }
        Outcome::Waiting(holder) => {
            format!("waiting: {} holds the lease until {:.0}", holder.actor, holder.expires_at)
        }
        Outcome::Interrupted => "interrupted".to_owned(),
        Outcome::Failed(failure) => match failure {
            Failure::Open(error) => error.to_string(),
            Failure::Source(_)
            | Failure::Target(_)
            | Failure::Make(_)
            | Failure::Live(_)
            | Failure::OnlySavedPlans(_)
            | Failure::Plan(_) => format!("failed to {}", chain(failure)),
        },
    }
}

fn details(out: &mut dyn Write, outcome: &Outcome, orphans: &[Address], style: Style) -> io::Result<()> {
    match (outcome, outcome.findings()) {
        (_, Some(findings)) => write_findings(out, findings, orphans, style)?,
        (Outcome::InSync, None) => write_findings(out, &Findings::default(), orphans, style)?,
        (_, None) => {}
    }
    match outcome {
        Outcome::Refused { refusals, .. } => {
            for refusal in refusals {
                writeln!(out, "  {}: {}", style.paint(Role::Error, "refused"), visible::lines(&refusal.to_string()))?;
            }
        }
        Outcome::Invalid { diagnostics, .. } => {
            for found in diagnostics.iter().take(TOLD) {
                let place = match (&found.file, found.line, found.column) {
                    (Some(file), Some(line), Some(column)) => format!("{file}:{line}:{column}: "),
                    (Some(file), None, _) | (Some(file), _, None) => format!("{file}: "),
                    (None, _, _) => String::new(),
                };
                let text = format!("{place}{} [{}]", found.message, found.code);
                writeln!(out, "  {}: {}", style.paint(Role::Error, "error"), visible::lines(&text))?;
                if let Some(help) = &found.help {
                    writeln!(out, "    {}: {}", style.paint(Role::Strong, "help"), visible::lines(help))?;
                }
            }
            more(out, diagnostics.len())?;
        }
        Outcome::TestsFailed { cases } => {
            for case in cases.iter().take(TOLD) {
                writeln!(out, "  {}: {}", style.paint(Role::Error, "not passed"), visible::lines(case))?;
            }
            more(out, cases.len())?;
        }
        Outcome::InSync
        | Outcome::Differs(_)
        | Outcome::Applied { .. }
        | Outcome::Suspended { .. }
        | Outcome::Waiting(_)
        | Outcome::Interrupted
        | Outcome::Failed(_) => {}
    }
    Ok(())
}

fn write_findings(out: &mut dyn Write, findings: &Findings, orphans: &[Address], style: Style) -> io::Result<()> {
    let Findings { actions, drift, orphans: _, left_alone, fights } = findings;
    for (address, action) in actions.iter().take(TOLD) {
        writeln!(out, "  {} {address}", style.paint(Role::Strong, action))?;
    }
    more(out, actions.len())?;
    for Drifted { address, fields, by } in drift.iter().take(TOLD) {
        let by = by.as_ref().map(|(actor, at)| format!(", by {actor} at {at:.0}")).unwrap_or_default();
        let text = format!("{address} ({}){by}", fields.join(", "));
        writeln!(out, "  {} {}", style.paint(Role::Warning, "drift"), visible::lines(&text))?;
    }
    more(out, drift.len())?;
    for orphan in orphans.iter().take(TOLD) {
        writeln!(out, "  {} {orphan}", style.paint(Role::Faint, "no longer in the manifests"))?;
    }
    more(out, orphans.len())?;
    for address in left_alone.iter().take(TOLD) {
        writeln!(out, "  {} {address}", style.paint(Role::Faint, "left alone"))?;
    }
    more(out, left_alone.len())?;
    for Fight { address, actor, at, corrections } in fights {
        let text = format!(
            "{address} was corrected {corrections} times in a row and changed again by {actor} at {at:.0}; \
             `trueup resume . {address}` heals it again"
        );
        writeln!(out, "  {} {}", style.paint(Role::Error, "fight"), visible::lines(&text))?;
    }
    Ok(())
}

fn more(out: &mut dyn Write, all: usize) -> io::Result<()> {
    if all > TOLD { writeln!(out, "  … and {} more", all - TOLD) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::Address;

    fn shown(tick: &Tick) -> String {
        let mut out = Vec::new();
        write(&mut out, tick, Style::PLAIN).expect("written");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn what_is_left_alone_is_no_agreement_and_a_fight_names_the_command_that_ends_it() {
        let address: Address = "Webhook/nps".parse().expect("an address");
        let at = "2026-11-25T20:23:17.688202Z".parse().expect("a time");
        let by = Some(("kim".to_owned(), at));
        let tick = Tick {
            commit: Some("0123456789abcdef+".to_owned()),
            ..Tick::sample(Outcome::Differs(Findings {
                drift: vec![Drifted { address: address.clone(), fields: vec!["spec.enabled".to_owned()], by }],
                left_alone: vec![address.clone()],
                fights: vec![Fight { address, actor: "kim".to_owned(), at, corrections: 3 }],
                ..Findings::default()
            }))
        };
        let expected = "\
1970-01-01T00:00:00Z the project at 0123456789+: differs: 1 object left alone, 1 object drifted
  drift Webhook/nps (spec.enabled), by kim at 2026-11-25T20:23:17Z
  left alone Webhook/nps
  fight Webhook/nps was corrected 3 times in a row and changed again by kim at 2026-11-25T20:23:17Z; \
`trueup resume . Webhook/nps` heals it again
";
        assert_eq!(shown(&tick), expected);
    }
}
