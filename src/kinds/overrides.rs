//! Values for a template's `###PLACEHOLDER###`s, as a Notification or a workflow's `notify` step gives them.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Finding, Findings};
use super::placeholder;
use super::reference::Reference;
use super::scope::Scope;
use super::template::TemplateSpec;
use super::{Kind, Spec};
use crate::base::code::Code;
use crate::base::path::Path;

/// Values by placeholder. Keys may be written with or without their hashes (domain §1.2).
pub type Overrides = BTreeMap<String, String>;

/// Keys to bare names.
pub fn normalise(overrides: &mut Overrides) {
    if overrides.keys().any(|key| placeholder::bare_name(key) != key) {
        *overrides = std::mem::take(overrides)
            .into_iter()
            .map(|(key, value)| (placeholder::bare_name(&key).to_owned(), value))
            .collect();
    }
}

/// Checks the keys alone: none is empty, and none is given twice, once with and once without its hashes.
pub fn check(overrides: &Overrides, at: &Path, findings: &mut Findings) {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for key in overrides.keys() {
        let name = placeholder::bare_name(key);
        if name.is_empty() {
            findings.error(Code::InvalidValue, at.key(key), "an override needs the name of a placeholder").at_key();
        }
        if let Some(first) = seen.insert(name, key) {
            findings
                .error(Code::DuplicateKey, at.key(key), format!("`{first}` and `{key}` are the same placeholder"))
                .at_key()
                .related("also here", at.key(first));
        }
    }
}

/// Checks the keys against the placeholders of the template and of `own` texts that stand in the template's place.
///
/// Says nothing when the template is outside the project or unknown.
pub fn check_against(
    overrides: &Overrides,
    template: &Reference,
    own: &[&str],
    scope: &dyn Scope,
    at: &Path,
    findings: &mut Findings,
) {
    let Some((name, spec)) = template_in(scope, template) else { return };
    let mut known = spec.placeholders();
    known.extend(own.iter().flat_map(|text| placeholder::hash_names(text)));
    let given: BTreeSet<&str> = overrides.keys().map(|key| placeholder::bare_name(key)).collect();
    for key in overrides.keys().filter(|key| !known.contains(placeholder::bare_name(key))) {
        unknown(key, name, &known, at.key(key), findings).at_key();
    }
    for missing in known.difference(&given) {
        findings
            .warning(
                Code::MissingOverride,
                at.clone(),
                format!("`{missing}` has no value: end users would read ###{missing}###"),
            )
            .help(format!("add `{missing}` to override"));
    }
}

/// Reports a name that is no placeholder of a template.
pub(super) fn unknown<'f>(
    key: &str,
    template: &str,
    known: &BTreeSet<&str>,
    at: Path,
    findings: &'f mut Findings,
) -> &'f mut Finding {
    let bare = placeholder::bare_name(key);
    let message = format!("Template/{template} has no placeholder `{bare}`");
    let finding = findings.error(Code::UnknownOverride, at, message);
    if !known.is_empty() {
        finding.help(format!("its placeholders: {}", known.iter().copied().collect::<Vec<_>>().join(", ")));
    }
    finding.did_you_mean(bare, known.iter().copied())
}

/// The template, when the reference is a name the scope has.
pub fn template_in<'s>(scope: &'s dyn Scope, template: &'s Reference) -> Option<(&'s str, &'s TemplateSpec)> {
    let name = template.name()?.as_str();
    match scope.get(Kind::Template, name) {
        Some(Spec::Template(spec)) => Some((name, &**spec)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overrides(keys: &[&str]) -> Overrides {
        keys.iter().map(|key| ((*key).to_owned(), "v".to_owned())).collect()
    }

    #[test]
    fn keys_lose_their_hashes() {
        let mut map = overrides(&["###URL###", "NAME"]);
        normalise(&mut map);
        assert_eq!(map, overrides(&["URL", "NAME"]));
    }

    #[test]
    fn a_key_given_in_both_forms_is_an_error() {
        let mut findings = Findings::default();
        check(&overrides(&["###URL###", "URL"]), &Path::keys("spec.override"), &mut findings);
        let found: Vec<_> = findings.into_vec().into_iter().map(|f| (f.code, f.path.to_string())).collect();
        assert_eq!(found, [(Code::DuplicateKey, "spec.override.URL".to_owned())]);
    }
}
