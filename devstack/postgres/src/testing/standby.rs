//! A second server that follows the first.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    account::Account,
    binaries,
    cluster::{as_server, give, write_private},
    error::{Doing, Error},
    folder::{Folder, own},
    options::Options,
    server::Server,
};

/// A standby of `primary`, with its data in `folder`: it can be read, has the same users and
/// settings, and writes once it is promoted (`pg_promote()`).
///
/// # Panics
/// When it cannot be made, with the reason.
pub async fn standby(primary: &Server, folder: &Path) -> Server {
    if let Err(error) = copy(primary, folder) {
        panic!("no copy of the primary: {error}");
    }
    match Server::start(Options::durable(folder), |_| {}).await {
        Ok(standby) => standby,
        Err(error) => panic!("no standby: {error}"),
    }
}

/// Takes all that the primary has, and what it needs to follow it from there.
fn copy(primary: &Server, folder: &Path) -> Result<(), Error> {
    let folder = Folder::open(folder, Account::for_server()?)?;
    let binaries = binaries::installed()?;
    // Where the two that every server needs are linked, this one need not be.
    let program = match &binaries {
        Some(binaries) => binaries.real_folder()?.join("pg_basebackup"),
        None => "pg_basebackup".into(),
    };
    own(&folder.data(), 0o700)?;
    give(&folder.data(), folder.account.as_ref())?;
    write_private(&folder.password_file(), primary.password(), None)?;
    let mut command = Command::new(&program);
    command
        .arg("--pgdata")
        .arg(folder.data())
        .arg("--dbname")
        .arg(primary.url("postgres"))
        .args(["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync"])
        .stdin(Stdio::null());
    as_server(&mut command, &folder);
    let said = command.output().doing(|| format!("run {}", program.display()))?;
    if said.status.success() {
        return Ok(());
    }
    let output = String::from_utf8_lossy(&said.stderr).trim().to_owned();
    Err(Error::Initdb { program, folder: folder.path.clone(), output })
}
