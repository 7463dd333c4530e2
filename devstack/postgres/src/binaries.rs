//! Finds an installed PostgreSQL: its programs `initdb` and `postgres`.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs, io,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use crate::error::{Doing, Error};

/// The oldest major version the workspace works with.
pub const OLDEST: u32 = 15;

/// Both are looked for in one folder: Debian's /usr/bin has wrappers, but
/// neither of the two.
const PROGRAMS: [&str; 2] = ["initdb", "postgres"];

/// A folder with `initdb` and `postgres`, and their version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binaries {
    folder: PathBuf,
    version: String,
    major: u32,
}

impl Binaries {
    /// The programs in `folder`, which was named by somebody: that they are
    /// missing or older than [`OLDEST`] is an error.
    pub fn in_folder(folder: &Path) -> Result<Self, Error> {
        Self::judged(folder, version_of)
    }

    fn judged(folder: &Path, version_of: VersionOf) -> Result<Self, Error> {
        let missing = PROGRAMS.into_iter().find(|program| !folder.join(program).is_file());
        if let Some(missing) = missing {
            return Err(Error::BinDirIncomplete { folder: folder.to_owned(), missing });
        }
        let version = version_of(&folder.join("postgres"))?;
        match major(&version) {
            Some(major) if major >= OLDEST => {
                Ok(Self { folder: folder.to_owned(), version, major })
            }
            _ => Err(Error::TooOld { folder: folder.to_owned(), version }),
        }
    }

    /// The folder they are in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a link in `PATH` leads.
    pub(crate) fn real_folder(&self) -> Result<PathBuf, Error> {
        let program = self.program("postgres");
        let real = program.canonicalize().doing(|| format!("look up {}", program.display()))?;
        Ok(real.parent().unwrap_or(&self.folder).to_owned())
    }

    /// Their version, as in `17.5`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The part of the version that decides whether data fits.
    pub(crate) fn major(&self) -> u32 {
        self.major
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// The first of: `PG_BIN_DIR`, `PATH`, `/usr/lib/postgresql/*/bin` and
/// Homebrew's folders, the newest first. `None` where there is none, or only
/// ones older than [`OLDEST`]. A `PG_BIN_DIR` that does not fit is an error.
pub fn installed() -> Result<Option<Binaries>, Error> {
    Search {
        pg_bin_dir: env::var_os("PG_BIN_DIR").filter(|folder| !folder.is_empty()),
        path: env::var_os("PATH"),
        root: PathBuf::from("/"),
        version_of,
    }
    .run()
}

type VersionOf = fn(&Path) -> Result<String, Error>;

/// Where to look, and how to ask a program for its version.
struct Search {
    pg_bin_dir: Option<OsString>,
    path: Option<OsString>,
    root: PathBuf,
    version_of: VersionOf,
}

impl Search {
    fn run(&self) -> Result<Option<Binaries>, Error> {
        if let Some(folder) = &self.pg_bin_dir {
            return Binaries::judged(Path::new(folder), self.version_of).map(Some);
        }
        let path = self.path.iter().flat_map(|path| env::split_paths(path));
        Ok(path
            .chain(self.usual())
            .find_map(|folder| Binaries::judged(&folder, self.version_of).ok()))
    }

    fn usual(&self) -> impl Iterator<Item = PathBuf> {
        ["usr/lib/postgresql", "opt/homebrew/opt", "usr/local/opt"]
            .into_iter()
            .flat_map(|folder| newest_first(&self.root.join(folder)))
            .map(|folder| folder.join("bin"))
    }
}

/// The folders named `17` or `postgresql@17`, the highest number first.
fn newest_first(folder: &Path) -> Vec<PathBuf> {
    let number = |name: &OsStr| {
        let name = name.to_str()?;
        name.strip_prefix("postgresql@").unwrap_or(name).parse::<u32>().ok()
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<_> =
        entries.filter_map(|entry| Some((number(&entry.file_name())?, entry.path()))).collect();
    found.sort_unstable_by(|one, other| other.cmp(one));
    found.into_iter().map(|(_, path)| path).collect()
}

/// `postgres (PostgreSQL) 17.5 (Debian 17.5-1)` → `17.5`
fn version_of(program: &Path) -> Result<String, Error> {
    let answer = ask(program).map(|answer| {
        let version = answer
            .split_once("(PostgreSQL) ")
            .and_then(|(_, rest)| rest.split_whitespace().next().map(ToOwned::to_owned));
        version.ok_or(answer)
    });
    match answer {
        Ok(Ok(version)) => Ok(version),
        Ok(Err(answer)) => Err(Error::NoVersion { program: program.to_owned(), answer }),
        Err(error) => {
            Err(Error::NoVersion { program: program.to_owned(), answer: error.to_string() })
        }
    }
}

fn ask(program: &Path) -> io::Result<String> {
    for _ in 0..50 {
        match Command::new(program).arg("--version").output() {
            // Just unpacked, and a child forked meanwhile by another thread
            // still holds it open for writing, until its own exec.
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                thread::sleep(Duration::from_millis(10));
            }
            Err(error) => return Err(error),
            Ok(said) => {
                let text = if said.stdout.is_empty() { said.stderr } else { said.stdout };
                return Ok(String::from_utf8_lossy(&text).trim().to_owned());
            }
        }
    }
    Err(io::ErrorKind::ExecutableFileBusy.into())
}

/// `17.5` → 17; `18beta1` → 18.
fn major(version: &str) -> Option<u32> {
    let digits = version.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests;
