use serde_json::{Value, json};

use super::*;
use crate::object::action::ActionKind::{self, Create, Delete, Move, PublishSettings, Update};
use crate::plan::sample::address;
use crate::review::sample::{destination, plan, state, states, system, webhook};

/// `class source → host` of what leaves by an object.
fn leaves(objects: &[(&str, Value)], via: &str) -> Vec<String> {
    of_state(&state(objects), &address(via)).iter().map(shown).collect()
}

fn shown(flow: &DataFlow) -> String {
    format!("{} {} → {}", flow.class.as_str(), flow.source, flow.host)
}

/// `change class source → host via object` of a plan.
fn told(plan: &[(ActionKind, &str)], states: &States) -> Vec<String> {
    let flows = Flows::new(states).of_plan(&super::super::sample::plan(plan));
    flows.iter().map(|flow| format!("{} {} via {}", flow.change.as_str(), shown(flow), flow.via)).collect()
}

fn routed(webhook: Value, system: Value) -> Vec<(&'static str, Value)> {
    vec![("System/crm", system), ("Destination/d", destination("https://Hooks.test/x")), ("Webhook/w", webhook)]
}

fn chosen(names: &[&str]) -> Value {
    webhook(json!({"properties": {"include": names}}))
}

const NONE: [&str; 0] = [];

#[test]
fn a_webhook_sends_the_properties_it_includes() {
    let renamed = webhook(json!({"properties": {"include": ["answer", "score", "questionText"],
        "rename": {"answer": "text"}, "static": {"source": "trueup", "priority": 2}}}));
    assert_eq!(
        leaves(&routed(renamed, system(json!({}))), "Webhook/w"),
        [
            "personal survey.submitted.answer → hooks.test",
            "content static source → hooks.test",
            "content survey.submitted.questionText → hooks.test",
            "technical static priority → hooks.test",
            "technical survey.submitted.score → hooks.test",
        ]
    );
    let all = leaves(&routed(webhook(json!({})), system(json!({}))), "Webhook/w");
    assert_eq!(all.len(), 22, "all 16 common ones, the item's two and the survey's four: {all:?}");
}

#[test]
fn what_is_never_stored_is_never_sent() {
    let censored = system(json!({"censor": {"properties": ["answer"]}}));
    assert_eq!(
        leaves(&routed(chosen(&["answer", "city"]), censored), "Webhook/w"),
        ["personal survey.submitted.city → hooks.test"]
    );
    let dropped = system(json!({"censor": {"events": ["survey.submitted"]}}));
    assert_eq!(leaves(&routed(chosen(&["city"]), dropped), "Webhook/w"), NONE);
    let input = |text: bool| {
        let spec = webhook(json!({"event": "dxa.input", "properties": {"include": ["elementText"]}}));
        leaves(&routed(spec, system(json!({"censor": {"inputText": text}}))), "Webhook/w").len()
    };
    assert_eq!((input(true), input(false)), (0, 1));
}

#[test]
fn a_hashed_id_is_still_personal_and_says_so() {
    let hashed = system(json!({"endUserId": {"hash": {"algorithm": "sha256"}}}));
    assert_eq!(
        leaves(&routed(chosen(&["endUserId"]), hashed), "Webhook/w"),
        ["personal survey.submitted.endUserId (hashed) → hooks.test"]
    );
}

#[test]
fn what_sends_nothing_has_no_flow() {
    let none = |more: Value| assert_eq!(leaves(&routed(webhook(more), system(json!({}))), "Webhook/w"), NONE);
    none(json!({"enabled": false}));
    none(json!({"system": "elsewhere"}));
    none(json!({"destination": "elsewhere"}));
    none(json!({"conditions": [{"property": "score", "operator": "lessThan", "value": 3},
                               {"property": "score", "operator": "greaterThan", "value": 7}]}));
    let mut unpublished = state(&routed(webhook(json!({})), system(json!({}))));
    if let Some(system) = unpublished.objects.get_mut(&address("System/crm")) {
        system.published = false;
    }
    assert_eq!(of_state(&unpublished, &address("Webhook/w")), []);
}

