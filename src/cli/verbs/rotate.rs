//! `trueup rotate`: gives an object a new server-made secret, and ends the old one at once.

use std::path::PathBuf;

use clap::Args;

use super::outputs::{self, Output};
use crate::cli::arguments::{ProjectArguments, SecretArguments, TextOrJson};
use crate::cli::exit::{self, Exit};
use crate::cli::{Context, actor, project, target};
use crate::kinds::Address;

/// Arguments of `rotate`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The object: an IncomingWebhook, whose URL changes.
    #[arg(value_name = "ADDRESS")]
    address: Address,
    #[command(flatten)]
    project: ProjectArguments,
    #[command(flatten)]
    secrets: SecretArguments,
    /// Format of the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: TextOrJson,
    /// Write the new secret to this file, which only its owner can read, instead of standard output.
    #[arg(long, value_name = "FILE")]
    outputs_file: Option<PathBuf>,
}

/// Rotates.
pub fn run(context: &Context, arguments: &Arguments) -> Exit {
    let Arguments { address, .. } = arguments;
    if !address.kind.has_token() {
        exit::say_error(&format!("{address} has no secret of the server's making"), Some("IncomingWebhooks have one"));
        return Exit::InvalidInput;
    }
    let rotated = target::block_on(async {
        let loaded = project::load(context, &arguments.project)?;
        let project = &loaded.desired.project;
        // An embedded target that is not there is not made for an object that cannot be in it.
        let reader = target::reader(context, project, &arguments.secrets).await?;
        let found = reader.read(Some(std::slice::from_ref(address))).await.map_err(|error| exit::provider(&error))?;
        reader.close().await.map_err(|error| exit::provider(&error))?;
        if found.is_empty() {
            exit::say_error(&format!("the target {} has no {address}", project.target.name), None);
            return Err(Exit::InvalidInput);
        }
        let writer = target::writer(context, project, &arguments.secrets).await?;
        let token = writer.rotate_token(address, &actor::actor()).await.map_err(|error| exit::provider(&error))?;
        writer.close().await.map_err(|error| exit::provider(&error))?;
        Ok(Output::of_token(project, address.clone(), &token))
    });
    match rotated {
        Ok(output) => outputs::print(context, &[output], arguments.output, arguments.outputs_file.as_deref()),
        Err(exit) => exit,
    }
}
