//! SIGINT and SIGTERM: what is in flight ends, then the run does.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// A process has one answer to its signals, however many ask for it.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);
/// Whether it was the signal that asks a service to end.
static TERMINATED: AtomicBool = AtomicBool::new(false);
/// Wakes whoever waits for a signal.
static WAKE: Notify = Notify::const_new();

/// From here on the signals are noted instead of ending the process. Must be called within the runtime.
pub fn watch() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
            // The handler is in place as soon as the stream is made; without one the signal ends the process as before.
            if let Ok(mut stream) = signal(kind) {
                tokio::spawn(async move {
                    if stream.recv().await.is_some() {
                        TERMINATED.store(kind == SignalKind::terminate(), Ordering::SeqCst);
                        note();
                    }
                });
            }
        }
    }
    #[cfg(not(unix))]
    tokio::spawn(async {
        if tokio::signal::ctrl_c().await.is_ok() {
            note();
        }
    });
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
