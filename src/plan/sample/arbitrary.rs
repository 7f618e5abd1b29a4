//! Arbitrary plans for property tests, of which all parts agree.

use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use serde_json::Value;

use super::{address, counted, empty, origin};
use crate::base::ident::{Generation, PlanId, Revision};
use crate::base::path::{Path, Segment};
use crate::base::secret::SecretRef;
use crate::kinds::policy::RuleSeverity;
use crate::kinds::{Address, DataClass};
use crate::object::action::ActionKind;
use crate::object::suspension::Suspension;
use crate::plan::data_flow::{DataFlow, FlowChange};
use crate::plan::plan_value::{Action, Blame, Change, ChangeKind, Drift, Origin, Plan, Refusal};
use crate::plan::policy_finding::PolicyFinding;
use crate::plan::preview::{DestinationPreview, FailOn, NotEvaluated, Preview, Sample, SampledPreview, WebhookPreview};
use crate::plan::reason::Reason;
use crate::plan::review::{PlanLink, Review};
use crate::plan::shown::{Personal, SecretState, Shown};

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no infinity", |n| n.is_finite()).prop_map(Value::from),
        select(vec!["changed", "", "true", "a b", "x\n y\n", "\u{1b}[31m", "12", "ü\u{202e}"]).prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ]
}

fn any_shown() -> impl Strategy<Value = Shown> {
    let state = select(vec![SecretState::Changed, SecretState::Unchanged, SecretState::Unknown]);
    let reference = prop_oneof![
        Just(None),
        Just(Some(SecretRef::FromEnv("A".into()))),
        Just(Some(SecretRef::FromCommand(vec!["op".into(), "read".into()]))),
    ];
    let leaf = prop_oneof![
        4 => scalar().prop_map(Shown::Plain),
        1 => (state, reference).prop_map(|(state, reference)| Shown::Secret { state, reference }),
        1 => proptest::collection::vec(scalar(), 0..4).prop_map(|list| Shown::Personal(Value::Array(list))),
        1 => scalar().prop_map(Shown::Personal),
        1 => proptest::collection::vec("[0-9a-f]{8}", 0..3)
            .prop_map(|hashes| Shown::PersonalMasked(Personal { count: hashes.len(), hashes })),
        1 => Just(Shown::KnownAfterApply),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let key =
            prop_oneof![select(vec!["secret", "personal", "a/b~c", "name", ""]).prop_map(str::to_owned), "[a-z]{1,4}"];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Shown::List),
            proptest::collection::btree_map(key, inner, 0..4).prop_map(|map| Shown::Map(map.into_iter().collect())),
        ]
    })
}

fn any_path() -> impl Strategy<Value = Path> {
    let segment = prop_oneof![
        select(vec!["spec", "a.b", "x y", "2", "é", "", "q\"]"]).prop_map(|key| Segment::Key(key.into())),
        (0usize..20).prop_map(Segment::Index),
        select(vec!["ask", "2", "a b", ""]).prop_map(|key| Segment::Element(key.into())),
    ];
    proptest::collection::vec(segment, 0..4).prop_map(|segments| segments.into_iter().collect())
}

fn any_change() -> impl Strategy<Value = Change> {
    let side = || proptest::option::of(any_shown());
    let flags = any::<(bool, bool, bool, bool, bool)>();
    (any_path(), side(), side(), side(), flags).prop_map(|(path, before, after, overwrites, flags)| {
        let (drift, is_text, order_only, forces_replacement, placed) = flags;
        Change {
            path,
            before,
            after,
            kind: if drift { ChangeKind::Drift } else { ChangeKind::Change },
            overwrites,
            is_text,
            order_only,
            forces_replacement,
            origin: placed.then(|| Origin {
                blame: drift.then(|| Blame {
                    commit: "3f2a1bc".repeat(6),
                    author: "Ana".to_owned(),
                    at: "2026-11-20T08:30:00Z".parse().unwrap(),
                    summary: "Widen the survey".to_owned(),
                }),
                ..origin("a.yaml", 3, 4, drift.then_some("patched"))
            }),
        }
    })
}

fn any_address() -> impl Strategy<Value = Address> {
    (select(vec!["System", "Webhook", "Destination"]), "[a-z]{1,8}")
        .prop_map(|(kind, name)| address(&format!("{kind}/{name}")))
}

fn any_action() -> impl Strategy<Value = Action> {
    let changes = proptest::collection::vec(any_change(), 0..4);
    let keeps = proptest::collection::vec(any_path(), 0..2);
    let sends = proptest::option::of(Just("3 end users".to_owned()));
    (select(ActionKind::ALL), any_address(), changes, keeps, any::<bool>(), sends).prop_map(
        |(kind, address, changes, keeps, archives, sends)| Action {
            from: (kind == ActionKind::Move).then(|| address.clone()),
            version: (kind == ActionKind::MakeCurrent).then_some(4),
            address,
            action: kind,
            reason: Reason::ManifestChanged,
            changes,
            expected: (kind != ActionKind::Create).then_some(Generation(u64::MAX)),
            archives,
            sends,
            keeps,
        },
    )
}

