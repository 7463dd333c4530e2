//! What processes have used: read from /proc, so that nobody has to take part.
//!
//! A process counts with its children, those that have ended included: workers, and the backends of
//! PostgreSQL.

use std::collections::HashMap;
use std::fs;
use std::time::{Duration, Instant};

use super::{cores, field, kib};

/// Positions in /proc/PID/stat, counted from the state, which follows the name (proc_pid_stat(5)).
const PARENT: usize = 1;
const FAULTS: [usize; 2] = [7, 8];
const TIMES: [usize; 4] = [11, 12, 13, 14];

/// Positions in the first line of /proc/stat: user, nice, system, steal (proc_stat(5)).
const BUSY: [usize; 4] = [0, 1, 2, 7];

/// What had been used at a moment.
pub(crate) struct Snapshot {
    at: Instant,
    /// By everything on this machine, in ticks.
    busy: u64,
    processes: HashMap<u32, Process>,
}

struct Process {
    parent: u32,
    ticks: u64,
    faults: u64,
}

/// What was used between two moments.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spent {
    pub(crate) cpu: Duration,
    /// Minor page faults.
    pub(crate) faults: u64,
}

impl Snapshot {
    pub(crate) fn take() -> Self {
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let processes = processes.filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            Some((pid, Process::read(pid)?))
        });
        Self { at: Instant::now(), busy: busy(), processes: processes.collect() }
    }

    /// What this process and its children have used since.
    pub(crate) fn spent_by(&self, earlier: &Self, root: u32) -> Spent {
        let (now, then) = (self.used_by(root), earlier.used_by(root));
        Spent {
            cpu: ticks(now.ticks.saturating_sub(then.ticks)),
            faults: now.faults.saturating_sub(then.faults),
        }
    }

    /// The part of the machine that others have used since, 1 for all of it: programs that are no
    /// children of this one, the kernel's own threads, other guests of the host.
    pub(crate) fn foreign(&self, earlier: &Self) -> f64 {
        let ours = self.spent_by(earlier, std::process::id()).cpu;
        let all = ticks(self.busy.saturating_sub(earlier.busy));
        let time = (self.at - earlier.at).as_secs_f64() * count(cores());
        all.saturating_sub(ours).as_secs_f64() / time
    }

    fn used_by(&self, root: u32) -> Process {
        let mut sum = Process { parent: 0, ticks: 0, faults: 0 };
        for (&pid, process) in &self.processes {
            if self.is_within(pid, root) {
                sum.ticks += process.ticks;
                sum.faults += process.faults;
            }
        }
        sum
    }

    fn is_within(&self, mut pid: u32, root: u32) -> bool {
        while pid != root {
            match self.processes.get(&pid) {
                Some(process) => pid = process.parent,
                None => return false,
            }
        }
        true
    }
}

impl Process {
    fn read(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, after_name) = stat.rsplit_once(") ")?;
        let fields: Vec<&str> = after_name.split(' ').collect();
        let sum = |positions: &[usize]| -> Option<u64> {
            positions.iter().map(|&position| fields.get(position)?.parse::<u64>().ok()).sum()
        };
        let parent = fields.get(PARENT)?.parse().ok()?;
        Some(Self { parent, ticks: sum(&TIMES)?, faults: sum(&FAULTS)? })
    }
}

/// The memory of these processes and their children, in bytes: what several share counts once
/// ("proportional set size").
pub(crate) fn memory(roots: &[u32]) -> u64 {
    let now = Snapshot::take();
    let is_ours = |pid: u32| roots.iter().any(|&root| now.is_within(pid, root));
    let pids = now.processes.keys().filter(|&&pid| is_ours(pid));
    let kib = pids.filter_map(|pid| kib(&field(&format!("/proc/{pid}/smaps_rollup"), "Pss")?));
    kib.sum::<u64>() * 1024
}

fn busy() -> u64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let first = stat.lines().next().unwrap_or_default();
    let fields: Vec<u64> =
        first.split_whitespace().filter_map(|field| field.parse().ok()).collect();
    BUSY.iter().filter_map(|&position| fields.get(position)).sum()
}

fn ticks(count: u64) -> Duration {
    let per_second = rustix::param::clock_ticks_per_second();
    Duration::from_millis(count * 1000 / per_second.max(1))
}

#[expect(clippy::cast_precision_loss, reason = "no machine has 2^52 cores")]
fn count(cores: usize) -> f64 {
    cores as f64
}
