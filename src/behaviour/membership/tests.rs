use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::kinds::system::SystemSpec;

fn audience(spec: Value) -> AudienceSpec {
    serde_json::from_value(spec).expect("a readable spec")
}

#[test]
fn an_audience_of_nothing_is_nobody() {
    let nobody = AudienceSpec { members: None, rule: None };
    let compiled = CompiledAudience::new(&nobody, EndUserIds::PLAIN).expect("made ready");
    assert!(!compiled.has("u1", &Map::new()));
}

proptest! {
    /// Hashing ids changes who is told apart by nothing but the form of the ids.
    #[test]
    fn membership_does_not_depend_on_hashing(
        members in prop::collection::vec("[a-z]{1,3}", 1..8),
        asked in "[a-z]{1,3}",
        salt in prop::collection::vec(any::<u8>(), 0..8),
    ) {
        let spec = json!({"platform": "workstation", "endUserId": {"hash": {"algorithm": "sha256", "salt": {"fromEnv": "S"}}}});
        let system: SystemSpec = serde_json::from_value(spec).expect("a readable spec");
        let hashed = EndUserIds::of(&system, Some(&salt)).expect("a salt");
        let spec = audience(json!({ "members": members }));
        let plainly = CompiledAudience::new(&spec, EndUserIds::PLAIN).expect("made ready").has(&asked, &Map::new());
        let by_hash = CompiledAudience::new(&spec, hashed).expect("made ready").has(&hashed.kept(&asked), &Map::new());
        prop_assert_eq!(plainly, by_hash);
        prop_assert_eq!(plainly, members.contains(&asked));
    }
}
