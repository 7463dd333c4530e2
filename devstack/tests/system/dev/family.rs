//! Processes and whom they started, from /proc.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// A process, told apart from a later one of the same number.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    /// Its command line.
    pub(crate) command: String,
    pid: i32,
    parent: i32,
    started: u64,
    is_dead: bool,
}

impl Process {
    /// The process of this number; `None` where there is none.
    fn find(pid: i32) -> Option<Self> {
        let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name before it, in brackets, may hold anything.
        let (_, fields) = stat.rsplit_once(") ")?;
        let fields: Vec<&str> = fields.split(' ').collect();
        Some(Self {
            command: String::from_utf8_lossy(&command).replace('\0', " "),
            pid,
            parent: fields.get(1)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
            // Whoever adopted it may not have looked yet.
            is_dead: matches!(*fields.first()?, "Z" | "X"),
        })
    }

    /// Whether it has not ended.
    pub(crate) fn is_running(&self) -> bool {
        Self::find(self.pid).is_some_and(|now| now.started == self.started && !now.is_dead)
    }

    /// Sends SIGKILL.
    pub(crate) fn kill(&self) {
        kill_process(Pid::from_raw(self.pid).unwrap(), Signal::KILL).unwrap();
    }
}

fn all() -> Vec<Process> {
    let entries = fs::read_dir("/proc").unwrap();
    let pid = |entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok();
    entries.filter_map(|entry| Process::find(pid(entry.ok()?)?)).collect()
}

/// This process, and all that it and those have started.
pub(crate) fn family(pid: i32) -> Vec<Process> {
    let all = all();
    let mut family: Vec<Process> = all.iter().filter(|it| it.pid == pid).cloned().collect();
    let mut seen = 0;
    while seen < family.len() {
        let parent = family[seen].pid;
        family.extend(all.iter().filter(|process| process.parent == parent).cloned());
        seen += 1;
    }
    family
}

/// The processes that name this folder, or a place that it links to, in their command line.
pub(crate) fn named(folder: &Path) -> Vec<Process> {
    let linked = fs::read_link(folder.join("postgres")).ok();
    let mut running = all();
    running.retain(|process| {
        let names = |path: &Path| process.command.contains(&*path.to_string_lossy());
        !process.is_dead && (names(folder) || linked.as_deref().is_some_and(names))
    });
    running
}
