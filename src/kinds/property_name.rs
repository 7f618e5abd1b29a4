//! Names under which properties are sent (domain §2): no spaces; words joined by `_` or in camelCase.

use super::finding::Findings;
use crate::base::code::Code;
use crate::base::path::Path;

/// Checks one name. `at_key` says that the name is the key at `path`, not the value.
pub fn check(name: &str, path: &Path, at_key: bool, findings: &mut Findings) {
    let finding = if name.is_empty() || name.chars().any(char::is_whitespace) {
        findings.error(Code::PropertyName, path.clone(), format!("the property name `{name}` has spaces or is empty"))
    } else if !is_joined(name) && !is_camel_case(name) {
        findings.warning(
            Code::PropertyName,
            path.clone(),
            format!("the property name `{name}` is neither words joined by `_` nor camelCase"),
        )
    } else {
        return;
    };
    finding.at_key = at_key;
    let joined: Vec<String> = words(name);
    if !joined.is_empty() {
        finding.help(format!("for example `{}`", joined.join("_")));
    }
}

fn is_joined(name: &str) -> bool {
    name.split('_').all(|word| {
        let capital_inside = word.chars().skip(1).any(|c| c.is_ascii_uppercase());
        let small = word.chars().any(|c| c.is_ascii_lowercase());
        !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric()) && !(capital_inside && small)
    })
}

fn is_camel_case(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(|c| c.is_ascii_alphanumeric())
}

fn words(name: &str) -> Vec<String> {
    name.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::diagnostic::Severity;

    #[test]
    fn spaces_are_errors_and_odd_joins_are_warnings() {
        let outcome = |name: &str| {
            let mut findings = Findings::default();
            check(name, &Path::root(), true, &mut findings);
            findings.as_slice().first().map(|f| f.severity)
        };
        for fine in ["user_id", "userId", "score", "Score", "ID", "a1", "USER_ID"] {
            assert_eq!(outcome(fine), None, "{fine}");
        }
        for odd in ["user-id", "UserId", "user.id", "_x"] {
            assert_eq!(outcome(odd), Some(Severity::Warning), "{odd}");
        }
        for bad in ["user id", "", "a\tb"] {
            assert_eq!(outcome(bad), Some(Severity::Error), "{bad}");
        }
    }
}
