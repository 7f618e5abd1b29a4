//! Which field of a workflow decided about a run's way, variables and requests.

use super::super::configuration::Configuration;
use super::super::report::Decider;
use super::simulate::{Left, Ran};
use crate::base::path::Path;
use crate::kinds::Address;
use crate::kinds::workflow::WorkflowSpec;
use crate::kinds::workflow::step::Step;
use crate::kinds::workflow::variable_target::TargetType;
use crate::kinds::workflow::variables::root;

/// A run with the workflow it ran on.
pub(super) struct Decided<'r> {
    pub(super) configuration: &'r Configuration<'r>,
    pub(super) address: &'r Address,
    pub(super) workflow: &'r WorkflowSpec,
    pub(super) ran: &'r Ran,
}

impl Decided<'_> {
    fn at(&self, path: Path, says: impl Into<String>) -> Decider {
        self.configuration.decider(self.address, path, says)
    }

    fn path_of(name: &str) -> Path {
        Path::keys("spec.steps").element(name)
    }

    /// What a run noted at a visit, counted from 0.
    fn notes(&self, visit: usize) -> String {
        let notes = self.ran.state.problems.iter().filter(|problem| problem.visit == visit + 1);
        notes.map(|problem| format!(": {}", problem.message)).collect()
    }

    /// Why the nth step of the path is what it is, or why there is none.
    pub(super) fn step(&self, n: usize) -> Vec<Decider> {
        let Some((before, visit)) = n.checked_sub(1).and_then(|at| Some((at, self.ran.visits.get(at)?))) else {
            return vec![self.at(Path::keys("spec.start"), "a run begins here")];
        };
        let name = &visit.step;
        match &visit.left {
            Left::Ended => vec![self.at(Self::path_of(name), format!("the run ends at `{name}`"))],
            Left::Exit(exit) => {
                let path = Self::path_of(name).key("routes").key(exit);
                vec![self.at(path, format!("`{name}` was left by `{exit}`{}", self.notes(before)))]
            }
            Left::Branched { exit: _, path, deciding, rows: _ } => {
                let mut decided = vec![self.at(path.clone(), format!("`{name}` went on here"))];
                for (when, rows) in deciding {
                    decided.extend(self.configuration.rows(self.address, when, rows.clone()));
                }
                decided
            }
        }
    }

    /// Who gave a variable its value, last of all.
    pub(super) fn variable(&self, name: &str) -> Vec<Decider> {
        let root = root(name);
        let visits = self.ran.visits.iter().enumerate().rev();
        let set = visits.into_iter().find_map(|(n, visit)| {
            let at = Self::path_of(&visit.step);
            let (path, says) = match self.workflow.step(&visit.step)? {
                Step::Set(step) if step.values.contains_key(root) => {
                    (at.key("values").key(root), format!("`{}` sets it", visit.step))
                }
                Step::SayGather(step) if step.gather.variable == root => {
                    (at.key("gather").key("variable"), format!("`{}` gathers it", visit.step))
                }
                Step::Webhook(step) if matches!(&visit.left, Left::Exit(exit) if exit == "failure") => {
                    step.on_failure.as_ref().filter(|on_failure| on_failure.set.contains_key(root))?;
                    (at.key("onFailure").key("set").key(root), format!("`{}` sets it because it failed", visit.step))
                }
                Step::Webhook(step) => {
                    let sets = |target_type, target: &str| target_type == TargetType::Variable && target == root;
                    let row = step.set_variables.iter().position(|row| sets(row.target_type, &row.target))?;
                    (at.key("setVariables").index(row), format!("`{}` takes it from its answer", visit.step))
                }
                Step::Set(_)
                | Step::SayGather(_)
                | Step::SayIntent(_)
                | Step::SendEmail(_)
                | Step::Task(_)
                | Step::Notify(_)
                | Step::Branch(_)
                | Step::End(_) => return None,
            };
            Some(self.at(path, format!("{says}{}", self.notes(n))))
        });
        let of_data = || {
            let data = self.workflow.data.iter().find(|data| data.name == root)?;
            Some(self.at(Path::keys("spec.data").element(&data.name), "no step that the run visited sets it"))
        };
        let never = || self.at(Path::keys("spec.steps"), format!("no step that the run visited sets `{root}`"));
        vec![set.or_else(of_data).unwrap_or_else(never)]
    }

    /// Why a step made no request, or no further one.
    pub(super) fn no_request(&self, name: &str) -> Vec<Decider> {
        let visited = self.ran.visits.iter().enumerate().rev().find(|(_, visit)| visit.step == name);
        let says = match visited {
            None => format!("the run does not come to `{name}`"),
            Some((n, _)) => match self.notes(n) {
                notes if notes.is_empty() => format!("`{name}` makes no further request"),
                notes => format!("`{name}` was left{notes}"),
            },
        };
        vec![self.at(Self::path_of(name), says)]
    }

    /// A field of a step.
    pub(super) fn field(&self, name: &str, keys: &[&str]) -> Vec<Decider> {
        let path = keys.iter().fold(Self::path_of(name), |path, key| path.key(key));
        vec![self.at(path, format!("what `{name}` sends"))]
    }

    /// The field that a part of a step's body comes from.
    pub(super) fn body(&self, name: &str, key: Option<&str>) -> Vec<Decider> {
        match (self.workflow.step(name), key) {
            (Some(Step::Webhook(step)), Some(key)) if step.form.as_ref().is_some_and(|form| form.contains_key(key)) => {
                self.field(name, &["form", key])
            }
            (Some(Step::Webhook(step)), _) if step.form.is_some() => self.field(name, &["form"]),
            (Some(Step::Webhook(step)), _) if step.body.is_none() => {
                vec![self.at(Self::path_of(name).key("method"), format!("`{name}` sends no body"))]
            }
            _ => self.field(name, &["body"]),
        }
    }
}
