//! Every diagnostic of a Test, each with the place it points at.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::TestSpec;
use crate::base::code::Code;
use crate::kinds::client_side::ClientSide;
use crate::kinds::finding::Findings;
use crate::kinds::{Address, Kind, ManifestKind, Spec, schema};

/// A small project.
fn scope() -> BTreeMap<Address, Spec> {
    let workflow = json!({
        "data": [
            {"name": "EMAIL", "type": "text", "required": true}, {"name": "N", "type": "numeric"},
            {"name": "FILE", "type": "file"}, {"name": "AT", "type": "datetime"},
        ],
        "start": "ask",
        "steps": [
            {"name": "ask", "type": "sayGather", "say": "?", "gather": {"variable": "answer"}, "routes": {"gathered": "call", "noInput": "bye"}},
            {"name": "call", "type": "webhook", "method": "GET", "url": "https://a.test", "routes": {"success": "work", "failure": "bye"}},
            {"name": "work", "type": "task", "assignee": "lee", "routes": {"completed": "bye"}},
            {"name": "bye", "type": "end"},
        ],
    });
    let objects = [
        (Kind::System, "crm", json!({"platform": "web", "environments": {"live": {}}})),
        (Kind::Destination, "chat", json!({"platform": "Chat", "method": "POST", "url": "https://a.test"})),
        (Kind::Webhook, "nps", json!({"system": "crm", "event": "survey.submitted", "destination": "chat"})),
        (Kind::Template, "lead", json!({"title": "Lead", "body": "###NAME###"})),
        (Kind::Audience, "sales", json!({"match": [{"property": "a", "operator": "exists"}]})),
        (Kind::Audience, "pilots", json!({"members": ["ana"]})),
        (Kind::EventType, "due", json!({"properties": {"on": {"type": "datetime", "class": "technical"}}})),
        (Kind::Workflow, "flow", workflow),
    ];
    let object = |(kind, name, spec): (Kind, &str, Value)| {
        let address: Address = format!("{kind}/{name}").parse().expect("an address");
        (address, kind.read_spec(&spec).expect("a readable spec"))
    };
    objects.into_iter().map(object).collect()
}

/// Codes and places below the first case.
fn found(case: Value) -> Vec<(Code, String)> {
    all_found(Value::Array(vec![case])).into_iter().map(|(code, at)| (code, at.replace("spec.cases[0].", ""))).collect()
}

fn all_found(cases: Value) -> Vec<(Code, String)> {
    let spec = Value::Object([("cases".to_owned(), cases)].into_iter().collect());
    let document = json!({"apiVersion": "trueup/v1", "kind": "Test", "metadata": {"name": "t"}, "spec": spec.clone()});
    let kind: ManifestKind = "Test".parse().expect("a kind");
    let validator = schema::validator(kind).expect("a validator");
    let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    let spec: TestSpec = serde_json::from_value(spec).expect("a readable spec");
    let mut findings = Findings::default();
    spec.check(&mut findings);
    spec.check_in(&scope(), &mut findings);
    findings.into_vec().into_iter().map(|finding| (finding.code, finding.path.to_string())).collect()
}

