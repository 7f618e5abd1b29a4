//! One plan in which every action and every sort of change occurs.

use serde_json::json;

use super::{action, address, change, counted, empty, origin, shown};
use crate::base::diagnostic::Severity;
use crate::base::diagnostic_record::DiagnosticRecord;
use crate::base::ident::Generation;
use crate::base::path::Path;
use crate::base::secret::SecretRef;
use crate::object::action::ActionKind;
use crate::plan::plan_value::{Action, Change, ChangeKind, Drift, Plan, Refusal, UnknownSecret};
use crate::plan::reason::Reason;
use crate::plan::shown::{SecretState, Shown};

fn text(value: &str) -> Shown {
    Shown::Plain(value.into())
}

fn token() -> Shown {
    Shown::Secret { state: SecretState::Changed, reference: Some(SecretRef::FromEnv("SLACK_TOKEN".into())) }
}

/// What a create shows.
fn created_spec() -> Change {
    let created = Shown::Map(vec![
        ("platform".into(), Shown::Plain("Slack".into())),
        ("url".into(), Shown::Plain("https://hooks.slack.test/services/T0/B0".into())),
        ("timeoutSeconds".into(), Shown::Plain(10.into())),
        ("auth".into(), Shown::Map(vec![("type".into(), Shown::Plain("bearer".into())), ("token".into(), token())])),
        ("scopes".into(), shown(&json!(["a", "true", {"name": "x", "text": "one\ntwo\n"}]))),
        ("members".into(), Shown::Personal(json!(["ana@acme.test", "bo@acme.test"]))),
        ("headers".into(), Shown::Map(Vec::new())),
        ("id".into(), Shown::KnownAfterApply),
    ]);
    Change { origin: Some(origin("destinations.yaml", 3, 1, None)), ..change("spec", None, Some(created)) }
}

/// Every sort of change.
fn updated_fields() -> Vec<Change> {
    let patched = Some("patched by target production at trueup.yaml:14:11");
    vec![
        Change {
            origin: Some(origin("webhooks.yaml", 12, 9, patched)),
            ..change("spec.destination", Some(text("slack-nps")), Some(text("slack-ops")))
        },
        Change {
            origin: Some(origin("webhooks.yaml", 13, 9, None)),
            ..change("spec.enabled", Some(shown(&json!(false))), Some(shown(&json!(true))))
        },
        change("spec.properties.rename.score", None, Some(text("nps"))),
        change("spec.properties.static.source", Some(text("trueup")), None),
        Change {
            kind: ChangeKind::Drift,
            ..change("spec.event", Some(text("page.viewed")), Some(text("survey.submitted")))
        },
        Change {
            overwrites: Some(text("one")),
            ..change("metadata.displayName", Some(text("two")), Some(text("three")))
        },
        Change {
            order_only: true,
            ..change(
                "spec.conditions",
                Some(shown(&json!(["ask", "lookup", "bye"]))),
                Some(shown(&json!(["lookup", "bye", "ask"]))),
            )
        },
        Change {
            is_text: true,
            ..change(
                "metadata.description",
                Some(text("Dear all,\nold line\nbye\n")),
                Some(text("Dear all,\nnew line\nbye\n")),
            )
        },
        change("spec.token", Some(token()), Some(token())),
        change("spec.members", Some(Shown::Personal(json!(["ana"]))), Some(Shown::Personal(json!(["ana", "bo"])))),
    ]
}

/// A plan in which every action and every sort of change occurs.
pub(crate) fn every_action() -> Plan {
    let replace = vec![Change {
        forces_replacement: true,
        origin: Some(origin("systems.yaml", 4, 3, None)),
        ..change(
            "spec.body",
            Some(text("The lead of Contoso is yours, so open it and be guided through the very next step")),
            Some(text("The lead of Fabrikam is yours, so open it and be guided through the very next step")),
        )
    }];
    let mut plan = empty();
    plan.actions = vec![
        Action {
            sends: Some("2 audiences and 3 end users".into()),
            ..action(ActionKind::Create, "Destination/slack-ops", Reason::New, vec![created_spec()])
        },
        Action {
            keeps: vec![Path::keys("spec.headers").key("X-A")],
            ..action(ActionKind::Update, "Webhook/nps-to-slack", Reason::ManifestChanged, updated_fields())
        },
        Action {
            archives: true,
            ..action(ActionKind::Replace, "System/desk", Reason::Frozen(Path::keys("spec.body")), replace)
        },
        action(ActionKind::Replace, "System/crm", Reason::ReplaceAsked, Vec::new()),
        action(
            ActionKind::NewVersion,
            "Webhook/flow",
            Reason::ManifestChanged,
            vec![change("spec.start", Some(text("ask")), Some(text("tell")))],
        ),
        Action {
            version: Some(3),
            ..action(ActionKind::MakeCurrent, "Webhook/old-flow", Reason::EqualsVersion(3), Vec::new())
        },
        Action {
            from: Some(address("Webhook/former")),
            ..action(ActionKind::Move, "Webhook/renamed", Reason::RenamedFrom(address("Webhook/former")), Vec::new())
        },
        action(
            ActionKind::Delete,
            "Webhook/gone",
            Reason::Orphan { used: false },
            vec![change("spec", Some(shown(&json!({"enabled": true}))), None)],
        ),
        action(ActionKind::Archive, "System/gone", Reason::Orphan { used: true }, Vec::new()),
        action(ActionKind::Restore, "System/back", Reason::CameBack, Vec::new()),
        action(ActionKind::Adopt, "EventType/by-hand", Reason::Adopted, Vec::new()),
        action(
            ActionKind::PublishSettings,
            "System/web",
            Reason::NeededBy(address("Webhook/nps-to-slack")),
            Vec::new(),
        ),
    ];
    plan.selection = Some("--only Webhook/nps-to-slack".into());
    plan.complete = false;
    let drifted = Change {
        kind: ChangeKind::Drift,
        ..change("spec.event", Some(text("page.viewed")), Some(text("survey.submitted")))
    };
    plan.drift = vec![Drift {
        address: address("Webhook/nps-to-slack"),
        action: Some(ActionKind::Update),
        changes: vec![drifted],
        by: Some(("kim".into(), "2026-11-20T10:00:00Z".parse().unwrap())),
    }];
    plan.orphans = vec![address("Webhook/orphan")];
    plan.unknown_secrets = vec![UnknownSecret {
        address: address("Destination/slack-nps"),
        path: Path::keys("spec.auth.token"),
        expected: Some(Generation(3)),
    }];
    plan.refresh = vec![(address("System/steady"), Generation(5))];
    plan.warnings = vec!["outside callers of System/desk's id keep the old text".into()];
    plan.diagnostics = vec![DiagnosticRecord {
        severity: Severity::Warning,
        code: "unused".into(),
        message: "no webhook uses Destination/spare".into(),
        file: Some("destinations.yaml".into()),
        line: Some(30),
        column: Some(11),
        end_line: Some(30),
        end_column: Some(16),
        address: Some("Destination/spare".into()),
        path: None,
        help: None,
        related: Vec::new(),
    }];
    plan.refusals = vec![
        Refusal::TooManyDeletes { planned: 12, allowed: 10 },
        Refusal::TooMuchChanged { planned: 4, managed: 11, allowed: 30.0 },
        Refusal::Protected(address("System/desk")),
        Refusal::Sends { addresses: vec![address("Destination/slack-ops")] },
    ];
    counted(plan, 12)
}
