//! The eight operations.

use std::sync::Arc;

use super::{HookFailure, Hooks, OpenHook};
use crate::base::ident::{Name, ObjectId};
use crate::behaviour::hook::answer::{Answer, Echo, NumberedUser};
use crate::behaviour::hook::call::{ActionReference, Call, Cancellation, CreateRequest, Exception, Input};
use crate::behaviour::hook::dataset::{self, Moment};
use crate::behaviour::hook::parameter::Parameter;
use crate::behaviour::hook::process::{self, Candidate, Versions};
use crate::behaviour::hook::rights::{self, ActionView, Caller, RequestView};
use crate::behaviour::hook::{HookCode, HookError};
use crate::behaviour::run::advance::Unexpected;
use crate::behaviour::run::data::DataError;
use crate::kinds::incoming_webhook::{IncomingWebhookSpec, Operation};
use crate::kinds::workflow::step::Step;
use crate::kinds::workflow::{Access, Roles, WorkflowSpec};
use crate::kinds::{Kind, Spec};
use crate::object::run::{RunRecord, TaskException, TaskRecord, TaskState};
use crate::runtime::runner::{RunError, StartRun, TaskCancellation};
use crate::store::StoreError;

/// A request that a call names, with what is to be known of it.
struct Request {
    record: RunRecord,
    tasks: Vec<TaskRecord>,
    /// The version it runs on.
    version: Arc<WorkflowSpec>,
    /// What its workflow has now.
    workflow: WorkflowNow,
}

/// What lies beside the versions of a workflow, live or archived.
struct WorkflowNow {
    name: Name,
    access: Access,
    roles: Roles,
}

impl Hooks {
    /// Carries out a call that the incoming webhook offers.
    pub(super) async fn perform(
        &self,
        hook: &OpenHook,
        spec: &IncomingWebhookSpec,
        call: Call,
        caller: &Caller,
    ) -> Result<Answer, HookFailure> {
        let (project, operation) = (&hook.project, call.input.operation());
        let number = match &call.input {
            Input::CreateRequest(_) => return self.create_request(hook, spec, call, caller).await,
            Input::UpdateRequestDataset(input) => input.request,
            Input::CancelRequest(input) => input.request,
            Input::CompleteAction(input) | Input::CompleteFormAction(input) => input.action.request,
            Input::CancelAction(input) => input.action.request,
            Input::AssignAction(input) => input.action.request,
            Input::CancelActionAssignment(input) => input.action.request,
        };
        let request = self.request(project, number).await?;
        process::reaches(spec, operation, &request.workflow.name, request.workflow.access)?;
        let action = match call.input.action() {
            Some(ActionReference { action, .. }) => Some(request.task(action)?),
            None => None,
        };
        self.check(&request, action, &call, caller)?;
        let (run, by) = (request.record.head.id, caller.acting());
        let values = |parameters: Vec<Parameter>| self.values(&request, parameters);
        let assignee = match &call.input {
            Input::AssignAction(input) => Some(self.user(project, &input.assignee).await?),
            Input::CreateRequest(_)
            | Input::UpdateRequestDataset(_)
            | Input::CancelRequest(_)
            | Input::CompleteAction(_)
            | Input::CompleteFormAction(_)
            | Input::CancelAction(_)
            | Input::CancelActionAssignment(_) => None,
        };
        let target = call.input.action();
        match call.input {
            Input::CreateRequest(_) => {}
            Input::UpdateRequestDataset(input) => {
                let values = values(input.parameters).await?;
                self.runner.set_data(project, run, &values).await.map_err(refused)?;
            }
            Input::CancelRequest(_) => {
                self.runner.cancel_run(project, run, by).await.map_err(refused)?;
            }
            Input::CompleteAction(input) | Input::CompleteFormAction(input) => {
                let values = values(input.parameters).await?;
                self.runner.complete_task(project, run, input.action.action, by, &values).await.map_err(refused)?;
            }
            Input::CancelAction(input) => {
                let how = match input.cancellation {
                    Cancellation::Cancel => TaskCancellation::Cancel,
                    Cancellation::Error => TaskCancellation::Error,
                };
                let exception = input.exception.map(|Exception { message, source }| TaskException {
                    message: message.unwrap_or_default(),
                    source: source.unwrap_or_default(),
                });
                let action = input.action.action;
                self.runner.cancel_task(project, run, action, by, how, exception).await.map_err(refused)?;
            }
            Input::AssignAction(input) => {
                let assignee = assignee.as_deref();
                self.runner.assign_task(project, run, input.action.action, assignee).await.map_err(refused)?;
            }
            Input::CancelActionAssignment(input) => {
                self.runner.unassign_task(project, run, input.action.action).await.map_err(refused)?;
            }
        }
        let (echo, assignee) = self.echo(project, call.client_mutation_id, caller, assignee).await?;
        Ok(match (operation, target, assignee) {
            (Operation::AssignAction, Some(action), Some(assignee)) => echo.assigned(action, assignee),
            (Operation::CancelActionAssignment, Some(action), _) => echo.unassigned(action),
            (_, Some(action), _) => echo.action(action),
            (Operation::UpdateRequestDataset, None, _) => echo.dataset(number),
            (_, None, _) => echo.request(number),
        })
    }