fn case(sort: &str, given: Value, expect: Value) -> Value {
    let fields = [("name", "c".into()), (sort, given), ("expect", expect)];
    Value::Object(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

fn event(more: Value, expect: Value) -> Value {
    let mut event = json!({"event": "survey.submitted", "system": "crm"});
    if let (Value::Object(event), Value::Object(more)) = (&mut event, more) {
        event.extend(more);
    }
    case("event", event, expect)
}

fn run(more: Value, expect: Value) -> Value {
    let mut run = json!({"name": "flow", "data": {"EMAIL": "x"}});
    if let (Value::Object(run), Value::Object(more)) = (&mut run, more) {
        run.extend(more);
    }
    case("workflow", run, expect)
}

fn at(code: Code, path: &str) -> Vec<(Code, String)> {
    vec![(code, path.to_owned())]
}

#[test]
fn sound_cases_are_sound() {
    assert_eq!(found(event(json!({"properties": {"score": 1}}), json!({"deliveries": [{"webhook": "nps"}]}))), []);
    let responses = json!({"call": [{"status": 200, "body": [1]}, "timeout"], "work": "completed"});
    let more = json!({"inputs": {"ask": ["a", "b"]}, "responses": responses, "data": {"EMAIL": "x", "FILE": {"name": "a"}, "AT": "2031-01-01"}});
    assert_eq!(
        found(run(more, json!({"path": ["ask"], "variables": {"answer.x": 1}, "requests": [{"step": "call"}]}))),
        []
    );
    let render = json!({"name": "c", "render": {"template": "lead", "override": {"###NAME###": "x"}}, "expect": {"body": "x", "unresolved": ["NAME"]}});
    assert_eq!(found(render), []);
    assert_eq!(
        found(json!({"name": "c", "audience": {"name": "pilots", "endUserId": "ana"}, "expect": {"member": true}})),
        []
    );
}

#[test]
fn a_case_is_of_one_sort_and_expects_what_fits_it() {
    assert_eq!(found(json!({"name": "c", "expect": {"member": true}})), at(Code::ExclusiveFields, "name"));
    let both =
        json!({"name": "c", "audience": {"name": "sales"}, "render": {"template": "lead"}, "expect": {"member": true}});
    assert_eq!(found(both), at(Code::ExclusiveFields, "audience"));
    assert_eq!(found(event(json!({}), json!({}))), at(Code::MissingField, "expect"));
    assert_eq!(found(event(json!({}), json!({"member": true}))), at(Code::UnfitExpectation, "expect.member"));
    let cases = json!([event(json!({}), json!({"deliveries": []})), event(json!({}), json!({"deliveries": []}))]);
    assert_eq!(all_found(cases), at(Code::DuplicateCase, "spec.cases[1].name"));
}

#[test]
fn names_refer_to_something() {
    let expect = || json!({"deliveries": []});
    assert_eq!(found(event(json!({"system": "crn"}), expect())), at(Code::UnknownReference, "event.system"));
    assert_eq!(found(event(json!({"event": "survey.submited"}), expect())), at(Code::UnknownEvent, "event.event"));
    assert_eq!(found(event(json!({"environment": "life"}), expect())), at(Code::InvalidValue, "event.environment"));
    let delivery = json!({"deliveries": [{"webhook": "npx"}]});
    assert_eq!(found(event(json!({}), delivery)), at(Code::UnknownReference, "expect.deliveries[0].webhook"));
    let audience = json!({"name": "c", "audience": {"name": "sale"}, "expect": {"member": true}});
    assert_eq!(found(audience), at(Code::UnknownReference, "audience.name"));
    let render = json!({"name": "c", "render": {"template": "led"}, "expect": {"body": ""}});
    assert_eq!(found(render), at(Code::UnknownReference, "render.template"));
    let workflow = json!({"name": "c", "workflow": {"name": "flaw"}, "expect": {"path": []}});
    assert_eq!(found(workflow), at(Code::UnknownReference, "workflow.name"));
    let render = json!({"name": "c", "render": {"template": "lead", "override": {"NAM": "x"}}, "expect": {"unresolved": ["NAMES"]}});
    let places = [
        (Code::UnknownOverride, "render.override.NAM".to_owned()),
        (Code::UnknownOverride, "expect.unresolved[0]".to_owned()),
    ];
    assert_eq!(found(render), places);
}

#[test]
fn slips_are_recognised() {
    let spec =
        json!({"cases": [event(json!({"properties": {"scor": 1}}), json!({"deliveries": [{"webhook": "npx"}]}))]});
    let spec: TestSpec = serde_json::from_value(spec).expect("a readable spec");
    let mut findings = Findings::default();
    spec.check_in(&scope(), &mut findings);
    let helps: Vec<Option<String>> = findings.into_vec().into_iter().map(|finding| finding.help).collect();
    assert_eq!(helps, [Some("did you mean `score`?".to_owned()), Some("did you mean `nps`?".to_owned())]);
}

#[test]
fn properties_are_known_and_typed() {
    let properties = |properties: Value| found(event(json!({ "properties": properties }), json!({"deliveries": []})));
    assert_eq!(properties(json!({"scor": 1})), at(Code::UnknownProperty, "event.properties.scor"));
    assert_eq!(properties(json!({"score": "1"})), at(Code::WrongType, "event.properties.score"));
    let places = [(Code::InvalidValue, "event.properties.eventId".to_owned())];
    assert_eq!(properties(json!({"eventId": "1"})), places);
    let occurred = event(json!({"occurredAt": "soon"}), json!({"deliveries": []}));
    assert_eq!(found(occurred), at(Code::InvalidTime, "event.occurredAt"));
    let due = |on: Value| found(event(json!({"event": "due", "properties": {"on": on}}), json!({"deliveries": []})));
    assert_eq!(due(json!("2031-01-01")), []);
    assert_eq!(due(json!("soon")), at(Code::InvalidTime, "event.properties.on"));
    assert_eq!(due(json!(1)), at(Code::WrongType, "event.properties.on"));
}

#[test]
fn deliveries_are_expected_once_and_in_one_way() {
    let deliveries = |deliveries: Value| found(event(json!({}), json!({ "deliveries": deliveries })));
    assert_eq!(
        deliveries(json!([{"webhook": "nps"}, {"webhook": "nps"}])),
        at(Code::InvalidValue, "expect.deliveries[1].webhook")
    );
    let both = json!([{"webhook": "nps", "body": {}, "bodyIncludes": {}}]);
    assert_eq!(deliveries(both), at(Code::ExclusiveFields, "expect.deliveries[0].bodyIncludes"));
    assert_eq!(
        deliveries(json!([{"webhook": "nps", "bodyIncludes": 1}])),
        at(Code::WrongType, "expect.deliveries[0].bodyIncludes")
    );
    let headers = json!([{"webhook": "nps", "headers": {"Authorization": "x"}}]);
    assert_eq!(deliveries(headers), at(Code::ReservedHeader, "expect.deliveries[0].headers.Authorization"));
}

#[test]
fn audiences_are_asked_in_their_way() {
    let audience = |name: &str, more: Value| {
        let mut audience = json!({ "name": name });
        if let (Value::Object(audience), Value::Object(more)) = (&mut audience, more) {
            audience.extend(more);
        }
        found(json!({"name": "c", "audience": audience, "expect": {"member": true}}))
    };
    assert_eq!(audience("pilots", json!({})), at(Code::MissingField, "audience"));
    assert_eq!(
        audience("pilots", json!({"endUserId": "a", "attributes": {"a": 1}})),
        at(Code::Unused, "audience.attributes")
    );
    assert_eq!(audience("sales", json!({"endUserId": "a"})), at(Code::Unused, "audience.endUserId"));
}

#[test]
fn runs_are_given_what_their_workflow_has() {
    let path = || json!({"path": ["ask"]});
    let data = |data: Value| found(run(json!({ "data": data }), path()));
    assert_eq!(data(json!({})), at(Code::MissingField, "workflow.data"));
    assert_eq!(data(json!({"EMAIL": "x", "EMAL": "x"})), at(Code::UndeclaredVariable, "workflow.data.EMAL"));
    assert_eq!(data(json!({"EMAIL": 1})), at(Code::WrongType, "workflow.data.EMAIL"));
    assert_eq!(data(json!({"EMAIL": {}})), at(Code::WrongType, "workflow.data.EMAIL"));
    assert_eq!(data(json!({"EMAIL": "x", "FILE": "x"})), at(Code::WrongType, "workflow.data.FILE"));
    assert_eq!(data(json!({"EMAIL": "x", "AT": "soon"})), at(Code::InvalidTime, "workflow.data.AT"));
    let inputs = |inputs: Value| found(run(json!({ "inputs": inputs }), path()));
    assert_eq!(inputs(json!({"aks": "x"})), at(Code::UnknownReference, "workflow.inputs.aks"));
    assert_eq!(inputs(json!({"call": "x"})), at(Code::InvalidValue, "workflow.inputs.call"));
    let responses = |responses: Value| found(run(json!({ "responses": responses }), path()));
    assert_eq!(responses(json!({"cal": "success"})), at(Code::UnknownReference, "workflow.responses.cal"));
    assert_eq!(responses(json!({"call": "timout"})), at(Code::UnknownExit, "workflow.responses.call"));
    assert_eq!(responses(json!({"call": ["success", "x"]})), at(Code::UnknownExit, "workflow.responses.call[1]"));
    assert_eq!(responses(json!({"ask": "gathered"})), at(Code::UnknownExit, "workflow.responses.ask"));
    assert_eq!(responses(json!({"work": {"status": 200}})), at(Code::InvalidValue, "workflow.responses.work"));
    assert_eq!(responses(json!({"work": "cancelled"})), at(Code::UnknownExit, "workflow.responses.work"));
    assert_eq!(responses(json!({"bye": "next"})), at(Code::InvalidValue, "workflow.responses.bye"));
    let header = json!({"call": {"status": 200, "headers": {"X-A": "1", "content-type": "text/plain"}}});
    assert_eq!(responses(header), at(Code::Unused, "workflow.responses.call"));
    let both = run(json!({"inputs": {"ask": "x"}, "responses": {"ask": "noInput"}}), path());
    assert_eq!(found(both), at(Code::ExclusiveFields, "workflow.responses.ask"));
}

#[test]
fn of_runs_is_expected_what_their_workflow_has() {
    let expect = |expect: Value| found(run(json!({}), expect));
    assert_eq!(expect(json!({"path": ["ask", "by"]})), at(Code::UnknownReference, "expect.path[1]"));
    assert_eq!(expect(json!({"requests": [{"step": "cal"}]})), at(Code::UnknownReference, "expect.requests[0].step"));
    assert_eq!(expect(json!({"requests": [{"step": "ask"}]})), at(Code::InvalidValue, "expect.requests[0].step"));
    assert_eq!(expect(json!({"variables": {"anser": 1}})), at(Code::UndeclaredVariable, "expect.variables.anser"));
}

#[test]
fn limits_stand_in_the_schema() {
    let is_valid = |cases: Value| {
        let document =
            json!({"apiVersion": "trueup/v1", "kind": "Test", "metadata": {"name": "t"}, "spec": {"cases": cases}});
        let kind: ManifestKind = "Test".parse().expect("a kind");
        schema::validator(kind).expect("a validator").is_valid(&document)
    };
    let with = |workflow: Value| json!([{"name": "c", "workflow": workflow, "expect": {"path": []}}]);
    assert!(is_valid(with(json!({"name": "w"}))));
    assert!(!is_valid(json!([])));
    assert!(!is_valid(with(json!({"name": "w", "responses": {"s": {"status": 99}}}))));
    assert!(!is_valid(with(json!({"name": "w", "responses": {"s": {"statuss": 200}}}))));
    assert!(!is_valid(with(json!({"name": "w", "responses": {"s": []}}))));
    assert!(!is_valid(with(json!({"name": "w", "inputs": {"s": 1}}))));
    assert!(!is_valid(json!([{"name": "c", "audience": {"name": "a"}, "expect": {"membr": true}}])));
}
