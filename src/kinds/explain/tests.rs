use super::*;

fn explained(topic: &str) -> Explanation {
    explain(topic, &[]).unwrap_or_else(|error| panic!("{error}"))
}

fn refusal(topic: &str) -> String {
    explain(topic, &[]).map(|explanation| explanation.title).expect_err("nothing to say").to_string()
}

#[test]
fn kinds_are_explained() {
    let webhook = explained("Webhook");
    assert_eq!(
        webhook.description,
        "A **Webhook** picks occurrences of one event, shapes their properties and sends them to a destination."
    );
    assert!(webhook.life_cycle.is_some_and(|text| text.contains("in place")));
    assert!(webhook.to_markdown().contains("| `event` | name of an event | yes |"));
    let names: Vec<&str> = webhook.children.iter().map(|child| child.name.as_str()).collect();
    assert_eq!(names, ["system", "event", "conditions", "properties", "destination", "enabled"]);
    assert_eq!(overview(&[]).children.len(), ManifestKind::COUNT);
}

#[test]
fn fields_are_explained() {
    let timeout = explained("Destination.spec.timeoutSeconds");
    assert_eq!(timeout.title, "Destination.spec.timeoutSeconds");
    assert_eq!(timeout.type_text.as_deref(), Some("whole number, 1 to 60"));
    assert_eq!((timeout.required, timeout.default), (false, Some(10.into())));
    let token = explained("Destination.auth.token");
    assert_eq!((token.secret, token.type_text.as_deref()), (true, Some("secret reference")));
    assert_eq!((token.only_with, token.children), (vec!["type: bearer".to_owned()], vec![]));
    let id = explained("System.systemId");
    assert!(id.immutable && id.text.contains("new name"));
    let system = explained("Webhook.spec.system");
    assert_eq!((system.reference, system.type_text.as_deref()), (Some(Kind::System), Some("name of a System")));
    assert_eq!(explained("System.platform").allowed.len(), 5);
    let tag = explained("Destination.auth.type");
    assert_eq!((tag.allowed.len(), tag.allowed[0].description.as_str()), (4, "Not at all."));
    assert_eq!(
        explained("Webhook.conditions.operator").allowed[13].description,
        "the property is present; takes no value"
    );
    let value = explained("Webhook.conditions.value").type_text;
    assert_eq!(value.as_deref(), Some("text or number or boolean or list of text or number or boolean"));
    assert_eq!(explained("Destination.headers").type_text.as_deref(), Some("map of text or secret reference"));
}

#[test]
fn lists_and_free_keys_may_be_skipped() {
    for topic in ["System.environments.urls", "System.spec.environments.*.urls", "System.environments.production.urls"]
    {
        assert_eq!(explained(topic).title, "System.spec.environments.*.urls", "{topic}");
    }
    assert_eq!(explained("Webhook.conditions.operator").title, "Webhook.spec.conditions.operator");
    assert_eq!(explained("Webhook.conditions[0].value").title, "Webhook.spec.conditions.value");
    assert_eq!(explained("Destination.headers.X-Key").title, "Destination.spec.headers.*");
    assert_eq!(explained("System.metadata.annotations.trueup.dev/protect").title, "System.metadata.annotations.*");
    assert_eq!(explained("EventType.properties.class").title, "EventType.spec.properties.*.class");
    assert_eq!(explained("Webhook.metadata.labels").type_text.as_deref(), Some("map of text"));
}

#[test]
fn events_are_listed_by_group() {
    let event = explained("Webhook.event");
    assert_eq!(event.allowed.len(), 32);
    assert_eq!(explained("System.censor.events").allowed.len(), 32);
    let groups: std::collections::BTreeSet<&str> = event.allowed.iter().map(|a| a.group.as_str()).collect();
    assert!(groups.contains("Survey") && groups.len() > 5);
    let page = event.to_markdown();
    assert!(page.contains("\n\nSurvey:\n\n- ") && page.contains("- `survey.submitted`: it was submitted"), "{page}");
}

