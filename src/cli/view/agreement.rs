//! Law 12 over arbitrary plans: text, JSON, Markdown and HTML agree on all counts. Beside the views, where such plans are
//! made; `tests/it/laws/counts.rs` holds the law for plans that the planner makes.

use proptest::test_runner::Config;
use proptest::{prop_assert, prop_assert_eq, proptest};
use serde_json::Value;

use super::style::Style;
use super::{html, markdown, plan_json, plan_text};
use crate::object::action::ActionKind;
use crate::plan::Plan;
use crate::plan::sample::any_plan;

struct Views {
    text: String,
    json: Value,
    markdown: String,
    html: String,
}

fn views(plan: &Plan) -> Views {
    let (mut text, mut json) = (Vec::new(), Vec::new());
    plan_text::write(&mut text, plan, Style::PLAIN, false).unwrap();
    plan_json::write(&mut json, plan, false).unwrap();
    Views {
        text: String::from_utf8(text).unwrap(),
        json: serde_json::from_slice(&json).unwrap(),
        markdown: markdown::text(plan, false),
        html: html::text(plan, false),
    }
}

fn length(value: &Value) -> usize {
    value.as_array().map_or(0, Vec::len)
}

/// The number behind a heading: of a Markdown view in brackets, of a page in an element.
fn headed(views: &Views, markdown: &str, anchor: &str) -> (Option<usize>, Option<usize>) {
    let number = |text: &str, start: &str, end: char| {
        let (_, rest) = text.split_once(start)?;
        rest.split_once(end)?.0.parse().ok()
    };
    let section = views.html.split_once(&format!("<section id=\"{anchor}\">")).map_or("", |(_, rest)| rest);
    (number(&views.markdown, &format!("#### {markdown} ("), ')'), number(section, "<span class=\"count\">", '<'))
}

proptest! {
    #![proptest_config(Config { cases: 128, ..Config::default() })]

    #[test]
    fn every_view_of_a_plan_has_the_same_counts(plan in any_plan()) {
        let views = views(&plan);
        let json = &views.json;
        let last = views.text.lines().last().unwrap();
        prop_assert!(views.markdown.contains(&format!("\n**{last}**\n")), "{last}\n{}", views.markdown);
        prop_assert!(views.html.contains(&format!("<h1 id=\"totals\">{last}</h1>")), "{last}");
        for kind in ActionKind::ALL {
            let counted = json["summary"][kind.as_str().replace('-', "_")].as_u64().unwrap();
            let listed = json["actions"].as_array().unwrap().iter().filter(|action| action["action"] == kind.as_str()).count();
            prop_assert_eq!(usize::try_from(counted).unwrap(), listed);
            let rows = views.markdown.matches(&format!("` | {kind} | `")).count();
            prop_assert_eq!(rows, listed, "{}", views.markdown);
            let said = views.markdown.contains(&format!(" · {listed} {kind}"));
            prop_assert_eq!(said, listed > 0, "{} {}", kind, views.markdown);
            let details = views.html.matches("<details class=\"action\" id=\"action-").count();
            prop_assert_eq!(details, length(&json["actions"]));
            let of_kind = views.html.matches(&format!("<span class=\"verb\">{kind}</span>")).count();
            prop_assert_eq!(of_kind, listed);
        }
        let totals = plan.totals();
        let unchanged = plan.summary.unchanged;
        for (name, number) in [("add", totals.add), ("change", totals.change), ("destroy", totals.destroy), ("unchanged", unchanged)] {
            prop_assert!(views.html.contains(&format!("<b data-total=\"{name}\">{number}</b>")), "{name}");
        }
        let preview = &json["preview"];
        let flows = json["data_flow"].as_array().unwrap();
        let kept = flows.iter().filter(|flow| flow["change"] == "kept").count();
        let warned = length(&json["warnings"]) + length(&json["diagnostics"]);
        let left = length(&json["orphans"]) + length(&json["unknown_secrets"]) + length(&json["refresh"]);
        let previewed = ["webhooks", "destinations", "templates", "workflows"].map(|list| length(&preview[list]));
        let some = |number: usize| (number > 0).then_some(number);
        let expected = [
            ("Actions", "actions", some(length(&json["actions"])), some(length(&json["actions"]))),
            ("Changed outside the manifests", "drift", some(length(&json["drift"])), some(length(&json["drift"]))),
            ("Webhooks that deliver otherwise", "preview", some(previewed[0]), some(previewed.iter().sum())),
            ("Data that newly leaves, or no longer does", "flow", some(flows.len() - kept), some(flows.len())),
            ("What the policies say", "policies", some(length(&json["policies"])), some(length(&json["policies"]))),
            ("Warnings", "warnings", some(warned), some(warned)),
            ("No longer in the manifests, and left as they are: `--prune` removes them", "left", some(length(&json["orphans"])), some(left)),
        ];
        for (title, anchor, in_markdown, in_html) in expected {
            prop_assert_eq!(headed(&views, title, anchor), (in_markdown, in_html), "{} of {}", title, views.markdown);
        }
        if !preview.is_null() {
            for (list, title) in [("templates", "Templates that read otherwise"), ("not_exercised", "Not exercised by the sample")] {
                let found = headed(&views, title, "preview").0;
                prop_assert_eq!(found, some(length(&preview[list])));
            }
        }
        let refusals = length(&json["refusals"]);
        let points = views.markdown.split("> [!CAUTION]").nth(1).map_or("", |rest| rest.split("\n\n").next().unwrap_or_default());
        let errors = json["policies"].as_array().unwrap().iter().filter(|finding| finding["severity"] == "error").count();
        prop_assert_eq!(points.matches("\n> - ").count(), refusals + errors, "{}", points);
    }
}
