//! `trueup send event`: an event, or a file of them, to a control plane.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::refused;
use crate::cli::arguments::{ProjectArguments, SecretArguments, TextOrJson};
use crate::cli::exit::{self, Exit};
use crate::cli::view::{delivery_text, terminal};
use crate::cli::{Context, project, target};
use crate::provider::server::Server;

/// Events of a request, and about its bytes: what the server takes, and a little less.
const BATCH: usize = 1_000;
const BATCH_BYTES: usize = 6 * 1024 * 1024;
/// Bytes of a file.
const FILE_LIMIT: u64 = 1 << 30;

/// Arguments of `send event`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    project: ProjectArguments,
    #[command(flatten)]
    secrets: SecretArguments,
    /// Which event: `survey.submitted`, or the name of an EventType.
    #[arg(long, value_name = "NAME", required_unless_present = "file")]
    event: Option<String>,
    /// Name of the System where it happened, or its systemId.
    #[arg(long, value_name = "NAME", required_unless_present = "file")]
    system: Option<String>,
    /// Who it happened to.
    #[arg(long, value_name = "ID", required_unless_present = "file")]
    end_user: Option<String>,
    /// Sending an event with a known id again does nothing; a new id when left out.
    #[arg(long, value_name = "ID")]
    event_id: Option<String>,
    /// When it happened; now when left out.
    #[arg(long, value_name = "TIME")]
    occurred_at: Option<String>,
    /// Name of an environment of the system.
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// The end user's session.
    #[arg(long, value_name = "ID")]
    session_id: Option<String>,
    /// A property. A value that reads as a number, true, false or a text in double quotes is one; any other is a text.
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = property, action = clap::ArgAction::Append)]
    property: Vec<(String, Value)>,
    /// Send the events in this file, a line of JSON each; `-` reads standard input.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["event", "system", "end_user", "event_id", "occurred_at", "environment", "session_id", "property"]
    )]
    file: Option<PathBuf>,
    /// Format of the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: TextOrJson,
}

fn property(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    let value = match serde_json::from_str(value) {
        Ok(value @ (Value::Number(_) | Value::Bool(_) | Value::String(_))) => value,
        Ok(Value::Null | Value::Array(_) | Value::Object(_)) | Err(_) => value.into(),
    };
    Ok((name.to_owned(), value))
}

/// An event on its way: its line of JSON, and where it stands in the file.
struct Line {
    /// `None` for the one event of the command line.
    number: Option<usize>,
    text: String,
}

/// Sends events.
pub fn run(context: &Context, arguments: &Arguments) -> Exit {
    let lines = match lines(context, arguments) {
        Ok(lines) => lines,
        Err(exit) => return exit,
    };
    let mut out = terminal::standard_output();
    let sent = target::block_on(async {
        let loaded = project::load(context, &arguments.project)?;
        let server = target::server(context, &loaded.desired.project, &arguments.secrets)?;
        let mut ids = Vec::new();
        let mut rest = lines.as_slice();
        while !rest.is_empty() {
            let (batch, after) = rest.split_at(batch(rest));
            match send(&server, batch).await {
                Ok(accepted) => ids.extend(accepted),
                Err(exit) => {
                    if !ids.is_empty() {
                        let message = format!("{} events before them were accepted", ids.len());
                        exit::say_error(&message, Some("send the file again: known ids do nothing a second time"));
                    }
                    return Err(exit);
                }
            }
            rest = after;
        }
        Ok(ids)
    });
    match sent {
        Ok(ids) => {
            let written = match arguments.output {
                TextOrJson::Text => delivery_text::accepted(&mut *out.writer, &ids),
                TextOrJson::Json => delivery_text::accepted_json(&mut *out.writer, &ids),
            };
            exit::after_writing(written, Exit::Done)
        }
        Err(exit) => exit,
    }
}

/// How many of these go in one request.
fn batch(lines: &[Line]) -> usize {
    let mut bytes = 0;
    let fitting = lines.iter().take(BATCH).take_while(|line| {
        bytes += line.text.len() + 1;
        bytes <= BATCH_BYTES
    });
    // One that is too large alone is for the server to refuse.
    fitting.count().max(1)
}

async fn send(server: &Server, batch: &[Line]) -> Result<Vec<String>, Exit> {
    let texts: Vec<&str> = batch.iter().map(|line| line.text.as_str()).collect();
    let sent = server.send_events(&texts.join("\n")).await;
    let accepted = sent.map_err(|why| refused(why, |place| in_file(place, batch)))?;
    Ok(accepted.events.into_iter().map(|event| event.event_id).collect())
}

