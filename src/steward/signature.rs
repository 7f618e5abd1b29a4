//! Whether a push hook comes from who knows the secret, and what it is about.

use axum::http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

use crate::base::fingerprint::KeyedHash;
use crate::base::secret::SecretText;

/// GitHub's: `sha256=` and 64 hex digits, of the whole body. Gitea, Forgejo and others send the same.
const SIGNATURE: &str = "x-hub-signature-256";
/// GitLab's: the secret itself.
const TOKEN: &str = "x-gitlab-token";

/// A check that the body is to be given to.
pub struct Check(Way);

enum Way {
    /// The hash of what was given so far, and what it must come to.
    Hash(KeyedHash, [u8; 32]),
    /// The secret itself was shown, and is right.
    Token,
}

impl Check {
    /// The check of a request with these headers; `None` when they can be told to be wrong without its body.
    #[must_use]
    pub fn begin(secret: &SecretText, headers: &HeaderMap) -> Option<Self> {
        let key = secret.expose_to_target().as_bytes();
        if let Some(signature) = only(headers, SIGNATURE).ok()? {
            let expected = hex(signature.as_bytes().strip_prefix(b"sha256=")?)?;
            return Some(Self(Way::Hash(KeyedHash::new(key), expected)));
        }
        let token = only(headers, TOKEN).ok()??;
        bool::from(token.as_bytes().ct_eq(key)).then_some(Self(Way::Token))
    }

    /// The next part of the body.
    pub fn add(&mut self, part: &[u8]) {
        match &mut self.0 {
            Way::Hash(hash, _) => hash.add(part),
            Way::Token => {}
        }
    }

    /// Whether it is right, the body having ended.
    #[must_use]
    pub fn end(self) -> bool {
        match self.0 {
            Way::Hash(hash, expected) => hash.end().ct_eq(&expected).into(),
            Way::Token => true,
        }
    }
}

/// A header came more than once, so that nobody knows which counts.
struct Several;

/// The one header of this name, if there is one.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h HeaderValue>, Several> {
    let mut all = headers.get_all(name).iter();
    let first = all.next();
    if all.next().is_none() { Ok(first) } else { Err(Several) }
}

/// The bytes of 64 hex digits.
fn hex(digits: &[u8]) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    if pairs.len() != bytes.len() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
        *byte = u8::try_from(high? * 16 + low?).ok()?;
    }
    Some(bytes)
}

/// What a hook tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody tries whether the hook works.
    Ping,
    /// A push: its payload names a whole ref.
    Push,
    /// Anything else.
    Other,
}

impl Event {
    /// As the headers name it.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let named = |name: &str| headers.get(name).map(HeaderValue::as_bytes);
        match (named("x-github-event"), named("x-gitlab-event")) {
            (Some(b"ping"), _) => Self::Ping,
            (Some(b"push"), _) | (None, Some(b"Push Hook" | b"Tag Push Hook")) => Self::Push,
            (_, _) => Self::Other,
        }
    }
}

/// The ref that the payload of a push is about, where it can be read.
#[must_use]
pub fn pushed_reference(payload: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Payload {
        #[serde(rename = "ref")]
        reference: String,
    }
    let Payload { reference } = serde_json::from_slice(payload).ok()?;
    reference.starts_with("refs/").then_some(reference)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn right(secret: &str, pairs: &[(&'static str, &str)], body: &[&str]) -> bool {
        let Some(mut check) = Check::begin(&SecretText::new(secret.to_owned()), &headers(pairs)) else { return false };
        for part in body {
            check.add(part.as_bytes());
        }
        check.end()
    }

    /// From GitHub's documentation of webhooks.
    const SECRET: &str = "It's a Secret to Everybody";
    const SIGNED: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    #[test]
    fn the_published_example_of_github_is_right_and_nothing_near_it() {
        assert!(right(SECRET, &[(SIGNATURE, SIGNED)], &["Hello, World!"]));
        assert!(right(SECRET, &[(SIGNATURE, SIGNED)], &["Hello", ", World", "!"]), "however it comes");
        assert!(!right(SECRET, &[(SIGNATURE, SIGNED)], &["Hello, World"]));
        assert!(!right("another", &[(SIGNATURE, SIGNED)], &["Hello, World!"]));
        for wrong in ["", "sha256=", &SIGNED[7..], &SIGNED[..70], &format!("{SIGNED}0"), &SIGNED.replace("757", "75g")]
        {
            assert!(!right(SECRET, &[(SIGNATURE, wrong)], &["Hello, World!"]), "{wrong}");
        }
        let twice = [(SIGNATURE, SIGNED), (SIGNATURE, SIGNED)];
        assert!(!right(SECRET, &twice, &["Hello, World!"]), "which of them counts?");
        assert!(!right(SECRET, &[("x-hub-signature", SIGNED)], &["Hello, World!"]), "SHA-1 is not taken");
    }

    #[test]
    fn the_token_of_gitlab_is_the_secret_and_no_way_around_a_signature() {
        assert!(right("s3cret", &[(TOKEN, "s3cret")], &["anything"]));
        for wrong in ["", "s3cre", "s3crets", "S3cret"] {
            assert!(!right("s3cret", &[(TOKEN, wrong)], &[]), "{wrong}");
        }
        assert!(!right("s3cret", &[], &[]));
        let both = [(TOKEN, "s3cret"), (SIGNATURE, SIGNED)];
        assert!(!right("s3cret", &both, &["Hello, World!"]), "a wrong signature is wrong");
    }

    #[test]
    fn only_a_push_says_which_ref_it_is_about() {
        assert_eq!(Event::of(&headers(&[("x-github-event", "ping")])), Event::Ping);
        assert_eq!(Event::of(&headers(&[("x-github-event", "push")])), Event::Push);
        assert_eq!(Event::of(&headers(&[("x-gitlab-event", "Tag Push Hook")])), Event::Push);
        assert_eq!(Event::of(&headers(&[("x-github-event", "create")])), Event::Other);
        assert_eq!(Event::of(&headers(&[])), Event::Other);
        let payload = br#"{"ref":"refs/heads/main","commits":[{"id":"1"}]}"#;
        assert_eq!(pushed_reference(payload).as_deref(), Some("refs/heads/main"));
        for unsure in [&b"{}"[..], b"payload=%7B%7D", br#"{"ref":"main"}"#, br#"{"ref":"refs/heads/main"#] {
            assert_eq!(pushed_reference(unsure), None);
        }
    }
}
