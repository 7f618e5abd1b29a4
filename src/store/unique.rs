//! Values that no two live objects of a project may share.

use std::collections::HashMap;

use serde_json::Value;
use sqlx::{Row as _, SqliteConnection};

use super::error::StoreError;
use super::rows::{self, json};
use super::stage::Stage;
use crate::kinds::{Address, Kind};

/// The unique fields by kind, each by its key in `serverSet`: what counts is the value in force.
fn unique_keys() -> impl Iterator<Item = (Kind, &'static str)> {
    Kind::ALL.iter().flat_map(|kind| {
        let unique = kind.fields().iter().filter(|field| field.unique);
        unique.map(|field| (*kind, field.path.rsplit('.').next().unwrap_or(field.path)))
    })
}

/// Refuses the write when it would make two objects share such a value.
pub(super) async fn check(connection: &mut SqliteConnection, stage: &Stage) -> Result<(), StoreError> {
    for (kind, key) in unique_keys() {
        let mut seen: HashMap<String, Address> = HashMap::new();
        let value = |map: &serde_json::Map<String, Value>| map.get(key).and_then(Value::as_str).map(str::to_owned);
        let of_kind = || stage.in_order().filter(|staged| staged.address.kind == kind);
        if !of_kind().any(|staged| staged.is_live() && staged.relinked) {
            continue;
        }
        let query = sqlx::query(
            "SELECT kind, name, id, server_set FROM objects WHERE project = ? AND kind = ? AND archived = 0",
        );
        for row in query.bind(stage.project.as_str()).bind(kind.as_str()).fetch_all(&mut *connection).await? {
            let address = rows::address(row.try_get(0)?, row.try_get(1)?)?;
            let id = rows::parse(&address, "id", row.try_get(2)?)?;
            if !stage.objects.contains_key(&id) {
                let server_set = json(&address, "serverSet", row.try_get(3)?)?;
                seen.extend(value(&server_set).map(|value| (value, address)));
            }
        }
        for staged in of_kind().filter(|staged| staged.is_live()) {
            let Some(value) = value(&staged.server_set) else { continue };
            if let Some(other) = seen.insert(value, staged.address.clone()) {
                return Err(StoreError::rejected(&staged.address, format!("{other} has the same {key}")));
            }
        }
    }
    Ok(())
}