    async fn create_request(
        &self,
        hook: &OpenHook,
        spec: &IncomingWebhookSpec,
        call: Call,
        caller: &Caller,
    ) -> Result<Answer, HookFailure> {
        let Input::CreateRequest(input) = call.input else {
            return Err(HookError::new(HookCode::UnknownOperation, "the call starts no request").into());
        };
        let CreateRequest { process_name, process_id, process_version, is_test, parameters, on_behalf_of: _ } = input;
        let project = &hook.project;
        let numbers = match process_id {
            Some(_) => self.store.reads().process_numbers(project).await?,
            None => std::collections::HashMap::new(),
        };
        let candidates = hook.configuration.of_kind(Kind::Workflow).map(|workflow| Candidate {
            name: &workflow.address.name,
            display_name: workflow.display_name(),
            number: numbers.get(&workflow.id).copied(),
        });
        let picked = process::pick(candidates, process_name.as_deref(), process_id)?.name.clone();
        let unknown = || HookError::new(HookCode::UnknownProcess, "no live workflow has this name");
        let workflow = hook.configuration.named(Kind::Workflow, &picked).ok_or_else(unknown)?;
        let Spec::Workflow(now) = &workflow.spec else { return Err(unknown().into()) };
        process::reaches(spec, Operation::CreateRequest, &picked, now.access)?;
        let version = Versions::of(&workflow.server_set).choose(process_version, is_test)?;
        let pinned = self.runner.version(workflow.id, version).await.map_err(refused)?;
        let fitted = dataset::fit(parameters, &pinned.data, Moment::Start)?;
        let data = self.with_files(fitted).await?;
        // Before the request, so that a process that was mentioned has a number whatever happens next.
        self.store.mention_process(project, workflow.id).await?;
        let wanted = StartRun {
            data,
            version: Some(version),
            is_test,
            started_by: caller.user.clone(),
            started_for: caller.on_behalf_of.clone(),
        };
        let started = self.runner.start(project, workflow, wanted).await.map_err(refused)?;
        let (echo, _) = self.echo(project, call.client_mutation_id, caller, None).await?;
        Ok(echo.request(started.number))
    }

    /// A request of the project.
    async fn request(&self, project: &Name, number: u64) -> Result<Request, HookFailure> {
        let record = self.runner.numbered(project, number).await.map_err(refused)?;
        let tasks = self.store.reads().run_details(record.head.id).await?.tasks;
        let version = self.runner.version(record.head.workflow, record.head.version).await.map_err(refused)?;
        let workflow = self.workflow_now(project, record.head.workflow).await?;
        Ok(Request { record, tasks, version, workflow })
    }

    /// What a workflow has now; one that is archived has what it had last.
    async fn workflow_now(&self, project: &Name, id: ObjectId) -> Result<WorkflowNow, HookFailure> {
        let now = |name: &Name, spec: &Spec| match spec {
            Spec::Workflow(spec) => {
                Ok(WorkflowNow { name: name.clone(), access: spec.access, roles: spec.roles.clone() })
            }
            other => Err(corrupt(id, format!("it is a {}", other.kind()))),
        };
        if let Some(live) = self.configurations.of(project).await?.by_id(id) {
            return Ok(now(&live.address.name, &live.spec)?);
        }
        let record = self.store.reads().read_by_id(project, id).await?;
        let record = record.ok_or_else(|| corrupt(id, "a request runs on it and it is gone".to_owned()))?;
        let spec = Kind::Workflow.read_spec(&record.spec).map_err(|error| corrupt(id, error.to_string()))?;
        Ok(now(&record.address.name, &spec)?)
    }

