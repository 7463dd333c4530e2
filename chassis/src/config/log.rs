//! What is told of the service while it runs: its log, and where its traces go.

use std::str::FromStr;

use clap::Args;
use tracing_subscriber::EnvFilter;

use super::{BaseUrl, Faults};

/// The section as it is given.
#[derive(Debug, Args)]
pub struct LogSettings {
    /// `text` for people or `json` for programs
    #[arg(long, env = "LOG_FORMAT", global = true, default_value = "text", value_name = "FORMAT")]
    log_format: String,

    /// What is logged: `info`, or `warn,chassis=debug`
    #[arg(long, env = "RUST_LOG", global = true, default_value = "info", value_name = "FILTER")]
    rust_log: String,

    /// An OpenTelemetry collector that takes traces over OTLP/HTTP
    #[arg(
        long,
        env = "OTEL_EXPORTER_OTLP_ENDPOINT",
        global = true,
        default_value = "",
        value_name = "URL"
    )]
    otel_exporter_otlp_endpoint: String,
}

/// The section as it is used.
#[derive(Debug)]
pub struct LogConfig {
    /// How a line looks.
    pub format: LogFormat,
    /// What is logged.
    pub filter: EnvFilter,
    /// Where traces go; `None`: nowhere.
    pub collector: Option<BaseUrl>,
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
    /// Reads the section.
    pub fn read(&self, faults: &mut Faults) -> Option<LogConfig> {
        let format = faults.parse("LOG_FORMAT", &self.log_format, "json");
        let filter = faults.parse("RUST_LOG", &self.rust_log, "info");
        let collector = match self.otel_exporter_otlp_endpoint.trim() {
            "" => Some(None),
            url => {
                let url = faults.parse("OTEL_EXPORTER_OTLP_ENDPOINT", url, "http://otel:4318");
                url.map(Some)
            }
        };
        Some(LogConfig { format: format?, filter: filter?, collector: collector? })
    }
}
