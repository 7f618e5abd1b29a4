//! `trueup send notification`: the call of the API, written as options or as a file.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::refused;
use crate::base::ident::{Name, ObjectId};
use crate::cli::arguments::{ProjectArguments, SecretArguments, TextOrJson};
use crate::cli::exit::{self, Exit};
use crate::cli::view::{sent_text, terminal};
use crate::cli::{Context, project, target};
use crate::kinds::template::NotificationType;
use crate::kinds::{Address, Kind};
use crate::object::notification::{NotificationBody, NotificationCall, OverrideEntry};
use crate::provider::Reader as _;
use crate::provider::server::Server;

/// The most bytes of a call that are read.
const CALL_LIMIT: u64 = 1024 * 1024;

/// Arguments of `send notification`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    project: ProjectArguments,
    #[command(flatten)]
    secrets: SecretArguments,
    /// Send the call in this file, JSON as `POST /v1/notifications` takes it; `-` reads standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["template", "system", "to", "audience", "appears", "title",
        "runtime_title", "runtime_description", "start_at", "end_at", "overrides"])]
    file: Option<PathBuf>,
    /// The template: its name, or its id.
    #[arg(long, value_name = "NAME|ID", required_unless_present = "file")]
    template: Option<String>,
    /// The workstation system: its name, or its systemId. Needed when the project has several.
    #[arg(long, value_name = "NAME|ID")]
    system: Option<String>,
    /// The id of an end user it is for.
    #[arg(long, value_name = "END_USER", action = clap::ArgAction::Append)]
    to: Vec<String>,
    /// An audience it is for: its name, or its id.
    #[arg(long, value_name = "NAME|ID", action = clap::ArgAction::Append)]
    audience: Vec<String>,
    /// How it appears [default: push].
    #[arg(long = "type", value_name = "TYPE", value_parser = appearance)]
    appears: Option<NotificationType>,
    /// Its title for administrators.
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// The title that end users read in place of the template's.
    #[arg(long, value_name = "TEXT")]
    runtime_title: Option<String>,
    /// The text that end users read in place of the template's.
    #[arg(long, value_name = "TEXT")]
    runtime_description: Option<String>,
    /// When it starts: YYYY-MM-DD [hh:mm] in UTC, or RFC 3339 [default: now].
    #[arg(long, value_name = "TIME")]
    start_at: Option<String>,
    /// When it ends [default: 30 days from now, or after its start].
    #[arg(long, value_name = "TIME")]
    end_at: Option<String>,
    /// The value of a placeholder of the template.
    #[arg(long = "override", value_name = "NAME=VALUE", value_parser = override_entry, action = clap::ArgAction::Append)]
    overrides: Vec<OverrideEntry>,
    /// Format of the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: TextOrJson,
}

/// Sends a notification.
pub fn run(context: &Context, arguments: &Arguments) -> Exit {
    let sent = target::block_on(async {
        let loaded = project::load(context, &arguments.project)?;
        let server = target::server(context, &loaded.desired.project, &arguments.secrets)?;
        let call = match &arguments.file {
            Some(file) => read_call(&context.working_folder, file)?,
            None => NotificationCall { notification: body(&server, arguments).await? },
        };
        server.send_notification(&call).await.map_err(|why| refused(why, str::to_owned))
    });
    let sent = match sent {
        Ok(sent) => sent,
        Err(exit) => return exit,
    };
    let mut out = terminal::standard_output();
    let written = match arguments.output {
        TextOrJson::Text => sent_text::notification(&mut *out.writer, sent),
        TextOrJson::Json => sent_text::notification_json(&mut *out.writer, sent),
    };
    exit::after_writing(written, Exit::Done)
}

fn read_call(folder: &Path, file: &Path) -> Result<NotificationCall, Exit> {
    let shown = file.display();
    let mut bytes = Vec::new();
    let limit = CALL_LIMIT + 1;
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(folder.join(file)).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    read.map_err(|error| exit::failed(format!("failed to read {shown}: {error}")))?;
    let refused = |message: String| {
        exit::say_error(&message, Some(r#"a call is {"notification": {"templateId": "…", "endUsersIds": ["…"]}}"#));
        Exit::InvalidInput
    };
    if bytes.len() as u64 > CALL_LIMIT {
        return Err(refused(format!("{shown} has more than {CALL_LIMIT} bytes")));
    }
    serde_json::from_slice(&bytes).map_err(|error| refused(format!("{shown} is not a notification: {error}")))
}

async fn body(server: &Server, arguments: &Arguments) -> Result<NotificationBody, Exit> {
    let Arguments { template, system, to, audience, appears, title, .. } = arguments;
    let mut names = Names::new(server);
    let template_id = names.id(Kind::Template, template.as_deref().unwrap_or_default()).await?;
    let mut audiences = Vec::with_capacity(audience.len());
    for named in audience {
        audiences.push(names.id(Kind::Audience, named).await?);
    }
    Ok(NotificationBody {
        // The server takes a name, too.
        system_id: system.clone(),
        template_id,
        end_users_ids: some(to),
        audiences_ids: some(&audiences),
        notification_type: *appears,
        title: title.clone(),
        runtime_title: arguments.runtime_title.clone(),
        runtime_description: arguments.runtime_description.clone(),
        start_at: arguments.start_at.clone(),
        end_at: arguments.end_at.clone(),
        overrides: some(&arguments.overrides),
    })
}

fn some<T: Clone>(list: &[T]) -> Option<Vec<T>> {
    (!list.is_empty()).then(|| list.to_vec())
}

/// Turns names into ids, asking the target once, and only if there is a name.
struct Names<'s> {
    server: &'s Server,
    known: Option<Vec<(Address, ObjectId)>>,
}

impl<'s> Names<'s> {
    fn new(server: &'s Server) -> Self {
        Self { server, known: None }
    }

    async fn id(&mut self, kind: Kind, text: &str) -> Result<String, Exit> {
        if text.parse::<ObjectId>().is_ok() {
            return Ok(text.to_owned());
        }
        let name: Name = text.parse().map_err(|error| {
            exit::say_error(&format!("{kind} {error}"), Some("write its name or its id"));
            Exit::InvalidInput
        })?;
        let known = match self.known.take() {
            Some(known) => known,
            None => {
                let snapshot = self.server.digests().await.map_err(|error| exit::provider(&error))?;
                let live = snapshot.rows.into_iter().filter(|row| !row.archived);
                live.map(|row| (row.address, row.id)).collect()
            }
        };
        let known = self.known.insert(known);
        let address = Address::new(kind, name);
        match known.iter().find(|(other, _)| *other == address) {
            Some((_, id)) => Ok(id.to_string()),
            None => {
                exit::say_error(&format!("the target has no {address}"), Some("apply its manifest first"));
                Err(Exit::InvalidInput)
            }
        }
    }
}

fn appearance(text: &str) -> Result<NotificationType, String> {
    match text.to_ascii_lowercase().as_str() {
        "push" => Ok(NotificationType::Push),
        "popup" => Ok(NotificationType::Popup),
        _ => Err("write push or popup".into()),
    }
}

fn override_entry(text: &str) -> Result<OverrideEntry, String> {
    let (key, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    if key.is_empty() {
        return Err("the name is empty".into());
    }
    Ok(OverrideEntry { key: key.to_owned(), value: value.to_owned() })
}
