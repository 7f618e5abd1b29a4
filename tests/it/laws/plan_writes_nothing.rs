//! Law 1: plan writes nothing. That it cannot is a matter of types; that nothing happens beside the types is seen here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::rig::Rig;
use crate::stories::{BASE, base_with};
use crate::world::{Random, World, seeds};

/// Every file and folder below a folder, with the bytes of the files.
fn tree(folder: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(tree(&path));
            found.insert(path, None);
        } else {
            let bytes = std::fs::read(&path).expect("a file");
            found.insert(path, Some(bytes));
        }
    }
    found
}

fn set_read_only(folder: &Path, read_only: bool) {
    let mut paths: Vec<PathBuf> = tree(folder).into_keys().collect();
    paths.push(folder.to_owned());
    for path in paths {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = match (path.is_dir(), read_only) {
            (true, true) => 0o500,
            (true, false) => 0o700,
            (false, true) => 0o400,
            (false, false) => 0o600,
        };
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("permissions");
    }
}

const READING: &[&[&str]] = &[
    &["plan", "--prune"],
    &["plan", "--prune", "-o", "json"],
    &["diff", "--adopt", "--allow-send"],
    &["plan", "--destroy"],
    &["validate"],
    &["drift"],
    &["export"],
];

#[test]
pub(super) fn every_file_and_folder_stays_as_it_was() {
    for seed in seeds(3) {
        let mut random = Random::new(seed);
        let mut world = World::random(&mut random);
        let rig = Rig::new();
        rig.write_world(&world);
        rig.converge();
        for _ in 0..6 {
            world.edit(&mut random);
        }
        rig.write_world(&world);
        set_read_only(rig.project.path(), true);
        let before = tree(rig.project.path());
        for verb in READING {
            rig.project.ok(verb);
            assert!(tree(rig.project.path()) == before, "{verb:?} wrote something: seed {seed}");
        }
        set_read_only(rig.project.path(), false);
    }
}

#[test]
pub(super) fn planning_beside_an_open_store_leaves_its_log_and_index_alone() {
    let rig = Rig::applied(BASE);
    rig.write(&base_with(&[("X-Team: red", "X-Team: blue")]));
    let address = "Audience/sales".parse().expect("an address");
    let project = crate::rig::PROJECT.parse().expect("a name");
    rig.in_store(async |store| {
        // Something in the log that is not yet in the file.
        let record = store.reads().read(&project, Some(&[address])).await.expect("a read").remove(0);
        let metadata = record.metadata.clone();
        let put = store.put_by_hand(
            &project,
            &record.address,
            metadata,
            serde_json::json!({"members": ["kim@acme.test"]}),
            Vec::new(),
            "kim@console",
            None,
        );
        put.await.expect("a change by hand");
        let before = tree(rig.project.path());
        assert!(before.keys().any(|path| path.ends_with(".trueup/local.db-wal")), "{:?}", before.keys());
        let plan = rig.project.ok(&["plan"]);
        assert!(plan.out.contains("Audience/sales"), "the log was not read: {}", plan.out);
        assert!(tree(rig.project.path()) == before, "plan wrote something");
    });
}

#[test]
pub(super) fn nothing_is_made_where_there_is_no_database() {
    let rig = Rig::with(BASE);
    let before = tree(rig.project.path());
    for verb in READING {
        rig.project.ok(verb);
        assert!(tree(rig.project.path()) == before, "{verb:?} made something");
    }
}

#[test]
pub(super) fn an_empty_apply_writes_nothing_either() {
    let rig = Rig::applied(BASE);
    let before = rig.state();
    let done = rig.project.ok(&["apply", "-y"]);
    assert!(done.out.ends_with("Apply complete! Resources: 0 added, 0 changed, 0 destroyed.\n"), "{}", done.out);
    assert!(rig.state() == before, "an empty apply wrote something");
}
