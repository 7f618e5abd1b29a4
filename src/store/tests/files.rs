use std::collections::BTreeMap;
use std::path::Path;

use sqlx::{ConnectOptions as _, Connection as _};

use super::*;
use crate::store::ReadStore;

/// All files of a folder with their bytes and modes.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file"));
    files.map(|f| (f.file_name().to_string_lossy().into_owned(), std::fs::read(f.path()).expect("bytes"))).collect()
}

async fn raw(path: &Path, sql: &'static str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = options.connect().await.expect("a connection");
    sqlx::raw_sql(sql).execute(&mut connection).await.expect("done");
    connection.close().await.expect("closed");
}

async fn open(path: &Path) -> Result<Store, StoreError> {
    Store::open(path, Some(key()), Time::new().clock()).await
}

async fn open_read(path: &Path) -> Result<ReadStore, StoreError> {
    ReadStore::open(path, Some(key()), Time::new().clock()).await
}

#[tokio::test]
async fn a_closed_store_is_one_plain_file_and_reading_leaves_no_trace() {
    let f = Fixture::new().await;
    f.applied(vec![create("System/a", system())]).await;
    let snapshot = f.store.reads().digests(&project()).await.expect("digests");
    f.store.close().await.expect("closed");
    assert!(matches!(f.store.take_lease(&project(), PlanId(Uuid::nil()), "x").await, Err(StoreError::Closed)));
    let before = contents(f.folder.path());
    assert_eq!(before.keys().collect::<Vec<_>>(), ["t.db"]);
    let reader = open_read(&f.path()).await.expect("opened");
    assert_eq!(reader.digests(&project()).await.expect("digests"), snapshot);
    assert_eq!(contents(f.folder.path()), before);
    reader.close().await;
    assert_eq!(contents(f.folder.path()), before);
}

#[tokio::test]
async fn what_does_not_exist_is_empty_and_stays_absent() {
    let folder = tempfile::tempdir().expect("a folder");
    let reader = open_read(&folder.path().join("no/such.db")).await.expect("opened");
    assert_eq!(reader.digests(&project()).await.expect("digests").rows, []);
    assert_eq!(reader.read(&project(), None).await.expect("objects"), []);
    assert!(contents(folder.path()).is_empty());
}

#[tokio::test]
async fn a_store_in_use_can_be_read() {
    let f = Fixture::new().await;
    f.applied(vec![create("System/a", system())]).await;
    let reader = open_read(&f.path()).await.expect("opened");
    assert_eq!(reader.digests(&project()).await.expect("digests").rows.len(), 1);
    f.applied(vec![create("System/b", system())]).await;
    assert_eq!(reader.digests(&project()).await.expect("digests").rows.len(), 2);
}

#[tokio::test]
async fn what_a_killed_process_left_behind_is_read_without_a_trace() {
    let f = Fixture::new().await;
    f.applied(vec![create("System/a", system())]).await;
    // A copy of the open files is what a kill leaves: the write is in the log only.
    let left = tempfile::tempdir().expect("a folder");
    for (name, bytes) in contents(f.folder.path()) {
        std::fs::write(left.path().join(name), bytes).expect("copied");
    }
    let before = contents(left.path());
    assert!(before["t.db-wal"].len() > 100);
    let path = left.path().join("t.db");
    let reader = open_read(&path).await.expect("opened");
    assert_eq!(reader.digests(&project()).await.expect("digests").rows.len(), 1);
    reader.close().await;
    assert_eq!(contents(left.path()), before);
    // Without its index a log cannot be read without making one.
    std::fs::remove_file(left.path().join("t.db-shm")).expect("removed");
    assert!(matches!(open_read(&path).await, Err(StoreError::Unclosed(_))));
    let store = open(&path).await.expect("opened");
    assert_eq!(store.reads().digests(&project()).await.expect("digests").rows.len(), 1);
    store.close().await.expect("closed");
    assert_eq!(contents(left.path()).keys().collect::<Vec<_>>(), ["t.db"]);
}

