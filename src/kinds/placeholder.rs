//! `###NAME###` in templates and `{{name}}` in workflows: found, never evaluated here.

/// The names between `###` and `###`, in order, with repeats. A name has no `#` and no line break.
#[must_use]
pub fn hash_names(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("###") {
        let after = rest.get(start + 3..).unwrap_or_default();
        match after.find("###") {
            Some(end) => {
                let name = after.get(..end).unwrap_or_default();
                if !name.is_empty() && !name.contains(['#', '\n']) {
                    names.push(name);
                    rest = after.get(end + 3..).unwrap_or_default();
                } else {
                    rest = after;
                }
            }
            None => break,
        }
    }
    names
}

/// The bare name of an override key: `URL` and `###URL###` are the same (domain §1.2).
#[must_use]
pub fn bare_name(key: &str) -> &str {
    key.strip_prefix("###").and_then(|key| key.strip_suffix("###")).unwrap_or(key)
}

/// The names between `{{` and `}}`, trimmed, in order, with repeats.
#[must_use]
pub fn brace_names(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let after = rest.get(start + 2..).unwrap_or_default();
        let Some(end) = after.find("}}") else { break };
        let name = after.get(..end).unwrap_or_default().trim();
        if !name.is_empty() && !name.contains('\n') {
            names.push(name);
        }
        rest = after.get(end + 2..).unwrap_or_default();
    }
    names
}

/// The text with `word` in place of every closed `{{…}}`: for checks of what surrounds the variables.
#[must_use]
pub fn with_braces_replaced(text: &str, word: &str) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((_, after)) = after.split_once("}}") else { break };
        replaced.push_str(before);
        replaced.push_str(word);
        rest = after;
    }
    replaced.push_str(rest);
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found() {
        assert_eq!(hash_names("Lead ###LEAD_NAME### at ###URL###"), ["LEAD_NAME", "URL"]);
        assert_eq!(hash_names("### not closed"), Vec::<&str>::new());
        assert_eq!(hash_names("######X###"), ["X"]);
        assert_eq!(bare_name("###URL###"), "URL");
        assert_eq!(bare_name("URL"), "URL");
        assert_eq!(with_braces_replaced("a {{ x.y }} b {{z}} {{open", "0"), "a 0 b 0 {{open");
        assert_eq!(brace_names("a {{ x.y }} b {{z}} {{open"), ["x.y", "z"]);
    }
}
