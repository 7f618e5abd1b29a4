//! `trueup keys`: keys of the control plane's API. Works on the folder of a server that is running, too.

use clap::{Args, Subcommand};

use crate::base::ident::{ClientId, Name};
use crate::cli::arguments::TextOrJson;
use crate::cli::exit::{self, Exit};
use crate::cli::server_folder::{FolderArguments, failed};
use crate::cli::view::{key_text, message, terminal};
use crate::cli::{Context, actor, target};
use crate::object::access::{Scope, Scopes};

/// Arguments of `keys`.
#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

/// What is done with keys.
#[derive(Debug, Subcommand)]
enum Action {
    /// Make a key. Its secret is shown this once.
    Create(Create),
    /// List keys, revoked ones too. Never their secrets.
    List(List),
    /// Revoke a key, and every token given out for it, at once.
    Revoke(Revoke),
}

/// Arguments of `keys create`.
#[derive(Debug, Args)]
struct Create {
    #[command(flatten)]
    folder: FolderArguments,
    /// The only project the key reaches.
    #[arg(long, value_name = "PROJECT")]
    project: Name,
    /// What it is called; unique among the project's keys in use.
    #[arg(long, value_name = "NAME")]
    name: Name,
    /// What it may do.
    #[arg(long = "scope", value_name = "SCOPE", required = true, action = clap::ArgAction::Append)]
    scopes: Vec<Scope>,
    /// Format of the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: TextOrJson,
}

/// Arguments of `keys list`.
#[derive(Debug, Args)]
struct List {
    #[command(flatten)]
    folder: FolderArguments,
    /// Only the keys of this project.
    #[arg(long, value_name = "PROJECT")]
    project: Option<Name>,
    /// Format of the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: TextOrJson,
}

/// Arguments of `keys revoke`.
#[derive(Debug, Args)]
struct Revoke {
    #[command(flatten)]
    folder: FolderArguments,
    /// The key's client id.
    #[arg(value_name = "CLIENT_ID", value_parser = client_id)]
    client_id: ClientId,
}

/// A client id as `keys list` shows it.
fn client_id(text: &str) -> Result<ClientId, String> {
    text.parse().map_err(|_| "a client id is a UUID, as `trueup keys list` shows it".to_owned())
}

/// Makes, lists or revokes keys.
pub fn run(context: &Context, arguments: &Arguments) -> Exit {
    let done = match &arguments.action {
        Action::Create(create) => target::block_on(make(context, create)),
        Action::List(list) => target::block_on(show(context, list)),
        Action::Revoke(revoke) => target::block_on(take_back(context, revoke)),
    };
    done.unwrap_or_else(|exit| exit)
}

async fn make(context: &Context, create: &Create) -> Result<Exit, Exit> {
    let Create { folder, project, name, scopes, output } = create;
    let scopes: Scopes = scopes.iter().copied().collect();
    let is_new = !folder.is_made(context);
    let store = folder.open(context).await?;
    let made = store.create_key(project, name, &scopes, &actor::actor()).await;
    let closed = store.close().await;
    let new = made.map_err(|error| failed(&error))?;
    closed.map_err(|error| failed(&error))?;
    if is_new && !context.quiet {
        // A folder that was misspelt would otherwise first be noticed when the server knows nothing of the key.
        let text = format!("Made the data of a new server in {}.", folder.folder(context).display());
        let mut stderr = terminal::standard_error();
        let _ = message::note(&mut *stderr.writer, &text, stderr.style);
    }
    let mut out = terminal::standard_output();
    let written = match output {
        TextOrJson::Text => key_text::made(&mut *out.writer, &new),
        TextOrJson::Json => key_text::made_json(&mut *out.writer, &new),
    };
    Ok(exit::after_writing(written, Exit::Done))
}

async fn show(context: &Context, list: &List) -> Result<Exit, Exit> {
    let List { folder, project, output } = list;
    folder.existing(context)?;
    let store = folder.open_read(context).await?;
    let keys = store.keys(project.as_ref()).await.map_err(|error| failed(&error))?;
    store.close().await;
    let mut out = terminal::standard_output();
    let written = match output {
        TextOrJson::Text => key_text::list(&mut *out.writer, &keys),
        TextOrJson::Json => key_text::list_json(&mut *out.writer, &keys),
    };
    Ok(exit::after_writing(written, Exit::Done))
}

async fn take_back(context: &Context, revoke: &Revoke) -> Result<Exit, Exit> {
    let Revoke { folder, client_id } = revoke;
    folder.existing(context)?;
    let store = folder.open(context).await?;
    let revoked = store.revoke_key(*client_id, &actor::actor()).await;
    let closed = store.close().await;
    let Some(key) = revoked.map_err(|error| failed(&error))? else {
        exit::say_error(&format!("there is no key with the client id {client_id}"), None);
        return Ok(Exit::InvalidInput);
    };
    closed.map_err(|error| failed(&error))?;
    let text = format!("Key {} of project {} is revoked.", key.name, key.project);
    let mut out = terminal::standard_output();
    Ok(exit::after_writing(message::result(&mut *out.writer, &text), Exit::Done))
}
