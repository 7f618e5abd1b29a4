//! What it costs to find and ask the webhooks of an event, in configurations of more and more webhooks on other events.
//!
//! `cargo bench --bench matching`. The three figures are to be alike: webhooks are found by system and event. What else an
//! event costs is measured by the bench `control_plane`.

#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up has nothing else to do")]

#[path = "control_plane/applied.rs"]
mod applied;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use applied::{create, write};
use criterion::Criterion;
use jiff::Timestamp;
use serde_json::json;
use trueup::base::ident::Name;
use trueup::behaviour::delivery::Route;
use trueup::behaviour::event::StoredEvent;
use trueup::kinds::{Kind, Spec};
use trueup::runtime::configuration::{Configuration, Configurations, LiveObject};
use trueup::runtime::prepared::Prepared;
use trueup::store::{Clock, Store};

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut criterion = Criterion::default()
        .sample_size(50)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .without_plots()
        .configure_from_args();
    for others in [0, 100, 10_000] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("trueup.db");
        let store = runtime.block_on(Store::open(&path, None, Clock::system())).expect("a store");
        let store = Arc::new(store);
        runtime.block_on(apply(&store, others));
        let configurations = Configurations::new(Arc::clone(&store));
        let configuration = runtime.block_on(configurations.of(&project())).expect("a configuration");
        let prepared = Prepared::new(Arc::clone(&store));
        let event = survey();
        criterion.bench_function(&format!("match beside {others} webhooks"), |bench| {
            bench.iter(|| {
                let carried = carried(&configuration, &prepared, black_box(&event));
                assert_eq!(carried, 1, "one webhook takes it");
                carried
            });
        });
        runtime.block_on(store.close()).expect("closed");
    }
    criterion.final_summary();
}

fn project() -> Name {
    Name::from_any("acme")
}

/// How many webhooks carry an event, found and asked as the engine does.
fn carried(configuration: &Configuration, prepared: &Prepared, event: &StoredEvent) -> usize {
    let webhooks = configuration.webhooks(&event.system, &event.event).iter();
    let carries = |object: &&Arc<LiveObject>| {
        let Spec::Webhook(spec) = &object.spec else { return false };
        let Some(destination) = configuration.named(Kind::Destination, &spec.destination) else { return false };
        let Spec::Destination(destination_spec) = &destination.spec else { return false };
        let Some(webhook) = prepared.webhook(configuration, object) else { return false };
        let (name, destination) = (&object.address.name, &destination.address.name);
        Route { name, webhook: &webhook, destination, destination_spec, published: true }.carries(event)
    };
    webhooks.filter(carries).count()
}

fn survey() -> StoredEvent {
    let properties = json!({ "score": 3, "pageUrl": "https://crm.acme.test/accounts/1", "country": "DE" });
    StoredEvent {
        event_id: "e1".to_owned(),
        event: "survey.submitted".to_owned(),
        system: Name::from_any("crm"),
        occurred_at: Timestamp::UNIX_EPOCH,
        properties: properties.as_object().cloned().unwrap_or_default(),
    }
}

/// A webhook on surveys, and so many on something else.
async fn apply(store: &Store, others: usize) {
    let webhook = |event: &str, country: &str| {
        json!({ "system": "crm", "event": event, "destination": "here",
            "conditions": [{ "property": "country", "operator": "equalTo", "value": country }] })
    };
    let destination = json!({ "platform": "Bench", "method": "POST", "url": "http://127.0.0.1:1/" });
    let mut writes = vec![
        create("System/crm", json!({ "platform": "web" })),
        create("Destination/here", destination),
        create("Webhook/here", webhook("survey.submitted", "DE")),
    ];
    writes.extend((0..others).map(|n| create(&format!("Webhook/other-{n}"), webhook("menu.opened", &n.to_string()))));
    write(store, &project(), writes).await;
}
