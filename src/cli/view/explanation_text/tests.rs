use super::*;
use crate::kinds::explain::{explain, overview};

fn shown(topic: Option<&str>, style: Style) -> String {
    let explanation = topic.map_or_else(|| overview(&[]), |topic| explain(topic, &[]).expect("an explanation"));
    let mut out = Vec::new();
    write(&mut out, &explanation, style).expect("written");
    String::from_utf8(out).expect("text")
}

const NARROW: Style = Style { colour: false, width: 60 };

#[test]
fn a_field_has_facts_and_words() {
    let text = shown(Some("Destination.timeoutSeconds"), Style::PLAIN);
    assert!(
        text.starts_with("Destination.spec.timeoutSeconds\n\n  Type      whole number, 1 to 60\n  Required  no\n"),
        "{text}"
    );
    assert!(text.contains("  Default   `10`\n"), "{text}");
}

#[test]
fn a_kind_has_its_example_and_fields() {
    let text = shown(Some("Webhook"), Style::PLAIN);
    assert!(text.contains("\n  kind: Webhook\n"), "{text}");
    assert!(text.contains("\nFields\n  system       name of a System, required\n"), "{text}");
    assert!(!text.contains("**") && !text.contains("```"), "{text}");
}

#[test]
fn values_stand_in_groups() {
    let text = shown(Some("Webhook.event"), Style::PLAIN);
    assert!(text.contains("\nValues\n\n  Smart Walk-Thru\n  smart-walk-thru.step-played "), "{text}");
    assert!(shown(Some("survey.submitted"), Style::PLAIN).contains("  answer        string, personal\n"));
}

#[test]
fn lines_keep_within_the_width() {
    for topic in [None, Some("Webhook.event"), Some("unknown-field"), Some("Destination.auth.type")] {
        let text = shown(topic, NARROW);
        for line in text.lines() {
            assert!(line.chars().count() <= NARROW.width, "{line}");
            assert_eq!(line, line.trim_end());
        }
    }
}

#[test]
fn colour_takes_the_place_of_backticks() {
    let text = shown(Some("unknown-field"), Style { colour: true, width: 120 });
    assert!(text.contains("\u{1b}[") && !text.contains('`'), "{text}");
}
