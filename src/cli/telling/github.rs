//! The status of a commit on GitHub, through its API: `POST /repos/{owner}/{repo}/statuses/{sha}`
//! (<https://docs.github.com/en/rest/commits/statuses>).

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

use super::{TIMEOUT, TellArguments, client, name};
use crate::base::secret::SecretText;
use crate::cli::Context;
use crate::cli::exit::{self, Exit};
use crate::cli::secret_source;
use crate::reconcile::tell::commit_status::CommitStatus;
use crate::reconcile::tell::lane::{Carrier, Message, Tried};
use crate::reconcile::tell::notes::ProjectNotes;
use crate::runtime::outgoing::{AnswerBody, Header, Outgoing, OutgoingAnswer, OutgoingCall, retry_after};

/// Where the API is.
const API: &str = "https://api.github.com";
/// The most bytes of an answer: a status is answered with some thousand.
const ANSWER: usize = 1024 * 1024;
/// Characters of a name that GitHub takes.
const CONTEXT: usize = 255;

/// A repository on GitHub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Repository {
    owner: String,
    name: String,
}

/// What a commit is given.
pub(super) struct Status {
    /// State and description.
    pub(super) status: CommitStatus,
    /// The name under which GitHub lists it.
    pub(super) context: String,
}

/// How statuses are named.
pub(super) struct ContextName {
    /// The name that was asked for.
    pub(super) given: Option<String>,
    /// Whether there is more than one project.
    pub(super) several: bool,
}

impl ContextName {
    /// The name for one project.
    pub(super) fn of(&self, path: &str, project: &ProjectNotes) -> String {
        let text = match (&self.given, &project.project, &project.target) {
            (Some(given), _, _) if self.several => format!("{given}/{path}"),
            (Some(given), _, _) => given.clone(),
            (None, Some(project), Some(target)) => format!("trueup/{project}/{target}"),
            (None, _, _) if path.is_empty() => "trueup".to_owned(),
            (None, _, _) => format!("trueup/{path}"),
        };
        text.chars().take(CONTEXT).collect()
    }
}

/// Where statuses go.
pub(super) struct Receiver {
    outgoing: Outgoing,
    api: Url,
    repository: Repository,
    token: Token,
    name: String,
}

/// Where the token comes from.
enum Token {
    /// Read for each status: tokens of GitHub Apps last an hour.
    File(PathBuf),
    /// It stays what it was.
    Given(SecretText),
}

/// The receiver that the arguments name, if they do.
pub(super) fn receiver(context: &Context, arguments: &TellArguments) -> Result<Option<Receiver>, Exit> {
    let Some(repository) = &arguments.github_repository else { return Ok(None) };
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let api = match (&arguments.github_api_url, set("GITHUB_API_URL")) {
        (Some(url), _) => url.clone(),
        (None, text) => super::address(text.as_deref().unwrap_or(API)).map_err(|problem| {
            exit::say_error(&format!("GITHUB_API_URL cannot be used: {problem}"), None);
            Exit::Usage
        })?,
    };
    let token = match (&arguments.github_token_file, set("GITHUB_TOKEN")) {
        (Some(file), _) => Token::File(context.working_folder.join(file)),
        (None, Some(token)) => Token::Given(SecretText::new(token)),
        (None, None) => {
            let help = "give --github-token-file, or set GITHUB_TOKEN; it needs leave to write commit statuses";
            exit::say_error("there is no token for GitHub", Some(help));
            return Err(Exit::Usage);
        }
    };
    token.read().map_err(|problem| {
        exit::say_error(&format!("the token of --github-token-file cannot be used: {problem}"), None);
        Exit::InvalidInput
    })?;
    let name = format!("{}/{} at {}", repository.owner, repository.name, name(&api));
    Ok(Some(Receiver { outgoing: client(context, &api)?, api, repository: repository.clone(), token, name }))
}

impl Token {
    fn read(&self) -> Result<SecretText, String> {
        match self {
            Self::File(path) => secret_source::of_file(path).map_err(|problem| problem.to_string()),
            Self::Given(token) => Ok(token.clone()),
        }
    }
}

