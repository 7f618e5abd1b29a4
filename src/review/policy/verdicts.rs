//! What the policies say: of manifests alone, and of a plan.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::cage::{Job, Limits, Verdict};
use super::place::expression_path;
use super::rules::{LoadedRule, Rules};
use crate::base::code::Code;
use crate::base::diagnostic::Diagnostic;
use crate::base::ident::Name;
use crate::base::path::Path;
use crate::base::source::Span;
use crate::desired::Desired;
use crate::kinds::policy::RuleSeverity;
use crate::kinds::schema::API_VERSION;
use crate::kinds::{Address, Metadata, Spec, canonical};
use crate::object::action::ActionKind;
use crate::plan::Plan;
use crate::plan::data_flow::DataFlow;
use crate::plan::plan_value::Refusal;
use crate::plan::policy_finding::PolicyFinding;
use crate::review::data_flow::Flows;
use crate::review::states::{State, StateObject, States};

/// Objects that are handed over at once: few enough that their values weigh little, many enough that handing over does
/// not show.
const BATCH: usize = 256;
/// Variables that only a plan gives a value.
const OF_A_PLAN: &[&str] = &["before", "action", "flow"];
/// The action of an object that the plan leaves as it is.
const UNCHANGED: &str = "unchanged";

/// What the policies say of manifests by themselves: only rules that need no live state are asked.
#[must_use]
pub fn of_manifests(desired: &Desired, limits: Limits) -> Vec<Diagnostic> {
    let mut rules = Rules::new(desired, limits);
    let target = &desired.project.target.name;
    let asked: Vec<usize> = places(&rules, |rule| rule.applies_to(target) && !rule.names(OF_A_PLAN));
    if asked.is_empty() {
        return Vec::new();
    }
    let subjects = desired.objects.iter().map(|object| Subject {
        address: &object.address,
        metadata: &object.metadata,
        after: Some((&object.metadata, &object.spec)),
        before: None,
        action: UNCHANGED,
    });
    let said = ask(&mut rules, &asked, target, subjects, None);
    said.iter().map(|said| diagnostic(desired, &rules, said)).collect()
}

/// What the policies say of a plan: errors first, then by address and policy.
#[must_use]
pub fn of_plan(plan: &Plan, desired: &Desired, states: &States, limits: Limits) -> Vec<PolicyFinding> {
    let mut rules = Rules::new(desired, limits);
    let asked: Vec<usize> = places(&rules, |rule| rule.applies_to(&plan.target));
    if asked.is_empty() {
        return Vec::new();
    }
    // Of every object that is asked about, not only of those that the plan tells of.
    let flows = Flows::new(states);
    let actions = actions(plan);
    let after = states.after.objects.iter().map(|(address, object)| Subject {
        address,
        metadata: &object.metadata,
        after: Some((&object.metadata, &object.spec)),
        before: found(&states.before, states.former(address)),
        action: actions.get(address).map_or(UNCHANGED, |action| action.as_str()),
    });
    let mut said = ask(&mut rules, &asked, &plan.target, after, Some(&flows));
    // Of what is removed there is nothing to see but that it was there and goes.
    let asked: Vec<usize> = places(&rules, |rule| rule.applies_to(&plan.target) && rule.names(&["before", "action"]));
    let removed = plan.actions.iter().filter_map(|action| match action.action {
        ActionKind::Delete | ActionKind::Archive => {
            let before = states.before.objects.get(&action.address)?;
            Some(Subject {
                address: &action.address,
                metadata: &before.metadata,
                after: None,
                before: Some((&before.metadata, &before.spec)),
                action: action.action.as_str(),
            })
        }
        ActionKind::Create
        | ActionKind::Update
        | ActionKind::Replace
        | ActionKind::NewVersion
        | ActionKind::MakeCurrent
        | ActionKind::Move
        | ActionKind::Restore
        | ActionKind::Adopt
        | ActionKind::PublishSettings => None,
    });
    said.extend(ask(&mut rules, &asked, &plan.target, removed, Some(&flows)));
    let mut findings: Vec<PolicyFinding> = said.iter().filter_map(|said| finding(desired, &rules, said)).collect();
    findings.sort_by(|a, b| (a.severity, &a.address, &a.policy).cmp(&(b.severity, &b.address, &b.policy)));
    findings
}

