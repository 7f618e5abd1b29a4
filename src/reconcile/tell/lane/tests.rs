use std::cell::{Cell, RefCell};

use proptest::prelude::{prop, proptest};

use super::*;

/// A receiver that answers by a script and then takes everything; waiting turns the clock, and so does whoever sets it.
struct Scripted {
    started: Instant,
    passed: Cell<Duration>,
    now: Cell<Timestamp>,
    script: RefCell<VecDeque<Tried>>,
    after: Tried,
    tries: RefCell<Vec<(String, Timestamp)>>,
}

impl Scripted {
    fn new(script: impl IntoIterator<Item = Tried>, after: Tried) -> Self {
        let script = RefCell::new(script.into_iter().collect());
        let (passed, now) = (Cell::default(), Cell::new(Timestamp::UNIX_EPOCH));
        Self { started: Instant::now(), passed, now, script, after, tries: RefCell::default() }
    }

    fn tried(&self) -> Vec<String> {
        self.tries.borrow().iter().map(|(id, _)| id.clone()).collect()
    }

    fn seconds(&self) -> Vec<i64> {
        self.tries.borrow().iter().map(|(_, at)| at.as_second()).collect()
    }
}

impl Carrier<u32> for Scripted {
    async fn carry(&self, message: &Message<u32>) -> Tried {
        self.tries.borrow_mut().push((message.id.clone(), self.now.get()));
        self.script.borrow_mut().pop_front().unwrap_or_else(|| self.after.clone())
    }

    fn receiver(&self) -> &'static str {
        "receiver.test"
    }
}

impl Surroundings for Scripted {
    async fn wait(&self, time: Duration) {
        self.passed.set(self.passed.get() + time);
        self.now.set(self.now.get() + time);
    }

    fn now(&self) -> Timestamp {
        self.now.get()
    }

    fn instant(&self) -> Instant {
        self.started + self.passed.get()
    }

    fn random(&self) -> f64 {
        1.0
    }
}

fn message(n: u32, since: Instant) -> Message<u32> {
    Message { id: format!("m{n}"), about: "applied".to_owned(), since, content: n }
}

fn failed(not_before: Option<i64>) -> Tried {
    let not_before = not_before.map(|seconds| Timestamp::from_second(seconds).expect("a time"));
    Tried::Failed { why: "it is down".to_owned(), not_before }
}

fn refused() -> Tried {
    Tried::Refused { why: "no".to_owned() }
}

fn work(carrier: &Scripted, messages: u32) -> Lane<u32> {
    let lane = Lane::default();
    (0..messages).for_each(|n| lane.put(message(n, carrier.started)));
    lane.close();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(lane.work(carrier, carrier));
    lane
}

#[test]
fn what_fails_is_tried_again_at_growing_waits_before_what_is_behind() {
    let carrier = Scripted::new([failed(None), failed(Some(60)), failed(Some(1))], Tried::Arrived);
    assert_eq!(work(&carrier, 2).left(), 0);
    assert_eq!(carrier.tried(), ["m0", "m0", "m0", "m0", "m1"]);
    assert_eq!(carrier.seconds(), [0, 1, 60, 64, 64], "a second, what is asked for, four seconds");
}

#[test]
fn what_is_refused_does_not_hold_up_what_is_behind() {
    let carrier = Scripted::new([Tried::Useless { why: "gone".to_owned() }], Tried::Arrived);
    work(&carrier, 2);
    assert_eq!(carrier.tried(), ["m0", "m1"]);
    let carrier = Scripted::new((0..REFUSALS).map(|_| refused()), Tried::Arrived);
    work(&carrier, 2);
    assert_eq!(carrier.tried(), ["m0", "m0", "m0", "m0", "m0", "m1"]);
}

#[test]
fn after_a_day_it_is_dropped() {
    let carrier = Scripted::new([], failed(None));
    work(&carrier, 3);
    let day = i64::try_from(PATIENCE.as_secs()).expect("seconds");
    let tries = carrier.seconds();
    assert!(tries.iter().all(|at| *at <= day) && tries.last().is_some_and(|last| *last > day - 600), "{tries:?}");
    let tried = carrier.tried();
    assert!(tried.contains(&"m1".to_owned()) && tried.contains(&"m2".to_owned()), "each is tried at least once");
    assert_eq!(wait(40, 1.0), LONGEST_WAIT);
    assert_eq!(wait(1, 0.0), FIRST_WAIT / 2);
}

#[test]
fn a_clock_that_is_set_drops_nothing() {
    for years in [-50, 50] {
        let carrier = Scripted::new([failed(None), failed(None)], Tried::Arrived);
        let lane = Lane::default();
        lane.put(message(0, carrier.started));
        lane.close();
        let set = carrier.now.get() + jiff::SignedDuration::from_hours(24 * 365 * years);
        carrier.now.set(set);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(lane.work(&carrier, &carrier));
        let tries: Vec<i64> = carrier.seconds().iter().map(|at| at - set.as_second()).collect();
        assert_eq!(tries, [0, 1, 3]);
    }
}

#[test]
fn of_too_many_the_oldest_are_dropped() {
    let many = u32::try_from(WAITING).expect("a number");
    let carrier = Scripted::new([], Tried::Arrived);
    work(&carrier, many + 3);
    let tried = carrier.tried();
    assert_eq!((tried.len(), tried[0].as_str()), (WAITING, "m3"));
}

proptest! {
    /// Whatever the receiver says: in order, one after another, and never again once it arrived.
    #[test]
    fn messages_arrive_in_order_and_once(script in prop::collection::vec(0_u8..4, 0..60), messages in 1_u32..12) {
        let script = script.into_iter().map(|n| match n {
            0 => Tried::Arrived,
            1 => failed(None),
            2 => refused(),
            _ => Tried::Useless { why: "gone".to_owned() },
        });
        let carrier = Scripted::new(script, Tried::Arrived);
        assert_eq!(work(&carrier, messages).left(), 0);
        let mut tried = carrier.tried();
        tried.dedup();
        let expected: Vec<String> = (0..messages).map(|n| format!("m{n}")).collect();
        assert_eq!(tried, expected);
    }
}
