//! Policies as the binary keeps them: in `validate` by the manifests alone, in `plan` and `apply` by what would be.

use serde_json::Value;
use trueup::review::policy::{Limits, of_plan};
use trueup::review::states::{State, States};

use crate::rig::Rig;
use crate::stories::{BASE, base_with, base_without};
use crate::support::Run;

/// A policy with one rule.
fn policy(name: &str, matches: &str, expression: &str, severity: &str) -> String {
    format!(
        "---\napiVersion: trueup/v1\nkind: Policy\nmetadata: {{ name: {name} }}\nspec:\n  match: {matches}\n  rules:\n    - expression: \"{expression}\"\n      message: {name} says no\n      severity: {severity}\n"
    )
}

/// The base with policies, which stand in a file of their own so that tests can exchange them.
fn with_policies(manifests: &str, policies: &[String]) -> Rig {
    let rig = Rig::with(manifests);
    rig.project.write("policies.yaml", &policies.concat());
    rig
}

fn says(run: &Run, code: i32, text: &str) {
    assert_eq!(run.code, code, "{}\n{}", run.out, run.err);
    assert!(run.out.contains(text) || run.err.contains(text), "{text:?} is not said:\n{}\n{}", run.out, run.err);
}

fn findings(rig: &Rig) -> Vec<(String, String, String)> {
    let run = rig.project.run(&["plan", "-o", "json", "--prune"]);
    let plan: Value =
        serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}\n{}\n{}", run.out, run.err));
    let text = |finding: &Value, field: &str| finding[field].as_str().unwrap_or_default().to_owned();
    let findings = plan["policies"].as_array().expect("a list");
    findings.iter().map(|one| (text(one, "policy"), text(one, "address"), text(one, "message"))).collect()
}

fn addresses(rig: &Rig) -> Vec<String> {
    findings(rig).into_iter().map(|(_, address, _)| address).collect()
}

#[test]
fn what_keeps_its_policies_is_planned_and_applied() {
    let rig = with_policies(
        BASE,
        &[policy("https", "{ kinds: [Destination] }", "object.spec.url.startsWith('https://')", "error")],
    );
    rig.project.ok(&["validate"]);
    let plan = rig.project.ok(&["plan"]);
    assert!(!plan.out.contains("Policies:"), "{}", plan.out);
    rig.project.ok(&["apply", "-y"]);
    assert_eq!(findings(&rig), []);
}

/// The position is the field's that the rule is about; a warning is said and changes nothing.
#[test]
fn a_broken_rule_refuses_and_a_warning_does_not() {
    let plain = base_with(&[("url: https://chat.acme.test/hook", "url: http://chat.acme.test/hook")]);
    let line = 1 + plain.lines().position(|line| line.contains("url: http://")).expect("a line");
    let rule =
        |severity| policy("https", "{ kinds: [Destination] }", "object.spec.url.startsWith('https://')", severity);
    let rig = with_policies(&plain, &[rule("warning")]);
    let run = rig.project.ok(&["validate"]);
    assert!(run.err.contains("warning[policy-violation]: https says no"), "{}", run.err);
    says(&rig.project.ok(&["plan"]), 0, "warning: Destination/chat  https says no");
    rig.project.ok(&["apply", "-y"]);

    rig.project.write("policies.yaml", &rule("error"));
    let run = rig.project.run(&["validate"]);
    says(&run, 5, "error[policy-violation]: https says no");
    says(&run, 5, &format!("manifests.yaml:{line}:8"));
    says(&run, 5, "Policy/https demands it");
    let run = rig.project.run(&["plan"]);
    says(&run, 5, "error: Destination/chat  https says no");
    says(&run, 5, &format!("manifests.yaml:{line}:8  Policy/https"));
    says(&run, 5, "1 violation of the policies");
    // Nothing changes, and it is refused all the same: what is live breaks the rule.
    says(&run, 5, "No changes.");
    assert_eq!(rig.project.run(&["plan", "--detailed-exitcode"]).code, 5);

    let run = rig.project.run(&["validate", "-o", "json"]);
    let document: Value = serde_json::from_str(&run.out).expect("a document");
    let all = document["diagnostics"].as_array().expect("a list");
    let found = all.iter().find(|found| found["code"] == "policy-violation").expect("a violation");
    assert_eq!((&found["line"], &found["column"]), (&Value::from(line), &Value::from(8)));
}

#[test]
fn apply_refuses_before_it_writes_and_saved_plans_too() {
    let no = policy("none", "{ kinds: [Destination] }", "action == 'unchanged'", "error");
    let rig = with_policies(BASE, std::slice::from_ref(&no));
    let before = rig.state();
    says(&rig.project.run(&["apply", "-y"]), 5, "1 violation of the policies");
    assert!(rig.state() == before, "apply wrote something");

    let run = rig.project.run(&["plan", "--out", "plan.json"]);
    assert_eq!(run.code, 5, "{}", run.err);
    says(&rig.project.run(&["apply", "-y", "plan.json"]), 5, "1 violation of the policies");
    assert!(rig.state() == before, "apply wrote something");
    says(&rig.project.ok(&["show", "plan.json"]), 0, "none says no");

    // A plan that was approved under other policies was not approved.
    rig.project.write("policies.yaml", &no.replace("error", "warning"));
    rig.project.ok(&["plan", "--out", "plan.json"]);
    rig.project.write("policies.yaml", &no);
    says(&rig.project.run(&["apply", "-y", "plan.json"]), 6, "changed since the plan was made");
    rig.project.write("policies.yaml", &no.replace("error", "warning"));
    says(&rig.project.run(&["apply", "-y", "plan.json"]), 0, "Apply complete!");
}

