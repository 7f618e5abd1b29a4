use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ChangesetAnswer, ChangesetRequest, CompareRequest, LeaseRequest, PutRequest, ReadRequest, RecordLine};
use crate::base::digest::Digest;
use crate::base::ident::{FencingToken, Generation, Name, PlanId, Revision};
use crate::base::secret::SecretText;
use crate::kinds::{Address, Kind, Metadata};
use crate::object::action::ActionKind;
use crate::object::changeset::{
    AppliedPlan, Body, Changeset, ChangesetOutcome, Expected, Operation, SecretWrite, Write, WriteResult,
};
use crate::object::record::ObjectRecord;

fn address() -> impl Strategy<Value = Address> {
    (prop::sample::select(Kind::ALL), "[a-z][a-z0-9]{0,8}")
        .prop_map(|(kind, name)| Address { kind, name: name.parse().expect("a name") })
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".*".prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,5}", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

fn body() -> impl Strategy<Value = Body> {
    let secret = ("[a-z.]{1,12}", ".{1,20}");
    (address(), value(), prop::option::of(value()), prop::collection::vec(secret, 0..3)).prop_map(
        |(address, spec, applied, secrets)| Body {
            metadata: Metadata { description: Some("d".into()), ..Metadata::named(address.name) },
            spec,
            applied,
            secrets: secrets
                .into_iter()
                .map(|(path, content)| SecretWrite { path, content: SecretText::new(content) })
                .collect(),
        },
    )
}

fn operation() -> impl Strategy<Value = (ActionKind, Operation)> {
    let optional = || prop::option::of(body());
    prop_oneof![
        body().prop_map(|body| (ActionKind::Create, Operation::Create(body))),
        body().prop_map(|body| (ActionKind::Update, Operation::Update(body))),
        body().prop_map(|body| (ActionKind::Replace, Operation::Replace(body))),
        body().prop_map(|body| (ActionKind::NewVersion, Operation::NewVersion(body))),
        (1_u64.., body())
            .prop_map(|(version, body)| (ActionKind::MakeCurrent, Operation::MakeCurrent { version, body })),
        (address(), optional()).prop_map(|(from, body)| (ActionKind::Move, Operation::Move { from, body })),
        Just((ActionKind::Delete, Operation::Delete)),
        Just((ActionKind::Archive, Operation::Archive)),
        optional().prop_map(|body| (ActionKind::Restore, Operation::Restore(body))),
        optional().prop_map(|body| (ActionKind::Adopt, Operation::Adopt(body))),
        Just((ActionKind::PublishSettings, Operation::PublishSettings)),
    ]
}

fn expected() -> impl Strategy<Value = Expected> {
    let generation = (0_u64..1 << 50).prop_map(|generation| Expected::Generation(Generation(generation)));
    prop_oneof![Just(Expected::Absent), Just(Expected::WrittenBefore), generation]
}

fn changeset() -> impl Strategy<Value = Changeset> {
    let write = (address(), expected(), operation()).prop_map(|(address, expected, (action, operation))| Write {
        address,
        action,
        expected,
        operation,
    });
    let refresh = (address(), 0_u64..1 << 50).prop_map(|(address, generation)| (address, Generation(generation)));
    let lists = (prop::collection::vec(write, 0..6), prop::collection::vec(refresh, 0..3));
    (any::<u128>(), ".{1,20}", prop::option::of("[0-9a-f]{40}"), 0_u64..1 << 50, lists).prop_map(
        |(id, actor, commit, token, (writes, refresh))| Changeset {
            project: Name::from_any("acme"),
            plan_id: PlanId(Uuid::from_u128(id)),
            body: Digest::of_bytes(&id.to_le_bytes()),
            actor,
            commit,
            fencing_token: FencingToken(token),
            writes,
            refresh,
            heeds_suspensions: token % 2 == 1,
        },
    )
}

/// Everything of a changeset, the contents of secrets too, which cannot be compared by accident.
fn all_of(changeset: &Changeset) -> String {
    let contents = changeset.writes.iter().flat_map(|write| match &write.operation {
        Operation::Create(body) | Operation::Update(body) | Operation::Replace(body) | Operation::NewVersion(body) => {
            body.secrets.clone()
        }
        Operation::MakeCurrent { body, .. } => body.secrets.clone(),
        Operation::Move { body, .. } | Operation::Restore(body) | Operation::Adopt(body) => {
            body.as_ref().map(|body| body.secrets.clone()).unwrap_or_default()
        }
        Operation::Delete | Operation::Archive | Operation::PublishSettings => Vec::new(),
    });
    let contents: Vec<String> = contents.map(|secret| secret.content.expose_to_target().to_owned()).collect();
    format!("{changeset:?} {contents:?}")
}

