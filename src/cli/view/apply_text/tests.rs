use std::sync::{Arc, Mutex};

use super::*;
use crate::base::ident::Revision;
use crate::cli::view::apply_json;
use crate::object::action::ActionKind;
use crate::plan::plan_value::Totals;
use crate::plan::sample::address;

fn ended(at: &str, action: ActionKind, state: ActionState) -> ActionReport {
    let id = (state == ActionState::Done).then(|| "0192d3f0-0000-7000-8000-00000000000a".parse().unwrap());
    ActionReport { address: address(at), action, state, id }
}

fn report(actions: Vec<ActionReport>, totals: Totals) -> Report {
    Report {
        plan_id: "0192d3f0-0000-7000-8000-000000000001".parse().unwrap(),
        actions,
        revision: Some(Revision(42)),
        totals,
        applied_before: None,
    }
}

fn shown(report: &Report) -> String {
    let mut out = Vec::new();
    write_report(&mut out, report, Style::PLAIN).unwrap();
    String::from_utf8(out).unwrap()
}

fn mixed() -> Report {
    let actions = vec![
        ended("System/crm", ActionKind::Create, ActionState::Done),
        ended("Webhook/a", ActionKind::Update, ActionState::Failed("the target\u{1b}[2J said no".into())),
        ended("Webhook/b", ActionKind::Replace, ActionState::Stale),
        ended("Webhook/c", ActionKind::Delete, ActionState::NotStarted),
        ended("Webhook/d", ActionKind::Archive, ActionState::Unknown),
    ];
    report(actions, Totals { add: 1, change: 0, destroy: 0 })
}

#[test]
fn a_complete_apply_ends_with_its_counts() {
    let done = vec![ended("System/crm", ActionKind::Create, ActionState::Done)];
    let text = shown(&report(done, Totals { add: 3, change: 2, destroy: 1 }));
    assert_eq!(text, "Apply complete! Resources: 3 added, 2 changed, 1 destroyed.\n");
}

#[test]
fn a_plan_applied_before_says_so() {
    let mut again = report(Vec::new(), Totals { add: 3, change: 2, destroy: 1 });
    again.applied_before = Some(("2026-11-20T10:00:00Z".parse().unwrap(), "ci".into()));
    assert_eq!(
        shown(&again),
        "This plan was applied before, at 2026-11-20T10:00:00Z by ci. Nothing is written again.\n\
         Apply complete! Resources: 0 added, 0 changed, 0 destroyed.\n"
    );
}

#[test]
fn failures_list_every_address() {
    let expected = r"Not everything was done:
  + System/crm  create  done  id 0192d3f0-0000-7000-8000-00000000000a
  ~ Webhook/a  update  failed: the target\u{1b}[2J said no
+/- Webhook/b  replace  stale: it changed since the plan was made
  - Webhook/c  delete  not started
 .- Webhook/d  archive  unknown: whether it happened is not known; plan again

Apply failed. Resources: 1 added, 0 changed, 0 destroyed.
";
    assert_eq!(shown(&mixed()), expected);
}

#[test]
fn json_has_a_line_per_action() {
    let mut out = Vec::new();
    apply_json::write(&mut out, &mixed(), "0.1.0").unwrap();
    let expected = r#"{"type":"version","format_version":"1.0","trueup_version":"0.1.0"}
{"type":"action","address":"System/crm","action":"create","state":"done","id":"0192d3f0-0000-7000-8000-00000000000a","error":null}
{"type":"action","address":"Webhook/a","action":"update","state":"failed","id":null,"error":"the target\u001b[2J said no"}
{"type":"action","address":"Webhook/b","action":"replace","state":"stale","id":null,"error":null}
{"type":"action","address":"Webhook/c","action":"delete","state":"not started","id":null,"error":null}
{"type":"action","address":"Webhook/d","action":"archive","state":"unknown","id":null,"error":null}
{"type":"summary","plan_id":"0192d3f0-0000-7000-8000-000000000001","added":1,"changed":0,"destroyed":0,"revision":42,"states":{"done":1,"failed":1,"stale":1,"not started":1,"unknown":1},"applied_before":null}
"#;
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

/// A writer whose content stays readable after it was boxed.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn progress_is_a_line_per_action_off_a_terminal() {
    let out = Shared::default();
    let mut progress = Progress::lines(Box::new(out.clone()), Style::PLAIN);
    let events = [
        Event::LeaseTaken,
        Event::ComparingSecrets { count: 1 },
        Event::Writing { actions: 2 },
        Event::Ended(ended("System/crm", ActionKind::Create, ActionState::Done)),
        Event::Ended(ended("Webhook/a", ActionKind::Update, ActionState::Stale)),
    ];
    for event in &events {
        progress.show(event).unwrap();
    }
    progress.finish();
    let expected = "Comparing 1 secret.\nWriting 2 actions.\n  + System/crm  create  done  id 0192d3f0-0000-7000-8000-00000000000a\n  ~ Webhook/a  update  stale: it changed since the plan was made\n";
    assert_eq!(String::from_utf8(out.0.lock().unwrap().clone()).unwrap(), expected);
}
