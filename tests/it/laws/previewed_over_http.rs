//! Law 15 against the running server: what a plan's preview says of recorded events is what the server does with the
//! same events once the plan is applied.
//!
//! Everything passes through HTTP, as the verbs do it: plan, apply, the recorded events, the events sent, the log of
//! deliveries; and what the preview said is held against the requests that a receiver got.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use serde_json::{Map, Value, json};
use trueup::apply::{Request, apply};
use trueup::base::path::{Path, Segment};
use trueup::behaviour::event::StoredEvent;
use trueup::behaviour::recorded::EventLine;
use trueup::desired::Desired;
use trueup::desired::load::load_project;
use trueup::desired::secrets::Secrets;
use trueup::live::{self, Live};
use trueup::manifest::{Input, LoadOptions};
use trueup::object::access::Scope;
use trueup::object::delivery::{DeliveryRecord, DeliveryState, EventQuery};
use trueup::object::lease::LEASE_RENEWAL;
use trueup::plan::file_v1::body_digest;
use trueup::plan::preview::Preview;
use trueup::plan::wanted::wanted;
use trueup::plan::{Plan, PlanOptions, build};
use trueup::provider::Reader as _;
use trueup::provider::server::{DeliveryQuery, Server};
use trueup::review::complete::complete;
use trueup::review::preview::{Arrival, Replay};
use trueup::review::states::States;

use super::preview_equals_reality::{Seen, configuration, event, own_event, seen};
use crate::engine_rig::Receiver;
use crate::rig::plan_options;
use crate::served::target;
use crate::server_rig::{PROJECT, ServerRig};
use crate::support::Project;
use crate::world::{Random, manifest, seeds};

/// Events that are run through one pair of configurations.
const BATCH: usize = 12;
/// The longest that deliveries may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Of 100 pairs of configurations, 12 events each: 1,200 pairs of a plan and an event.
#[test]
fn what_a_plan_previews_is_what_the_server_makes_of_it() {
    let far = FarSide::new();
    let receiver = &far.receiver;
    let (mut pairs, mut differences, mut gone_before) = (0, 0, 0);
    for seed in seeds(100) {
        let mut random = Random::new(seed + 1_000_000);
        let before = told_apart(configuration(&mut random, receiver));
        let after = if random.chance(90) { edited(&mut random, receiver, &before) } else { before.clone() };
        let events: Vec<Value> = (0..BATCH).map(|n| event(&mut random, &format!("e{seed}-{n}-"))).collect();
        // What is recorded from here on is this round's.
        far.rig.turn(SignedDuration::from_secs(1));
        far.apply(&far.plan(&before));
        let made = far.made_of(&events, &format!("e{seed}-"));

        let mut planned = far.plan(&after);
        let previewed = far.preview(&mut planned);
        far.apply(&planned);
        // The same events come again, under ids of the same length that are not known yet.
        let again = |value: &Value| -> Value {
            serde_json::from_str(&value.to_string().replace(&format!("e{seed}-"), &format!("f{seed}-"))).expect("JSON")
        };
        let id = format!("f{seed}-");
        let will = far.made_of(&events.iter().map(again).collect::<Vec<_>>(), &id);
        let came: Vec<(String, String, Seen)> = will
            .into_iter()
            .map(|(webhook, event, (method, target, headers, body))| {
                let old = |text: String| text.replace(&id, &format!("e{seed}-"));
                (webhook, old(event), (method, old(target), headers, old(body)))
            })
            .collect();
        check(seed, &previewed, &made, &came);
        pairs += events.len();
        differences +=
            previewed.webhooks.iter().filter(|webhook| webhook.gained + webhook.lost + webhook.changed > 0).count();
        gone_before += made.len();
    }
    assert!(pairs >= 1_000, "{pairs}");
    // Enough of both: plans that change deliveries, and deliveries that could change.
    assert!(differences > pairs / 20 && gone_before > pairs / 4, "{differences} differences, {gone_before} of {pairs}");
}