proptest! {
    #[test]
    fn a_changeset_arrives_as_it_was_sent(changeset in changeset()) {
        let text = serde_json::to_string(&ChangesetRequest::from(&changeset)).expect("JSON");
        let read: ChangesetRequest = serde_json::from_str(&text).expect("a changeset");
        let arrived = read.into_changeset(changeset.project.clone(), changeset.actor.clone());
        prop_assert_eq!(all_of(&arrived), all_of(&changeset));
    }

    #[test]
    fn an_outcome_arrives_as_it_was_sent(address in address(), revision in 0_u64..1 << 50, again: bool) {
        let outcome = if again {
            ChangesetOutcome::AlreadyApplied(AppliedPlan {
                plan_id: PlanId(Uuid::nil()),
                body: Digest::of_bytes(b"plan"),
                at: "2031-01-01T00:00:00.123456Z".parse().expect("a time"),
                actor: "ana".into(),
                revision: Revision(revision),
            })
        } else {
            let results = vec![WriteResult { address, action: ActionKind::MakeCurrent, id: None }];
            ChangesetOutcome::Applied { revision: Revision(revision), results }
        };
        let text = serde_json::to_string(&ChangesetAnswer::from(outcome.clone())).expect("JSON");
        let read: ChangesetAnswer = serde_json::from_str(&text).expect("an outcome");
        prop_assert_eq!(ChangesetOutcome::from(read), outcome);
    }

    #[test]
    fn what_is_sent_refuses_what_it_does_not_know(changeset in changeset(), at in 0_usize..8) {
        let mut sent = serde_json::to_value(ChangesetRequest::from(&changeset)).expect("JSON");
        // A field more, somewhere below.
        let mut places = vec![String::new()];
        for n in 0..changeset.writes.len() {
            places.extend([format!("/writes/{n}"), format!("/writes/{n}/operation")]);
            let body = format!("/writes/{n}/operation/body");
            places.extend(sent.pointer(&body).is_some().then_some(body));
        }
        let place = &places[at % places.len()];
        let map = sent.pointer_mut(place).and_then(Value::as_object_mut).expect("a map");
        map.insert("surprise".into(), true.into());
        prop_assert!(serde_json::from_value::<ChangesetRequest>(sent).is_err(), "{}", place);
    }
}

#[test]
fn a_line_of_the_full_view_has_the_fields_of_the_contract() {
    let line = json!({
        "address": "Audience/sales", "kind": "Audience", "name": "sales", "id": Uuid::nil(), "generation": 7,
        "digest": Digest::of_bytes(b""), "managed": true, "used": false, "archived": false,
        "metadata": {"name": "sales"}, "spec": {"members": ["ana@acme.test"]}, "lastApplied": null, "serverSet": {},
    });
    let record: ObjectRecord = serde_json::from_value(line.clone()).expect("an object");
    assert_eq!(serde_json::to_value(RecordLine::from(record)).expect("JSON"), line);
}

#[test]
fn a_caller_passes_over_what_an_answer_has_more_and_a_server_does_not() {
    let known = json!({"outcome": "applied", "revision": 1, "results": [], "duration": 3});
    assert!(serde_json::from_value::<ChangesetAnswer>(known).is_ok());
    let refused = |what: Result<(), serde_json::Error>| what.expect_err("refused").to_string();
    let read = json!({"addresses": [], "archive": true});
    assert!(refused(serde_json::from_value::<ReadRequest>(read).map(drop)).contains("archive"));
    let ask = json!({"questions": [{"address": "System/a", "path": "spec", "fingerprint": "x", "content": "y"}]});
    assert!(refused(serde_json::from_value::<CompareRequest>(ask).map(drop)).contains("content"));
    let put = json!({"metadata": {"name": "a"}, "spec": {}, "sepc": {}});
    assert!(refused(serde_json::from_value::<PutRequest>(put).map(drop)).contains("sepc"));
    let lease = json!({"owner": Uuid::nil(), "force": true});
    assert!(refused(serde_json::from_value::<LeaseRequest>(lease).map(drop)).contains("force"));
}

#[test]
fn contents_of_secrets_are_not_printed() {
    let put: PutRequest =
        serde_json::from_value(json!({"metadata": {"name": "a"}, "spec": {}, "secrets": {"spec.a": "hunter2hunter2"}}))
            .expect("a put");
    assert!(!format!("{put:?}").contains("hunter2"));
}
