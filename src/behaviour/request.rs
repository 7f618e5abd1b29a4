//! A request that is to be made: complete but for the contents of secrets, for which it has their references.
//!
//! The runtime fills the contents in and sends it; a preview shows it as it is.

use serde::Serialize;

use crate::base::secret::SecretRef;

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RequestMethod {
    /// Without a body.
    Get,
    /// With a body.
    Post,
    /// With a body.
    Put,
    /// With a body.
    Patch,
    /// From a destination with a body, from a workflow's step without.
    Delete,
    /// Without a body; only from a workflow's step.
    Head,
}

impl RequestMethod {
    /// As on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Head => "HEAD",
        }
    }
}

/// A request without the contents of secrets.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutgoingRequest {
    /// The method.
    pub method: RequestMethod,
    /// Absolute, http or https, with its query.
    pub url: String,
    /// Headers in the order they are sent, `Authorization` and the headers of the transport and of signing excepted.
    pub headers: Vec<(String, Content)>,
    /// The body as it is sent; `None` for a request without one.
    pub body: Option<String>,
    /// How it is authenticated.
    pub auth: RequestAuth,
    /// The key it is signed with by the Standard Webhooks scheme.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing: Option<SecretPlace>,
}

/// A text, or the place of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Content {
    /// Known.
    Plain(String),
    /// Known to the target only.
    Secret(SecretPlace),
}

/// Where the content of a secret is found. Serialises as the reference that stands in the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SecretPlace {
    /// Path in the object that holds it, as in [`crate::kinds`]' field tables and the store's slots: `spec.auth.token`.
    #[serde(skip)]
    pub path: String,
    /// The reference written there.
    #[serde(flatten)]
    pub reference: SecretRef,
}

/// Authentication as data: what becomes `Authorization` once the contents are known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum RequestAuth {
    /// None.
    None,
    /// `Bearer <token>`.
    Bearer {
        /// The token.
        token: SecretPlace,
    },
    /// `Basic base64(<username>:<password>)`.
    Basic {
        /// The user's name.
        username: String,
        /// The password.
        password: SecretPlace,
    },
    /// `Bearer <token>`, with a token got by OAuth 2.0 client credentials.
    Oauth2 {
        /// Where the token is asked for.
        token_url: String,
        /// The client's id.
        client_id: String,
        /// The client's secret.
        client_secret: SecretPlace,
        /// Scopes asked for.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        scopes: Vec<String>,
        /// Audience asked for.
        #[serde(skip_serializing_if = "Option::is_none")]
        audience: Option<String>,
    },
}

/// Adds a text percent-encoded: all but letters, digits and `-._~` (RFC 3986 §2.3), so that it means itself anywhere in
/// a URL, and in a form too.
pub fn percent_encode(text: &str, into: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            into.push('%');
            for digit in [byte >> 4, byte & 15] {
                into.extend(DIGITS.get(usize::from(digit)).map(|digit| char::from(*digit)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unreserved_characters_stay() {
        let mut text = String::new();
        percent_encode("aZ0-._~ +&=/ä\n", &mut text);
        assert_eq!(text, "aZ0-._~%20%2B%26%3D%2F%C3%A4%0A");
    }

    #[test]
    fn a_secret_is_shown_as_its_reference() {
        let place = SecretPlace { path: "spec.auth.token".into(), reference: SecretRef::FromEnv("TOKEN".into()) };
        let auth = RequestAuth::Bearer { token: place.clone() };
        let shown = serde_json::to_value(&auth).expect("serialised");
        assert_eq!(shown, serde_json::json!({"type": "bearer", "token": {"fromEnv": "TOKEN"}}));
        let header = serde_json::to_value(Content::Secret(place)).expect("serialised");
        assert_eq!(header, serde_json::json!({"fromEnv": "TOKEN"}));
    }
}
