//! `trueup deliveries`: what became of deliveries, now or as it happens.

use std::collections::BTreeMap;
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

/// How a delivery stood when it was seen last.
type Standing = (DeliveryState, usize);

/// Shows the newest, and then each delivery that comes or of which something has become.
async fn follow(server: &Server, arguments: &Arguments, out: &mut (dyn Write + Send)) -> Result<Exit, Exit> {
    // As many are watched from the beginning as later on: one that is not shown is none that has just come.
    let count = arguments.limit.max(PAGE);
    let mut known: Option<BTreeMap<Uuid, Standing>> = None;
    loop {
        let deliveries = newest(server, arguments, count).await?;
        let news = match &known {
            None => {
                let shown = usize::try_from(arguments.limit).unwrap_or(usize::MAX);
                deliveries.iter().skip(deliveries.len().saturating_sub(shown)).collect()
            }
            Some(known) => news(known, &deliveries),
        };
        if let Err(error) = show(out, news.into_iter(), arguments.output) {
            return Ok(exit::after_writing(Err(error), Exit::Done));
        }
        known = Some(deliveries.iter().map(|one| (one.id, standing(one))).collect());
        let until = tokio::time::Instant::now() + EVERY;
        while tokio::time::Instant::now() < until {
            if interrupt::came() {
                return Ok(Exit::Interrupted);
            }
            tokio::time::sleep(EVERY / 20).await;
        }
    }
}

fn standing(delivery: &DeliveryRecord) -> Standing {
    (delivery.state, delivery.attempts.len())
}

/// Those that came since, and those of which something has become. Ids rise with time: what is older than all that was
/// watched only moved up because another no longer has the state that is asked for.
fn news<'d>(known: &BTreeMap<Uuid, Standing>, deliveries: &'d [DeliveryRecord]) -> Vec<&'d DeliveryRecord> {
    let oldest = known.keys().next();
    let is_new = |one: &&DeliveryRecord| match known.get(&one.id) {
        Some(before) => *before != standing(one),
        None => oldest.is_none_or(|oldest| one.id > *oldest),
    };
    deliveries.iter().filter(is_new).collect()
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn delivery(n: u128, state: &str) -> DeliveryRecord {
        let value = json!({ "id": Uuid::from_u128(n), "webhook": "w", "eventId": "e", "state": state, "attempts": [] });
        serde_json::from_value(value).expect("a delivery")
    }

    #[test]
    fn news_are_what_came_and_what_changed() {
        let before = [delivery(5, "pending"), delivery(6, "pending"), delivery(7, "pending")];
        let known = before.iter().map(|one| (one.id, standing(one))).collect();
        // 6 has changed, 8 has come; 4 is only seen now because 5 is not among those asked for any more.
        let now = [delivery(4, "pending"), delivery(6, "delivered"), delivery(7, "pending"), delivery(8, "pending")];
        let found: Vec<u128> = news(&known, &now).iter().map(|one| one.id.as_u128()).collect();
        assert_eq!(found, [6, 8]);
        assert_eq!(news(&BTreeMap::new(), &now).len(), 4, "none were there, so all have come");
    }
}