/// A server with a key for everything, a receiver that it may reach, and a folder for manifests.
struct FarSide {
    rig: ServerRig,
    receiver: Receiver,
    target: Server,
    folder: Project,
    plans: Cell<u128>,
}

/// A plan with what it was made from.
struct Planned {
    plan: Plan,
    desired: Desired,
    live: Live,
}

impl FarSide {
    fn new() -> Self {
        let rig = ServerRig::that_reaches_this_machine();
        let receiver = rig.block_on(Receiver::glad());
        let key = rig.key(PROJECT, Scope::ALL);
        let secret = key.secret.expose_to_target().to_owned();
        let target = target(rig.url(), key.key.client_id.to_string(), secret);
        let folder = Project::in_memory();
        folder
            .write("trueup.yaml", &format!("apiVersion: trueup/v1\nkind: Project\nmetadata: {{ name: {PROJECT} }}\n"));
        Self { rig, receiver, target, folder, plans: Cell::new(1) }
    }

    /// The plan of these objects.
    fn plan(&self, objects: &[(String, Value)]) -> Planned {
        let event_type = ("EventType/quote-approved".to_owned(), own_event());
        let documents = objects.iter().chain([&event_type]).map(|(address, spec)| {
            let (kind, name) = address.split_once('/').expect("an address");
            manifest(kind, name, spec.clone()).to_string()
        });
        let manifests = documents.collect::<Vec<_>>().join("\n---\n");
        self.folder.write("manifests.yaml", &manifests);
        let loaded = load_project(&LoadOptions {
            path: Input::Path(".".into()),
            working_folder: self.folder.path().canonicalize().expect("a folder"),
            target: None,
            vars: Vec::new(),
            var_files: Vec::new(),
            threads: Some(std::num::NonZeroUsize::MIN),
        });
        let loaded = loaded.expect("a project");
        assert!(!loaded.has_errors(), "{:#?}\n{manifests}", loaded.diagnostics);
        let desired = loaded.desired;
        let secrets = Secrets::default();
        let wanted = wanted(&desired, &secrets, &[]);
        let live = self.rig.block_on(live::read(&self.target, &wanted)).expect("live state");
        self.plans.set(self.plans.get() + 1);
        let options = PlanOptions { prune: false, ..plan_options(self.plans.get(), self.rig.now()) };
        let plan = build(&desired, &live, &options).expect("a plan");
        Planned { plan, desired, live }
    }

    /// What a plan says of the events recorded since the clock was turned.
    fn preview(&self, planned: &mut Planned) -> Preview {
        let Planned { plan, desired, live } = planned;
        let states: States = complete(plan, desired, live).expect("states");
        let ids = live.rows.iter().map(|(address, row)| (address, row.id)).collect();
        let now = self.rig.now();
        let mut replay = Replay::new(&states, Arrival { ids, now });
        let mut query = EventQuery { since: Some(now), limit: 1_000, cursor: None };
        loop {
            let page = self.rig.block_on(self.target.events(&query)).expect("events");
            // A page that is empty is the last: there may be more events later.
            if page.events.is_empty() {
                return replay.finish(plan, &[]);
            }
            for event in page.events {
                let event: StoredEvent = serde_json::from_value(event).expect("a stored event");
                replay.take(EventLine::Stored(event)).expect("run");
            }
            query.cursor = page.next;
        }
    }

    fn apply(&self, planned: &Planned) {
        let Planned { plan, desired, live: _ } = planned;
        let request = Request {
            plan,
            body: body_digest(plan).expect("a digest"),
            desired,
            secrets: &Secrets::default(),
            actor: "law@here",
            commit: None,
            lease_renewal: LEASE_RENEWAL,
            heeds_suspensions: false,
            interrupted: &|| false,
        };
        let (_, outcome) = self.rig.block_on(apply(&self.target, &request, &mut |_| {}));
        outcome.expect("applied");
    }