#[test]
fn codes_are_explained() {
    let code = explained("unknown-field");
    assert_eq!(code.description, Code::UnknownField.title());
    assert_eq!((code.text.as_str(), code.type_text), (Code::UnknownField.explanation(), None));
    for code in Code::ALL {
        assert!(codes_reference().contains(&format!("\n## `{code}`\n")), "{code}");
    }
}

#[test]
fn slips_are_recognised() {
    assert_eq!(
        refusal("Webhok"),
        "`Webhok` is neither a kind nor an event nor a diagnostic code: did you mean `Webhook`?"
    );
    assert_eq!(
        refusal("Webhok.event"),
        "`Webhok.event` is neither a kind nor an event nor a diagnostic code: did you mean `Webhook.event`?"
    );
    assert_eq!(
        refusal("unknown-feld"),
        "`unknown-feld` is neither a kind nor an event nor a diagnostic code: did you mean `unknown-field`?"
    );
    assert_eq!(refusal("Webhook.spec.evnt"), "there is no field `evnt` in `Webhook.spec`: did you mean `event`?");
    assert_eq!(refusal("Webhook.evnt"), "there is no field `evnt` in `Webhook.spec`: did you mean `event`?");
    assert_eq!(refusal("System.environments.url.x"), "there is no field `x` in `System.spec.environments.*`");
    assert_eq!(refusal("Webhook.enabled.x"), "there is no field `x` in `Webhook.spec.enabled`");
    assert_eq!(refusal("banana"), "`banana` is neither a kind nor an event nor a diagnostic code");
}

#[test]
fn every_field_has_a_type_and_words_and_a_row() {
    for kind in Kind::ALL {
        let page = kind_reference((*kind).into());
        for row in kind.fields() {
            let topic = format!("{kind}.{}", row.path);
            let field = explain(&topic, &[]).unwrap_or_else(|error| panic!("{topic}: {error}"));
            assert_eq!(field.type_text.as_deref().map(str::is_empty), Some(false), "{topic}");
            if !row.path.ends_with(['*', ']']) {
                assert!(
                    !field.description.is_empty() || field.title.rsplit('.').next() == Some("type"),
                    "{topic} is not described"
                );
                assert!(page.contains(&format!("| `{}` |", row.path)), "{topic} has no row in\n{page}");
            }
        }
        assert!(page.contains("## Life cycle"));
    }
}

#[test]
fn kinds_are_recognised_in_any_case() {
    for topic in ["webhook", "WEBHOOK", "Webhook"] {
        assert_eq!(explained(topic).title, "Webhook");
    }
    assert_eq!(explained("incoming-webhook.operations").title, "IncomingWebhook.spec.operations");
}

#[test]
fn events_are_explained() {
    let event = explained("survey.submitted");
    assert_eq!(event.description, "Survey: it was submitted.");
    let answer = event.children.iter().find(|child| child.name == "answer");
    assert_eq!(
        answer.map(|child| (child.type_text.as_str(), child.description.as_str())),
        Some(("string", "personal"))
    );
    assert!(refusal("survey.submited").contains("did you mean `survey.submitted`?"));
    let page = events_reference();
    for event in EVENTS.keys() {
        assert!(page.contains(&format!("\n### `{event}`\n")), "{event}");
    }
}

#[test]
fn documents_are_explained_as_kinds_are() {
    let schema = serde_json::json!({"type": "object", "properties": {
        "spec": {"type": "object", "properties": {"limit": {"type": "integer", "description": "Most of them."}}},
    }});
    let document = DocumentKind { name: "Thing", documentation: "A **thing**. It is.", schema: &schema };
    let of = |topic| explain(topic, &[document]).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(of("thing").children.len(), 1);
    assert_eq!((of("Thing.limit").title.as_str(), of("Thing.limit").facts().len()), ("Thing.spec.limit", 2));
    assert_eq!(overview(&[document]).children.last().map(|child| child.description.as_str()), Some("A **thing**."));
    assert!(document_reference(&document).contains("| `spec.limit` | whole number | no |"));
    let error = explain("Thing.limt", &[document]).expect_err("no such field");
    assert!(error.to_string().contains("did you mean `limit`?"));
}
