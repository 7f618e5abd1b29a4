//! `test -o json`: what came of every case, as one document.

use std::io::{self, BufWriter, Write};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::locator::Locator;
use crate::base::schema::published;
use crate::base::source::{SourceMap, Span};
use crate::review::test::coverage::{Coverage, Covered, Missed};
use crate::review::test::report::{
    CaseError, CaseResult, Counts, Decider, Difference, Outcome, TestReport, TestResult,
};

/// The document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TestReportV1 {
    /// `1.0`.
    pub format_version: String,
    /// The cases, by name of the test and in the order they are written in.
    pub cases: Vec<TestCaseV1>,
    /// What no case touches; `null` unless asked for.
    pub coverage: Option<CoverageV1>,
    /// The counts.
    pub summary: TestSummaryV1,
}

/// One case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct TestCaseV1 {
    /// Name of the Test.
    pub test: String,
    /// Name of the case.
    pub name: String,
    /// Where it is written, relative to the project's folder.
    pub file: Option<String>,
    /// Its line, from 1.
    pub line: Option<u32>,
    /// What came of it.
    pub outcome: TestOutcomeV1,
    /// What is not as expected.
    pub differences: Vec<DifferenceV1>,
    /// Why it could not be evaluated.
    pub error: Option<TestErrorV1>,
}

/// What came of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum TestOutcomeV1 {
    /// All is as expected.
    Passed,
    /// Something is not.
    Failed,
    /// It could not be evaluated.
    Error,
}

/// Something that is not as expected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct DifferenceV1 {
    /// What, below `expect`.
    pub path: String,
    /// What was expected; `null` for nothing.
    pub expected: Option<Value>,
    /// What there is; `null` for nothing.
    pub actual: Option<Value>,
    /// Where the expectation is written.
    pub file: Option<String>,
    /// Its line.
    pub line: Option<u32>,
    /// Its column.
    pub column: Option<u32>,
    /// The places of manifests that made it so.
    pub decided_by: Vec<DeciderV1>,
}

/// A place of a manifest that decided what happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct DeciderV1 {
    /// `Kind/name`.
    pub address: String,
    /// The field.
    pub path: String,
    /// How it decided.
    pub message: String,
    /// Where it is written.
    pub file: Option<String>,
    /// Its line.
    pub line: Option<u32>,
    /// Its column.
    pub column: Option<u32>,
}

/// Why a case could not be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct TestErrorV1 {
    /// One sentence.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// The places of manifests that have to do with it.
    pub decided_by: Vec<DeciderV1>,
}

/// How much the cases touch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct CoverageV1 {
    /// Webhooks of which a case saw a delivery.
    pub webhooks: CoveredV1,
    /// Rows of conditions that a case asked.
    pub conditions: CoveredV1,
    /// Exits of workflow steps by which a case left.
    pub routes: CoveredV1,
    /// Placeholders of templates to which a case gave a value.
    pub placeholders: CoveredV1,
}

/// One sort of things.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct CoveredV1 {
    /// How many there are.
    pub total: usize,
    /// How many a case touches.
    pub touched: usize,
    /// Those that none touches.
    pub missed: Vec<MissedV1>,
    /// Rows that always held.
    pub always_held: Vec<MissedV1>,
    /// Rows that never held.
    pub never_held: Vec<MissedV1>,
}

/// Something that no case touches, or only on one side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct MissedV1 {
    /// `Kind/name`.
    pub address: String,
    /// The field; `null` for the object.
    pub path: Option<String>,
    /// The placeholder, the step and its exit, the row; `null` for a webhook.
    pub what: Option<String>,
    /// Where it is written.
    pub file: Option<String>,
    /// Its line.
    pub line: Option<u32>,
}

/// The counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct TestSummaryV1 {
    /// As expected.
    pub passed: usize,
    /// Not as expected.
    pub failed: usize,
    /// Not evaluated.
    pub errors: usize,
}

/// The JSON Schema of the document.
#[must_use]
pub fn test_report_schema() -> Value {
    published(schemars::schema_for!(TestReportV1).to_value(), "test-report.schema.json", "trueup test report")
}