#[test]
fn what_is_not_known_is_taken_for_personal() {
    let unknown = |include: Value| {
        let spec = webhook(json!({"event": "quote-approved", "properties": {"include": include}}));
        leaves(&routed(spec, system(json!({}))), "Webhook/w")
    };
    assert_eq!(unknown(json!("all")), ["personal whole payload → hooks.test"]);
    assert_eq!(unknown(json!(["amount"])), ["personal quote-approved.amount → hooks.test"]);
}

fn workflow(data: Value, steps: Value) -> Value {
    let mut spec = json!({"start": "a"});
    spec["data"] = data;
    spec["steps"] = steps;
    spec
}

fn run(data: Value, steps: Value) -> Vec<String> {
    let template = json!({"title": "t", "body": "b ###NAME###", "button": {"text": "Go", "link": "https://crm.test/###ID###?u=###URL###"}});
    let bare = json!({"title": "t", "body": "b", "button": {"text": "Go", "link": "###URL###"}});
    let objects = [("Workflow/w", workflow(data, steps)), ("Template/t", template), ("Template/bare", bare)];
    leaves(&objects, "Workflow/w")
}

#[test]
fn variables_are_traced_back_to_where_they_were_gathered_or_declared() {
    let steps = json!([
        {"name": "ask", "type": "sayGather", "say": "?", "gather": {"variable": "email", "class": "personal"}},
        {"name": "mark", "type": "set", "values": {"greeting": "Hi {{email}}", "state": "new", "n": 1}},
        {"name": "again", "type": "set", "values": {"text": "{{greeting}}!", "self": "{{self}}{{text}}"}},
        {"name": "call", "type": "webhook", "method": "POST", "url": "https://shop.test/{{AMOUNT}}?s={{state}}",
         "headers": {"X-A": "{{ n }}", "X-Secret": {"fromEnv": "K"}}, "contentType": "json", "body": "{\"t\": \"{{self}}\"}"},
    ]);
    assert_eq!(
        run(json!([{"name": "AMOUNT", "type": "numeric", "class": "technical"}]), steps),
        [
            "personal email → shop.test",
            "content state → shop.test",
            "technical AMOUNT → shop.test",
            "technical n → shop.test",
        ]
    );
}

#[test]
fn an_answer_of_one_host_that_goes_to_another_is_a_flow() {
    let steps = json!([
        {"name": "lookup", "type": "webhook", "method": "GET", "url": "https://a.test/u",
         "setVariables": [{"name": "users.0.id", "type": "variable", "target": "id"},
                          {"name": "users.0.name", "type": "variable", "target": "NAME"},
                          {"name": "users.0.tags", "type": "details", "target": "Tags"}],
         "onFailure": {"set": {"id": "none", "failed": true}}},
        {"name": "back", "type": "webhook", "method": "GET", "url": "https://a.test/again?{{id.0}}"},
        {"name": "on", "type": "webhook", "method": "POST", "url": "https://b.test",
         "contentType": "formEncoded", "form": {"id": "{{id.0}}", "name": "{{NAME}}"}},
    ]);
    assert_eq!(
        run(json!([{"name": "NAME", "type": "text", "class": "personal"}]), steps),
        [
            "personal NAME → b.test",
            "personal lookup response users.0.name → b.test",
            "content id → a.test",
            "content id → b.test",
            "content lookup response users.0.id → b.test",
        ]
    );
}

