//! Runs of changed workflows, before and after, by the cases of the project's tests: where they go, what they request.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::Cases;
use crate::base::path::Path;
use crate::kinds::test::Given;
use crate::kinds::workflow::WorkflowSpec;
use crate::kinds::workflow::step::Step;
use crate::kinds::{Address, Kind, Spec};
use crate::plan::plan_value::Change;
use crate::plan::preview::SampledPreview;
use crate::plan::shown::Shown;
use crate::review::states::States;
use crate::review::test::run::simulate::{Ran, Stopped, simulate};

/// Samples that differ which are shown of one workflow.
const SHOWN: usize = 5;

/// Runs that would go another way, and the workflows that were tried.
pub(super) fn previews(states: &States, tests: &[Cases<'_>]) -> (Vec<SampledPreview>, HashSet<Address>) {
    let (mut previews, mut tried) = (Vec::new(), HashSet::new());
    for (name, object) in states.after.of_kind(Kind::Workflow) {
        let address = Address::new(Kind::Workflow, name.clone());
        let former = states.former(&address);
        let (Spec::Workflow(after), Some(before)) = (&*object.spec, states.before.objects.get(former)) else {
            continue;
        };
        let Spec::Workflow(before) = &*before.spec else { continue };
        if before == after {
            continue;
        }
        let cases = tests.iter().flat_map(|Cases { test, spec }| spec.cases.iter().map(move |case| (test, case)));
        let mut shown = 0;
        for (test, case) in cases {
            let Some(Given::Workflow(given)) = case.given() else { continue };
            if given.name != *name && given.name != former.name {
                continue;
            }
            let (old, new) = (simulate(before, given), simulate(after, given));
            if old.is_err() && new.is_err() {
                continue;
            }
            tried.insert(address.clone());
            let changes = changes(&Side { workflow: before, ran: old }, &Side { workflow: after, ran: new });
            if !changes.is_empty() && shown < SHOWN {
                shown += 1;
                let sample = format!("Test/{test} \"{}\"", case.name);
                previews.push(SampledPreview { address: address.clone(), sample, changes });
            }
        }
    }
    (previews, tried)
}

/// A run on one side.
struct Side<'w> {
    workflow: &'w WorkflowSpec,
    ran: Result<Ran, Stopped>,
}

/// Method, URL and body of a request.
type Requested = [(&'static str, Option<Shown>); 3];

impl Side<'_> {
    /// The way it takes, or why it comes to no end.
    fn path(&self) -> Shown {
        let plain = |text: &str| Shown::Plain(Value::String(text.to_owned()));
        match &self.ran {
            Ok(ran) => Shown::List(ran.state.path.iter().map(|step| plain(step)).collect()),
            Err(stopped) => plain(&stopped.error.message),
        }
    }

    /// Its requests with their steps. What a run's variables stand in is guarded: a case's data and inputs are those of
    /// people.
    fn requests(&self) -> Vec<(&str, Requested)> {
        let Ok(ran) = &self.ran else { return Vec::new() };
        let requests = ran.requests.iter().map(|made| {
            let (url, body) = match self.workflow.step(&made.step) {
                Some(Step::Webhook(step)) => {
                    let mut body = step.body.iter().chain(step.form.iter().flat_map(BTreeMap::values));
                    (step.url.contains("{{"), body.any(|text| text.contains("{{")))
                }
                Some(_) | None => (false, false),
            };
            let shown = |text: &str, guarded: bool| {
                let value = Value::String(text.to_owned());
                Some(if guarded { Shown::Personal(value) } else { Shown::Plain(value) })
            };
            let parts: Requested = [
                ("method", shown(made.sent.method.as_str(), false)),
                ("url", shown(&made.sent.url, url)),
                ("body", made.sent.body.as_deref().and_then(|text| shown(text, body))),
            ];
            (made.step.as_str(), parts)
        });
        requests.collect()
    }
}

fn changes(before: &Side<'_>, after: &Side<'_>) -> Vec<Change> {
    let mut changes = Vec::new();
    let (old, new) = (before.path(), after.path());
    if old != new {
        changes.push(Change::new(Path::keys("path"), Some(old), Some(new)));
    }
    let (old, mut new) = (before.requests(), after.requests());
    for (step, parts) in old {
        let place = Path::keys("requests").element(step);
        let same = new.iter().position(|(other, _)| *other == step).map(|at| new.remove(at).1);
        let others = same.unwrap_or_else(|| parts.clone().map(|(name, _)| (name, None)));
        for ((name, old), (_, new)) in parts.into_iter().zip(others).filter(|((_, old), (_, new))| old != new) {
            changes.push(Change::new(place.key(name), old, new));
        }
    }
    for (step, parts) in new {
        let place = Path::keys("requests").element(step);
        let made = parts.into_iter().filter(|(_, value)| value.is_some());
        changes.extend(made.map(|(name, value)| Change::new(place.key(name), None, value)));
    }
    changes
}
