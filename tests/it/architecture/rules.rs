//! Rules about the text of a file.

use std::collections::BTreeSet;

/// Words that promise what is not there. Written in halves, so that this file is free of them.
const BANNED: [&str; 5] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X:"),
    concat!("unimplemented", "!("),
    concat!("todo", "!("),
];

/// The banned words in a text, each with its line.
pub(super) fn banned(text: &str) -> impl Iterator<Item = String> {
    text.lines().enumerate().flat_map(|(n, line)| {
        let found = BANNED.iter().filter(move |word| line.contains(**word));
        found.map(move |word| format!("line {}: `{word}`", n + 1))
    })
}

/// Lines before the tests that a file ends with.
pub(super) fn lines_without_tests(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let tests = lines.windows(2).position(|pair| pair[0] == "#[cfg(test)]" && pair[1] == "mod tests {");
    tests.unwrap_or(lines.len())
}

/// `mod name;` at the top of a file.
pub(super) fn declared_modules(text: &str) -> BTreeSet<String> {
    let name = |line: &str| Some(line.strip_prefix("mod ")?.strip_suffix(';')?.to_owned());
    text.lines().filter_map(name).collect()
}

#[test]
fn rules_see_what_they_should() {
    assert_eq!(lines_without_tests("a\nb\n#[cfg(test)]\nmod tests {\n}\n"), 2);
    assert_eq!(lines_without_tests("a\n#[cfg(test)]\nmod sample;\nb\n"), 4);
    assert_eq!(banned(concat!("a\n// TO", "DO later\n")).count(), 1);
    assert_eq!(declared_modules("mod a;\nmod b;\nuse c;\n"), BTreeSet::from(["a".to_owned(), "b".to_owned()]));
}
