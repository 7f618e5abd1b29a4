//! From accepted events to requests that arrive, over the store, with real receivers and a clock that is turned.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use trueup::object::delivery::{DeliveryRecord, DeliveryState};
use trueup::runtime::outgoing::OutgoingSettings;

use crate::engine_rig::{EngineRig, Receiver, Reply, destination, project, simple, survey, system, webhook};

fn with(base: Value, more: Value) -> Value {
    let (Value::Object(mut base), Value::Object(more)) = (base, more) else { panic!("objects") };
    base.extend(more);
    Value::Object(base)
}

fn all_in(state: DeliveryState) -> impl Fn(&[DeliveryRecord]) -> bool {
    move |all| !all.is_empty() && all.iter().all(|one| one.state == state)
}

fn errors(delivery: &DeliveryRecord) -> Vec<&str> {
    delivery.attempts.iter().map(|attempt| attempt.error.as_deref().unwrap_or("none")).collect()
}

#[tokio::test]
async fn an_event_arrives_and_is_noted() {
    let (rig, receiver) = (EngineRig::new().await, Receiver::glad().await);
    rig.apply(&simple(&receiver.url("/in?k=v"))).await;
    let id = rig.send(&survey(3)).await;
    let request = receiver.arrived(1).await.remove(0);
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/in?k=v"));
    assert_eq!(request.json(), json!({ "eventId": id, "score": 3 }));
    assert_eq!(request.headers["content-type"], "application/json");
    let delivery = rig.until(all_in(DeliveryState::Delivered)).await.remove(0);
    assert_eq!((delivery.webhook.as_str(), &delivery.event_id, delivery.due_at), ("nps", &id, None));
    assert_eq!(delivery.attempts.len(), 1);
    assert_eq!((delivery.attempts[0].status, &delivery.attempts[0].error), (Some(204), &None));
    let figures = rig.engine.deliveries().figures();
    assert_eq!((figures.accepted, figures.queued, figures.delivered, figures.failed), (1, 1, 1, 0));
    assert_eq!((figures.held, figures.under_way), (0, 0));
}

#[tokio::test]
async fn a_known_event_id_does_nothing_again() {
    let (rig, receiver) = (EngineRig::new().await, Receiver::glad().await);
    rig.apply(&simple(&receiver.url("/"))).await;
    let event = with(survey(3), json!({ "eventId": "e1" }));
    assert_eq!(rig.send_all(&[event.clone(), event.clone()]).await, ["e1", "e1"]);
    rig.until(all_in(DeliveryState::Delivered)).await;
    assert_eq!(rig.send(&event).await, "e1");
    rig.send(&with(survey(4), json!({ "eventId": "e2" }))).await;
    let deliveries = rig.until(|all| all.iter().filter(|d| d.state == DeliveryState::Delivered).count() == 2).await;
    assert_eq!(deliveries.iter().map(|d| d.event_id.as_str()).collect::<Vec<_>>(), ["e1", "e2"]);
    assert_eq!(receiver.requests().len(), 2);
}

#[tokio::test]
async fn nothing_is_sent_before_the_settings_are_published() {
    let (rig, receiver) = (EngineRig::new().await, Receiver::glad().await);
    let objects: Vec<_> = simple(&receiver.url("/")).into_iter().map(|(a, spec)| (a.to_owned(), spec)).collect();
    rig.apply_with(&objects, &[], false).await;
    rig.send(&survey(1)).await;
    assert_eq!(rig.deliveries().await, []);
    rig.apply_with(&[], &[], true).await;
    rig.send(&survey(2)).await;
    let requests = receiver.arrived(1).await;
    assert_eq!(requests[0].json()["score"], 2);
    assert_eq!(rig.deliveries().await.len(), 1);
}

#[tokio::test]
async fn what_fails_is_tried_by_the_schedule_and_then_given_up() {
    let (rig, receiver) = (EngineRig::new().await, Receiver::failing(100, 500, Vec::new()).await);
    rig.apply(&simple(&receiver.url("/"))).await;
    rig.send(&survey(3)).await;
    let waits = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400];
    for (n, wait) in waits.into_iter().enumerate() {
        let delivery = rig.attempted(n + 1).await;
        assert_eq!(delivery.state, DeliveryState::Pending);
        let due = delivery.due_at.expect("a time");
        let until = due.duration_since(rig.hands.now()).as_millis();
        assert!(until >= wait * 900 && until <= wait * 1_100, "{n}: {until} ms");
        rig.hands.turn_to(due - SignedDuration::from_millis(1));
        assert_eq!(receiver.requests().len(), n + 1, "not before its time");
        rig.hands.turn_to(due);
    }
    let delivery = rig.attempted(8).await;
    assert_eq!((delivery.state, delivery.due_at), (DeliveryState::Dead, None));
    assert_eq!(errors(&delivery), ["the receiver answered 500"; 8]);
    assert_eq!(receiver.requests().len(), 8);
    assert_eq!(rig.engine.deliveries().figures().dead, 1);
}

