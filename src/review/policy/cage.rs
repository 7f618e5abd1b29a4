//! Runs rules on a thread of their own, and gives up on what does not come to an end.
//!
//! The parser and the evaluator call themselves for each level of an expression, and need more stack than a thread of
//! the runtime has; dropping what they made does too, so nothing of CEL leaves this thread. What an evaluation may cost
//! is counted ([`super::meter`]); the deadline is for what a count does not see. An evaluation that is given up on is
//! told to stop, which it does with its next comprehension; a thread that does not even then is left behind, and the
//! rule is not run again.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use cel::{Context, Env};
use serde_json::Value;

use super::expression::{Answer, Compiled, Facts, Problem, compile};
use super::input::to_cel;
use super::meter::{self, weight};

/// Bytes of the thread's stack: four times what the deepest expression that is let in takes in a debug build.
const STACK: usize = 16 << 20;
/// Threads that may be left behind before nothing more is run.
const LEFT_BEHIND: usize = 3;

/// What the evaluation of one rule on one object may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Steps: one for each element a comprehension goes over, and one for each value it copies.
    pub steps: u64,
    /// Time after which it is told to stop, and again after which it is left behind.
    pub time: Duration,
}

impl Default for Limits {
    /// Half a million steps, which take less than a second, and five seconds.
    fn default() -> Self {
        Self { steps: 500_000, time: Duration::from_secs(5) }
    }
}

/// One object with the rules to run on it.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// Places of the rules in the list the cage was made with.
    pub(super) rules: Vec<usize>,
    /// Values of the variables the rules name.
    pub(super) variables: Vec<(&'static str, Value)>,
}

/// What a rule says of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is in order.
    Holds,
    /// It is not.
    Broken,
    /// It cannot be told: why.
    Failed(String),
    /// The rule was given up on before, which was said then.
    NotRun,
}

/// Rules that were read, and the thread that runs them.
pub(super) struct Cage {
    sources: Arc<[String]>,
    limits: Limits,
    worker: Option<Worker>,
    given_up: BTreeSet<usize>,
    left_behind: usize,
}

type Batch = Arc<Vec<Job>>;

struct Worker {
    jobs: Sender<Batch>,
    verdicts: Receiver<Vec<Vec<Verdict>>>,
    watch: Arc<Watch>,
}

/// What can be seen of an evaluation from outside.
#[derive(Default)]
struct Watch {
    /// The evaluation under way: their number, from 1.
    number: AtomicU64,
    /// The rule it runs.
    rule: AtomicUsize,
    /// The job of its batch.
    job: AtomicUsize,
    /// The evaluation that is to stop.
    cancelled: Arc<AtomicU64>,
}

impl Cage {
    /// Reads rules; the problems of those that cannot be run stand in their place, and they never are.
    pub(super) fn new(sources: Vec<String>, limits: Limits) -> (Self, Vec<Result<Facts, Problem>>) {
        let sources: Arc<[String]> = sources.into();
        let mut cage =
            Self { sources: Arc::clone(&sources), limits, worker: None, given_up: BTreeSet::new(), left_behind: 0 };
        if sources.is_empty() {
            return (cage, Vec::new());
        }
        let (tell, told) = channel();
        cage.worker = Worker::start(&sources, limits, BTreeSet::new(), Some(tell));
        let facts = told.recv().unwrap_or_else(|_| {
            let problem =
                Problem { message: "no thread could be started to read it".to_owned(), help: None, offset: 0 };
            sources.iter().map(|_| Err(problem.clone())).collect()
        });
        (cage, facts)
    }

    /// Runs rules on objects. The answers are in the order of the jobs and of their rules.
    pub(super) fn run(&mut self, jobs: Vec<Job>) -> Vec<Vec<Verdict>> {
        let jobs = Arc::new(jobs);
        let mut stuck: Vec<(usize, usize)> = Vec::new();
        let mut verdicts = loop {
            let Some(worker) = &self.worker else {
                let failed = Verdict::Failed("too many rules had to be given up on".to_owned());
                break jobs.iter().map(|job| vec![failed.clone(); job.rules.len()]).collect();
            };
            match worker.run(&jobs, self.limits.time) {
                Ok(verdicts) => break verdicts,
                Err((job, rule)) => {
                    stuck.push((job, rule));
                    self.given_up.insert(rule);
                    self.left_behind += 1;
                    let again = self.left_behind < LEFT_BEHIND;
                    self.worker =
                        again.then(|| Worker::start(&self.sources, self.limits, self.given_up.clone(), None)).flatten();
                }
            }
        };
        for (job, rule) in stuck {
            let place = jobs.get(job).and_then(|job| job.rules.iter().position(|of_job| *of_job == rule));
            if let Some(verdict) = place.and_then(|place| verdicts.get_mut(job)?.get_mut(place)) {
                *verdict = given_up();
            }
        }
        verdicts
    }
}

