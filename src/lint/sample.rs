//! Projects for the tests of rules: documents without their `apiVersion`, each a file of its own; and conditions.

use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::base::diagnostic::Diagnostic;
use crate::desired::Desired;
use crate::desired::load::load_project;
use crate::kinds::condition::Condition;
use crate::manifest::{Input, LoadOptions};

pub(crate) const SYSTEM: &str = "kind: System\nmetadata: { name: crm }\nspec: { platform: web }\n";
pub(super) const DESTINATION: &str =
    "kind: Destination\nmetadata: { name: d }\nspec: { platform: P, method: POST, url: \"https://a.test/x\" }\n";

/// A destination with this address.
pub(super) fn destination(name: &str, url: &str) -> String {
    format!("kind: Destination\nmetadata: {{ name: {name} }}\nspec: {{ platform: P, method: POST, url: \"{url}\" }}\n")
}

/// A webhook on surveys with these conditions.
pub(super) fn webhook(name: &str, destination: &str, conditions: &str) -> String {
    format!(
        "kind: Webhook\nmetadata: {{ name: {name} }}\nspec:\n  system: crm\n  conditions: {conditions}\n  event: survey.submitted\n  destination: {destination}\n"
    )
}

/// Loads them; errors other than the workstation's absence fail the test.
pub(crate) fn project(documents: &[&str]) -> Desired {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (n, document) in documents.iter().enumerate() {
        let text = format!("apiVersion: trueup/v1\n{document}");
        std::fs::write(folder.path().join(format!("{n:05}.yaml")), text).expect("a written file");
    }
    let options = LoadOptions {
        path: Input::Path(folder.path().to_owned()),
        working_folder: folder.path().to_owned(),
        target: None,
        vars: Vec::new(),
        var_files: Vec::new(),
        threads: None,
    };
    let loaded = load_project(&options).expect("a project");
    let errors: Vec<&str> = loaded.diagnostics.iter().filter(|d| d.is_error()).map(|d| d.message.as_str()).collect();
    assert_eq!(errors, [""; 0]);
    loaded.desired
}

/// Conditions of such rows: property, operator and operand.
pub(super) fn conditions(
    row: impl Strategy<Value = (&'static str, &'static str, Option<Value>)> + 'static,
) -> impl Strategy<Value = Condition> {
    let row = row.prop_map(|(property, operator, value)| {
        let mut row = json!({"property": property, "operator": operator});
        if let Some(value) = value {
            row["value"] = value;
        }
        serde_json::from_value(row).expect("a row")
    });
    row.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Condition::All),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Condition::Any),
            inner.prop_map(|inner| Condition::Not(Box::new(inner))),
        ]
    })
}

/// `line:column message +line:column` of each warning, the last for its related places.
pub(super) fn said(desired: &Desired, rule: fn(&Desired) -> Vec<Diagnostic>) -> Vec<String> {
    let place = |span| desired.sources.locate(span).map_or_else(String::new, |at| format!("{}:{}", at.line, at.column));
    let shown = |warning: Diagnostic| {
        assert!(!warning.is_error() && warning.address.is_some() && warning.path.is_some() && warning.help.is_some());
        let mut text = format!("{} {}", warning.span.map(place).unwrap_or_default(), warning.message);
        for (_, span) in &warning.related {
            let _ = write!(text, " +{}", place(*span));
        }
        text
    };
    rule(desired).into_iter().map(shown).collect()
}
