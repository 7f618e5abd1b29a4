//! What becomes of objects of each life cycle when their manifests change, come and go (design §7).

use serde_json::{Value, json};
use trueup::kinds::Address;
use trueup::plan::PlanOptions;
use trueup::plan::reason::Reason;

use crate::rig::{PROJECT, Rig, actions};
use crate::stories::{BASE, base_with, base_without, without};

const TEMPLATE_EDIT: (&str, &str) = ("Lead ###NAME### is yours.", "Lead ###NAME### waits.");

fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

/// The ids that an object's references are resolved to.
fn references(rig: &Rig, of: &str) -> Vec<String> {
    let references = rig.state().record(of).server_set["references"].clone();
    let ids = references.as_object().expect("references").values();
    ids.map(|id| id.as_str().expect("an id").to_owned()).collect()
}

fn planned(rig: &Rig, manifests: &str) -> Vec<String> {
    rig.write(manifests);
    actions(&rig.plan().plan)
}

fn apply_to_empty_plan(rig: &Rig) {
    rig.converge();
    assert_eq!(actions(&rig.plan().plan), Vec::<String>::new(), "the plan after apply is not empty");
}

#[test]
fn a_used_template_is_replaced_and_its_dependents_re_pointed_in_the_same_apply() {
    let rig = Rig::applied(BASE);
    let old = rig.state().row("Template/lead").id.to_string();
    assert!(references(&rig, "Notification/reminder").contains(&old));
    rig.write(&base_with(&[TEMPLATE_EDIT]));
    let planned = rig.plan();
    let expected = ["replace Template/lead", "update Notification/reminder", "new-version Workflow/newsletter"];
    assert_eq!(actions(&planned.plan), expected);
    for action in planned.plan.actions.iter().skip(1) {
        assert_eq!(action.reason, Reason::RePointed(address("Template/lead")));
    }
    apply_to_empty_plan(&rig);
    let state = rig.state();
    let new = state.row("Template/lead").id.to_string();
    assert_ne!(new, old);
    for dependent in ["Notification/reminder", "Workflow/newsletter"] {
        let ids = references(&rig, dependent);
        assert!(ids.contains(&new) && !ids.contains(&old), "{dependent} refers to {ids:?}");
    }
    assert_eq!(state.archived(), ["Template/lead"]);
    let id = old.parse().expect("an id");
    let project = PROJECT.parse().expect("a name");
    let archived = rig.in_store(async |store| store.reads().read_by_id(&project, id).await).expect("a read");
    let archived = archived.expect("the old template keeps answering by its id");
    assert_eq!(archived.spec["body"], "Lead ###NAME### is yours.");
}

#[test]
fn an_unused_template_is_updated_in_place_and_metadata_of_a_used_one_too() {
    let unused = base_without(&["Notification/reminder", "Workflow/newsletter", "IncomingWebhook/shop"]);
    let rig = Rig::applied(&unused);
    let id = rig.state().row("Template/lead").id;
    assert_eq!(planned(&rig, &unused.replace(TEMPLATE_EDIT.0, TEMPLATE_EDIT.1)), ["update Template/lead"]);
    apply_to_empty_plan(&rig);
    assert_eq!(rig.state().row("Template/lead").id, id);

    let rig = Rig::applied(BASE);
    let named = base_with(&[("metadata: { name: lead }", "metadata: { name: lead, displayName: A lead }")]);
    assert_eq!(planned(&rig, &named), ["update Template/lead"]);
    apply_to_empty_plan(&rig);
}

#[test]
fn a_template_that_a_call_has_used_is_replaced_and_an_older_plan_is_stale() {
    let unused = base_without(&["Notification/reminder", "Workflow/newsletter", "IncomingWebhook/shop"]);
    let rig = Rig::applied(&unused);
    rig.write(&unused.replace(TEMPLATE_EDIT.0, TEMPLATE_EDIT.1));
    let old = rig.plan();
    assert_eq!(actions(&old.plan), ["update Template/lead"]);
    let (project, template) = (PROJECT.parse().expect("a name"), address("Template/lead"));
    rig.in_store(async |store| store.mark_used(&project, &template, "engine").await).expect("a mark");
    assert!(rig.try_apply(&old).1.is_err(), "use raises the generation");
    assert_eq!(actions(&rig.plan().plan), ["replace Template/lead"]);
    apply_to_empty_plan(&rig);
}

#[test]
fn a_used_template_that_goes_is_archived_and_an_unused_one_deleted() {
    let rest = without(BASE, &["Notification/reminder", "Workflow/newsletter", "IncomingWebhook/shop"]);
    let rig = Rig::applied(BASE);
    let gone = without(&rest, &["Template/lead"]);
    assert!(planned(&rig, &gone).contains(&"archive Template/lead".to_owned()));
    apply_to_empty_plan(&rig);
    // A template is made anew; the plan says that the old id keeps the old text.
    assert_eq!(planned(&rig, &rest), ["create Template/lead"]);
    assert!(rig.plan().plan.warnings.iter().any(|warning| warning.contains("Template/lead was archived")));
    apply_to_empty_plan(&rig);
    assert_eq!(planned(&rig, &gone), ["delete Template/lead"]);
    apply_to_empty_plan(&rig);
}

