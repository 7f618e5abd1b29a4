//! The conditions of a project where they are written, and how the rules speak of their rows.

use serde_json::Value;

use crate::base::path::Path;
use crate::base::source::Span;
use crate::desired::{Desired, DesiredObject, Objects};
use crate::kinds::Spec;
use crate::kinds::condition::{Condition, Row};
use crate::kinds::field::DataClass;
use crate::kinds::scope::event_properties;
use crate::kinds::workflow::WorkflowSpec;
use crate::kinds::workflow::step::Step;
use crate::kinds::workflow::step_paths;
use crate::kinds::workflow::variables::{classes, root};
use crate::lint::condition_logic::{Conflict, Said};

/// Conflicts that are told; the rest are counted. Each alternative has one.
const TOLD: usize = 3;
/// Characters of a value that are told.
const SHOWN: usize = 40;

/// A condition where it is written.
#[derive(Clone, Debug)]
pub(super) struct Written<'d> {
    pub object: &'d DesiredObject,
    pub condition: &'d Condition,
    pub at: Path,
}

/// What conditions are about: which of their values stay out of a message that ends up in reviews.
#[derive(Clone, Copy, Debug)]
pub(super) enum Subject<'d> {
    /// Properties of this event.
    Event(&'d Objects<'d>, &'d str),
    /// Attributes of end users, whose values in rules are no person's.
    EndUser,
    /// Variables of this workflow's runs.
    Run(&'d WorkflowSpec),
}

impl Subject<'_> {
    /// A value of a property in a message: not at any length, and none that is about a person.
    pub(super) fn told(self, property: &str, value: &Value) -> String {
        if self.is_personal(property) {
            return "…".to_owned();
        }
        let text = value.to_string();
        let short: String = text.chars().take(SHOWN).collect();
        format!("{short}{}", if short.len() < text.len() { "…" } else { "" })
    }

    fn is_personal(self, property: &str) -> bool {
        match self {
            Self::Event(scope, event) => {
                let known = event_properties(scope, event).and_then(|known| known.get(property));
                known.is_some_and(|property| property.class == DataClass::Personal)
            }
            Self::EndUser => false,
            Self::Run(spec) => classes(&spec.data, &spec.steps).get(root(property)) == Some(&DataClass::Personal),
        }
    }
}

/// Conditions that are tried one after the other: a single one, or the cases of a branch.
pub(super) type Cases<'d> = Vec<Written<'d>>;

/// Visits all conditions of a project, in the order of its objects.
pub(super) fn each<'d>(desired: &'d Desired, scope: &'d Objects<'d>, visit: &mut dyn FnMut(Subject<'d>, &Cases<'d>)) {
    for object in &desired.objects {
        match &*object.spec {
            Spec::Webhook(spec) => {
                if let Some(condition) = &spec.conditions {
                    let written = Written { object, condition, at: Path::keys("spec.conditions") };
                    visit(Subject::Event(scope, &spec.event), &vec![written]);
                }
            }
            Spec::Audience(spec) => {
                if let Some(condition) = &spec.rule {
                    visit(Subject::EndUser, &vec![Written { object, condition, at: Path::keys("spec.match") }]);
                }
            }
            Spec::Workflow(spec) => {
                for (step, at) in spec.steps.iter().zip(step_paths(&spec.steps)) {
                    let Step::Branch(branch) = step else { continue };
                    let cases = branch.cases.iter().enumerate().map(|(n, case)| {
                        let at = at.key("cases").index(n).key("when");
                        Written { object, condition: &case.when, at }
                    });
                    visit(Subject::Run(spec), &cases.collect());
                }
            }
            Spec::System(_)
            | Spec::EventType(_)
            | Spec::Template(_)
            | Spec::Notification(_)
            | Spec::Destination(_)
            | Spec::IncomingWebhook(_) => {}
        }
    }
}

/// A proof in words.
pub(super) fn told(conflicts: &[Conflict<'_>], subject: Subject<'_>) -> String {
    let mut told: Vec<String> = conflicts.iter().take(TOLD).map(|conflict| sentence(conflict, subject)).collect();
    if conflicts.len() > TOLD {
        told.push(format!("and so on for {} more", conflicts.len() - TOLD));
    }
    told.join("; ")
}

/// The rows of a proof that is told, each once, in the order they are named.
pub(super) fn told_rows<'c>(conflicts: &[Conflict<'c>]) -> Vec<&'c Row> {
    let mut rows: Vec<&Row> = Vec::new();
    for said in conflicts.iter().take(TOLD).flat_map(|conflict| &conflict.0) {
        if !rows.iter().any(|row| std::ptr::eq(*row, said.row)) {
            rows.push(said.row);
        }
    }
    rows
}

fn sentence(conflict: &Conflict<'_>, subject: Subject<'_>) -> String {
    let rows: Vec<String> = conflict.0.iter().map(|said| shown(said, subject)).collect();
    match rows.as_slice() {
        [] => "there is nothing that would meet an empty list".to_owned(),
        [single] => format!("{single} holds for no value"),
        [rest @ .., last] => format!("{} and {last} exclude each other", rest.join(", ")),
    }
}

/// A row in words.
pub(super) fn shown(said: &Said<'_>, subject: Subject<'_>) -> String {
    let Said { row, holds } = said;
    let not = if *holds { "" } else { "not " };
    let operand = row.value.as_ref().map(|value| format!(" {}", subject.told(&row.property, value)));
    format!("`{not}{} {}{}`", row.property, row.operator.as_str(), operand.unwrap_or_default())
}

impl Written<'_> {
    /// The list at the top may be written bare or under `all`.
    pub(super) fn list_at(&self) -> Path {
        let all = self.at.key("all");
        if self.is_written(&all) { all } else { self.at.clone() }
    }

    pub(super) fn is_written(&self, path: &Path) -> bool {
        self.object.positions.find(path).is_some_and(|place| place.exact)
    }

    pub(super) fn span(&self, path: &Path) -> Option<Span> {
        self.object.positions.find(path).map(|place| place.value)
    }

    /// Where a row stands in the manifest; `None` if it is none of this condition's.
    pub(super) fn path_of(&self, wanted: &Row) -> Option<Path> {
        let mut found = None;
        let mut visit = |row: &Row, path: Path| {
            if std::ptr::eq(row, wanted) {
                found = Some(path);
            }
        };
        match self.condition {
            Condition::All(_) if self.is_written(&self.at.key("all")) => self.condition.rows(&self.at, &mut visit),
            Condition::All(_) | Condition::Any(_) | Condition::Not(_) | Condition::Row(_) => {
                self.condition.rows_at_top(&self.at, &mut visit);
            }
        }
        // A single row is a list of one in canonical form, however it is written.
        let alone = self.is_written(&self.at.key("property"));
        found.map(|path| if !alone && self.is_written(&path) { path } else { self.at.clone() })
    }
}
