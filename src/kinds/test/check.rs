//! What a test gets wrong alone.

use std::collections::BTreeMap;

use super::expectation::ExpectedMessage;
use super::given::{GivenEvent, GivenRun, Response};
use super::{Given, TestCase, TestSpec};
use crate::base::code::Code;
use crate::base::ident::Name;
use crate::base::path::Path;
use crate::kinds::finding::Findings;
use crate::kinds::{header, overrides, time};

/// Properties of an event that do not stand among its `properties`, with where they stand.
const ENVELOPE: [(&str, &str); 7] = [
    ("eventId", "write it beside `properties`"),
    ("event", "it is the `event` beside `properties`"),
    ("occurredAt", "write it beside `properties`"),
    ("systemId", "it is the systemId of `system`"),
    ("environment", "write it beside `properties`"),
    ("endUserId", "write it beside `properties`"),
    ("sessionId", "write it beside `properties`"),
];

/// Checks all cases.
pub(super) fn check(spec: &TestSpec, findings: &mut Findings) {
    let all = Path::keys("spec.cases");
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (n, case) in spec.cases.iter().enumerate() {
        let at = all.index(n);
        if let Some(first) = seen.insert(&case.name, n) {
            findings
                .error(Code::DuplicateCase, at.key("name"), format!("there are two cases `{}`", case.name))
                .related("the other one", all.index(first).key("name"))
                .help("rename one: a case is known by its name");
        }
        check_case(case, &at, findings);
    }
}

fn check_case(case: &TestCase, at: &Path, findings: &mut Findings) {
    let given = case.all_given();
    match given.as_slice() {
        [] => {
            findings
                .error(Code::ExclusiveFields, at.key("name"), "this case is given nothing")
                .help("give exactly one of event, render, audience and workflow");
        }
        [only] => check_expected(case, *only, at, findings),
        [first, more @ ..] => {
            for more in more {
                let message = format!("`{}` and `{}` exclude each other", first.field(), more.field());
                findings
                    .error(Code::ExclusiveFields, at.key(more.field()), message)
                    .at_key()
                    .help("make two cases of it: each is given exactly one of event, render, audience and workflow");
            }
        }
    }
    for given in given {
        let at = at.key(given.field());
        match given {
            Given::Event(event) => check_event(event, &at, findings),
            Given::Render(render) => overrides::check(&render.overrides, &at.key("override"), findings),
            Given::Audience(_) => {}
            Given::Workflow(run) => check_run(run, &at, findings),
        }
    }
    check_messages(case, &at.key("expect"), findings);
}

fn check_expected(case: &TestCase, given: Given<'_>, at: &Path, findings: &mut Findings) {
    let expected = case.expect.given();
    let sort = given.field();
    let possible = given.expectations();
    let help = format!("of `{sort}` can be expected: {}", possible.join(", "));
    if expected.is_empty() {
        findings.error(Code::MissingField, at.key("expect"), "nothing is expected").at_key().help(help.clone());
    }
    for name in expected.into_iter().filter(|name| !possible.contains(name)) {
        let message = format!("`{name}` cannot be expected of `{sort}`");
        findings.error(Code::UnfitExpectation, at.key("expect").key(name), message).at_key().help(help.clone());
    }
}

fn check_event(event: &GivenEvent, at: &Path, findings: &mut Findings) {
    if let Some(Err(error)) = event.occurred_at.as_deref().map(time::parse) {
        findings.error(Code::InvalidTime, at.key("occurredAt"), format!("`occurredAt` cannot be read: {error}"));
    }
    for (name, help) in ENVELOPE {
        if event.properties.contains_key(name) {
            let message = format!("`{name}` does not stand among the properties");
            findings.error(Code::InvalidValue, at.key("properties").key(name), message).at_key().help(help);
        }
    }
}

fn check_run(run: &GivenRun, at: &Path, findings: &mut Findings) {
    for (step, responses) in &run.responses {
        let at = at.key("responses").key(step);
        if run.inputs.contains_key(step) {
            let message = format!("`{step}` has both an input and a response");
            findings
                .error(Code::ExclusiveFields, at.clone(), message)
                .at_key()
                .help("write what is said under inputs, or that nothing is under responses");
        }
        for response in responses.all() {
            let Response::Answer(answer) = response else { continue };
            for name in answer.headers.keys().filter(|name| !name.eq_ignore_ascii_case("content-type")) {
                let message = format!("the header `{name}` of an answer is not read by any workflow");
                findings
                    .warning(Code::Unused, at.clone(), message)
                    .help("remove it; Content-Type is the one that is read");
            }
        }
    }
}

fn check_messages(case: &TestCase, at: &Path, findings: &mut Findings) {
    let mut seen: BTreeMap<&Name, usize> = BTreeMap::new();
    let all = at.key("deliveries");
    for (n, delivery) in case.expect.deliveries.iter().flatten().enumerate() {
        if let Some(first) = seen.insert(&delivery.webhook, n) {
            let message = format!("Webhook/{} delivers an event at most once", delivery.webhook);
            findings
                .error(Code::InvalidValue, all.index(n).key("webhook"), message)
                .related("it is expected here already", all.index(first).key("webhook"));
        }
        check_message(delivery.message(), &all.index(n), false, findings);
    }
    for (n, request) in case.expect.requests.iter().flatten().enumerate() {
        check_message(request.message(), &at.key("requests").index(n), true, findings);
    }
}

/// `authorization`: whether a header of that name can be expected.
fn check_message(message: ExpectedMessage<'_>, at: &Path, authorization: bool, findings: &mut Findings) {
    let ExpectedMessage { headers, body, body_includes } = message;
    header::check(headers, &at.key("headers"), authorization, findings);
    if body.is_some() && body_includes.is_some() {
        findings
            .error(Code::ExclusiveFields, at.key("bodyIncludes"), "`body` and `bodyIncludes` exclude each other")
            .at_key()
            .help("`body` is the whole of it, `bodyIncludes` a part");
    }
    if let Some(value) = body_includes
        && !(value.is_object() || value.is_string())
    {
        findings
            .error(Code::WrongType, at.key("bodyIncludes"), "a part of a body is a map or a text")
            .help("name keys with their values, or write a text that the body contains");
    }
}
