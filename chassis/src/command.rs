//! What the services' command lines have in common.
//!
//! Standard output carries only a command's result; words for people go to standard error. Exit
//! code 0 is done, 1 failed, 2 wrong use or configuration (which clap uses, too).

use std::fmt::Display;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use utoipa::openapi::OpenApi;

use crate::check::Judged;
use crate::config::{DatabaseSettings, Faults, HttpConfig, HttpSettings, LogSettings};
use crate::db::Migrations;
use crate::docs;
use crate::server::{Server, Service, shutdown_signal};
use crate::trace;

/// Exit code of wrong use or configuration.
const WRONG_USE: u8 = 2;

/// How long `healthcheck` waits for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a command did not do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Wrong configuration: each fault a line.
    #[error(transparent)]
    Faults(#[from] Faults),
    /// Anything else, in a line.
    #[error("{0}")]
    Failed(String),
}

impl CommandError {
    /// A failure, in a line.
    pub fn failed(error: impl Display) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Runs a command on a runtime of its own and turns what came of it into an exit code.
pub fn run(command: impl Future<Output = Result<(), CommandError>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(command),
        Err(error) => Err(CommandError::failed(error)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            match error {
                CommandError::Faults(_) => ExitCode::from(WRONG_USE),
                CommandError::Failed(_) => ExitCode::FAILURE,
            }
        }
    }
}

/// Prints a command's result.
pub fn print(result: impl Display) -> Result<(), CommandError> {
    writeln!(std::io::stdout(), "{result}").map_err(CommandError::failed)
}

/// `serve`: reads the configuration, builds the service from it, and serves until SIGTERM or
/// SIGINT. `name` is the service's in traces.
pub async fn serve<C, E: Display>(
    name: &'static str,
    log: &LogSettings,
    read: impl FnOnce(&mut Faults) -> Option<C>,
    build: impl FnOnce(C) -> Result<(HttpConfig, Service), E>,
) -> Result<(), CommandError> {
    let mut faults = Faults::default();
    let (log, config) = (log.read(&mut faults), read(&mut faults));
    let (log, config) = faults.or(log.zip(config))?;
    crate::log::start(log.format, log.filter).map_err(CommandError::failed)?;
    trace::start(name, log.collector.as_ref()).map_err(CommandError::failed)?;
    let shutdown = shutdown_signal().map_err(CommandError::failed)?;
    let (http, service) = build(config).map_err(CommandError::failed)?;
    let server = Server::bind(http).await.map_err(CommandError::failed)?;
    server.run(service, shutdown).await;
    Ok(())
}

/// `migrate`: brings the schema up to date.
pub async fn migrate(
    settings: &DatabaseSettings,
    migrations: &Migrations,
) -> Result<(), CommandError> {
    let mut faults = Faults::default();
    let database = settings.read(&mut faults);
    let database = faults.or(database)?;
    let applied = migrations.apply(&database).await.map_err(CommandError::failed)?;
    print(format_args!("{applied} migrations applied"))
}

/// `check`: prints what should change before production, a finding a line, and fails where there
/// is one.
pub async fn check<C>(
    log: &LogSettings,
    read: impl FnOnce(&mut Faults) -> Option<C>,
    judged: impl FnOnce(C) -> Judged,
) -> Result<(), CommandError> {
    let mut faults = Faults::default();
    let (log, config) = (log.read(&mut faults), read(&mut faults));
    let (log, config) = faults.or(log.zip(config))?;
    let findings = judged(config).findings(&log.filter).await;
    for finding in &findings {
        print(finding)?;
    }
    match findings.len() {
        0 => writeln!(std::io::stderr(), "nothing to change").map_err(CommandError::failed),
        1 => Err(CommandError::failed("1 finding")),
        many => Err(CommandError::failed(format_args!("{many} findings"))),
    }
}

/// `openapi`: prints the document.
pub fn openapi(document: &OpenApi) -> Result<(), CommandError> {
    print(docs::to_json(document).trim_end())
}

/// `healthcheck`: asks a running service whether it is ready; for containers without a shell.
pub async fn healthcheck(settings: &HttpSettings, default: &str) -> Result<(), CommandError> {
    let mut faults = Faults::default();
    let ops_addr = settings.ops_addr(default, &mut faults);
    let ops_addr = faults.or(ops_addr)?;
    match tokio::time::timeout(PATIENCE, status_line(ops_addr)).await {
        Ok(Ok(line)) if line.starts_with("HTTP/1.1 200 ") => Ok(()),
        Ok(Ok(line)) => Err(CommandError::Failed(format!("not ready: {line}"))),
        Ok(Err(error)) => Err(CommandError::Failed(format!("{ops_addr}: {error}"))),
        Err(_) => Err(CommandError::Failed(format!("{ops_addr}: no answer"))),
    }
}

async fn status_line(ops_addr: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(reachable(ops_addr)).await?;
    stream
        .write_all(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await?;
    let mut answer = String::new();
    stream.take(64 * 1024).read_to_string(&mut answer).await?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

/// A service that listens on every address is asked on the loopback one.
fn reachable(addr: SocketAddr) -> SocketAddr {
    let ip = match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, addr.port())
}
