//! One attempt at a delivery, and what follows from it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::StatusCode;

use super::lanes::Context;
use super::queued::Queued;
use super::schedule;
use crate::base::ident::ObjectId;
use crate::behaviour::delivery::request;
use crate::behaviour::event::StoredEvent;
use crate::kinds::destination::DestinationSpec;
use crate::kinds::{Address, Kind, Spec};
use crate::object::delivery::DeliveryState;
use crate::runtime::configuration::LiveObject;
use crate::runtime::outgoing::request::{Owner, Ready, Sending, ready};
use crate::runtime::outgoing::{AnswerBody, OutgoingAnswer, retry_after};
use crate::store::{AttemptEnd, DeliveryEnd, StoreError};

/// What an attempt came to.
#[derive(Debug)]
pub(super) struct Attempted {
    /// To be written down.
    pub(super) end: DeliveryEnd,
    pub(super) effect: Effect,
}

/// What the lane has to know of it.
#[derive(Debug)]
pub(super) enum Effect {
    /// The receiver took it.
    Delivered,
    /// The receiver did not take it, or could not be reached.
    Failed {
        /// The receiver asked for a rest until then.
        rest: Option<Timestamp>,
        /// The receiver never wants to be called again.
        gone: Option<Address>,
    },
    /// Nothing was sent, because the configuration has no place for it any more.
    Impossible,
    /// Nothing was sent: its webhook now sends to another destination.
    Moved(ObjectId),
}

/// What the receiver, or the way to it, said.
struct Answered {
    status: Option<StatusCode>,
    error: Option<String>,
    /// When the receiver wants to be asked again.
    wish: Option<Timestamp>,
}

/// The webhook and the destination of a delivery as they are now.
struct Present {
    webhook: Arc<LiveObject>,
    destination: Arc<LiveObject>,
}

/// Makes one attempt at a delivery that waits in the lane of a destination.
///
/// # Errors
/// When the store cannot be read; nothing was sent then.
pub(super) async fn attempt(context: &Context, queued: &Queued, lane: ObjectId) -> Result<Attempted, StoreError> {
    let configuration = context.configurations.of(&queued.project).await?;
    let present = match present(&configuration, queued) {
        Ok(present) => present,
        Err(reason) => return Ok(impossible(context, queued, lane, reason)),
    };
    let Present { webhook, destination } = &present;
    if destination.id != lane {
        return Ok(moved(context, queued, destination.id));
    }
    let Spec::Destination(spec) = &destination.spec else {
        return Ok(impossible(context, queued, lane, "its destination is none".to_owned()));
    };
    let Some(compiled) = context.prepared.webhook(&configuration, webhook) else {
        let reason = format!("a condition of {} cannot be evaluated", webhook.address);
        return Ok(impossible(context, queued, lane, reason));
    };
    let Ok(event) = serde_json::from_str::<StoredEvent>(&queued.event) else {
        return Ok(impossible(context, queued, lane, "what is stored of the event is damaged".to_owned()));
    };
    let secrets = context.prepared.secrets(&queued.project, destination).await?;
    let owner = Owner { id: destination.id, generation: destination.generation, secrets: &secrets };
    let request = request(&compiled.shape(&event), spec);
    let answered = exchange(context, queued, &request, owner, spec).await;
    Ok(judge(context, queued, destination, spec, answered))
}

fn present(configuration: &crate::runtime::configuration::Configuration, queued: &Queued) -> Result<Present, String> {
    let webhook = configuration.by_id(queued.webhook);
    let webhook = webhook.ok_or_else(|| "its webhook no longer exists".to_owned())?;
    let Spec::Webhook(spec) = &webhook.spec else { return Err("its webhook no longer exists".to_owned()) };
    if !spec.enabled {
        return Err(format!("{} is not enabled", webhook.address));
    }
    let destination = configuration.named(Kind::Destination, &spec.destination);
    let destination = destination.ok_or_else(|| format!("Destination/{} no longer exists", spec.destination))?;
    Ok(Present { webhook: Arc::clone(webhook), destination: Arc::clone(destination) })
}

