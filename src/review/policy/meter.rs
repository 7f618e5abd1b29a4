//! What one evaluation may spend, counted while it runs.
//!
//! CEL itself has no limit: a comprehension within a comprehension over lists of a thousand is a million steps, and a
//! list that is put into a list is copied whole. Every comprehension of a compiled rule therefore announces what it is
//! about to do by a call of [`CHARGE`] around the list it goes over (see [`super::metered`]), which is refused once the
//! evaluation has spent what it may. Counting steps rather than time makes the answer the same on every machine.
//!
//! A function of CEL's environment is a plain function, so the count lives in a thread-local: evaluations have a thread
//! of their own ([`super::cage`]).

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cel::common::types::{CelBool, CelInt, CelList, CelMap, CelString, DYN_TYPE, INT_TYPE, STRING_TYPE};
use cel::common::value::{CowVal, Val};
use cel::{Env, ExecutionError};
use regex::{Regex, RegexBuilder};

/// `@charge(range, copies, depth)` is the range, once its cost is paid. No name of CEL begins with `@`.
pub(super) const CHARGE: &str = "@charge";
/// `@matches(text, pattern)`: as CEL's `matches`, with patterns compiled once and bounded in size.
pub(super) const MATCHES: &str = "@matches";
/// How deep comprehensions may stand in one another.
pub(super) const DEPTH: usize = 2;

/// Bytes a compiled pattern may take: a hundred times what `[a-z0-9-]+` takes, and compiled within a millisecond.
const PATTERN_SIZE: usize = 1 << 20;
/// Patterns that are kept: a rule may also make patterns of what it reads.
const PATTERNS: usize = 256;
/// Bytes of text that count as one value.
const TEXT_UNIT: usize = 64;

thread_local! {
    static METER: RefCell<Meter> = RefCell::new(Meter::default());
}

#[derive(Default)]
struct Meter {
    left: u64,
    spent: bool,
    /// Values in the evaluation's inputs.
    inputs: u64,
    /// Values in what the comprehensions under way go over, by depth.
    ranges: [u64; DEPTH + 1],
    number: u64,
    cancelled: Arc<AtomicU64>,
    patterns: HashMap<String, Option<Regex>>,
}

/// CEL's own functions, and the two that meter.
pub(super) fn environment() -> Env {
    let mut env = Env::stdlib().with_optional_support(false);
    // Both names are new to the environment. Were they not, every rule that needs them would fail, which is safe.
    let _ = env.add_overload(CHARGE, CHARGE, vec![DYN_TYPE, INT_TYPE, INT_TYPE], charge);
    let _ = env.add_overload(MATCHES, MATCHES, vec![STRING_TYPE, STRING_TYPE], matches);
    env
}

/// Begins evaluation `number` on this thread, which ends early once `cancelled` holds its number.
pub(super) fn begin(number: u64, steps: u64, inputs: u64, cancelled: &Arc<AtomicU64>) {
    METER.with_borrow_mut(|meter| {
        meter.left = steps;
        meter.spent = false;
        meter.inputs = inputs;
        meter.ranges = [0; DEPTH + 1];
        meter.number = number;
        meter.cancelled = Arc::clone(cancelled);
    });
}

/// Pays for copying the inputs this often.
pub(super) fn pay_for_copies(copies: u64) -> bool {
    METER.with_borrow_mut(|meter| meter.pay(copies.saturating_mul(meter.inputs)))
}

/// Whether the evaluation wanted more than it may spend, whatever came of it: CEL lets an error beside `false &&` pass.
pub(super) fn is_spent() -> bool {
    METER.with_borrow(|meter| meter.spent)
}

impl Meter {
    fn pay(&mut self, cost: u64) -> bool {
        let cancelled = self.cancelled.load(Ordering::Relaxed) == self.number;
        match self.left.checked_sub(cost).filter(|_| !cancelled && !self.spent) {
            Some(left) => {
                self.left = left;
                true
            }
            None => {
                self.spent = true;
                false
            }
        }
    }

    fn pay_for_range(&mut self, range: &dyn Val, copies: u64, depth: usize) -> bool {
        let (length, values) = measure(range);
        let Some(at) = self.ranges.get_mut(depth) else { return self.pay(u64::MAX) };
        *at = values;
        // All that an element can be put together from: what came in, and what is being gone over here and further out.
        let known: u64 = self.ranges.iter().take(depth + 1).fold(self.inputs, |sum, more| sum.saturating_add(*more));
        let each = copies.saturating_mul(known).saturating_add(1);
        self.pay(length.saturating_mul(each).saturating_add(values))
    }
}

fn charge<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let mut arguments = arguments.into_iter();
    let (Some(range), Some(copies), Some(depth)) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err(ExecutionError::missing_argument_or_target());
    };
    let number = |value: &CowVal<'b, 'v>| {
        value.downcast_ref::<CelInt>().and_then(|number| u64::try_from(*number.inner()).ok()).unwrap_or(u64::MAX)
    };
    let (copies, depth) = (number(&copies), usize::try_from(number(&depth)).unwrap_or(usize::MAX));
    let paid = METER.with_borrow_mut(|meter| meter.pay_for_range(range.as_ref(), copies, depth));
    if paid { Ok(range) } else { Err(ExecutionError::function_error(CHARGE, "too many steps")) }
}

/// Elements of a list or map, and values in all of it.
fn measure(value: &dyn Val) -> (u64, u64) {
    let length = if let Some(list) = value.downcast_ref::<CelList>() {
        list.inner().len()
    } else if let Some(map) = value.downcast_ref::<CelMap>() {
        map.inner().len()
    } else {
        1
    };
    (length as u64, weight(value))
}

/// Values in all of it: scalars, and long texts as several.
pub(super) fn weight(value: &dyn Val) -> u64 {
    if let Some(list) = value.downcast_ref::<CelList>() {
        list.inner().iter().fold(1, |sum, element| sum.saturating_add(weight(element.as_ref())))
    } else if let Some(map) = value.downcast_ref::<CelMap>() {
        map.inner().values().fold(1, |sum, element| sum.saturating_add(1).saturating_add(weight(element.as_ref())))
    } else if let Some(text) = value.downcast_ref::<CelString>() {
        1 + (text.inner().len() / TEXT_UNIT) as u64
    } else {
        1
    }
}

fn matches<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let mut arguments = arguments.into_iter();
    let (Some(text), Some(pattern)) = (arguments.next(), arguments.next()) else {
        return Err(ExecutionError::missing_argument_or_target());
    };
    let (Some(text), Some(pattern)) = (text.downcast_ref::<CelString>(), pattern.downcast_ref::<CelString>()) else {
        return Err(ExecutionError::missing_argument_or_target());
    };
    let found = METER.with_borrow_mut(|meter| {
        if !meter.patterns.contains_key(pattern.inner()) {
            if meter.patterns.len() >= PATTERNS {
                meter.patterns.clear();
            }
            meter.patterns.insert(pattern.inner().to_owned(), compiled(pattern.inner()));
        }
        let compiled = meter.patterns.get(pattern.inner())?.as_ref()?;
        Some(compiled.is_match(text.inner()))
    });
    match found {
        Some(found) => Ok(CowVal::owned(CelBool::from(found))),
        None => Err(ExecutionError::function_error(MATCHES, "not a pattern")),
    }
}

/// A pattern as `matches` takes it; `None` where it is none, or too large.
pub(super) fn compiled(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).size_limit(PATTERN_SIZE).dfa_size_limit(PATTERN_SIZE).build().ok()
}
