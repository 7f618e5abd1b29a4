//! What the runs of a Workflow send: requests, e-mails and links of notifications, their variables traced back.

use std::collections::BTreeSet;

use super::variables::{Origin, Variables, is_written_out};
use super::{Edge, host, link};
use crate::base::path::Path;
use crate::kinds::workflow::WorkflowSpec;
use crate::kinds::workflow::step::{Notify, SendEmail, Step};
use crate::kinds::workflow::variables::request_texts;
use crate::review::states::State;

pub(super) fn edges(state: &State, spec: &WorkflowSpec) -> BTreeSet<Edge> {
    let variables = Variables::of(spec);
    let mut edges = BTreeSet::new();
    for step in &spec.steps {
        match step {
            Step::Webhook(step) => {
                let texts = request_texts(step, &Path::root()).into_iter().map(|(_, text)| text);
                add(&mut edges, &host::of_url(&step.url), variables.in_texts(texts));
            }
            Step::SendEmail(SendEmail { name: _, from, to, subject, body, routes: _ }) => {
                let texts = [from, to, subject, body].map(String::as_str);
                add(&mut edges, &host::of_mailbox(to), variables.in_texts(texts));
            }
            Step::Notify(step) => notify(state, step, &variables, &mut edges),
            // They speak with the person of the run, or go on within it.
            Step::SayGather(_) | Step::SayIntent(_) | Step::Task(_) | Step::Branch(_) | Step::Set(_) | Step::End(_) => {
            }
        }
    }
    edges
}

/// What came from a host does not newly reach it.
fn add(edges: &mut BTreeSet<Edge>, host: &str, origins: BTreeSet<Origin>) {
    for Origin { class, source, answered_by } in origins {
        if answered_by.as_deref() != Some(host) {
            edges.insert(Edge { class, source, host: host.to_owned() });
        }
    }
}

/// The texts of a notification stay on the workstation; its link may lead elsewhere.
fn notify(state: &State, step: &Notify, variables: &Variables<'_>, edges: &mut BTreeSet<Edge>) {
    let Notify { name: _, template, audiences: _, end_users: _, overrides, routes: _ } = step;
    let Some(link) = link::of_reference(state, template, overrides) else { return };
    for name in link.carries {
        match overrides.get(name) {
            Some(text) if is_written_out(text) => {
                edges.insert(link::given(name, &link.host));
            }
            Some(text) => add(edges, &link.host, variables.in_texts([text.as_str()])),
            None => {
                edges.insert(link::placeholder(name, &link.host));
            }
        }
    }
}