async fn exchange(
    context: &Context,
    queued: &Queued,
    request: &crate::behaviour::request::OutgoingRequest,
    owner: Owner<'_>,
    spec: &DestinationSpec,
) -> Answered {
    let id = queued.id.to_string();
    let timeout = Duration::from_secs(u64::from(spec.timeout_seconds));
    let mut may_renew = true;
    loop {
        let now = context.timer.now();
        let sending = Sending { id: &id, now, timeout, answer: AnswerBody::Ignored };
        let Ready { call, token } = match ready(request, owner, &context.tokens, sending).await {
            Ok(ready) => ready,
            Err(error) => return Answered { status: None, error: Some(failed(&error)), wish: None },
        };
        match context.outgoing.send(call).await {
            Ok(answer) => {
                // A token can be taken back before its time. With a new one the same attempt goes on, once.
                if let (StatusCode::UNAUTHORIZED, Some((of, token))) = (answer.status, &token) {
                    context.tokens.forget(of, token).await;
                    if std::mem::take(&mut may_renew) {
                        continue;
                    }
                }
                return answered(&answer, context.timer.now());
            }
            Err(error) => return Answered { status: None, error: Some(failed(&error)), wish: None },
        }
    }
}

fn failed(error: &dyn std::error::Error) -> String {
    format!("failed to {error}")
}

fn answered(answer: &OutgoingAnswer, now: Timestamp) -> Answered {
    let status = answer.status;
    let error = if status.is_success() {
        None
    } else if status.is_redirection() {
        Some(format!("the receiver answered {}; redirects are not followed", status.as_u16()))
    } else {
        Some(format!("the receiver answered {}", status.as_u16()))
    };
    let wish = answer.header("retry-after").and_then(|header| retry_after::wish(header, now));
    Answered { status: Some(status), error, wish }
}

fn judge(
    context: &Context,
    queued: &Queued,
    destination: &LiveObject,
    spec: &DestinationSpec,
    answered: Answered,
) -> Attempted {
    let Answered { status, error, wish } = answered;
    let now = context.timer.now();
    let (tried, made) = (queued.tried + 1, queued.made + 1);
    let next = schedule::next(tried, spec.retry.max_attempts, now, chance(), wish);
    let (state, due_at, effect) = match (&error, next) {
        (None, _) => (DeliveryState::Delivered, now, Effect::Delivered),
        (Some(_), next) => {
            let gone = (status == Some(StatusCode::GONE)).then(|| destination.address.clone());
            let overloaded = matches!(status, Some(StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE));
            let effect = Effect::Failed { rest: wish.filter(|_| overloaded), gone };
            let state = if next.is_some() { DeliveryState::Pending } else { DeliveryState::Dead };
            (state, next.unwrap_or(now), effect)
        }
    };
    let attempt = Some(AttemptEnd { at: now, status: status.map(|status| status.as_u16()), error });
    let end = DeliveryEnd { id: queued.id, destination: destination.id, state, tried, made, due_at, attempt };
    Attempted { end, effect }
}

fn impossible(context: &Context, queued: &Queued, lane: ObjectId, reason: String) -> Attempted {
    let now = context.timer.now();
    let attempt = Some(AttemptEnd { at: now, status: None, error: Some(reason) });
    let (tried, made) = (queued.tried, queued.made + 1);
    let end =
        DeliveryEnd { id: queued.id, destination: lane, state: DeliveryState::Dead, tried, made, due_at: now, attempt };
    Attempted { end, effect: Effect::Impossible }
}

fn moved(context: &Context, queued: &Queued, destination: ObjectId) -> Attempted {
    let due_at = context.timer.now();
    let Queued { id, tried, made, .. } = *queued;
    let end = DeliveryEnd { id, destination, state: DeliveryState::Pending, tried, made, due_at, attempt: None };
    Attempted { end, effect: Effect::Moved(destination) }
}

/// A number for the jitter. Without randomness there is no jitter, which is no reason to fail.
fn chance() -> u32 {
    getrandom::u32().unwrap_or(u32::MAX / 2)
}