impl TestReportV1 {
    /// The document of a report.
    #[must_use]
    pub fn new(report: &TestReport, sources: &SourceMap) -> Self {
        let mut places = Places(Locator::new(sources));
        let Counts { passed, failed, errors } = report.counts();
        Self {
            format_version: "1.0".to_owned(),
            cases: report.cases().map(|(test, case)| places.case(test, case)).collect(),
            coverage: report.coverage.as_ref().map(|coverage| places.coverage(coverage)),
            summary: TestSummaryV1 { passed, failed, errors },
        }
    }
}

/// Turns values into records with their places.
struct Places<'s>(Locator<'s>);

impl Places<'_> {
    fn at(&mut self, span: Option<Span>) -> (Option<String>, Option<u32>, Option<u32>) {
        let at = span.and_then(|span| self.0.locate(span));
        at.map_or((None, None, None), |at| (Some(at.file.to_string()), Some(at.line), Some(at.column)))
    }

    fn case(&mut self, test: &TestResult, case: &CaseResult) -> TestCaseV1 {
        let (file, line, _) = self.at(Some(case.span));
        let (outcome, differences, error) = match &case.outcome {
            Outcome::Passed => (TestOutcomeV1::Passed, Vec::new(), None),
            Outcome::Failed(differences) => {
                (TestOutcomeV1::Failed, differences.iter().map(|it| self.difference(it)).collect(), None)
            }
            Outcome::Error(CaseError { message, help, decided }) => {
                let decided_by = decided.iter().map(|it| self.decider(it)).collect();
                let error = TestErrorV1 { message: message.clone(), help: help.clone(), decided_by };
                (TestOutcomeV1::Error, Vec::new(), Some(error))
            }
        };
        TestCaseV1 { test: test.name.to_string(), name: case.name.clone(), file, line, outcome, differences, error }
    }

    fn difference(&mut self, difference: &Difference) -> DifferenceV1 {
        let Difference { path, span, expected, actual, decided } = difference;
        let (file, line, column) = self.at(*span);
        DifferenceV1 {
            path: path.to_string(),
            expected: expected.clone(),
            actual: actual.clone(),
            file,
            line,
            column,
            decided_by: decided.iter().map(|it| self.decider(it)).collect(),
        }
    }

    fn decider(&mut self, decider: &Decider) -> DeciderV1 {
        let Decider { address, path, span, says } = decider;
        let (file, line, column) = self.at(*span);
        DeciderV1 { address: address.to_string(), path: path.to_string(), message: says.clone(), file, line, column }
    }

    fn coverage(&mut self, coverage: &Coverage) -> CoverageV1 {
        let Coverage { webhooks, conditions, routes, placeholders } = coverage;
        CoverageV1 {
            webhooks: self.covered(webhooks),
            conditions: self.covered(conditions),
            routes: self.covered(routes),
            placeholders: self.covered(placeholders),
        }
    }

    fn covered(&mut self, covered: &Covered) -> CoveredV1 {
        let Covered { total, missed, one_sided } = covered;
        let mut side = |wanted: bool| {
            let side = one_sided.iter().filter(|(_, held)| *held == wanted);
            side.map(|(missed, _)| self.missed(missed)).collect()
        };
        let (always_held, never_held) = (side(true), side(false));
        CoveredV1 {
            total: *total,
            touched: covered.touched(),
            missed: missed.iter().map(|missed| self.missed(missed)).collect(),
            always_held,
            never_held,
        }
    }

    fn missed(&mut self, missed: &Missed) -> MissedV1 {
        let Missed { address, path, what, span } = missed;
        let (file, line, _) = self.at(*span);
        let path = path.as_ref().map(ToString::to_string);
        MissedV1 { address: address.to_string(), path, what: what.clone(), file, line }
    }
}

/// Writes the document, indented.
///
/// # Errors
/// When the writer fails.
pub fn write(out: &mut dyn Write, report: &TestReport, sources: &SourceMap) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    serde_json::to_writer_pretty(&mut out, &TestReportV1::new(report, sources))?;
    writeln!(out)?;
    out.flush()
}