impl Receiver {
    fn url(&self, commit: &str) -> Option<Url> {
        let mut url = self.api.clone();
        let Repository { owner, name } = &self.repository;
        url.path_segments_mut().ok()?.pop_if_empty().extend(["repos", owner, name, "statuses", commit]);
        Some(url)
    }
}

impl Carrier<Status> for Receiver {
    async fn carry(&self, message: &Message<Status>) -> Tried {
        let Status { status: CommitStatus { commit, state, description }, context } = &message.content;
        let token = match self.token.read() {
            Ok(token) => token,
            Err(why) => return Tried::Failed { why, not_before: None },
        };
        let Some(url) = self.url(commit) else {
            return Tried::Useless { why: "the API's address has no path".to_owned() };
        };
        let body = json!({ "state": state.as_str(), "context": context, "description": description });
        let call = OutgoingCall {
            method: Method::POST,
            url,
            headers: vec![
                Header::new("accept", "application/vnd.github+json"),
                Header::new("authorization", format!("Bearer {}", token.expose_to_target())),
                Header::new("content-type", "application/json"),
                Header::new("x-github-api-version", "2022-11-28"),
            ],
            body: body.to_string().into(),
            timeout: TIMEOUT,
            answer: AnswerBody::Kept { limit: ANSWER },
        };
        match self.outgoing.send(call).await {
            Ok(answer) => judge(&answer, Timestamp::now()),
            Err(error) => Tried::Failed { why: format!("failed to {error}"), not_before: None },
        }
    }

    fn receiver(&self) -> &str {
        &self.name
    }
}

fn judge(answer: &OutgoingAnswer, now: Timestamp) -> Tried {
    let status = answer.status;
    if status.is_success() {
        return Tried::Arrived;
    }
    let why = |means: &str| format!("GitHub answered {}{}{means}", status.as_u16(), said(&answer.body));
    let limited = limit(answer, now);
    match status {
        StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS if limited.is_some() => {
            Tried::Failed { why: why(": too many requests"), not_before: limited }
        }
        // A token may just be being exchanged.
        StatusCode::UNAUTHORIZED => Tried::Refused { why: why(": it does not know the token") },
        StatusCode::FORBIDDEN => Tried::Useless { why: why(": the token may not write commit statuses") },
        StatusCode::NOT_FOUND => {
            Tried::Useless { why: why(": there is no such repository, or the token may not write its commit statuses") }
        }
        // A commit that was just pushed may not be there yet.
        StatusCode::UNPROCESSABLE_ENTITY => Tried::Refused {
            why: why(": the repository does not have the commit, or it has a thousand statuses of this name"),
        },
        StatusCode::REQUEST_TIMEOUT => Tried::Failed { why: why(""), not_before: None },
        _ if status.is_server_error() => Tried::Failed { why: why(""), not_before: limited },
        _ => Tried::Useless { why: why("") },
    }
}

/// Until when GitHub wants no more: by `Retry-After`, by its own headers where nothing remains, or by its words alone. A
/// minute is what it then asks for
/// (<https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api>).
fn limit(answer: &OutgoingAnswer, now: Timestamp) -> Option<Timestamp> {
    let wished = answer.header("retry-after").and_then(|header| retry_after::wish(header, now));
    let reset = || {
        answer.header("x-ratelimit-remaining").filter(|left| left.trim() == "0")?;
        let seconds = answer.header("x-ratelimit-reset")?.trim().parse().ok()?;
        Timestamp::from_second(seconds).ok()
    };
    let words = || {
        let is_limited =
            answer.status == StatusCode::TOO_MANY_REQUESTS || said(&answer.body).to_lowercase().contains("rate limit");
        is_limited.then(|| now.checked_add(SignedDuration::from_mins(1)).unwrap_or(Timestamp::MAX))
    };
    wished.or_else(reset).or_else(words)
}

/// What an answer says, cut.
fn said(body: &[u8]) -> String {
    let body: Option<Value> = serde_json::from_slice(body).ok();
    let message = body.as_ref().and_then(|body| body.get("message")).and_then(Value::as_str).unwrap_or_default();
    let line: String = message.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.is_empty() { line } else { format!(" ({line})") }
}

