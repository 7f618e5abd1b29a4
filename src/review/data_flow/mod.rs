//! Which data reaches which host, before and after a change.
//!
//! An edge is a property of an event or a variable of a run, with its class, that leaves by an object to a host. Two
//! states have the same edge where class, source, object and host are the same; an object or event that was renamed is
//! the same one. What is told of which objects, and why not of all, stands in `docs/design/17-data-flow.md`.

mod host;
mod link;
mod variables;
mod webhook;
mod workflow;

use std::collections::{BTreeMap, BTreeSet};

use super::states::{State, StateObject, States};
use crate::base::ident::Name;
use crate::kinds::webhook::WebhookSpec;
use crate::kinds::workflow::step::Step;
use crate::kinds::{Address, DataClass, Kind, Spec};
use crate::plan::Plan;
use crate::plan::data_flow::{DataFlow, FlowChange};

/// The source where what is sent cannot be told apart.
const WHOLE_PAYLOAD: &str = "whole payload";

/// What reaches one host by one object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    class: DataClass,
    source: String,
    host: String,
}

/// New names of EventTypes by their former ones: a source keeps its identity when its event is renamed.
type Renamed<'s> = BTreeMap<&'s str, &'s str>;

/// The flows of two states, object by object.
#[derive(Debug)]
pub struct Flows<'s> {
    states: &'s States,
    renamed_events: Renamed<'s>,
}

impl<'s> Flows<'s> {
    /// A view of these states.
    #[must_use]
    pub fn new(states: &'s States) -> Self {
        let events = states.moved.iter().filter(|(new, _)| new.kind == Kind::EventType);
        Self { states, renamed_events: events.map(|(new, former)| (former.name.as_str(), new.name.as_str())).collect() }
    }

    /// Everything that leaves, or left, by an object, sorted by [`DataFlow::rank`].
    #[must_use]
    pub fn of(&self, via: &Address) -> Vec<DataFlow> {
        let before = edges(&self.states.before, self.states.former(via), &self.renamed_events);
        let after = edges(&self.states.after, via, &Renamed::new());
        let kept = |edge: &&Edge| before.contains(*edge);
        let mut flows: Vec<DataFlow> = before
            .difference(&after)
            .map(|edge| flow(edge, via, FlowChange::Removed))
            .chain(after.iter().filter(kept).map(|edge| flow(edge, via, FlowChange::Kept)))
            .chain(after.difference(&before).map(|edge| flow(edge, via, FlowChange::Added)))
            .collect();
        sort(&mut flows);
        flows
    }

    /// What a plan does to the flows: those of every object that it writes or whose flows depend on one it writes, and,
    /// of the rest, one webhook for each source that an added edge brings to a host which has it already. Sorted by
    /// [`DataFlow::rank`].
    #[must_use]
    pub fn of_plan(&self, plan: &Plan) -> Vec<DataFlow> {
        if plan.actions.is_empty() {
            return Vec::new();
        }
        let touched: BTreeSet<&Address> =
            plan.actions.iter().flat_map(|action| [Some(&action.address), action.from.as_ref()]).flatten().collect();
        let gone = touched.iter().copied().filter(|address| {
            !self.states.after.objects.contains_key(*address) && !self.states.moved.values().any(|it| it == *address)
        });
        let mut flows: Vec<DataFlow> = gone.flat_map(|address| self.of(address)).collect();
        let mut others = Vec::new();
        for (address, object) in &self.states.after.objects {
            if touched.contains(address) || depends_on(object, &touched) {
                flows.extend(self.of(address));
            } else if let Spec::Webhook(spec) = &*object.spec {
                others.push((address, &**spec));
            }
        }
        let there = self.there_already(&flows, &others);
        flows.extend(there);
        sort(&mut flows);
        flows
    }

    /// Of what is added, what other webhooks bring to the same host before and after.
    fn there_already(&self, flows: &[DataFlow], others: &[(&Address, &WebhookSpec)]) -> Vec<DataFlow> {
        let mut wanted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for flow in flows.iter().filter(|flow| flow.change == FlowChange::Added) {
            wanted.entry(&flow.host).or_default().insert(&flow.source);
        }
        let mut found = Vec::new();
        let mut hosts: BTreeMap<&Name, String> = BTreeMap::new();
        for (address, spec) in others {
            let host = hosts.entry(&spec.destination).or_insert_with(|| self.host_of(&spec.destination));
            let Some(sources) = wanted.get_mut(host.as_str()).filter(|sources| !sources.is_empty()) else { continue };
            found.extend(self.of(address).into_iter().filter(|flow| sources.remove(flow.source.as_str())));
        }
        found
    }

    fn host_of(&self, destination: &Name) -> String {
        match self.states.after.named(Kind::Destination, destination).map(|object| &*object.spec) {
            Some(Spec::Destination(spec)) => host::of_url(&spec.url),
            _ => String::new(),
        }
    }
}

fn sort(flows: &mut [DataFlow]) {
    flows.sort_by(|a, b| a.rank().cmp(&b.rank()));
}

fn flow(edge: &Edge, via: &Address, change: FlowChange) -> DataFlow {
    let Edge { class, source, host } = edge.clone();
    DataFlow { class, source, via: via.clone(), host, change }
}

fn edges(state: &State, via: &Address, renamed_events: &Renamed<'_>) -> BTreeSet<Edge> {
    let Some(object) = state.objects.get(via) else { return BTreeSet::new() };
    match &*object.spec {
        Spec::Webhook(spec) => webhook::edges(state, spec, renamed_events),
        Spec::Workflow(spec) => workflow::edges(state, spec),
        Spec::Template(spec) => link::of_template(spec),
        Spec::Notification(spec) => link::of_notification(state, spec),
        Spec::System(_) | Spec::EventType(_) | Spec::Audience(_) | Spec::Destination(_) | Spec::IncomingWebhook(_) => {
            BTreeSet::new()
        }
    }
}

/// Whether what leaves by an object depends on one of these, itself apart.
fn depends_on(object: &StateObject, touched: &BTreeSet<&Address>) -> bool {
    let is_touched = |kind: Kind, name: &Name| touched.contains(&Address::new(kind, name.clone()));
    match &*object.spec {
        Spec::Webhook(spec) => {
            is_touched(Kind::System, &spec.system)
                || is_touched(Kind::Destination, &spec.destination)
                || spec.event.parse().is_ok_and(|event| is_touched(Kind::EventType, &event))
        }
        Spec::Notification(spec) => spec.template.name().is_some_and(|name| is_touched(Kind::Template, name)),
        Spec::Workflow(spec) => spec.steps.iter().any(|step| match step {
            Step::Notify(step) => step.template.name().is_some_and(|name| is_touched(Kind::Template, name)),
            Step::Webhook(_)
            | Step::SayGather(_)
            | Step::SayIntent(_)
            | Step::SendEmail(_)
            | Step::Task(_)
            | Step::Branch(_)
            | Step::Set(_)
            | Step::End(_) => false,
        }),
        Spec::Template(_)
        | Spec::System(_)
        | Spec::EventType(_)
        | Spec::Audience(_)
        | Spec::Destination(_)
        | Spec::IncomingWebhook(_) => false,
    }
}

#[cfg(test)]
mod tests;
