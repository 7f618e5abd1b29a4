//! Signing requests by the Standard Webhooks scheme (<https://www.standardwebhooks.com>), so that a receiver can tell
//! where they come from and that nobody changed or repeated them.
//!
//! Three headers: `webhook-id` (the delivery's id, the same for every attempt), `webhook-timestamp` (seconds since
//! 1970 of the attempt), `webhook-signature` (`v1,` and the base64 of the HMAC-SHA-256 of `id.timestamp.body`). The
//! body of a GET is empty: its query is not covered.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use zeroize::Zeroizing;

use super::call::Header;
use crate::base::fingerprint::hmac_sha256;
use crate::base::secret::SecretText;

/// What marks a key that is written as base64.
const PREFIX: &str = "whsec_";

/// The headers that sign a body.
///
/// A key `whsec_<base64>` is decoded, as the scheme says; any other, and one whose rest is not base64, is used as its
/// own bytes.
#[must_use]
pub fn headers(key: &SecretText, id: &str, at: Timestamp, body: &[u8]) -> [Header; 3] {
    let seconds = at.as_second().to_string();
    let signature = sign(key, id, &seconds, body);
    [
        Header::new("webhook-id", id),
        Header::new("webhook-timestamp", seconds),
        Header::new("webhook-signature", signature),
    ]
}

fn sign(key: &SecretText, id: &str, seconds: &str, body: &[u8]) -> String {
    let text = key.expose_to_target();
    let decoded = text.strip_prefix(PREFIX).and_then(|encoded| STANDARD.decode(encoded).ok());
    let bytes = Zeroizing::new(decoded.unwrap_or_else(|| text.as_bytes().to_vec()));
    let mac = hmac_sha256(&bytes, &[id.as_bytes(), b".", seconds.as_bytes(), b".", body]);
    format!("v1,{}", STANDARD.encode(mac))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(key: &str, id: &str, seconds: &str, body: &str) -> String {
        sign(&SecretText::new(key.into()), id, seconds, body.as_bytes())
    }

    /// The vector of the scheme's reference implementations.
    #[test]
    fn the_published_vector_is_met() {
        let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let signature = signed(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_key_of_another_form_is_used_as_its_bytes() {
        let decoded = STANDARD.encode("hunter2hunter2");
        assert_eq!(signed(&format!("whsec_{decoded}"), "m", "1", "b"), signed("hunter2hunter2", "m", "1", "b"));
        assert_ne!(signed("whsec_!!", "m", "1", "b"), signed("!!", "m", "1", "b"));
    }

    #[test]
    fn the_headers_are_three() {
        let at = Timestamp::from_second(1_614_265_330).expect("a time");
        let headers = headers(&SecretText::new("k".into()), "msg", at, b"{}");
        let texts = headers.map(|header| format!("{}: {}", header.name, header.value.expose_to_target()));
        assert_eq!(texts[0], "webhook-id: msg");
        assert_eq!(texts[1], "webhook-timestamp: 1614265330");
        assert!(texts[2].starts_with("webhook-signature: v1,"));
    }
}
