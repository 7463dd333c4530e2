//! The unprivileged user that runs the server when we are root: PostgreSQL
//! refuses to run as root itself.

use std::{
    fs,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::Path,
    process::Command,
};

use crate::error::{Doing, Error};

/// In the order of preference: Debian's and Fedora's name, macOS's, and the
/// one that every system has.
const NAMES: [&str; 3] = ["postgres", "_postgres", "nobody"];

/// A line of `/etc/passwd`, as far as we need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Account {
    /// Whom to run the server as; `None` is ourselves, who are not root.
    pub(crate) fn for_server() -> Result<Option<Self>, Error> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let passwd = fs::read_to_string("/etc/passwd").doing(|| "read /etc/passwd".to_owned())?;
        Self::choose(&passwd).map(Some).ok_or(Error::NoAccount)
    }

    fn choose(passwd: &str) -> Option<Self> {
        NAMES.iter().find_map(|name| passwd.lines().find_map(|line| Self::parse(line, name)))
    }

    /// `name:password:uid:gid:…`; macOS writes `nobody`'s ids as -2.
    fn parse(line: &str, wanted: &str) -> Option<Self> {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| *name == wanted)?;
        let mut id = || fields.next()?.parse::<i64>().ok().and_then(to_id);
        id(); // The password's field: not a number, or not one of ours.
        let (uid, gid) = (id()?, id()?);
        (uid != 0).then(|| Self { name: name.to_owned(), uid, gid })
    }

    /// Lets `command` run as this account. The standard library drops our
    /// supplementary groups with it.
    pub(crate) fn run(&self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }

    /// Whether this account may pass through `folder` and all above it. The
    /// permission bits decide; access lists are not looked at.
    pub(crate) fn reaches(&self, folder: &Path) -> Result<bool, Error> {
        let folder = folder.canonicalize().doing(|| format!("look up {}", folder.display()))?;
        for folder in folder.ancestors() {
            let found = folder.metadata().doing(|| format!("look at {}", folder.display()))?;
            let search = match (found.uid() == self.uid, found.gid() == self.gid) {
                (true, _) => 0o100,
                (false, true) => 0o010,
                (false, false) => 0o001,
            };
            if found.mode() & search == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// macOS's negative ids are those from the top.
fn to_id(number: i64) -> Option<u32> {
    u32::try_from(number).or_else(|_| i32::try_from(number).map(i32::cast_unsigned)).ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
                          nobody:*:-2:-2:Unprivileged User:/var/empty:/usr/bin/false\n\
                          postgres:x:101:104:PostgreSQL:/var/lib/postgresql:/bin/bash\n";

    #[test]
    fn postgres_is_preferred_to_nobody() {
        let account = Account::choose(PASSWD).unwrap();

        assert_eq!(account, Account { name: "postgres".to_owned(), uid: 101, gid: 104 });
    }

    #[test]
    fn nobody_runs_the_server_where_there_is_no_postgres() {
        let without = PASSWD.replace("postgres:", "someone:");

        let account = Account::choose(&without).unwrap();

        assert_eq!((account.name.as_str(), account.uid), ("nobody", u32::MAX - 1));
    }

    #[test]
    fn root_under_another_name_is_not_chosen() {
        assert_eq!(Account::choose("postgres:x:0:0::/:/bin/sh\n"), None);
    }

    #[test]
    fn a_folder_below_a_private_one_is_out_of_reach() {
        let private = tempfile::tempdir().unwrap();
        let below = private.path().join("below");
        fs::create_dir(&below).unwrap();
        let stranger = Account { name: "stranger".to_owned(), uid: 4_000_001, gid: 4_000_001 };

        fs::set_permissions(private.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let closed = stranger.reaches(&below).unwrap();
        fs::set_permissions(private.path(), fs::Permissions::from_mode(0o711)).unwrap();
        let open = stranger.reaches(&below).unwrap();

        assert_eq!((closed, open), (false, true));
    }
}
