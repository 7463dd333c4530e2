//! What is logged, and how.

use std::str::FromStr;

use clap::Args;

use super::Faults;

/// The log section as it is given.
#[derive(Debug, Args)]
pub struct LogSettings {
    /// `text` for people or `json` for programs
    #[arg(long, env = "LOG_FORMAT", global = true, default_value = "text", value_name = "FORMAT")]
    log_format: String,

    /// What is logged: `info`, or `warn,chassis=debug`
    #[arg(long, env = "RUST_LOG", global = true, default_value = "info", value_name = "FILTER")]
    rust_log: String,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("must be text or json"),
        }
    }
}

impl LogSettings {
    /// Reads the section: the format and tracing's filter.
    pub fn read(&self, faults: &mut Faults) -> Option<(LogFormat, tracing_subscriber::EnvFilter)> {
        let format = faults.parse("LOG_FORMAT", &self.log_format, "json");
        let filter = faults.parse("RUST_LOG", &self.rust_log, "info");
        Some((format?, filter?))
    }
}
