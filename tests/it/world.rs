//! Random valid projects over all kinds, and random edits of them. Everything follows from a seed.

use serde_json::{Map, Value, json};

/// Names of the environment variables that manifests take their secrets from.
pub(crate) const SECRETS: &[&str] = &["S0", "S1", "S2", "S3", "S4"];

/// The seeds of a law that looks at `count` random projects; at so many times more with `TRUEUP_LAWS_TIMES`.
pub(crate) fn seeds(count: u64) -> std::ops::Range<u64> {
    let times = std::env::var("TRUEUP_LAWS_TIMES").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    0..count * times
}

/// Random numbers that follow from a seed (splitmix64).
pub(crate) struct Random(u64);

impl Random {
    /// The numbers of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        // Not a multiple of the step, or each seed would give the numbers of the one before, less the first.
        Self(seed.wrapping_mul(0xD134_2543_DE82_EF95).wrapping_add(0x1234_5678))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).expect("a small number")
    }

    /// True in so many cases of a hundred.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of these.
    pub(crate) fn pick<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[self.below(of.len())]
    }
}

/// The manifests of a project.
#[derive(Clone, Debug)]
pub(crate) struct World {
    /// In no order.
    pub(crate) manifests: Vec<Value>,
    /// What was removed, so that it can come back.
    graveyard: Vec<Value>,
    named: usize,
}

/// Kind and name of a manifest.
pub(crate) fn address(manifest: &Value) -> String {
    format!("{}/{}", kind(manifest), name(manifest))
}

fn kind(manifest: &Value) -> &str {
    manifest["kind"].as_str().expect("a kind")
}

fn name(manifest: &Value) -> &str {
    manifest["metadata"]["name"].as_str().expect("a name")
}

