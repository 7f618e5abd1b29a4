use super::*;
use crate::base::fingerprint::fingerprint;
use crate::store::ReadStore;
use crate::store::secrets::COMPARISONS_A_MINUTE;

const CONTENT: &str = "hunter2-hunter2-hunter2";

async fn with_secret() -> Fixture {
    let f = Fixture::new().await;
    let content = vec![secret("spec.auth.token", CONTENT)];
    f.applied(vec![create_with("Destination/d", secret_destination(), content)]).await;
    f
}

async fn ask(store: &ReadStore, salt: &str, path: &str, content: &str) -> Option<bool> {
    let print = fingerprint(salt, &SecretText::new(content.into()));
    let address = at("Destination/d");
    store.compare_secrets(&project(), &[(&address, path, &print)]).await.expect("compared")[0]
}

#[tokio::test]
async fn contents_are_compared_and_never_seen() {
    let f = with_secret().await;
    let slot = f.row("Destination/d").await.secrets.remove(0);
    assert_eq!(slot.path, "spec.auth.token");
    assert_eq!(ask(f.store.reads(), &slot.salt, "spec.auth.token", CONTENT).await, Some(true));
    assert_eq!(ask(f.store.reads(), &slot.salt, "spec.auth.token", "other").await, Some(false));
    assert_eq!(ask(f.store.reads(), &slot.salt, "spec.nothing", CONTENT).await, None);
    for file in std::fs::read_dir(f.folder.path()).expect("a folder") {
        let file = file.expect("a file").path();
        let bytes = std::fs::read(&file).expect("bytes");
        assert!(!bytes.windows(CONTENT.len()).any(|window| window == CONTENT.as_bytes()), "{}", file.display());
    }
}

#[tokio::test]
async fn without_a_key_no_secret_is_compared() {
    let f = with_secret().await;
    let slot = f.row("Destination/d").await.secrets.remove(0);
    let reader = ReadStore::open(&f.path(), None, f.time.clock()).await.expect("opened");
    let address = at("Destination/d");
    let asked = reader.compare_secrets(&project(), &[(&address, "spec.auth.token", "x")]).await;
    assert!(matches!(asked, Err(StoreError::MissingKey { .. })), "{asked:?}");
    let other = Name::from_any("other");
    let asked = reader.compare_secrets(&other, &[(&address, "spec.auth.token", "x")]).await;
    assert_eq!(asked.expect("a project without secrets needs no key"), [None]);
    let reader = ReadStore::open(&f.path(), Some(key()), f.time.clock()).await.expect("opened");
    assert_eq!(ask(&reader, &slot.salt, "spec.auth.token", CONTENT).await, Some(true));
    let wrong = MasterKey::random().expect("a key");
    assert!(matches!(ReadStore::open(&f.path(), Some(wrong), f.time.clock()).await, Err(StoreError::WrongKey(_))));
}

#[tokio::test]
async fn secrets_are_kept_changed_and_forgotten() {
    let f = with_secret().await;
    let before = f.row("Destination/d").await.secrets.remove(0);
    let mut spec = secret_destination();
    spec["timeoutSeconds"] = 5.into();
    f.applied(vec![update("Destination/d", Generation(1), spec.clone())]).await;
    assert_eq!(f.row("Destination/d").await.secrets, std::slice::from_ref(&before), "kept with its salt");
    let content = vec![secret("spec.auth.token", "new content")];
    f.applied(vec![update_with("Destination/d", Generation(2), spec, content)]).await;
    let after = f.row("Destination/d").await.secrets.remove(0);
    assert_ne!(after.salt, before.salt);
    assert_eq!(ask(f.store.reads(), &after.salt, "spec.auth.token", "new content").await, Some(true));
    f.applied(vec![update("Destination/d", Generation(3), destination("https://a.test"))]).await;
    assert_eq!(f.count("SELECT count(*) FROM secrets").await, 0);
}

#[tokio::test]
async fn guessing_is_slowed_down() {
    let f = with_secret().await;
    let address = at("Destination/d");
    let many = vec![(&address, "spec.nothing", "x"); COMPARISONS_A_MINUTE as usize];
    f.store.reads().compare_secrets(&project(), &many).await.expect("just so many");
    let one_more = f.store.reads().compare_secrets(&project(), &many[..1]).await;
    assert!(matches!(one_more, Err(StoreError::TooManyComparisons { .. })));
    f.time.pass(61);
    f.store.reads().compare_secrets(&project(), &many[..1]).await.expect("a minute later");
}