#[tokio::test]
async fn a_receiver_is_given_the_time_it_asks_for() {
    let date = "Sun, 17 Mar 2030 18:46:40 GMT".to_owned();
    for (asked, seconds) in [("600".to_owned(), 600), (date, 3_600), ("1".to_owned(), 5), ("soon".to_owned(), 5)] {
        let (rig, receiver) = (EngineRig::new().await, Receiver::failing(1, 503, vec![("retry-after", asked)]).await);
        rig.apply(&simple(&receiver.url("/"))).await;
        rig.send(&survey(3)).await;
        let delivery = rig.attempted(1).await;
        let due = delivery.due_at.expect("a time");
        let until = due.duration_since(rig.hands.now()).as_secs_f64();
        let seconds = f64::from(seconds);
        assert!(until >= seconds * 0.9 && until <= seconds * 1.1, "{until}");
        rig.hands.turn_to(due);
        rig.until(all_in(DeliveryState::Delivered)).await;
    }
}

#[tokio::test]
async fn an_overloaded_receiver_gets_a_rest_from_all() {
    let (rig, receiver) =
        (EngineRig::new().await, Receiver::failing(1, 429, vec![("retry-after", "60".to_owned())]).await);
    rig.apply(&simple(&receiver.url("/"))).await;
    rig.send(&survey(1)).await;
    rig.attempted(1).await;
    rig.send(&survey(2)).await;
    rig.hands.turn(59);
    assert_eq!(receiver.requests().len(), 1);
    rig.hands.turn(1);
    rig.until(all_in(DeliveryState::Delivered)).await;
    assert_eq!(receiver.requests().len(), 3);
}

#[tokio::test]
async fn a_redirect_is_a_failure() {
    let (elsewhere, rig) = (Receiver::glad().await, EngineRig::new().await);
    let receiver = Receiver::failing(1, 307, vec![("location", elsewhere.url("/"))]).await;
    rig.apply(&simple(&receiver.url("/"))).await;
    rig.send(&survey(3)).await;
    let delivery = rig.attempted(1).await;
    assert_eq!(errors(&delivery), ["the receiver answered 307; redirects are not followed"]);
    assert_eq!(elsewhere.requests().len(), 0);
}

#[tokio::test]
async fn a_destination_says_how_often_it_is_tried() {
    let (rig, receiver) = (EngineRig::new().await, Receiver::failing(9, 500, Vec::new()).await);
    let once = with(destination(&receiver.url("/")), json!({ "retry": { "maxAttempts": 1 } }));
    rig.apply(&[("System/crm", system()), ("Destination/chat", once), ("Webhook/nps", webhook())]).await;
    rig.send(&survey(3)).await;
    assert_eq!(rig.attempted(1).await.state, DeliveryState::Dead);
}

#[tokio::test]
async fn silence_is_a_failure_after_the_destination_s_time() {
    let (rig, receiver) = (EngineRig::new().await, Receiver::new(|_| Reply::Silence).await);
    let quick = with(destination(&receiver.url("/")), json!({ "timeoutSeconds": 1 }));
    rig.apply(&[("System/crm", system()), ("Destination/chat", quick), ("Webhook/nps", webhook())]).await;
    rig.send(&survey(3)).await;
    assert_eq!(errors(&rig.attempted(1).await), ["failed to get an answer within 1 s"]);
}

async fn halted(rig: &EngineRig) -> bool {
    let rows = rig.store.reads().digests(&project()).await.expect("digests").rows;
    rows.iter().any(|row| row.halted == Some(true))
}

