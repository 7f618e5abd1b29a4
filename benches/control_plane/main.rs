//! What the control plane carries: a release `trueup serve`, a sender and a receiver on this machine.
//!
//! `cargo bench --bench control_plane` for all figures of `docs/performance.md`, `cargo bench --bench control_plane --
//! one-by-one batches` for some: one-by-one, batches, deliveries, latency, webhooks, backlog. `TRUEUP_BENCH_SECONDS` says
//! how long each is (10), `TRUEUP_BENCH_BACKLOG` how many deliveries wait for the dead destination (1,000,000),
//! `TRUEUP_BENCH_FOLDER` where the data lie (a temporary folder).

#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up has nothing else to do")]
#![expect(clippy::print_stdout, reason = "it prints what it measured")]

mod applied;
mod receiver;
mod sender;
mod server;

use std::time::{Duration, Instant};

use receiver::Receiver;
use sender::{Load, event};
use server::Server;

/// Connections of the sender.
const CONNECTIONS: usize = 64;

fn main() {
    let chosen: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let wanted = |name: &str| chosen.is_empty() || chosen.iter().any(|one| one == name);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        if wanted("one-by-one") {
            one_by_one().await;
        }
        if wanted("batches") {
            batches().await;
        }
        if wanted("deliveries") {
            deliveries().await;
        }
        if wanted("latency") {
            latency().await;
        }
        if wanted("webhooks") {
            webhooks().await;
        }
        if wanted("backlog") {
            backlog().await;
        }
    });
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn seconds() -> Duration {
    Duration::from_secs(number("TRUEUP_BENCH_SECONDS", 10))
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn rate(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

async fn one_by_one() {
    let server = Server::start(&server::quiet(0)).await;
    let load = Load::new(&server, "menu.opened");
    let (count, time) = load.as_fast_as_possible(CONNECTIONS, 1, seconds()).await;
    println!("one-by-one: {:.0} events/s over {CONNECTIONS} connections ({server})", rate(count, time));
}

async fn batches() {
    let server = Server::start(&server::quiet(0)).await;
    let load = Load::new(&server, "menu.opened");
    let (count, time) = load.as_fast_as_possible(16, 100, seconds()).await;
    println!("batches: {:.0} events/s in batches of 100 over 16 connections ({server})", rate(count, time));
}

async fn deliveries() {
    let receiver = Receiver::start().await;
    let server = Server::start(&server::delivering(&receiver.url())).await;
    let load = Load::new(&server, "survey.submitted");
    // More than can be delivered meanwhile, so that what waits passes through the store.
    let count = usize::try_from(seconds().as_secs() * 5_000).expect("a count");
    let began = Instant::now();
    load.batches(4, 100, count).await;
    let accepted = began.elapsed();
    receiver.arrived(count).await;
    println!(
        "deliveries: {:.0} requests/s sustained ({count} in all, accepted within {accepted:.1?}) ({server})",
        rate(count, began.elapsed()),
    );
}

async fn latency() {
    let receiver = Receiver::start().await;
    let server = Server::start(&server::delivering(&receiver.url())).await;
    let load = Load::new(&server, "survey.submitted");
    let count = load.at_a_rate(CONNECTIONS, 1_000, seconds()).await;
    let latencies = receiver.arrived(count).await;
    println!("latency: from sending to arrival at 1,000 events/s: {latencies} ({server})");
}

async fn webhooks() {
    // Those of another project are in memory as well, and in no way of an event: what they cost is what memory costs.
    for (others, of_a_neighbour) in [(0, 0), (10_000, 0), (0, 10_000)] {
        let neighbours = if of_a_neighbour > 0 { server::quiet(of_a_neighbour) } else { Vec::new() };
        let server = Server::beside(&server::quiet(others), &neighbours).await;
        let load = Load::new(&server, "menu.opened");
        // So that what the configuration costs to read is not counted.
        load.batches(1, 1, 1).await;
        let before = server.processor_time();
        let (count, time) = load.as_fast_as_possible(16, 100, seconds()).await;
        let each =
            rate(1, server.processor_time().saturating_sub(before)).recip() / rate(count, Duration::from_secs(1));
        println!(
            "webhooks: {:.0} events/s and {:.1} µs of processor time an event, with {others} webhooks on other events \
             and {of_a_neighbour} of another project ({server})",
            rate(count, time),
            each * 1e6,
        );
    }
}

async fn backlog() {
    let waiting = usize::try_from(number("TRUEUP_BENCH_BACKLOG", 1_000_000)).expect("a count");
    let receiver = Receiver::start().await;
    let server = Server::start(&server::with_dead_destination(&receiver.url())).await;
    let dead = Load::new(&server, "shoutout.shown");
    let began = Instant::now();
    dead.batches(4, 1_000, waiting).await;
    println!("backlog: {waiting} events for a dead destination accepted within {:.1?} ({server})", began.elapsed());
    let load = Load::new(&server, "survey.submitted");
    let count = load.at_a_rate(CONNECTIONS, 1_000, seconds()).await;
    let latencies = receiver.arrived(count).await;
    println!("backlog: from sending to arrival at 1,000 events/s beside it: {latencies} ({server})");
    let before = receiver.count();
    let count = usize::try_from(seconds().as_secs() * 4_000).expect("a count");
    let began = Instant::now();
    load.batches(4, 100, count).await;
    receiver.arrived(before + count).await;
    println!("backlog: {:.0} requests/s sustained beside it ({server})", rate(count, began.elapsed()));
    let (pending, dead, attempts) = server.counts().await;
    println!("backlog: {pending} pending, {dead} dead after {attempts} attempts");
}

/// Now, as the text of an event carries it: microseconds since 1970.
fn now() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

/// The body of a request with some events.
fn body(kind: &str, count: usize) -> String {
    let mut text = String::new();
    for _ in 0..count {
        text.push_str(&event(kind));
        text.push('\n');
    }
    text
}
