//! Why a request got no answer. Texts never contain the URL or a header's value: either may be a secret.

use std::error::Error as StdError;

use super::resolver::{Blocked, LookupFailed};

/// A request without an answer. Messages complete "failed to …" and are fit for the log of attempts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutgoingError {
    /// The egress guard does not let the request through; nothing was sent.
    #[error("reach the host: {0}")]
    Blocked(String),
    /// The URL is not one that is called (neither http nor https, or without a host); nothing was sent.
    #[error("call the URL: {0}")]
    InvalidUrl(String),
    /// A header cannot be sent as it stands; nothing was sent.
    #[error("send the header `{name}`: {reason}")]
    InvalidHeader {
        /// The header's name, shortened.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The host's name could not be resolved.
    #[error("resolve the host's name: {0}")]
    Dns(String),
    /// No connection came about.
    #[error("connect: {0}")]
    Connect(String),
    /// The other side could not be trusted, or does not speak TLS.
    #[error("agree on TLS: {0}")]
    Tls(String),
    /// The time ran out. The request may have been received.
    #[error("get an answer within {0} s")]
    Timeout(String),
    /// The connection broke, or what came back is not HTTP. The request may have been received.
    #[error("exchange HTTP: {0}")]
    Broken(String),
    /// The answer is larger than whoever asked wants to read. The request was received.
    #[error("read the answer: it is longer than {limit} bytes")]
    TooLarge {
        /// The most bytes that were wanted.
        limit: usize,
    },
}

impl OutgoingError {
    /// A short word for metrics and logs.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Blocked(_) => "blocked",
            Self::InvalidUrl(_) => "invalid-url",
            Self::InvalidHeader { name: _, reason: _ } => "invalid-header",
            Self::Dns(_) => "dns",
            Self::Connect(_) => "connect",
            Self::Tls(_) => "tls",
            Self::Timeout(_) => "timeout",
            Self::Broken(_) => "broken",
            Self::TooLarge { limit: _ } => "too-large",
        }
    }

    /// Whether it is certain that the other side received nothing.
    #[must_use]
    pub fn nothing_sent(&self) -> bool {
        match self {
            Self::Blocked(_)
            | Self::InvalidUrl(_)
            | Self::InvalidHeader { name: _, reason: _ }
            | Self::Dns(_)
            | Self::Connect(_)
            | Self::Tls(_) => true,
            Self::Timeout(_) | Self::Broken(_) | Self::TooLarge { limit: _ } => false,
        }
    }

    /// What an error of the HTTP library means.
    pub(super) fn of(error: reqwest::Error) -> Self {
        let is_connect = error.is_connect();
        let error = error.without_url();
        if let Some(blocked) = find::<Blocked>(&error) {
            return Self::Blocked(blocked.to_string());
        }
        if let Some(failed) = find::<LookupFailed>(&error) {
            return Self::Dns(failed.to_string());
        }
        if let Some(tls) = find::<rustls::Error>(&error) {
            return Self::Tls(shortened(&tls.to_string()));
        }
        let cause = root(&error);
        if is_connect { Self::Connect(cause) } else { Self::Broken(cause) }
    }
}

/// The most characters of a cause: texts may hold what the other side sent.
const CAUSE: usize = 200;

fn shortened(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(CAUSE).collect()
}

/// The errors of a chain. An `io::Error` hands on the source of what it wraps and skips that itself.
fn chain<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| beneath(*error))
}

fn beneath<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e (dyn StdError + 'static)> {
    match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

fn find<'e, E: StdError + 'static>(error: &'e (dyn StdError + 'static)) -> Option<&'e E> {
    chain(error).find_map(|error| error.downcast_ref())
}

fn root(error: &(dyn StdError + 'static)) -> String {
    let last = chain(error).last().map(ToString::to_string);
    shortened(&last.unwrap_or_else(|| error.to_string()))
}
