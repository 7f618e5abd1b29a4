//! Law 2: after apply, plan is empty; a second apply writes no object.

use crate::rig::{Rig, actions};
use crate::world::{Random, World, seeds};

#[test]
pub(super) fn after_apply_the_plan_is_empty_and_a_second_apply_writes_nothing() {
    for seed in seeds(10) {
        let mut random = Random::new(seed);
        let mut world = World::random(&mut random);
        let rig = Rig::new();
        let mut story = vec![format!("seed {seed}")];
        for _ in 0..8 {
            rig.write_world(&world);
            rig.converge();
            let state = rig.state();
            let again = rig.plan();
            assert_eq!(actions(&again.plan), Vec::<String>::new(), "{story:?}");
            assert_eq!(again.plan.refresh, [], "{story:?}");
            assert_eq!(again.plan.unknown_secrets, [], "{story:?}");
            assert!(again.plan.complete, "{story:?}");
            assert_eq!(again.plan.summary.unchanged, world.manifests.len(), "{story:?}");
            assert_eq!(state.addresses(), world.addresses(), "{story:?}");
            rig.apply(&again);
            assert!(rig.state() == state, "the second apply wrote something: {story:?}");
            for _ in 0..=random.below(3) {
                story.push(world.edit(&mut random));
            }
        }
    }
}