#[tokio::test]
async fn gone_halts_the_destination_until_it_is_changed() {
    let (rig, receiver) = (EngineRig::new().await, Receiver::failing(1, 410, Vec::new()).await);
    rig.apply(&simple(&receiver.url("/"))).await;
    rig.send(&survey(1)).await;
    let delivery = rig.attempted(1).await;
    assert_eq!(delivery.state, DeliveryState::Pending);
    assert!(halted(&rig).await);
    rig.send_all(&[survey(2), survey(3)]).await;
    rig.hands.turn(3_600);
    let states: Vec<_> = rig.deliveries().await.iter().map(|d| d.state).collect();
    assert_eq!((states, receiver.requests().len()), (vec![DeliveryState::Pending; 3], 1));
    let changed = with(destination(&receiver.url("/new")), json!({ "timeoutSeconds": 5 }));
    rig.apply(&[("Destination/chat", changed)]).await;
    assert!(!halted(&rig).await);
    rig.until(all_in(DeliveryState::Delivered)).await;
    assert!(receiver.requests()[1..].iter().all(|request| request.target == "/new"));
}

#[tokio::test]
async fn redelivering_lifts_a_halt_and_begins_anew() {
    let (rig, receiver) = (EngineRig::new().await, Receiver::failing(1, 410, Vec::new()).await);
    let once = with(destination(&receiver.url("/")), json!({ "retry": { "maxAttempts": 1 } }));
    rig.apply(&[("System/crm", system()), ("Destination/chat", once), ("Webhook/nps", webhook())]).await;
    rig.send(&survey(1)).await;
    let dead = rig.attempted(1).await;
    assert_eq!((dead.state, halted(&rig).await), (DeliveryState::Dead, true));
    let deliveries = rig.engine.deliveries();
    assert!(deliveries.redeliver(&project(), dead.id, "ana").await.expect("written"));
    let delivery = rig.attempted(2).await;
    assert_eq!((delivery.state, halted(&rig).await), (DeliveryState::Delivered, false));
    let strange = "other".parse().expect("a name");
    assert!(!deliveries.redeliver(&strange, dead.id, "ana").await.expect("read"), "another project's is not found");
    assert!(deliveries.redeliver(&project(), dead.id, "ana").await.expect("written"), "a delivered one goes again");
    rig.attempted(3).await;
}

#[tokio::test]
async fn a_corrected_destination_helps_what_waits() {
    let (rig, receiver) = (EngineRig::new().await, Receiver::glad().await);
    rig.apply(&simple("http://127.0.0.1:1/wrong")).await;
    rig.send(&survey(3)).await;
    let delivery = rig.attempted(1).await;
    assert!(errors(&delivery)[0].starts_with("failed to connect: "), "{delivery:?}");
    rig.apply(&[("Destination/chat", destination(&receiver.url("/right")))]).await;
    let renamed = with(webhook(), json!({ "properties": { "include": ["score"], "rename": { "score": "nps" } } }));
    rig.apply(&[("Webhook/nps", renamed)]).await;
    rig.hands.turn_to(delivery.due_at.expect("a time"));
    let request = receiver.arrived(1).await.remove(0);
    assert_eq!((request.target.as_str(), request.json()), ("/right", json!({ "nps": 3 })));
}

#[tokio::test]
async fn what_has_no_webhook_any_more_is_given_up() {
    let (rig, receiver) = (EngineRig::new().await, Receiver::failing(100, 500, Vec::new()).await);
    rig.apply(&simple(&receiver.url("/"))).await;
    rig.apply(&[("Webhook/other", webhook())]).await;
    rig.send(&survey(3)).await;
    rig.until(|all| all.len() == 2 && all.iter().all(|one| one.attempts.len() == 1)).await;
    rig.remove("Webhook/nps").await;
    rig.apply(&[("Webhook/other", with(webhook(), json!({ "enabled": false })))]).await;
    rig.hands.turn(6);
    let deliveries = rig.until(all_in(DeliveryState::Dead)).await;
    let said: BTreeMap<&str, &str> = deliveries.iter().map(|d| (d.webhook.as_str(), errors(d)[1])).collect();
    let expected = [("nps", "its webhook no longer exists"), ("other", "Webhook/other is not enabled")];
    assert_eq!(said, BTreeMap::from(expected));
    assert_eq!(receiver.requests().len(), 2);
}

