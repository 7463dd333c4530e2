//! Running a real binary: its environment is empty but for what the test gives it.

use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::wait::DEADLINE;

/// A binary with its arguments and environment, not started yet.
#[derive(Debug)]
pub struct Program(Command);

/// What a program that has ended leaves.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

/// A program that runs; it is killed when this value is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdout: Arc<Lines>,
    stderr: Arc<Lines>,
    readers: Vec<JoinHandle<()>>,
}

/// What was written so far.
#[derive(Debug, Default)]
struct Lines {
    text: Mutex<String>,
    news: Notify,
}

impl Program {
    /// The binary at `path`: `env!("CARGO_BIN_EXE_…")`.
    pub fn new(path: &str) -> Self {
        let mut command = Command::new(path);
        command.env_clear().kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command)
    }

    /// With these arguments.
    pub fn args(mut self, args: &[&str]) -> Self {
        self.0.args(args);
        self
    }

    /// With this variable in its environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    /// Without this variable.
    pub fn without(mut self, name: &str) -> Self {
        self.0.env_remove(name);
        self
    }

    /// Starts it and waits for its end.
    ///
    /// # Panics
    /// When it cannot be started, or does not end.
    pub async fn run(self) -> Ended {
        self.start().end().await
    }

    /// Starts it.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(mut self) -> Running {
        let mut child = match self.0.spawn() {
            Ok(child) => child,
            Err(error) => panic!("{:?}: {error}", self.0),
        };
        let (stdout, stderr) = (Arc::<Lines>::default(), Arc::<Lines>::default());
        let readers = [
            child.stdout.take().map(|pipe| tokio::spawn(Lines::fill(Arc::clone(&stdout), pipe))),
            child.stderr.take().map(|pipe| tokio::spawn(Lines::fill(Arc::clone(&stderr), pipe))),
        ];
        Running { child, stdout, stderr, readers: readers.into_iter().flatten().collect() }
    }
}

impl Running {
    /// The first line on standard error that contains `part`, as soon as there is one.
    ///
    /// # Panics
    /// When none comes.
    pub async fn line(&self, part: &str) -> String {
        let found = async {
            loop {
                let news = self.stderr.news.notified();
                if let Some(line) = self.stderr.text().lines().find(|line| line.contains(part)) {
                    return line.to_owned();
                }
                news.await;
            }
        };
        match timeout(DEADLINE, found).await {
            Ok(line) => line,
            Err(_) => panic!("no line with {part:?}: {}", self.stderr.text()),
        }
    }

    /// Sends SIGTERM and waits for its end.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn terminate(self) -> Ended {
        self.signal_to_terminate();
        self.end().await
    }

    /// Sends SIGTERM.
    pub fn signal_to_terminate(&self) {
        if let Some(pid) = self.child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)) {
            let _ = kill_process(pid, Signal::TERM);
        }
    }

    /// Sends SIGKILL and waits for its end.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn kill(mut self) -> Ended {
        let _ = self.child.start_kill();
        self.end().await
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn end(mut self) -> Ended {
        let status = match timeout(DEADLINE, self.child.wait()).await {
            Ok(Ok(status)) => status,
            ended => panic!("no end ({ended:?}): {}", self.stderr.text()),
        };
        for reader in self.readers {
            let _ = reader.await;
        }
        Ended { code: status.code(), stdout: self.stdout.text(), stderr: self.stderr.text() }
    }
}

impl Lines {
    fn text(&self) -> String {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn fill(self: Arc<Self>, pipe: impl AsyncRead + Unpin) {
        let mut lines = BufReader::new(pipe).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            self.text.lock().unwrap_or_else(PoisonError::into_inner).extend([&*line, "\n"]);
            self.news.notify_waiters();
        }
    }
}

/// The value of a field of a log line, written for people or as JSON.
///
/// # Panics
/// When the line has none.
pub fn field(line: &str, name: &str) -> String {
    let json = serde_json::from_str(line).ok();
    let of_json = json.and_then(|json: Value| json.get(name)?.as_str().map(str::to_owned));
    let mut words = line.split(' ').filter_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    match of_json.or_else(|| words.next().map(str::to_owned)) {
        Some(value) => value,
        None => panic!("no {name} in: {line}"),
    }
}
