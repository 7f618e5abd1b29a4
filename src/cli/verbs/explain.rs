//! `trueup explain`: what a kind, a field, an event or a diagnostic code is.

use clap::Args;

use crate::cli::arguments::TextOrJson;
use crate::cli::exit::{self, Exit};
use crate::cli::schemas::with_documents;
use crate::cli::view::{explanation_json, explanation_text, terminal};
use crate::kinds::explain::{explain, overview};

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// `Webhook`, `Webhook.spec.event`, `Project.targets`, `survey.submitted`, `unknown-field`; absent: lists the kinds.
    #[arg(value_name = "TOPIC")]
    topic: Option<String>,
    /// Format of the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: TextOrJson,
}

/// Explains.
pub fn run(arguments: &Arguments) -> Exit {
    let Arguments { topic, output } = arguments;
    let found = with_documents(|documents| match topic {
        Some(topic) => explain(topic, documents),
        None => Ok(overview(documents)),
    });
    let explanation = match found {
        Ok(explanation) => explanation,
        Err(error) => {
            exit::say_error(&error.to_string(), Some("`trueup explain` lists the kinds"));
            return Exit::Usage;
        }
    };
    let mut out = terminal::standard_output();
    let written = match output {
        TextOrJson::Text => explanation_text::write(&mut *out.writer, &explanation, out.style),
        TextOrJson::Json => explanation_json::write(&mut *out.writer, &explanation),
    };
    exit::after_writing(written, Exit::Done)
}
