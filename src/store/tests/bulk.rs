use serde_json::json;

use super::*;
use crate::object::record::SecretSlot;

pub(super) fn many(n: usize) -> Vec<Write> {
    (0..n)
        .map(|n| {
            let mut spec = secret_destination();
            spec["url"] = json!(format!("https://host-{n}.test/hook"));
            create_with(&format!("Destination/d-{n}"), spec, vec![secret("spec.auth.token", &format!("content {n}"))])
        })
        .collect()
}

#[tokio::test]
async fn two_thousand_objects_go_in_and_change_at_once() {
    let f = Fixture::new().await;
    f.applied(many(2000)).await;
    let rows = f.rows().await;
    assert_eq!(rows.len(), 2000);
    assert!(rows.iter().all(|row| matches!(row.secrets.as_slice(), [SecretSlot { .. }])));
    let updates = rows.iter().map(|row| {
        let mut spec = secret_destination();
        spec["timeoutSeconds"] = json!(20);
        update(&row.address.to_string(), row.generation, spec)
    });
    f.applied(updates.collect()).await;
    let all = f.store.reads().read(&project(), None).await.expect("read");
    assert!(all.len() == 2000 && all.iter().all(|record| record.spec["timeoutSeconds"] == json!(20)));
}
