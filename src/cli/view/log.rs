//! The log of a server on standard error: a line for each event, as text or as JSON.
//!
//! Both forms escape control characters in what they print, so that nobody who is logged can write lines of his own or
//! command a terminal.

use tracing::level_filters::LevelFilter;

/// The form of the lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: an object a line.
    #[default]
    Json,
}

/// The least of what is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogLevel {
    /// What failed.
    Error,
    /// And what should be looked at.
    Warn,
    /// And what was done.
    #[default]
    Info,
    /// And how.
    Debug,
}

/// From here on what the library says is written. Only the first call in a process counts.
pub fn begin(format: LogFormat, level: LogLevel) {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    let log = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr);
    // A second subscriber in a process is refused; the first goes on.
    let _ = match format {
        LogFormat::Text => log.with_ansi(false).with_target(false).try_init(),
        LogFormat::Json => log.json().flatten_event(true).with_target(false).with_current_span(false).try_init(),
    };
}
