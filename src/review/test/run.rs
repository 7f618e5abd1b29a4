//! A case of a workflow: the way a run takes, what it knows at its end, and the requests it makes.

mod decided;
pub(in crate::review) mod simulate;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::case::Case;
use super::compare::{Extent, body_for, differences};
use super::configuration::{Configuration, text};
use super::report::CaseError;
use crate::base::path::Path;
use crate::kinds::test::expectation::{Expectation, ExpectedRequest};
use crate::kinds::test::given::GivenRun;
use crate::kinds::{Kind, Spec};
use decided::Decided;
use simulate::{Left, Ran, Request, Stopped, simulate};

/// Evaluates a case.
pub(super) fn evaluate(
    configuration: &Configuration<'_>,
    given: &GivenRun,
    expected: &Expectation,
    case: &mut Case<'_>,
) -> Result<(), CaseError> {
    let object = configuration.object(Kind::Workflow, &given.name)?;
    let Spec::Workflow(workflow) = &object.spec else {
        return Err(CaseError::new(format!("{} is no Workflow", object.address)));
    };
    let ran = simulate(workflow, given).map_err(|stopped| {
        let Stopped { mut error, at } = stopped;
        let decided = at
            .map(|(step, says)| configuration.decider(&object.address, Path::keys("spec.steps").element(&step), says));
        error.decided.extend(decided);
        error
    })?;
    touch(&ran, object, case);
    let decided = Decided { configuration, address: &object.address, workflow, ran: &ran };
    if let Some(wanted) = &expected.path {
        compare_path(wanted, &ran, &decided, case);
    }
    for (name, wanted) in expected.variables.iter().flatten() {
        let actual = ran.state.variables.get(name);
        for leaf in differences(wanted, actual, Extent::Whole) {
            let path = Path::keys("variables").key(name);
            case.leaf(leaf, &path, &path, decided.variable(name));
        }
    }
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (n, wanted) in expected.requests.iter().flatten().enumerate() {
        let turn = seen.entry(&wanted.step).or_default();
        let made = ran.requests.iter().filter(|request| request.step == wanted.step).nth(*turn);
        let shown = if *turn == 0 { wanted.step.clone() } else { format!("{} {}", wanted.step, *turn + 1) };
        *turn += 1;
        let place =
            RequestPlace { shown: Path::keys("requests").element(&shown), written: Path::keys("requests").index(n) };
        match made {
            Some(made) => compare_request(wanted, made, &place, &decided, case),
            None => {
                let values = (Some(serde_json::to_value(wanted).unwrap_or_default()), None);
                case.differs(place.shown, &place.written, values, decided.no_request(&wanted.step));
            }
        }
    }
    Ok(())
}

fn touch(ran: &Ran, object: &crate::desired::DesiredObject, case: &mut Case<'_>) {
    case.touch(|touched| {
        for visit in &ran.visits {
            match &visit.left {
                Left::Exit(exit) => touched.route(&object.address, &visit.step, exit),
                Left::Branched { exit, rows, .. } => {
                    touched.route(&object.address, &visit.step, exit);
                    touched.rows(&object.address, rows.clone());
                }
                Left::Ended => {}
            }
        }
    });
}

fn compare_path(wanted: &[String], ran: &Ran, decided: &Decided<'_>, case: &mut Case<'_>) {
    let actual = &ran.state.path;
    if wanted == actual {
        return;
    }
    let alike = wanted.iter().zip(actual).take_while(|(wanted, actual)| wanted == actual).count();
    let written = Path::keys("path");
    // Point at the step where the ways part, if there is one.
    let written = if alike < wanted.len() { written.index(alike) } else { written };
    case.differs(Path::keys("path"), &written, (Some(json!(wanted)), Some(json!(actual))), decided.step(alike));
}

/// Where an expected request is shown and written.
struct RequestPlace {
    shown: Path,
    written: Path,
}

fn compare_request(
    wanted: &ExpectedRequest,
    made: &Request,
    place: &RequestPlace,
    decided: &Decided<'_>,
    case: &mut Case<'_>,
) {
    let ExpectedRequest { step, method, url, headers, body, body_includes } = wanted;
    let (made_method, made_url) = (text(made.sent.method.as_str()), text(&made.sent.url));
    for (name, wanted, actual) in [
        ("method", method.map(|method| text(method.as_str())), made_method),
        ("url", url.as_deref().map(text), made_url),
    ] {
        let Some(wanted) = wanted.filter(|wanted| *wanted != actual) else { continue };
        let values = (Some(wanted), Some(actual));
        case.differs(place.shown.key(name), &place.written.key(name), values, decided.field(step, &[name]));
    }
    let made_headers: Map<String, Value> = made.headers.iter().cloned().collect();
    for (name, value) in headers {
        let actual = made_headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let wanted = json!(value);
        if actual != Some(&wanted) {
            let values = (Some(wanted), actual.cloned());
            let (shown, written) = (place.shown.key("headers"), place.written.key("headers"));
            case.differs(shown.key(name), &written.key(name), values, decided.field(step, &["headers", name]));
        }
    }
    for (name, wanted, extent) in [("body", body, Extent::Whole), ("bodyIncludes", body_includes, Extent::Part)] {
        let Some(wanted) = wanted else { continue };
        let actual = body_for(wanted, made.sent.body.as_deref());
        for leaf in differences(wanted, actual.as_ref(), extent) {
            let decided = decided.body(step, leaf.first_key());
            case.leaf(leaf, &place.shown.key(name), &place.written.key(name), decided);
        }
    }
}
