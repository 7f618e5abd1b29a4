//! How steps lead to each other: routes that exist, exits that are routed, steps that are reached, cycles that end.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::step::{Exits, Step};
use super::step_paths;
use crate::base::code::Code;
use crate::base::path::Path;
use crate::kinds::finding::Findings;

/// Checks everything about the way from step to step.
pub fn check(start: &str, steps: &[Step], findings: &mut Findings) {
    let paths = step_paths(steps);
    // With a duplicate name, an error of its own, the first one is meant.
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for (n, step) in steps.iter().enumerate() {
        places.entry(step.name()).or_insert(n);
    }
    let names = || steps.iter().map(Step::name);

    if !places.contains_key(start) {
        findings
            .error(Code::RouteToNowhere, Path::keys("spec.start"), format!("there is no step `{start}`"))
            .did_you_mean(start, names());
    }
    for (step, at) in steps.iter().zip(&paths) {
        check_exits(step, at, findings);
        for (place, next) in step.targets(at) {
            if !places.contains_key(next) {
                findings
                    .error(Code::RouteToNowhere, place, format!("there is no step `{next}`"))
                    .did_you_mean(next, names());
            }
        }
    }

    let next: Vec<Vec<usize>> = steps
        .iter()
        .zip(&paths)
        .map(|(step, at)| step.targets(at).into_iter().filter_map(|(_, name)| places.get(name).copied()).collect())
        .collect();
    let cycles = endless_cycles(steps, &next);
    if let Some(start) = places.get(start) {
        let reached = reachable(*start, &next);
        // Where a name is doubled, or a way leads nowhere or round for ever, that is said; otherwise every way must come to an end.
        let complete = |step: &Step| {
            let routed = |exit: &&str| step.routes().is_none_or(|routes| routes.contains_key(*exit));
            step.exits().required.iter().all(routed)
                && step.targets(&Path::root()).iter().all(|(_, next)| places.contains_key(next))
        };
        let mut walked = reached.iter().filter_map(|n| steps.get(*n));
        if cycles.is_empty()
            && places.len() == steps.len()
            && walked.all(|step| complete(step) && !matches!(step, Step::End(_)))
        {
            findings
                .warning(Code::EndlessCycle, Path::keys("spec.start"), "no way from here comes to an end")
                .help("lead one to a step of type end");
        }
        let is_first = |n: usize, step: &Step| places.get(step.name()) == Some(&n);
        for (n, step) in steps.iter().enumerate().filter(|(n, step)| !reached.contains(n) && is_first(*n, step)) {
            if let Some(at) = paths.get(n) {
                findings
                    .warning(
                        Code::UnreachableStep,
                        at.key("name"),
                        format!("no path leads to the step `{}`", step.name()),
                    )
                    .help("route to it, or remove it");
            }
        }
    }
    for cycle in cycles {
        let around: Vec<&str> =
            cycle.iter().chain(cycle.first()).filter_map(|n| steps.get(*n)).map(Step::name).collect();
        if let Some(at) = cycle.first().and_then(|n| paths.get(*n)) {
            findings
                .error(
                    Code::EndlessCycle,
                    at.key("name"),
                    format!("nothing waits for a person on the way round {}", around.join(" → ")),
                )
                .help("put a sayGather, sayIntent or task into it, or lead it to an end");
        }
    }
}

fn check_exits(step: &Step, at: &Path, findings: &mut Findings) {
    let Some(routes) = step.routes() else { return };
    let Exits { required, optional } = step.exits();
    let at = at.key("routes");
    let unrouted: Vec<&str> = required.iter().copied().filter(|exit| !routes.contains_key(*exit)).collect();
    for exit in &unrouted {
        findings
            .error(
                Code::UnroutedExit,
                at.clone(),
                format!("the exit `{exit}` of the step `{}` leads nowhere", step.name()),
            )
            .help(format!("add {exit}: with the name of a step"));
    }
    let exits = || required.iter().chain(&optional).copied();
    for exit in routes.keys().filter(|exit| !exits().any(|known| known == exit.as_str())) {
        findings
            .error(Code::UnknownExit, at.key(exit), format!("the step `{}` has no exit `{exit}`", step.name()))
            .at_key()
            .help(format!("its exits: {}", exits().collect::<Vec<_>>().join(", ")))
            .did_you_mean(exit, exits());
    }
}

fn reachable(start: usize, next: &[Vec<usize>]) -> BTreeSet<usize> {
    let mut reached = BTreeSet::from([start]);
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for to in next.get(at).into_iter().flatten() {
            if reached.insert(*to) {
                queue.push_back(*to);
            }
        }
    }
    reached
}

