//! HTTP headers in manifests: plain texts or secrets.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::finding::Findings;
use crate::base::code::Code;
use crate::base::path::Path;
use crate::base::secret::{SecretRef, looks_masked};

/// Headers by name.
pub type Headers = BTreeMap<String, HeaderValue>;

/// The value of a header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum HeaderValue {
    /// A plain text.
    Plain(String),
    /// A secret.
    Secret(SecretRef),
}

const TRANSPORT: [&str; 6] = ["host", "content-length", "connection", "transfer-encoding", "upgrade", "te"];

/// Whether a header, named in lower case, is set by whatever carries the request.
#[must_use]
pub fn belongs_to_transport(name: &str) -> bool {
    TRANSPORT.contains(&name)
}

/// Checks names and values. `authorization` says whether the header of that name may stand here.
pub fn check(headers: &Headers, at: &Path, authorization: bool, findings: &mut Findings) {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for (name, value) in headers {
        let here = at.key(name);
        let lower = name.to_ascii_lowercase();
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)) {
            findings.error(Code::InvalidHeader, here.clone(), format!("`{name}` is not a header name")).at_key();
        } else if lower == "authorization" && !authorization {
            findings
                .error(Code::ReservedHeader, here.clone(), "`Authorization` is set through auth")
                .at_key()
                .help("move it to spec.auth: { type: bearer, token: { fromEnv: … } }");
        } else if belongs_to_transport(&lower) {
            findings.error(Code::ReservedHeader, here.clone(), format!("`{name}` belongs to the transport")).at_key();
        }
        if let Some(first) = seen.insert(lower, name) {
            findings
                .error(Code::InvalidHeader, here.clone(), format!("`{name}` and `{first}` are the same header"))
                .at_key();
        }
        if let HeaderValue::Plain(text) = value {
            check_text(name, text, here, findings);
        }
    }
}

fn check_text(name: &str, text: &str, here: Path, findings: &mut Findings) {
    if text.chars().any(|c| c.is_control() && c != '\t') {
        let message = format!("the value of `{name}` has a line break or control character");
        findings.error(Code::InvalidHeader, here, message);
    } else if looks_masked(text) {
        findings
            .error(
                Code::SecretMasked,
                here,
                format!("the value of `{name}` looks like a mask, not like the value itself"),
            )
            .help("refer to the secret: { fromEnv: NAME }, { fromFile: path } or { fromCommand: [program, argument] }");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_mask_is_no_value() {
        let headers: Headers =
            serde_json::from_value(json!({"A": "plain", "M": "****", "N": {"fromEnv": "N"}, "O": "a\nb"}))
                .expect("readable headers");
        let mut findings = Findings::default();
        check(&headers, &Path::root(), true, &mut findings);
        let found: Vec<_> = findings.into_vec().into_iter().map(|f| (f.code, f.path.to_string())).collect();
        assert_eq!(found, [(Code::SecretMasked, "M".to_owned()), (Code::InvalidHeader, "O".to_owned())]);
    }
}