#[tokio::test]
async fn a_webhook_pointed_elsewhere_takes_its_deliveries_along() {
    let (rig, receiver) = (EngineRig::new().await, Receiver::glad().await);
    rig.apply(&simple("http://127.0.0.1:1/")).await;
    rig.send(&survey(3)).await;
    let delivery = rig.attempted(1).await;
    rig.apply(&[("Destination/new", destination(&receiver.url("/new")))]).await;
    rig.apply(&[("Webhook/nps", with(webhook(), json!({ "destination": "new" })))]).await;
    rig.remove("Destination/chat").await;
    rig.hands.turn_to(delivery.due_at.expect("a time"));
    assert_eq!(receiver.arrived(1).await[0].target, "/new");
    let delivery = rig.until(all_in(DeliveryState::Delivered)).await.remove(0);
    assert_eq!(delivery.attempts.len(), 2);
}

#[tokio::test]
async fn a_destination_that_does_not_answer_holds_up_nobody() {
    let (rig, dead, glad) = (EngineRig::new().await, Receiver::new(|_| Reply::Silence).await, Receiver::glad().await);
    rig.apply(&simple(&dead.url("/"))).await;
    let other = with(webhook(), json!({ "destination": "glad", "event": "menu.opened" }));
    let other = with(other, json!({ "properties": { "include": ["eventId"] } }));
    rig.apply(&[("Destination/glad", destination(&glad.url("/"))), ("Webhook/menu", other)]).await;
    for _ in 0..3 {
        rig.send_all(&vec![survey(3); 300]).await;
    }
    let menu = json!({ "event": "menu.opened", "system": "crm", "endUserId": "ana" });
    rig.send_all(&vec![menu; 500]).await;
    glad.arrived(500).await;
    let figures = rig.engine.deliveries().figures();
    assert!(figures.held < 600 * 1_024, "what waits for the dead one waits in the store: {figures:?}");
}

#[tokio::test]
async fn a_backlog_passes_through_the_store_and_arrives_once() {
    let open = Arc::new(AtomicBool::new(false));
    let is_open = Arc::clone(&open);
    let receiver =
        Receiver::new(move |_| Reply::Status(if is_open.load(Ordering::SeqCst) { 200 } else { 410 }, Vec::new())).await;
    let rig = EngineRig::new().await;
    rig.apply(&simple(&receiver.url("/"))).await;
    rig.send(&survey(0)).await;
    rig.attempted(1).await;
    for n in 0..5 {
        let batch: Vec<Value> = (0..400).map(|m| survey(n * 400 + m + 1)).collect();
        rig.send_all(&batch).await;
    }
    open.store(true, Ordering::SeqCst);
    rig.hands.turn(6);
    rig.apply(&[("Destination/chat", destination(&receiver.url("/again")))]).await;
    rig.send(&survey(2_001)).await;
    rig.until(|all| all.len() == 2_002 && all_in(DeliveryState::Delivered)(all)).await;
    let mut scores: Vec<i64> = receiver.requests()[1..].iter().filter_map(|r| r.json()["score"].as_i64()).collect();
    scores.sort_unstable();
    assert_eq!(scores, (0..=2_001).collect::<Vec<_>>());
    let figures = rig.engine.deliveries().figures();
    assert_eq!((figures.held, figures.under_way), (0, 0));
}

#[tokio::test]
async fn a_rate_is_kept() {
    let (rig, receiver) = (EngineRig::new().await, Receiver::glad().await);
    let slow = with(destination(&receiver.url("/")), json!({ "rateLimit": { "perSecond": 2 } }));
    rig.apply(&[("System/crm", system()), ("Destination/chat", slow), ("Webhook/nps", webhook())]).await;
    rig.send_all(&vec![survey(1); 4]).await;
    for count in 1..=4 {
        receiver.arrived(count).await;
        rig.until(|all| all.iter().filter(|d| d.state == DeliveryState::Delivered).count() == count).await;
        assert_eq!(receiver.requests().len(), count);
        rig.hands.turn_to(rig.hands.now() + SignedDuration::from_millis(500));
    }
}

#[tokio::test]
async fn an_attempt_that_is_cut_off_has_not_happened() {
    let silent = Arc::new(AtomicBool::new(true));
    let is_silent = Arc::clone(&silent);
    let receiver =
        Receiver::new(
            move |_| {
                if is_silent.load(Ordering::SeqCst) { Reply::Silence } else { Reply::Status(200, Vec::new()) }
            },
        )
        .await;
    let mut rig = EngineRig::new().await;
    rig.apply(&simple(&receiver.url("/"))).await;
    rig.send_all(&[survey(1), survey(2)]).await;
    receiver.arrived(2).await;
    rig.restart().await;
    receiver.arrived(4).await;
    silent.store(false, Ordering::SeqCst);
    rig.restart().await;
    let deliveries = rig.until(all_in(DeliveryState::Delivered)).await;
    assert!(deliveries.iter().all(|delivery| delivery.attempts.len() == 1), "{deliveries:?}");
}

