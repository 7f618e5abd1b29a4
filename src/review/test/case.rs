//! One case: where it stands, and what its evaluation needs to tell of it.

use serde_json::Value;

use super::compare::Leaf;
use super::coverage::Touched;
use super::report::{Decider, Difference};
use crate::base::path::Path;
use crate::base::positions::Positions;
use crate::base::source::Span;

/// Where a case stands, and what it has found.
#[derive(Debug)]
pub(super) struct Case<'t> {
    positions: &'t Positions,
    /// `spec.cases[n].expect`.
    at: Path,
    /// What is not as expected.
    pub(super) differences: Vec<Difference>,
    /// What it touched, where that is asked for.
    pub(super) touched: Option<Touched>,
}

impl<'t> Case<'t> {
    /// The nth case of a test.
    pub(super) fn new(positions: &'t Positions, n: usize, touched: Option<Touched>) -> Self {
        let at = Path::keys("spec.cases").index(n).key("expect");
        Self { positions, at, differences: Vec::new(), touched }
    }

    /// Where an expectation is written. `written` is its path below `expect`.
    fn span(&self, written: &Path) -> Option<Span> {
        let path = written.segments().iter().fold(self.at.clone(), |path, segment| path.with(segment.clone()));
        self.positions.value_span(&path)
    }

    /// Notes a difference. `path` is what readers see, `written` where the expectation stands; both below `expect`.
    pub(super) fn differs(
        &mut self,
        path: Path,
        written: &Path,
        (expected, actual): (Option<Value>, Option<Value>),
        decided: Vec<Decider>,
    ) {
        let span = self.span(written);
        self.differences.push(Difference { path, span, expected, actual, decided });
    }

    /// Notes a leaf that differs.
    pub(super) fn leaf(&mut self, leaf: Leaf, path: &Path, written: &Path, decided: Vec<Decider>) {
        let (shown, written) = (leaf.below(path), leaf.below(written));
        self.differs(shown, &written, (leaf.expected, leaf.actual), decided);
    }

    /// Notes something touched.
    pub(super) fn touch(&mut self, note: impl FnOnce(&mut Touched)) {
        if let Some(touched) = &mut self.touched {
            note(touched);
        }
    }
}
