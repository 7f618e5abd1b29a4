//! One set of cases for every target: what the seam promises, embedded and over HTTP.

use serde_json::json;
use trueup::base::digest::Digest;
use trueup::base::fingerprint::fingerprint;
use trueup::base::ident::{FencingToken, Generation, Name, PlanId};
use trueup::base::secret::SecretText;
use trueup::kinds::{Address, Metadata};
use trueup::object::action::ActionKind;
use trueup::object::audit::AuditQuery;
use trueup::object::changeset::{Body, Changeset, ChangesetOutcome, Expected, Operation, SecretWrite, Write};
use trueup::object::secret_comparison::{SecretAnswer, SecretQuestion};
use trueup::object::suspension::SuspendOrder;
use trueup::provider::{ProviderError, Writer};
use uuid::Uuid;

use crate::rig::{PROJECT, Rig, over_http};

fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

fn create(at: &str, spec: serde_json::Value, secrets: Vec<SecretWrite>) -> Write {
    let address = address(at);
    let body = Body { metadata: Metadata::named(address.name.clone()), spec, applied: None, secrets };
    Write { address, action: ActionKind::Create, expected: Expected::Absent, operation: Operation::Create(body) }
}

fn destination() -> Write {
    let spec = json!({"platform": "Slack", "method": "POST", "url": "https://a.test",
        "auth": {"type": "bearer", "token": {"fromEnv": "T"}}});
    let content = SecretText::new("content".into());
    create("Destination/d", spec, vec![SecretWrite { path: "spec.auth.token".into(), content }])
}

fn changeset(plan: u128, token: FencingToken, writes: Vec<Write>) -> Changeset {
    Changeset {
        project: Name::from_any(PROJECT),
        plan_id: PlanId(Uuid::from_u128(plan)),
        body: Digest::of_bytes(&plan.to_le_bytes()),
        actor: "ana@here".into(),
        commit: Some("c0ffee".into()),
        fencing_token: token,
        writes,
        refresh: Vec::new(),
        heeds_suspensions: false,
    }
}

async fn reads_what_was_written(writer: &dyn Writer) {
    assert!(writer.digests().await.expect("digests").rows.is_empty());
    assert!(writer.read(None).await.expect("objects").is_empty());
    let owner = PlanId(Uuid::from_u128(1));
    let lease = writer.take_lease(owner, "ana@here").await.expect("a lease");
    let crm = create("System/crm", json!({"platform": "web"}), Vec::new());
    let writes = vec![crm, destination(), create("IncomingWebhook/shop", json!({}), Vec::new())];
    let sent = changeset(1, lease.token, writes);
    let outcome = writer.changeset(&sent).await.expect("written");
    let ChangesetOutcome::Applied { revision, results } = outcome else { panic!("{outcome:?}") };
    // Again, even without the lease: answered and not repeated. With another content: refused.
    writer.release_lease(owner, lease.token).await.expect("released");
    let again = writer.changeset(&sent).await.expect("an answer");
    assert!(matches!(&again, ChangesetOutcome::AlreadyApplied(applied) if applied.revision == revision), "{again:?}");
    let other = Changeset { body: Digest::of_bytes(b"other"), ..sent.clone() };
    assert!(matches!(writer.changeset(&other).await, Err(ProviderError::PlanReused)));
    let applied = writer.applied(owner).await.expect("an answer").expect("applied");
    assert_eq!((applied.body, applied.revision), (sent.body, revision));
    assert_eq!(writer.applied(PlanId(Uuid::from_u128(99))).await.expect("an answer"), None);

    let snapshot = writer.digests().await.expect("digests");
    assert_eq!(snapshot.revision, revision);
    let addresses: Vec<String> = snapshot.rows.iter().map(|row| row.address.to_string()).collect();
    assert_eq!(addresses, ["System/crm", "Destination/d", "IncomingWebhook/shop"]);
    let ids: Vec<_> = results.iter().map(|result| result.id).collect();
    assert_eq!(ids, snapshot.rows.iter().map(|row| Some(row.id)).collect::<Vec<_>>());
    let all = writer.read(None).await.expect("objects");
    assert_eq!(all.len(), 3);
    let absent = [address("Webhook/none"), address("Destination/d")];
    let some = writer.read(Some(&absent)).await.expect("objects");
    assert_eq!(some, [all[1].clone()]);
    assert!(writer.read_archived(&absent).await.expect("objects").is_empty());
}