/// Why apply refuses a plan that policies object to.
#[must_use]
pub fn refusal(findings: &[PolicyFinding]) -> Option<Refusal> {
    let errors = findings.iter().filter(|finding| finding.severity == RuleSeverity::Error).count();
    (errors > 0).then_some(Refusal::Policy { errors })
}

fn found<'s>(state: &'s State, address: &Address) -> Option<Content<'s>> {
    state.objects.get(address).map(|StateObject { metadata, spec, published: _ }| (&**metadata, &**spec))
}

/// What is done to each address; of several actions on one, the one that says most.
fn actions(plan: &Plan) -> BTreeMap<&Address, ActionKind> {
    let mut actions: BTreeMap<&Address, ActionKind> = BTreeMap::new();
    for action in &plan.actions {
        let kind = actions.entry(&action.address).or_insert(action.action);
        if rank(action.action) < rank(*kind) {
            *kind = action.action;
        }
    }
    actions
}

/// A rename may come with a new version, and a publication with an update: those say more.
fn rank(action: ActionKind) -> u8 {
    match action {
        ActionKind::Replace | ActionKind::Delete | ActionKind::Archive => 0,
        ActionKind::NewVersion | ActionKind::MakeCurrent => 1,
        ActionKind::Create | ActionKind::Update | ActionKind::Restore | ActionKind::Adopt => 2,
        ActionKind::Move => 3,
        ActionKind::PublishSettings => 4,
    }
}

/// Metadata and spec.
type Content<'a> = (&'a Metadata, &'a Spec);

/// An object that rules are asked about.
struct Subject<'a> {
    address: &'a Address,
    /// By which policies choose it.
    metadata: &'a Metadata,
    after: Option<Content<'a>>,
    before: Option<Content<'a>>,
    action: &'static str,
}

/// A rule that an object breaks, or that has no answer for it.
struct Said {
    rule: usize,
    address: Address,
    message: String,
}

fn places(rules: &Rules<'_>, wanted: impl Fn(&LoadedRule<'_>) -> bool) -> Vec<usize> {
    rules.rules.iter().enumerate().filter(|(_, rule)| wanted(rule)).map(|(place, _)| place).collect()
}

fn ask<'a>(
    rules: &mut Rules<'_>,
    asked: &[usize],
    target: &Name,
    subjects: impl Iterator<Item = Subject<'a>>,
    flows: Option<&Flows<'_>>,
) -> Vec<Said> {
    let mut said = Vec::new();
    let mut batch: Vec<(Address, bool)> = Vec::with_capacity(BATCH);
    let mut jobs: Vec<Job> = Vec::with_capacity(BATCH);
    for subject in subjects {
        let of_it = |place: &&usize| {
            let rule = rules.rules.get(**place);
            rule.is_some_and(|rule| rule.looks_at(subject.address.kind, &subject.metadata.labels))
        };
        let of_object: Vec<usize> = asked.iter().filter(of_it).copied().collect();
        if of_object.is_empty() {
            continue;
        }
        let variables = variables(rules, &of_object, target, &subject, flows);
        batch.push((subject.address.clone(), subject.after.is_none()));
        jobs.push(Job { rules: of_object, variables });
        if jobs.len() == BATCH {
            run(rules, &mut batch, &mut jobs, &mut said);
        }
    }
    run(rules, &mut batch, &mut jobs, &mut said);
    said
}

fn run(rules: &mut Rules<'_>, batch: &mut Vec<(Address, bool)>, jobs: &mut Vec<Job>, said: &mut Vec<Said>) {
    if jobs.is_empty() {
        return;
    }
    let jobs = std::mem::take(jobs);
    let of_jobs: Vec<Vec<usize>> = jobs.iter().map(|job| job.rules.clone()).collect();
    let verdicts = rules.cage.run(jobs);
    for (((address, removed), of_job), verdicts) in batch.drain(..).zip(of_jobs).zip(verdicts) {
        for (rule, verdict) in of_job.into_iter().zip(verdicts) {
            let Some(loaded) = rules.rules.get(rule) else { continue };
            let message = one_line(&loaded.rule.message);
            let message = match verdict {
                Verdict::Holds | Verdict::NotRun => continue,
                Verdict::Broken => message,
                Verdict::Failed(why) => {
                    let removed = if removed { "; the object is removed, so `object` is null" } else { "" };
                    format!("{message} (the rule cannot be evaluated: {why}{removed})")
                }
            };
            said.push(Said { rule, address: address.clone(), message });
        }
    }
}

