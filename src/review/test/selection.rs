//! Which cases are run.

use std::collections::BTreeMap;

use crate::base::ident::Name;

/// Which cases are run: those that fit all that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestSelection {
    /// Names of tests, in which `*` stands for any characters; one of them has to fit.
    pub tests: Vec<String>,
    /// Texts, one of which the name of the case has to contain, whatever the case of its letters.
    pub cases: Vec<String>,
    /// Labels that the test has.
    pub labels: Vec<(String, String)>,
}

impl TestSelection {
    /// Whether nothing narrows it.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        let Self { tests, cases, labels } = self;
        tests.is_empty() && cases.is_empty() && labels.is_empty()
    }

    /// Whether a test is looked at.
    #[must_use]
    pub fn has_test(&self, name: &Name, labels: &BTreeMap<String, String>) -> bool {
        let named = self.tests.is_empty() || self.tests.iter().any(|pattern| fits(pattern, name.as_str()));
        named && self.labels.iter().all(|(key, value)| labels.get(key) == Some(value))
    }

    /// Whether a case of such a test is run.
    #[must_use]
    pub fn has_case(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.cases.is_empty() || self.cases.iter().any(|part| name.contains(&part.to_lowercase()))
    }
}

/// Whether a name fits a pattern, in which `*` stands for any characters.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut left) = name.strip_prefix(first) else { return false };
    let Some((middle, last)) = rest.rsplit_once('*').or(Some(("", rest))) else { return false };
    for part in middle.split('*') {
        let Some(at) = left.find(part) else { return false };
        left = left.get(at + part.len()..).unwrap_or_default();
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, name, expected) in [
            ("nps", "nps", true),
            ("nps", "nps-2", false),
            ("nps*", "nps-2", true),
            ("*routing", "nps-routing", true),
            ("n*s*g", "nps-routing", true),
            ("*", "x", true),
            ("a*a", "a", false),
            ("*a*b*", "xbxa", false),
            ("**", "", true),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn all_that_is_given_has_to_fit() {
        let labels = BTreeMap::from([("team".to_owned(), "crm".to_owned())]);
        let mut selection = TestSelection::default();
        assert!(selection.is_everything() && selection.has_test(&Name::from_any("t"), &labels));
        selection.tests.push("t*".into());
        selection.labels.push(("team".into(), "crm".into()));
        selection.cases.push("GERMANY".into());
        assert!(!selection.is_everything());
        assert!(selection.has_test(&Name::from_any("t1"), &labels));
        assert!(!selection.has_test(&Name::from_any("t1"), &BTreeMap::new()));
        assert!(!selection.has_test(&Name::from_any("x"), &labels));
        assert!(selection.has_case("from Germany") && !selection.has_case("from France"));
    }
}
