//! What a webhook step can set from a response, and the targets of each type (domain §5, verbatim).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::code::Code;
use crate::base::path::Path;
use crate::kinds::finding::Findings;

/// One row of set-variables: a value of the response body and where it goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct SetVariable {
    /// A dotted path into the response body, such as `users.0.title`.
    #[schemars(length(min = 1))]
    pub name: String,
    /// What sort of target it goes to.
    #[serde(rename = "type")]
    pub target_type: TargetType,
    /// The target: one of the type's list, a text for `advanced`, any name for `variable`; but no spaces, dots or braces,
    /// because `{{name.0.key}}` could not tell them from its own.
    #[schemars(length(min = 1))]
    pub target: String,
}

/// A sort of target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum TargetType {
    /// Salesforce, Zendesk, Custom Database.
    LinkedId,
    /// A custom value: free text.
    Advanced,
    /// Phone Number, Email, Person Id, Person Device ID, Person Session ID.
    Source,
    /// Tags, Comm Type, Recordings, Agent Recording, Caller Recording, Result, Notes, Points, Type, Queue, Contact Card
    /// URL, Avaya.cx User Email Address, Avaya.cx User First Name, Avaya.cx User Last Name, Avaya.cx User Full Name,
    /// Salesforce User Id, Zendesk User Id.
    Details,
    /// Inbound Number, Inbound Number Name, Channel Key, Email, Comm Type, Phone, Messaging, Video, Task.
    RoutingDetails,
    /// A variable of the run: any name.
    Variable,
}

impl TargetType {
    /// As written in manifests.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LinkedId => "linkedId",
            Self::Advanced => "advanced",
            Self::Source => "source",
            Self::Details => "details",
            Self::RoutingDetails => "routingDetails",
            Self::Variable => "variable",
        }
    }

    /// Its targets; `None` where the text is free.
    #[must_use]
    pub fn targets(self) -> Option<&'static [&'static str]> {
        match self {
            Self::LinkedId => Some(&["Salesforce", "Zendesk", "Custom Database"]),
            Self::Source => Some(&["Phone Number", "Email", "Person Id", "Person Device ID", "Person Session ID"]),
            Self::Details => Some(&[
                "Tags",
                "Comm Type",
                "Recordings",
                "Agent Recording",
                "Caller Recording",
                "Result",
                "Notes",
                "Points",
                "Type",
                "Queue",
                "Contact Card URL",
                "Avaya.cx User Email Address",
                "Avaya.cx User First Name",
                "Avaya.cx User Last Name",
                "Avaya.cx User Full Name",
                "Salesforce User Id",
                "Zendesk User Id",
            ]),
            // The source gives two groups, of which `Email` stands in both.
            Self::RoutingDetails => Some(&[
                "Inbound Number",
                "Inbound Number Name",
                "Channel Key",
                "Email",
                "Comm Type",
                "Phone",
                "Messaging",
                "Video",
                "Task",
            ]),
            Self::Advanced | Self::Variable => None,
        }
    }
}

impl SetVariable {
    /// Checks path and target.
    pub fn check(&self, at: &Path, findings: &mut Findings) {
        let Self { name, target_type, target } = self;
        if !is_dotted_path(name) {
            findings
                .error(Code::DottedPath, at.key("name"), format!("`{name}` is not a dotted path"))
                .help("write keys and indices joined by dots, for example users.0.title");
        }
        if let Some(targets) = target_type.targets()
            && !targets.contains(&target.as_str())
        {
            let message = format!("`{}` has no target `{target}`", target_type.as_str());
            findings
                .error(Code::VariableTarget, at.key("target"), message)
                .help(format!("its targets: {}", targets.join(", ")))
                .did_you_mean(target, targets.iter().copied());
        }
        if *target_type == TargetType::Variable {
            super::variables::check_name(target, &at.key("target"), false, findings);
        }
    }
}

/// Keys and indices joined by dots. Brackets and quotes are other path languages, so they are slips here.
fn is_dotted_path(text: &str) -> bool {
    text.split('.').all(|part| {
        !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c.is_control() || "[]{}\"'".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(name: &str, target_type: &str, target: &str) -> Vec<(Code, Option<String>)> {
        let row = json!({"name": name, "type": target_type, "target": target});
        let row: SetVariable = serde_json::from_value(row).expect("a readable row");
        let mut findings = Findings::default();
        row.check(&Path::root(), &mut findings);
        findings.into_vec().into_iter().map(|f| (f.code, f.help)).collect()
    }

    #[test]
    fn targets_are_those_of_the_type() {
        assert_eq!(found("id", "linkedId", "Custom Database"), []);
        assert_eq!(found("id", "routingDetails", "Task"), []);
        assert_eq!(found("id", "advanced", "anything at all"), []);
        assert_eq!(found("id", "variable", "discountTitle"), []);
        assert_eq!(
            found("id", "linkedId", "Salesfroce"),
            [(Code::VariableTarget, Some("did you mean `Salesforce`?".to_owned()))]
        );
        assert_eq!(
            found("id", "linkedId", "Queue"),
            [(Code::VariableTarget, Some("its targets: Salesforce, Zendesk, Custom Database".to_owned()))]
        );
        assert_eq!(found("id", "variable", "a.b").first().map(|(code, _)| *code), Some(Code::InvalidValue));
    }

    #[test]
    fn paths_are_dotted() {
        for fine in ["id", "users.0.title", "soap:Body.x-y", "0"] {
            assert_eq!(found(fine, "variable", "x"), [], "{fine}");
        }
        for bad in ["users[0].title", ".id", "id.", "a..b", "a b", "{{x}}"] {
            let codes: Vec<Code> = found(bad, "variable", "x").into_iter().map(|(code, _)| code).collect();
            assert_eq!(codes, [Code::DottedPath], "{bad}");
        }
    }
}
