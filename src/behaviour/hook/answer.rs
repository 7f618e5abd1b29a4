//! The flat answers of the operations. What is not there is null.

use schemars::JsonSchema;
use serde::Serialize;

use super::call::ActionReference;
use super::identifier::Identifier;

/// A user by number and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberedUser {
    /// The number within the project.
    pub number: u64,
    /// The name.
    pub name: String,
}

/// The answer of a call that was carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Answer {
    /// Of `assignAction`.
    Assigned(AssignedAnswer),
    /// Of `completeAction`, `completeFormAction` and `cancelAction`.
    Action(ActionAnswer),
    /// Of `cancelActionAssignment`.
    Unassigned(UnassignedAnswer),
    /// Of `createRequest` and `cancelRequest`.
    Request(RequestAnswer),
    /// Of `updateRequestDataset`.
    Dataset(DatasetAnswer),
}

/// The answer of `createRequest` and `cancelRequest`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestAnswer {
    /// As the caller chose it.
    pub client_mutation_id: Option<String>,
    /// Base64 of `Request:n`.
    pub request_id: String,
    /// The request's number.
    pub number: u64,
    /// Base64 of `User:n`, in delegation.
    pub on_behalf_of: Option<String>,
    /// The user's name, in delegation.
    pub on_behalf_of_user_name: Option<String>,
}

/// The answer of `updateRequestDataset`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DatasetAnswer {
    /// As the caller chose it.
    pub client_mutation_id: Option<String>,
    /// Base64 of `Request:n`.
    pub request_id: String,
    /// The request's number.
    pub number: u64,
}

/// The answer of `completeAction`, `completeFormAction` and `cancelAction`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActionAnswer {
    /// As the caller chose it.
    pub client_mutation_id: Option<String>,
    /// Base64 of `Action:r---n`.
    pub action_id: String,
    /// Base64 of `Request:r`.
    pub request_id: String,
    /// The request's number.
    pub request_number: u64,
    /// The action's number within the request.
    pub number: u64,
    /// Base64 of `User:n`, in delegation.
    pub on_behalf_of: Option<String>,
    /// The user's name, in delegation.
    pub on_behalf_of_user_name: Option<String>,
}

/// The answer of `assignAction`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssignedAnswer {
    /// As the caller chose it.
    pub client_mutation_id: Option<String>,
    /// Base64 of `Action:r---n`.
    pub action_id: String,
    /// Base64 of `Request:r`.
    pub request_id: String,
    /// The request's number.
    pub request_number: u64,
    /// The action's number within the request.
    pub number: u64,
    /// Base64 of `User:n`: who is to act.
    pub assignee_id: String,
    /// The name of who is to act.
    pub assignee_user_name: String,
    /// Base64 of `User:n`, in delegation.
    pub on_behalf_of: Option<String>,
    /// The user's name, in delegation.
    pub on_behalf_of_user_name: Option<String>,
}

/// The answer of `cancelActionAssignment`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnassignedAnswer {
    /// As the caller chose it.
    pub client_mutation_id: Option<String>,
    /// Base64 of `Action:r---n`.
    pub action_id: String,
    /// Base64 of `Request:r`.
    pub request_id: String,
    /// The request's number.
    pub request_number: u64,
    /// The action's number within the request.
    pub number: u64,
}

/// What every answer begins with, and what those in delegation end with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Echo {
    /// As the caller chose it.
    pub client_mutation_id: Option<String>,
    /// On whose behalf was called.
    pub on_behalf_of: Option<NumberedUser>,
}

impl Echo {
    fn delegation(&self) -> (Option<String>, Option<String>) {
        let user = self.on_behalf_of.as_ref();
        (user.map(|user| Identifier::User(user.number).encode()), user.map(|user| user.name.clone()))
    }

    /// Of `createRequest` and `cancelRequest`.
    #[must_use]
    pub fn request(self, number: u64) -> Answer {
        let (on_behalf_of, on_behalf_of_user_name) = self.delegation();
        Answer::Request(RequestAnswer {
            client_mutation_id: self.client_mutation_id,
            request_id: Identifier::Request(number).encode(),
            number,
            on_behalf_of,
            on_behalf_of_user_name,
        })
    }

    /// Of `updateRequestDataset`.
    #[must_use]
    pub fn dataset(self, number: u64) -> Answer {
        Answer::Dataset(DatasetAnswer {
            client_mutation_id: self.client_mutation_id,
            request_id: Identifier::Request(number).encode(),
            number,
        })
    }

    /// Of `completeAction`, `completeFormAction` and `cancelAction`.
    #[must_use]
    pub fn action(self, action: ActionReference) -> Answer {
        let (on_behalf_of, on_behalf_of_user_name) = self.delegation();
        let ActionReference { request, action } = action;
        Answer::Action(ActionAnswer {
            client_mutation_id: self.client_mutation_id,
            action_id: Identifier::Action { request, action }.encode(),
            request_id: Identifier::Request(request).encode(),
            request_number: request,
            number: action,
            on_behalf_of,
            on_behalf_of_user_name,
        })
    }

    /// Of `assignAction`.
    #[must_use]
    pub fn assigned(self, action: ActionReference, assignee: NumberedUser) -> Answer {
        let (on_behalf_of, on_behalf_of_user_name) = self.delegation();
        let ActionReference { request, action } = action;
        Answer::Assigned(AssignedAnswer {
            client_mutation_id: self.client_mutation_id,
            action_id: Identifier::Action { request, action }.encode(),
            request_id: Identifier::Request(request).encode(),
            request_number: request,
            number: action,
            assignee_id: Identifier::User(assignee.number).encode(),
            assignee_user_name: assignee.name,
            on_behalf_of,
            on_behalf_of_user_name,
        })
    }

    /// Of `cancelActionAssignment`.
    #[must_use]
    pub fn unassigned(self, action: ActionReference) -> Answer {
        let ActionReference { request, action } = action;
        Answer::Unassigned(UnassignedAnswer {
            client_mutation_id: self.client_mutation_id,
            action_id: Identifier::Action { request, action }.encode(),
            request_id: Identifier::Request(request).encode(),
            request_number: request,
            number: action,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_created_request_answers_five_flat_fields() {
        let answer = Echo::default().request(1);
        let expected = json!({
            "clientMutationId": null, "requestId": "UmVxdWVzdDox", "number": 1,
            "onBehalfOf": null, "onBehalfOfUserName": null,
        });
        assert_eq!(serde_json::to_value(answer).ok(), Some(expected));
    }

    #[test]
    fn delegation_answers_the_user_twice() {
        let user = NumberedUser { number: 1, name: "kim".into() };
        let echo = Echo { client_mutation_id: Some("m1".into()), on_behalf_of: Some(user.clone()) };
        let answer = echo.assigned(ActionReference { request: 1, action: 2 }, user);
        let expected = json!({
            "clientMutationId": "m1", "actionId": "QWN0aW9uOjEtLS0y", "requestId": "UmVxdWVzdDox",
            "requestNumber": 1, "number": 2, "assigneeId": "VXNlcjox", "assigneeUserName": "kim",
            "onBehalfOf": "VXNlcjox", "onBehalfOfUserName": "kim",
        });
        assert_eq!(serde_json::to_value(answer).ok(), Some(expected));
    }
}
