//! `impossible-condition`: conditions of a Webhook, an Audience or a branch that nothing can ever meet.
//!
//! The message names the rows that exclude each other and stands at the last of them; the others are marked too.

use crate::base::code::Code;
use crate::base::diagnostic::Diagnostic;
use crate::base::path::Path;
use crate::base::source::Span;
use crate::desired::{Desired, DesiredObject, Objects};
use crate::kinds::Spec;
use crate::kinds::condition::{Condition, Row};
use crate::kinds::field::DataClass;
use crate::kinds::scope::event_properties;
use crate::kinds::workflow::step::Step;
use crate::kinds::workflow::step_paths;
use crate::lint::condition_logic::{Conflict, Said, never_hold};

/// Conflicts that are told; the rest are counted. Each alternative has one.
const TOLD: usize = 3;
/// Characters of an operand that are told.
const OPERAND: usize = 40;

pub(super) fn check(desired: &Desired) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    let scope = Objects::new(&desired.objects);
    for object in &desired.objects {
        match &object.spec {
            Spec::Webhook(spec) => {
                if let Some(condition) = &spec.conditions {
                    // Values of personal properties stay out of a message that ends up in reviews.
                    let is_personal = |property: &str| {
                        let properties = event_properties(&scope, &spec.event);
                        let class = properties.and_then(|known| Some(known.get(property)?.class));
                        class == Some(DataClass::Personal)
                    };
                    let help = "nothing is ever sent; correct a row, or remove the webhook";
                    warnings.extend(warning(object, condition, &Path::keys("spec.conditions"), help, &is_personal));
                }
            }
            Spec::Audience(spec) => {
                if let Some(rule) = &spec.rule {
                    let help = "nobody is ever in it; correct a row, or remove the audience";
                    warnings.extend(warning(object, rule, &Path::keys("spec.match"), help, &|_| false));
                }
            }
            Spec::Workflow(spec) => {
                for (step, at) in spec.steps.iter().zip(step_paths(&spec.steps)) {
                    let Step::Branch(branch) = step else { continue };
                    for (n, case) in branch.cases.iter().enumerate() {
                        let at = at.key("cases").index(n).key("when");
                        let help = "the case is never taken; correct a row, or remove the case";
                        warnings.extend(warning(object, &case.when, &at, help, &|_| false));
                    }
                }
            }
            Spec::System(_)
            | Spec::EventType(_)
            | Spec::Template(_)
            | Spec::Notification(_)
            | Spec::Destination(_)
            | Spec::IncomingWebhook(_) => {}
        }
    }
    warnings
}

fn warning(
    object: &DesiredObject,
    condition: &Condition,
    at: &Path,
    help: &str,
    is_personal: &dyn Fn(&str) -> bool,
) -> Option<Diagnostic> {
    let conflicts = never_hold(&[condition])?;
    let mut told: Vec<String> = conflicts.iter().take(TOLD).map(|conflict| sentence(conflict, is_personal)).collect();
    if conflicts.len() > TOLD {
        told.push(format!("and so on for {} more", conflicts.len() - TOLD));
    }
    let mut marked: Vec<(Path, Option<Span>)> = Vec::new();
    for said in conflicts.iter().take(TOLD).flat_map(|conflict| &conflict.0) {
        let path = path_of(object, condition, at, said.row);
        if !marked.iter().any(|(known, _)| *known == path) {
            marked.push((path.clone(), object.positions.find(&path).map(|place| place.value)));
        }
    }
    let (path, span) = marked.pop().unwrap_or_else(|| {
        let span = object.positions.find(at).map(|place| place.key.unwrap_or(place.value));
        (at.clone(), span)
    });
    let mut warning =
        Diagnostic::warning(Code::ImpossibleCondition, format!("these conditions never hold: {}", told.join("; ")))
            .of(object.address.to_string())
            .path(path)
            .help(help);
    warning.span = span;
    warning.related = marked.into_iter().filter_map(|(_, span)| Some(("with this".to_owned(), span?))).collect();
    Some(warning)
}

fn sentence(conflict: &Conflict<'_>, is_personal: &dyn Fn(&str) -> bool) -> String {
    let rows: Vec<String> = conflict.0.iter().map(|said| shown(said, is_personal)).collect();
    match rows.as_slice() {
        [] => "there is nothing that would meet an empty list".to_owned(),
        [single] => format!("{single} holds for no value"),
        [rest @ .., last] => format!("{} and {last} exclude each other", rest.join(", ")),
    }
}