async fn compares_secrets_and_hands_out_tokens(writer: &dyn Writer) {
    let lease = writer.take_lease(PlanId(Uuid::from_u128(1)), "ana@here").await.expect("a lease");
    let writes = vec![destination(), create("IncomingWebhook/shop", json!({}), Vec::new())];
    writer.changeset(&changeset(1, lease.token, writes)).await.expect("written");
    let rows = writer.digests().await.expect("digests").rows;
    let salt = &rows.iter().find(|row| !row.secrets.is_empty()).expect("a secret").secrets[0].salt;
    let ask = |path: &str, content: &str| SecretQuestion {
        address: address("Destination/d"),
        path: path.into(),
        fingerprint: fingerprint(salt, &SecretText::new(content.into())),
    };
    let asked = [ask("spec.auth.token", "content"), ask("spec.auth.token", "x"), ask("spec.signing.secret", "x")];
    let answers = writer.compare_secrets(&asked).await.expect("answers");
    assert_eq!(answers, [SecretAnswer::Same, SecretAnswer::Different, SecretAnswer::Unknown]);
    assert!(writer.compare_secrets(&[]).await.expect("answers").is_empty());
    let token = async || {
        let tokens = writer.tokens().await.expect("tokens");
        assert_eq!(tokens.len(), 1);
        tokens[0].2.expose_to_target().to_owned()
    };
    let old = token().await;
    let new = writer.rotate_token(&address("IncomingWebhook/shop"), "ana@here").await.expect("a token");
    assert!(new.expose_to_target() != old && new.expose_to_target() == token().await);
}

async fn refuses_what_is_stale_rejected_or_not_leased(writer: &dyn Writer) {
    let (first, second) = (PlanId(Uuid::from_u128(1)), PlanId(Uuid::from_u128(2)));
    let lease = writer.take_lease(first, "ana@here").await.expect("a lease");
    let held = writer.take_lease(second, "bo@there").await;
    assert!(matches!(&held, Err(ProviderError::LeaseHeld(holder)) if holder.owner == first), "{held:?}");
    assert_eq!(writer.take_lease(first, "ana@here").await.expect("renewed").token, lease.token);
    writer.changeset(&changeset(1, lease.token, vec![destination()])).await.expect("written");
    let before = writer.digests().await.expect("digests");

    let taken = changeset(3, lease.token, vec![destination()]);
    let late = writer.changeset(&taken).await;
    assert!(matches!(late, Err(ProviderError::LeaseLost)), "{late:?}");
    writer.release_lease(first, lease.token).await.expect("released");
    let third = PlanId(Uuid::from_u128(3));
    let lease = writer.take_lease(third, "ana@here").await.expect("a lease");
    let stale = writer.changeset(&Changeset { fencing_token: lease.token, ..taken }).await;
    let Err(ProviderError::Conflict(stale)) = stale else { panic!("{stale:?}") };
    assert_eq!((stale.len(), &stale[0].address, stale[0].expected), (1, &address("Destination/d"), None));
    assert_eq!(stale[0].found, Some(Generation(before.revision.0)));
    let broken = create("Audience/a", json!({"members": "ana"}), Vec::new());
    let rejected = writer.changeset(&changeset(3, lease.token, vec![broken])).await;
    let at = address("Audience/a");
    assert!(matches!(&rejected, Err(ProviderError::Rejected { address: Some(a), .. }) if *a == at), "{rejected:?}");
    let other = Changeset { project: Name::from_any("other"), ..changeset(3, lease.token, Vec::new()) };
    assert!(matches!(writer.changeset(&other).await, Err(ProviderError::Rejected { address: None, .. })));
    assert_eq!(writer.digests().await.expect("digests"), before, "a refused changeset wrote something");

    let holder = writer.break_lease("bo@there").await.expect("broken").expect("a holder");
    assert_eq!(holder.owner, third);
    assert_eq!(writer.break_lease("bo@there").await.expect("an answer"), None);
}

