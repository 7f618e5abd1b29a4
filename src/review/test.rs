//! `trueup test`: the cases of Test manifests, asked of the code that the server runs.
//!
//! Event cases begin after ingest, every system counts as published, secrets are their references: nothing is asked of
//! the network, and the same manifests give the same report.

mod case;
mod compare;
mod configuration;
pub mod coverage;
mod event;
mod membership;
mod message;
mod rendered;
pub mod report;
pub(in crate::review) mod run;
pub mod selection;
mod shaped;
mod why;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::base::path::Path;
use crate::desired::Desired;
use crate::desired::client_side::ClientManifest;
use crate::kinds::test::expectation::Expectation;
use crate::kinds::test::{Given, TestCase, TestSpec};
use case::Case;
use configuration::Configuration;
use coverage::{Coverage, Touched};
use report::{CaseError, CaseResult, Outcome, TestReport, TestResult};
use selection::TestSelection;

/// Runs the cases that are selected, of the tests that were asked for, in parallel. Tests come by name and cases as
/// they are written, whatever ends first.
#[must_use]
pub fn run(desired: &Desired, selection: &TestSelection, with_coverage: bool) -> TestReport {
    let configuration = Configuration::new(desired);
    let tests: Vec<Selected<'_>> = selected(desired, selection);
    let todo: Vec<(&Selected<'_>, usize)> =
        tests.iter().flat_map(|test| test.cases.iter().map(move |n| (test, *n))).collect();
    let mut results = in_parallel(&todo, |(test, n)| evaluate(&configuration, test, *n, with_coverage));
    let mut touched = Touched::default();
    let mut done = results.drain(..);
    let tests = tests.iter().map(|test| {
        let cases = done.by_ref().take(test.cases.len());
        let cases = cases.map(|(case, of_case)| {
            touched.merge(of_case);
            case
        });
        TestResult { name: test.manifest.address.name.clone(), span: test.manifest.span, cases: cases.collect() }
    });
    let tests: Vec<TestResult> = tests.collect();
    let coverage = with_coverage.then(|| Coverage::of(&configuration, &touched));
    TestReport { tests, coverage }
}

/// The names of all tests that were asked for.
pub fn names(desired: &Desired) -> impl Iterator<Item = &str> {
    asked(desired).map(|(manifest, _)| manifest.address.name.as_str())
}

fn asked(desired: &Desired) -> impl Iterator<Item = (&ClientManifest, &TestSpec)> {
    let asked = desired.client_side.iter().filter(|manifest| desired.is_asked_file(manifest.span.file));
    asked.filter_map(|manifest| Some((manifest, manifest.test()?)))
}

/// A test with the places of its selected cases, of which there is at least one.
struct Selected<'d> {
    manifest: &'d ClientManifest,
    spec: &'d TestSpec,
    cases: Vec<usize>,
}

fn selected<'d>(desired: &'d Desired, selection: &TestSelection) -> Vec<Selected<'d>> {
    let tests =
        asked(desired).filter(|(manifest, _)| selection.has_test(&manifest.address.name, &manifest.metadata.labels));
    let tests = tests.map(|(manifest, spec)| {
        let cases = spec.cases.iter().enumerate().filter(|(_, case)| selection.has_case(&case.name));
        Selected { manifest, spec, cases: cases.map(|(n, _)| n).collect() }
    });
    tests.filter(|test| !test.cases.is_empty()).collect()
}

fn evaluate(
    configuration: &Configuration<'_>,
    test: &Selected<'_>,
    n: usize,
    with_coverage: bool,
) -> (CaseResult, Touched) {
    let positions = &test.manifest.positions;
    let mut case = Case::new(positions, n, with_coverage.then(Touched::default));
    let name_path = Path::keys("spec.cases").index(n).key("name");
    let span = positions.value_span(&name_path).unwrap_or(test.manifest.span);
    let Some(written) = test.spec.cases.get(n) else {
        let outcome = Outcome::Error(CaseError::new("there is no such case"));
        return (CaseResult { name: String::new(), span, outcome }, Touched::default());
    };
    let outcome = match ask(configuration, written, &mut case) {
        Ok(()) => Outcome::of(std::mem::take(&mut case.differences)),
        Err(error) => Outcome::Error(error),
    };
    (CaseResult { name: written.name.clone(), span, outcome }, case.touched.unwrap_or_default())
}

fn ask(configuration: &Configuration<'_>, written: &TestCase, case: &mut Case<'_>) -> Result<(), CaseError> {
    let TestCase { name: _, event: _, render: _, audience: _, workflow: _, expect } = written;
    let Expectation { deliveries, member, .. } = expect;
    let nothing = || CaseError::new("nothing is expected");
    match written.given() {
        None => Err(CaseError::new("this case is not given exactly one thing")),
        Some(Given::Event(given)) => {
            let deliveries = deliveries.as_deref().ok_or_else(nothing)?;
            event::evaluate(configuration, given, deliveries, case)
        }
        Some(Given::Render(given)) => rendered::evaluate(configuration, given, expect, case),
        Some(Given::Audience(given)) => membership::evaluate(configuration, given, member.ok_or_else(nothing)?, case),
        Some(Given::Workflow(given)) => run::evaluate(configuration, given, expect, case),
    }
}

/// Asks for each item on as many threads as there are processors; answers in the order of the items.
fn in_parallel<T: Sync, R: Send>(items: &[T], ask: impl Fn(&T) -> R + Sync) -> Vec<R> {
    /// Fewer items than this are not worth a thread.
    const PER_THREAD: usize = 32;
    let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let threads = processors.min(items.len() / PER_THREAD).max(1);
    if threads == 1 {
        return items.iter().map(ask).collect();
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some((n, item)) = Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|n| Some((n, items.get(n)?))) {
            done.push((n, ask(item)));
        }
        done
    };
    let mut answers: Vec<(usize, R)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let join = |worker: thread::ScopedJoinHandle<'_, Vec<(usize, R)>>| match worker.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        workers.into_iter().flat_map(join).collect()
    });
    answers.sort_by_key(|(n, _)| *n);
    answers.into_iter().map(|(_, answer)| answer).collect()
}
