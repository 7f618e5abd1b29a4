//! Taking a run on, effect after effect, until it waits for a person or has ended.

use std::sync::PoisonError;

use jiff::SignedDuration;
use uuid::Uuid;

use super::call::{self, Visit};
use super::mail::{MailFailure, message_id};
use super::{Loaded, Mailer, NotificationOrder, NotifyFailure, RunError, Runner};
use crate::behaviour::run::advance::advance;
use crate::behaviour::run::effect::{Delivery, Effect, Event, NotifyRequest};
use crate::behaviour::run::email::Email;
use crate::behaviour::run::state::Position;
use crate::object::run::{EmailState, RunDetails, RunStatus};
use crate::store::StoreError;

/// How long is waited before a mail server or the notifications are tried again; when all are used up, the e-mail has
/// bounced.
const AGAIN: [SignedDuration; 3] =
    [SignedDuration::from_secs(5), SignedDuration::from_secs(30), SignedDuration::from_mins(5)];
/// The longest wait before the store is tried again.
const STORE_AGAIN: SignedDuration = SignedDuration::from_mins(1);

impl Runner {
    /// Goes on with a run in the background.
    pub(super) fn take_up(&self, id: Uuid) {
        if *self.0.ending.borrow() {
            return;
        }
        let runner = self.clone();
        let mut under_way = self.0.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        while under_way.try_join_next().is_some() {}
        under_way.spawn(async move { runner.drive(id).await });
    }

    async fn drive(&self, id: Uuid) {
        let mut again = SignedDuration::from_secs(1);
        let mut done: Option<Done> = None;
        loop {
            // What was done and could not be written down is not done again.
            let step = match done.take() {
                Some(done) => self.finish(id, done).await,
                None if *self.0.ending.borrow() => return,
                None => match self.next(id).await {
                    Ok(Some(finished)) => self.finish(id, finished).await,
                    Ok(None) => return,
                    Err(error) => Err((error, None)),
                },
            };
            match step {
                Ok(true) => again = SignedDuration::from_secs(1),
                Ok(false) => return,
                Err((RunError::Store(error), unfinished)) if !matches!(error, StoreError::Corrupt { .. }) => {
                    tracing::error!(run = %id, error = &error as &dyn std::error::Error, "a run cannot be written down");
                    done = unfinished.map(|done| *done);
                    if *self.0.ending.borrow() {
                        return;
                    }
                    self.wait(again).await;
                    again = STORE_AGAIN.min(again * 2);
                }
                Err((error, _)) => {
                    tracing::error!(run = %id, %error, "a run does not go on");
                    return;
                }
            }
        }
    }

    async fn wait(&self, duration: SignedDuration) {
        let now = self.0.timer.now();
        let mut ending = self.0.ending.subscribe();
        tokio::select! {
            () = self.0.timer.sleep_until(now.checked_add(duration).unwrap_or(now)) => {}
            _ = ending.wait_for(|ending| *ending) => {}
        }
    }

    /// Does what a run waits for. `None` when the engine has nothing to do for it, or is ending.
    async fn next(&self, id: Uuid) -> Result<Option<Done>, RunError> {
        let Some(record) = self.0.store.reads().run(id).await? else { return Ok(None) };
        if !record.active {
            return Ok(None);
        }
        let mut loaded = self.loaded(record).await?;
        let effect = advance(&loaded.pinned.spec, &mut loaded.state, Event::Resume)?;
        let visit = loaded.state.visit();
        let mut details = RunDetails::default();
        let event = match effect {
            Effect::CallHttp(request) => {
                let Ok(_slot) = self.0.slots.acquire().await else { return Ok(None) };
                let secrets = self.0.store.secrets_of(&loaded.record.project, loaded.record.head.workflow).await?;
                let step = loaded.state.path.last().cloned().unwrap_or_default();
                let at = Visit { step, number: visit as u64, at: self.0.timer.now() };
                let (result, log) = call::make(&self.0.outgoing, &request, &secrets, at).await;
                details.logs.push(log);
                Some(Event::Response(result))
            }
            Effect::SendEmail(email) => self.mail(&loaded, &email, &mut details).await?,
            Effect::Notify(request) => self.notify(&loaded, *request).await,
            // Only what the engine does is written down as something it has to do.
            Effect::WaitForInput { .. } | Effect::WaitForTask { .. } | Effect::Ended(_) => None,
        };
        Ok(event.map(|event| Done { visit, event, details }))
    }

