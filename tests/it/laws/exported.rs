//! Law 3: export, then plan: empty. Export of an export: byte-identical.

use crate::rig::{Rig, actions};
use crate::world::{Random, World, seeds};

#[test]
pub(super) fn an_export_plans_empty_and_exports_as_itself() {
    for seed in seeds(8) {
        let mut random = Random::new(seed);
        let mut world = World::random(&mut random);
        let rig = Rig::new();
        rig.write_world(&world);
        rig.converge();
        for _ in 0..6 {
            world.edit(&mut random);
        }
        rig.write_world(&world);
        rig.converge();
        let export = rig.project.ok(&["export"]).out;
        rig.write(&export);
        assert_eq!(actions(&rig.plan().plan), Vec::<String>::new(), "seed {seed}:\n{export}");
        assert_eq!(rig.project.ok(&["export"]).out, export, "seed {seed}");
        // On an empty target the export makes the same objects.
        let other = Rig::applied(&export);
        assert_eq!(other.state().addresses(), world.addresses(), "seed {seed}");
        assert_eq!(other.project.ok(&["export"]).out, export, "seed {seed}");
    }
}
