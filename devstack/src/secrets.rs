//! Secrets and demo passwords: made at the first start, kept in a folder for the next. None of them
//! stands in any file that is published.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use proto::SecretList;

/// What `cargo dev` made up.
pub(crate) struct Secrets {
    /// The file for `TOKEN_SECRETS_FILE`.
    pub(crate) token: PathBuf,
    /// The file for `REGISTRATION_CLIENT_SECRET_FILE`.
    pub(crate) registration: PathBuf,
    /// The demo users'.
    pub(crate) passwords: Passwords,
}

/// With which the demo users log in.
pub(crate) struct Passwords {
    /// The demo customer's.
    pub(crate) customer: String,
    /// The demo admin's.
    pub(crate) admin: String,
}

impl Secrets {
    /// Reads them from this folder, and makes those that are not there yet.
    pub(crate) fn keep_in(folder: &Path) -> Result<Self> {
        let passwords = Passwords::keep_in(folder)?;
        let (token, registration) = (folder.join("token"), folder.join("registration"));
        kept(&token, SECRET)?;
        kept(&registration, SECRET)?;
        Ok(Self { token, registration, passwords })
    }
}

impl Passwords {
    /// Reads them from this folder, and makes those that are not there yet.
    pub(crate) fn keep_in(folder: &Path) -> Result<Self> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(Self {
            customer: kept(&folder.join("customer"), PASSWORD)?,
            admin: kept(&folder.join("admin"), PASSWORD)?,
        })
    }
}

/// Characters: all of a fresh secret, and as many as people can still copy.
const SECRET: usize = usize::MAX;
const PASSWORD: usize = 16;

/// What the file holds; a fresh value where there is no file.
fn kept(file: &Path, length: usize) -> Result<String> {
    if let Ok(value) = fs::read_to_string(file) {
        return Ok(value);
    }
    let value = SecretList::generate().map_err(|_| anyhow!("no random numbers"))?;
    let value: String = value.chars().take(length).collect();
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .and_then(|mut file| file.write_all(value.as_bytes()))
        .with_context(|| format!("cannot write {}", file.display()))?;
    Ok(value)
}
