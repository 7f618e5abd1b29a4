//! Runs from their start to their end, whatever happens between.

use super::tasks::put_approval;
use super::*;

/// The newsletter: looks somebody up, offers, subscribes, sends a code.
fn newsletter(at: SocketAddr) -> Value {
    json!({
        "data": [{"name": "EMAIL", "type": "text", "required": true, "class": "personal"}],
        "start": "lookup",
        "steps": [
            {"name": "lookup", "type": "webhook", "method": "GET", "url": format!("http://{at}/subscribers?email={{{{EMAIL}}}}"),
             "headers": {"X-Api-Key": {"fromEnv": "K"}}, "logResponseBody": true,
             "setVariables": [{"name": "users.0.title", "type": "variable", "target": "title"}],
             "onFailure": {"set": {"lookupFailed": true}}, "routes": {"success": "bye", "failure": "offer"}},
            {"name": "offer", "type": "sayIntent", "say": "For {{EMAIL}}?", "intents": {"agree": ["sure"]},
             "routes": {"agree": "subscribe", "noMatch": "bye"}},
            {"name": "subscribe", "type": "webhook", "method": "POST", "url": format!("http://{at}/subscribers"),
             "headers": {"X-Api-Key": {"fromEnv": "K"}}, "contentType": "json", "body": "{\"email\": \"{{EMAIL}}\", \"key\": \"the-key\"}",
             "logRequestBody": true, "routes": {"success": "send", "failure": "bye"}},
            {"name": "send", "type": "sendEmail", "from": "Shop <shop@acme.test>", "to": "{{EMAIL}}", "subject": "Code",
             "body": "WELCOME10", "routes": {"delivered": "bye", "bounced": "sorry"}},
            {"name": "sorry", "type": "end"},
            {"name": "bye", "type": "end"}
        ]
    })
}

async fn put_newsletter(rig: &Rig, receiver: &Receiver) {
    let secrets = ["lookup", "subscribe"].map(|step| secret(&format!("spec.steps[{step}].headers.X-Api-Key")));
    rig.put("Workflow/newsletter", newsletter(receiver.address), secrets.into()).await;
}

#[tokio::test]
async fn an_unknown_subscriber_accepts_the_offer() {
    let receiver = Receiver::start([Answer::Json(404, "{\"error\": \"the-key-of-the-shop knows nobody\"}")]).await;
    let rig = Rig::new(None).await;
    put_newsletter(&rig, &receiver).await;
    let id = rig.start("newsletter", json!({"EMAIL": "kim@acme.test"})).await;
    assert_eq!(rig.rest(id).await, RunStatus::WaitingForInput);
    let view = rig.view(id).await;
    assert_eq!((view.listed.number, view.listed.version, view.say.as_deref()), (1, 1, Some("For kim@acme.test?")));
    assert_eq!(rig.say(id, "Sure").await, RunStatus::Completed);

    let view = rig.view(id).await;
    assert_eq!(view.path, ["lookup", "offer", "subscribe", "send", "bye"]);
    assert_eq!(view.variables.get("lookupFailed"), Some(&json!(true)));
    let lines: Vec<String> = receiver.received().into_iter().map(|received| received.line).collect();
    assert_eq!(lines, ["GET /subscribers?email=kim%40acme.test", "POST /subscribers"]);
    let sent = &receiver.received()[1];
    assert_eq!(sent.headers.get("x-api-key").map(String::as_str), Some(KEY));
    assert_eq!(sent.headers.get("idempotency-key"), Some(&format!("{id}-3")));
    assert_eq!(sent.body, "{\"email\": \"kim@acme.test\", \"key\": \"the-key\"}");

    let [lookup, subscribe] = view.logs.as_slice() else { panic!("{:?}", view.logs) };
    assert_eq!((lookup.step.as_str(), lookup.visit, lookup.status), ("lookup", 1, Some(404)));
    assert_eq!(lookup.response_body.as_deref(), Some("{\"error\": \"**** knows nobody\"}"));
    assert_eq!(lookup.headers, [("X-Api-Key".to_owned(), "****".to_owned())]);
    assert_eq!(subscribe.request_body.as_deref(), Some(sent.body.as_str()));
    assert_eq!(subscribe.response_body, None);
    let [email] = view.emails.as_slice() else { panic!("{:?}", view.emails) };
    assert_eq!((email.state, email.to.as_str()), (EmailState::Kept, "kim@acme.test"));
    assert_eq!(email.message_id, format!("<{id}-4@acme.test>"));
    assert!(!serde_json::to_string(&view).expect("JSON").contains(KEY));
}

