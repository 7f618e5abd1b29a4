//! `impossible-condition`: conditions of a Webhook, an Audience or a branch that nothing can ever meet.
//!
//! The message names the rows that exclude each other and stands at the last of them; the others are marked too.

use crate::base::code::Code;
use crate::base::diagnostic::Diagnostic;
use crate::base::path::Path;
use crate::base::source::Span;
use crate::desired::{Desired, Objects};
use crate::lint::condition_logic::never_hold;
use crate::lint::written::{Subject, Written, each, told, told_rows};

pub(super) fn check(desired: &Desired) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    each(desired, &Objects::new(&desired.objects), &mut |subject, cases| {
        let help = match subject {
            Subject::Event(..) => "nothing is ever sent; correct a row, or remove the webhook",
            Subject::EndUser => "nobody is ever in it; correct a row, or remove the audience",
            Subject::Run(_) => "the case is never taken; correct a row, or remove the case",
        };
        warnings.extend(cases.iter().filter_map(|written| warning(written, subject, help)));
    });
    warnings
}

fn warning(written: &Written<'_>, subject: Subject<'_>, help: &str) -> Option<Diagnostic> {
    let conflicts = never_hold(&[written.condition])?;
    let mut marked: Vec<(Path, Option<Span>)> = Vec::new();
    for row in told_rows(&conflicts) {
        let path = written.path_of(row).unwrap_or_else(|| written.at.clone());
        if !marked.iter().any(|(known, _)| *known == path) {
            marked.push((path.clone(), written.span(&path)));
        }
    }
    let (path, span) = marked.pop().unwrap_or_else(|| {
        let place = written.object.positions.find(&written.at);
        (written.at.clone(), place.map(|place| place.key_span()))
    });
    let message = format!("these conditions never hold: {}", told(&conflicts, subject));
    let mut warning = Diagnostic::warning(Code::ImpossibleCondition, message)
        .of(written.object.address.to_string())
        .path(path)
        .help(help);
    warning.span = span;
    warning.related = marked.into_iter().filter_map(|(_, span)| Some(("with this".to_owned(), span?))).collect();
    Some(warning)
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