    /// Sends events, whose ids begin so, and waits until all that comes of them was delivered: webhook, event and
    /// request.
    fn made_of(&self, events: &[Value], id: &str) -> Vec<(String, String, Seen)> {
        let began = self.receiver.requests().len();
        let lines: Vec<String> = events.iter().map(Value::to_string).collect();
        let accepted = self.rig.block_on(self.target.send_events(&lines.join("\n"))).expect("accepted");
        assert_eq!(accepted.events.len(), events.len());
        let made = self.settled(id);
        let requests = self.rig.block_on(self.receiver.arrived(began + made.len()));
        assert_eq!(requests.len(), began + made.len(), "{id}");
        let mut of_requests = Vec::new();
        for request in &requests[began..] {
            let seen = seen(request);
            let sent: BTreeMap<String, String> = if seen.0 == "GET" {
                query(&seen.1).into_iter().collect()
            } else {
                let body: Map<String, Value> = serde_json::from_str(&seen.3).expect("a JSON body");
                body.into_iter().map(|(name, value)| (name, value.as_str().unwrap_or_default().to_owned())).collect()
            };
            of_requests.push((sent["webhook"].clone(), sent["eventId"].clone(), seen));
        }
        let mut told: Vec<(String, String)> =
            made.iter().map(|delivery| (delivery.webhook.to_string(), delivery.event_id.clone())).collect();
        let mut got: Vec<(String, String)> =
            of_requests.iter().map(|(webhook, event, _)| (webhook.clone(), event.clone())).collect();
        told.sort();
        got.sort();
        assert_eq!(told, got);
        of_requests
    }

    /// The log's deliveries of the events whose ids begin so, once all were made.
    fn settled(&self, id: &str) -> Vec<DeliveryRecord> {
        let began = Instant::now();
        // Three webhooks have at most three deliveries of an event, and the newest come first.
        let query = DeliveryQuery { limit: 100, ..DeliveryQuery::default() };
        loop {
            let page = self.rig.block_on(self.target.deliveries(&query)).expect("deliveries");
            let own = page.deliveries.into_iter().filter(|delivery| delivery.event_id.starts_with(id));
            let own: Vec<DeliveryRecord> = own.collect();
            if own.iter().all(|delivery| delivery.state == DeliveryState::Delivered) {
                return own;
            }
            assert!(began.elapsed() < PATIENCE, "not delivered: {own:#?}");
            std::thread::yield_now();
        }
    }
}

/// What a preview says, against the deliveries that were made before and after.
fn check(seed: u64, preview: &Preview, made: &[(String, String, Seen)], came: &[(String, String, Seen)]) {
    let of = |all: &[(String, String, Seen)], webhook: &str| -> BTreeMap<String, Seen> {
        let own = all.iter().filter(|(name, _, _)| name == webhook);
        own.map(|(_, event, seen)| (event.clone(), seen.clone())).collect()
    };
    for n in 0..3 {
        let (name, address) = (format!("w{n}"), format!("Webhook/w{n}"));
        let (old, new) = (of(made, &name), of(came, &name));
        let told = preview.webhooks.iter().find(|webhook| webhook.address.to_string() == address);
        let Some(told) = told else {
            assert_eq!(old, new, "seed {seed}: {address} is not in the preview");
            continue;
        };
        let count = |number: usize| u64::try_from(number).expect("few");
        assert_eq!((told.before, told.after), (count(old.len()), count(new.len())), "seed {seed}: {address}");
        let gained: Vec<&String> = new.keys().filter(|event| !old.contains_key(*event)).collect();
        let lost: Vec<&String> = old.keys().filter(|event| !new.contains_key(*event)).collect();
        let changed: Vec<&String> =
            old.keys().filter(|event| new.get(*event).is_some_and(|seen| *seen != old[*event])).collect();
        let counts = (count(gained.len()), count(lost.len()), count(changed.len()));
        assert_eq!((told.gained, told.lost, told.changed), counts, "seed {seed}: {address}");
        for (sample, among, all) in [
            (&told.gained_sample, gained, &new),
            (&told.lost_sample, lost, &old),
            (&told.changed_sample, changed, &new),
        ] {
            assert_eq!(sample.is_some(), !among.is_empty(), "seed {seed}: {address}");
            let Some(sample) = sample else { continue };
            // The sample is the earliest, and what it shows of the request is what arrived.
            assert!(among.contains(&&sample.event_id), "seed {seed}: {address}: {}", sample.event_id);
            let seen = &all[&sample.event_id];
            for change in &sample.changes {
                let side = if told.lost_sample.as_ref() == Some(sample) { &change.before } else { &change.after };
                if let Some(side) = side {
                    shows(seed, &change.path, &side.to_json(true), seen);
                }
            }
        }
    }
    for place in &preview.destinations {
        let path = place.url.split_once("//").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
        let reaches = |all: &[(String, String, Seen)]| {
            let hit = |(_, _, seen): &&(String, String, Seen)| seen.1.split('?').next() == Some(&*format!("/{path}"));
            u64::try_from(all.iter().filter(hit).count()).expect("few")
        };
        assert_eq!((place.before, place.after), (reaches(made), reaches(came)), "seed {seed}: {}", place.url);
    }
}

