//! `initdb`, once a folder, and the superuser's password.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, chown},
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    account::Account,
    binaries::Binaries,
    error::{Doing, Error},
    folder::{Folder, own},
};

/// The superuser's name.
pub(crate) const USER: &str = "postgres";

/// Upper and lower case beyond ASCII, sorting by code point, wherever we run.
const LOCALE: &str = if cfg!(target_os = "macos") { "en_US.UTF-8" } else { "C.UTF-8" };

/// Makes sure that the folder holds a database that `binaries` can open, and
/// returns its password. `starting` is called before a new one is made.
pub(crate) fn prepare(
    folder: &Folder,
    binaries: &Binaries,
    durable: bool,
    starting: impl FnOnce(),
) -> Result<String, Error> {
    if folder.data().exists() {
        fits(folder, binaries)?;
        return kept_password(folder);
    }
    starting();
    let password = new_password()?;
    write_private(&folder.password_file(), &password, None)?;
    init(folder, binaries, &password, durable)?;
    Ok(password)
}

fn fits(folder: &Folder, binaries: &Binaries) -> Result<(), Error> {
    let file = folder.data().join("PG_VERSION");
    let data = fs::read_to_string(&file).doing(|| format!("read {}", file.display()))?;
    let data = data.trim().to_owned();
    if data == binaries.major().to_string() {
        return Ok(());
    }
    Err(Error::OtherMajor {
        folder: folder.path.clone(),
        data,
        found: binaries.version().to_owned(),
    })
}

fn kept_password(folder: &Folder) -> Result<String, Error> {
    let file = folder.password_file();
    match fs::read_to_string(&file) {
        Ok(password) if !password.is_empty() => Ok(password),
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).doing(|| format!("read {}", file.display()))
        }
        _ => Err(Error::PasswordLost { folder: folder.path.clone(), file }),
    }
}

/// 128 bits, in letters that need no escaping in a URL.
fn new_password() -> Result<String, Error> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| io::Error::other("the system gave no random bytes"))
        .doing(|| "choose a password".to_owned())?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// `data` appears only when it is whole: what a killed `initdb` left is
/// deleted by the next one.
fn init(folder: &Folder, binaries: &Binaries, password: &str, durable: bool) -> Result<(), Error> {
    let unfinished = folder.path.join("data.unfinished");
    let password_file = folder.path.join("password.initdb");
    delete(&unfinished)?;
    own(&unfinished, 0o700)?;
    give(&unfinished, folder.account.as_ref())?;
    write_private(&password_file, password, folder.account.as_ref())?;

    let program = binaries.program("initdb");
    let mut command = Command::new(&program);
    command
        .arg("--pgdata")
        .arg(&unfinished)
        .arg("--pwfile")
        .arg(&password_file)
        .args([&format!("--username={USER}"), "--auth=scram-sha-256", "--encoding=UTF8"])
        .args([&format!("--locale={LOCALE}"), "--no-instructions"])
        .stdin(Stdio::null());
    if !durable {
        command.arg("--no-sync");
    }
    as_server(&mut command, folder);
    let said = command.output();
    let removed = fs::remove_file(&password_file);

    let said = said.doing(|| format!("run {}", program.display()))?;
    removed.doing(|| format!("delete {}", password_file.display()))?;
    if !said.status.success() {
        let output = [said.stdout, said.stderr].concat();
        let output = String::from_utf8_lossy(&output).trim().to_owned();
        return Err(Error::Initdb { program, folder: folder.path.clone(), output });
    }
    let data = folder.data();
    fs::rename(&unfinished, &data).doing(|| format!("rename {}", unfinished.display()))
}

/// What `initdb` and `postgres` have in common: whose they are, where they
/// run, and that the caller's PG* variables are none of their business.
pub(crate) fn as_server(command: &mut Command, folder: &Folder) {
    if let Some(account) = &folder.account {
        account.run(command);
    }
    // Not where we are: the account may not be allowed in there.
    command.current_dir(&folder.path).env("TZ", "UTC");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
}

fn delete(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        gone => gone.doing(|| format!("delete {}", folder.display())),
    }
}

pub(crate) fn give(path: &Path, account: Option<&Account>) -> Result<(), Error> {
    let Some(account) = account else { return Ok(()) };
    chown(path, Some(account.uid), Some(account.gid))
        .doing(|| format!("give {} to user `{}`", path.display(), account.name))
}

pub(crate) fn write_private(
    file: &Path,
    text: &str,
    reader: Option<&Account>,
) -> Result<(), Error> {
    let _ = fs::remove_file(file);
    File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .and_then(|mut open| open.write_all(text.as_bytes()))
        .doing(|| format!("write {}", file.display()))?;
    give(file, reader)
}
