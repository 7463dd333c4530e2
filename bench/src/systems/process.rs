//! A process that is measured: started, waited for, ended.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::process::{Child, Command};

use super::binaries::folder;
use crate::load::connection::Connection;

/// How long a start, and an end, may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a process that starts is asked whether it answers.
const POLL: Duration = Duration::from_millis(1);

/// A process that runs; it is killed with its workers when this value is dropped.
pub(crate) struct Process {
    name: String,
    /// How it is started.
    command: Command,
    /// Once it answers this, it runs.
    greeting: Greeting,
    child: Child,
    pid: u32,
}

/// A request that is answered with 200, and where.
pub(crate) struct Greeting {
    pub(crate) to: SocketAddr,
    pub(crate) request: Vec<u8>,
}

impl Process {
    /// Starts a program, and waits until it answers; what it says goes to a log of its name.
    pub(crate) async fn start(
        name: &str,
        mut command: Command,
        greeting: Greeting,
    ) -> Result<Self> {
        let logs = folder().join("logs");
        fs::create_dir_all(&logs).with_context(|| format!("cannot create {}", logs.display()))?;
        let log = logs.join(format!("{name}.log"));
        let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).process_group(0);
        let (child, pid) = spawn(&mut command, name)?;
        let mut process = Self { name: name.to_owned(), command, greeting, child, pid };
        process.answers().await?;
        Ok(process)
    }

    /// Ends it and starts another like it, at the same address.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        self.end().await;
        (self.child, self.pid) = spawn(&mut self.command, &self.name)?;
        self.answers().await
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    async fn answers(&mut self) -> Result<()> {
        let started = Instant::now();
        let (name, greeting) = (&self.name, &self.greeting);
        loop {
            match Connection::to(greeting.to).call(&greeting.request, 200).await {
                Ok(_) => return Ok(()),
                Err(error) if started.elapsed() > PATIENCE => {
                    return Err(error).with_context(|| format!("{name} does not answer"));
                }
                Err(_) => tokio::time::sleep(POLL).await,
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("{name} has ended by itself: {status}; see its log");
            }
        }
    }

    /// Asks it to end, and waits until it has.
    pub(crate) async fn stop(mut self) {
        self.end().await;
    }

    async fn end(&mut self) {
        if let Some(group) = self.group() {
            // It may have ended just now.
            let _ = kill_process(group, Signal::TERM);
        }
        let _ = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        // What is left of it, and of its workers.
        self.kill();
        let _ = self.child.wait().await;
    }

    fn kill(&self) {
        if let Some(group) = self.group() {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    fn group(&self) -> Option<Pid> {
        i32::try_from(self.pid).ok().and_then(Pid::from_raw)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(command: &mut Command, name: &str) -> Result<(Child, u32)> {
    let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
    let pid = child.id().context("it has ended")?;
    Ok((child, pid))
}

/// An address on the loopback interface that nobody listens on now.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// Runs a program to its end, and gives what it wrote.
pub(crate) async fn output(command: &mut Command) -> Result<String> {
    let shown = format!("{:?}", command.as_std().get_program());
    let ran = command.stdin(Stdio::null()).kill_on_drop(true).output().await;
    let ran = ran.with_context(|| format!("cannot run {shown}"))?;
    if !ran.status.success() {
        let said = String::from_utf8_lossy(&ran.stderr);
        bail!("{shown} failed ({}): {}", ran.status, said.trim());
    }
    Ok(String::from_utf8_lossy(&ran.stdout).into_owned())
}
