//! Where the tests' server has its data, and how that goes away again.
//!
//! The end of a test process runs nothing of ours: statics are not dropped,
//! and a killed process could not anyway. So each start sweeps what its
//! predecessors left, and what stays behind is the folder of the last process
//! (under cargo-nextest: of the last few), some 50 MB.
//! (An exit hook would need `unsafe` and miss the kills; a process that
//! watches and cleans would itself have to survive the terminal's Ctrl-C.)

use std::{
    env, fs,
    fs::File,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process,
};

use crate::{
    account::Account,
    error::{Doing, Error},
    options::Options,
    pidfile::{PidFile, is_running},
    server::Server,
};

const PREFIX: &str = "latchkey-test-";

/// Starts a server on new data.
pub(super) async fn server() -> Result<Server, Error> {
    let base = base()?;
    sweep(&base);
    let folder = tempfile::Builder::new()
        .prefix(&format!("{PREFIX}{}-", process::id()))
        .tempdir_in(&base)
        .doing(|| format!("create a folder in {}", base.display()))?
        .keep();
    Server::start(Options::throw_away(folder), |_| {}).await
}

fn base() -> Result<PathBuf, Error> {
    let folder = env::temp_dir();
    match Account::for_server()? {
        Some(account) if !account.reaches(&folder)? => Ok(PathBuf::from("/var/tmp")),
        _ => Ok(folder),
    }
}

/// Deletes the folders of processes that are no more. What cannot be deleted
/// is left to the next one.
fn sweep(base: &Path) {
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        let folder = entry.path();
        if entry.file_name().to_str().and_then(process_of).is_some_and(|pid| !is_running(pid))
            && is_abandoned(&folder)
        {
            let _ = fs::remove_dir_all(&folder);
        }
    }
}

fn process_of(name: &str) -> Option<i32> {
    name.strip_prefix(PREFIX)?.split('-').next()?.parse().ok()
}

/// Ours, and neither its process nor its server is alive. The process in its
/// name may be a number from another container with the same /tmp: whoever
/// lives there holds the lock.
fn is_abandoned(folder: &Path) -> bool {
    let ours = rustix::process::geteuid().as_raw();
    let is_ours = folder.symlink_metadata().is_ok_and(|it| it.is_dir() && it.uid() == ours);
    is_ours
        && File::options()
            .write(true)
            .open(folder.join("lock"))
            .is_ok_and(|lock| lock.try_lock().is_ok())
        && !PidFile::read(&folder.join("data")).is_some_and(|server| server.is_alive())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left_by(base: &Path, process: i32, name: &str) -> (PathBuf, File) {
        let folder = base.join(format!("{PREFIX}{process}-{name}"));
        fs::create_dir_all(folder.join("data/base")).unwrap();
        let lock = File::create(folder.join("lock")).unwrap();
        (folder, lock)
    }

    fn dead_process() -> i32 {
        let mut child = process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        child.id().try_into().unwrap()
    }

    #[test]
    fn only_what_dead_processes_left_is_swept() {
        let base = tempfile::tempdir().unwrap();
        let dead = dead_process();
        let (abandoned, _) = left_by(base.path(), dead, "abandoned");
        let (elsewhere, lock) = left_by(base.path(), dead, "in-another-container");
        lock.lock().unwrap();
        let (mine, _) = left_by(base.path(), process::id().try_into().unwrap(), "mine");
        let unrelated = base.path().join("latchkey-tested");
        fs::create_dir(&unrelated).unwrap();

        sweep(base.path());

        let still = [&abandoned, &elsewhere, &mine, &unrelated].map(|folder| folder.exists());
        assert_eq!(still, [false, true, true, true]);
    }
}
