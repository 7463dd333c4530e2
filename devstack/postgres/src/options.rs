//! What to start, and what is told meanwhile.

use std::{fmt, path::PathBuf};

/// What to start, and where.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder for data, password and log. Where the server's account
    /// cannot reach it, it becomes a link to a folder in /var/tmp.
    pub data: PathBuf,
    /// The port on 127.0.0.1; `None`: any that is free.
    pub port: Option<u16>,
    /// Whether what was committed outlives a crash. Tests do without, and are
    /// quicker.
    pub durable: bool,
    /// The folder with `initdb` and `postgres`; `None`: they are looked for,
    /// and downloaded where there are none.
    pub bin_dir: Option<PathBuf>,
}

impl Options {
    /// For data that is kept.
    pub fn durable(data: impl Into<PathBuf>) -> Self {
        Self { data: data.into(), port: None, durable: true, bin_dir: None }
    }

    /// For data that nobody will miss.
    pub fn throw_away(data: impl Into<PathBuf>) -> Self {
        Self { durable: false, ..Self::durable(data) }
    }
}

/// What a start is busy with; its text is for people.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// None is installed: one is downloaded.
    Downloading {
        /// The major version; which one it is exactly, the download tells.
        version: String,
    },
    /// The folder is new.
    Creating {
        /// The version.
        version: String,
    },
    /// The server starts.
    Starting {
        /// The version.
        version: String,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Downloading { version } => write!(f, "downloading PostgreSQL {version}"),
            Self::Creating { version } => write!(f, "creating a PostgreSQL {version} database"),
            Self::Starting { version } => write!(f, "starting PostgreSQL {version}"),
        }
    }
}
