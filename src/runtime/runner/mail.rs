//! E-mails: handed to a mail server, or kept in the outbox when none is configured.

use std::fmt;
use std::time::SystemTime;

use jiff::Timestamp;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox as Address, Message};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};

use crate::base::secret::SecretText;
use crate::behaviour::run::email::{Email, Mailbox};

/// A mail server's URL that is of no use. Says nothing of its content, which may hold a password.
#[derive(Debug, thiserror::Error)]
#[error(
    "use the mail server's URL: write smtp://, smtps:// or smtp://…?tls=required with user, password, host and port"
)]
pub struct MailServerUrlError;

/// Why an e-mail was not handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum MailFailure {
    /// The server refuses it.
    Refused(String),
    /// The server cannot be reached or cannot take it now.
    Later(String),
}

/// Hands e-mails over.
pub(super) enum Mailer {
    /// No server is configured.
    Outbox,
    /// To this server.
    Smtp(Box<AsyncSmtpTransport<Tokio1Executor>>),
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Outbox => "Mailer::Outbox",
            Self::Smtp(_) => "Mailer::Smtp",
        })
    }
}

impl Mailer {
    /// For a server's URL; the outbox without one.
    pub(super) fn new(url: Option<&SecretText>) -> Result<Self, MailServerUrlError> {
        let Some(url) = url else { return Ok(Self::Outbox) };
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose_to_target());
        builder.map(|builder| Self::Smtp(Box::new(builder.build()))).map_err(|_| MailServerUrlError)
    }

    /// Hands an e-mail over, once.
    pub(super) async fn send(&self, email: &Email, at: Timestamp) -> Result<(), MailFailure> {
        let transport = match self {
            Self::Outbox => return Ok(()),
            Self::Smtp(transport) => transport,
        };
        let message = message(email, at).map_err(|reason| MailFailure::Refused(reason.to_string()))?;
        match transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_permanent() => Err(MailFailure::Refused(error.to_string())),
            Err(error) => Err(MailFailure::Later(error.to_string())),
        }
    }
}

/// The Message-ID of an e-mail: the same for one visit of one run, so that a mail server can drop a second copy.
pub(super) fn message_id(email: &Email) -> String {
    let domain = email.from.address.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    format!("<{}@{domain}>", email.key)
}

fn message(email: &Email, at: Timestamp) -> Result<Message, Box<dyn std::error::Error + Send + Sync>> {
    let Email { from, to, subject, body, key: _ } = email;
    let built = Message::builder()
        .message_id(Some(message_id(email)))
        .date(SystemTime::from(at))
        .from(address(from)?)
        .to(address(to)?)
        .subject(subject)
        .header(ContentType::TEXT_PLAIN)
        .body(body.clone())?;
    Ok(built)
}

fn address(mailbox: &Mailbox) -> Result<Address, lettre::address::AddressError> {
    let Mailbox { name, address } = mailbox;
    Ok(Address::new(name.clone(), address.parse()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_one_recipient_and_its_own_id() {
        let email = Email {
            from: Mailbox { name: Some("Shop, \"the\" <one>".into()), address: "shop@acme.test".into() },
            to: Mailbox { name: None, address: "kim@acme.test".into() },
            subject: "Für dich".into(),
            body: "line\n.\nü".into(),
            key: "run-5".into(),
        };
        let message = message(&email, Timestamp::UNIX_EPOCH).expect("a message");
        let text = String::from_utf8(message.formatted()).expect("text");
        assert!(text.contains("Message-ID: <run-5@acme.test>\r\n"), "{text}");
        assert!(text.contains("To: kim@acme.test\r\n"), "{text}");
        assert_eq!(message.envelope().to().len(), 1);
        let (head, _) = text.split_once("\r\n\r\n").expect("a head");
        assert!(head.is_ascii(), "{head}");
    }

    #[test]
    fn a_bad_url_is_refused_without_being_shown() {
        let error = Mailer::new(Some(&SecretText::new("http://u:hunter2@x".into()))).expect_err("refused");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}