/// The variables that these rules name, with their values.
fn variables(
    rules: &Rules<'_>,
    of_object: &[usize],
    target: &Name,
    subject: &Subject<'_>,
    flows: Option<&Flows<'_>>,
) -> Vec<(&'static str, Value)> {
    let named =
        |name: &str| of_object.iter().filter_map(|place| rules.rules.get(*place)).any(|rule| rule.names(&[name]));
    let mut variables = Vec::new();
    if named("object") {
        variables.push(("object", seen(subject.address, subject.after)));
    }
    if named("before") {
        variables.push(("before", seen(subject.address, subject.before)));
    }
    if named("action") {
        variables.push(("action", Value::from(subject.action)));
    }
    if named("target") {
        variables.push(("target", Value::from(target.as_str())));
    }
    if named("flow") {
        let flows = flows.map(|flows| flows.of(subject.address)).unwrap_or_default();
        variables.push(("flow", flows.iter().map(flow_seen).collect()));
    }
    variables
}

/// An object as rules see it: as in a manifest, in canonical form, with `labels` and `annotations` even where there are
/// none, so that `'team' in object.metadata.labels` can be asked of every object.
fn seen(address: &Address, content: Option<Content<'_>>) -> Value {
    let Some((metadata, spec)) = content else { return Value::Null };
    // What was loaded has a canonical form; were there none, a rule would not find what it asks for, and say so.
    let mut canonical = canonical::value(metadata, spec).unwrap_or_default();
    let mut part = |name: &str| canonical.get_mut(name).map(Value::take).unwrap_or_default();
    let (mut metadata, spec) = (part("metadata"), part("spec"));
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.insert("name".to_owned(), Value::from(address.name.as_str()));
        for map in ["labels", "annotations"] {
            metadata.entry(map).or_insert_with(|| json!({}));
        }
    }
    json!({ "apiVersion": API_VERSION, "kind": address.kind.as_str(), "metadata": metadata, "spec": spec })
}

fn flow_seen(flow: &DataFlow) -> Value {
    let DataFlow { class, source, via: _, host, change } = flow;
    json!({ "class": class, "source": source, "host": host, "change": change.as_str() })
}

/// What people are told is one line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Where the object's author looks: at the field the rule is about, or at the object's name.
fn place(desired: &Desired, rule: &LoadedRule<'_>, address: &Address) -> Option<Span> {
    let object = desired.get(address)?;
    let field = rule.facts.as_ref().ok().and_then(|facts| facts.field.clone());
    object.positions.value_span(&field.unwrap_or_else(|| Path::keys("metadata.name")))
}

fn finding(desired: &Desired, rules: &Rules<'_>, said: &Said) -> Option<PolicyFinding> {
    let rule = rules.rules.get(said.rule)?;
    Some(PolicyFinding {
        policy: rule.policy.address.name.clone(),
        address: said.address.clone(),
        severity: rule.rule.severity,
        message: said.message.clone(),
        location: place(desired, rule, &said.address).and_then(|span| desired.sources.locate(span)),
    })
}

fn diagnostic(desired: &Desired, rules: &Rules<'_>, said: &Said) -> Diagnostic {
    let Some(rule) = rules.rules.get(said.rule) else {
        return Diagnostic::error(Code::PolicyViolation, said.message.clone());
    };
    let mut found = match rule.rule.severity {
        RuleSeverity::Error => Diagnostic::error(Code::PolicyViolation, said.message.clone()),
        RuleSeverity::Warning => Diagnostic::warning(Code::PolicyViolation, said.message.clone()),
    };
    found.address = Some(said.address.to_string());
    found.span = place(desired, rule, &said.address);
    found.path = rule.facts.as_ref().ok().and_then(|facts| facts.field.clone());
    found.help = Some(format!("{} demands it", rule.policy.address));
    let rule_span = rule.policy.positions.value_span(&expression_path(rule.at));
    found.related.extend(rule_span.map(|span| ("the rule".to_owned(), span)));
    found
}