/// Reads `owner/repo`.
pub(super) fn repository(text: &str) -> Result<Repository, String> {
    let fits = |part: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        !part.is_empty() && part.len() <= 100 && part != "." && part != ".." && part.chars().all(plain)
    };
    match text.split_once('/') {
        Some((owner, name)) if fits(owner) && fits(name) => {
            Ok(Repository { owner: owner.to_owned(), name: name.to_owned() })
        }
        Some(_) | None => Err("write OWNER/REPO, such as acme/configuration".to_owned()),
    }
}

/// Reads the name of a status.
pub(super) fn context(text: &str) -> Result<String, String> {
    let fits = !text.is_empty() && text.chars().count() <= CONTEXT && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned()).ok_or_else(|| format!("a name is one line of 1 to {CONTEXT} characters"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &'static str) -> OutgoingAnswer {
        let headers = headers.iter().map(|(name, value)| {
            (reqwest::header::HeaderName::from_static(name), reqwest::header::HeaderValue::from_static(value))
        });
        let status = StatusCode::from_u16(status).expect("a status");
        OutgoingAnswer { status, headers: headers.collect(), body: body.into() }
    }

    #[test]
    fn answers_say_whether_another_try_is_of_use() {
        let now = Timestamp::from_second(1_900_000_000).expect("a time");
        let judged = |status, headers: &[_]| judge(&answer(status, headers, r#"{"message":"Words"}"#), now);
        assert_eq!(judged(201, &[]), Tried::Arrived);
        assert!(matches!(judged(401, &[]), Tried::Refused { why } if why.contains("(Words): it does not know")));
        assert!(matches!(judged(422, &[]), Tried::Refused { .. }), "the commit may come yet");
        for status in [403, 404, 301, 400] {
            assert!(matches!(judged(status, &[]), Tried::Useless { .. }), "{status}");
        }
        let failed = |tried: Tried| match tried {
            Tried::Failed { why: _, not_before } => not_before.map(|at| at.duration_since(now).as_secs()),
            other => panic!("{other:?}"),
        };
        assert_eq!(failed(judged(403, &[("retry-after", "60")])), Some(60));
        let reset = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1900000090")];
        assert_eq!(failed(judged(403, &reset)), Some(90));
        assert_eq!(failed(judged(429, &[])), Some(60));
        let secondary = r#"{"message":"You have exceeded a secondary rate limit. Please wait."}"#;
        assert_eq!(failed(judge(&answer(403, &[], secondary), now)), Some(60));
        assert_eq!(failed(judged(502, &[])), None);
    }

    #[test]
    fn what_an_answer_says_is_one_short_line() {
        let long = format!(r#"{{"message":"a\u001b[31m\nb{}"}}"#, "c".repeat(1_000));
        let line = said(long.as_bytes());
        assert!(line.starts_with(" (a [31m bccc") && line.len() < 210, "{line}");
        for nothing in ["", "<html>", "[]", r#"{"message":1}"#] {
            assert_eq!(said(nothing.as_bytes()), "", "{nothing}");
        }
    }

    #[test]
    fn repositories_and_names_say_how_they_are_written() {
        assert!(repository("acme/config.git").is_ok() && context("live").is_ok());
        for bad in ["acme", "acme/", "/x", "a/b/c", "a/..", "a b/c", ""] {
            assert!(repository(bad).is_err_and(|help| help.contains("OWNER/REPO")), "{bad}");
        }
        assert!(context("").is_err() && context("a\nb").is_err());
        let project = ProjectNotes {
            project: Some("acme".to_owned()),
            target: Some("live".to_owned()),
            ..ProjectNotes::default()
        };
        let named = |given: Option<&str>, several, path: &str, project: &ProjectNotes| {
            ContextName { given: given.map(str::to_owned), several }.of(path, project)
        };
        assert_eq!(named(None, true, "teams/a", &project), "trueup/acme/live");
        assert_eq!(named(None, true, "teams/a", &ProjectNotes::default()), "trueup/teams/a");
        assert_eq!(named(None, false, "", &ProjectNotes::default()), "trueup");
        assert_eq!(named(Some("live"), false, "teams/a", &project), "live");
        assert_eq!(named(Some("live"), true, "teams/a", &project), "live/teams/a");
    }
}
