//! SIGINT and SIGTERM: what is in flight ends, then the run does.

use std::sync::atomic::{AtomicBool, Ordering};

/// A process has one answer to its signals, however many ask for it.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

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
                        INTERRUPTED.store(true, Ordering::SeqCst);
                    }
                });
            }
        }
    }
    #[cfg(not(unix))]
    tokio::spawn(async {
        if tokio::signal::ctrl_c().await.is_ok() {
            INTERRUPTED.store(true, Ordering::SeqCst);
        }
    });
}

/// Whether a signal came since [`watch`].
#[must_use]
pub fn came() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}