/// What a sample shows of a request is in the request that arrived.
fn shows(seed: u64, path: &Path, value: &Value, (method, target, headers, body): &Seen) {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let keys: Vec<&str> = path
        .segments()
        .iter()
        .map(|segment| match segment {
            Segment::Key(key) => &**key,
            other => panic!("{other:?} in {path}"),
        })
        .collect();
    match keys.as_slice() {
        ["method"] => assert_eq!(text, *method, "seed {seed}"),
        ["url"] => {
            let path = text.split_once("//").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
            let path = path.split('#').next().unwrap_or_default().trim_end_matches('?');
            assert!(target.starts_with(&format!("/{path}")), "seed {seed}: {target} does not begin with {text}");
        }
        ["headers", name] => assert_eq!(headers.get(&name.to_ascii_lowercase()), Some(&text), "seed {seed}"),
        ["body", name] => {
            let sent: Value = serde_json::from_str(body).expect("a JSON body");
            assert_eq!(sent[name], *value, "seed {seed}: {name}");
        }
        ["query", name] => {
            let sent = query(target).into_iter().any(|(key, sent)| key == *name && sent == text);
            assert!(sent, "seed {seed}: {target} has no {name}={text}");
        }
        other => panic!("seed {seed}: {other:?}"),
    }
}

fn query(target: &str) -> Vec<(String, String)> {
    let url = url::Url::parse(&format!("http://receiver{target}")).expect("a URL");
    url.query_pairs().map(|(key, value)| (key.into_owned(), value.into_owned())).collect()
}

/// The configuration with requests that say which webhook made them, and of which event.
fn told_apart(mut objects: Vec<(String, Value)>) -> Vec<(String, Value)> {
    for (address, spec) in &mut objects {
        let Some(name) = address.strip_prefix("Webhook/") else { continue };
        let properties = spec["properties"].as_object_mut().expect("properties");
        let fixed = properties.entry("static").or_insert_with(|| json!({}));
        fixed["webhook"] = json!(name);
        if let Some(Value::Array(include)) = properties.get_mut("include")
            && !include.contains(&json!("eventId"))
        {
            include.push(json!("eventId"));
        }
    }
    objects
}

/// Another random configuration, whose system drops at least what it drops now and hashes as it does: what is gone of a
/// recorded event is gone.
fn edited(random: &mut Random, receiver: &Receiver, before: &[(String, Value)]) -> Vec<(String, Value)> {
    let mut objects = told_apart(configuration(random, receiver));
    let (_, system) = before.iter().find(|(address, _)| address == "System/crm").expect("a system");
    let mut system = system.clone();
    if random.chance(25) {
        system["censor"] = json!({ "properties": ["country"], "events": ["menu.opened"] });
    }
    for (address, spec) in &mut objects {
        if address == "System/crm" {
            *spec = system.clone();
        } else if random.chance(40)
            && let Some((_, old)) = before.iter().find(|(other, _)| other == address)
        {
            // What stays is as important as what changes.
            *spec = old.clone();
        }
    }
    objects
}
