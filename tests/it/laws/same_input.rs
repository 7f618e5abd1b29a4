//! Law 13: `plan` loads every manifest that `validate` accepts and no other.

use serde_json::{Value, json};

use crate::rig::Rig;
use crate::world::{Random, World, text};

/// Changes one place of a manifest at random; the result may be valid or not.
fn disturb(random: &mut Random, value: &mut Value) {
    const VALUES: &[&str] = &[
        "null",
        "\"\"",
        "0",
        "-1",
        "true",
        "[]",
        "{}",
        "\"x y\"",
        "\"text\"",
        "\"${var.none}\"",
        "\"desk\"",
        "7",
        "99999",
    ];
    let deeper = random.chance(75);
    match value {
        Value::Object(map) if deeper && !map.is_empty() => {
            let at = random.below(map.len());
            let key = map.keys().nth(at).expect("a key").clone();
            if random.chance(10) {
                map.remove(&key);
            } else {
                disturb(random, &mut map[&key]);
            }
        }
        Value::Array(list) if deeper && !list.is_empty() => {
            let at = random.below(list.len());
            disturb(random, &mut list[at]);
        }
        Value::Number(number) if random.chance(60) => *value = json!(number.as_u64().unwrap_or(0) + 1),
        Value::String(text) if random.chance(60) => text.push('x'),
        place => *place = serde_json::from_str(random.pick::<&str>(VALUES)).expect("JSON"),
    }
}

#[test]
pub(super) fn plan_takes_what_validate_takes_and_nothing_else() {
    let rig = Rig::new();
    let (mut taken, mut refused) = (0, 0);
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let mut world = World::random(&mut random);
        let at = random.below(world.manifests.len());
        for part in ["spec", "metadata"] {
            if part == "spec" || random.chance(20) {
                disturb(&mut random, &mut world.manifests[at][part]);
            }
        }
        let manifests = text(&world.manifests);
        rig.write(&manifests);
        let validate = rig.project.run(&["validate", "-o", "json"]);
        let report: Value = serde_json::from_str(&validate.out).expect("JSON");
        let plan = rig.project.run(&["plan"]);
        // What has ended already is refused by the clock, not by the load.
        if plan.err.contains("time-past") {
            continue;
        }
        assert_eq!(validate.code, plan.code, "seed {seed}:\n{}\n{}\n{}", validate.out, plan.err, world.manifests[at]);
        assert_eq!(validate.code == 0, report["summary"]["errors"] == json!(0), "{}", validate.out);
        match validate.code {
            0 => taken += 1,
            3 => refused += 1,
            other => panic!("exit code {other}: {}", validate.err),
        }
        let codes = |text: &str| text.matches("error[").count();
        if validate.code == 3 {
            assert_eq!(codes(&rig.project.run(&["validate"]).err), codes(&plan.err), "{}", plan.err);
        }
    }
    assert!(taken > 5 && refused > 5, "{taken} taken, {refused} refused");
}
