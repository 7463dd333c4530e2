//! A service as a process of its own: this binary, started again under the service's name.

use std::ffi::OsString;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::Client;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};

use crate::steps::{self, say};

/// The auth service's name.
pub(crate) const AUTH: &str = "auth-service";
/// The shop's name.
pub(crate) const SHOP: &str = "shop-service";

/// Tells a service who started it.
const PARENT: &str = "DEVSTACK_PARENT";

/// Taken over from the environment; anything else could contradict what is set here.
const INHERITED: [&str; 7] =
    ["PATH", "HOME", "LANG", "TZ", "RUST_LOG", "RUST_BACKTRACE", "LOG_FORMAT"];

/// How long a service may take to be ready, and to end: its own `SHUTDOWN_GRACE` and a little.
const START_PATIENCE: Duration = Duration::from_secs(60);
const STOP_PATIENCE: Duration = Duration::from_secs(28);

/// How often a service is asked whether it is ready.
const POLL: Duration = Duration::from_millis(20);

/// A service that runs.
pub(crate) struct Process {
    name: &'static str,
    child: Child,
}

/// What a service is started with.
pub(crate) type Environment = Vec<(&'static str, OsString)>;

/// Runs this process as the service that its first argument names.
pub(crate) fn as_service(
    args: Vec<OsString>,
    main: fn(std::iter::Skip<std::vec::IntoIter<OsString>>) -> ExitCode,
) -> ExitCode {
    if let Err(error) = end_with_parent() {
        let _ = writeln!(std::io::stderr(), "{error:#}");
        return ExitCode::FAILURE;
    }
    main(args.into_iter().skip(1))
}

/// Asks the kernel for a SIGTERM when `cargo dev` ends, however it does.
fn end_with_parent() -> Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(Signal::TERM))?;
    #[expect(clippy::disallowed_methods, reason = "set by the parent, no configuration")]
    let parent: Option<i32> = std::env::var(PARENT).ok().and_then(|pid| pid.parse().ok());
    // It may have ended before the kernel was asked.
    if parent.is_some() && rustix::process::getppid().map(Pid::as_raw_pid) != parent {
        bail!("cargo dev has ended");
    }
    Ok(())
}

impl Process {
    /// Starts a service; its log goes to the terminal, each line under its name.
    pub(crate) fn start(name: &'static str, environment: &Environment) -> Result<Self> {
        let mut child = command(name, environment)?
            .arg("serve")
            // Ctrl-C is for `cargo dev`, which ends the services in order.
            .process_group(0)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        if let Some(log) = child.stderr.take() {
            tokio::spawn(show(name, log));
        }
        Ok(Self { name, child })
    }

    /// Waits until the service says on its ops port that it is ready.
    pub(crate) async fn ready(&mut self, http: &Client, ops_port: u16) -> Result<()> {
        let url = format!("http://{}/health/ready", local(ops_port));
        let is_ready = async {
            loop {
                let answer = http.get(&url).send().await;
                if answer.is_ok_and(|answer| answer.status().is_success()) {
                    return;
                }
                tokio::time::sleep(POLL).await;
            }
        };
        let name = self.name;
        tokio::select! {
            ended = self.ended() => bail!("{ended}"),
            ready = tokio::time::timeout(START_PATIENCE, is_ready) => ready
                .with_context(|| format!("{name} is not ready; its log above says why")),
        }
    }

    /// Waits until the service ends by itself, which it should not.
    pub(crate) async fn ended(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) => format!("{} has ended by itself: {status}", self.name),
            Err(error) => format!("{} cannot be watched: {error}", self.name),
        }
    }

    /// Asks the service to end, and waits until it has.
    pub(crate) async fn stop(&mut self) {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            let _ = kill_process(pid, Signal::TERM);
            if tokio::time::timeout(STOP_PATIENCE, self.child.wait()).await.is_err() {
                let _ = self.child.kill().await;
            }
        }
    }
}

/// This port on the loopback interface.
pub(crate) fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// Runs one of a service's commands to its end.
pub(crate) async fn call(
    name: &'static str,
    args: &[&str],
    environment: &Environment,
) -> Result<()> {
    let ran = command(name, environment)?.args(args).stdin(Stdio::null()).output().await;
    let ran = ran.with_context(|| format!("cannot run {name}"))?;
    if !ran.status.success() {
        let said = String::from_utf8_lossy(&ran.stderr);
        bail!("{name} {} failed: {}", args.join(" "), said.trim());
    }
    Ok(())
}

fn command(name: &'static str, environment: &Environment) -> Result<Command> {
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let mut command = Command::new(program);
    command.arg(name).env_clear().env(PARENT, std::process::id().to_string());
    for variable in INHERITED {
        if let Some(value) = std::env::var_os(variable) {
            command.env(variable, value);
        }
    }
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    Ok(command)
}

/// Shows a service's log; while the steps of the start are shown, its complaints only.
async fn show(name: &'static str, log: impl AsyncRead + Unpin) {
    let mut lines = BufReader::new(log).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if steps::are_done() || !line.contains(" INFO ") {
            say(&format!("{name:<12} │ {line}"));
        }
    }
}
