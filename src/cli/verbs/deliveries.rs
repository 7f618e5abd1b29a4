//! `trueup deliveries`: what became of deliveries, now or as it happens.

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::Duration;

use clap::Args;
use uuid::Uuid;

use crate::base::ident::Name;
use crate::cli::arguments::{ProjectArguments, SecretArguments, TextOrJson};
use crate::cli::exit::{self, Exit};
use crate::cli::view::{delivery_text, terminal};
use crate::cli::{Context, interrupt, project, target};
use crate::object::delivery::{DeliveryRecord, DeliveryState};
use crate::provider::server::{DeliveryQuery, Server};

/// Deliveries of a page.
const PAGE: u32 = 500;
/// How often `--follow` asks.
const EVERY: Duration = Duration::from_secs(1);

/// Arguments of `deliveries`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    project: ProjectArguments,
    #[command(flatten)]
    secrets: SecretArguments,
    /// Only those of this webhook.
    #[arg(long, value_name = "NAME")]
    webhook: Option<Name>,
    /// Only those in this state.
    #[arg(long, value_name = "STATE", value_parser = state)]
    state: Option<DeliveryState>,
    /// Only those of this event.
    #[arg(long, value_name = "ID")]
    event_id: Option<String>,
    /// How many at the most, the newest.
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// Go on showing what happens, until interrupted.
    #[arg(long)]
    follow: bool,
    /// Format of the result; with --follow, JSON is a line each.
    #[arg(short, long, value_enum, default_value_t)]
    output: TextOrJson,
}

fn state(text: &str) -> Result<DeliveryState, String> {
    text.parse().map_err(|()| "expected pending, delivered or dead".to_owned())
}

/// Shows deliveries.
pub fn run(context: &Context, arguments: &Arguments) -> Exit {
    let mut out = terminal::standard_output();
    let shown = target::block_on(async {
        let loaded = project::load(context, &arguments.project)?;
        let server = target::server(context, &loaded.desired.project, &arguments.secrets)?;
        if arguments.follow {
            interrupt::watch();
            follow(&server, arguments, &mut *out.writer).await
        } else {
            let deliveries = newest(&server, arguments, arguments.limit).await?;
            let written = match arguments.output {
                TextOrJson::Text => delivery_text::list(&mut *out.writer, &deliveries),
                TextOrJson::Json => delivery_text::list_json(&mut *out.writer, &deliveries),
            };
            Ok(exit::after_writing(written, Exit::Done))
        }
    });
    shown.unwrap_or_else(|exit| exit)
}

/// So many deliveries, the oldest of them first.
async fn newest(server: &Server, arguments: &Arguments, count: u32) -> Result<Vec<DeliveryRecord>, Exit> {
    let mut found: Vec<DeliveryRecord> = Vec::new();
    let mut cursor = None;
    loop {
        let left = count - u32::try_from(found.len()).unwrap_or(count).min(count);
        let query = DeliveryQuery {
            webhook: arguments.webhook.clone(),
            state: arguments.state,
            event_id: arguments.event_id.clone(),
            limit: left.clamp(1, PAGE),
            cursor,
        };
        let page = server.deliveries(&query).await.map_err(|error| exit::provider(&error))?;
        found.extend(page.deliveries);
        cursor = page.next;
        if cursor.is_none() || found.len() >= usize::try_from(count).unwrap_or(usize::MAX) {
            found.reverse();
            return Ok(found);
        }
    }
}

/// Shows each delivery again whenever something has become of it, among the newest.
async fn follow(server: &Server, arguments: &Arguments, out: &mut (dyn Write + Send)) -> Result<Exit, Exit> {
    let mut known: HashMap<Uuid, (DeliveryState, usize)> = HashMap::new();
    let mut count = arguments.limit;
    loop {
        let deliveries = newest(server, arguments, count).await?;
        let news = deliveries.iter().filter(|one| known.get(&one.id) != Some(&(one.state, one.attempts.len())));
        if let Err(error) = show(out, news, arguments.output) {
            return Ok(exit::after_writing(Err(error), Exit::Done));
        }
        known = deliveries.iter().map(|one| (one.id, (one.state, one.attempts.len()))).collect();
        count = arguments.limit.max(PAGE);
        let until = tokio::time::Instant::now() + EVERY;
        while tokio::time::Instant::now() < until {
            if interrupt::came() {
                return Ok(Exit::Interrupted);
            }
            tokio::time::sleep(EVERY / 20).await;
        }
    }
}

fn show<'d>(
    out: &mut dyn Write,
    deliveries: impl Iterator<Item = &'d DeliveryRecord>,
    output: TextOrJson,
) -> io::Result<()> {
    for delivery in deliveries {
        match output {
            TextOrJson::Text => delivery_text::line(out, delivery)?,
            TextOrJson::Json => delivery_text::line_json(out, delivery)?,
        }
    }
    out.flush()
}
