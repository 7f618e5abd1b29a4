use serde_json::{Value, json};

use super::*;
use crate::lint::sample::{SYSTEM, project};
use crate::object::action::ActionKind::{self, Delete, Move, Update};
use crate::review::sample::{destination, plan, state, states, system, webhook};

fn objects(webhooks: &[(&'static str, Value)]) -> Vec<(&'static str, Value)> {
    let mut objects = vec![("System/crm", system(json!({}))), ("Destination/d", destination("https://a.test"))];
    objects.extend(webhooks.iter().cloned());
    objects
}

fn said(
    action: ActionKind,
    at: &str,
    before: &[(&'static str, Value)],
    after: &[(&'static str, Value)],
) -> Vec<String> {
    let states = states(state(before), state(after), &[]);
    let desired = project(&[SYSTEM]);
    check(&plan(&[(action, at)]), &states, &desired).into_iter().map(|warning| warning.message).collect()
}

const LOST: &str = "`survey.submitted` of System/crm has a listener before this change and none after it: ";

#[test]
fn the_last_listener_is_told_with_what_becomes_of_it() {
    let before = objects(&[("Webhook/w", webhook(json!({})))]);
    let lost = |after: &[(&'static str, Value)], becomes: &str| {
        assert_eq!(said(Update, "Webhook/w", &before, after), [format!("{LOST}Webhook/w {becomes}")]);
    };
    lost(&objects(&[]), "is removed");
    lost(&objects(&[("Webhook/w", webhook(json!({"enabled": false})))]), "is disabled");
    lost(
        &objects(&[("Webhook/w", webhook(json!({"event": "launcher.clicked"})))]),
        "listens to `launcher.clicked` of System/crm instead",
    );
    let impossible = json!([{"property": "score", "operator": "lessThan", "value": 3},
                            {"property": "score", "operator": "greaterThan", "value": 7}]);
    lost(&objects(&[("Webhook/w", webhook(json!({ "conditions": impossible })))]), "has conditions that never hold");
    let mut censored = before.clone();
    censored[0].1 = system(json!({"censor": {"events": ["survey.submitted"]}}));
    lost(&censored, "listens, and System/crm drops the event (spec.censor.events)");
}

#[test]
fn an_event_that_is_still_heard_or_gone_is_fine() {
    let none = [""; 0];
    let two = objects(&[("Webhook/a", webhook(json!({}))), ("Webhook/b", webhook(json!({})))]);
    let one = objects(&[("Webhook/b", webhook(json!({})))]);
    assert_eq!(said(Delete, "Webhook/a", &two, &one), none);
    assert_eq!(said(Delete, "Webhook/b", &one, &[]), none, "its system goes too");
    let silent = objects(&[("Webhook/b", webhook(json!({"enabled": false})))]);
    assert_eq!(said(Update, "Webhook/b", &silent, &silent), none, "nobody listened before");
    let own = |events: &[(&'static str, Value)]| {
        let mut objects = objects(&[]);
        objects.extend(events.iter().cloned());
        objects
    };
    let event = ("EventType/e", json!({"properties": {"a": {"type": "string", "class": "content"}}}));
    let before = own(&[event, ("Webhook/w", webhook(json!({"event": "e"})))]);
    assert_eq!(said(Delete, "EventType/e", &before, &own(&[])), none, "there is no such event any more");
}

#[test]
fn what_is_renamed_is_heard_as_before() {
    let event = json!({"properties": {"a": {"type": "string", "class": "content"}}});
    let of = |system_name: &'static str, event_at: &'static str, name: &'static str| {
        let (system_at, system_name) = (system_name, system_name.trim_start_matches("System/"));
        let event_name = event_at.trim_start_matches("EventType/");
        let listener = webhook(json!({"system": system_name, "event": event_name}));
        let destination = ("Destination/d", destination("https://a.test"));
        state(&[(system_at, system(json!({}))), destination, (event_at, event.clone()), (name, listener)])
    };
    let (before, after) =
        (of("System/crm", "EventType/e", "Webhook/w"), of("System/sales", "EventType/f", "Webhook/x"));
    let moved = [("System/sales", "System/crm"), ("EventType/f", "EventType/e"), ("Webhook/x", "Webhook/w")];
    let states = states(before, after, &moved);
    assert_eq!(check(&plan(&[(Move, "System/sales")]), &states, &project(&[SYSTEM])).len(), 0);
}