fn given_up() -> Verdict {
    let why = "it takes too long, and was given up on; on other objects it was not tried again";
    Verdict::Failed(why.to_owned())
}

impl Worker {
    fn start(
        sources: &Arc<[String]>,
        limits: Limits,
        given_up: BTreeSet<usize>,
        tell: Option<Sender<Vec<Result<Facts, Problem>>>>,
    ) -> Option<Self> {
        let (jobs, todo) = channel::<Batch>();
        let (done, verdicts) = channel();
        let watch = Arc::new(Watch::default());
        let (sources, seen) = (Arc::clone(sources), Arc::clone(&watch));
        let work = move || {
            let env = Arc::new(meter::environment());
            let (rules, facts) = read(&env, &sources);
            if let Some(tell) = tell {
                // Who asked may have gone.
                let _ = tell.send(facts);
            }
            let mut thread = Thread { env, rules, limits, given_up, watch: seen };
            for batch in todo {
                let verdicts = batch.iter().enumerate().map(|(at, job)| thread.object(at, job)).collect();
                if done.send(verdicts).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("policies".to_owned()).stack_size(STACK).spawn(work).ok()?;
        Some(Self { jobs, verdicts, watch })
    }

    /// The answers, or the job and rule that it is stuck on.
    fn run(&self, jobs: &Batch, time: Duration) -> Result<Vec<Vec<Verdict>>, (usize, usize)> {
        let Watch { number, rule, job, cancelled } = &*self.watch;
        let stuck = || (job.load(Ordering::Acquire), rule.load(Ordering::Acquire));
        if self.jobs.send(Arc::clone(jobs)).is_err() {
            return Err(stuck());
        }
        let mut before = u64::MAX;
        loop {
            match self.verdicts.recv_timeout(time) {
                Ok(verdicts) => return Ok(verdicts),
                Err(RecvTimeoutError::Disconnected) => return Err(stuck()),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = number.load(Ordering::Acquire);
            if now == before && cancelled.load(Ordering::Acquire) == now {
                return Err(stuck());
            }
            // Only one that was under way at the last look too has had its time.
            if now == before {
                cancelled.store(now, Ordering::Release);
            }
            before = now;
        }
    }
}

/// What one read of all rules gives: those that can be run, and what is known or wrong of each.
type Read = (Vec<Option<Compiled>>, Vec<Result<Facts, Problem>>);

fn read(env: &Env, sources: &[String]) -> Read {
    let one = |source: &String| {
        let defect = || Problem { message: "the parser failed on it".to_owned(), help: None, offset: 0 };
        match catch_unwind(AssertUnwindSafe(|| compile(env, source))).unwrap_or_else(|_| Err(defect())) {
            Ok((compiled, facts)) => (Some(compiled), Ok(facts)),
            Err(problem) => (None, Err(problem)),
        }
    };
    sources.iter().map(one).unzip()
}

/// What lives on the thread.
struct Thread {
    env: Arc<Env>,
    rules: Vec<Option<Compiled>>,
    limits: Limits,
    given_up: BTreeSet<usize>,
    watch: Arc<Watch>,
}

impl Thread {
    fn object(&mut self, at: usize, job: &Job) -> Vec<Verdict> {
        let mut context = Context::with_env(Arc::clone(&self.env));
        let mut inputs = 0u64;
        for (name, value) in &job.variables {
            let value = to_cel(value);
            inputs = inputs.saturating_add(weight(value.as_ref()));
            context.add_variable_as_val(*name, value);
        }
        job.rules.iter().map(|rule| self.rule(at, *rule, &context, inputs)).collect()
    }

    fn rule(&mut self, job: usize, rule: usize, context: &Context<'_, '_>, inputs: u64) -> Verdict {
        let Some(Some(compiled)) = self.rules.get(rule).filter(|_| !self.given_up.contains(&rule)) else {
            return Verdict::NotRun;
        };
        self.watch.job.store(job, Ordering::Release);
        self.watch.rule.store(rule, Ordering::Release);
        let number = self.watch.number.fetch_add(1, Ordering::AcqRel) + 1;
        meter::begin(number, self.limits.steps, inputs, &self.watch.cancelled);
        match catch_unwind(AssertUnwindSafe(|| compiled.run(context))) {
            Ok(Answer::Holds) => Verdict::Holds,
            Ok(Answer::Broken) => Verdict::Broken,
            Ok(Answer::Failed(why)) => Verdict::Failed(why),
            Ok(Answer::Spent) => {
                self.given_up.insert(rule);
                given_up()
            }
            Err(_) => Verdict::Failed("the evaluator failed on it".to_owned()),
        }
    }
}
