//! Attributes of end users, as callers say them.

use serde_json::{Map, Value};

use super::accept::workstation;
use super::{ID_LIMIT, NotificationError, Notifications};
use crate::base::code::Code;
use crate::base::ident::Name;
use crate::behaviour::fault::Fault;
use crate::object::notification::{ATTRIBUTES_LIMIT, END_USERS_LIMIT, EndUserUpload, EndUsersUpload};

/// Bytes of an attribute's name.
const NAME_LIMIT: usize = 128;
/// Bytes of an attribute's text.
const TEXT_LIMIT: usize = 4_096;

impl Notifications {
    /// Merges attributes into those of end users, all or none of them; returns how many end users were written.
    ///
    /// # Errors
    /// [`NotificationError::Invalid`] with every rule the upload breaks; when the store cannot be read or written.
    pub async fn upload(&self, project: &Name, upload: &EndUsersUpload) -> Result<usize, NotificationError> {
        let EndUsersUpload { system_id, end_users } = upload;
        let configuration = self.configurations.of(project).await?;
        let mut faults = Vec::new();
        if end_users.is_empty() || end_users.len() > END_USERS_LIMIT {
            let message = format!("1 to {END_USERS_LIMIT} end users are uploaded at once, not {}", end_users.len());
            faults.push(Fault::new(Code::InvalidValue, "endUsers", message));
        }
        for (n, EndUserUpload { end_user_id, attributes }) in end_users.iter().take(END_USERS_LIMIT).enumerate() {
            check(n, end_user_id, attributes, &mut faults);
        }
        let system = workstation(system_id.as_deref(), "systemId", &configuration, &mut faults);
        let (Some(system), true) = (system, faults.is_empty()) else {
            return Err(NotificationError::Invalid(faults));
        };
        let ids = self.ids(project, system).await?;
        let mut kept = Vec::with_capacity(end_users.len());
        for EndUserUpload { end_user_id, attributes } in end_users {
            kept.push((ids.kept(end_user_id)?, attributes.clone()));
        }
        self.store.merge_attributes(project, system.object.id, &kept).await?;
        Ok(kept.len())
    }
}

fn check(n: usize, id: &str, attributes: &Map<String, Value>, faults: &mut Vec<Fault>) {
    let at = format!("endUsers[{n}]");
    if id.is_empty() || id.len() > ID_LIMIT {
        let message = format!("the id of an end user has 1 to {ID_LIMIT} bytes");
        faults.push(Fault::new(Code::InvalidValue, format!("{at}.endUserId"), message));
    }
    if attributes.len() > ATTRIBUTES_LIMIT {
        let message = format!("an end user has at most {ATTRIBUTES_LIMIT} attributes, not {}", attributes.len());
        faults.push(Fault::new(Code::InvalidValue, format!("{at}.attributes"), message));
    }
    for (name, value) in attributes.iter().take(ATTRIBUTES_LIMIT) {
        let shown: String = name.chars().take(80).collect();
        let mut fault = |code, message: String| {
            faults.push(Fault::new(code, format!("{at}.attributes.{shown}"), message));
        };
        if name.is_empty() || name.len() > NAME_LIMIT {
            fault(Code::InvalidValue, format!("the name of an attribute has 1 to {NAME_LIMIT} bytes"));
        }
        match value {
            Value::String(text) if text.len() > TEXT_LIMIT => {
                fault(Code::InvalidValue, format!("the text of an attribute has at most {TEXT_LIMIT} bytes"));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            Value::Array(_) | Value::Object(_) => {
                let message = "an attribute is a text, a number or a boolean, or null to take it away";
                fault(Code::WrongType, message.to_owned());
            }
        }
    }
}