/// A manifest.
#[expect(clippy::needless_pass_by_value, reason = "the spec is written in the call")]
pub(crate) fn manifest(kind: &str, name: &str, spec: Value) -> Value {
    json!({"apiVersion": "trueup/v1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

impl World {
    /// A project of at least one object of each kind.
    pub(crate) fn random(random: &mut Random) -> Self {
        let mut world = Self { manifests: Vec::new(), graveyard: Vec::new(), named: 0 };
        world.manifests.push(manifest("System", "web", json!({"platform": "web"})));
        let desk = if random.chance(50) { json!({"platform": "workstation"}) } else { desk_with_id() };
        world.manifests.push(manifest("System", "desk", desk));
        for kind in ["EventType", "Audience", "Template", "Destination", "Workflow"] {
            for _ in 0..=random.below(3) {
                world.add(random, kind);
            }
        }
        for kind in ["Notification", "Webhook", "IncomingWebhook"] {
            for _ in 0..=random.below(2) {
                world.add(random, kind);
            }
        }
        world
    }

    /// One random edit; says what it was, for failure messages.
    pub(crate) fn edit(&mut self, random: &mut Random) -> String {
        const KINDS: &[&str] =
            &["EventType", "Audience", "Template", "Destination", "Workflow", "Notification", "Webhook"];
        let at = random.below(self.manifests.len());
        let what = address(&self.manifests[at]);
        match random.below(10) {
            0..=4 => {
                let (kind, name) = (kind(&self.manifests[at]).to_owned(), name(&self.manifests[at]).to_owned());
                let id = self.manifests[at]["spec"].get("systemId").cloned();
                let mut spec = self.spec(random, &kind, &name);
                if let Some(id) = id {
                    spec["systemId"] = id;
                }
                self.manifests[at]["spec"] = spec;
                format!("new spec of {what}")
            }
            5 => {
                let metadata = &mut self.manifests[at]["metadata"];
                metadata["displayName"] = json!(format!("Number {}", random.below(4)));
                metadata["labels"] = json!({"team": random.pick(&["red", "blue"])});
                format!("new metadata of {what}")
            }
            6 => self.rename(at),
            7 => {
                let kind = *random.pick(KINDS);
                self.add(random, kind);
                format!("one more {kind}")
            }
            8 => self.remove(at).unwrap_or_else(|| "nothing".to_owned()),
            _ => self.bring_back(random).unwrap_or_else(|| "nothing".to_owned()),
        }
    }

    /// The addresses, sorted.
    pub(crate) fn addresses(&self) -> Vec<String> {
        let mut addresses: Vec<String> = self.manifests.iter().map(address).collect();
        addresses.sort();
        addresses
    }

    /// The manifests as the text of a file.
    pub(crate) fn text(&self) -> String {
        text(&self.manifests)
    }

    /// Removes a manifest that nothing refers to.
    pub(crate) fn remove(&mut self, at: usize) -> Option<String> {
        let what = name(&self.manifests[at]).to_owned();
        let used = self.manifests.iter().any(|other| name(other) != what && mentions(&other["spec"], &what));
        if used || kind(&self.manifests[at]) == "System" {
            return None;
        }
        let gone = self.manifests.swap_remove(at);
        let said = format!("without {}", address(&gone));
        self.graveyard.push(gone);
        Some(said)
    }

    fn bring_back(&mut self, random: &mut Random) -> Option<String> {
        if self.graveyard.is_empty() {
            return None;
        }
        let at = random.below(self.graveyard.len());
        let known = |name: &str| self.manifests.iter().any(|manifest| self::name(manifest) == name);
        let mut missing = Vec::new();
        names_in(&self.graveyard[at]["spec"], &mut missing);
        // Names carry a number, which tells them from other texts.
        if missing.iter().any(|name| is_name(name) && !known(name)) {
            return None;
        }
        let mut back = self.graveyard.swap_remove(at);
        back["metadata"].as_object_mut()?.remove("annotations");
        let said = format!("{} is back", address(&back));
        self.manifests.push(back);
        Some(said)
    }

    fn rename(&mut self, at: usize) -> String {
        let old = name(&self.manifests[at]).to_owned();
        let kind = kind(&self.manifests[at]).to_owned();
        if kind == "System" {
            return "nothing".to_owned();
        }
        let new = self.fresh(&kind);
        for manifest in &mut self.manifests {
            replace(&mut manifest["spec"], &old, &new);
        }
        let metadata = &mut self.manifests[at]["metadata"];
        metadata["name"] = json!(new);
        metadata["annotations"] = json!({"trueup.dev/was": old});
        format!("{kind}/{old} is now {new}")
    }

    fn fresh(&mut self, kind: &str) -> String {
        self.named += 1;
        format!("{}-x{}", kind.to_lowercase(), self.named)
    }

    fn add(&mut self, random: &mut Random, kind: &str) {
        let name = self.fresh(kind);
        let spec = self.spec(random, kind, &name);
        self.manifests.push(manifest(kind, &name, spec));
    }

    /// Names of the objects of a kind.
    fn names(&self, kind: &str) -> Vec<String> {
        self.manifests.iter().filter(|m| self::kind(m) == kind).map(|m| name(m).to_owned()).collect()
    }

    fn one(&mut self, random: &mut Random, kind: &str) -> String {
        if self.names(kind).is_empty() {
            self.add(random, kind);
        }
        random.pick(&self.names(kind)).clone()
    }

    fn spec(&mut self, random: &mut Random, kind: &str, name: &str) -> Value {
        match kind {
            "System" => system(random, name),
            "EventType" => event_type(random),
            "Template" => template(random),
            "Audience" => audience(random),
            "Notification" => self.notification(random),
            "Destination" => destination(random),
            "Webhook" => self.webhook(random),
            "IncomingWebhook" => self.incoming_webhook(random),
            "Workflow" => self.workflow(random),
            other => panic!("no kind {other}"),
        }
    }

    fn notification(&mut self, random: &mut Random) -> Value {
        let mut spec = json!({"template": self.one(random, "Template"), "startAt": "2091-05-01 08:30"});
        if random.chance(60) {
            spec["audiences"] = json!([self.one(random, "Audience")]);
        } else {
            let people: Vec<String> = (0..=random.below(3)).map(|n| format!("person{n}@acme.test")).collect();
            spec["endUsers"] = json!(people);
        }
        if random.chance(40) {
            spec["endAt"] = json!(*random.pick(&["2091-06-01", "2091-06-02T10:00:00+02:00"]));
        }
        if random.chance(40) {
            spec["type"] = json!(*random.pick(&["push", "Popup"]));
        }
        if random.chance(60) {
            spec["override"] = json!({"NAME": format!("value {}", random.below(4))});
        }
        spec
    }

    fn webhook(&mut self, random: &mut Random) -> Value {
        let own = random.chance(50);
        let event = if own { self.one(random, "EventType") } else { "survey.submitted".to_owned() };
        let number = if own { "amount" } else { "score" };
        let mut spec = json!({"system": "web", "event": event, "destination": self.one(random, "Destination")});
        if random.chance(60) {
            spec["conditions"] = json!([
                {"property": number, "operator": "lessThan", "value": random.below(9)},
                {"any": [
                    {"property": "country", "operator": "equalTo", "value": *random.pick(&["DE", "FR"])},
                    {"not": {"property": "country", "operator": "exists"}},
                ]},
            ]);
        }
        if random.chance(50) {
            spec["properties"] = json!({
                "include": [number, "endUserId"], "rename": {"endUserId": "user_id"},
                "static": {"source": format!("s{}", random.below(3)), "priority": random.below(3)},
            });
        }
        if random.chance(20) {
            spec["enabled"] = json!(false);
        }
        spec
    }

    fn incoming_webhook(&mut self, random: &mut Random) -> Value {
        let mut spec = json!({"description": format!("number {}", random.below(5))});
        if random.chance(60) {
            spec["workflows"] = json!([self.one(random, "Workflow")]);
        }
        if random.chance(40) {
            spec["operations"] = json!(["createRequest", "cancelRequest"]);
        }
        spec
    }

    fn workflow(&mut self, random: &mut Random) -> Value {
        let mut look_up = json!({
            "name": "look-up", "type": "webhook", "method": "GET",
            "url": format!("https://shop.acme.test/{}?email={{{{email}}}}", random.below(3)),
            "routes": {"success": "bye", "failure": "bye"},
        });
        if random.chance(60) {
            look_up["headers"] = json!({"X-Api-Key": secret(random), "X-Plain": "plain"});
        }
        let mut steps = vec![
            json!({"name": "ask", "type": "sayGather", "say": format!("Number {}?", random.below(4)),
                "gather": {"variable": "email", "class": "personal"},
                "routes": {"gathered": "look-up", "noInput": "bye"}}),
            look_up,
            json!({"name": "bye", "type": "end"}),
        ];
        if random.chance(40) {
            steps[1]["routes"]["success"] = json!("tell");
            steps.push(json!({"name": "tell", "type": "notify", "template": self.one(random, "Template"),
                "audiences": [self.one(random, "Audience")], "override": {"NAME": "{{email}}"},
                "routes": {"next": "bye"}}));
        }
        let mut spec = json!({"access": {"subProcess": true, "public": true}, "start": "ask", "steps": steps});
        if random.chance(40) {
            spec["roles"] = json!({"administrators": [format!("admin{}", random.below(3))]});
        }
        if random.chance(40) {
            spec["data"] = json!([{"name": "EMAIL", "type": "text", "required": true, "class": "personal"}]);
        }
        if random.chance(20) {
            spec["release"] = json!("test");
        }
        spec
    }
}

/// Manifests as the text of a file: JSON documents are YAML.
pub(crate) fn text(manifests: &[Value]) -> String {
    manifests.iter().map(|manifest| format!("---\n{manifest}\n")).collect()
}

fn secret(random: &mut Random) -> Value {
    json!({"fromEnv": *random.pick(SECRETS)})
}

fn desk_with_id() -> Value {
    json!({"platform": "workstation", "systemId": "BCF4C7F5682B4AA6875A0FC9BDFA21CA"})
}

fn system(random: &mut Random, name: &str) -> Value {
    let platform = if name == "desk" { "workstation" } else { "web" };
    let mut spec = json!({"platform": platform});
    if random.chance(50) {
        spec["environments"] = json!({"production": {"urls": [format!("https://crm{}.acme.test/*", random.below(3))]}});
    }
    if random.chance(40) {
        spec["endUserId"] = json!({"hash": {"algorithm": "sha256", "salt": secret(random)}});
    }
    if random.chance(40) {
        spec["censor"] =
            json!({"properties": ["pageTitle"], "events": ["dxa.page-viewed"], "inputText": random.chance(50)});
    }
    spec
}

fn event_type(random: &mut Random) -> Value {
    let mut spec = json!({"properties": {"amount": {"type": "number", "class": "content"}}});
    for n in 0..random.below(3) {
        spec["properties"][format!("extra{n}")] = json!({"type": "string", "class": "technical"});
    }
    spec
}

fn template(random: &mut Random) -> Value {
    let mut spec = json!({"title": format!("Title {}", random.below(5)), "body": "Dear ###NAME###,\nplease look.\n"});
    if random.chance(50) {
        spec["system"] = json!("desk");
    }
    if random.chance(40) {
        spec["button"] = json!({"text": "Open", "link": format!("https://acme.test/{}", random.below(4))});
    }
    if random.chance(40) {
        spec["locales"] = json!({"de": {"title": "Titel", "body": format!("Hallo ###NAME### {}", random.below(3))}});
    }
    if random.chance(30) {
        spec["type"] = json!("popup");
    }
    spec
}

fn audience(random: &mut Random) -> Value {
    if random.chance(50) {
        let members: Vec<String> = (0..=random.below(4)).map(|n| format!("member{n}@acme.test")).collect();
        return json!({ "members": members });
    }
    json!({"match": {"all": [
        {"property": "department", "operator": "equalTo", "value": format!("D{}", random.below(4))},
        {"not": {"property": "country", "operator": "in", "value": ["US", "CA"]}},
    ]}})
}

fn destination(random: &mut Random) -> Value {
    let mut spec = json!({"platform": "Chat", "method": *random.pick(&["POST", "PUT", "GET"]),
        "url": format!("https://hooks.acme.test/{}", random.below(1000))});
    spec["auth"] = match random.below(4) {
        0 => json!({"type": "bearer", "token": secret(random)}),
        1 => json!({"type": "basic", "username": "svc", "password": secret(random)}),
        2 => json!({"type": "oauth2", "tokenUrl": "https://id.acme.test/token", "clientId": "c",
            "clientSecret": secret(random), "scopes": ["b", "a"]}),
        _ => json!({"type": "none"}),
    };
    if random.chance(40) {
        spec["headers"] = json!({"X-Plain": format!("v{}", random.below(3)), "X-Key": secret(random)});
    }
    if random.chance(30) {
        spec["timeoutSeconds"] = json!(1 + random.below(60));
    }
    if random.chance(30) {
        spec["signing"] = json!({"secret": secret(random)});
    }
    spec
}

fn is_name(text: &str) -> bool {
    text.split_once("-x").is_some_and(|(_, number)| number.parse::<usize>().is_ok())
}

fn mentions(value: &Value, name: &str) -> bool {
    let mut names = Vec::new();
    names_in(value, &mut names);
    names.contains(&name)
}

fn names_in<'v>(value: &'v Value, names: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => names.push(text),
        Value::Array(list) => list.iter().for_each(|value| names_in(value, names)),
        Value::Object(map) => map.values().for_each(|value| names_in(value, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn replace(value: &mut Value, old: &str, new: &str) {
    match value {
        Value::String(text) if text == old => new.clone_into(text),
        Value::Array(list) => list.iter_mut().for_each(|value| replace(value, old, new)),
        Value::Object(map) => Map::values_mut(map).for_each(|value| replace(value, old, new)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
