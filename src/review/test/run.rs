//! A case of a workflow: the way a run takes, what it knows at its end, and the requests it makes.

mod decided;
pub(in crate::review) mod simulate;

use std::collections::BTreeMap;

use serde_json::json;

use super::case::Case;
use super::compare::{Extent, differences};
use super::configuration::{Configuration, text};
use super::message::Message;
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
    let Spec::Workflow(workflow) = &*object.spec else {
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
        let (shown, written) = (Path::keys("requests").element(&shown), Path::keys("requests").index(n));
        match made {
            Some(made) => compare_request(wanted, made, (shown, written), &decided, case),
            None => {
                let values = (Some(serde_json::to_value(wanted).unwrap_or_default()), None);
                case.differs(shown, &written, values, decided.no_request(&wanted.step));
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

fn compare_request(
    wanted: &ExpectedRequest,
    made: &Request,
    (shown, written): (Path, Path),
    decided: &Decided<'_>,
    case: &mut Case<'_>,
) {
    let ExpectedRequest { step, method, url, headers: _, body: _, body_includes: _ } = wanted;
    let headers = made.headers.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    let message = Message { headers, body: made.sent.body.as_deref(), shown, written };
    for (name, wanted, actual) in [
        ("method", method.map(|method| text(method.as_str())), text(made.sent.method.as_str())),
        ("url", url.as_deref().map(text), text(&made.sent.url)),
    ] {
        message.field(name, wanted, actual, || decided.field(step, &[name]), case);
    }
    let header = |name: &str, _| decided.field(step, &["headers", name]);
    message.compare(wanted.message(), header, |key| decided.body(step, key), case);
}
