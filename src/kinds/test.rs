//! A **Test** says what the configuration is to do, case by case. `trueup test` asks the code that the server runs, with
//! no network and no secrets. It is never sent to a target.
//!
//! ```yaml
//! apiVersion: trueup/v1
//! kind: Test
//! metadata: { name: nps-routing }
//! spec:
//!   cases:
//!     - name: a detractor from Germany reaches the channel
//!       event: { event: survey.submitted, system: crm, endUserId: u1, properties: { score: 3, answer: slow, country: DE } }
//!       expect:
//!         deliveries:
//!           - { webhook: nps-to-slack, method: POST, body: { user_id: u1, score: 3, answer: slow, source: trueup, priority: 2 } }
//!     - name: a promoter does not
//!       event: { event: survey.submitted, system: crm, properties: { score: 9, country: DE } }
//!       expect: { deliveries: [] }
//!     - name: the text a seller reads
//!       render: { template: lead-assigned, locale: de, override: { LEAD_NAME: Contoso, URL: "https://x.test" } }
//!       expect: { runtimeTitle: "Lead Contoso", link: "https://x.test", unresolved: [] }
//!     - name: who is in
//!       audience: { name: sales, attributes: { department: Sales, country: DE } }
//!       expect: { member: true }
//!     - name: unknown subscriber accepts the offer
//!       workflow:
//!         name: newsletter
//!         data: { EMAIL: kim@acme.test }
//!         inputs: { ask: kim@acme.test, offer: sure }
//!         responses: { lookup: { status: 404 }, subscribe: { status: 201, body: {} }, send-code: delivered }
//!       expect: { path: [ask, lookup, offer, subscribe, send-code, bye], variables: { lookupFailed: true } }
//! ```
//!
//! | A case of | is given | and expects |
//! |---|---|---|
//! | `event` | an event as it would be stored: ids are not hashed again, censored properties are dropped | `deliveries`: exactly these, in any order |
//! | `render` | a template, a locale, values of its placeholders | `title`, `runtimeTitle`, `body`, `buttonText`, `link`, `unresolved` |
//! | `audience` | an audience, an end user's attributes or id | `member` |
//! | `workflow` | data, what people say (`inputs`), how everything else ends (`responses`) | `path` as a whole, `variables` and `requests` as far as they are named |
//!
//! A `body` is compared as a whole and `bodyIncludes` in part: of maps, the keys that are named, and of texts, whether
//! it is contained. Of `headers` those are compared that are named. A secret is expected as its reference. Every system
//! counts as published. What an event leaves out has a stand-in: `eventId: test`, `endUserId: test`, `occurredAt:
//! 2000-01-01T00:00:00Z`.
//!
//! `docs/testing.md` has more.

mod check;
mod check_in;
pub mod expectation;
pub mod given;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::client_side::ClientSide;
use super::field::{Compare, DataClass, Field, field};
use super::finding::Findings;
use super::scope::Scope;
use expectation::Expectation;
use given::{GivenAudience, GivenEvent, GivenRender, GivenRun};

/// What is to hold of the configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TestSpec {
    /// The cases; each stands alone.
    #[schemars(length(min = 1, max = 10_000))]
    pub cases: Vec<TestCase>,
}

/// One case: exactly one of `event`, `render`, `audience` and `workflow`, and what is expected of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct TestCase {
    /// What it shows, as a sentence; unique within the test.
    #[schemars(length(min = 1, max = 255))]
    pub name: String,
    /// An event that happens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<GivenEvent>,
    /// A template that is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub render: Option<GivenRender>,
    /// An audience that is asked about somebody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<GivenAudience>,
    /// A workflow that runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<GivenRun>,
    /// What is to come of it.
    pub expect: Expectation,
}

/// Which of the four sorts a case is, with what it is given.
#[derive(Clone, Copy, Debug)]
pub enum Given<'c> {
    /// An event.
    Event(&'c GivenEvent),
    /// A template.
    Render(&'c GivenRender),
    /// An audience.
    Audience(&'c GivenAudience),
    /// A workflow.
    Workflow(&'c GivenRun),
}

impl Given<'_> {
    /// The field it stands in.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            Self::Event(_) => "event",
            Self::Render(_) => "render",
            Self::Audience(_) => "audience",
            Self::Workflow(_) => "workflow",
        }
    }

    /// What can be expected of it.
    #[must_use]
    pub fn expectations(self) -> &'static [&'static str] {
        match self {
            Self::Event(_) => &["deliveries"],
            Self::Render(_) => &["title", "runtimeTitle", "body", "buttonText", "link", "unresolved"],
            Self::Audience(_) => &["member"],
            Self::Workflow(_) => &["path", "variables", "requests"],
        }
    }
}

