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
    let words = words(name);
    match words.as_slice() {
        [] => {}
        [word] => {
            finding.help(format!("for example `{word}`"));
        }
        [first, rest @ ..] => {
            let camel: String =
                std::iter::once(first.clone()).chain(rest.iter().map(|word| capitalised(word))).collect();
            finding.help(format!("for example `{camel}` or `{}`", words.join("_")));
        }
    }
}

/// Words joined by `_` that are all written alike: small, in capitals, or each with a capital first.
fn is_joined(name: &str) -> bool {
    let every = |alike: fn(&str) -> bool| name.split('_').all(alike);
    every(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric()))
        && (every(|word| !word.bytes().any(|b| b.is_ascii_uppercase()))
            || every(|word| !word.bytes().any(|b| b.is_ascii_lowercase()))
            || every(|word| {
                !word.starts_with(|c: char| c.is_ascii_lowercase())
                    && !word.bytes().skip(1).any(|b| b.is_ascii_uppercase())
            }))
}

fn is_camel_case(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(|c| c.is_ascii_alphanumeric())
}

/// Its words in small letters; a capital after a small letter or before one begins a word.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    let mut rest = name.chars().peekable();
    while let Some(c) = rest.next() {
        let begins =
            c.is_uppercase() && (!before.is_uppercase() || rest.peek().is_some_and(|next| next.is_lowercase()));
        if begins || !c.is_alphanumeric() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

fn capitalised(word: &str) -> String {
    let mut rest = word.chars();
    rest.next().into_iter().flat_map(char::to_uppercase).chain(rest).collect()
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
        for odd in ["user-id", "UserId", "user.id", "_x", "user_Id", "user_userId"] {
            assert_eq!(outcome(odd), Some(Severity::Warning), "{odd}");
        }
        for bad in ["user id", "", "a\tb"] {
            assert_eq!(outcome(bad), Some(Severity::Error), "{bad}");
        }
    }

    #[test]
    fn the_help_names_the_same_words() {
        let help = |name: &str| {
            let mut findings = Findings::default();
            check(name, &Path::root(), true, &mut findings);
            findings.into_vec().into_iter().find_map(|f| f.help).unwrap_or_default()
        };
        assert_eq!(help("UserId"), "for example `userId` or `user_id`");
        assert_eq!(help("user_Id"), "for example `userId` or `user_id`");
        assert_eq!(help("HTML Parser"), "for example `htmlParser` or `html_parser`");
        assert_eq!(help("_x"), "for example `x`");
        assert_eq!(help(""), "");
    }
}