    fn check(
        &self,
        request: &Request,
        action: Option<&TaskRecord>,
        call: &Call,
        caller: &Caller,
    ) -> Result<(), HookError> {
        let Request { record, tasks, version, workflow } = request;
        let requesters: Vec<String> =
            std::iter::once(&record.head.started_by).chain(&record.head.started_for).cloned().collect();
        let participants = tasks.iter().flat_map(|task| task.assignee.iter().chain(&task.ended_by)).cloned();
        let participants: Vec<String> = participants.collect();
        let view = RequestView {
            system_users: &self.settings.system_users,
            roles: &workflow.roles,
            requesters: &requesters,
            participants: &participants,
            open: record.head.ended_at.is_none(),
            is_test: record.head.is_test,
        };
        let action = action.map(|task| {
            let routes = version.steps.iter().find_map(|step| match step {
                Step::Task(step) if step.name == task.step => Some(&step.routes),
                _ => None,
            });
            let routed = |how: Cancellation| routes.is_some_and(|routes| routes.contains_key(how.exit()));
            ActionView {
                activity: &task.step,
                open: task.state == TaskState::Open,
                assignee: task.assignee.as_deref(),
                can_be_cancelled: routed(Cancellation::Cancel),
                can_fail: routed(Cancellation::Error),
            }
        });
        rights::check(call, caller, &view, action.as_ref())
    }

    async fn values(
        &self,
        request: &Request,
        parameters: Vec<Parameter>,
    ) -> Result<serde_json::Map<String, serde_json::Value>, HookFailure> {
        self.with_files(dataset::fit(parameters, &request.version.data, Moment::Later)?).await
    }

    /// What an answer repeats. The users it names come into being, now that the call was carried out.
    async fn echo(
        &self,
        project: &Name,
        client_mutation_id: Option<String>,
        caller: &Caller,
        assignee: Option<String>,
    ) -> Result<(Echo, Option<NumberedUser>), StoreError> {
        let others: Vec<String> = caller.on_behalf_of.iter().cloned().chain(assignee.clone()).collect();
        let mut names = vec![caller.user.as_str()];
        names.extend(others.iter().map(String::as_str));
        let numbers = self.store.mention_users(project, &names).await?;
        let numbered = |name: Option<String>| {
            let name = name?;
            let (_, number) = names.iter().zip(&numbers).find(|(known, _)| **known == name)?;
            Some(NumberedUser { number: *number, name })
        };
        let echo = Echo { client_mutation_id, on_behalf_of: numbered(caller.on_behalf_of.clone()) };
        Ok((echo, numbered(assignee)))
    }
}

impl Request {
    fn task(&self, number: u64) -> Result<&TaskRecord, HookError> {
        let found = self.tasks.iter().find(|task| task.number == number);
        found.ok_or_else(|| HookError::new(HookCode::UnknownAction, "the request has no such action"))
    }
}

fn corrupt(workflow: ObjectId, reason: String) -> StoreError {
    StoreError::Corrupt { what: format!("workflow {workflow}"), reason }
}

/// What the runner refuses: mostly what was looked at before and has changed since.
fn refused(error: RunError) -> HookFailure {
    let code = match &error {
        RunError::UnknownWorkflow => HookCode::UnknownProcess,
        RunError::NoVersion { .. } => HookCode::UnknownVersion,
        // In the words of calls: what the engine has as runs and tasks, they have as requests and actions.
        RunError::UnknownRun => {
            return HookError::new(HookCode::UnknownRequest, "the project has no such request").into();
        }
        RunError::UnknownTask => {
            return HookError::new(HookCode::UnknownAction, "the request has no such action").into();
        }
        RunError::TaskEnded | RunError::Unexpected(Unexpected::Other { .. } | Unexpected::UnknownStep(_)) => {
            HookCode::ActionClosed
        }
        RunError::Data(errors) => return errors.iter().map(misfit).collect::<Vec<_>>().into(),
        RunError::Unexpected(Unexpected::Ended) => HookCode::RequestClosed,
        RunError::Unexpected(Unexpected::NotRouted { .. }) => HookCode::NotCancellable,
        RunError::TooLong { .. } => HookCode::DataTooLarge,
        RunError::Overtaken => return StoreError::Busy.into(),
        RunError::Ending => return StoreError::Closed.into(),
        RunError::Store(_) => {
            return match error {
                RunError::Store(error) => error.into(),
                other => HookError::new(HookCode::InvalidValue, other.to_string()).into(),
            };
        }
    };
    HookError::new(code, error.to_string()).into()
}

fn misfit(error: &DataError) -> HookError {
    let code = match error {
        DataError::Unknown(_) => HookCode::UnknownData,
        DataError::Type { .. } => HookCode::WrongDataType,
        DataError::Required(_) => HookCode::MissingData,
        DataError::TooLarge => HookCode::DataTooLarge,
    };
    HookError::new(code, error.to_string())
}
