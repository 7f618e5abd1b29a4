use proptest::test_runner::Config;
use proptest::{prop_assert, proptest};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::*;
use crate::object::action::ActionKind;
use crate::plan::plan_value::Refusal;
use crate::plan::reason::Reason;
use crate::plan::sample::{
    NEEDLE, action, any_plan, change, counted, empty, every_action, every_action_with, hostile_plan, shown,
};

/// What a reader of Markdown makes of a comment.
#[derive(Debug, Default)]
struct Parsed {
    /// Text outside of code.
    text: String,
    /// Text of code spans and fenced blocks.
    code: Vec<String>,
    /// HTML, as it stands there.
    html: Vec<String>,
    /// Marks that only hostile texts would make.
    strange: Vec<String>,
    rows: usize,
}

fn parsed(markdown: &str) -> Parsed {
    let mut found = Parsed::default();
    let mut in_block = false;
    for event in Parser::new_ext(
        markdown,
        Options::ENABLE_TABLES | Options::ENABLE_GFM | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_MATH,
    ) {
        match event {
            Event::Text(text) if in_block => found.code.push(text.into_string()),
            Event::Text(text) => found.text.push_str(&text),
            Event::Code(text) => found.code.push(text.into_string()),
            Event::Html(text) | Event::InlineHtml(text) => found.html.push(text.trim_end().to_owned()),
            Event::Start(Tag::CodeBlock(kind)) => {
                in_block = true;
                if kind != CodeBlockKind::Fenced("diff".into()) {
                    found.strange.push(format!("{kind:?}"));
                }
            }
            Event::End(TagEnd::CodeBlock) => in_block = false,
            Event::Start(Tag::TableRow) => found.rows += 1,
            Event::Start(
                Tag::Paragraph
                | Tag::Heading { .. }
                | Tag::BlockQuote(_)
                | Tag::List(None)
                | Tag::Item
                | Tag::Table(_)
                | Tag::TableHead
                | Tag::TableCell
                | Tag::Emphasis
                | Tag::Strong
                | Tag::HtmlBlock,
            )
            | Event::End(_)
            | Event::SoftBreak => {}
            other => found.strange.push(format!("{other:?}")),
        }
    }
    found
}

/// The tags that this view writes, and nothing else.
fn is_ours(html: &str) -> bool {
    let summary = regex::Regex::new(
        "^<details><summary>(<code>[-+~^>.=!&;a-z/]+ [A-Za-z]+/[a-z0-9-]+</code> [a-z-]+, [0-9]+ changes?|[A-Za-z ]+ \\(?[0-9]+\\)?)</summary>$",
    );
    let marker = regex::Regex::new("^<!-- trueup:plan [a-z0-9-]+/[a-z0-9-]+ -->$");
    matches!(html, "</details>" | "<sub>" | "</sub>")
        || summary.is_ok_and(|pattern| pattern.is_match(html))
        || marker.is_ok_and(|pattern| pattern.is_match(html))
}

fn assert_inert(markdown: &str) -> Parsed {
    let found = parsed(markdown);
    assert!(found.strange.is_empty(), "{:?}\n{markdown}", found.strange);
    for html in &found.html {
        assert!(is_ours(html), "{html:?}\n{markdown}");
    }
    assert!(!found.text.contains(NEEDLE), "{}\n{markdown}", found.text);
    // What GitHub makes of text, after Markdown: mentions, references, addresses.
    for sign in ["@", "#", "http", "www.", "$"] {
        assert!(!found.text.replace("trueup.dev/", "").contains(sign), "{sign} in {}\n{markdown}", found.text);
    }
    for line in markdown.lines() {
        assert!(!line.trim_start().starts_with("::") && !line.contains("##["), "{line}");
        assert!(!line.chars().any(crate::cli::view::visible::is_hidden), "{line:?}");
    }
    found
}

