//! The real server as a process of its own, which a test kills.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The longest that anything may take to come about.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// How often a law kills: so many times, or as often as `TRUEUP_KILLS` says.
pub(crate) fn kills(usual: u64) -> u64 {
    std::env::var("TRUEUP_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// A server as a process of its own; killed when dropped.
pub(crate) struct Killable {
    process: Child,
    /// `http://127.0.0.1:…`
    pub(crate) url: String,
}

impl Killable {
    /// Starts one over a folder of data, on a free port, and waits until it listens. It may send to this machine.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    /// Starts one with further arguments.
    pub(crate) fn start_with(data: &Path, arguments: &[&str]) -> Self {
        let ready = data.join("ready");
        let _ = std::fs::remove_file(&ready);
        let mut process = Command::new(env!("CARGO_BIN_EXE_trueup"))
            .args(["serve", "--listen", "127.0.0.1:0", "--allow-egress", "127.0.0.0/8", "--log-level", "error"])
            .arg("--data")
            .arg(data)
            .arg("--ready-file")
            .arg(&ready)
            .args(arguments)
            .env_clear()
            .stdin(Stdio::null())
            .spawn()
            .expect("a server");
        let started = Instant::now();
        let url = loop {
            match std::fs::read_to_string(&ready) {
                Ok(url) if url.ends_with('\n') => break url.trim().to_owned(),
                Ok(_) | Err(_) => std::thread::sleep(Duration::from_millis(2)),
            }
            assert_eq!(process.try_wait().expect("a state"), None, "the server has ended");
            assert!(started.elapsed() < PATIENCE, "the server does not start");
        };
        Self { process, url }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.url.rsplit('/').next().and_then(|address| address.parse().ok()).expect("an address")
    }

    /// As `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("a kill");
        self.process.wait().expect("an end");
    }
}

impl Drop for Killable {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
