//! Law 4: the order of files, documents, keys and set elements changes neither digest nor diagnostics nor actions. And
//! whatever the bytes are, loading ends, without a panic, with every position inside its file.

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Map, Value};
use trueup::base::diagnostic::Diagnostic;
use trueup::base::source::{SourceMap, Span};
use trueup::desired::load::{LoadedProject, load_project};
use trueup::manifest::{Input, LoadOptions};
use trueup::plan::file_v1::{ActionV1, PlanV1};

use crate::rig::{Planned, Rig, actions};
use crate::world::{Random, World, seeds, text};

/// Manifests of several kinds with references, sets, variables, an alias and, at the end, mistakes.
const MANIFESTS: &str = r#"apiVersion: trueup/v1
kind: System
metadata: { name: crm, labels: { team: adoption, owner: "${var.owner}" } }
spec:
  platform: web
  environments: { production: { urls: ["https://crm.acme.test/*"] }, test: { urls: ["https://t.acme.test/*"] } }
  endUserId: { hash: { algorithm: sha256, salt: { fromEnv: CRM_SALT } } }
---
apiVersion: trueup/v1
kind: Destination
metadata: { name: chat }
spec:
  platform: Slack
  method: POST
  url: "https://${var.host}/x"
  auth: { type: oauth2, tokenUrl: "https://a.test/t", clientId: c, clientSecret: { fromEnv: S }, scopes: [b, a] }
  headers: { X-A: one, X-B: { fromEnv: B } }
---
apiVersion: trueup/v1
kind: Webhook
metadata: { name: nps }
spec:
  system: crm
  event: survey.submitted
  conditions:
    - { property: score, operator: lessThan, value: 7 }
    - any: [{ property: country, operator: equalTo, value: DE }, { property: country, operator: in, value: [FR, CH] }]
  properties: { include: [score, answer, endUserId], rename: { endUserId: user_id }, static: { source: trueup } }
  destination: chat
---
apiVersion: trueup/v1
kind: Audience
metadata: { name: sales }
spec: { members: &people [kim, ana, bo] }
---
apiVersion: trueup/v1
kind: Webhook
metadata: { name: broken }
spec:
  system: crn
  event: survey.submited
  destination: chat
  timeout: 5
---
apiVersion: trueup/v1
kind: Webhook
metadata: { name: half }
spec: { system: crn, event: survey.submited, destination: chat, properties: { include: [score] } }
"#;

const PROJECT: &str = "apiVersion: trueup/v1\nkind: Project\nmetadata: { name: acme }\nspec:\n  variables:\n    owner: { default: kim }\n    host: { default: hooks.slack.test }\n";

fn load(folder: &Path, threads: Option<usize>) -> Result<LoadedProject, (Vec<Diagnostic>, SourceMap)> {
    let options = LoadOptions {
        path: Input::Path(folder.to_owned()),
        working_folder: folder.to_owned(),
        target: None,
        vars: Vec::new(),
        var_files: Vec::new(),
        threads: threads.and_then(std::num::NonZeroUsize::new),
    };
    load_project(&options).map_err(|none| (none.diagnostics, none.sources))
}

fn folder(files: &[(String, Vec<u8>)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("trueup.yaml"), PROJECT).expect("a written file");
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).expect("a written file");
    }
    folder
}

/// What a load says of manifests, without where: digest and the problems by address and path.
fn essence(loaded: &LoadedProject) -> (String, BTreeSet<String>) {
    let problem = |d: &Diagnostic| {
        let path = d.path.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{} {} {path} {}", d.code, d.address.as_deref().unwrap_or_default(), d.message)
    };
    (loaded.desired.digest.to_string(), loaded.diagnostics.iter().map(problem).collect())
}

fn manifests() -> Vec<Value> {
    MANIFESTS.split("---\n").map(|text| serde_yaml::from_str(text).expect("a manifest")).collect()
}

/// Keys whose lists are sets (domain, `Compare::Set` of the kinds).
const SETS: &[&str] =
    &["scopes", "members", "include", "operations", "workflows", "audiences", "endUsers", "administrators", "urls"];

/// Turns the keys of all maps, and the elements of what is a set, by `turn`.
fn turned(value: &Value, turn: usize, in_set: bool) -> Value {
    match value {
        Value::Object(map) => {
            let is_set = |key: &str| SETS.contains(&key);
            let mut entries: Vec<(String, Value)> =
                map.iter().map(|(key, value)| (key.clone(), turned(value, turn, is_set(key)))).collect();
            let length = entries.len().max(1);
            entries.rotate_left(turn % length);
            if turn % 2 == 1 {
                entries.reverse();
            }
            Value::Object(entries.into_iter().collect::<Map<_, _>>())
        }
        Value::Array(list) => {
            let mut list: Vec<Value> = list.iter().map(|value| turned(value, turn, false)).collect();
            if in_set {
                let length = list.len().max(1);
                list.rotate_left(turn % length);
            }
            Value::Array(list)
        }
        scalar => scalar.clone(),
    }
}

/// The manifests in another order, with their keys and sets turned.
fn reordered(random: &mut Random, world: &World) -> Vec<Value> {
    let mut manifests: Vec<Value> =
        world.manifests.iter().map(|manifest| turned(manifest, random.below(12), false)).collect();
    for at in (1..manifests.len()).rev() {
        manifests.swap(at, random.below(at + 1));
    }
    manifests
}