#[test]
fn mails_and_links_of_notifications_carry_variables_too() {
    let mail = |to: &str| {
        let step = json!([{"name": "m", "type": "sendEmail", "from": "shop@acme.test", "to": to, "subject": "s", "body": "{{X}}"}]);
        run(json!([{"name": "X", "type": "text"}, {"name": "TO", "type": "text", "class": "personal"}]), step)
    };
    assert_eq!(mail("Desk <desk@Acme.test>"), ["content X → acme.test"]);
    assert_eq!(mail("{{TO}}"), ["personal TO → e-mail", "content X → e-mail"]);
    let notify = |template: Value, overrides: Value| {
        let step =
            json!([{"name": "n", "type": "notify", "template": template, "endUsers": ["kim"], "override": overrides}]);
        run(json!([{"name": "X", "type": "text", "class": "personal"}]), step)
    };
    assert_eq!(
        notify(json!("t"), json!({"NAME": "{{X}}", "ID": "{{X}}"})),
        ["personal X → crm.test", "content placeholder URL → crm.test"]
    );
    assert_eq!(
        notify(json!("t"), json!({"NAME": "{{X}}", "ID": "1", "URL": "u"})),
        ["content override ID → crm.test", "content override URL → crm.test"]
    );
    assert_eq!(notify(json!("bare"), json!({"URL": "https://x.test/{{X}}"})), ["personal X → x.test"]);
    assert_eq!(notify(json!("bare"), json!({"URL": "{{X}}"})), ["personal X → any host"]);
    let elsewhere = json!({"id": "75cfcba6-c320-42cb-938e-4c2bd08a43a3"});
    assert_eq!(notify(elsewhere, json!({"ANY": "{{X}}"})), ["personal X → any host"]);
}

#[test]
fn what_a_host_made_by_hand_hides_is_any_host() {
    let steps = json!([{"name": "a", "type": "webhook", "method": "GET", "url": "https://{{HOST}}/"}]);
    assert_eq!(run(json!([]), steps), ["content HOST → any host"]);
}

#[test]
fn variables_that_multiply_are_not_told_apart() {
    // Each names all before it: in a thousand requests that makes far more ways than are walked.
    let mut values = serde_json::Map::new();
    let names: Vec<String> = (0..400).map(|n| format!("v{n}")).collect();
    for (n, name) in names.iter().enumerate() {
        let text: String = names.iter().take(n).map(|name| format!("{{{{{name}}}}}")).collect();
        values.insert(name.clone(), text.into());
    }
    let mut steps = vec![json!({"name": "a", "type": "set", "values": values})];
    steps.extend((0..50).map(
        |n| json!({"name": format!("s{n}"), "type": "webhook", "method": "GET", "url": "https://a.test/{{v399}}"}),
    ));
    let told = run(json!([]), Value::Array(steps));
    assert!(told.contains(&"personal whole payload → a.test".to_owned()), "{told:?}");
}

#[test]
fn templates_and_notifications_lead_where_their_link_does() {
    let template = |link: &str| json!({"title": "t", "body": "b ###NAME###", "button": {"text": "Go", "link": link}});
    let of = |link: &str, overrides: Value| {
        let notification = json!({"template": "t", "endUsers": ["kim"], "override": overrides});
        let objects = [("Template/t", template(link)), ("Notification/n", notification)];
        (leaves(&objects, "Template/t"), leaves(&objects, "Notification/n"))
    };
    let (template_flows, flows) = of("https://crm.test/###ID###", json!({"ID": "7", "NAME": "n"}));
    assert_eq!(template_flows, ["content placeholder ID → crm.test"]);
    assert_eq!(flows, ["content override ID → crm.test"]);
    let (template_flows, flows) = of("###URL###", json!({"URL": "https://shop.test:8443/x"}));
    assert_eq!(template_flows, ["content placeholder URL → any host"]);
    assert_eq!(flows, ["content override URL → shop.test:8443"]);
    let (template_flows, flows) = of("https://crm.test/", json!({}));
    assert_eq!((template_flows.len(), flows.len()), (0, 0), "nothing is carried there");
    let (template_flows, _) = of("walkme-link:###X###", json!({}));
    assert_eq!(template_flows, NONE);
}

#[test]
fn a_plan_tells_what_comes_goes_and_stays() {
    let before = routed(chosen(&["answer", "score"]), system(json!({})));
    let mut after = routed(chosen(&["city", "score"]), system(json!({})));
    after.push(("Webhook/same", chosen(&["os"])));
    let mut with_same = before.clone();
    with_same.push(("Webhook/same", chosen(&["os"])));
    let states = states(state(&with_same), state(&after), &[]);
    assert_eq!(
        told(&[(Update, "Webhook/w")], &states),
        [
            "added personal survey.submitted.city → hooks.test via Webhook/w",
            "removed personal survey.submitted.answer → hooks.test via Webhook/w",
            "kept technical survey.submitted.score → hooks.test via Webhook/w",
        ]
    );
    assert_eq!(told(&[], &states), NONE, "without an action nothing changes");
}

