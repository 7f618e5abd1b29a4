//! An **IncomingWebhook** lets an application outside start requests of workflows and act on them: one URL whose last
//! part is a secret token, called with `{"operation": …, "args": {"input": …}}`.
//!
//! ```yaml
//! apiVersion: trueup/v1
//! kind: IncomingWebhook
//! metadata: { name: shop }
//! spec:
//!   description: Sign-ups from the shop
//!   impersonate: svc-shop
//!   operations: [createRequest, cancelRequest]
//!   workflows: [newsletter]
//! ```
//!
//! Operations run with the rights of the user that `impersonate` names, else with the engine's own identity. The token
//! is made by the target: `trueup outputs` prints it, `trueup rotate` renews it, and it never stands in a manifest.
//!
//! `workflows` refers to Workflows; left out, all with public access are meant. A workflow can be started this way only
//! when its `access` has both `subProcess` and `public`. A change updates the object in place and keeps its token; a
//! removal deletes it, and its URL answers no more.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field::{Compare, DataClass, Field, field};
use super::finding::Findings;
use super::life_cycle::LifeCycle;
use super::managed::Managed;
use super::scope::Scope;
use super::{Kind, Spec};
use crate::base::code::Code;
use crate::base::ident::Name;
use crate::base::path::Path;

/// Spec of an IncomingWebhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IncomingWebhookSpec {
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub description: Option<String>,
    /// Name of the user whose rights its operations have; the engine's own identity when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub impersonate: Option<String>,
    /// What callers may do; all eight when absent.
    #[serde(default = "all_operations")]
    #[schemars(length(min = 1))]
    pub operations: Vec<Operation>,
    /// The workflows callers may do it with; all with public access when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub workflows: Vec<Name>,
}

macro_rules! operations {
    ($($variant:ident $text:literal $doc:literal;)+) => {
        /// What a caller may do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase")]
        #[schemars(inline)]
        pub enum Operation { $(#[doc = $doc] $variant,)+ }

        impl Operation {
            /// All operations, in the order of the domain's table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// As written in manifests and calls.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

operations! {
    CreateRequest "createRequest" "Start a request of a workflow.";
    UpdateRequestDataset "updateRequestDataset" "Set data of a request; needs a system-access user.";
    CancelRequest "cancelRequest" "Cancel a request.";
    CompleteAction "completeAction" "Complete an action.";
    CompleteFormAction "completeFormAction" "Complete an action with a form.";
    CancelAction "cancelAction" "Cancel an action, as a cancel or an error; needs a system-access user.";
    AssignAction "assignAction" "Assign an action to a user.";
    CancelActionAssignment "cancelActionAssignment" "Take an assignment back.";
}

fn all_operations() -> Vec<Operation> {
    Operation::ALL.to_vec()
}

impl Managed for IncomingWebhookSpec {
    const LIFE_CYCLE: LifeCycle = LifeCycle::Mutable;
    const FIELDS: &'static [Field] = &[
        field("spec.description").compare(Compare::Text).class(DataClass::Content),
        field("spec.impersonate").class(DataClass::Personal),
        field("spec.operations").compare(Compare::Set),
        field("spec.workflows").compare(Compare::Set),
        field("spec.workflows[]").refers_to(Kind::Workflow),
    ];
    const HAS_TOKEN: bool = true;

    fn normalise(&mut self) {
        self.operations.sort_unstable();
        self.operations.dedup();
        self.workflows.sort();
        self.workflows.dedup();
    }

    /// The schema says it all.
    fn check(&self, _findings: &mut Findings) {}

    fn check_in(&self, _name: &Name, scope: &dyn Scope, findings: &mut Findings) {
        if !self.operations.contains(&Operation::CreateRequest) {
            return;
        }
        for (n, name) in self.workflows.iter().enumerate() {
            if let Some(Spec::Workflow(workflow)) = scope.get(Kind::Workflow, name.as_str())
                && !workflow.access.can_be_started_from_outside()
            {
                findings
                    .warning(
                        Code::InvalidValue,
                        Path::keys("spec.workflows").index(n),
                        format!("createRequest cannot start Workflow/{name}: it is no sub-process with public access"),
                    )
                    .help("give the workflow access: { subProcess: true, public: true }, or leave createRequest out of operations");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;
    use crate::kinds::Address;

    fn read(spec: Value) -> IncomingWebhookSpec {
        serde_json::from_value(spec).expect("a readable spec")
    }

    #[test]
    fn all_eight_operations_are_the_default() {
        let names: Vec<&str> = read(json!({})).operations.into_iter().map(Operation::as_str).collect();
        assert_eq!(
            names,
            [
                "createRequest",
                "updateRequestDataset",
                "cancelRequest",
                "completeAction",
                "completeFormAction",
                "cancelAction",
                "assignAction",
                "cancelActionAssignment"
            ]
        );
        assert_eq!(serde_json::to_value(Operation::ALL).ok(), Some(json!(names)));
        assert!(serde_json::from_value::<IncomingWebhookSpec>(json!({"operations": ["deleteRequest"]})).is_err());
    }

    #[test]
    fn lists_are_sets() {
        let mut spec = read(
            json!({"operations": ["cancelRequest", "createRequest", "cancelRequest"], "workflows": ["b", "a", "b"]}),
        );
        spec.normalise();
        assert_eq!(
            serde_json::to_value(&spec).ok(),
            Some(json!({"operations": ["createRequest", "cancelRequest"], "workflows": ["a", "b"]}))
        );
    }

    #[test]
    fn a_workflow_that_cannot_be_started_is_pointed_out() {
        let workflow = |name: &str, access: Value| {
            let spec = json!({"access": access, "start": "bye", "steps": [{"name": "bye", "type": "end"}]});
            (Address::new(Kind::Workflow, Name::from_any(name)), Kind::Workflow.read_spec(&spec).expect("a workflow"))
        };
        let scope = BTreeMap::from([
            workflow("open", json!({"subProcess": true, "public": true})),
            workflow("inner", json!({"subProcess": true})),
            workflow("closed", json!({})),
        ]);
        let found = |spec: Value| {
            let mut findings = Findings::default();
            read(spec).check_in(&Name::from_any("shop"), &scope, &mut findings);
            findings.into_vec().into_iter().map(|f| (f.code, f.path.to_string())).collect::<Vec<_>>()
        };
        assert_eq!(
            found(json!({"workflows": ["open", "inner", "closed", "unknown"]})),
            [
                (Code::InvalidValue, "spec.workflows[1]".to_owned()),
                (Code::InvalidValue, "spec.workflows[2]".to_owned())
            ]
        );
        assert_eq!(found(json!({"workflows": ["closed"], "operations": ["cancelRequest"]})), []);
    }
}