/// Of several reasons the one that stands first in the list of exit codes.
#[test]
fn the_worse_reason_gives_the_exit_code() {
    let never = policy("never", "{ kinds: [Destination] }", "action != 'delete'", "error");
    let rig = with_policies(BASE, &[]);
    rig.converge();
    rig.write(&base_without(&["IncomingWebhook/shop", "Workflow/newsletter", "Webhook/nps", "Destination/chat"]));
    rig.project.write("policies.yaml", &never);
    let before = rig.state();
    // 9 before 5.
    let run = rig.project.run(&["apply", "-y", "--prune", "--max-deletes", "1"]);
    says(&run, 9, "--max-deletes");
    says(&run, 9, "1 violation of the policies");
    says(&rig.project.run(&["apply", "-y", "--prune", "--max-deletes", "100"]), 5, "1 violation of the policies");
    assert!(rig.state() == before, "apply wrote something");
    // 3: with manifests that are not sound no policy is asked.
    rig.project.write("broken.yaml", "apiVersion: trueup/v1\nkind: Destination\nmetadata: { name: x }\nspec: {}\n");
    let run = rig.project.run(&["validate"]);
    says(&run, 3, "missing-field");
    assert!(!run.err.contains("policy-violation"), "{}", run.err);
}

#[test]
fn each_variable_is_seen() {
    let rig = with_policies(BASE, &[]);
    rig.converge();
    let changed = base_with(&[("X-Team: red", "X-Team: blue"), ("name: nps, labels", "name: nps2, labels")]);
    rig.write(&changed);
    let broken = |matches: &str, expression: &str| {
        rig.project.write("policies.yaml", &policy("p", matches, expression, "error"));
        addresses(&rig)
    };
    let destinations = "{ kinds: [Destination] }";
    assert_eq!(
        broken(destinations, "object.spec.headers['X-Team'] == before.spec.headers['X-Team']"),
        ["Destination/chat"]
    );
    assert_eq!(broken(destinations, "object.kind == 'Destination' && object.metadata.name == 'chat'"), [""; 0]);
    assert_eq!(broken(destinations, "object.spec.timeoutSeconds + 1 == 11"), [""; 0]);
    assert_eq!(broken(destinations, "object.spec.auth.token.fromEnv == 'S0'"), [""; 0], "a secret is its reference");
    assert_eq!(broken(destinations, "target == 'local' && object.apiVersion == 'trueup/v1'"), [""; 0]);
    assert_eq!(broken(destinations, "action == 'update'"), [""; 0]);
    assert_eq!(broken("{ kinds: [Template] }", "action == 'unchanged' && before == object"), [""; 0]);
    assert_eq!(broken("{ kinds: [Webhook] }", "action == 'create'"), ["Webhook/nps"]);
    assert_eq!(broken("{ kinds: [Webhook] }", "before == null || object == null"), [""; 0]);
    assert_eq!(broken("{ labels: { team: adoption } }", "target == 'elsewhere'"), ["Webhook/nps2"]);
    assert_eq!(broken("{ labels: { team: green } }", "target == 'elsewhere'"), [""; 0]);
    assert_eq!(
        broken("{ kinds: [Webhook] }", "flow.all(f, f.host != '' && f.change in ['added', 'removed', 'kept'])"),
        [""; 0]
    );
    assert_eq!(broken("{ kinds: [Webhook] }", "flow.all(f, f.host != 'chat.acme.test')"), ["Webhook/nps2"]);
    // What is removed is asked only of rules that look at what is removed.
    assert_eq!(broken("{ kinds: [Webhook] }", "object.metadata.name == 'nps2'"), [""; 0]);
    rig.project.write(
        "policies.yaml",
        &policy("p", "{ kinds: [Webhook] }", "action != '' && object.metadata.name != ''", "error"),
    );
    let found = findings(&rig);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].2.contains("the object is removed, so `object` is null"), "{found:?}");
}

