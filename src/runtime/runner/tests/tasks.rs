//! Tasks, and the notifications that follow them.

use super::*;

fn approval() -> Value {
    json!({
        "data": [{"name": "AMOUNT", "type": "numeric", "required": true}, {"name": "NOTE", "type": "text"}],
        "start": "which",
        "steps": [
            {"name": "which", "type": "branch", "cases": [{"when": {"property": "AMOUNT", "operator": "greaterThan", "value": 10}, "to": "approve"}],
             "otherwise": "bye"},
            {"name": "approve", "type": "task", "assignee": "bo", "routes": {"completed": "tell", "error": "check"}},
            {"name": "check", "type": "task", "assignee": "{{NOTE}}", "routes": {"completed": "bye"}},
            {"name": "tell", "type": "notify", "template": "t", "audiences": ["all"], "endUsers": ["{{NOTE}}"], "routes": {"next": "bye"}},
            {"name": "bye", "type": "end"}
        ]
    })
}

pub(super) async fn put_approval(rig: &Rig) {
    rig.put("System/desk", json!({"platform": "workstation"}), vec![]).await;
    rig.put("Template/t", json!({"system": "desk", "title": "T", "body": "B"}), vec![]).await;
    rig.put("Audience/all", json!({"members": ["kim"]}), vec![]).await;
    rig.put("Workflow/approval", approval(), vec![]).await;
}

#[tokio::test]
async fn tasks_are_people_s() {
    let rig = Rig::new(None).await;
    put_approval(&rig).await;
    let project = rig.project.clone();
    let data = |value: Value| value.as_object().cloned().unwrap_or_default();
    assert_eq!(rig.rest(rig.start("approval", json!({"AMOUNT": 5})).await).await, RunStatus::Completed);
    assert!(matches!(rig.try_start("approval", json!({"AMOUNT": "5"}), false).await, Err(RunError::Data(_))));

    let id = rig.start("approval", json!({"AMOUNT": 50})).await;
    assert_eq!(rig.rest(id).await, RunStatus::WaitingForTask);
    let task = rig.runner.task(&project, id, 1).await.expect("a task");
    assert_eq!((task.assignee.as_deref(), task.state, task.step.as_str()), (Some("bo"), TaskState::Open, "approve"));
    rig.runner.unassign_task(&project, id, 1).await.expect("unassigned");
    assert_eq!(rig.runner.task(&project, id, 1).await.expect("a task").assignee, None);
    rig.runner.assign_task(&project, id, 1, Some("ana")).await.expect("assigned");
    rig.runner.set_data(&project, id, &data(json!({"NOTE": "kim"}))).await.expect("data that fit");
    let cancel = rig.runner.cancel_task(&project, id, 1, "ana", TaskCancellation::Cancel, None).await;
    assert!(matches!(cancel, Err(RunError::Unexpected(_))), "{cancel:?}");
    assert!(!rig.runner.can_cancel_task(&project, id, 1, TaskCancellation::Cancel).await.expect("an answer"));
    assert!(rig.runner.can_cancel_task(&project, id, 1, TaskCancellation::Error).await.expect("an answer"));
    let wrong = rig.runner.complete_task(&project, id, 1, "ana", &data(json!({"NOPE": 1}))).await;
    assert!(matches!(wrong, Err(RunError::Data(_))), "{wrong:?}");
    let exception = Some(TaskException { message: "no budget".into(), source: "erp".into() });
    let cancelled = rig.runner.cancel_task(&project, id, 1, "ana", TaskCancellation::Error, exception.clone()).await;
    assert_eq!(cancelled.expect("cancelled").state, RunStatus::WaitingForTask);
    let [first, second] = &rig.view(id).await.tasks[..] else { panic!("two tasks") };
    assert_eq!((first.state, &first.exception, first.ended_by.as_deref()), (TaskState::Error, &exception, Some("ana")));
    assert_eq!((second.number, second.assignee.as_deref(), second.state), (2, Some("kim"), TaskState::Open));
    let ended = rig.runner.complete_task(&project, id, 1, "ana", &Map::new()).await;
    assert!(matches!(ended, Err(RunError::TaskEnded)), "{ended:?}");
    assert!(matches!(rig.runner.task(&project, id, 3).await, Err(RunError::UnknownTask)));
    let rig = rig.kill().await;
    let completed = rig.runner.complete_task(&project, id, 2, "kim", &data(json!({"NOTE": "done"}))).await;
    assert_eq!(completed.expect("completed").state, RunStatus::Completed);
    assert_eq!(rig.view(id).await.variables.get("NOTE"), Some(&json!("done")));
    let other = Name::from_any("other");
    assert!(matches!(rig.runner.task(&other, id, 1).await, Err(RunError::UnknownRun)));
    assert!(matches!(rig.runner.view(&other, id).await, Err(RunError::UnknownRun)));
}

#[tokio::test]
async fn notifications_are_ordered_as_the_version_means_them() {
    let rig = Rig::new(None).await;
    put_approval(&rig).await;
    let project = rig.project.clone();
    let complete = async |note: &str| {
        let id = rig.start("approval", json!({"AMOUNT": 50, "NOTE": note})).await;
        rig.runner.complete_task(&project, id, 1, "bo", &Map::new()).await.expect("completed");
        assert_eq!(rig.rest(id).await, RunStatus::Completed);
        rig.view(id).await
    };
    let told = complete("kim").await;
    assert_eq!(told.problems, []);
    let configuration = rig.configurations.of(&project).await.expect("a configuration");
    let id = |address: &str| configuration.object(&address.parse().expect("an address")).expect("an object").id;
    let orders = rig.notifier.0.lock().expect("orders").clone();
    let [order] = orders.as_slice() else { panic!("{orders:?}") };
    assert_eq!((order.template, &order.audiences[..]), (id("Template/t"), &[id("Audience/all")][..]));
    assert_eq!((&order.end_users[..], &order.key), (&["kim".to_owned()][..], &format!("{}-3", told.listed.id)));
    let refused = complete("nobody").await;
    assert_eq!(refused.problems.first().map(|problem| problem.message.as_str()), Some("nobody is there"));
}