#[test]
fn a_plan_as_a_comment() {
    let comment = text(&every_action(), false);
    let start = "<!-- trueup:plan acme-adoption/production -->\n### trueup plan\n\n\
        **Plan: 4 to add, 6 to change, 3 to destroy. 12 unchanged.**\n\n\
        `acme-adoption` → `production` · 1 create · 1 update · 2 replace · ";
    assert!(comment.starts_with(start), "{comment}");
    for part in [
        "> [!CAUTION]\n> **Apply refuses this plan**\n>\n> - 12 deletes and archives, where 10 are allowed",
        "> [!WARNING]\n> **Look at this first**\n>\n> - `Destination/slack-ops` sends to `2 audiences and 3 end users` at once\n\
         > - 3 objects are deleted or archived\n",
        "#### Actions (12)\n\n|  | Action | Object | Why | Changes |\n| :-- | :-- | :-- | :-- | --: |\n\
         | `+` | create | `Destination/slack-ops` | not on the target yet | 1 |\n",
        "<details><summary><code>~ Webhook/nps-to-slack</code> update, 10 changes</summary>\n\n",
        "```diff\n# webhooks.yaml:12:9, patched by target production at trueup.yaml:14:11\n\
         - spec.destination: \"slack-nps\"\n+ spec.destination: \"slack-ops\"\n",
        "@@ -1,3 +1,3 @@ metadata.description\n  Dear all,\n- old line\n+ new line\n  bye\n",
        "! spec.token: (secret, changed) fromEnv: SLACK_TOKEN\n",
        "- spec.members: 1 value (hash cd459deb)\n+ spec.members: 2 values (hashes cd459deb, e02eb0bd)\n",
        "#### Changed outside the manifests (1)\n\n`Webhook/nps-to-slack` by `kim` at 2026-11-20T10:00:00Z, corrected by the update:\n",
        "#### Secrets that are compared at apply (1)\n\n- `Destination/slack-nps` `spec.auth.token`\n",
        "#### Warnings (2)\n\n- outside callers of System/desk's id keep the old text\n\
         - `destinations.yaml:30:11` `unused`: no webhook uses Destination/spare\n",
    ] {
        assert!(comment.contains(part), "{part}\nis not in\n{comment}");
    }
    let found = assert_inert(&comment);
    assert_eq!(found.rows, 12);
    assert!(text(&every_action(), true).contains("[\"ana\", \"bo\"]"));
    assert!(!comment.contains("ana\""), "{comment}");
}

#[test]
fn an_empty_plan_is_short() {
    let comment = text(&empty(), false);
    assert!(comment.contains("**No changes.**") && comment.lines().count() < 10, "{comment}");
}

#[test]
fn a_very_large_plan_fits_and_counts_what_it_leaves_out() {
    let mut plan = empty();
    let long = "a line of a text that somebody wrote\n".repeat(3_000);
    for n in 0..3_000 {
        let changes =
            vec![change("spec.body", None, Some(shown(&serde_json::json!(if n == 7 { long.as_str() } else { "x" }))))];
        plan.actions.push(action(ActionKind::Create, &format!("Webhook/w{n}"), Reason::New, changes));
        plan.refusals.push(Refusal::Protected(plan.actions[n].address.clone()));
    }
    let comment = text(&counted(plan, 0), false);
    let size = parts::length(&comment);
    assert!(size <= parts::LIMIT && size > parts::LIMIT * 3 / 4, "{size}");
    let found = assert_inert(&comment);
    let shown = comment.matches("<details><summary><code>").count();
    assert!(comment.contains(&format!("{} more actions left out here", 3_000 - shown)), "{shown}");
    assert!(comment.contains(&format!("{} more actions left out here", 3_000 - found.rows)), "{}", found.rows);
    assert!(comment.contains("more points left out here"));
    assert!(comment.contains("**Plan: 3000 to add, 0 to change, 0 to destroy. 0 unchanged.**"));
}

#[test]
fn hostile_texts_of_note_stay_in_their_place() {
    for text in [
        "`",
        "```\n</details>\n@octocat #12",
        "<script>x</script>|",
        "|",
        "\\|",
        "\n::error::x",
        "##[error]x",
        " ",
        "$a$",
        "~~~\n# h",
    ] {
        assert_inert(&super::text(&every_action_with(&format!("{text}{NEEDLE}{text}")), true));
    }
}

proptest! {
    #![proptest_config(Config { cases: 96, ..Config::default() })]

    #[test]
    fn no_text_becomes_markup(plan in hostile_plan(), show_personal: bool) {
        let comment = text(&plan, show_personal);
        prop_assert!(parts::length(&comment) <= parts::LIMIT);
        let found = assert_inert(&comment);
        prop_assert!(found.code.iter().any(|code| code.contains(NEEDLE)));
    }

    #[test]
    fn every_plan_is_inert(plan in any_plan()) {
        assert_inert(&text(&plan, false));
    }
}