fn versions(rig: &Rig) -> (usize, Value) {
    let server_set = rig.state().record("Workflow/newsletter").server_set.clone();
    (server_set["versions"].as_array().map_or(0, Vec::len), server_set["current"].clone())
}

#[test]
fn a_workflow_grows_versions_and_points_back_to_an_older_one() {
    let rig = Rig::applied(BASE);
    let id = rig.state().row("Workflow/newsletter").id;
    assert_eq!(versions(&rig), (1, json!(1)));
    let second = base_with(&[("Your address?", "Which address?")]);
    assert_eq!(planned(&rig, &second), ["new-version Workflow/newsletter"]);
    apply_to_empty_plan(&rig);
    assert_eq!(versions(&rig), (2, json!(2)));
    rig.write(BASE);
    let plan = rig.plan().plan;
    assert_eq!(actions(&plan), ["make-current Workflow/newsletter"]);
    assert_eq!((plan.actions[0].version, &plan.actions[0].reason), (Some(1), &Reason::EqualsVersion(1)));
    apply_to_empty_plan(&rig);
    assert_eq!(versions(&rig), (2, json!(1)));
    assert_eq!(rig.state().row("Workflow/newsletter").id, id);
}

#[test]
fn access_roles_and_secrets_of_a_workflow_change_in_place() {
    let mut rig = Rig::applied(BASE);
    let access = base_with(&[(
        "access: { subProcess: true, public: true }",
        "access: { subProcess: true, public: true }\n  roles: { administrators: [ana] }",
    )]);
    assert_eq!(planned(&rig, &access), ["update Workflow/newsletter"]);
    apply_to_empty_plan(&rig);
    rig.set_secret("S1", Some("another-content"));
    assert_eq!(planned(&rig, &access), ["update Workflow/newsletter"]);
    apply_to_empty_plan(&rig);
    assert_eq!(versions(&rig), (1, json!(1)));
}

#[test]
fn a_workflow_that_goes_is_archived_and_restored_with_its_versions_when_it_comes_back() {
    let second = base_with(&[("Your address?", "Which address?")]);
    let rig = Rig::applied(BASE);
    rig.write(&second);
    rig.converge();
    let id = rig.state().row("Workflow/newsletter").id;
    let gone = base_without(&["Workflow/newsletter", "IncomingWebhook/shop"]);
    assert_eq!(planned(&rig, &gone), ["delete IncomingWebhook/shop", "archive Workflow/newsletter"]);
    apply_to_empty_plan(&rig);
    assert_eq!(rig.state().archived(), ["Workflow/newsletter"]);
    // With other content than it had last, which is that of its first version.
    let restored = planned(&rig, BASE);
    let expected = ["restore Workflow/newsletter", "make-current Workflow/newsletter", "create IncomingWebhook/shop"];
    assert_eq!(restored, expected);
    apply_to_empty_plan(&rig);
    assert_eq!(rig.state().row("Workflow/newsletter").id, id);
    assert_eq!(versions(&rig), (2, json!(1)));
}

#[test]
fn a_renamed_object_moves_and_keeps_its_id() {
    let rig = Rig::applied(BASE);
    let ids = |names: [&str; 3]| names.map(|name| rig.state().row(name).id);
    let before = ids(["Destination/chat", "Template/lead", "Workflow/newsletter"]);
    let renamed = base_with(&[
        ("metadata: { name: chat }", "metadata: { name: talk, annotations: { trueup.dev/was: chat } }"),
        ("destination: chat", "destination: talk"),
        ("metadata: { name: lead }", "metadata: { name: hint, annotations: { trueup.dev/was: lead } }"),
        ("template: lead", "template: hint"),
        ("metadata: { name: newsletter }", "metadata: { name: letter, annotations: { trueup.dev/was: newsletter } }"),
        ("workflows: [newsletter]", "workflows: [letter]"),
        ("X-Team: red", "X-Team: blue"),
    ]);
    let found = planned(&rig, &renamed);
    for moved in ["move Destination/talk", "move Template/hint", "move Workflow/letter"] {
        assert!(found.contains(&moved.to_owned()), "{found:?}");
    }
    let ends = |line: &String| line.starts_with("delete") || line.starts_with("create") || line.starts_with("replace");
    assert!(!found.iter().any(ends), "{found:?}");
    apply_to_empty_plan(&rig);
    assert_eq!(ids(["Destination/talk", "Template/hint", "Workflow/letter"]), before);
    assert_eq!(rig.state().record("Destination/talk").spec["headers"]["X-Team"], "blue");
}

