use proptest::prelude::any;
use proptest::test_runner::Config;
use proptest::{prop_assert, prop_assert_eq, proptest};
use serde_json::{Value, json};

use super::*;
use crate::cli::view::plan_json;
use crate::plan::file_v1;
use crate::plan::plan_value::{Change, Summary};
use crate::plan::reason::Reason;
use crate::plan::sample::{action, any_plan, change, counted, empty, every_action, shown as value};

fn shown(plan: &Plan) -> String {
    dressed(plan, Style::PLAIN, false)
}

fn dressed(plan: &Plan, style: Style, show_personal: bool) -> String {
    let mut out = Vec::new();
    write(&mut out, plan, style, show_personal).unwrap();
    String::from_utf8(out).unwrap()
}

/// The text of an update with these changes, without its header and last line.
fn changes(changes: Vec<Change>) -> String {
    let mut plan = empty();
    plan.actions = vec![action(ActionKind::Update, "System/s", Reason::ManifestChanged, changes)];
    let text = shown(&counted(plan, 0));
    text.lines().skip(1).take_while(|line| !line.is_empty()).map(|line| line.to_owned() + "\n").collect()
}

#[test]
fn every_action_as_text() {
    let expected = r#"Only a part of acme-adoption is planned: --only Webhook/nps-to-slack.
What is not selected is neither changed nor removed.

  + Destination/slack-ops  create  (not on the target yet)
    ! sends to 2 audiences and 3 end users at once
      + spec:  # at destinations.yaml:3:1
          platform: Slack
          url: https://hooks.slack.test/services/T0/B0
          timeoutSeconds: 10
          auth:
            type: bearer
            token: (secret) fromEnv: SLACK_TOKEN
          scopes:
            - a
            - "true"
            - name: x
              text: |
                one
                two
          members: 2 values (hashes c39918dc, 3bac713c)
          headers: {}
          id: (known after apply)

  ~ Webhook/nps-to-slack  update  (the manifest changed)  in webhooks.yaml
      ~ spec.destination               "slack-nps" → "slack-ops"
          # at webhooks.yaml:12:9, patched by target production at trueup.yaml:14:11
      ~ spec.enabled                   false → true  # at webhooks.yaml:13:9
      + spec.properties.rename.score   "nps"
      - spec.properties.static.source  "trueup"
      ~ spec.event                     "page.viewed" → "survey.submitted"  # drift
      ~ metadata.displayName           "two" → "three"  # overwrites drift: "one" was applied last
      > spec.conditions                "ask" moves from place 1 to 3
      ~ metadata.description
          @@ -1,3 +1,3 @@
           Dear all,
          -old line
          +new line
           bye
      ~ spec.token                     (secret, changed) fromEnv: SLACK_TOKEN
      ~ spec.members                   1 value (hash cd459deb) → 2 values (hashes cd459deb, e02eb0bd)
      keeps the live value of spec.headers.X-A (trueup.dev/ignore-drift)

+/- System/desk  replace  (spec.body changed, and the template has been used)  in systems.yaml
      a new object with a new id is made, then the old one is archived
      ~ spec.body  # forces replacement, at systems.yaml:4:3
          - "The lead of Contoso is yours, so open it and be guided through the very next step"
          + "The lead of Fabrikam is yours, so open it and be guided through the very next step"
                         ^^^^^^^^

+/- System/crm  replace  (asked for by --replace)
      a new object with a new id is made, then the old one is deleted

  ^ Webhook/flow  new-version  (the manifest changed)
      a version is added, and the pointer that its release names moves to it
      ~ spec.start  "ask" → "tell"

  ^ Webhook/old-flow  make-current  (version 3 has this content)
      the pointer that its release names moves to version 3

  > Webhook/renamed  move  (renamed from Webhook/former)
      Webhook/former gets this name; its id stays

  - Webhook/gone  delete  (no longer in the manifests)
      - spec:
          enabled: true

 .- System/gone  archive  (no longer in the manifests; used before, so it is archived)
      it is taken out of use, and keeps answering calls by its id

 .+ System/back  restore  (archived before, and in the manifests again)
      the archived object comes back with its id

  = EventType/by-hand  adopt  (made by hand, and taken over)
      the object is managed from now on

  ! System/web  publish-settings  (Webhook/nps-to-slack needs the system's settings to be published)
      its settings are published; removing webhooks later does not undo it

Changed outside the manifests:
  Webhook/nps-to-slack  by kim at 2026-11-20T10:00:00Z  (corrected by the update)
    ~ spec.event  "page.viewed" → "survey.submitted"

No longer in the manifests, and left as they are:
    Webhook/orphan
  --prune removes them.

Secrets compared at apply, because they are not available here:
    Destination/slack-nps spec.auth.token

Brought into line by hand: 1 object; apply records it and changes nothing there.

warning: outside callers of System/desk's id keep the old text
destinations.yaml:30:11: warning[unused]: no webhook uses Destination/spare

Apply refuses this plan:
  - 12 deletes and archives, where 10 are allowed: --max-deletes 12 lifts this
  - 4 of 11 managed objects change (37 %), where 30 % are allowed: --max-changed-percent 37 lifts this
  - System/desk is protected: take the annotation trueup.dev/protect out of its manifest first
  - people are reached at once by Destination/slack-ops: --allow-send consents

Plan: 4 to add, 6 to change, 3 to destroy. 12 unchanged.
"#;
    assert_eq!(shown(&every_action()), expected);
}

#[test]
fn nothing_to_do_is_one_line() {
    assert_eq!(shown(&counted(empty(), 12)), "No changes.\n");
    let mut plan = counted(empty(), 12);
    plan.orphans = vec!["Webhook/old".parse().unwrap()];
    assert_eq!(
        shown(&plan),
        "No longer in the manifests, and left as they are:\n    Webhook/old\n  --prune removes them.\n\nNo changes.\n"
    );
}

#[test]
fn personal_data_is_shown_only_where_it_may_be() {
    let plan = every_action();
    assert!(!shown(&plan).contains("ana@") && !shown(&plan).contains("\"ana\""));
    let open = dressed(&plan, Style::PLAIN, true);
    assert!(open.contains("            - ana@acme.test\n"), "{open}");
    assert!(open.contains(r#"spec.members                   ["ana"] → ["ana", "bo"]"#), "{open}");
}

#[test]
fn colours_follow_the_roles() {
    let text = dressed(&every_action(), Style { colour: true, width: 120 }, false);
    assert!(text.contains("\u{1b}[32m  +\u{1b}[0m"), "green creates");
    assert!(text.contains("\u{1b}[31m  -\u{1b}[0m"), "red deletes");
    assert!(text.contains("\u{1b}[33m  ~\u{1b}[0m"), "yellow updates");
    assert!(text.contains("\u{1b}[36m  >\u{1b}[0m"), "cyan moves");
    assert!(text.ends_with("Plan: 4 to add, 6 to change, 3 to destroy. 12 unchanged.\n"));
}

#[test]
fn lists_show_what_came_and_went() {
    let of = |list: &[&str]| Some(value(&json!(list)));
    let text = changes(vec![change("spec.endUsers", of(&["a", "b", "c", "d"]), of(&["a", "x", "c", "d"]))]);
    assert_eq!(text, "      ~ spec.endUsers\n          - \"b\"\n          + \"x\"\n            (3 unchanged)\n");
    let order = |before, after| Change { order_only: true, ..change("spec.steps", of(before), of(after)) };
    let text = changes(vec![order(&["a", "b", "c", "d"], &["d", "c", "a", "b"])]);
    assert_eq!(
        text,
        "      > spec.steps\n          \"c\" moves from place 3 to 2\n          \"d\" moves from place 4 to 1\n"
    );
}

#[test]
fn texts_of_other_types_are_told_apart() {
    let text = changes(vec![change("spec.t", Some(value(&json!("12"))), Some(value(&json!(12))))]);
    assert_eq!(text, "      ~ spec.t  \"12\" → 12\n");
    let text = changes(vec![change("spec.t", Some(value(&json!("a\nb"))), Some(value(&json!("a\nb\n"))))]);
    assert_eq!(
        text,
        "      ~ spec.t\n          @@ -1,2 +1,2 @@\n           a\n          -b\n          \\ no line break at the end\n          +b\n"
    );
}

#[test]
fn what_others_wrote_cannot_steer_the_terminal() {
    let hostile = "\u{1b}[2J\u{202e}\r";
    let mut plan = empty();
    let map = value(&json!({hostile: [hostile, {hostile: "a\n\u{1b}b"}]}));
    let mut changed = change("spec", None, Some(map.clone()));
    changed.origin = Some(crate::plan::sample::origin(hostile, 1, 1, Some(hostile)));
    let texts = Change {
        is_text: true,
        path: crate::base::path::Path::keys("spec").key(hostile),
        ..change("a", Some(value(&json!("a\u{1b}\n"))), Some(value(&json!("b\u{9b}\n"))))
    };
    let both = change("spec.x", Some(map), Some(value(&json!(hostile))));
    plan.actions =
        vec![action(ActionKind::Update, "System/s", Reason::Stated(hostile.into()), vec![changed, texts, both])];
    plan.actions[0].sends = Some(hostile.into());
    plan.warnings = vec![hostile.into()];
    plan.selection = Some(hostile.into());
    let text = shown(&counted(plan, 0));
    assert!(!text.contains(|c: char| visible::is_hidden(c) && c != '\n'), "{text:?}");
}

#[test]
fn large_texts_are_not_compared() {
    let text = |word: &str| Some(value(&json!(format!("{word}\n").repeat(200_000))));
    let shown = changes(vec![change("spec.body", text("a"), text("b"))]);
    assert!(shown.contains("too long to compare here") && shown.len() < 300, "{shown}");
}

/// The three numbers of a last line.
fn numbers(text: &str) -> Vec<usize> {
    let line = text.lines().last().unwrap_or_default();
    line.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect()
}

proptest! {
    #![proptest_config(Config { cases: 128, failure_persistence: None, ..Config::default() })]

    /// Law 12.
    #[test]
    fn text_and_json_agree_on_all_counts(plan in any_plan(), show_personal in any::<bool>()) {
        let text = dressed(&plan, Style::PLAIN, show_personal);
        let mut json = Vec::new();
        plan_json::write(&mut json, &plan, show_personal).unwrap();
        let json: Value = serde_json::from_slice(&json).unwrap();
        let summary: Summary = serde_json::from_value(json["summary"].clone()).unwrap();
        let actions = json["actions"].as_array().unwrap();
        let deleting = actions.iter().filter(|a| a["action"] == "replace" && a["archives"] == false).count();
        let s = &summary;
        let expected = [
            s.create + s.replace + s.restore,
            s.update + s.new_version + s.make_current + s.moved + s.adopt + s.publish_settings,
            s.delete + s.archive + deleting,
            s.unchanged,
        ];
        if actions.is_empty() {
            prop_assert!(text.ends_with("No changes.\n"));
        } else {
            prop_assert_eq!(numbers(&text), expected);
        }
    }

    #[test]
    fn a_plan_read_back_reads_the_same(plan in any_plan(), show_personal in any::<bool>(), colour in any::<bool>()) {
        let mut json = Vec::new();
        plan_json::write(&mut json, &plan, show_personal).unwrap();
        let read = file_v1::read(&json).unwrap();
        let style = Style { colour, width: 100 };
        prop_assert_eq!(dressed(&read, style, show_personal), dressed(&plan, style, show_personal));
    }
}
