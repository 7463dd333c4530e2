//! What can go wrong, where, and what to do about it.

use std::{io, path::PathBuf};

/// Why there is no server, or no database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// `PG_BIN_DIR`, or [`Options::bin_dir`](crate::Options::bin_dir), names a
    /// folder without the two programs.
    #[error(
        "no `{missing}` in {}, which PG_BIN_DIR names: set it to the folder that holds both \
         `initdb` and `postgres` (Debian: /usr/lib/postgresql/17/bin), or unset it",
        folder.display()
    )]
    BinDirIncomplete {
        /// The folder named.
        folder: PathBuf,
        /// The first program missed.
        missing: &'static str,
    },

    /// The PostgreSQL named is older than [`binaries::OLDEST`](crate::binaries::OLDEST).
    #[error(
        "PostgreSQL {version} in {} is too old: 15 or newer is needed; set PG_BIN_DIR to a newer \
         one, or unset it",
        folder.display()
    )]
    TooOld {
        /// Where it is.
        folder: PathBuf,
        /// What it says it is.
        version: String,
    },

    /// `postgres --version` did not answer with a version.
    #[error("`{} --version` did not tell its version: {answer}", program.display())]
    NoVersion {
        /// The program asked.
        program: PathBuf,
        /// What came instead.
        answer: String,
    },

    /// No PostgreSQL is installed, and none could be downloaded.
    #[error(
        "no PostgreSQL 15 or newer is installed, and the download from {url} failed: {reason}. \
         Install one (`apt-get install postgresql`, `dnf install postgresql-server` or `brew \
         install postgresql@17`), or set PG_BIN_DIR to the folder that holds `initdb` and \
         `postgres`"
    )]
    Download {
        /// What was asked for.
        url: String,
        /// Why it failed.
        reason: String,
    },

    /// We are root, and there is no account to run the server under.
    #[error(
        "PostgreSQL refuses to run as root, and /etc/passwd has neither `postgres` nor `nobody` \
         to run it as: run this as an ordinary user, or add a user `postgres`"
    )]
    NoAccount,

    /// The account that is to run the server cannot reach its programs.
    #[error(
        "user `{account}`, as whom PostgreSQL runs because we are root, cannot reach {}: install \
         PostgreSQL where everyone can execute it",
        folder.display()
    )]
    OutOfReach {
        /// The account's name.
        account: String,
        /// The folder with the programs.
        folder: PathBuf,
    },

    /// A folder we would use belongs to someone else, or is no folder.
    #[error(
        "{} is not a folder of ours (its owner is user id {owner}, we are {ours}): delete it, or run \
         this as its owner",
        path.display()
    )]
    NotOurs {
        /// The folder.
        path: PathBuf,
        /// Its owner's user id.
        owner: u32,
        /// Our user id.
        ours: u32,
    },

    /// Something stands where the pointer to the data would be.
    #[error(
        "PostgreSQL's user cannot reach {0}, so its data goes to {1}, but {0} exists and is no \
         link to there: move it away",
        path.display(), target.display()
    )]
    Occupied {
        /// The folder wanted.
        path: PathBuf,
        /// Where the data would be.
        target: PathBuf,
    },

    /// A running server owns the folder.
    #[error(
        "a PostgreSQL already runs on {}, process {pid}, port {port}: stop it first (is another \
         `cargo dev` running?)",
        folder.display()
    )]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// The server's process id.
        pid: i32,
        /// Its port.
        port: u16,
    },

    /// Another process holds the folder, and its server does not run yet.
    #[error(
        "another process is just starting or stopping a PostgreSQL on {}: wait for it, or stop it",
        folder.display()
    )]
    Busy {
        /// The folder.
        folder: PathBuf,
    },

    /// The port asked for is taken.
    #[error(
        "port {port} on 127.0.0.1 is in use: stop the program that listens there, or choose another"
    )]
    PortInUse {
        /// The port.
        port: u16,
    },

    /// `initdb` failed.
    #[error("`{}` could not create a database in {}:\n{output}", program.display(), folder.display())]
    Initdb {
        /// The program.
        program: PathBuf,
        /// The folder it was to fill.
        folder: PathBuf,
        /// What it wrote.
        output: String,
    },

    /// The data was made by another major version.
    #[error(
        "the data in {} was made by PostgreSQL {data}, and the one found is {found}: set \
         PG_BIN_DIR to a PostgreSQL {data}, or start with fresh data",
        folder.display()
    )]
    OtherMajor {
        /// The folder.
        folder: PathBuf,
        /// The major version that made the data.
        data: String,
        /// The version found.
        found: String,
    },

    /// There is data, and the password to it is gone.
    #[error(
        "the password to the data in {} is gone ({} is missing or empty): start with fresh data",
        folder.display(), file.display()
    )]
    PasswordLost {
        /// The folder.
        folder: PathBuf,
        /// The file that should hold the password.
        file: PathBuf,
    },

    /// The server ended, or was not ready in time.
    #[error("PostgreSQL {what}; the end of its log, {}:\n{tail}", log.display())]
    Start {
        /// What it did instead of starting.
        what: String,
        /// Its log.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },

    /// The server did not answer, or refused.
    #[error("PostgreSQL could not {doing}: {source}")]
    Database {
        /// What we asked for.
        doing: String,
        /// What it said.
        source: tokio_postgres::Error,
    },

    /// A file, a folder or a process could not be used.
    #[error("could not {doing}: {source}")]
    Io {
        /// What we were doing, and with which file.
        doing: String,
        /// What the system said.
        source: io::Error,
    },
}

/// Says what was being done when the system refused.
pub(crate) trait Doing<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, Error>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|source| Error::Io { doing: doing(), source })
    }
}

impl<T> Doing<T> for Result<T, tokio_postgres::Error> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|source| Error::Database { doing: doing(), source })
    }
}
