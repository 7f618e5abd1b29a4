//! `trueup outputs`: ids that callers outside need, and the secrets a target made.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use crate::base::secret::SecretText;
use crate::cli::arguments::{ProjectArguments, SecretArguments, TextOrJson};
use crate::cli::exit::{self, Exit};
use crate::cli::view::terminal;
use crate::cli::{Context, private_file, project, target};
use crate::kinds::Address;
use crate::manifest::{Project, TargetSettings};

/// Arguments of `outputs`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    project: ProjectArguments,
    #[command(flatten)]
    secrets: SecretArguments,
    /// Format of the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: TextOrJson,
    /// Write to this file, which only its owner can read, instead of standard output.
    #[arg(long, value_name = "FILE")]
    outputs_file: Option<PathBuf>,
}

/// One output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Output {
    address: Address,
    name: &'static str,
    value: String,
    secret: bool,
}

impl Output {
    /// Where callers outside reach an object that has a token.
    pub(super) fn of_token(project: &Project, address: Address, token: &SecretText) -> Self {
        let path = format!("/hooks/{}", token.expose_to_target());
        // An embedded target listens nowhere; what serves its file gives the rest.
        let (name, value) = match &project.target.settings {
            TargetSettings::Embedded { data: _ } => ("path", path),
            TargetSettings::Server { url, .. } => ("url", format!("{}{path}", url.as_str().trim_end_matches('/'))),
        };
        Self { address, name, value, secret: true }
    }
}

/// Prints outputs.
pub fn run(context: &Context, arguments: &Arguments) -> Exit {
    let outputs = target::block_on(async {
        let loaded = project::load(context, &arguments.project)?;
        collect(context, &loaded.desired.project, &arguments.secrets).await
    });
    let outputs = match outputs {
        Ok(outputs) => outputs,
        Err(exit) => return exit,
    };
    print(context, &outputs, arguments.output, arguments.outputs_file.as_deref())
}

/// Writes outputs to a file that only its owner can read, or to standard output.
pub(super) fn print(context: &Context, outputs: &[Output], output: TextOrJson, file: Option<&Path>) -> Exit {
    let text = match output {
        TextOrJson::Text => text(outputs),
        TextOrJson::Json => json_text(outputs),
    };
    let written = match file {
        Some(path) => private_file::write(&context.working_folder.join(path), text.as_bytes()),
        None => {
            let mut out = terminal::standard_output();
            out.writer.write_all(text.as_bytes()).and_then(|()| out.writer.flush())
        }
    };
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            exit::failed(format!("failed to write the outputs: {error}"))
        }
        Ok(()) | Err(_) => Exit::Done,
    }
}

/// Writes the outputs of a project as JSON to a file that only its owner can read.
///
/// # Errors
/// When the target cannot be read or the file not be written, which is said on standard error.
pub async fn write_file(
    context: &Context,
    project: &Project,
    allowed: &SecretArguments,
    path: &Path,
) -> Result<(), Exit> {
    let outputs = collect(context, project, allowed).await?;
    private_file::write(&context.working_folder.join(path), json_text(&outputs).as_bytes())
        .map_err(|error| exit::failed(format!("failed to write the outputs to {}: {error}", path.display())))
}

async fn collect(context: &Context, project: &Project, allowed: &SecretArguments) -> Result<Vec<Output>, Exit> {
    let reader = target::reader(context, project, allowed).await?;
    let records = reader.read(None).await.map_err(|error| exit::provider(&error))?;
    reader.close().await.map_err(|error| exit::provider(&error))?;
    let mut outputs = Vec::new();
    for record in &records {
        for name in record.address.kind.outputs() {
            let value = match *name {
                "id" => Some(record.id.to_string()),
                name => record.server_set.get(name).and_then(serde_json::Value::as_str).map(str::to_owned),
            };
            outputs.extend(value.map(|value| Output { address: record.address.clone(), name, value, secret: false }));
        }
    }
    // Only a target that holds tokens is opened for writing: what made them may show them.
    if records.iter().any(|record| record.address.kind.has_token()) {
        let writer = target::writer(context, project, allowed).await?;
        let tokens = writer.tokens().await.map_err(|error| exit::provider(&error))?;
        writer.close().await.map_err(|error| exit::provider(&error))?;
        outputs.extend(tokens.into_iter().map(|(address, _, token)| Output::of_token(project, address, &token)));
    }
    outputs.sort_by(|a, b| (&a.address, a.name).cmp(&(&b.address, b.name)));
    Ok(outputs)
}

fn text(outputs: &[Output]) -> String {
    let widest = outputs.iter().map(|output| output.address.to_string().len() + output.name.len() + 1).max();
    let mut text = String::new();
    for Output { address, name, value, secret } in outputs {
        let mark = if *secret { "  (secret)" } else { "" };
        let name = format!("{address} {name}");
        text.push_str(&format!("{name:<width$}  {value}{mark}\n", width = widest.unwrap_or_default()));
    }
    text
}

fn json_text(outputs: &[Output]) -> String {
    let outputs: Vec<_> = outputs
        .iter()
        .map(|Output { address, name, value, secret }| {
            json!({ "address": address, "name": name, "value": value, "secret": secret })
        })
        .collect();
    format!("{:#}\n", json!({ "format_version": "1.0", "outputs": outputs }))
}
