//! `trueup test`: what it prints, how it ends, what it points at.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Value, json};

use crate::support::Project;

/// A project of every sort of thing that can be tested.
const PROJECT: &str = r####"
apiVersion: trueup/v1
kind: System
metadata: { name: crm }
spec:
  platform: web
  endUserId: { hash: { algorithm: sha256, salt: { fromEnv: NOT_SET } } }
  censor: { properties: [pageTitle], events: [dxa.page-viewed] }
---
apiVersion: trueup/v1
kind: System
metadata: { name: desk }
spec: { platform: workstation }
---
apiVersion: trueup/v1
kind: Destination
metadata: { name: chat }
spec:
  platform: Chat
  method: POST
  url: https://chat.acme.test/x
  auth: { type: bearer, token: { fromEnv: NOT_SET } }
  headers: { X-Key: { fromEnv: NOT_SET_EITHER } }
---
apiVersion: trueup/v1
kind: Destination
metadata: { name: query }
spec: { platform: Query, method: GET, url: https://query.acme.test/x }
---
apiVersion: trueup/v1
kind: Webhook
metadata: { name: low }
spec:
  system: crm
  event: survey.submitted
  conditions:
    - { property: score, operator: lessThan, value: 7 }
    - any:
        - { property: country, operator: equalTo, value: DE }
        - { property: country, operator: equalTo, value: FR }
  properties:
    include: [endUserId, score, pageTitle]
    rename: { endUserId: user_id }
    static: { source: trueup }
  destination: chat
---
apiVersion: trueup/v1
kind: Webhook
metadata: { name: views }
spec: { system: crm, event: menu.opened, properties: { include: [itemName] }, destination: query }
---
apiVersion: trueup/v1
kind: Webhook
metadata: { name: silent }
spec: { system: crm, event: survey.dismissed, destination: chat, enabled: false }
---
apiVersion: trueup/v1
kind: Template
metadata: { name: lead }
spec:
  system: desk
  title: New lead
  runtimeTitle: "Lead ###NAME###"
  body: "###NAME### is yours."
  locales:
    de: { body: "###NAME### gehört dir." }
---
apiVersion: trueup/v1
kind: Audience
metadata: { name: sales }
spec: { match: { property: department, operator: equalTo, value: Sales } }
---
apiVersion: trueup/v1
kind: Audience
metadata: { name: pilots }
spec: { members: [ana@acme.test] }
---
apiVersion: trueup/v1
kind: Notification
metadata: { name: reminder }
spec: { system: desk, template: lead, audiences: [sales, pilots], startAt: "2099-01-01", override: { NAME: x } }
---
apiVersion: trueup/v1
kind: Workflow
metadata: { name: flow }
spec:
  data:
    - { name: AMOUNT, type: numeric, default: 1 }
  start: ask
  steps:
    - name: ask
      type: sayGather
      say: Who?
      gather: { variable: who }
      routes: { gathered: call, noInput: bye }
    - name: call
      type: webhook
      method: POST
      url: "https://shop.acme.test/{{who}}"
      headers: { X-Key: { fromEnv: NOT_SET } }
      contentType: json
      body: '{"who": "{{who}}"}'
      setVariables: [{ name: id, type: variable, target: id }]
      onFailure: { set: { id: none } }
      routes: { success: size, failure: bye }
    - name: size
      type: branch
      cases:
        - when: { property: AMOUNT, operator: greaterThan, value: 100 }
          to: approve
      otherwise: bye
    - name: approve
      type: task
      assignee: lee
      routes: { completed: bye }
    - { name: bye, type: end }
"####;

fn project(cases: &str) -> Project {
    let project = Project::new();
    project.write("trueup.yaml", "apiVersion: trueup/v1\nkind: Project\nmetadata: { name: acme }\n");
    project.write("manifests.yaml", PROJECT);
    let head = "apiVersion: trueup/v1\nkind: Test\nmetadata: { name: t, labels: { team: a } }\nspec:\n  cases:\n";
    project.write("tests/t.yaml", &format!("{head}{cases}"));
    project
}

/// The differences of the only case: path, expected, actual, and the first place that decided.
fn differences(case: &str) -> Vec<(String, Value, Value, String)> {
    let project = project(&format!("    - {case}\n"));
    let run = project.run(&["test", "-o", "json"]);
    assert_eq!(run.code, 1, "{}{}", run.out, run.err);
    let report: Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(report["summary"], json!({"passed": 0, "failed": 1, "errors": 0}), "{report:#}");
    let found = report["cases"][0]["differences"].as_array().cloned().unwrap_or_default();
    found
        .iter()
        .map(|difference| {
            assert_eq!(difference["file"], "tests/t.yaml", "{difference}");
            let decided = &difference["decided_by"][0];
            let line = PROJECT
                .lines()
                .nth(decided["line"].as_u64().and_then(|line| usize::try_from(line).ok()).map_or(0, |line| line - 1));
            let place = format!(
                "{} {}: {} <{}>",
                decided["address"].as_str().unwrap_or_default(),
                decided["path"].as_str().unwrap_or_default(),
                decided["message"].as_str().unwrap_or_default(),
                line.unwrap_or_default().trim()
            );
            let path = difference["path"].as_str().unwrap_or_default().to_owned();
            (path, difference["expected"].clone(), difference["actual"].clone(), place)
        })
        .collect()
}

fn only(case: &str) -> (String, Value, Value, String) {
    let mut found = differences(case);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

#[test]
fn the_field_of_a_webhook_that_decided_is_pointed_at() {
    let event = |properties: &str, expect: &str| {
        format!(
            "{{ name: c, event: {{ event: survey.submitted, system: crm, endUserId: u1, properties: {properties} }}, expect: {{ deliveries: {expect} }} }}"
        )
    };
    let (path, expected, actual, place) = only(&event("{ score: 9, country: DE }", "[{ webhook: low }]"));
    assert_eq!((path.as_str(), expected, actual), ("deliveries[low]", json!({"webhook": "low"}), Value::Null));
    let row = "<- { property: score, operator: lessThan, value: 7 }>";
    assert_eq!(place, format!("Webhook/low spec.conditions[0]: `score` is 9: `lessThan 7` does not hold {row}"));

    let (path, expected, actual, place) = only(&event("{ score: 3, country: FR }", "[]"));
    assert_eq!(
        (path.as_str(), expected, &actual["body"]),
        ("deliveries[low]", Value::Null, &json!({"user_id": "u1", "score": 3, "source": "trueup"}))
    );
    assert_eq!(actual["auth"], json!({"type": "bearer", "token": {"fromEnv": "NOT_SET"}}));
    assert!(place.starts_with("Webhook/low spec.conditions[0]: `score` is 3: `lessThan 7` holds"), "{place}");

    let body = |body: &str| {
        event("{ score: 3, country: DE, pageTitle: x, answer: y }", &format!("[{{ webhook: low, {body} }}]"))
    };
    let places: Vec<(String, String)> =
        differences(&body("body: { user_id: u2, score: 4, source: other, pageTitle: x, answer: y, endUserId: u1 }"))
            .into_iter()
            .map(|(path, _, _, place)| (path.replace("deliveries[low].body.", ""), place))
            .collect();
    let expected = [
        (
            "user_id",
            "Webhook/low spec.properties.rename.endUserId: the event's `endUserId`, renamed <rename: { endUserId: user_id }>",
        ),
        ("score", "Webhook/low spec.properties.include: the event's `score` <include: [endUserId, score, pageTitle]>"),
        (
            "source",
            "Webhook/low spec.properties.static.source: `source` is a static property <static: { source: trueup }>",
        ),
        (
            "pageTitle",
            "System/crm spec.censor: System/crm drops `pageTitle` before anything is stored <censor: { properties: [pageTitle], events: [dxa.page-viewed] }>",
        ),
        (
            "answer",
            "Webhook/low spec.properties.include: `answer` is not included <include: [endUserId, score, pageTitle]>",
        ),
        (
            "endUserId",
            "Webhook/low spec.properties.rename.endUserId: `endUserId` is sent as `user_id` <rename: { endUserId: user_id }>",
        ),
    ];
    assert_eq!(places, expected.map(|(path, place)| (path.to_owned(), place.to_owned())));

    for (more, path, place) in [
        (
            "method: PUT",
            "deliveries[low].method",
            "Destination/chat spec.method: the destination's request type <method: POST>",
        ),
        (
            "url: https://x.acme.test",
            "deliveries[low].url",
            "Destination/chat spec.url: the destination's URL <url: https://chat.acme.test/x>",
        ),
        (
            "auth: { type: none }",
            "deliveries[low].auth",
            "Destination/chat spec.auth: how the destination is authenticated <auth: { type: bearer, token: { fromEnv: NOT_SET } }>",
        ),
        (
            "headers: { x-key: { fromEnv: OTHER } }",
            "deliveries[low].headers.x-key",
            "Destination/chat spec.headers.x-key: the destination's header <headers: { X-Key: { fromEnv: NOT_SET_EITHER } }>",
        ),
    ] {
        let (found, _, _, at) = only(&body(more));
        assert_eq!((found.as_str(), at.as_str()), (path, place));
    }
}

#[test]
fn why_nothing_is_delivered_is_told() {
    let case = |event: &str, webhook: &str| {
        let expect = format!("expect: {{ deliveries: [{{ webhook: {webhook} }}] }}");
        differences(&format!("{{ name: c, event: {{ {event}, system: crm }}, {expect} }}")).remove(0).3
    };
    assert_eq!(
        case("event: menu.opened, environment: x", "low"),
        "Webhook/low spec.event: it listens to `survey.submitted`, and this is `menu.opened` <event: survey.submitted>"
    );
    assert!(case("event: survey.dismissed", "silent").starts_with("Webhook/silent spec.enabled: it is not enabled"));
    assert!(
        case("event: dxa.page-viewed", "low")
            .starts_with("System/crm spec.censor.events: System/crm censors `dxa.page-viewed`")
    );
}

#[test]
fn a_request_without_a_body_says_so() {
    let event = "event: { event: menu.opened, system: crm, properties: { itemName: a b } }";
    let (path, _, actual, place) = only(&format!(
        "{{ name: c, {event}, expect: {{ deliveries: [{{ webhook: views, url: \"https://query.acme.test/x?itemName=a%20b\", body: {{ itemName: a b }} }}] }} }}"
    ));
    assert_eq!((path.as_str(), actual), ("deliveries[views].body", Value::Null));
    assert!(
        place.starts_with("Destination/query spec.method: with this request type properties go into the query"),
        "{place}"
    );
}

#[test]
fn the_text_that_was_read_is_pointed_at() {
    let case = |locale: &str, expect: &str| {
        only(&format!(
            "{{ name: c, render: {{ template: lead, {locale} override: {{ NAME: Contoso }} }}, expect: {{ {expect} }} }}"
        ))
    };
    let (path, expected, actual, place) = case("", "body: \"Contoso is not yours.\"");
    assert_eq!((path.as_str(), expected, actual), ("body", json!("Contoso is not yours."), json!("Contoso is yours.")));
    assert_eq!(place, "Template/lead spec.body: the template's own text <body: \"###NAME### is yours.\">");
    assert!(
        case("locale: de-AT,", "body: x")
            .3
            .starts_with("Template/lead spec.locales.de.body: the text of the locale `de`")
    );
    assert!(
        case("locale: de,", "runtimeTitle: x")
            .3
            .starts_with("Template/lead spec.runtimeTitle: the template's own text")
    );
    assert!(case("", "title: x").3.starts_with("Template/lead spec.title"));
    assert!(case("", "link: x").3.starts_with("Template/lead spec.button: the template has no button"));
    assert!(case("", "unresolved: [NAME]").3.starts_with("Template/lead spec.runtimeTitle: ###NAME### has a value"));
}

#[test]
fn the_row_that_let_somebody_in_is_pointed_at() {
    let (path, expected, actual, place) =
        only("{ name: c, audience: { name: sales, attributes: { department: Sale } }, expect: { member: true } }");
    assert_eq!((path.as_str(), expected, actual), ("member", json!(true), json!(false)));
    let row = "<spec: { match: { property: department, operator: equalTo, value: Sales } }>";
    assert_eq!(
        place,
        format!("Audience/sales spec.match[0]: `department` is \"Sale\": `equalTo \"Sales\"` does not hold {row}")
    );
    let place = only("{ name: c, audience: { name: pilots, endUserId: bo }, expect: { member: true } }").3;
    assert!(place.starts_with("Audience/pilots spec.members: `bo` is not one of the members"), "{place}");
}

#[test]
fn the_step_that_decided_is_pointed_at() {
    let case = |given: &str, expect: &str| {
        only(&format!("{{ name: c, workflow: {{ name: flow, {given} }}, expect: {{ {expect} }} }}"))
    };
    let (path, expected, actual, place) =
        case("inputs: { ask: ana }, responses: { call: { status: 500 } }", "path: [ask, call, size, bye]");
    assert_eq!(
        (path.as_str(), expected, actual),
        ("path", json!(["ask", "call", "size", "bye"]), json!(["ask", "call", "bye"]))
    );
    assert_eq!(
        place,
        "Workflow/flow spec.steps[call].routes.failure: `call` was left by `failure`: the answer's status is 500 <routes: { success: size, failure: bye }>"
    );

    let (_, _, _, place) =
        case("inputs: { ask: ana }, responses: { call: success }", "path: [ask, call, size, approve, bye]");
    assert_eq!(place, "Workflow/flow spec.steps[size].otherwise: `size` went on here <otherwise: bye>");
    let (_, _, _, place) = case(
        "data: { AMOUNT: 101 }, inputs: { ask: ana }, responses: { call: success, approve: completed }",
        "path: [ask, call, size, bye]",
    );
    assert_eq!(place, "Workflow/flow spec.steps[size].cases[0].to: `size` went on here <to: approve>");
    let (_, _, _, place) = case("responses: { ask: noInput }", "path: [bye]");
    assert_eq!(place, "Workflow/flow spec.start: a run begins here <start: ask>");
    let (_, _, _, place) = case("responses: { ask: noInput }", "path: [ask, bye, ask]");
    assert!(place.starts_with("Workflow/flow spec.steps[bye]: the run ends at `bye`"), "{place}");

    let success = "inputs: { ask: ana }, responses: { call: { status: 200, body: { id: 7 } } }";
    let (path, expected, actual, place) = case(success, "variables: { id: 8 }");
    assert_eq!((path.as_str(), expected, actual), ("variables.id", json!(8), json!(7)));
    assert!(
        place.starts_with("Workflow/flow spec.steps[call].setVariables[0]: `call` takes it from its answer"),
        "{place}"
    );
    let place = case("inputs: { ask: ana }, responses: { call: timeout }", "variables: { id: 8 }").3;
    assert!(place.starts_with("Workflow/flow spec.steps[call].onFailure.set.id: `call` sets it because it failed: there was no answer within 10 s"), "{place}");
    let place = case("responses: { ask: noInput }", "variables: { id: 8 }").3;
    assert!(place.starts_with("Workflow/flow spec.steps: no step that the run visited sets `id`"), "{place}");
    let place = case("responses: { ask: noInput }", "variables: { AMOUNT: 8 }").3;
    assert!(place.starts_with("Workflow/flow spec.data[AMOUNT]: no step that the run visited sets it"), "{place}");

    for (expect, path, place) in [
        ("method: PUT", "requests[call].method", "spec.steps[call].method"),
        ("url: https://x.acme.test", "requests[call].url", "spec.steps[call].url"),
        ("headers: { X-Key: x }", "requests[call].headers.X-Key", "spec.steps[call].headers.X-Key"),
        ("body: { who: bo }", "requests[call].body.who", "spec.steps[call].body"),
        ("bodyIncludes: bo", "requests[call].bodyIncludes", "spec.steps[call].body"),
    ] {
        let (found, _, _, at) = case(success, &format!("requests: [{{ step: call, {expect} }}]"));
        assert_eq!(found, path);
        assert!(at.starts_with(&format!("Workflow/flow {place}: what `call` sends")), "{at}");
    }
    let place = case("responses: { ask: noInput }", "requests: [{ step: call }]").3;
    assert!(place.starts_with("Workflow/flow spec.steps[call]: the run does not come to `call`"), "{place}");
    let (path, _, _, place) = {
        let mut found = differences(&format!(
            "{{ name: c, workflow: {{ name: flow, {success} }}, expect: {{ requests: [{{ step: call }}, {{ step: call }}] }} }}"
        ));
        found.remove(0)
    };
    assert_eq!(path, "requests[name=\"call 2\"]");
    assert!(place.contains("`call` makes no further request"), "{place}");
}

#[test]
fn what_cannot_be_evaluated_is_an_error_with_a_reason() {
    let error = |case: &str| {
        let project = project(&format!("    - {case}\n"));
        let run = project.run(&["test", "-o", "json"]);
        assert_eq!(run.code, 1, "{}{}", run.out, run.err);
        let report: Value = serde_json::from_str(&run.out).expect("JSON");
        assert_eq!(report["summary"], json!({"passed": 0, "failed": 0, "errors": 1}), "{report:#}");
        assert_eq!(report["cases"][0]["outcome"], "error");
        report["cases"][0]["error"].clone()
    };
    let found = error("{ name: c, workflow: { name: flow, inputs: { ask: ana } }, expect: { path: [ask] } }");
    assert_eq!(found["message"], "the run comes to `call`, and the case does not say how its request ends");
    assert_eq!(found["help"], "add `call: { status: 200 }` to responses");
    assert_eq!(found["decided_by"][0]["path"], "spec.steps[call]");
    let found = error("{ name: c, workflow: { name: flow }, expect: { path: [ask] } }");
    assert!(found["message"].as_str().is_some_and(|text| text.contains("does not say what is said")), "{found}");
    let found = error(
        "{ name: c, workflow: { name: flow, data: { AMOUNT: 101 }, inputs: { ask: ana }, responses: { call: success } }, expect: { path: [ask] } }",
    );
    assert!(found["message"].as_str().is_some_and(|text| text.contains("does not say how its task ends")), "{found}");
}

const TWO: &str = "    - { name: from Germany, audience: { name: sales, attributes: { department: Sales } }, expect: { member: true } }\n    - { name: from France, audience: { name: sales }, expect: { member: true } }\n";

#[test]
fn text_has_a_line_a_test_failures_in_full_and_the_counts_last() {
    let project = project(TWO);
    let run = project.run(&["test"]);
    assert_eq!((run.code, run.err.as_str()), (1, ""));
    let expected = "\
failed  t  1 passed, 1 failed

failed: t: from France
  --> tests/t.yaml:7:15

  member
    expected  true
    actual    false
  --> tests/t.yaml:7:73
   |
 7 |     - { name: from France, audience: { name: sales }, expect: { member: true } }
   |                                                                         ^^^^ expected here
  ::: manifests.yaml:80:16
   |
80 | spec: { match: { property: department, operator: equalTo, value: Sales } }
   |                --------------------------------------------------------- `department` is absent: `equalTo \"Sales\"` does not hold

Tests: 1 passed, 1 failed, 0 errors.
";
    let got: Vec<&str> = run.out.lines().collect();
    let want: Vec<&str> = expected.lines().collect();
    // The line of the manifest moves with the project above; everything else is as it is.
    assert_eq!(got.len(), want.len(), "{}", run.out);
    assert_eq!(got[..10], want[..10], "{}", run.out);
    assert_eq!(got.last(), want.last());
    assert!(run.out.contains("::: manifests.yaml:") && run.out.contains("`department` is absent"), "{}", run.out);
}

#[test]
fn cases_are_selected_and_a_selection_of_nothing_is_a_slip() {
    let project = project(TWO);
    let counts = |arguments: &[&str]| {
        let run = project.run(&[&["test"], arguments].concat());
        (run.code, run.out.lines().last().unwrap_or_default().to_owned(), run.err)
    };
    let passed = (0, "Tests: 1 passed, 0 failed, 0 errors.".to_owned(), String::new());
    assert_eq!(counts(&["--case", "germany"]), passed);
    assert_eq!(counts(&["--test", "t*", "-l", "team=a", "--case", "GERMANY"]), passed);
    assert_eq!(counts(&["tests", "--case", "germany"]), passed);
    for (arguments, help) in [
        (&["--test", "tt"][..], "did you mean --test t?"),
        (&["-l", "team=b"], "leave one out"),
        (&["--case", "Spain"], "leave one out"),
        (&["manifests.yaml"], "there are no tests in the path given"),
    ] {
        let (code, out, err) = counts(arguments);
        assert_eq!((code, out.as_str()), (3, ""), "{arguments:?} {err}");
        assert!(err.contains("no case is selected") && err.contains(help), "{err}");
    }
    std::fs::remove_file(project.join("tests/t.yaml")).expect("removed");
    let (code, out, err) = counts(&[]);
    assert_eq!((code, out.as_str()), (0, "Tests: 0 passed, 0 failed, 0 errors."));
    assert!(err.contains("no manifests of kind Test"), "{err}");
}

#[test]
fn a_project_with_errors_is_not_tested() {
    let project = project("    - { name: c, audience: { name: sale }, expect: { member: true } }\n");
    let run = project.run(&["test"]);
    assert_eq!((run.code, run.out.as_str()), (3, ""));
    assert!(run.err.contains("tests/t.yaml:6:36") && run.err.contains("did you mean `sales`?"), "{}", run.err);
    let run = project.run(&["test", "-o", "json"]);
    let report: Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!((run.code, &report["diagnostics"][0]["code"]), (3, &json!("unknown-reference")));
}

#[test]
fn json_fits_its_schema_and_says_what_was_promised() {
    let project = project(TWO);
    let run = project.run(&[
        "test",
        "-o",
        "json",
        "--coverage",
        "--output-file",
        "json=out.json",
        "--output-file",
        "text=out.txt",
    ]);
    let report: Value = serde_json::from_str(&run.out).expect("JSON");
    let schema: Value = serde_json::from_str(&project.ok(&["schema", "test-report"]).out).expect("a schema");
    let validator = jsonschema::validator_for(&schema).expect("a valid schema");
    let errors: Vec<String> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    assert_eq!(report["format_version"], "1.0");
    let case = &report["cases"][1];
    assert_eq!(
        (&case["test"], &case["name"], &case["file"], &case["line"]),
        (&json!("t"), &json!("from France"), &json!("tests/t.yaml"), &json!(7))
    );
    assert_eq!((&case["outcome"], &case["differences"][0]["path"]), (&json!("failed"), &json!("member")));
    assert_eq!(report["summary"], json!({"passed": 1, "failed": 1, "errors": 0}));
    let read = |path: &str| std::fs::read_to_string(project.join(path)).expect("a file");
    assert_eq!(read("out.json"), run.out);
    assert!(read("out.txt").ends_with("Tests: 1 passed, 1 failed, 0 errors.\n"));
    let wrong = project.run(&["test", "--output-file", "html=x"]);
    assert_eq!(wrong.code, 64);
}

#[test]
fn coverage_lists_what_no_case_touches() {
    let project = project(TWO);
    let coverage = |project: &Project| {
        let run = project.run(&["test", "-o", "json", "--coverage"]);
        let report: Value = serde_json::from_str(&run.out).expect("JSON");
        report["coverage"].clone()
    };
    let found = coverage(&project);
    let counts = |found: &Value| {
        ["webhooks", "conditions", "routes", "placeholders"]
            .map(|sort| (found[sort]["touched"].as_u64().unwrap_or(99), found[sort]["total"].as_u64().unwrap_or(99)))
    };
    assert_eq!(counts(&found), [(0, 3), (1, 5), (0, 7), (0, 1)]);
    assert_eq!(found["conditions"]["missed"][0]["what"], "score lessThan 7");
    assert_eq!(found["routes"]["missed"][0]["path"], "spec.steps[ask].routes.gathered");
    assert_eq!(found["placeholders"]["missed"][0]["what"], "NAME");
    project.write("tests/more.yaml", r"
apiVersion: trueup/v1
kind: Test
metadata: { name: more }
spec:
  cases:
    - name: a
      event: { event: survey.submitted, system: crm, properties: { score: 3, country: DE } }
      expect: { deliveries: [{ webhook: low }] }
    - name: b
      render: { template: lead, override: { NAME: x } }
      expect: { unresolved: [] }
    - name: c
      workflow: { name: flow, data: { AMOUNT: 200 }, inputs: { ask: x }, responses: { call: success, approve: completed } }
      expect: { variables: { AMOUNT: 200 } }
");
    let found = coverage(&project);
    assert_eq!(counts(&found), [(1, 3), (5, 5), (4, 7), (1, 1)]);
    let never: Vec<&Value> =
        found["conditions"]["never_held"].as_array().into_iter().flatten().map(|row| &row["what"]).collect();
    assert_eq!(never, ["country equalTo \"FR\""]);
    let text = project.run(&["test", "--coverage"]).out;
    assert!(
        text.contains("\n  conditions       5 of 5\n    always held  Webhook/low score lessThan 7  manifests.yaml:")
            && text.contains("\n    never held   Webhook/low country equalTo \"FR\"  manifests.yaml:"),
        "{text}"
    );
    assert!(text.contains("    not touched  Workflow/flow size otherwise  manifests.yaml:"), "{text}");
    let without: Value = serde_json::from_str(&project.run(&["test", "-o", "json"]).out).expect("JSON");
    assert_eq!(without["coverage"], Value::Null);
}

/// Elements and attributes that the schema of the Jenkins xUnit plugin (junit-10.xsd) allows, and where. `.ci/check-junit`
/// asks the schema itself.
fn check_junit(xml: &str) -> Vec<(String, String)> {
    let mut reader = Reader::from_str(xml);
    let mut open: Vec<String> = Vec::new();
    let mut cases = Vec::new();
    loop {
        let event = reader.read_event().expect("well-formed");
        let (start, is_empty) = match &event {
            Event::Start(start) => (start, false),
            Event::Empty(start) => (start, true),
            Event::End(_) => {
                open.pop();
                continue;
            }
            Event::Eof => break,
            _ => continue,
        };
        let name = String::from_utf8(start.name().as_ref().as_bytes().to_vec()).expect("a name");
        let attributes: Vec<(String, String)> = start
            .attributes()
            .map(|attribute| {
                let attribute = attribute.expect("an attribute");
                let value = quick_xml::escape::unescape(&attribute.value).expect("a value").into_owned();
                (attribute.key.as_ref().to_owned(), value)
            })
            .collect();
        let parent = open.last().map_or("", String::as_str);
        let (allowed, required): (&[&str], &[&str]) = match (parent, name.as_str()) {
            ("", "testsuites") => (&["name", "tests", "failures", "errors"], &[]),
            ("testsuites", "testsuite") => {
                (&["name", "tests", "failures", "errors", "file"], &["name", "tests", "failures", "errors"])
            }
            ("testsuite", "testcase") => (&["name", "classname"], &["name"]),
            ("testcase", "failure" | "error") => (&["message", "type"], &[]),
            other => panic!("{other:?} has no place"),
        };
        assert!(attributes.iter().all(|(key, _)| allowed.contains(&key.as_str())), "{name} {attributes:?}");
        assert!(required.iter().all(|key| attributes.iter().any(|(other, _)| other == key)), "{name} {attributes:?}");
        let value = |key: &str| attributes.iter().find(|(other, _)| other == key).map(|(_, value)| value.clone());
        if name == "testcase" {
            cases.push((value("name").unwrap_or_default(), "passed".to_owned()));
        } else if let (Some(last), "failure" | "error") = (cases.last_mut(), name.as_str()) {
            last.1.clone_from(&name);
        }
        if !is_empty {
            open.push(name);
        }
    }
    assert_eq!(open, Vec::<String>::new());
    cases
}

#[test]
fn junit_has_its_form_whatever_the_names_are() {
    let hostile = r"</testcase>]]><x a='1'>&amp;\u001b[31m\n";
    let project =
        project(&format!("{TWO}    - {{ name: \"{hostile}\", workflow: {{ name: flow }}, expect: {{ path: [] }} }}\n"));
    let run = project.run(&["test", "-o", "junit", "--output-file", "junit=out.xml"]);
    assert_eq!(run.code, 1, "{}", run.err);
    let cases = check_junit(&run.out);
    let expected = [
        ("from Germany", "passed"),
        ("from France", "failure"),
        ("</testcase>]]><x a='1'>&amp;\\u{1b}[31m\n", "error"),
    ];
    assert_eq!(cases, expected.map(|(name, outcome)| (name.to_owned(), outcome.to_owned())));
    assert!(run.out.contains(r#"<testsuites name="trueup" tests="3" failures="1" errors="1">"#), "{}", run.out);
    assert!(!run.out.contains('\u{1b}'));
    assert_eq!(std::fs::read_to_string(project.join("out.xml")).expect("a file"), run.out);
}

#[test]
fn many_cases_come_in_order_whatever_ends_first() {
    let mut cases = String::new();
    for n in 0..300 {
        let expected = n % 3 != 0;
        cases.push_str(&format!("    - {{ name: case {n}, audience: {{ name: sales, attributes: {{ department: Sales }} }}, expect: {{ member: {expected} }} }}\n"));
    }
    let project = project(&cases);
    let first = project.run(&["test", "-o", "json"]).out;
    let report: Value = serde_json::from_str(&first).expect("JSON");
    assert_eq!(report["summary"], json!({"passed": 200, "failed": 100, "errors": 0}));
    let names: Vec<String> = report["cases"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|case| case["name"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(names, (0..300).map(|n| format!("case {n}")).collect::<Vec<_>>());
    assert_eq!(project.run(&["test", "-o", "json"]).out, first);
}