#[tokio::test]
async fn a_copy_of_the_file_alone_is_read_without_a_trace() {
    let f = Fixture::new().await;
    f.applied(vec![create("System/a", system())]).await;
    {
        let mut writer = f.store.writer().await;
        let connection = writer.0.as_mut().expect("open");
        sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)").execute(connection).await.expect("merged");
    }
    let copy = tempfile::tempdir().expect("a folder");
    let path = copy.path().join("t.db");
    std::fs::copy(f.path(), &path).expect("copied");
    let before = contents(copy.path());
    let reader = open_read(&path).await.expect("opened");
    assert_eq!(reader.digests(&project()).await.expect("digests").rows.len(), 1);
    reader.close().await;
    assert_eq!(contents(copy.path()), before);
}

#[tokio::test]
async fn foreign_damaged_and_newer_files_are_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let foreign = folder.path().join("foreign.db");
    raw(&foreign, "CREATE TABLE t (x)").await;
    let text = folder.path().join("text.db");
    std::fs::write(&text, "this is no database, it is a text of some length that goes on".repeat(20)).expect("written");
    let newer = folder.path().join("newer.db");
    open(&newer).await.expect("opened").close().await.expect("closed");
    let cut = folder.path().join("cut.db");
    std::fs::copy(&newer, &cut).expect("copied");
    std::fs::OpenOptions::new().write(true).open(&cut).expect("opened").set_len(5000).expect("cut");
    raw(&newer, "PRAGMA user_version = 99").await;
    let before = contents(folder.path());
    for read in [true, false] {
        let attempt = async |path: &Path| {
            if read { open_read(path).await.err() } else { open(path).await.err() }
        };
        assert!(matches!(attempt(&foreign).await, Some(StoreError::Foreign(_))));
        assert!(matches!(attempt(&text).await, Some(StoreError::NotADatabase { .. })));
        assert!(matches!(attempt(&newer).await, Some(StoreError::Newer { found: 99, .. })));
        let error = attempt(&cut).await;
        assert!(matches!(error, Some(StoreError::NotADatabase { .. })), "{error:?}");
        assert_eq!(contents(folder.path()), before);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_made_belongs_to_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("new/t.db");
    let store = Store::open(&path, None, Time::new().clock()).await.expect("opened");
    // The log and its index come with the first write.
    store.take_lease(&project(), PlanId(Uuid::nil()), "ci").await.expect("taken");
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(path.parent().expect("a folder")), 0o700);
    for name in ["t.db", "t.db.key", "t.db-wal", "t.db-shm"] {
        assert_eq!(mode(&path.with_file_name(name)), 0o600, "{name}");
    }
    store.close().await.expect("closed");
    Store::open(&path, None, Time::new().clock()).await.expect("the key is found").close().await.expect("closed");
    let wrong = Store::open(&path, Some(key()), Time::new().clock()).await;
    assert!(matches!(wrong, Err(StoreError::WrongKey(_))));
    std::fs::remove_file(MasterKey::file_of(&path)).expect("removed");
    let missing = Store::open(&path, None, Time::new().clock()).await;
    assert!(matches!(missing, Err(StoreError::MissingKey { .. })));
}

#[cfg(unix)]
#[tokio::test]
async fn a_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(".trueup/t.db");
    Store::open(&path, None, Time::new().clock()).await.expect("opened").close().await.expect("closed");
    let ignored = std::fs::read_to_string(folder.path().join(".trueup/.gitignore")).expect("made with the folder");
    assert_eq!(ignored, "*\n");
    let key = MasterKey::file_of(&path);
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).expect("opened up");
    for error in [
        Store::open(&path, None, Time::new().clock()).await.err(),
        ReadStore::open(&path, None, Time::new().clock()).await.err(),
    ] {
        assert!(matches!(error, Some(StoreError::ExposedKey(_))), "{error:?}");
    }
}

#[tokio::test]
async fn a_folder_in_the_place_of_the_file_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(matches!(open(folder.path()).await, Err(StoreError::Folder(_))));
    assert!(matches!(open_read(folder.path()).await, Err(StoreError::Folder(_))));
}

