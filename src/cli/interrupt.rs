//! SIGINT and SIGTERM: what is in flight ends, then the run does.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread;

use tokio::sync::Notify;

/// A process has one answer to its signals, however many ask for it.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);
/// Whether it was the signal that asks a service to end.
static TERMINATED: AtomicBool = AtomicBool::new(false);
/// Wakes whoever waits for a signal.
static WAKE: Notify = Notify::const_new();

/// From here on the signals are noted instead of ending the process: by a thread of their own, as the one that works may
/// be busy. Where there is none a signal ends the process as before.
pub fn watch() {
    let (ready, is_ready) = mpsc::channel();
    let watching = move || {
        if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
            runtime.block_on(listen(&ready));
        }
    };
    if thread::Builder::new().name("signals".to_owned()).spawn(watching).is_ok() {
        // An end without a word is one as well: then there are no handlers.
        let _ = is_ready.recv();
    }
}

/// Notes the first signal, and says when the handlers are in place.
#[cfg(unix)]
async fn listen(ready: &Sender<()>) {
    use tokio::signal::unix::{SignalKind, signal};
    let [Ok(mut interrupt), Ok(mut terminate)] = [SignalKind::interrupt(), SignalKind::terminate()].map(signal) else {
        return;
    };
    let _ = ready.send(());
    let terminated = tokio::select! {
        _ = interrupt.recv() => false,
        _ = terminate.recv() => true,
    };
    TERMINATED.store(terminated, Ordering::SeqCst);
    note();
}

/// Notes the signal there is.
#[cfg(not(unix))]
async fn listen(ready: &Sender<()>) {
    let _ = ready.send(());
    if tokio::signal::ctrl_c().await.is_ok() {
        note();
    }
}

fn note() {
    INTERRUPTED.store(true, Ordering::SeqCst);
    WAKE.notify_waiters();
}

/// Waits for a signal; returns at once when one came since [`watch`].
pub async fn coming() {
    loop {
        let woken = WAKE.notified();
        if came() {
            return;
        }
        woken.await;
    }
}

/// Whether the signal that came asks a service to end, as opposed to a person who has had enough.
#[must_use]
pub fn was_terminated() -> bool {
    TERMINATED.load(Ordering::SeqCst)
}

/// Whether a signal came since [`watch`].
#[must_use]
pub fn came() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}
