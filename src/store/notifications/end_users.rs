//! End users with the attributes that callers have said of them.

use serde_json::{Map, Value};
use sqlx::Row as _;

use super::super::clock::to_column;
use super::super::error::StoreError;
use super::super::{ReadStore, Store, rows};
use crate::base::ident::{Name, ObjectId};
use crate::object::notification::ATTRIBUTES_LIMIT;

impl Store {
    /// Merges attributes into those of end users, in one transaction: `null` takes one away, those not named stay.
    ///
    /// # Errors
    /// [`StoreError::Rejected`] when the system is gone, or an end user would have more than 200 attributes; when the
    /// file cannot be written.
    pub async fn merge_attributes(
        &self,
        project: &Name,
        system: ObjectId,
        end_users: &[(String, Map<String, Value>)],
    ) -> Result<(), StoreError> {
        let rejected = |reason: String| StoreError::Rejected { address: None, reason };
        let mut writer = self.writer().await;
        let mut transaction = writer.begin().await?;
        let now = self.reads.clock.now();
        let there = sqlx::query("SELECT 1 FROM objects WHERE id = ? AND project = ?");
        let there = there.bind(system.to_string()).bind(project.as_str()).fetch_optional(&mut *transaction).await?;
        if there.is_none() {
            return Err(rejected("the system is gone".to_owned()));
        }
        for (number, (id, changes)) in end_users.iter().enumerate() {
            let known = sqlx::query("SELECT attributes FROM end_users WHERE system = ? AND id = ?");
            let known = known.bind(system.to_string()).bind(id).fetch_optional(&mut *transaction).await?;
            let mut attributes: Map<String, Value> = match known {
                Some(row) => rows::json(&"an end user", "attributes", row.try_get(0)?)?,
                None => Map::new(),
            };
            for (name, value) in changes {
                match value {
                    Value::Null => {
                        attributes.shift_remove(name);
                    }
                    Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                        attributes.insert(name.clone(), value.clone());
                    }
                }
            }
            if attributes.len() > ATTRIBUTES_LIMIT {
                // By its number: the id is personal.
                let reason = format!("endUsers[{number}] would have more than {ATTRIBUTES_LIMIT} attributes");
                return Err(rejected(reason));
            }
            let write = sqlx::query(
                "INSERT INTO end_users (system, id, attributes, updated_at) VALUES (?, ?, ?, ?) \
                 ON CONFLICT DO UPDATE SET attributes = excluded.attributes, updated_at = excluded.updated_at",
            );
            let write = write.bind(system.to_string()).bind(id).bind(Value::Object(attributes).to_string());
            write.bind(to_column(now)).execute(&mut *transaction).await?;
        }
        transaction.commit().await.map_err(StoreError::of_commit)
    }
}

impl ReadStore {
    /// The attributes of an end user of a system; none for somebody unknown.
    ///
    /// # Errors
    /// When the file cannot be read, or they are damaged in it.
    pub async fn attributes(&self, system: ObjectId, end_user: &str) -> Result<Map<String, Value>, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(Map::new()) };
        let query = sqlx::query("SELECT attributes FROM end_users WHERE system = ? AND id = ?");
        match query.bind(system.to_string()).bind(end_user).fetch_optional(&mut *view).await? {
            Some(row) => rows::json(&"an end user", "attributes", row.try_get(0)?),
            None => Ok(Map::new()),
        }
    }
}