/// Cycles among the steps that wait for nobody; of cycles that share a step only the first found.
///
/// Walks depth first with a stack of its own, so that a long workflow cannot overflow the program's.
fn endless_cycles(steps: &[Step], next: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let waits = |n: &usize| steps.get(*n).is_none_or(Step::waits_for_a_person);
    let onward =
        |n: usize| -> Vec<usize> { next.get(n).into_iter().flatten().copied().filter(|to| !waits(to)).rev().collect() };
    let mut cycles: Vec<Vec<usize>> = Vec::new();
    let mut done: BTreeSet<usize> = BTreeSet::new();
    for root in (0..steps.len()).filter(|n| !waits(n)) {
        if done.contains(&root) {
            continue;
        }
        let mut trail = vec![root];
        let mut ahead = vec![onward(root)];
        while let Some(choices) = ahead.last_mut() {
            let Some(to) = choices.pop() else {
                ahead.pop();
                done.extend(trail.pop());
                continue;
            };
            if let Some(begin) = trail.iter().position(|n| *n == to) {
                let cycle: Vec<usize> = trail.iter().skip(begin).copied().collect();
                if !cycles.iter().flatten().any(|n| cycle.contains(n)) {
                    cycles.push(cycle);
                }
            } else if !done.contains(&to) {
                trail.push(to);
                ahead.push(onward(to));
            }
        }
    }
    cycles
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn found(start: &str, steps: Value) -> Vec<(Code, String, String)> {
        let steps: Vec<Step> = serde_json::from_value(steps).expect("readable steps");
        let mut findings = Findings::default();
        check(start, &steps, &mut findings);
        findings.into_vec().into_iter().map(|f| (f.code, f.path.to_string(), f.help.unwrap_or_default())).collect()
    }

    fn set(name: &str, next: &str) -> Value {
        json!({"name": name, "type": "set", "values": {"x": 1}, "routes": {"next": next}})
    }

    fn codes(start: &str, steps: Value) -> Vec<(Code, String)> {
        found(start, steps).into_iter().map(|(code, path, _)| (code, path)).collect()
    }

    #[test]
    fn routes_lead_to_steps() {
        let end = json!({"name": "bye", "type": "end"});
        assert_eq!(codes("a", json!([set("a", "bye"), end])), []);
        assert_eq!(
            found("a", json!([set("a", "bey"), end])).first(),
            Some(&(Code::RouteToNowhere, "spec.steps[a].routes.next".into(), "did you mean `bye`?".into()))
        );
        assert_eq!(
            found("b", json!([set("a", "bye"), end])),
            [(Code::RouteToNowhere, "spec.start".into(), "did you mean `a`?".into())]
        );
        let branch = json!({"name": "a", "type": "branch", "otherwise": "nowhere",
            "cases": [{"when": {"property": "x", "operator": "exists"}, "to": "elsewhere"}, {"when": [], "to": "bye"}]});
        assert_eq!(
            codes("a", json!([branch, end])),
            [
                (Code::RouteToNowhere, "spec.steps[a].cases[0].to".to_owned()),
                (Code::RouteToNowhere, "spec.steps[a].otherwise".to_owned())
            ]
        );
    }

    #[test]
    fn exits_are_routed_and_known() {
        let task = json!({"name": "a", "type": "task", "assignee": "bo", "routes": {"complete": "bye"}});
        assert_eq!(
            found("a", json!([task, {"name": "bye", "type": "end"}])),
            [
                (Code::UnroutedExit, "spec.steps[a].routes".into(), "add completed: with the name of a step".into()),
                (Code::UnknownExit, "spec.steps[a].routes.complete".into(), "did you mean `completed`?".into()),
            ]
        );
        let task =
            json!({"name": "a", "type": "task", "assignee": "bo", "routes": {"completed": "bye", "error": "bye"}});
        assert_eq!(codes("a", json!([task, {"name": "bye", "type": "end"}])), []);
    }

    #[test]
    fn steps_are_reached() {
        let steps = json!([set("a", "bye"), {"name": "bye", "type": "end"}, {"name": "island", "type": "end"}]);
        assert_eq!(codes("a", steps), [(Code::UnreachableStep, "spec.steps[island].name".to_owned())]);
        let twice = json!([set("a", "bye"), {"name": "bye", "type": "end"}, {"name": "bye", "type": "end"}]);
        assert_eq!(codes("a", twice), []);
        let task = json!({"name": "a", "type": "task", "assignee": "bo", "routes": {"completed": "a"}});
        assert_eq!(codes("a", json!([task, {"name": "a", "type": "end"}])), []);
    }

    #[test]
    fn a_cycle_has_somebody_to_wait_for() {
        assert_eq!(
            codes("a", json!([set("a", "b"), set("b", "c"), set("c", "b")])),
            [(Code::EndlessCycle, "spec.steps[b].name".to_owned())]
        );
        assert_eq!(codes("a", json!([set("a", "a")])), [(Code::EndlessCycle, "spec.steps[a].name".to_owned())]);
        let task = json!({"name": "b", "type": "task", "assignee": "bo", "routes": {"completed": "a"}});
        let by_task = json!([set("a", "b"), task.clone(), {"name": "bye", "type": "end"}]);
        assert_eq!(
            codes("a", by_task),
            [(Code::EndlessCycle, "spec.start".to_owned()), (Code::UnreachableStep, "spec.steps[bye].name".to_owned())]
        );
        let mut task = task;
        task["routes"]["error"] = json!("bye");
        assert_eq!(codes("a", json!([set("a", "b"), task, {"name": "bye", "type": "end"}])), []);
        let mut findings = Findings::default();
        let steps: Vec<Step> = serde_json::from_value(json!([set("a", "b"), set("b", "a")])).unwrap_or_default();
        check("a", &steps, &mut findings);
        let messages: Vec<String> = findings.into_vec().into_iter().map(|f| f.message).collect();
        assert_eq!(messages, ["nothing waits for a person on the way round a → b → a"]);
    }

    #[test]
    fn a_long_workflow_is_walked() {
        let mut steps: Vec<Value> = (0..5_000).map(|n| set(&format!("s{n}"), &format!("s{}", n + 1))).collect();
        steps.push(json!({"name": "s5000", "type": "end"}));
        assert_eq!(codes("s0", Value::Array(steps)), []);
    }
}
