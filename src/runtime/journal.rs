//! Group commit: everything that many requests and many deliveries want written goes through one task, which writes
//! whatever has gathered while its last write was on its way to the disk.
//!
//! There is no timer: alone, a write goes out at once; under load, one commit serves hundreds.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use super::deliveries::lanes::Lanes;
use super::deliveries::queued::Offer;
use crate::store::{DeliveryEnd, JournalOutcome, NewEvent, Store, StoreError};

/// An event on its way to the store, with what is handed to the lanes once it is there.
pub(super) struct JournalEvent {
    pub(super) row: NewEvent,
    pub(super) offers: Vec<Offer>,
}

/// Hands things to the task that writes. Cheap to clone.
#[derive(Clone)]
pub(super) struct Journal {
    entries: mpsc::Sender<Entry>,
}

/// What waits to be written.
pub(super) struct Entries(mpsc::Receiver<Entry>);

/// Why something was not written: shared by all that were in the same write.
pub(super) type NotWritten = Arc<StoreError>;

/// Tells whoever waits that it is written.
type Answer = oneshot::Sender<Result<(), NotWritten>>;

enum Entry {
    Accept(Vec<JournalEvent>, Answer),
    End(DeliveryEnd, Answer),
    Close,
}

/// Entries that may wait before whoever brings another has to: enough for many commits, and little memory.
const WAITING: usize = 4_096;
/// When a write is full: by then the wait for the disk is a small part of what it costs, and more would only make
/// those in it wait longer.
const ROWS: usize = 4_000;
const BYTES: usize = 4 * 1024 * 1024;

impl Journal {
    pub(super) fn new() -> (Self, Entries) {
        let (entries, waiting) = mpsc::channel(WAITING);
        (Self { entries }, Entries(waiting))
    }

    /// Writes events. When it returns, they are on disk and the lanes know of their deliveries; and that comes about
    /// even if nobody waits for it any more.
    pub(super) async fn accept(&self, events: Vec<JournalEvent>) -> Result<(), NotWritten> {
        let (answer, answered) = oneshot::channel();
        self.put(Entry::Accept(events, answer), answered).await
    }

    /// Writes how an attempt ended.
    pub(super) async fn end(&self, end: DeliveryEnd) -> Result<(), NotWritten> {
        let (answer, answered) = oneshot::channel();
        self.put(Entry::End(end, answer), answered).await
    }

    /// Ends the task once what came before is written.
    pub(super) async fn close(&self) {
        // An error says that it has ended already.
        let _ = self.entries.send(Entry::Close).await;
    }

    async fn put(&self, entry: Entry, answered: oneshot::Receiver<Result<(), NotWritten>>) -> Result<(), NotWritten> {
        let closed = || Arc::new(StoreError::Closed);
        self.entries.send(entry).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }
}

type Accepts = Vec<(Vec<JournalEvent>, Answer)>;
type Ends = Vec<(DeliveryEnd, Answer)>;

/// What is written together.
#[derive(Default)]
struct Batch {
    accepts: Accepts,
    ends: Ends,
    rows: usize,
    bytes: usize,
}

impl Batch {
    fn is_full(&self) -> bool {
        self.rows >= ROWS || self.bytes >= BYTES
    }

    /// Takes an entry in; `false` for the last one.
    fn take(&mut self, entry: Entry) -> bool {
        match entry {
            Entry::Accept(events, answer) => {
                self.rows += events.iter().map(|event| 1 + event.row.deliveries()).sum::<usize>();
                self.bytes += events.iter().map(|event| event.row.weight()).sum::<usize>();
                self.accepts.push((events, answer));
            }
            Entry::End(end, answer) => {
                self.rows += 1;
                self.ends.push((end, answer));
            }
            Entry::Close => return false,
        }
        true
    }
}

impl Entries {
    /// Writes until it is closed.
    pub(super) async fn write(mut self, store: Arc<Store>, lanes: Arc<Lanes>) {
        let mut is_open = true;
        while is_open {
            let Some(first) = self.0.recv().await else { return };
            // Those whom the last commit has just answered get the chance to bring their next.
            tokio::task::yield_now().await;
            let mut batch = Batch::default();
            is_open = batch.take(first);
            while is_open && !batch.is_full() {
                let Ok(next) = self.0.try_recv() else { break };
                is_open = batch.take(next);
            }
            batch.write(&store, &lanes).await;
        }
    }
}

impl Batch {
    async fn write(self, store: &Store, lanes: &Arc<Lanes>) {
        let Self { accepts, ends, rows, bytes: _ } = self;
        if rows == 0 {
            return;
        }
        let written = {
            let events: Vec<&NewEvent> =
                accepts.iter().flat_map(|(events, _)| events.iter().map(|event| &event.row)).collect();
            let ends: Vec<&DeliveryEnd> = ends.iter().map(|(end, _)| end).collect();
            store.write_journal(&events, &ends).await
        };
        match written {
            Ok(outcome) => answer(accepts, ends, &outcome, lanes),
            Err(error) if is_of_one(&error) && accepts.len() + ends.len() > 1 => {
                // One of them cannot be written, and need not take the others with it.
                tracing::warn!(%error, entries = accepts.len() + ends.len(), "writing one by one");
                one_by_one(accepts, ends, store, lanes).await;
            }
            Err(error) => {
                tracing::error!(error = %error, "events and attempts were not written");
                if matches!(error, StoreError::UnknownOutcome(_)) {
                    // If they are there after all, the lanes find them in the store.
                    let offers = accepts.iter().flat_map(|(events, _)| events.iter().flat_map(|event| &event.offers));
                    offers.for_each(|offer| lanes.call(offer.destination, Timestamp::UNIX_EPOCH));
                }
                let error = Arc::new(error);
                for answer in accepts.into_iter().map(|accept| accept.1).chain(ends.into_iter().map(|end| end.1)) {
                    let _ = answer.send(Err(Arc::clone(&error)));
                }
            }
        }
    }
}

/// Whether a failure may be due to one of the rows. Others would fail again.
fn is_of_one(error: &StoreError) -> bool {
    matches!(error, StoreError::Database(_) | StoreError::Corrupt { .. })
}

/// Hands the new deliveries to the lanes, and tells everybody that it is done. Whoever no longer listens does not matter.
fn answer(accepts: Accepts, ends: Ends, outcome: &JournalOutcome, lanes: &Arc<Lanes>) {
    let mut new = outcome.new.iter().copied();
    for (events, answer) in accepts {
        for event in events {
            if new.next() == Some(true) {
                offer(event.offers, outcome.at, lanes);
            }
        }
        let _ = answer.send(Ok(()));
    }
    for (_, answer) in ends {
        let _ = answer.send(Ok(()));
    }
}

fn offer(offers: Vec<Offer>, at: Timestamp, lanes: &Arc<Lanes>) {
    for offer in offers {
        lanes.offer(offer, at);
    }
}

async fn one_by_one(accepts: Accepts, ends: Ends, store: &Store, lanes: &Arc<Lanes>) {
    for (events, waiting) in accepts {
        let rows: Vec<&NewEvent> = events.iter().map(|event| &event.row).collect();
        match store.write_journal(&rows, &[]).await {
            Ok(outcome) => answer(vec![(events, waiting)], Vec::new(), &outcome, lanes),
            Err(error) => {
                let _ = waiting.send(Err(Arc::new(error)));
            }
        }
    }
    for (end, waiting) in ends {
        let written = store.write_journal(&[], &[&end]).await;
        let _ = waiting.send(written.map(|_| ()).map_err(Arc::new));
    }
}