#[tokio::test]
async fn a_run_goes_on_wherever_the_engine_is_ended() {
    // The request that is under way when the engine ends; 0 is none.
    for killed in 0..=2 {
        let script = (1..=2).map(|n| if n == killed { Answer::Hang } else { Answer::Json(404 - 204 * (n - 1), "{}") });
        let receiver = Receiver::start(script).await;
        let mut rig = Rig::new(None).await;
        put_newsletter(&rig, &receiver).await;
        let id = rig.start("newsletter", json!({"EMAIL": "kim@acme.test"})).await;
        if killed == 1 {
            receiver.wait(1).await;
            receiver.script.lock().expect("the script").push_front(Answer::Json(404, "{}"));
            rig = rig.kill().await;
        }
        assert_eq!(rig.rest(id).await, RunStatus::WaitingForInput);
        rig = rig.kill().await;
        assert_eq!(rig.view(id).await.say.as_deref(), Some("For kim@acme.test?"));
        let said = rig.runner.input(&rig.project, id, Some("sure".into())).await;
        said.expect("an input that is taken");
        if killed == 2 {
            receiver.wait(2).await;
            rig = rig.kill().await;
        }
        assert_eq!(rig.rest(id).await, RunStatus::Completed);
        rig = rig.kill().await;
        let view = rig.view(id).await;
        assert_eq!(view.path, ["lookup", "offer", "subscribe", "send", "bye"], "killed at {killed}");
        assert_eq!(view.emails.len(), 1);
        assert_eq!(view.logs.len(), 2, "only what came to its end is logged");
        let posts: Vec<Received> = receiver.received().into_iter().filter(|r| r.line.starts_with("POST")).collect();
        assert_eq!(posts.len(), if killed == 2 { 2 } else { 1 });
        for post in posts {
            assert_eq!(post.headers.get("idempotency-key"), Some(&format!("{id}-3")), "killed at {killed}");
        }
        rig.store.close().await.expect("a closed store");
    }
}

#[tokio::test]
async fn a_run_stays_on_its_version_and_the_pointers_are_followed() {
    let receiver = Receiver::start([]).await;
    let rig = Rig::new(None).await;
    let spec = |say: &str, release: &str| {
        json!({"release": release, "start": "ask", "steps": [
            {"name": "ask", "type": "sayGather", "say": say, "gather": {"variable": "x"}, "routes": {"gathered": "again", "noInput": "bye"}},
            {"name": "again", "type": "sayGather", "say": format!("{say} again"), "gather": {"variable": "y"},
             "routes": {"gathered": "bye", "noInput": "bye"}},
            {"name": "bye", "type": "end"}
        ]})
    };
    rig.put("Workflow/talk", spec("one", "current"), vec![]).await;
    let first = rig.start("talk", json!({})).await;
    assert!(matches!(rig.try_start("talk", json!({}), true).await, Err(RunError::NoVersion { pointer: "test" })));
    rig.put("Workflow/talk", spec("two", "test"), vec![]).await;
    let tested = rig.try_start("talk", json!({}), true).await.expect("a test run");
    let second = rig.start("talk", json!({})).await;
    for (id, said, version) in [(first, "one", 1), (second, "one", 1), (tested, "two", 2)] {
        let view = rig.view(id).await;
        assert_eq!((view.say.as_deref(), view.listed.version), (Some(said), version));
    }
    rig.put("Workflow/talk", spec("three", "current"), vec![]).await;
    assert_eq!(rig.say(first, "x").await, RunStatus::WaitingForInput);
    assert_eq!(rig.view(first).await.say.as_deref(), Some("one again"));
    let numbers: Vec<u64> =
        [rig.view(first).await, rig.view(tested).await, rig.view(second).await].map(|v| v.listed.number).into();
    assert_eq!(numbers, [1, 2, 3]);
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn a_cancelled_run_does_not_go_on() {
    let receiver = Receiver::start([Answer::Hang]).await;
    let rig = Rig::new(None).await;
    put_newsletter(&rig, &receiver).await;
    let id = rig.start("newsletter", json!({"EMAIL": "kim@acme.test"})).await;
    receiver.wait(1).await;
    let busy = rig.runner.input(&rig.project, id, Some("x".into())).await;
    assert!(matches!(busy, Err(RunError::Unexpected(_))), "{busy:?}");
    rig.runner.cancel_run(&rig.project, id, "ana").await.expect("cancelled");
    assert_eq!(rig.rest(id).await, RunStatus::Cancelled);
    assert!(rig.runner.cancel_run(&rig.project, id, "ana").await.is_err());
    let rig = rig.kill().await;
    assert_eq!(rig.rest(id).await, RunStatus::Cancelled);
    assert_eq!(receiver.received().len(), 1);

    put_approval(&rig).await;
    let id = rig.start("approval", json!({"AMOUNT": 50})).await;
    rig.runner.cancel_run(&rig.project, id, "ana").await.expect("cancelled");
    assert_eq!(rig.runner.task(&rig.project, id, 1).await.expect("a task").state, TaskState::Cancelled);
}

#[tokio::test]
async fn what_is_written_down_a_second_time_stops_nothing() {
    let receiver = Receiver::start([Answer::Json(200, "{}"), Answer::Hang]).await;
    let rig = Rig::new(None).await;
    let step = |name: &str, next: &str| {
        json!({"name": name, "type": "webhook", "method": "GET", "url": format!("http://{}/", receiver.address),
               "routes": {"success": next, "failure": "bye"}})
    };
    let steps = json!([step("first", "second"), step("second", "bye"), {"name": "bye", "type": "end"}]);
    rig.put("Workflow/two", json!({"start": "first", "steps": steps}), Vec::new()).await;
    let id = rig.start("two", json!({})).await;
    receiver.wait(2).await;
    // As when the commit of the first was done, and nobody could tell.
    let result = HttpResult::Answered { status: 200, content_type: None, body: Vec::new() };
    let done = Done { visit: 1, event: Event::Response(result), details: RunDetails::default() };
    assert!(matches!(rig.runner.finish(id, done).await, Ok(true)));
    let rig = rig.kill().await;
    assert_eq!(rig.rest(id).await, RunStatus::Completed);
    assert_eq!((rig.view(id).await.path.len(), receiver.received().len()), (3, 3));
}
