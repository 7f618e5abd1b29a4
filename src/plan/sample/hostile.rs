//! Plans by somebody who wants a view to do what a plan does not say: every text that can come from outside holds
//! markup of all sorts.

use std::sync::Arc;

use proptest::prelude::Strategy;
use proptest::sample::select;
use serde_json::json;

use super::{any_plan, change, every_action, origin};
use crate::base::diagnostic::Severity;
use crate::base::diagnostic_record::{DiagnosticRecord, RelatedRecord};
use crate::base::path::Path;
use crate::plan::Plan;
use crate::plan::plan_value::{Blame, Change, Origin};
use crate::plan::reason::Reason;
use crate::plan::shown::Shown;

/// A word that stands in every hostile text and in nothing else.
pub(crate) const NEEDLE: &str = "Zq7needle";

const FRAGMENTS: &[&str] = &[
    "`",
    "``",
    "```",
    "````````",
    "|",
    "\\|",
    "\n```\n",
    "\n~~~\n",
    "~~~",
    "</details>",
    "</summary>",
    "</code>",
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "</script>",
    "</style>",
    "<!--",
    "-->",
    "]]>",
    "&lt;b&gt;",
    "&#60;",
    "\"",
    "'",
    " onload=x ",
    "@octocat",
    " #123",
    "https://evil.test/a",
    "www.evil.test",
    "kim@evil.test",
    "::error::now",
    "\n::warning file=a::now",
    "##[add-mask]x",
    "\u{202e}",
    "\u{200b}",
    "\u{2028}",
    "\u{0}",
    "\u{1b}[31m",
    "\r\n",
    "\r",
    "\n",
    "\n\n",
    "$x$",
    "![x](http://e.test)",
    "[x](javascript:x)",
    "**b**",
    "__b__",
    "\\",
    "| a | b |",
    "\n> q",
    "\n- l",
    "\n# h",
    "\n===\n",
    "{{x}}",
    "{0}",
    "%0A",
    " ",
    "\t",
    "<details>",
    "\u{1f469}\u{200d}",
    "é",
    "x",
];

/// A text of such fragments around the needle.
pub(crate) fn hostile_text() -> impl Strategy<Value = String> {
    let fragments = || proptest::collection::vec(select(FRAGMENTS), 0..6).prop_map(|parts| parts.concat());
    (fragments(), fragments()).prop_map(|(before, after)| format!("{before}{NEEDLE}{after}"))
}

/// A plan with such a text in every place that can hold one.
pub(crate) fn hostile_plan() -> impl Strategy<Value = Plan> {
    (any_plan(), hostile_text()).prop_map(|(plan, text)| poisoned(plan, &text))
}

/// The plan of every action with this text in every place that can hold one.
pub(crate) fn every_action_with(text: &str) -> Plan {
    poisoned(every_action(), text)
}

fn poisoned(mut plan: Plan, text: &str) -> Plan {
    let own = || text.to_owned();
    plan.trueup_version = own();
    plan.selection = Some(own());
    plan.warnings = vec![own()];
    plan.diagnostics = vec![DiagnosticRecord {
        severity: Severity::Warning,
        code: own(),
        message: own(),
        file: Some(own()),
        line: Some(3),
        column: Some(4),
        end_line: Some(3),
        end_column: Some(9),
        address: Some(own()),
        path: Some(own()),
        help: Some(own()),
        related: vec![RelatedRecord { message: own(), file: own(), line: 1, column: 1 }],
    }];
    for action in &mut plan.actions {
        action.reason = Reason::Stated(own());
        action.sends = action.sends.as_ref().map(|_| own());
        action.keeps = vec![Path::keys("spec").key(text)];
        action.changes.extend(changes(text));
    }
    for drift in &mut plan.drift {
        drift.by = drift.by.as_ref().map(|(_, at)| (own(), *at));
        drift.changes.extend(changes(text));
    }
    if let Some(preview) = &mut plan.review.preview {
        for webhook in &mut preview.webhooks {
            let samples = [&mut webhook.gained_sample, &mut webhook.lost_sample, &mut webhook.changed_sample];
            for sample in samples.into_iter().flatten() {
                sample.event_id = own();
                sample.changes.extend(changes(text));
            }
        }
        preview.destinations.iter_mut().for_each(|place| place.url = own());
        for sampled in preview.templates.iter_mut().chain(&mut preview.workflows) {
            sampled.sample = own();
            sampled.changes.extend(changes(text));
        }
        preview.not_evaluated.iter_mut().for_each(|one| one.why = own());
    }
    for flow in &mut plan.review.data_flow {
        (flow.source, flow.host) = (own(), own());
    }
    for finding in &mut plan.review.policies {
        finding.message = own();
        if let Some(location) = &mut finding.location {
            location.file = Arc::from(text);
        }
    }
    plan
}

/// The text as a key, as a value on either side, as lines, in lists and maps, and as where it was written.
fn changes(text: &str) -> Vec<Change> {
    let plain = |text: String| Some(Shown::Plain(text.into()));
    let nested = Shown::Map(vec![
        (text.to_owned(), Shown::Plain(text.into())),
        ("list".to_owned(), Shown::List(vec![Shown::Plain(text.into()), Shown::Plain(json!(format!("a\n{text}\n")))])),
    ]);
    let blame = Blame {
        commit: text.to_owned(),
        author: text.to_owned(),
        at: "2026-11-22T08:30:00Z".parse().unwrap(),
        summary: text.to_owned(),
    };
    let written = Origin { note: Some(text.to_owned()), blame: Some(blame), ..origin(text, 3, 1, None) };
    let keyed = Change { path: Path::keys("spec").key(text), ..change("spec", None, Some(nested)) };
    vec![
        Change { origin: Some(written), ..keyed },
        change("spec.url", plain(text.to_owned()), plain(format!("{text} and {text}"))),
        Change {
            is_text: true,
            ..change("spec.body", plain(format!("one\n{text}\ntwo\n")), plain(format!("one\n{text}\nthree\n{text}")))
        },
        Change {
            overwrites: plain(text.to_owned()),
            ..change("spec.body", None, Some(Shown::Personal(json!([text]))))
        },
    ]
}