    /// Writes down what came of an effect; tells whether there is more to do.
    pub(super) async fn finish(&self, id: Uuid, done: Done) -> Result<bool, (RunError, Option<Box<Done>>)> {
        let lock = self.lock(id).await;
        let written = self.write_down(id, &done).await;
        drop(lock);
        written.map_err(|error| (error, Some(Box::new(done))))
    }

    async fn write_down(&self, id: Uuid, done: &Done) -> Result<bool, RunError> {
        let Done { visit, event, details } = done;
        let Some(record) = self.0.store.reads().run(id).await? else { return Ok(false) };
        let mut loaded = self.loaded(record).await?;
        loaded.details = details.clone();
        if loaded.state.visit() == *visit && matches!(loaded.state.position, Position::Waiting(_)) {
            // The run counts as taken up: whoever took it up goes on with it.
            let summary = self.go_on(&mut loaded, event.clone()).await?;
            return Ok(summary.state == RunStatus::Running);
        }
        if loaded.state.visit() > *visit {
            // It is written down: the commit was done, and could not be told from one that failed.
            return Ok(loaded.record.active);
        }
        // It was cancelled meanwhile: what happened is kept, and changes nothing.
        self.save(&mut loaded, false).await?;
        Ok(false)
    }

    /// Hands an e-mail over. `None` when the engine is ending.
    async fn mail(&self, loaded: &Loaded, email: &Email, details: &mut RunDetails) -> Result<Option<Event>, RunError> {
        let known = self.0.store.reads().run_details(loaded.record.head.id).await?.emails;
        let id = message_id(email);
        let record = known.into_iter().find(|record| record.message_id == id);
        let at = record.as_ref().map_or(loaded.record.head.started_at, |record| record.at);
        let mut waits = AGAIN.into_iter();
        let failure = loop {
            let sent = {
                let Ok(_slot) = self.0.slots.acquire().await else { return Ok(None) };
                self.0.mailer.send(email, at).await
            };
            match sent {
                Ok(()) => break None,
                Err(MailFailure::Refused(reason)) => break Some(reason),
                Err(MailFailure::Later(reason)) => match waits.next() {
                    None => break Some(reason),
                    Some(wait) => self.wait(wait).await,
                },
            }
            if *self.0.ending.borrow() {
                return Ok(None);
            }
        };
        if let Some(mut record) = record {
            record.state = match (&failure, &self.0.mailer) {
                (Some(_), _) => EmailState::Bounced,
                // It was to be sent, and the server it was to be sent by has been taken away since.
                (None, Mailer::Outbox) => EmailState::Kept,
                (None, Mailer::Smtp(_)) => EmailState::Sent,
            };
            record.error.clone_from(&failure);
            details.emails.push(record);
        }
        Ok(Some(Event::Email(if failure.is_none() { Delivery::Delivered } else { Delivery::Bounced })))
    }

    /// Makes a notification. `None` when the engine is ending.
    async fn notify(&self, loaded: &Loaded, request: NotifyRequest) -> Option<Event> {
        let (template, audiences) = match loaded.pinned.recipients(&request) {
            Ok(recipients) => recipients,
            Err(reason) => return Some(Event::NotNotified { reason }),
        };
        let NotifyRequest { path: _, template: _, audiences: _, end_users, overrides, key } = request;
        let order = NotificationOrder { template, audiences, end_users, overrides, key };
        let mut waits = AGAIN.into_iter();
        loop {
            let made = {
                let Ok(_slot) = self.0.slots.acquire().await else { return None };
                self.0.notifier.notify(&loaded.record.project, order.clone()).await
            };
            match made {
                Ok(()) => return Some(Event::Notified),
                Err(NotifyFailure::Refused(reason)) => return Some(Event::NotNotified { reason }),
                Err(NotifyFailure::Unavailable(reason)) => match waits.next() {
                    None => return Some(Event::NotNotified { reason }),
                    Some(wait) => self.wait(wait).await,
                },
            }
            if *self.0.ending.borrow() {
                return None;
            }
        }
    }
}

/// Something that was done for a run, to be written down.
#[derive(Debug)]
pub(super) struct Done {
    /// At which visit.
    pub(super) visit: usize,
    pub(super) event: Event,
    pub(super) details: RunDetails,
}
