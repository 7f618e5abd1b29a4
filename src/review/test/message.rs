//! What deliveries and requests of workflows have in common, compared with what is expected of it.

use serde_json::{Value, json};

use super::case::Case;
use super::compare::{Extent, body_for, differences};
use super::report::Decider;
use crate::base::path::Path;
use crate::kinds::test::expectation::ExpectedMessage;

/// A message that was made, beside the place where it is expected.
pub(super) struct Message<'m> {
    /// Its headers, secrets as their references.
    pub(super) headers: Vec<(&'m str, Value)>,
    /// Its body.
    pub(super) body: Option<&'m str>,
    /// What readers see of its place.
    pub(super) shown: Path,
    /// Where it is expected.
    pub(super) written: Path,
}

impl Message<'_> {
    /// Compares one field, if it is expected.
    pub(super) fn field(
        &self,
        name: &str,
        expected: Option<Value>,
        actual: Value,
        decided: impl FnOnce() -> Vec<Decider>,
        case: &mut Case<'_>,
    ) {
        let Some(expected) = expected.filter(|expected| *expected != actual) else { return };
        let values = (Some(expected), Some(actual));
        case.differs(self.shown.key(name), &self.written.key(name), values, decided());
    }

    /// Compares headers and body. `header` tells who decided about a header, by its name and whether it is there; `body`
    /// about a key of the body, or about all of it.
    pub(super) fn compare(
        &self,
        wanted: ExpectedMessage<'_>,
        header: impl Fn(&str, bool) -> Vec<Decider>,
        body: impl Fn(Option<&str>) -> Vec<Decider>,
        case: &mut Case<'_>,
    ) {
        let ExpectedMessage { headers, body: whole, body_includes } = wanted;
        for (name, value) in headers {
            let actual =
                self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value);
            let expected = json!(value);
            if actual != Some(&expected) {
                let (shown, written) = (self.shown.key("headers").key(name), self.written.key("headers").key(name));
                let decided = header(name, actual.is_some());
                case.differs(shown, &written, (Some(expected), actual.cloned()), decided);
            }
        }
        for (name, wanted, extent) in [("body", whole, Extent::Whole), ("bodyIncludes", body_includes, Extent::Part)] {
            let Some(wanted) = wanted else { continue };
            let actual = body_for(wanted, self.body);
            for leaf in differences(wanted, actual.as_ref(), extent) {
                let decided = body(leaf.first_key());
                case.leaf(leaf, &self.shown.key(name), &self.written.key(name), decided);
            }
        }
    }
}
