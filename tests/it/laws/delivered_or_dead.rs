//! Law 16: an event answered with 202 is delivered at least once or listed as dead, whatever is killed when.
//!
//! The real server is killed under load, at random points; `TRUEUP_KILLS` says how often (a few times here; the long form
//! is `.ci/kill-server`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use trueup::base::ident::Name;
use trueup::object::access::{Scope, Scopes};
use trueup::object::delivery::DeliveryState;
use trueup::store::{Clock, DeliveryFilter, Store};

use crate::engine_rig::{Receiver, apply, destination, project, simple, webhook};
use crate::killable::{Killable, PATIENCE, kills};
use crate::world::Random;

/// Who sends at the same time.
const SENDERS: usize = 6;

/// Two webhooks on the same event: one to a receiver that takes everything; one to where nobody listens, tried once, for
/// one event in fifty, because a destination that fails is called slowly.
async fn prepare(file: &Path, receiver: &Receiver) -> String {
    let store = Store::open(file, None, Clock::system()).await.expect("a store");
    let mut nowhere = destination("http://127.0.0.1:1/");
    nowhere["retry"] = json!({ "maxAttempts": 1 });
    let mut lost = webhook();
    lost["destination"] = "nowhere".into();
    lost["conditions"] = json!([{ "property": "score", "operator": "equalTo", "value": 0 }]);
    let mut objects = simple(&receiver.url("/"));
    objects.extend([("Destination/nowhere", nowhere), ("Webhook/lost", lost)]);
    let objects: Vec<_> = objects.into_iter().map(|(address, spec)| (address.to_owned(), spec)).collect();
    apply(&store, &objects, &[], true).await;
    let scopes: Scopes = [Scope::EventsWrite].into_iter().collect();
    let key = store.create_key(&project(), &Name::from_any("load"), &scopes, "test").await.expect("a key");
    let token = store.issue_token(key.key.client_id, &scopes).await.expect("written").expect("a token");
    store.close().await.expect("closed");
    token.token.expose_to_target().to_owned()
}

/// 0 for one event in fifty.
fn score(id: &str) -> u32 {
    id.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte))) % 50
}

/// Sends until it is ended, singly and in batches; notes the ids that were answered with 202.
async fn send(url: String, token: String, seed: u64, accepted: Arc<Mutex<BTreeSet<String>>>) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let (mut random, mut n) = (Random::new(seed), 0_u64);
    loop {
        let size = if random.chance(50) { 1 } else { 1 + random.below(20) };
        let ids: Vec<String> = (0..size).map(|m| format!("{seed}-{n}-{m}")).collect();
        n += 1;
        let event = |id: &String| {
            json!({ "event": "survey.submitted", "system": "crm", "endUserId": "ana", "eventId": id,
                    "properties": { "score": score(id) } })
            .to_string()
        };
        let body: Vec<String> = ids.iter().map(event).collect();
        let request = client.post(format!("{url}/v1/events")).bearer_auth(&token);
        let request = request.header("content-type", "application/x-ndjson").body(body.join("\n"));
        // Whatever is not answered may or may not be there.
        if let Ok(answer) = request.send().await
            && answer.status() == 202
            && answer.bytes().await.is_ok()
        {
            accepted.lock().expect("a set").extend(ids);
        }
    }
}

#[test]
fn what_was_accepted_is_delivered_or_dead() {
    let kills = kills(5);
    // Another test of this process may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().expect("a folder");
    let file: PathBuf = folder.path().join("trueup.db");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let receiver = runtime.block_on(Receiver::glad());
    let token = runtime.block_on(prepare(&file, &receiver));
    let accepted = Arc::new(Mutex::new(BTreeSet::new()));
    let mut random = Random::new(16);
    for kill in 0..kills {
        let mut server = Killable::start(folder.path());
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let seed = kill * 100 + u64::try_from(sender).expect("a small number");
                runtime.spawn(send(server.url.clone(), token.clone(), seed, Arc::clone(&accepted)))
            })
            .collect();
        // The moment is what is tried; most are under load, some while it starts to work on what was left.
        std::thread::sleep(Duration::from_millis(u64::try_from(random.below(300)).expect("small")));
        server.kill();
        senders.iter().for_each(tokio::task::JoinHandle::abort);
    }
    let accepted = accepted.lock().expect("a set").clone();
    let server = Killable::start(folder.path());
    let states = runtime.block_on(settled(&file));
    drop(server);
    let arrived: BTreeSet<String> = receiver
        .requests()
        .iter()
        .map(|request| request.json()["eventId"].as_str().expect("an id").to_owned())
        .collect();
    assert!(accepted.len() > usize::try_from(kills).expect("small"), "too little was accepted: {}", accepted.len());
    for id in &accepted {
        assert!(arrived.contains(id), "{id} was accepted and did not arrive");
        let of = |name: &str| states.get(&(id.clone(), name.to_owned()));
        assert_eq!(of("nps"), Some(&DeliveryState::Delivered), "{id}");
        assert_eq!(of("lost"), (score(id) == 0).then_some(&DeliveryState::Dead), "{id}");
    }
    let known: Vec<&String> = states.keys().map(|(id, _)| id).collect();
    let strange: Vec<&String> = arrived.iter().filter(|id| !known.contains(id)).take(3).collect();
    assert_eq!(strange, Vec::<&String>::new(), "what arrived was stored before");
}

/// Waits until nothing is pending; the state of each delivery by event and webhook.
async fn settled(file: &Path) -> BTreeMap<(String, String), DeliveryState> {
    let store = Store::open(file, None, Clock::system()).await.expect("a store");
    let started = Instant::now();
    loop {
        let pending = DeliveryFilter { state: Some(DeliveryState::Pending), ..DeliveryFilter::default() };
        let pending = store.reads().deliveries(&project(), &pending, None, 10).await.expect("deliveries");
        if pending.is_empty() {
            break;
        }
        let errors: Vec<Value> = pending.iter().map(|one| json!(one.attempts)).collect();
        assert!(started.elapsed() < PATIENCE, "still pending: {errors:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let all = store.reads().deliveries(&project(), &DeliveryFilter::default(), None, 10_000_000).await;
    let all = all.expect("deliveries");
    all.into_iter().map(|one| ((one.event_id, one.webhook.to_string()), one.state)).collect()
}
