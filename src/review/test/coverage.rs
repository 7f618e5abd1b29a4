//! What no case touches: webhooks, rows of conditions, routes of workflows, placeholders of templates.

use std::collections::{BTreeMap, BTreeSet};

use super::configuration::{Configuration, condition_place};
use super::why::RowOutcome;
use crate::base::path::Path;
use crate::base::source::Span;
use crate::desired::DesiredObject;
use crate::kinds::condition::Condition;
use crate::kinds::workflow::step::Step;
use crate::kinds::workflow::{WorkflowSpec, step_paths};
use crate::kinds::{Address, Spec};

/// How much of a configuration the cases touch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coverage {
    /// Webhooks of which a case saw a delivery.
    pub webhooks: Covered,
    /// Rows of conditions that a case asked.
    pub conditions: Covered,
    /// Exits of workflow steps by which a case left.
    pub routes: Covered,
    /// Placeholders of templates to which a case gave a value.
    pub placeholders: Covered,
}

/// One sort of things.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Covered {
    /// How many there are.
    pub total: usize,
    /// Those that no case touches, in the order of addresses and places.
    pub missed: Vec<Missed>,
    /// Rows of conditions that came out the same in every case: each with whether it always held.
    pub one_sided: Vec<(Missed, bool)>,
}

/// Something that no case touches.
#[derive(Clone, Debug, PartialEq)]
pub struct Missed {
    /// The object.
    pub address: Address,
    /// The field; of a webhook as a whole none.
    pub path: Option<Path>,
    /// What it is: the name of a placeholder, step and exit, a row's text; of a webhook nothing.
    pub what: Option<String>,
    /// Where it is written.
    pub span: Option<Span>,
}

impl Covered {
    /// How many are touched.
    #[must_use]
    pub fn touched(&self) -> usize {
        self.total.saturating_sub(self.missed.len())
    }
}

/// What cases touched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Touched {
    webhooks: BTreeSet<Address>,
    /// By address and path as printed: whether it ever held, and ever did not.
    rows: BTreeMap<(Address, String), (bool, bool)>,
    /// Workflow, step, exit.
    routes: BTreeSet<(Address, String, String)>,
    placeholders: BTreeSet<(Address, String)>,
}

impl Touched {
    pub(super) fn webhook(&mut self, address: &Address) {
        self.webhooks.insert(address.clone());
    }

    pub(super) fn rows(&mut self, address: &Address, rows: Vec<RowOutcome>) {
        for row in rows {
            let seen = self.rows.entry((address.clone(), row.path.to_string())).or_default();
            *if row.holds { &mut seen.0 } else { &mut seen.1 } = true;
        }
    }

    pub(super) fn route(&mut self, workflow: &Address, step: &str, exit: &str) {
        self.routes.insert((workflow.clone(), step.to_owned(), exit.to_owned()));
    }

    pub(super) fn placeholder(&mut self, template: &Address, name: &str) {
        self.placeholders.insert((template.clone(), name.to_owned()));
    }

    /// Adds what another case touched.
    pub(super) fn merge(&mut self, other: Self) {
        let Self { webhooks, rows, routes, placeholders } = other;
        self.webhooks.extend(webhooks);
        for (row, (held, failed)) in rows {
            let seen = self.rows.entry(row).or_default();
            *seen = (seen.0 || held, seen.1 || failed);
        }
        self.routes.extend(routes);
        self.placeholders.extend(placeholders);
    }
}

impl Coverage {
    /// Compares what there is with what was touched.
    pub(super) fn of(configuration: &Configuration<'_>, touched: &Touched) -> Self {
        let mut coverage = Self::default();
        for object in &configuration.desired().objects {
            let address = &object.address;
            match &*object.spec {
                Spec::Webhook(webhook) => {
                    coverage.webhooks.total += 1;
                    if !touched.webhooks.contains(address) {
                        let span = object.positions.value_span(&Path::keys("metadata.name"));
                        let missed = Missed { address: address.clone(), path: None, what: None, span };
                        coverage.webhooks.missed.push(missed);
                    }
                    if let Some(conditions) = &webhook.conditions {
                        coverage.rows(object, conditions, &Path::keys("spec.conditions"), touched);
                    }
                }
                Spec::Audience(audience) => {
                    if let Some(rule) = &audience.rule {
                        coverage.rows(object, rule, &Path::keys("spec.match"), touched);
                    }
                }
                Spec::Template(template) => {
                    for name in template.placeholders() {
                        coverage.placeholders.total += 1;
                        if !touched.placeholders.contains(&(address.clone(), name.to_owned())) {
                            let span = object.positions.value_span(&Path::keys("metadata.name"));
                            let missed =
                                Missed { address: address.clone(), path: None, what: Some(name.to_owned()), span };
                            coverage.placeholders.missed.push(missed);
                        }
                    }
                }
                Spec::Workflow(workflow) => coverage.workflow(object, workflow, touched),
                Spec::System(_)
                | Spec::EventType(_)
                | Spec::Notification(_)
                | Spec::Destination(_)
                | Spec::IncomingWebhook(_) => {}
            }
        }
        coverage
    }

    fn rows(&mut self, object: &DesiredObject, condition: &Condition, at: &Path, touched: &Touched) {
        condition.rows_at_top(at, &mut |row, path| {
            self.conditions.total += 1;
            let key = (object.address.clone(), path.to_string());
            let seen = touched.rows.get(&key).copied().unwrap_or_default();
            if seen == (true, true) {
                return;
            }
            let value = row.value.as_ref().map(|value| format!(" {value}")).unwrap_or_default();
            let missed = Missed {
                address: object.address.clone(),
                what: Some(format!("{} {}{value}", row.property, row.operator.as_str())),
                span: condition_place(&object.positions, at, &path),
                path: Some(path),
            };
            if seen == (false, false) {
                self.conditions.missed.push(missed);
            } else {
                self.conditions.one_sided.push((missed, seen.0));
            }
        });
    }

    fn workflow(&mut self, object: &DesiredObject, workflow: &WorkflowSpec, touched: &Touched) {
        for (step, at) in workflow.steps.iter().zip(step_paths(&workflow.steps)) {
            let mut exits: Vec<(String, Path)> = Vec::new();
            if let Step::Branch(branch) = step {
                for (n, case) in branch.cases.iter().enumerate() {
                    let case_at = at.key("cases").index(n);
                    self.rows(object, &case.when, &case_at.key("when"), touched);
                    exits.push((format!("cases[{n}]"), case_at.key("to")));
                }
                exits.push(("otherwise".to_owned(), at.key("otherwise")));
            }
            let routes = step.routes().into_iter().flat_map(|routes| routes.keys());
            exits.extend(routes.map(|exit| (exit.clone(), at.key("routes").key(exit))));
            for (exit, path) in exits {
                self.routes.total += 1;
                if !touched.routes.contains(&(object.address.clone(), step.name().to_owned(), exit.clone())) {
                    let span = object.positions.key_span(&path);
                    let what = Some(format!("{} {exit}", step.name()));
                    self.routes.missed.push(Missed { address: object.address.clone(), path: Some(path), what, span });
                }
            }
        }
    }
}
