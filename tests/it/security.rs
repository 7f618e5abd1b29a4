//! What `docs/security.md` says is shown by tests is shown by tests that exist.

use std::collections::BTreeSet;
use std::path::Path;

/// The names of all test functions.
fn tests(root: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut folders = vec![root.join("src"), root.join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(path).expect("a file");
                let mut is_test = false;
                for line in text.lines().map(str::trim) {
                    is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
                    let name = line.split_once("fn ").and_then(|(_, rest)| rest.split('(').next());
                    if let Some(name) = name.filter(|_| is_test) {
                        names.insert(name.to_owned());
                        is_test = false;
                    }
                }
            }
        }
    }
    names
}

#[test]
fn what_is_said_of_security_is_tested() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/security.md")).expect("the page");
    let tests = tests(root);
    let mut named = 0;
    // Names of tests are sentences in backticks; nothing else there has three words. `TRUEUP_…` is a variable's.
    let is_name = |word: &&str| word.matches('_').count() >= 2 && !word.starts_with("TRUEUP_");
    for word in page.split('`').skip(1).step_by(2).filter(is_name) {
        assert!(tests.contains(word), "docs/security.md names the test {word}, which does not exist");
        named += 1;
    }
    assert!(named > 30, "{named}");
    for risk in 1..=10 {
        assert!(page.contains(&format!("API{risk}:2023")), "API{risk}:2023 is not walked through");
    }
}
