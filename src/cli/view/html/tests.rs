use base64::Engine as _;
use proptest::test_runner::Config;
use proptest::{prop_assert, proptest};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use sha2::Digest as _;

use super::*;
use crate::plan::sample::{NEEDLE, any_plan, empty, every_action, every_action_with, hostile_plan};

/// What a strict parser makes of a page.
#[derive(Debug, Default)]
struct Parsed {
    text: String,
    elements: Vec<String>,
    ids: Vec<String>,
    anchors: Vec<String>,
}

/// Elements that HTML closes by itself or that hold no text; all others have to be closed where XML does.
const VOID: &[&str] = &["meta", "input"];
const SHAPES: &[&str] = &["path", "rect"];
const KNOWN: &[&str] = &[
    "html", "head", "meta", "title", "style", "body", "a", "header", "p", "b", "h1", "h2", "h3", "code", "ul", "li",
    "span", "nav", "main", "section", "form", "label", "input", "fieldset", "legend", "button", "details", "summary",
    "div", "ins", "del", "mark", "svg", "path", "g", "rect", "text", "table", "thead", "tbody", "tr", "th", "td",
    "footer", "script",
];

fn attributes(element: &BytesStart<'_>, found: &mut Parsed) {
    for attribute in element.attributes() {
        let attribute = attribute.expect("a well-formed attribute");
        let (name, value) = (attribute.key.as_ref().to_owned(), attribute.value.clone().into_owned());
        assert!(!name.starts_with("on") && name != "style" && name != "src", "{name}");
        assert!(!value.contains(NEEDLE), "{name}={value}");
        match name.as_str() {
            "id" => found.ids.push(value),
            "href" => found.anchors.push(value.strip_prefix('#').expect("an anchor of the page").to_owned()),
            _ => {}
        }
    }
}

/// Reads a page as XML, which allows nothing that is not closed, quoted or escaped.
fn parsed(page: &str) -> Parsed {
    let page = page.strip_prefix("<!DOCTYPE html>\n").expect("a doctype");
    let mut reader = Reader::from_str(page);
    let mut found = Parsed::default();
    let mut open: Vec<String> = Vec::new();
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("{error}\n{page}")) {
            Event::Start(element) => {
                let name = element.name().as_ref().to_owned();
                assert!(KNOWN.contains(&name.as_str()) && !VOID.contains(&name.as_str()), "<{name}>");
                // Where HTML would close a paragraph by itself the two readings would differ.
                let block = ["div", "ul", "p", "section", "table", "details", "form", "h2", "h3"];
                assert!(
                    !(open.last().is_some_and(|parent| parent == "p") && block.contains(&name.as_str())),
                    "{name} in p"
                );
                attributes(&element, &mut found);
                found.elements.push(name.clone());
                open.push(name);
            }
            Event::Empty(element) => {
                let name = element.name().as_ref().to_owned();
                assert!(VOID.contains(&name.as_str()) || SHAPES.contains(&name.as_str()), "<{name}/>");
                attributes(&element, &mut found);
                found.elements.push(name);
            }
            Event::End(element) => {
                assert_eq!(open.pop().as_deref(), Some(element.name().as_ref()));
            }
            Event::Text(text) => {
                let inside = open.last().map(String::as_str);
                if !matches!(inside, Some("style" | "script")) {
                    found.text.push_str(text.as_ref());
                }
            }
            Event::GeneralRef(reference) => {
                let number = reference.resolve_char_ref().expect("a number");
                found.text.push(number.expect("a reference by number"));
            }
            Event::Eof => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(open.is_empty(), "{open:?}");
    found
}

fn assert_inert(page: &str) -> Parsed {
    let found = parsed(page);
    for once in ["html", "head", "body", "style", "script", "main", "h1"] {
        assert_eq!(found.elements.iter().filter(|name| *name == once).count(), 1, "{once}");
    }
    for anchor in &found.anchors {
        assert_eq!(found.ids.iter().filter(|id| *id == anchor).count(), 1, "#{anchor}");
    }
    for line in page.lines() {
        assert!(!line.trim_start().starts_with("::"), "{line}");
    }
    assert!(!found.text.chars().any(|c| crate::cli::view::visible::is_hidden(c) && c != '\n'));
    found
}

#[test]
fn the_style_and_the_script_are_those_whose_hashes_the_page_allows() {
    for text in [STYLE, SCRIPT] {
        assert!(!text.contains(['<', '&']), "it would not be well-formed");
        assert!(!text.contains("http") && !text.contains("url("), "it would load something");
    }
    let page = text(&every_action(), false);
    let policy = page.split("content=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    let between = |tag: &str| {
        let (_, rest) = page.split_once(&format!("<{tag}>")).expect("an opening tag");
        rest.split_once(&format!("</{tag}>")).expect("a closing tag").0.to_owned()
    };
    for tag in ["style", "script"] {
        let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(between(tag).as_bytes()));
        assert!(policy.contains(&format!("{tag}-src 'sha256-{hash}'")), "{tag}: {policy}");
    }
}

#[test]
fn a_plan_as_a_page() {
    let page = text(&every_action(), false);
    let found = assert_inert(&page);
    for part in [
        "Plan: 4 to add, 6 to change, 3 to destroy. 12 unchanged.",
        "trueup plan for acme-adoption on production",
        "Apply refuses this plan",
        "Destination/slack-ops sends to 2 audiences and 3 end users at once",
        "2 values (hashes c39918dc, 3bac713c)",
        "(secret, changed) fromEnv: SLACK_TOKEN",
    ] {
        assert!(found.text.contains(part), "{part} is not in\n{}", found.text);
    }
    assert_eq!(found.elements.iter().filter(|name| *name == "details").count(), 12);
    assert!(!found.text.contains("\"ana\"") && text(&every_action(), true).contains("&#34;ana&#34;"));
    assert!(assert_inert(&text(&empty(), false)).text.contains("No changes."));
}

#[test]
fn hostile_texts_of_note_stay_in_their_place() {
    for text in
        ["<script>x</script>", "\" onload=\"x", "</style>", "]]>", "<!--", "&#60;", "\u{0}\u{202e}", "::error::"]
    {
        let found = assert_inert(&super::text(&every_action_with(&format!("{text}{NEEDLE}{text}")), true));
        assert!(found.text.contains(NEEDLE));
    }
}

proptest! {
    #![proptest_config(Config { cases: 64, ..Config::default() })]

    #[test]
    fn no_text_becomes_markup(plan in hostile_plan(), show_personal: bool) {
        let found = assert_inert(&text(&plan, show_personal));
        prop_assert!(found.text.contains(NEEDLE));
    }

    #[test]
    fn every_plan_is_well_formed(plan in any_plan()) {
        assert_inert(&text(&plan, false));
    }
}