async fn heeds_suspensions_where_it_is_to(writer: &dyn Writer) {
    let lease = async |plan: u128| {
        let plan = PlanId(Uuid::from_u128(plan));
        writer.take_lease(plan, "ana@here").await.expect("a lease").token
    };
    let release = async |plan: u128, token| {
        writer.release_lease(PlanId(Uuid::from_u128(plan)), token).await.expect("released");
    };
    let token = lease(1).await;
    let crm = create("System/crm", json!({"platform": "web"}), Vec::new());
    writer.changeset(&changeset(1, token, vec![destination(), crm])).await.expect("written");
    release(1, token).await;
    let of = |address: Option<&str>| SuspendOrder {
        address: address.map(self::address),
        reason: "we look into it".to_owned(),
        actor: "kim@console".to_owned(),
        until: None,
    };
    writer.suspend(&of(Some("Destination/d"))).await.expect("suspended");
    let before = writer.digests().await.expect("digests");
    let delete = |at: &str| {
        let row = before.rows.iter().find(|row| row.address == address(at)).expect("a row");
        let expected = Expected::Generation(row.generation);
        Write { address: address(at), action: ActionKind::Delete, expected, operation: Operation::Delete }
    };
    let heeding =
        |plan: u128, token, at: &str| Changeset { heeds_suspensions: true, ..changeset(plan, token, vec![delete(at)]) };

    let token = lease(2).await;
    let refused = writer.changeset(&heeding(2, token, "Destination/d")).await;
    let Err(ProviderError::Suspended(suspension)) = refused else { panic!("{refused:?}") };
    assert_eq!((suspension.address, suspension.reason.as_str()), (Some(address("Destination/d")), "we look into it"));
    assert_eq!(writer.digests().await.expect("digests"), before, "a refused changeset wrote something");
    let other = writer.changeset(&heeding(2, token, "System/crm")).await;
    assert!(matches!(other, Ok(ChangesetOutcome::Applied { .. })), "what is not suspended is written: {other:?}");
    release(2, token).await;

    writer.suspend(&of(None)).await.expect("suspended");
    let token = lease(3).await;
    let more = || create("System/desk", json!({"platform": "web"}), Vec::new());
    let heeding = Changeset { heeds_suspensions: true, ..changeset(3, token, vec![more()]) };
    let refused = writer.changeset(&heeding).await;
    assert!(matches!(&refused, Err(ProviderError::Suspended(one)) if one.address.is_none()), "{refused:?}");
    let by_person = writer.changeset(&changeset(3, token, vec![more(), delete("Destination/d")])).await;
    assert!(matches!(by_person, Ok(ChangesetOutcome::Applied { .. })), "{by_person:?}");
}

async fn tells_who_and_when(writer: &dyn Writer) {
    let lease = writer.take_lease(PlanId(Uuid::from_u128(1)), "ana@here").await.expect("a lease");
    let hook = json!({"system": "crm", "event": "survey.submitted", "destination": "d"});
    let crm = create("System/crm", json!({"platform": "web"}), Vec::new());
    let writes = vec![crm, destination(), create("Webhook/nps", hook, Vec::new())];
    writer.changeset(&changeset(1, lease.token, writes)).await.expect("written");
    let read = async |query: AuditQuery| writer.audit(&query).await.expect("the audit");
    let named = |entries: &[trueup::object::audit::AuditEntry]| -> Vec<String> {
        let address = |entry: &trueup::object::audit::AuditEntry| Some(entry.address.as_ref()?.to_string());
        entries.iter().filter_map(address).collect()
    };
    let all = read(AuditQuery::default()).await;
    assert_eq!(named(&all), ["System/crm", "Destination/d", "Webhook/nps"]);
    let last = all.last().expect("an entry");
    assert!(last.actor.starts_with("ana@here"), "{}", last.actor);
    assert_eq!((last.action.as_str(), last.commit.as_deref(), last.before), ("create", Some("c0ffee"), None));
    assert!(last.after.is_some() && last.plan_id == Some(PlanId(Uuid::from_u128(1))));
    let of_crm = read(AuditQuery { system: Some(Name::from_any("crm")), ..AuditQuery::default() }).await;
    assert_eq!(named(&of_crm), ["System/crm", "Webhook/nps"]);
    let addresses = vec![address("Destination/d")];
    let latest = read(AuditQuery { addresses, latest_only: true, ..AuditQuery::default() }).await;
    assert_eq!(named(&latest), ["Destination/d"]);
    let skipped = u32::try_from(all.len() - 1).expect("few");
    let page = read(AuditQuery { limit: Some(1), offset: skipped, ..AuditQuery::default() }).await;
    assert_eq!(page, std::slice::from_ref(last));
    let later =
        read(AuditQuery { from: Some("2040-01-01T00:00:00Z".parse().expect("a time")), ..AuditQuery::default() });
    assert!(later.await.is_empty());
}

macro_rules! suite {
    ($($case:ident;)+) => {
        mod embedded {$(
            #[test]
            fn $case() {
                let rig = super::Rig::new();
                rig.wait(rig.with_writer(async |writer| super::$case(writer).await));
            }
        )+}
        mod server {$(
            #[test]
            fn $case() {
                super::over_http(|| {
                    let rig = super::Rig::new();
                    rig.wait(rig.with_writer(async |writer| super::$case(writer).await));
                });
            }
        )+}
    };
}

suite! {
    reads_what_was_written;
    compares_secrets_and_hands_out_tokens;
    refuses_what_is_stale_rejected_or_not_leased;
    heeds_suspensions_where_it_is_to;
    tells_who_and_when;
}
