//! Notifications that are sent by a call, the end users they are for, and what these find in their inbox.
//!
//! The call is the documented system's, field by field (domain §1.4). An optional field that is not used is left out:
//! neither `null` nor empty.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::base::ident::{Name, ObjectId};
use crate::base::named_fields;
use crate::kinds::template::NotificationType;

/// The most end users that a call names (domain §1.3), and the most that one upload brings.
pub const END_USERS_LIMIT: usize = 100;
/// The most attributes of one end user, and the most that one upload says of one.
pub const ATTRIBUTES_LIMIT: usize = 200;
/// The most audiences that a call names.
pub const AUDIENCES_LIMIT: usize = 100;

/// The body of `POST /v1/notifications`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NotificationCall {
    /// The notification.
    pub notification: NotificationBody,
}

/// A notification as a call describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NotificationBody {
    /// The workstation system: its systemId, 32 hex digits. Required when the project has several.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "named_fields::present")]
    #[schemars(with = "String")]
    pub system_id: Option<String>,
    /// The id of the template, with or without hyphens; also one that was replaced and is archived.
    pub template_id: String,
    /// Ids of end users, 1 to 100. Above 10 an audience is recommended.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "named_fields::present")]
    #[schemars(with = "Vec<String>", length(min = 1, max = 100))]
    pub end_users_ids: Option<Vec<String>>,
    /// Ids of audiences, 1 to 100. At least one of this and `endUsersIds` is given.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "named_fields::present")]
    #[schemars(with = "Vec<String>", length(min = 1, max = 100))]
    pub audiences_ids: Option<Vec<String>>,
    /// `push` or `popup`, in any case; `push` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "named_fields::present")]
    #[schemars(with = "NotificationType")]
    pub notification_type: Option<NotificationType>,
    /// For administrators.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "named_fields::present")]
    #[schemars(with = "String", length(min = 1, max = 1_000))]
    pub title: Option<String>,
    /// What end users read in place of the template's title.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "named_fields::present")]
    #[schemars(with = "String", length(min = 1, max = 1_000))]
    pub runtime_title: Option<String>,
    /// What end users read in place of the template's text.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "named_fields::present")]
    #[schemars(with = "String", length(min = 1, max = 10_000))]
    pub runtime_description: Option<String>,
    /// When it starts: `YYYY-MM-DD hh:mm` or `YYYY-MM-DD`, both UTC, or RFC 3339; now when absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "named_fields::present")]
    #[schemars(with = "String")]
    pub start_at: Option<String>,
    /// When it ends; 30 days from now, or after the start if that is later, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "named_fields::present")]
    #[schemars(with = "String")]
    pub end_at: Option<String>,
    /// Values of the template's placeholders.
    #[serde(
        default,
        rename = "override",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "named_fields::present"
    )]
    #[schemars(with = "Vec<OverrideEntry>", length(min = 1, max = 1_000))]
    pub overrides: Option<Vec<OverrideEntry>>,
}

/// The value of one placeholder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OverrideEntry {
    /// Its name, with or without the hashes.
    pub key: String,
    /// What stands in its place.
    #[schemars(length(max = 10_000))]
    pub value: String,
}

/// How far a notification has come. Those of the documented system that never occur here are left out: a call cannot
/// make a draft, and there is no trash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum NotificationState {
    /// It has not started.
    Scheduled,
    /// It is in the inboxes.
    Active,
    /// It has ended.
    Completed,
}

impl NotificationState {
    /// The state at a time.
    #[must_use]
    pub fn at(now: Timestamp, start: Timestamp, end: Timestamp) -> Self {
        if now >= end {
            Self::Completed
        } else if now >= start {
            Self::Active
        } else {
            Self::Scheduled
        }
    }
}

/// The answer to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotificationSent {
    /// Its id.
    #[schemars(with = "String")]
    pub id: ObjectId,
    /// How far it has come.
    pub state: NotificationState,
}

/// One row of the table of notifications.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationRow {
    /// Its id.
    #[schemars(with = "String")]
    pub id: ObjectId,
    /// How far it has come.
    pub state: NotificationState,
    /// The name of the manifest, for one that was made by a manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub name: Option<Name>,
    /// For administrators: its own title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub title: Option<String>,
    /// The systemId.
    pub system_id: String,
    /// The id of the template; absent when the template that a manifest names is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub template_id: Option<ObjectId>,
    /// How it appears.
    pub notification_type: NotificationType,
    /// When it starts.
    #[schemars(with = "String")]
    pub start_at: Timestamp,
    /// When it ends.
    #[schemars(with = "String")]
    pub end_at: Timestamp,
    /// How many end users it names.
    pub end_users: usize,
    /// How many audiences it names.
    pub audiences: usize,
    /// How many end users have read it.
    pub read_by: u64,
}