impl TestCase {
    /// All that it is given; a case in order has exactly one.
    #[must_use]
    pub fn all_given(&self) -> Vec<Given<'_>> {
        let Self { name: _, event, render, audience, workflow, expect: _ } = self;
        let given = [
            event.as_ref().map(Given::Event),
            render.as_ref().map(Given::Render),
            audience.as_ref().map(Given::Audience),
            workflow.as_ref().map(Given::Workflow),
        ];
        given.into_iter().flatten().collect()
    }

    /// What it is given, if that is one thing.
    #[must_use]
    pub fn given(&self) -> Option<Given<'_>> {
        match self.all_given().as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }
}

impl ClientSide for TestSpec {
    // What a plan does is decided by what is tested, never by the tests.
    const DECIDES_PLANS: bool = false;
    const FIELDS: &'static [Field] = &[
        field("spec.cases").compare(Compare::List),
        field("spec.cases[]").compare(Compare::Group),
        field("spec.cases[].name").class(DataClass::Content),
        // event
        field("spec.cases[].event").compare(Compare::Group),
        field("spec.cases[].event.event"),
        field("spec.cases[].event.system"),
        field("spec.cases[].event.endUserId").class(DataClass::Personal),
        field("spec.cases[].event.eventId"),
        field("spec.cases[].event.occurredAt"),
        field("spec.cases[].event.environment"),
        field("spec.cases[].event.sessionId").class(DataClass::Personal),
        field("spec.cases[].event.properties").compare(Compare::Map),
        field("spec.cases[].event.properties.*").class(DataClass::Personal),
        // render
        field("spec.cases[].render").compare(Compare::Group),
        field("spec.cases[].render.template"),
        field("spec.cases[].render.locale"),
        field("spec.cases[].render.override").compare(Compare::Map),
        field("spec.cases[].render.override.*").class(DataClass::Content),
        // audience
        field("spec.cases[].audience").compare(Compare::Group),
        field("spec.cases[].audience.name"),
        field("spec.cases[].audience.endUserId").class(DataClass::Personal),
        field("spec.cases[].audience.attributes").compare(Compare::Map),
        field("spec.cases[].audience.attributes.*").class(DataClass::Personal),
        // workflow
        field("spec.cases[].workflow").compare(Compare::Group),
        field("spec.cases[].workflow.name"),
        field("spec.cases[].workflow.data").compare(Compare::Map),
        field("spec.cases[].workflow.data.*").class(DataClass::Personal),
        field("spec.cases[].workflow.inputs").compare(Compare::Map),
        field("spec.cases[].workflow.inputs.*").compare(Compare::List).class(DataClass::Personal),
        field("spec.cases[].workflow.responses").compare(Compare::Map),
        field("spec.cases[].workflow.responses.*").compare(Compare::List).class(DataClass::Personal).opaque(),
        // expectations
        field("spec.cases[].expect").compare(Compare::Group),
        field("spec.cases[].expect.deliveries").compare(Compare::Set),
        field("spec.cases[].expect.deliveries[]").compare(Compare::Group),
        field("spec.cases[].expect.deliveries[].webhook"),
        field("spec.cases[].expect.deliveries[].method"),
        field("spec.cases[].expect.deliveries[].url"),
        field("spec.cases[].expect.deliveries[].headers").compare(Compare::Map),
        field("spec.cases[].expect.deliveries[].headers.*").secret(),
        field("spec.cases[].expect.deliveries[].auth").opaque(),
        field("spec.cases[].expect.deliveries[].body").class(DataClass::Personal),
        field("spec.cases[].expect.deliveries[].bodyIncludes").class(DataClass::Personal),
        field("spec.cases[].expect.title").class(DataClass::Content),
        field("spec.cases[].expect.runtimeTitle").class(DataClass::Content),
        field("spec.cases[].expect.body").compare(Compare::Text).class(DataClass::Content),
        field("spec.cases[].expect.buttonText").class(DataClass::Content),
        field("spec.cases[].expect.link").class(DataClass::Content),
        field("spec.cases[].expect.unresolved").compare(Compare::Set),
        field("spec.cases[].expect.member"),
        field("spec.cases[].expect.path").compare(Compare::List),
        field("spec.cases[].expect.variables").compare(Compare::Map),
        field("spec.cases[].expect.variables.*").class(DataClass::Personal),
        field("spec.cases[].expect.requests").compare(Compare::List),
        field("spec.cases[].expect.requests[]").compare(Compare::Group),
        field("spec.cases[].expect.requests[].step"),
        field("spec.cases[].expect.requests[].method"),
        field("spec.cases[].expect.requests[].url").class(DataClass::Personal),
        field("spec.cases[].expect.requests[].headers").compare(Compare::Map),
        field("spec.cases[].expect.requests[].headers.*").secret(),
        field("spec.cases[].expect.requests[].body").class(DataClass::Personal),
        field("spec.cases[].expect.requests[].bodyIncludes").class(DataClass::Personal),
    ];

    fn check(&self, findings: &mut Findings) {
        check::check(self, findings);
    }

    fn check_in(&self, scope: &dyn Scope, findings: &mut Findings) {
        check_in::check(self, scope, findings);
    }
}

#[cfg(test)]
mod tests;