/// A place that the server gives by the lines of its batch, by the lines of the file.
fn in_file(place: &str, batch: &[Line]) -> String {
    let rest = place.strip_prefix("line ").and_then(|rest| {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at_checked(digits)?;
        let line = batch.get(number.parse::<usize>().ok()?.checked_sub(1)?)?;
        Some(match line.number {
            Some(number) => format!("line {number}{after}"),
            None => after.trim_start_matches(": ").to_owned(),
        })
    });
    rest.unwrap_or_else(|| place.to_owned())
}

fn lines(context: &Context, arguments: &Arguments) -> Result<Vec<Line>, Exit> {
    let Some(file) = &arguments.file else { return Ok(vec![Line { number: None, text: one(arguments).to_string() }]) };
    let text = read(context, file)?;
    let mut lines = Vec::new();
    let mut problems = 0;
    for (n, text) in text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        let number = n + 1;
        match serde_json::from_str::<Map<String, Value>>(text) {
            Ok(mut event) => {
                // With an id it can be sent again when the answer is lost.
                event.entry("eventId").or_insert_with(new_id);
                lines.push(Line { number: Some(number), text: Value::Object(event).to_string() });
            }
            Err(error) => {
                exit::say_error(&format!("line {number}: not an event: {error}"), None);
                problems += 1;
            }
        }
    }
    if problems > 0 {
        return Err(Exit::InvalidInput);
    }
    Ok(lines)
}

fn read(context: &Context, file: &Path) -> Result<String, Exit> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(FILE_LIMIT).read_to_string(&mut text)
    } else {
        let opened = std::fs::File::open(context.working_folder.join(file));
        opened.and_then(|file| file.take(FILE_LIMIT).read_to_string(&mut text))
    };
    read.map_err(|error| exit::failed(format!("failed to read {}: {error}", file.display())))?;
    if u64::try_from(text.len()).is_ok_and(|bytes| bytes >= FILE_LIMIT) {
        // Half a file would be sent as if it were the whole.
        exit::say_error(&format!("{} is larger than {FILE_LIMIT} bytes; send it in parts", file.display()), None);
        return Err(Exit::InvalidInput);
    }
    Ok(text)
}

fn new_id() -> Value {
    Uuid::now_v7().to_string().into()
}

fn one(arguments: &Arguments) -> Value {
    let mut event = Map::new();
    for (name, value) in [
        ("event", &arguments.event),
        ("system", &arguments.system),
        ("endUserId", &arguments.end_user),
        ("eventId", &arguments.event_id),
        ("occurredAt", &arguments.occurred_at),
        ("environment", &arguments.environment),
        ("sessionId", &arguments.session_id),
    ] {
        if let Some(value) = value {
            event.insert(name.to_owned(), value.as_str().into());
        }
    }
    event.entry("eventId").or_insert_with(new_id);
    if !arguments.property.is_empty() {
        event.insert("properties".to_owned(), Value::Object(arguments.property.iter().cloned().collect()));
    }
    Value::Object(event)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_property_is_what_it_reads_as() {
        let read = |text| property(text).expect("a property");
        assert_eq!(read("score=3"), ("score".to_owned(), json!(3)));
        assert_eq!(read("live=true").1, json!(true));
        assert_eq!(read("answer=too slow").1, json!("too slow"));
        assert_eq!(read("answer=\"3\"").1, json!("3"));
        assert_eq!(read("answer=").1, json!(""));
        assert_eq!(read("answer=a=b").1, json!("a=b"));
        assert_eq!(read("answer=null").1, json!("null"));
        assert_eq!(read("answer=[1]").1, json!("[1]"));
        assert!(property("answer").is_err());
    }

    #[test]
    fn places_are_those_of_the_file() {
        let line = |number| Line { number: Some(number), text: String::new() };
        let batch = [line(4), line(7)];
        assert_eq!(in_file("line 2: event", &batch), "line 7: event");
        assert_eq!(in_file("line 1", &batch), "line 4");
        assert_eq!(in_file("line 9: event", &batch), "line 9: event");
        assert_eq!(in_file("event", &batch), "event");
        let of_the_command_line = [Line { number: None, text: String::new() }];
        assert_eq!(in_file("line 1: event", &of_the_command_line), "event");
    }

    #[test]
    fn batches_are_what_the_server_takes() {
        let lines: Vec<Line> = (0..1_500).map(|number| Line { number: Some(number), text: "x".repeat(10) }).collect();
        assert_eq!((batch(&lines), batch(&lines[1_000..])), (1_000, 500));
        let large: Vec<Line> =
            (0..3).map(|number| Line { number: Some(number), text: "x".repeat(4 * 1024 * 1024) }).collect();
        assert_eq!(batch(&large), 1);
        assert_eq!(batch(&[Line { number: Some(1), text: "x".repeat(9 * 1024 * 1024) }]), 1);
    }
}
