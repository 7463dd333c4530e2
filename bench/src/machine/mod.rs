//! The machine: its name for the report, and who uses its processors.

mod usage;

use std::fs;

use serde::{Deserialize, Serialize};

pub(crate) use usage::{Snapshot, Spent, memory};

/// What the figures were measured on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// As the kernel names the processor.
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: u64,
    pub(crate) kernel: String,
}

impl Machine {
    pub(crate) fn this() -> Self {
        let kernel = rustix::system::uname();
        let memory = field("/proc/meminfo", "MemTotal").and_then(|text| kib(&text));
        Self {
            processor: field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned()),
            cores: cores(),
            memory_gib: memory.unwrap_or(0).div_ceil(1024 * 1024),
            kernel: version(&kernel.release().to_string_lossy()),
        }
    }
}

/// How many threads run at once.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// `6.1.0-18-amd64` without what its builder added.
fn version(release: &str) -> String {
    release.split('-').next().unwrap_or(release).to_owned()
}

/// `name: value` in one of the kernel's texts.
fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let value = |line: &str| {
        Some(line.strip_prefix(name)?.trim_start().strip_prefix(':')?.trim().to_owned())
    };
    text.lines().find_map(value)
}

/// `123 kB`
fn kib(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}
