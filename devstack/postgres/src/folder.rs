//! A folder for a server: one that the server's account can reach, that is
//! ours, and that nobody else uses at the same time.
//!
//! ```text
//! <folder>/lock        held while we use it; the system lets go when we die
//! <folder>/password    the superuser's, readable by us alone
//! <folder>/server.log
//! <folder>/data/       PostgreSQL's; its account's, 0700
//! ```
//!
//! Only `data` belongs to the account: what root reads and writes beside it
//! cannot be changed by the account.

use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, symlink},
    },
    path::{self, Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crate::{
    account::Account,
    error::{Doing, Error},
    pidfile::PidFile,
};

/// A server whose parent was killed is shutting down: it may have to write
/// its buffers.
const ORPHAN_PATIENCE: Duration = Duration::from_secs(15);

/// A folder that is ours as long as this value lives.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    pub(crate) account: Option<Account>,
    _lock: File,
}

impl Folder {
    /// Finds, creates and locks the folder for `wanted`.
    pub(crate) fn open(wanted: &Path, account: Option<Account>) -> Result<Self, Error> {
        let path = place(wanted, account.as_ref())?;
        let lock = lock(&path)?;
        let folder = Self { path, account, _lock: lock };
        folder.outwait_orphan()?;
        Ok(folder)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    pub(crate) fn password_file(&self) -> PathBuf {
        self.path.join("password")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.path.join("server.log")
    }

    /// The lock is ours, so the process that started a server still running
    /// here is dead, and the server about to follow it.
    fn outwait_orphan(&self) -> Result<(), Error> {
        let deadline = Instant::now() + ORPHAN_PATIENCE;
        let Some(left) = PidFile::read(&self.data()) else { return Ok(()) };
        if !cfg!(target_os = "linux") && left.is_alive() {
            left.interrupt(); // Only Linux tells a child that its parent died.
        }
        while left.is_alive() {
            if Instant::now() > deadline {
                return Err(in_use(&self.path, &left));
            }
            thread::sleep(Duration::from_millis(20));
        }
        // The file may be gone by now, together with its writer.
        PidFile::read(&self.data()).map_or(Ok(()), |left| left.disown())
    }
}

/// Deletes the data kept for `wanted`, if there is any, so that the next start
/// begins anew.
///
/// # Errors
/// When a server runs on it, or it is not ours.
pub fn erase(wanted: &Path) -> Result<(), Error> {
    if wanted.symlink_metadata().is_err() {
        return Ok(());
    }
    let folder = Folder::open(wanted, Account::for_server()?)?;
    for gone in [
        fs::remove_dir_all(folder.data()),
        fs::remove_file(folder.password_file()),
        fs::remove_file(folder.log()),
    ] {
        match gone {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            gone => gone.doing(|| format!("delete the data in {}", folder.path.display()))?,
        }
    }
    Ok(())
}

/// The folder itself, or, where the account cannot reach it, one in /var/tmp
/// to which `wanted` becomes a link.
fn place(wanted: &Path, account: Option<&Account>) -> Result<PathBuf, Error> {
    let wanted = path::absolute(wanted).doing(|| format!("look up {}", wanted.display()))?;
    let parent = wanted.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(parent).doing(|| format!("create {}", parent.display()))?;
    let parent = parent.canonicalize().doing(|| format!("look up {}", parent.display()))?;
    let wanted = parent.join(wanted.file_name().unwrap_or_default());
    let Some(account) = account else { return own(&follow(&wanted), 0o700) };

    // The last part is not asked for: we open it to the account ourselves.
    let real = follow(&wanted);
    let above = real.parent().unwrap_or(Path::new("/"));
    if above.exists() && account.reaches(above)? {
        return own(&real, 0o711);
    }
    let target = Path::new("/var/tmp").join(format!("latchkey-{}", fingerprint(&wanted)));
    point(&wanted, &target)?;
    own(&target, 0o711)
}

/// Where a link leads, also when nothing is there (any more).
fn follow(wanted: &Path) -> PathBuf {
    fs::read_link(wanted).map_or(wanted.to_owned(), |target| {
        wanted.parent().map_or(target.clone(), |parent| parent.join(target))
    })
}

fn point(wanted: &Path, target: &Path) -> Result<(), Error> {
    match symlink(target, wanted) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if fs::read_link(wanted).is_ok_and(|link| link == target) {
                return Ok(());
            }
            Err(Error::Occupied { path: wanted.to_owned(), target: target.to_owned() })
        }
        made => made.doing(|| format!("link {} to {}", wanted.display(), target.display())),
    }
}

/// Creates `path` if need be, and makes sure that it is ours: in /tmp and
/// /var/tmp anybody may have been quicker.
pub(crate) fn own(path: &Path, mode: u32) -> Result<PathBuf, Error> {
    match fs::DirBuilder::new().mode(mode).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => made.doing(|| format!("create {}", path.display()))?,
    }
    let found = path.symlink_metadata().doing(|| format!("look at {}", path.display()))?;
    let ours = rustix::process::geteuid().as_raw();
    if !found.is_dir() || found.uid() != ours {
        return Err(Error::NotOurs { path: path.to_owned(), owner: found.uid(), ours });
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .doing(|| format!("set the permissions of {}", path.display()))?;
    Ok(path.to_owned())
}

fn lock(path: &Path) -> Result<File, Error> {
    let file = path.join("lock");
    let lock = File::options().create(true).truncate(false).write(true).mode(0o600).open(&file);
    let lock = lock.doing(|| format!("open {}", file.display()))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::Error(error)) => Err(error).doing(|| format!("lock {}", file.display())),
        Err(TryLockError::WouldBlock) => Err(PidFile::read(&path.join("data"))
            .filter(PidFile::is_alive)
            .map_or_else(|| Error::Busy { folder: path.to_owned() }, |pid| in_use(path, &pid))),
    }
}

fn in_use(folder: &Path, pid: &PidFile) -> Error {
    Error::InUse { folder: folder.to_owned(), pid: pid.pid, port: pid.port }
}

/// Names a path: the same in every run and for every compiler.
fn fingerprint(path: &Path) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, path.as_os_str().as_bytes());
    digest.as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