#[test]
fn settings_are_published_once_for_each_system() {
    let rig = Rig::with(BASE);
    let first = actions(&rig.plan().plan);
    assert_eq!(first.iter().filter(|line| line.starts_with("publish-settings")).count(), 1);
    rig.converge();
    assert_eq!(rig.state().row("System/crm").published, Some(true));
    let another = format!(
        "{BASE}---\napiVersion: trueup/v1\nkind: Webhook\nmetadata: {{ name: more }}\nspec: {{ system: crm, event: survey.dismissed, destination: chat }}\n"
    );
    assert_eq!(planned(&rig, &another), ["create Webhook/more"]);
    rig.converge();
    let none = base_without(&["Webhook/nps"]);
    assert_eq!(planned(&rig, &none), ["delete Webhook/more", "delete Webhook/nps"]);
    rig.converge();
    assert_eq!(rig.state().row("System/crm").published, Some(true), "never undone");
    assert_eq!(planned(&rig, BASE), ["create Webhook/nps"]);
}

#[test]
fn replacing_a_destination_deletes_the_old_one_and_re_points_its_webhooks() {
    let rig = Rig::applied(BASE);
    let old = rig.state().row("Destination/chat").id;
    let options = PlanOptions { replace: vec![address("Destination/chat")], ..rig.options() };
    let planned = rig.plan_with(&options);
    assert_eq!(actions(&planned.plan), ["replace Destination/chat", "update Webhook/nps"]);
    assert_eq!((planned.plan.totals().add, planned.plan.totals().destroy), (1, 1));
    rig.apply(&planned);
    let state = rig.state();
    let new = state.row("Destination/chat").id;
    assert_ne!(new, old);
    assert_eq!(state.archived(), Vec::<String>::new());
    let ids = references(&rig, "Webhook/nps");
    assert!(ids.contains(&new.to_string()) && !ids.contains(&old.to_string()));
    assert_eq!(actions(&rig.plan().plan), Vec::<String>::new());
}

#[test]
fn a_secret_that_the_plan_could_not_compare_is_compared_by_apply() {
    let mut rig = Rig::applied(BASE);
    rig.set_secret("S0", None);
    let planned = rig.plan();
    assert_eq!(actions(&planned.plan), Vec::<String>::new());
    assert!(!planned.plan.complete);
    let unknown: Vec<String> =
        planned.plan.unknown_secrets.iter().map(|u| format!("{} {}", u.address, u.path)).collect();
    assert_eq!(unknown, ["Destination/chat spec.auth.token"]);
    let before = rig.state();
    assert!(rig.try_apply(&planned).1.is_err(), "it must be available to apply");
    assert!(rig.state() == before, "a refused apply wrote something");
}

#[test]
fn an_ended_notification_is_history() {
    let rig = Rig::applied(BASE);
    rig.set_now("2092-01-01T00:00:00Z");
    assert_eq!(actions(&rig.plan().plan), Vec::<String>::new(), "that it ended is no change");
    rig.write(&base_with(&[("NAME: Contoso", "NAME: Fabrikam")]));
    let problems = rig.try_plan(&rig.options()).err().expect("no plan");
    let said: Vec<String> = problems.iter().map(|problem| format!("{} {}", problem.code, problem.message)).collect();
    assert!(said.iter().any(|line| line.starts_with("ended-notification Notification/reminder")), "{said:?}");
    // Its metadata and its removal are nobody's history.
    rig.write(&base_without(&["Notification/reminder"]));
    assert_eq!(actions(&rig.plan().plan), ["delete Notification/reminder"]);
}

#[test]
fn a_template_of_an_ended_notification_can_still_be_replaced() {
    let rig = Rig::applied(BASE);
    rig.set_now("2092-01-01T00:00:00Z");
    rig.write(&base_with(&[TEMPLATE_EDIT]));
    assert!(actions(&rig.plan().plan).contains(&"replace Template/lead".to_owned()));
    apply_to_empty_plan(&rig);
}

#[test]
fn sending_is_a_matter_of_time_and_recipients() {
    let rig = Rig::applied(BASE);
    let sends = |rig: &Rig| {
        let plan = rig.plan().plan;
        plan.actions.iter().find_map(|action| action.sends.clone())
    };
    rig.write(&base_with(&[("NAME: Contoso", "NAME: Fabrikam")]));
    assert_eq!(sends(&rig), None, "it is only scheduled");
    rig.write(&base_with(&[("startAt: \"2091-12-01\"", "startAt: \"2031-05-01\"")]));
    assert_eq!(sends(&rig).as_deref(), Some("1 audience"), "moved to start at once");
    rig.apply(&rig.plan_with(&PlanOptions { allow_send: true, ..rig.options() }));
    let active =
        base_with(&[("startAt: \"2091-12-01\"", "startAt: \"2031-05-01\""), ("NAME: Contoso", "NAME: Fabrikam")]);
    rig.write(&active);
    assert_eq!(sends(&rig), None, "who has read it is not told again");
    rig.write(&active.replace("audiences: [sales], startAt", "audiences: [sales], endUsers: [kim], startAt"));
    assert_eq!(sends(&rig).as_deref(), Some("1 end user"), "an active one gets one more");
}