/// A page of the table of notifications.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotificationPage {
    /// Those of manifests first, by name; then those of calls, the newest first.
    pub notifications: Vec<NotificationRow>,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub next: Option<String>,
}

/// The body of `POST /v1/end-users`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EndUsersUpload {
    /// The workstation system whose end users they are. Required when the project has several.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "named_fields::present")]
    #[schemars(with = "String")]
    pub system_id: Option<String>,
    /// 1 to 100 end users.
    #[schemars(length(min = 1, max = 100))]
    pub end_users: Vec<EndUserUpload>,
}

/// One end user with attributes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EndUserUpload {
    /// The id, as the system knows the end user.
    #[schemars(length(min = 1, max = 255))]
    pub end_user_id: String,
    /// Attributes: texts, numbers, booleans. Those that are not named stay as they are; `null` takes one away. `locale`
    /// is the language tag that notifications are read in.
    #[schemars(with = "BTreeMap<String, AttributeValue>")]
    pub attributes: Map<String, Value>,
}

/// The value of an attribute, for the schema.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes what is read as JSON")]
enum AttributeValue {
    /// A text of up to 4096 bytes.
    Text(String),
    /// A number.
    Number(f64),
    /// A boolean.
    Boolean(bool),
    /// Takes the attribute away.
    Nothing(()),
}

/// The answer to an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndUsersUploaded {
    /// How many end users were written.
    pub end_users: usize,
}

/// What an end user finds: the active notifications that are for them, the newest start first, 1,000 at the most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Inbox {
    /// The notifications.
    pub notifications: Vec<InboxEntry>,
}

/// One notification as an end user reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InboxEntry {
    /// The notification's id.
    #[schemars(with = "String")]
    pub id: ObjectId,
    /// The systemId.
    pub system_id: String,
    /// How it appears.
    #[serde(rename = "type")]
    pub notification_type: NotificationType,
    /// Its title.
    pub runtime_title: String,
    /// Its text.
    pub body: String,
    /// Its button.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "InboxButton")]
    pub button: Option<InboxButton>,
    /// When it started.
    #[schemars(with = "String")]
    pub start_at: Timestamp,
    /// When it ends.
    #[schemars(with = "String")]
    pub end_at: Timestamp,
    /// Whether this end user has read it.
    pub read: bool,
    /// When, if they have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub read_at: Option<Timestamp>,
}

/// A button that opens a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InboxButton {
    /// What stands on it.
    pub text: String,
    /// What it opens.
    pub link: String,
}

/// The answer to marking a notification as read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MarkedRead {
    /// The notification's id.
    #[schemars(with = "String")]
    pub id: ObjectId,
    /// When it was read first.
    #[schemars(with = "String")]
    pub read_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::NotificationState::{Active, Completed, Scheduled};
    use super::*;

    #[test]
    fn what_is_not_used_is_left_out() {
        let read = |more: Value| {
            let mut body = json!({ "templateId": "t" });
            if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
                body.extend(more.clone());
            }
            serde_json::from_value::<NotificationCall>(json!({ "notification": body })).is_ok()
        };
        assert!(read(json!({})));
        assert!(read(json!({ "notificationType": "Push", "override": [{ "key": "URL", "value": "" }] })));
        for bad in [
            json!({ "title": null }),
            json!({ "endUsersIds": null }),
            json!({ "tilte": "x" }),
            json!({ "notificationType": "toast" }),
            json!({ "override": { "URL": "x" } }),
            json!({ "override": [{ "key": "URL", "value": "x", "more": 1 }] }),
        ] {
            assert!(!read(bad.clone()), "{bad}");
        }
    }

    #[test]
    fn the_state_follows_the_time() {
        let at = |second| Timestamp::from_second(second).expect("a time");
        let state = |now| NotificationState::at(at(now), at(10), at(20));
        assert_eq!([9, 10, 19, 20].map(state), [Scheduled, Active, Active, Completed]);
    }
}
