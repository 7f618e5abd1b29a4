//! A request to be made, and what came back.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use url::Url;

use crate::base::secret::SecretText;

/// One request.
#[derive(Clone, Debug)]
pub struct OutgoingCall {
    /// Its method.
    pub method: Method,
    /// Where it goes: http or https.
    pub url: Url,
    /// Its headers; a name may occur once.
    pub headers: Vec<Header>,
    /// Its body; empty for none.
    pub body: Bytes,
    /// How long all of it may take: resolving, connecting, sending, and reading as much of the answer as is wanted.
    pub timeout: Duration,
    /// What becomes of the answer's body.
    pub answer: AnswerBody,
}

/// One header of a request. Every value is kept as a secret, because any may be one.
#[derive(Clone, Debug)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: SecretText,
}

impl Header {
    /// A header of these.
    #[must_use]
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: SecretText::new(value.into()) }
    }
}

/// What becomes of an answer's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerBody {
    /// Only the status and the headers count. As much is read and dropped as is cheaper than a new connection.
    Ignored,
    /// It is kept. More than this many bytes, counted after decompression, are
    /// [`TooLarge`](super::OutgoingError::TooLarge).
    Kept {
        /// The most bytes.
        limit: usize,
    },
}

/// What a request was answered with, whatever the status; a redirect is an answer like any other.
#[derive(Clone, Debug)]
pub struct OutgoingAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, decompressed; empty when it was [`AnswerBody::Ignored`].
    pub body: Bytes,
}

impl OutgoingAnswer {
    /// The value of a header, if it is there once or more and its first is a text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The media type of the body without its parameters, in lower case.
    #[must_use]
    pub fn media_type(&self) -> Option<String> {
        let whole = self.header("content-type")?;
        Some(whole.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }
}
