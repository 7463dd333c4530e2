//! What a running server tells in `postmaster.pid`. `pg_ctl` reads it, too:
//! <https://www.postgresql.org/docs/current/storage-file-layout.html>.

use std::{
    fs, io,
    net::{Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
};

use rustix::process::{Pid, Signal};

use crate::error::{Doing, Error};

/// Linux's process ids end at 4,194,304 and macOS's at 99,999.
const NOBODYS_PID: &str = "2147483647";

/// The lines of `postmaster.pid` that matter here.
#[derive(Debug)]
pub(crate) struct PidFile {
    pub(crate) pid: i32,
    pub(crate) port: u16,
    pub(crate) ready: bool,
    data: PathBuf,
}

impl PidFile {
    /// `None` where there is none, or where it is only half written.
    pub(crate) fn read(data: &Path) -> Option<Self> {
        let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        Some(Self {
            pid: lines.first()?.parse().ok()?,
            port: lines.get(3)?.parse().ok()?,
            ready: lines.get(7) == Some(&"ready"),
            data: data.to_owned(),
        })
    }

    /// Whether the process is still there *and* is the server of this folder:
    /// after a crash the number may have gone to anyone.
    pub(crate) fn is_alive(&self) -> bool {
        if !is_running(self.pid) {
            return false;
        }
        // A server's working directory is its data folder. We may not look in
        // a container without CAP_SYS_PTRACE, nor on macOS: ask its port.
        match fs::read_link(format!("/proc/{}/cwd", self.pid)) {
            Ok(folder) => self.data.canonicalize().is_ok_and(|data| data == folder),
            Err(_) => TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok(),
        }
    }

    /// Asks the server to shut down at once, closing its connections ("fast
    /// shutdown").
    pub(crate) fn interrupt(&self) {
        if let Some(pid) = Pid::from_raw(self.pid) {
            let _ = rustix::process::kill_process(pid, Signal::INT);
        }
    }

    /// Keeps a dead server's file from stopping the next one where its number
    /// has gone to another process of the same user.
    ///
    /// The file is not deleted: PostgreSQL finds in it the shared memory by
    /// which it sees whether children of the dead server still write.
    pub(crate) fn disown(&self) -> Result<(), Error> {
        if !is_running(self.pid) {
            return Ok(());
        }
        let file = self.data.join("postmaster.pid");
        fs::read_to_string(&file)
            .and_then(|text| match text.split_once('\n') {
                Some((_, rest)) => fs::write(&file, format!("{NOBODYS_PID}\n{rest}")),
                None => Err(io::ErrorKind::InvalidData.into()),
            })
            .doing(|| format!("rewrite {}", file.display()))
    }
}

/// Whether any process has this number, ours or not.
pub(crate) fn is_running(pid: i32) -> bool {
    Pid::from_raw(pid)
        .is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}