#[test]
fn a_destination_that_moves_takes_the_flows_of_its_webhooks_along() {
    let before = routed(chosen(&["answer"]), system(json!({})));
    let mut after = before.clone();
    after[1].1 = destination("https://other.test");
    let states = states(state(&before), state(&after), &[]);
    assert_eq!(
        told(&[(Update, "Destination/d")], &states),
        [
            "added personal survey.submitted.answer → other.test via Webhook/w",
            "removed personal survey.submitted.answer → hooks.test via Webhook/w",
        ]
    );
}

#[test]
fn who_brings_it_there_already_is_told() {
    let mut before = routed(chosen(&["answer", "os"]), system(json!({})));
    before.push(("Webhook/other", chosen(&["answer"])));
    let mut after = before.clone();
    after.push(("Webhook/new", chosen(&["answer", "city"])));
    let states = states(state(&before), state(&after), &[]);
    assert_eq!(
        told(&[(Create, "Webhook/new")], &states),
        [
            "added personal survey.submitted.answer → hooks.test via Webhook/new",
            "added personal survey.submitted.city → hooks.test via Webhook/new",
            "kept personal survey.submitted.answer → hooks.test via Webhook/other",
        ]
    );
}

#[test]
fn publishing_opens_and_removing_closes() {
    let objects = routed(chosen(&["os"]), system(json!({})));
    let mut unpublished = state(&objects);
    if let Some(system) = unpublished.objects.get_mut(&address("System/crm")) {
        system.published = false;
    }
    let opened = states(unpublished, state(&objects), &[]);
    let line = "technical survey.submitted.os → hooks.test via Webhook/w";
    assert_eq!(told(&[(PublishSettings, "System/crm")], &opened), [format!("added {line}")]);
    let closed = states(state(&objects), state(objects.get(..2).unwrap_or_default()), &[]);
    assert_eq!(told(&[(Delete, "Webhook/w")], &closed), [format!("removed {line}")]);
}

#[test]
fn a_rename_takes_nothing_away() {
    let event = |class: &str| json!({"properties": {"amount": {"type": "number", "class": class}}});
    let spec = |event: &str| webhook(json!({"event": event, "properties": {"include": ["amount"]}}));
    let objects = |event_name: &'static str, name: &'static str, class: &str| {
        let mut objects = routed(spec(event_name.split_once('/').unwrap_or_default().1), system(json!({})));
        objects.pop();
        objects.push((event_name, event(class)));
        objects.push((name, spec(event_name.split_once('/').unwrap_or_default().1)));
        state(&objects)
    };
    let before = objects("EventType/quote-approved", "Webhook/old", "content");
    let moved = [("EventType/quote-accepted", "EventType/quote-approved"), ("Webhook/new", "Webhook/old")];
    let mut plan = plan(&[(Move, "EventType/quote-accepted"), (Move, "Webhook/new")]);
    for (action, (_, from)) in plan.actions.iter_mut().zip(moved) {
        action.from = Some(address(from));
    }
    let of = |class: &str| {
        let states = states(before.clone(), objects("EventType/quote-accepted", "Webhook/new", class), &moved);
        let flows = Flows::new(&states).of_plan(&plan);
        flows
            .iter()
            .map(|flow| format!("{} {} via {}", flow.change.as_str(), shown(flow), flow.via))
            .collect::<Vec<_>>()
    };
    let line =
        |change: &str, class: &str| format!("{change} {class} quote-accepted.amount → hooks.test via Webhook/new");
    assert_eq!(of("content"), [line("kept", "content")]);
    assert_eq!(of("personal"), [line("added", "personal"), line("removed", "content")], "another class is news");
}

#[test]
fn flows_are_found_by_object() {
    let objects = routed(chosen(&["os"]), system(json!({})));
    let flows = of_state(&state(&objects), &address("Webhook/w"));
    assert_eq!(flows_of(&flows, &address("Webhook/w")).count(), 1);
    assert_eq!(flows_of(&flows, &address("Webhook/x")).count(), 0);
}