/// `flow` is what the object that the rule is asked about sends where, whether the plan touches it or not.
#[test]
fn a_rule_sees_the_flows_of_its_object() {
    let broken = |hosts: &str| {
        let rule = format!("flow.all(f, f.class != 'personal' || f.change == 'removed' || f.host in [{hosts}])");
        let rig = with_policies(BASE, &[policy("stay", "{}", &rule, "error")]);
        let (loaded, plan) = (rig.load(), rig.plan().plan);
        let states = States { after: State::of_manifests(&loaded.desired), ..States::default() };
        let found = of_plan(&plan, &loaded.desired, &states, Limits::default());
        found.iter().map(|finding| finding.address.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(broken("'here.test'"), ["Webhook/nps", "Workflow/newsletter"]);
    assert_eq!(broken("'chat.acme.test'"), ["Workflow/newsletter"]);
}

/// A rule without an answer is a broken one, and says why without a value.
#[test]
fn a_rule_that_cannot_be_evaluated_is_a_finding() {
    let rule = policy("p", "{ kinds: [Destination] }", "object.spec.signing.secret.fromEnv == 'X'", "error");
    let rig = with_policies(BASE, &[rule]);
    says(
        &rig.project.run(&["validate"]),
        5,
        "p says no (the rule cannot be evaluated: there is no `signing`: ask `has(…)` first)",
    );
    says(&rig.project.run(&["plan"]), 5, "(the rule cannot be evaluated: there is no `signing`");
}

/// `validate` asks what can be told of the manifests; what needs live state waits for `plan`.
#[test]
fn rules_that_need_live_state_wait_for_a_plan() {
    let rules = [
        policy("a", "{ kinds: [Destination] }", "action == 'x'", "error"),
        policy("b", "{ kinds: [Destination] }", "before != null", "error"),
        policy("c", "{ kinds: [Destination] }", "flow.size() == 99", "error"),
        policy("d", "{ kinds: [Destination], targets: [local] }", "target == 'x'", "error"),
    ];
    let rig = with_policies(BASE, &rules);
    let run = rig.project.run(&["validate"]);
    says(&run, 5, "d says no");
    assert!(["a says no", "b says no", "c says no"].iter().all(|text| !run.err.contains(text)), "{}", run.err);
    let policies: Vec<String> = findings(&rig).into_iter().map(|(policy, ..)| policy).collect();
    assert_eq!(policies, ["a", "b", "c", "d"]);
}

#[test]
fn a_policy_for_another_target_is_not_asked() {
    let rig = with_policies(BASE, &[]);
    let file = "apiVersion: trueup/v1\nkind: Project\nmetadata: { name: acme }\nspec: { targets: { local: { embedded: {} }, production: { embedded: { path: p.db } } } }\n";
    rig.project.write("trueup.yaml", file);
    let rule = policy("p", "{ targets: [production] }", "false", "error");
    rig.project.write("policies.yaml", &rule);
    rig.project.ok(&["validate"]);
    assert_eq!(rig.project.run(&["validate", "--target", "production"]).code, 5);
    assert_eq!(rig.project.run(&["plan", "--target", "production"]).code, 5);
    rig.project.write("policies.yaml", &rule.replace("[production]", "[prodution]"));
    let run = rig.project.run(&["validate"]);
    says(&run, 3, "error[unknown-target]: there is no target `prodution`");
    says(&run, 3, "did you mean `production`?");
}

/// Positions lie within the value, in every style that YAML has for one.
#[test]
fn bad_rules_are_errors_of_the_manifests() {
    let rig = with_policies(BASE, &[]);
    let check = |policy: &str, says_what: &str, place: &str| {
        rig.project.write("policies.yaml", policy);
        let run = rig.project.run(&["validate"]);
        says(&run, 3, says_what);
        says(&run, 3, &format!("policies.yaml:{place}"));
        assert_eq!(rig.project.run(&["plan"]).code, 3);
    };
    let head = "apiVersion: trueup/v1\nkind: Policy\nmetadata: { name: p }\nspec:\n  rules:\n    - message: m\n";
    let rule = |expression: &str| format!("{head}      expression: {expression}\n");
    check(&rule("\"true && objekt.spec == 1\""), "there is no `objekt` here", "7:28");
    check(&rule("'object.kind == ''a'' && objekt == 1'"), "did you mean `object`?", "7:44");
    check(&rule(">-\n        object.kind == 'a'\n        && objekt == 1"), "there is no `objekt` here", "9:12");
    check(&rule("object.kind =="), "error[invalid-expression]: this is no expression", "7:");
    check(&rule("object.kind.size()"), "a rule is true or false, and this is a number", "7:");
    check(&rule(&"x".repeat(1_100)), "invalid-value", "7:19");
    check(&format!("{}  match: {{ kinds: [Destinatoin] }}\n", rule("\"true\"")), "did you mean", "8:20");
    check(&rule("object.kind.matches('(?=a)')"), "the pattern cannot be compiled", "7:");
    says(&rig.project.ok(&["explain", "invalid-expression"]), 0, "comprehensions");
    says(&rig.project.ok(&["explain", "Policy"]), 0, "Common Expression Language");
}

/// Personal data of an object is in no finding.
#[test]
fn findings_repeat_no_value() {
    let rules = [
        policy("a", "{ kinds: [Audience] }", "object.spec.members.all(m, m.endsWith('@elsewhere.test'))", "error"),
        policy("b", "{ kinds: [Audience] }", "object.spec.members[0] > 1", "warning"),
        policy("c", "{ kinds: [Audience] }", "{'a': true}[object.spec.members[0]]", "warning"),
    ];
    let rig = with_policies(BASE, &rules);
    let found = findings(&rig);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.iter().all(|(_, _, message)| !message.contains("acme.test")), "{found:?}");
}
