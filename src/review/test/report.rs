//! What came of the cases, as a value: text, JSON and JUnit are renderings of it.

use serde_json::Value;

use super::coverage::Coverage;
use crate::base::ident::Name;
use crate::base::path::Path;
use crate::base::source::Span;
use crate::kinds::Address;

/// What came of a project's tests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TestReport {
    /// The tests by name.
    pub tests: Vec<TestResult>,
    /// What no case touches, if that was asked for.
    pub coverage: Option<Coverage>,
}

/// What came of one manifest's cases.
#[derive(Clone, Debug, PartialEq)]
pub struct TestResult {
    /// Its name.
    pub name: Name,
    /// The document.
    pub span: Span,
    /// The cases in the order they are written in.
    pub cases: Vec<CaseResult>,
}

/// What came of one case.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseResult {
    /// Its name.
    pub name: String,
    /// Where its name is written.
    pub span: Span,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a case.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// All is as expected.
    Passed,
    /// Something is not.
    Failed(Vec<Difference>),
    /// It could not be evaluated.
    Error(CaseError),
}

/// Something that is not as expected.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// What, below `expect`: `deliveries[nps-to-slack].body.score`.
    pub path: Path,
    /// Where the expectation is written.
    pub span: Option<Span>,
    /// What was expected; `None` for nothing.
    pub expected: Option<Value>,
    /// What there is; `None` for nothing.
    pub actual: Option<Value>,
    /// What made it so.
    pub decided: Vec<Decider>,
}

/// A place of a manifest that decided what happens.
#[derive(Clone, Debug, PartialEq)]
pub struct Decider {
    /// The object.
    pub address: Address,
    /// The field.
    pub path: Path,
    /// Where it is written.
    pub span: Option<Span>,
    /// How it decided: a sentence without a full stop.
    pub says: String,
}

/// Why a case could not be evaluated.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseError {
    /// One sentence, no full stop.
    pub message: String,
    /// What the author can do.
    pub help: Option<String>,
    /// The places that have to do with it.
    pub decided: Vec<Decider>,
}

/// How many cases ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// As expected.
    pub passed: usize,
    /// Not as expected.
    pub failed: usize,
    /// Not evaluated.
    pub errors: usize,
}

impl CaseError {
    /// An error without places.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, decided: Vec::new() }
    }

    /// Sets the advice.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl Outcome {
    /// As expected where there is no difference.
    pub(super) fn of(differences: Vec<Difference>) -> Self {
        if differences.is_empty() { Self::Passed } else { Self::Failed(differences) }
    }

    /// As other programs read it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::Error(_) => "error",
        }
    }
}

impl Counts {
    /// Counts cases.
    #[must_use]
    pub fn of<'c>(cases: impl IntoIterator<Item = &'c CaseResult>) -> Self {
        let mut counts = Self::default();
        for case in cases {
            *match &case.outcome {
                Outcome::Passed => &mut counts.passed,
                Outcome::Failed(_) => &mut counts.failed,
                Outcome::Error(_) => &mut counts.errors,
            } += 1;
        }
        counts
    }

    /// Whether every case is as expected.
    #[must_use]
    pub fn all_passed(self) -> bool {
        let Self { passed: _, failed, errors } = self;
        failed + errors == 0
    }

    /// How many cases there are.
    #[must_use]
    pub fn total(self) -> usize {
        let Self { passed, failed, errors } = self;
        passed + failed + errors
    }
}

impl TestReport {
    /// All cases, in order.
    pub fn cases(&self) -> impl Iterator<Item = (&TestResult, &CaseResult)> {
        self.tests.iter().flat_map(|test| test.cases.iter().map(move |case| (test, case)))
    }

    /// The counts of all cases.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts::of(self.cases().map(|(_, case)| case))
    }
}
