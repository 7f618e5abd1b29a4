//! Events to a URL, signed by the Standard Webhooks scheme.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use url::Url;

use super::{TIMEOUT, TellArguments, client, name};
use crate::base::secret::SecretText;
use crate::cli::Context;
use crate::cli::exit::{self, Exit};
use crate::cli::secret_source;
use crate::reconcile::tell::lane::{Carrier, Message, Tried};
use crate::runtime::outgoing::{AnswerBody, Header, Outgoing, OutgoingAnswer, OutgoingCall, retry_after, signature};

/// The fewest bytes of a key, by the scheme.
const KEY: usize = 24;

/// Who gets events.
pub(super) struct Receiver {
    outgoing: Outgoing,
    url: Url,
    secret: PathBuf,
    name: String,
}

/// The receiver that the arguments name, if they do.
pub(super) fn receiver(context: &Context, arguments: &TellArguments) -> Result<Option<Receiver>, Exit> {
    let (Some(url), Some(file)) = (&arguments.notify_url, &arguments.notify_secret_file) else { return Ok(None) };
    let secret = context.working_folder.join(file);
    key(&secret).map_err(|problem| {
        let help = "such a secret is made by `echo whsec_$(openssl rand -base64 32)`; the receiver needs it, too";
        exit::say_error(&format!("the secret of --notify-secret-file cannot be used: {problem}"), Some(help));
        Exit::InvalidInput
    })?;
    Ok(Some(Receiver { outgoing: client(context, url)?, url: url.clone(), secret, name: name(url) }))
}

/// The key in a file.
fn key(file: &Path) -> Result<SecretText, String> {
    let secret = secret_source::of_file(file).map_err(|problem| problem.to_string())?;
    let encoded = secret.expose_to_target().strip_prefix("whsec_");
    let encoded = encoded.ok_or_else(|| format!("{} does not begin with whsec_", file.display()))?;
    match STANDARD.decode(encoded) {
        Ok(bytes) if bytes.len() >= KEY => Ok(secret),
        Ok(_) => Err(format!("{} has fewer than {KEY} bytes after whsec_", file.display())),
        Err(_) => Err(format!("what follows whsec_ in {} is not base64", file.display())),
    }
}

impl Carrier<String> for Receiver {
    async fn carry(&self, message: &Message<String>) -> Tried {
        // Read for each: a secret that is exchanged needs no restart.
        let key = match key(&self.secret) {
            Ok(key) => key,
            Err(why) => return Tried::Failed { why, not_before: None },
        };
        let now = Timestamp::now();
        let body = message.content.as_bytes();
        let mut headers = vec![Header::new("content-type", "application/json")];
        headers.extend(signature::headers(&key, &message.id, now, body));
        let call = OutgoingCall {
            method: Method::POST,
            url: self.url.clone(),
            headers,
            body: body.to_vec().into(),
            timeout: TIMEOUT,
            answer: AnswerBody::Ignored,
        };
        match self.outgoing.send(call).await {
            Ok(answer) => judge(&answer, now),
            Err(error) => Tried::Failed { why: format!("failed to {error}"), not_before: None },
        }
    }

    fn receiver(&self) -> &str {
        &self.name
    }
}

fn judge(answer: &OutgoingAnswer, now: Timestamp) -> Tried {
    let status = answer.status;
    let why = format!("the receiver answered {}", status.as_u16());
    let overloaded =
        matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS);
    if status.is_success() {
        Tried::Arrived
    } else if overloaded || status.is_server_error() {
        let not_before = answer.header("retry-after").and_then(|header| retry_after::wish(header, now));
        Tried::Failed { why, not_before }
    } else if status == StatusCode::GONE {
        Tried::Useless { why }
    } else if status.is_redirection() {
        Tried::Refused { why: format!("{why}; redirects are not followed") }
    } else {
        Tried::Refused { why }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_and_a_bad_one_says_what_is_wrong() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("secret");
        let read = |text: &str| {
            std::fs::write(&file, text).expect("a file");
            key(&file).map(|_| ())
        };
        assert_eq!(read("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"), Ok(()));
        for (text, says) in
            [("hunter2", "begin with whsec_"), ("whsec_!!", "not base64"), ("whsec_YWJj", "24 bytes"), ("", "empty")]
        {
            let problem = read(text).expect_err("a problem");
            assert!(problem.contains(says) && !problem.contains("hunter2"), "{problem}");
        }
        assert!(key(&folder.path().join("none")).is_err_and(|problem| problem.contains("none")));
    }
}