#[tokio::test]
async fn a_restart_goes_on_where_it_was() {
    let (mut rig, receiver) = (EngineRig::new().await, Receiver::failing(1, 500, Vec::new()).await);
    rig.apply(&simple(&receiver.url("/"))).await;
    rig.send(&survey(1)).await;
    let due = rig.attempted(1).await.due_at.expect("a time");
    rig.restart().await;
    rig.hands.turn_to(due - SignedDuration::from_millis(1));
    assert_eq!(receiver.requests().len(), 1);
    rig.hands.turn_to(due);
    assert_eq!(rig.until(all_in(DeliveryState::Delivered)).await[0].attempts.len(), 2);
}

#[tokio::test]
async fn the_end_waits_for_what_is_under_way() {
    let (entered, go) = (Arc::new(AtomicUsize::new(0)), Arc::new(tokio::sync::Notify::new()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (counted, waited) = (Arc::clone(&entered), Arc::clone(&go));
    let router = axum::Router::new().fallback(async move || {
        counted.fetch_add(1, Ordering::SeqCst);
        waited.notified().await;
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    let rig = EngineRig::new().await;
    rig.apply(&simple(&format!("http://{address}/"))).await;
    rig.send(&survey(1)).await;
    while entered.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    let end = rig.engine.stop(Duration::from_secs(20));
    let let_go = async {
        tokio::task::yield_now().await;
        go.notify_one();
    };
    tokio::join!(end, let_go);
    assert_eq!(rig.deliveries().await[0].state, DeliveryState::Delivered);
    let refused = rig.engine.events().accept(&project(), &[survey(2).to_string().as_bytes()]).await;
    assert!(refused.is_err(), "nothing is accepted after the end");
}

#[tokio::test]
async fn every_sort_of_authentication_arrives() {
    let (rig, receiver) = (EngineRig::new().await, Receiver::glad().await);
    let url = receiver.url("/");
    let auths = [
        ("none", json!({ "type": "none" })),
        ("bearer", json!({ "type": "bearer", "token": { "fromEnv": "T" } })),
        ("basic", json!({ "type": "basic", "username": "u", "password": { "fromEnv": "P" } })),
    ];
    let mut objects = vec![("System/crm".to_owned(), system())];
    for (name, auth) in auths {
        let more = json!({ "auth": auth, "headers": { "X-Name": name, "X-Key": { "fromEnv": "K" } } });
        objects.push((format!("Destination/{name}"), with(destination(&url), more)));
        objects.push((format!("Webhook/{name}"), with(webhook(), json!({ "destination": name }))));
    }
    let signed = with(destination(&url), json!({ "signing": { "secret": { "fromEnv": "S" } } }));
    objects.push(("Destination/signed".to_owned(), signed));
    objects.push(("Webhook/signed".to_owned(), with(webhook(), json!({ "destination": "signed" }))));
    let get = with(destination(&receiver.url("/get?a=1")), json!({ "method": "GET" }));
    objects.push(("Destination/get".to_owned(), get));
    objects.push(("Webhook/get".to_owned(), with(webhook(), json!({ "destination": "get" }))));
    let secrets = [
        ("Destination/bearer", "spec.auth.token", "token-token"),
        ("Destination/basic", "spec.auth.password", "pass:word"),
        ("Destination/none", "spec.headers.X-Key", "key-none"),
        ("Destination/bearer", "spec.headers.X-Key", "key-bearer"),
        ("Destination/basic", "spec.headers.X-Key", "key-basic"),
        ("Destination/signed", "spec.signing.secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    ];
    rig.apply_with(&objects, &secrets, true).await;
    let id = rig.send(&survey(3)).await;
    let requests = receiver.arrived(5).await;
    let named =
        |name: &str| requests.iter().find(|r| r.headers.get("x-name").is_some_and(|n| n == name)).expect("a request");
    assert_eq!(named("none").headers.get("authorization"), None);
    assert_eq!(named("bearer").headers["authorization"], "Bearer token-token");
    // base64 of u:pass:word
    assert_eq!(named("basic").headers["authorization"], "Basic dTpwYXNzOndvcmQ=");
    for name in ["none", "bearer", "basic"] {
        assert_eq!(named(name).headers["x-key"], format!("key-{name}"));
        assert_eq!(named(name).headers.get("webhook-id"), None);
    }
    let get = requests.iter().find(|r| r.method == "GET").expect("a request");
    assert_eq!((get.target.clone(), get.body.as_str()), (format!("/get?a=1&eventId={id}&score=3"), ""));
    let signed = requests.iter().find(|r| r.headers.contains_key("webhook-id")).expect("a request");
    let delivery = rig.deliveries().await.into_iter().find(|d| d.webhook.as_str() == "signed").expect("a delivery");
    assert_eq!(signed.headers["webhook-id"], delivery.id.to_string());
    assert_eq!(signed.headers["webhook-timestamp"], "1900000000");
    assert!(signed.headers["webhook-signature"].starts_with("v1,"));
}

#[tokio::test]
async fn a_token_is_kept_and_renewed_when_it_is_refused() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let tokens = Receiver::new(move |_| {
        let n = count.fetch_add(1, Ordering::SeqCst) + 1;
        Reply::Json(json!({ "access_token": format!("t{n}"), "token_type": "Bearer", "expires_in": 3_600 }))
    })
    .await;
    let receiver = Receiver::new(|request| {
        // The first token is taken back once it was used for the third time.
        let refused = request.headers["authorization"] == "Bearer t1" && request.body.contains(":13");
        Reply::Status(if refused { 401 } else { 200 }, Vec::new())
    })
    .await;
    let rig = EngineRig::new().await;
    let auth = json!({ "auth": { "type": "oauth2", "tokenUrl": tokens.url("/token"), "clientId": "c",
                                 "clientSecret": { "fromEnv": "S" } } });
    let objects = [
        ("System/crm".to_owned(), system()),
        ("Destination/chat".to_owned(), with(destination(&receiver.url("/")), auth)),
        ("Webhook/nps".to_owned(), webhook()),
    ];
    rig.apply_with(&objects, &[("Destination/chat", "spec.auth.clientSecret", "secret-secret")], true).await;
    rig.send_all(&[survey(11), survey(12)]).await;
    rig.until(all_in(DeliveryState::Delivered)).await;
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    rig.send(&survey(13)).await;
    let deliveries = rig.until(|all| all.len() == 3 && all_in(DeliveryState::Delivered)(all)).await;
    assert!(deliveries.iter().all(|d| d.attempts.len() == 1));
    assert_eq!((asked.load(Ordering::SeqCst), receiver.requests().len()), (2, 4));
    assert_eq!(receiver.requests()[3].headers["authorization"], "Bearer t2");
}

#[tokio::test]
async fn closed_addresses_are_not_reached() {
    let receiver = Receiver::glad().await;
    let rig = EngineRig::with(OutgoingSettings::default()).await;
    for (n, host) in ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"].into_iter().enumerate() {
        let url = format!("http://{host}:{}/", receiver.address.port());
        rig.apply(&simple(&url)).await;
        rig.send(&survey(1)).await;
        let all = rig.until(|all| all.len() == n + 1 && all.iter().all(|one| !one.attempts.is_empty())).await;
        let said = errors(&all[n])[0];
        assert!(said.starts_with("failed to reach the host: ") && said.contains("not public"), "{host}: {said}");
    }
    assert_eq!(receiver.requests().len(), 0);
}

#[tokio::test]
async fn old_events_are_forgotten() {
    let (rig, receiver) = (EngineRig::new().await, Receiver::failing(1, 500, Vec::new()).await);
    let once = with(destination(&receiver.url("/")), json!({ "retry": { "maxAttempts": 1 } }));
    rig.apply(&[("System/crm", system()), ("Destination/chat", once), ("Webhook/nps", webhook())]).await;
    rig.send(&survey(1)).await;
    rig.until(all_in(DeliveryState::Dead)).await;
    rig.hands.turn(29 * 86_400);
    assert_eq!(rig.deliveries().await.len(), 1);
    rig.hands.turn(2 * 86_400);
    rig.until(<[DeliveryRecord]>::is_empty).await;
    let events = rig.store.reads().event_page(&project(), None, None, 10).await.expect("events").events;
    assert_eq!(events.len(), 0);
}
