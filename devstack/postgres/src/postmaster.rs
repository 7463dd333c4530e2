//! The server's process: start, wait until it is ready, stop.

use std::{
    fs::{self, File},
    io,
    net::{Ipv4Addr, TcpListener},
    os::unix::{fs::OpenOptionsExt, process::CommandExt},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal};

use crate::{
    binaries::Binaries,
    cluster::as_server,
    error::{Doing, Error},
    folder::Folder,
    pidfile::PidFile,
};

/// Recovery after a crash is part of a start.
const START_PATIENCE: Duration = Duration::from_secs(60);
/// A fast shutdown writes what is in the buffers.
const STOP_PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(5);
const LOG_TAIL_LINES: usize = 12;

/// For a server whose data nobody will miss: it may lose all in a crash.
const THROW_AWAY: [&str; 6] = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "shared_buffers=32MB",
    "max_connections=300",
    // A worker that looks at a template database makes its next copy wait.
    "autovacuum=off",
];

/// A running server. It must be started, kept and stopped by one thread: the
/// system interrupts it when the *thread* that started it ends.
#[derive(Debug)]
pub(crate) struct Postmaster {
    child: Child,
}

impl Postmaster {
    /// Returns when connections are accepted.
    pub(crate) fn start(
        folder: &Folder,
        binaries: &Binaries,
        durable: bool,
        port: u16,
    ) -> Result<Self, Error> {
        let log = folder.log();
        let file = File::options().create(true).append(true).mode(0o600).open(&log);
        let file = file.doing(|| format!("open {}", log.display()))?;
        let already = fs::read(&log).map_or(0, |log| log.len());
        let other = file.try_clone().doing(|| format!("open {}", log.display()))?;

        let program = binaries.program("postgres");
        let mut command = Command::new(&program);
        command.arg("-D").arg(folder.data()).stdin(Stdio::null()).stdout(file).stderr(other);
        set(&mut command, durable, port);
        as_server(&mut command, folder);
        // A group of its own, or Ctrl-C would stop the server before those
        // who still use it.
        command.process_group(0);
        die_with_parent(&mut command);
        let child = command.spawn().doing(|| format!("run {}", program.display()))?;

        let mut postmaster = Self { child };
        postmaster.wait_until_ready(folder, port, already)?;
        Ok(postmaster)
    }

    fn wait_until_ready(
        &mut self,
        folder: &Folder,
        port: u16,
        already: usize,
    ) -> Result<(), Error> {
        let deadline = Instant::now() + START_PATIENCE;
        loop {
            let pid = self.child.id();
            if PidFile::read(&folder.data())
                .is_some_and(|it| it.ready && it.pid.cast_unsigned() == pid)
            {
                return Ok(());
            }
            let ended = self.child.try_wait().doing(|| format!("wait for process {pid}"))?;
            let what = match ended {
                Some(status) => format!("did not start ({status})"),
                None if Instant::now() > deadline => {
                    format!("was not ready after {} s", START_PATIENCE.as_secs())
                }
                None => {
                    thread::sleep(POLL);
                    continue;
                }
            };
            let log = folder.log();
            let said = fs::read(&log).unwrap_or_default();
            let said = String::from_utf8_lossy(said.get(already..).unwrap_or_default());
            // Somebody was quicker than we, after we had looked.
            if ended.is_some() && said.contains("could not bind") {
                return Err(Error::PortInUse { port });
            }
            return Err(Error::Start { what, log, tail: last_lines(&said) });
        }
    }

    /// Whether it has not ended, by order or by itself.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Closes all connections and waits for the end ("fast shutdown"); after
    /// half a minute less politely.
    pub(crate) fn stop(&mut self) -> Result<(), Error> {
        let pid = self.child.id();
        for (signal, patience) in [(Signal::INT, STOP_PATIENCE), (Signal::QUIT, STOP_PATIENCE / 6)]
        {
            if self.ends_within(signal, patience).doing(|| format!("stop process {pid}"))? {
                return Ok(());
            }
        }
        self.child
            .kill()
            .and_then(|()| self.child.wait())
            .doing(|| format!("kill process {pid}"))?;
        Ok(())
    }

    fn ends_within(&mut self, signal: Signal, patience: Duration) -> io::Result<bool> {
        let deadline = Instant::now() + patience;
        if self.child.try_wait()?.is_some() {
            return Ok(true);
        }
        rustix::process::kill_process(Pid::from_child(&self.child), signal)?;
        while Instant::now() < deadline {
            if self.child.try_wait()?.is_some() {
                return Ok(true);
            }
            thread::sleep(POLL);
        }
        Ok(false)
    }
}

impl Drop for Postmaster {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

fn set(command: &mut Command, durable: bool, port: u16) {
    command.arg("-p").arg(port.to_string());
    let common = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "lc_messages=C"];
    let throw_away = if durable { &[][..] } else { &THROW_AWAY[..] };
    for setting in common.iter().chain(throw_away) {
        command.args(["-c", setting]);
    }
}

/// Linux interrupts the server when we die, also when we are killed; elsewhere
/// it is stopped on drop, and a killed parent's server by the next start.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "only `pre_exec` can set what `exec` keeps and `setuid` clears")]
fn die_with_parent(command: &mut Command) {
    let parent = rustix::process::getpid();
    let ask_for_signal = move || {
        rustix::process::set_parent_process_death_signal(Some(Signal::INT))?;
        // The parent may have died before it was asked for.
        match rustix::process::getppid() == Some(parent) {
            true => Ok(()),
            false => Err(rustix::io::Errno::SRCH.into()),
        }
    };
    // SAFETY: between fork and exec only what is safe in a signal handler may
    // be called: these are three system calls, and none allocates. The
    // standard library calls it after its own `setuid`.
    unsafe { command.pre_exec(ask_for_signal) };
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent(_: &mut Command) {}

/// A port that nobody listens on now, below those that Linux and macOS give to
/// outgoing connections: one of them could take it while the server is stopped.
pub(crate) fn free_port() -> Result<u16, Error> {
    let mut bytes = [0; 2];
    for _ in 0..200 {
        aws_lc_rs::rand::fill(&mut bytes)
            .map_err(|_| io::Error::other("the system gave no random bytes"))
            .doing(|| "choose a port".to_owned())?;
        let port = 16_384 + u16::from_ne_bytes(bytes) % 16_384;
        if is_free(port) {
            return Ok(port);
        }
    }
    Err(io::Error::from(io::ErrorKind::AddrInUse)).doing(|| "find a free port".to_owned())
}

pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
}
