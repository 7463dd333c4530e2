//! The command line of `cargo dev`, and what follows from it.

use std::net::TcpListener;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::builder::RangedI64ValueParser;
use clap::{Args, Parser, Subcommand, value_parser};

use crate::demo;
use crate::process::local;

/// Runs the whole system on this machine: PostgreSQL, both services, demo data. Ctrl-C stops all
/// of it; the data stays in .dev/ for the next time.
#[derive(Debug, Parser)]
#[command(name = "cargo dev", bin_name = "cargo dev")]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    #[command(flatten)]
    pub(crate) options: Options,
}

/// What it does instead.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Fill two services that run with the demo data, and print the demo logins
    Demo(demo::Options),
}

/// The flags.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Begin anew: delete what earlier runs left
    #[arg(long)]
    pub(crate) fresh: bool,

    /// Port of the auth service
    #[arg(long, default_value_t = 9000, value_name = "PORT", value_parser = port())]
    pub(crate) auth_port: u16,

    /// Port of the auth service's health and metrics
    #[arg(long, default_value_t = 9001, value_name = "PORT", value_parser = port())]
    pub(crate) auth_ops_port: u16,

    /// Port of the shop
    #[arg(long, default_value_t = 8000, value_name = "PORT", value_parser = port())]
    pub(crate) shop_port: u16,

    /// Port of the shop's health and metrics
    #[arg(long, default_value_t = 8001, value_name = "PORT", value_parser = port())]
    pub(crate) shop_ops_port: u16,

    /// Port of PostgreSQL [default: any that is free]
    #[arg(long, value_name = "PORT", value_parser = port())]
    pub(crate) postgres_port: Option<u16>,

    /// Where data, secrets and logs are kept [default: .dev in the checkout]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,
}

impl Options {
    /// Where data, secrets and logs are kept.
    pub(crate) fn folder(&self) -> PathBuf {
        let checkout = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.dev"));
        self.folder.clone().unwrap_or_else(checkout)
    }

    /// The auth service, as a browser reaches it.
    pub(crate) fn auth_url(&self) -> String {
        format!("http://localhost:{}", self.auth_port)
    }

    /// The shop, as a browser reaches it.
    pub(crate) fn shop_url(&self) -> String {
        format!("http://localhost:{}", self.shop_port)
    }

    /// Whether every port is free; said before anything is started.
    pub(crate) fn check_ports(&self) -> Result<()> {
        let ports = [
            (self.auth_port, "--auth-port"),
            (self.auth_ops_port, "--auth-ops-port"),
            (self.shop_port, "--shop-port"),
            (self.shop_ops_port, "--shop-ops-port"),
        ];
        let postgres = self.postgres_port.map(|port| (port, "--postgres-port"));
        // Kept until the last one is bound, so that no two of them can be the same.
        let mut bound = Vec::new();
        for (port, flag) in ports.into_iter().chain(postgres) {
            match TcpListener::bind(local(port)) {
                Ok(listener) => bound.push(listener),
                Err(error) => bail!(
                    "Port {port} cannot be used ({error}).\n\
                     Stop what uses it, or take another: cargo dev {flag} {}",
                    port.saturating_add(100),
                ),
            }
        }
        Ok(())
    }
}

/// A port that can be named: 0 would be any, and nobody would know which.
fn port() -> RangedI64ValueParser<u16> {
    value_parser!(u16).range(1..)
}