fn any_review() -> impl Strategy<Value = Review> {
    let changes = || proptest::collection::vec(any_change(), 0..3);
    let numbers = any::<(u64, u64, bool, bool)>();
    (any_address(), changes(), changes(), numbers, "\\PC{0,30}").prop_map(
        |(at, payload, texts, (before, after, replayed, located), text)| {
            let when = "2026-11-22T08:30:00Z".parse().unwrap();
            let sample = Sample { event_id: text.clone(), occurred_at: when, changes: payload };
            let sampled = vec![SampledPreview { address: at.clone(), sample: text.clone(), changes: texts }];
            let preview = Preview {
                events: before,
                from: located.then_some(when),
                to: located.then_some(when),
                skipped: after,
                webhooks: vec![WebhookPreview {
                    address: at.clone(),
                    before,
                    after,
                    gained: after,
                    lost: before,
                    changed: 1,
                    gained_sample: located.then(|| sample.clone()),
                    lost_sample: None,
                    changed_sample: Some(sample),
                }],
                destinations: vec![DestinationPreview { url: text.clone(), before, after }],
                templates: sampled.clone(),
                workflows: sampled,
                not_exercised: vec![at.clone()],
                not_evaluated: vec![NotEvaluated { address: at.clone(), why: text.clone() }],
            };
            let flow = |class, change| DataFlow {
                class,
                source: text.clone(),
                via: at.clone(),
                host: "hooks.slack.test".into(),
                change,
            };
            let finding = PolicyFinding {
                policy: "https-only".parse().unwrap(),
                address: at.clone(),
                severity: if located { RuleSeverity::Error } else { RuleSeverity::Warning },
                message: text.clone(),
                location: located.then(|| origin("a.yaml", 3, 4, None).location),
            };
            Review {
                preview: replayed.then_some(preview),
                data_flow: vec![
                    flow(DataClass::Personal, FlowChange::Added),
                    flow(DataClass::Content, FlowChange::Removed),
                    flow(DataClass::Technical, FlowChange::Kept),
                ],
                policies: vec![finding],
                links: vec![PlanLink { from: at, to: address("Destination/somewhere") }],
            }
        },
    )
}

/// Plans whose parts agree, otherwise arbitrary.
pub(crate) fn any_plan() -> impl Strategy<Value = Plan> {
    let actions = proptest::collection::vec(any_action(), 0..8);
    let drift = proptest::collection::vec((any_address(), any_change(), any::<bool>()), 0..3);
    let orphans = proptest::collection::vec(any_address(), 0..3);
    let numbers = (any::<u64>(), 0usize..1_000, any::<bool>());
    let notes = proptest::collection::vec("\\PC{0,30}", 0..2);
    (actions, drift, orphans, numbers, notes, any_review()).prop_map(
        |(actions, drift, orphans, (revision, unchanged, whole), notes, review)| {
            let mut plan = empty();
            plan.plan_id = PlanId(uuid::Uuid::from_u64_pair(revision, 1));
            plan.revision = Revision(revision);
            plan.complete = whole;
            plan.selection = (!whole).then(|| "-l team=a".to_owned());
            plan.refusals =
                actions.iter().filter(|a| a.sends.is_some()).map(|a| Refusal::Protected(a.address.clone())).collect();
            plan.refusals.push(Refusal::Policy { errors: unchanged });
            plan.refusals.push(Refusal::FailOn { reason: FailOn::LostDelivery, count: revision });
            plan.actions = actions;
            plan.review = review;
            plan.drift = drift
                .into_iter()
                .map(|(address, change, by)| Drift {
                    address,
                    action: by.then_some(ActionKind::Update),
                    changes: vec![change],
                    by: by.then(|| ("kim".to_owned(), plan.created_at)),
                })
                .collect();
            plan.refresh = orphans.iter().map(|address| (address.clone(), Generation(1))).collect();
            plan.orphans = orphans;
            plan.suspended = plan.actions.iter().map(|action| action.address.clone()).take(2).collect();
            let suspensions = notes.iter().enumerate().map(|(n, note)| Suspension {
                address: (n > 0).then(|| address("System/desk")),
                reason: note.clone(),
                actor: "kim".to_owned(),
                since: plan.created_at,
                until: whole.then_some(plan.created_at),
            });
            plan.suspensions = suspensions.collect();
            plan.warnings = notes;
            counted(plan, unchanged)
        },
    )
}