/// The actions with all that changes; where in which file it stands is told beside them.
fn whole(planned: &Planned) -> Vec<ActionV1> {
    let mut actions = PlanV1::from_plan(&planned.plan, true).actions;
    actions.iter_mut().flat_map(|action| &mut action.changes).for_each(|change| change.origin = None);
    actions
}

#[test]
pub(super) fn order_changes_no_action() {
    for seed in seeds(6) {
        let mut random = Random::new(seed);
        let mut world = World::random(&mut random);
        let rig = Rig::new();
        for round in 0..4 {
            let story = format!("seed {seed}, round {round}");
            rig.write_world(&world);
            let options = rig.options();
            let planned = rig.plan_with(&options);
            rig.write(&text(&reordered(&mut random, &world)));
            let other = rig.plan_with(&options);
            assert_eq!(actions(&other.plan), actions(&planned.plan), "{story}");
            assert!(whole(&other) == whole(&planned), "{story}: {:#?}\n{:#?}", whole(&planned), whole(&other));
            assert_eq!(other.plan.desired, planned.plan.desired, "{story}");
            // What was applied in one order is unchanged in any other.
            rig.apply(&other);
            rig.write(&text(&reordered(&mut random, &world)));
            assert_eq!(actions(&rig.plan().plan), Vec::<String>::new(), "{story}");
            for _ in 0..3 {
                world.edit(&mut random);
            }
        }
    }
}

fn is_inside(sources: &SourceMap, span: Span) -> bool {
    sources.file(span.file).is_some_and(|file| {
        let (start, end) = (span.start as usize, span.end as usize);
        start <= end && end <= file.text.len() && file.text.is_char_boundary(start) && file.text.is_char_boundary(end)
    })
}

/// Every problem has a place, and every place lies inside its file.
fn assert_placed(diagnostics: &[Diagnostic], sources: &SourceMap) -> Result<(), TestCaseError> {
    for found in diagnostics {
        prop_assert!(found.span.is_some() || found.file.is_some(), "{found:?}");
        for span in found.span.iter().chain(found.related.iter().map(|(_, span)| span)) {
            prop_assert!(is_inside(sources, *span), "{found:?}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn order_changes_neither_digest_nor_diagnostics(
        order in Just((0..6).collect::<Vec<usize>>()).prop_shuffle(),
        split in prop::collection::vec(0..3_usize, 6),
        turn in 0..12_usize,
    ) {
        let whole = folder(&[("a.yaml".to_owned(), MANIFESTS.as_bytes().to_vec())]);
        let whole = essence(&load(whole.path(), None).expect("a project"));
        prop_assert!(whole.1.len() >= 3, "{:?}", whole.1);
        let manifests = manifests();
        let mut files: Vec<(String, Vec<u8>)> = (0..3).map(|n| (format!("{n}.yaml"), Vec::new())).collect();
        for (at, into) in order.iter().zip(&split) {
            // JSON is YAML too, and every key order can be written in it.
            let text = turned(&manifests[*at], turn, false).to_string();
            files[*into].1.extend(format!("---\n{text}\n").bytes());
        }
        let other = folder(&files);
        let other = load(other.path(), Some(1 + turn % 4)).expect("a project");
        prop_assert_eq!(essence(&other), whole);
    }

    #[test]
    fn any_bytes_load_without_a_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        text in "[\\[\\]{}:,&*!|>'\"%@`#?\\- \t\n\ra-c0-9~<$.ä\u{feff}\u{85}\u{2028}]{0,300}",
    ) {
        for content in [bytes, text.into_bytes()] {
            let folder = folder(&[("a.yaml".to_owned(), content.clone()), ("b.json".to_owned(), content)]);
            let loaded = load(folder.path(), None).expect("a project");
            assert_placed(&loaded.diagnostics, &loaded.desired.sources)?;
        }
    }

    #[test]
    fn mutated_manifests_load_without_a_panic(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..12_usize, "[\\[\\]{}:,&*!|>'\" \n-]|~|<<|\\$\\{var\\.|null|\u{1b}|ä|\r\n|---\n"), 1..8),
        in_project in any::<bool>(),
    ) {
        let mut text: Vec<char> = if in_project { PROJECT } else { MANIFESTS }.chars().collect();
        for (at, remove, insert) in edits {
            let at = at.index(text.len() + 1);
            let end = (at + remove).min(text.len());
            text.splice(at..end, insert.chars());
        }
        let text: String = text.into_iter().collect();
        let name = if in_project { "trueup.yaml" } else { "b.yaml" };
        let folder = folder(&[("a.yaml".to_owned(), MANIFESTS.as_bytes().to_vec()), (name.to_owned(), text.into_bytes())]);
        match load(folder.path(), None) {
            Ok(loaded) => assert_placed(&loaded.diagnostics, &loaded.desired.sources)?,
            Err((diagnostics, sources)) => {
                prop_assert!(diagnostics.iter().any(Diagnostic::is_error));
                assert_placed(&diagnostics, &sources)?;
            }
        }
    }
}
