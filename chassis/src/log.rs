//! Logs: text or JSON, on standard error, which is for people; nothing secret at any level.

use std::io::IsTerminal;

use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{EnvFilter, fmt};

use crate::config::LogFormat;

/// Crates that are not heard below a level, whatever `RUST_LOG` says: their finer logs hold what
/// passes through them (statements with their parameters, headers, bodies), or are only noise.
const CAPPED: [(&str, Level); 8] = [
    ("tokio_postgres", Level::WARN),
    ("refinery_core", Level::WARN),
    ("hyper", Level::INFO),
    ("hyper_util", Level::INFO),
    ("h2", Level::INFO),
    ("reqwest", Level::INFO),
    ("rustls", Level::INFO),
    ("warp", Level::INFO),
];

/// Starts logging; once a process.
pub fn start(format: LogFormat, filter: EnvFilter) -> Result<(), TryInitError> {
    let filter = filter.and(filter_fn(is_discreet));
    let is_terminal = std::io::stderr().is_terminal();
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(is_terminal);
    let lines = match format {
        LogFormat::Text => lines.with_filter(filter).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_filter(filter).boxed(),
    };
    tracing_subscriber::registry().with(lines).try_init()
}

fn is_discreet(metadata: &Metadata<'_>) -> bool {
    let cap = CAPPED.iter().find(|(name, _)| {
        let rest = metadata.target().strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    });
    cap.is_none_or(|(_, level)| metadata.level() <= level)
}
