//! The command line.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Parser, Subcommand};

/// Measures both services side by side with what else one could take, and with what this machine
/// allows; writes bench/results/ and docs/performance.md.
#[derive(Debug, Parser)]
#[command(name = "cargo bench-all", bin_name = "cargo bench-all", disable_help_subcommand = true)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    #[command(flatten)]
    pub(crate) options: Options,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The floor: a server that looks at a bearer token and asks nobody
    #[command(hide = true)]
    Floor {
        /// Where it listens
        address: SocketAddr,
    },
    /// Write the report anew from the figures of the last run
    Report,
}

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// A smoke run for CI: our services alone, as they are built for development; fails where a
    /// scenario errs or sends more statements than it may. Writes nothing
    #[arg(long)]
    pub(crate) quick: bool,

    /// Only scenarios whose name contains this. Says their figures, and writes nothing: a report is of
    /// one run
    #[arg(long, value_name = "TEXT")]
    pub(crate) only: Option<String>,

    /// Without the peers. Writes nothing
    #[arg(long)]
    pub(crate) without_peers: bool,

    /// Rounds of each; the report has their medians
    #[arg(long, default_value_t = 3, value_name = "COUNT")]
    pub(crate) rounds: usize,

    /// Seconds of a round
    #[arg(long, default_value_t = 4.0, value_name = "SECONDS")]
    pub(crate) seconds: f64,
}

impl Options {
    /// Whether a name was asked for.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|text| name.contains(text))
    }

    /// How long a round lasts.
    pub(crate) fn time(&self) -> Duration {
        Duration::from_secs_f64(if self.quick { 0.3 } else { self.seconds })
    }

    /// How long clients call before anything counts.
    pub(crate) fn warm_up(&self) -> Duration {
        Duration::from_secs_f64(if self.quick { 0.1 } else { 1.0 })
    }

    pub(crate) fn rounds(&self) -> usize {
        if self.quick { 1 } else { self.rounds.max(1) }
    }

    /// Whether all is measured, so that a report is written.
    pub(crate) fn is_whole(&self) -> bool {
        !self.quick && self.only.is_none() && !self.without_peers
    }
}
