//! Law 12: text, JSON, Markdown and HTML agree on all counts, here for plans that the planner makes.

use std::collections::BTreeMap;

use serde_json::Value;
use trueup::cli::view::style::Style;
use trueup::cli::view::{html, markdown, plan_json, plan_text};
use trueup::object::action::ActionKind;
use trueup::plan::{Plan, PlanOptions};

use crate::rig::Rig;
use crate::world::{Random, World, seeds};

/// The number before a word of the last line.
fn number(line: &str, word: &str) -> usize {
    let before = line.split(word).next().expect("a text").trim_end();
    before.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{word} in {line:?}"))
}

fn agree(plan: &Plan, story: &str) {
    let (mut text, mut json) = (Vec::new(), Vec::new());
    plan_text::write(&mut text, plan, Style::PLAIN, false).expect("a text");
    plan_json::write(&mut json, plan, false).expect("a JSON document");
    let text = String::from_utf8(text).expect("UTF-8");
    let json: Value = serde_json::from_slice(&json).expect("JSON");
    let (comment, page) = (markdown::text(plan, false), html::text(plan, false));
    let listed = json["actions"].as_array().expect("actions");
    let mut by_kind: BTreeMap<&str, usize> = BTreeMap::new();
    for action in listed {
        *by_kind.entry(action["action"].as_str().expect("an action")).or_default() += 1;
    }
    let counted = |kind: &str| {
        json["summary"][kind.replace('-', "_")].as_u64().and_then(|count| usize::try_from(count).ok()).expect("a count")
    };
    for kind in ActionKind::ALL {
        let in_list = by_kind.get(kind.as_str()).copied().unwrap_or(0);
        assert_eq!(counted(kind.as_str()), in_list, "{kind} in {story}");
        let head = format!("{:>3} ", kind.symbol());
        let lines =
            text.lines().filter(|line| line.starts_with(&head) && line.contains(&format!("  {kind}  ("))).count();
        assert_eq!(lines, in_list, "{kind} in {story}\n{text}");
        assert_eq!(comment.matches(&format!("` | {kind} | `")).count(), in_list, "{kind} in {story}\n{comment}");
        let shown = page.matches(&format!("<span class=\"verb\">{kind}</span>")).count();
        assert_eq!(shown, in_list, "{kind} in {story}\n{page}");
    }
    let last = text.lines().last().expect("a last line");
    assert!(comment.contains(&format!("\n**{last}**\n")), "{story}: {last}\n{comment}");
    assert!(page.contains(&format!("<h1 id=\"totals\">{last}</h1>")), "{story}: {last}\n{page}");
    if listed.is_empty() {
        assert_eq!(last, "No changes.", "{story}");
        return;
    }
    let deleting = listed.iter().filter(|action| action["action"] == "replace" && action["archives"] != true).count();
    let sum = |kinds: &[&str]| kinds.iter().map(|kind| counted(kind)).sum::<usize>();
    assert_eq!(number(last, "to add"), sum(&["create", "replace", "restore"]), "{story}: {last}");
    let changes = ["update", "new-version", "make-current", "move", "adopt", "publish-settings"];
    assert_eq!(number(last, "to change"), sum(&changes), "{story}: {last}");
    assert_eq!(number(last, "to destroy"), sum(&["delete", "archive"]) + deleting, "{story}: {last}");
    assert_eq!(number(last, "unchanged"), counted("unchanged"), "{story}: {last}");
}

#[test]
pub(super) fn every_view_agrees_on_all_counts() {
    for seed in seeds(12) {
        let mut random = Random::new(seed);
        let mut world = World::random(&mut random);
        let rig = Rig::new();
        for round in 0..5 {
            rig.write_world(&world);
            let story = format!("seed {seed}, round {round}");
            let planned = rig.plan();
            agree(&planned.plan, &story);
            // Objects are counted once: as what is done to them, or as unchanged.
            let mut touched: Vec<String> =
                planned.plan.actions.iter().map(|action| action.address.to_string()).collect();
            touched.retain(|address| world.addresses().contains(address));
            touched.sort();
            touched.dedup();
            assert_eq!(touched.len() + planned.plan.summary.unchanged, world.manifests.len(), "{story}");
            let report = rig.apply(&planned);
            assert_eq!(report.totals, planned.plan.totals(), "{story}");
            let replaced = rig.state().addresses().into_iter().filter(|_| random.chance(20));
            let replace = replaced.map(|address| address.parse().expect("an address")).collect();
            agree(&rig.plan_with(&PlanOptions { replace, ..rig.options() }).plan, &story);
            agree(&rig.plan_with(&PlanOptions { destroy: true, ..rig.options() }).plan, &story);
            for _ in 0..3 {
                world.edit(&mut random);
            }
        }
    }
}