#[tokio::test]
async fn a_path_that_looks_like_a_uri_is_a_path() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file:x?mode=memory&a=%41 ü#.db");
    let store = open(&path).await.expect("opened");
    store.close().await.expect("closed");
    assert!(path.exists());
    assert_eq!(contents(folder.path()).len(), 1);
}

#[tokio::test]
async fn a_full_disk_is_said_and_leaves_nothing() {
    let f = Fixture::new().await;
    let changeset = f.changeset(super::bulk::many(200)).await;
    {
        // The page limit of a connection fails as a full disk does.
        let mut writer = f.store.writer().await;
        let connection = writer.0.as_mut().expect("open");
        let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&mut *connection).await.expect("pages");
        let limit = format!("PRAGMA max_page_count = {}", pages + 3);
        sqlx::raw_sql(sqlx::AssertSqlSafe(limit)).execute(connection).await.expect("limited");
    }
    assert!(matches!(f.store.changeset(&changeset).await, Err(StoreError::Full)));
    assert!(f.rows().await.is_empty());
    let log = std::fs::metadata(f.folder.path().join("t.db-wal")).expect("a log").len();
    assert_eq!(log, 0, "the disk space is given back");
    {
        let mut writer = f.store.writer().await;
        let connection = writer.0.as_mut().expect("open");
        sqlx::raw_sql("PRAGMA max_page_count = 1000000").execute(connection).await.expect("unlimited");
    }
    f.store.changeset(&changeset).await.expect("the same changeset, once there is room");
}

#[tokio::test]
async fn several_may_make_and_use_one_store_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t.db");
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..6u128 {
        let path = path.clone();
        tasks.spawn(async move {
            let store = Store::open(&path, None, Time::new().clock()).await.expect("opened");
            let name = Name::from_any(&format!("project-{n}"));
            store.take_lease(&name, PlanId(Uuid::from_u128(n)), "ci").await.expect("taken");
            let address = at("Destination/d");
            let metadata = Metadata::named(address.name.clone());
            let content = vec![secret("spec.auth.token", "content")];
            let put = store.put_by_hand(&name, &address, metadata, secret_destination(), content, "ana", None);
            put.await.expect("put");
            store.close().await.expect("closed");
            name
        });
    }
    let names = tasks.join_all().await;
    let store = Store::open(&path, None, Time::new().clock()).await.expect("opened");
    for name in &names {
        let row = store.reads().digests(name).await.expect("digests").rows.remove(0);
        assert_eq!(row.generation.0, 1);
        assert_eq!(store.secrets_of(name, row.id).await.expect("one key for all").len(), 1);
    }
    store.close().await.expect("closed");
    assert_eq!(contents(folder.path()).keys().collect::<Vec<_>>(), ["t.db", "t.db.key"]);
}

/// A process that is killed while its file is in rollback mode, as when it is made or closed, leaves a journal.
#[tokio::test]
async fn what_a_killed_process_had_begun_is_taken_back_before_reading() {
    let (there, copied) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let path = there.path().join("t.db");
    let store = Store::open(&path, None, Time::new().clock()).await.expect("opened");
    store.close().await.expect("closed");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let mut writer = sqlx::ConnectOptions::connect(&options).await.expect("connected");
    let begun = "PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN IMMEDIATE; CREATE TABLE begun (it TEXT);
                 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
                 INSERT INTO begun SELECT hex(randomblob(200)) FROM n;";
    sqlx::raw_sql(begun).execute(&mut writer).await.expect("begun");
    for name in ["t.db", "t.db-journal", "t.db.key"] {
        std::fs::copy(there.path().join(name), copied.path().join(name)).expect("a copy");
    }
    let store = ReadStore::open(&copied.path().join("t.db"), None, Time::new().clock()).await.expect("opened");
    assert_eq!(store.digests(&Name::from_any("acme")).await.expect("digests").rows, []);
    store.close().await;
}