fn shown(said: &Said<'_>, is_personal: &dyn Fn(&str) -> bool) -> String {
    let Said { row, holds } = said;
    let not = if *holds { "" } else { "not " };
    let operand = row.value.as_ref().map(|value| {
        if is_personal(&row.property) {
            return " …".to_owned();
        }
        let text = value.to_string();
        let short: String = text.chars().take(OPERAND).collect();
        format!(" {short}{}", if short.len() < text.len() { "…" } else { "" })
    });
    format!("`{not}{} {}{}`", row.property, row.operator.as_str(), operand.unwrap_or_default())
}

/// Where a row stands in the manifest: the list at the top may be written bare or under `all`, and one row alone.
fn path_of(object: &DesiredObject, condition: &Condition, at: &Path, wanted: &Row) -> Path {
    let is_written = |path: &Path| object.positions.find(path).is_some_and(|place| place.exact);
    let mut found = at.clone();
    let mut visit = |row: &Row, path: Path| {
        if std::ptr::eq(row, wanted) {
            found = path;
        }
    };
    match condition {
        Condition::All(_) if is_written(&at.key("all")) => condition.rows(at, &mut visit),
        Condition::All(_) | Condition::Any(_) | Condition::Not(_) | Condition::Row(_) => {
            condition.rows_at_top(at, &mut visit);
        }
    }
    if is_written(&found) { found } else { at.clone() }
}

#[cfg(test)]
mod tests {
    use crate::lint::sample::{self, said};

    fn of_webhook(conditions: &str) -> Vec<String> {
        said(
            &sample::project(&[sample::DESTINATION, sample::SYSTEM, &sample::webhook("a", "d", conditions)]),
            super::check,
        )
    }

    #[test]
    fn the_rows_are_named_and_marked() {
        assert_eq!(
            of_webhook(
                "\n    - { property: score, operator: lessThan, value: 3 }\n    - { property: score, operator: greaterThan, value: 7 }"
            ),
            ["8:7 these conditions never hold: `score lessThan 3` and `score greaterThan 7` exclude each other +7:7"]
        );
        assert_eq!(of_webhook("[{ property: score, operator: lessThan, value: 3 }]"), [""; 0]);
    }

    #[test]
    fn every_way_to_write_a_list_has_its_positions() {
        let rows = "[{ property: country, operator: equalTo, value: DE }, { property: country, operator: in, value: [FR, CH] }]";
        let proof =
            "these conditions never hold: `country equalTo \"DE\"` and `country in [\"FR\",\"CH\"]` exclude each other";
        assert_eq!(of_webhook(rows), [format!("6:69 {proof} +6:16")]);
        assert_eq!(of_webhook(&format!("{{ all: {rows} }}")), [format!("6:76 {proof} +6:23")]);
        let row = "{ property: country, operator: equalTo, value: DE }";
        assert_eq!(
            of_webhook(&format!("{{ not: {{ any: [{row}, {{ not: {row} }}] }} }}")),
            [
                "6:90 these conditions never hold: `not country equalTo \"DE\"` and `country equalTo \"DE\"` exclude each other +6:30"
            ]
        );
    }

    #[test]
    fn values_of_personal_properties_are_not_told() {
        let rows = "[{ property: endUserId, operator: equalTo, value: kim }, { property: endUserId, operator: equalTo, value: bo }]";
        let told = of_webhook(rows).join("\n");
        assert!(told.contains("`endUserId equalTo …`") && !told.contains("kim"), "{told}");
    }

    #[test]
    fn audiences_and_branches_are_read_too() {
        let audience = "kind: Audience\nmetadata: { name: nobody }\nspec:\n  match:\n    - { property: age, operator: lessThan, value: 3 }\n    - { not: { property: age, operator: exists } }\n";
        let workflow = "kind: Workflow\nmetadata: { name: w }\nspec:\n  data: [{ name: N, type: numeric }]\n  start: b\n  steps:\n    - name: b\n      type: branch\n      cases:\n        - { when: { all: [{ property: N, operator: lessThan, value: 3 }, { property: N, operator: equalTo, value: 5 }] }, to: e }\n      otherwise: e\n    - { name: e, type: end }\n";
        assert_eq!(
            said(&sample::project(&[audience, workflow]), super::check),
            [
                "7:14 these conditions never hold: `age lessThan 3` and `not age exists` exclude each other +6:7",
                "11:74 these conditions never hold: `N lessThan 3` and `N equalTo 5` exclude each other +11:27"
            ]
        );
    }
}
