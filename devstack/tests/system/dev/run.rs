//! One run of `cargo dev`, in a folder of its own and on free ports.

use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use devstack_testkit::{Answer, Api};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;

use super::family::{Process, family};
use crate::config::free_port;

/// Longer than a start takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// A folder for what a run keeps, and the data that lies elsewhere because of it.
pub(crate) struct Folder {
    path: PathBuf,
    _above: Option<TempDir>,
}

/// `cargo dev`; killed when this value is dropped.
pub(crate) struct Run {
    pub(crate) auth: Api,
    pub(crate) shop: Api,
    child: Child,
    pid: i32,
    text: watch::Receiver<String>,
}

/// What is shown when everything runs.
pub(crate) struct Shown {
    pub(crate) text: String,
}

impl Folder {
    /// A new one, with these permissions.
    pub(crate) fn new(mode: u32) -> Self {
        let above = tempfile::tempdir().unwrap();
        fs::set_permissions(above.path(), Permissions::from_mode(mode)).unwrap();
        Self { path: above.path().to_owned(), _above: Some(above) }
    }

    /// One below it, which is not there yet.
    pub(crate) fn below(&self, path: &str) -> Self {
        Self { path: self.path.join(path), _above: None }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Data that PostgreSQL's account could not have reached here.
        if let Ok(elsewhere) = fs::read_link(self.path.join("postgres")) {
            let _ = fs::remove_dir_all(elsewhere);
        }
    }
}

impl Run {
    /// Starts it.
    pub(crate) fn start(folder: &Folder, flags: &[&str]) -> Self {
        let [auth, auth_ops, shop, shop_ops] = [(); 4].map(|()| free_port());
        let mut command = Command::new(env!("CARGO_BIN_EXE_devstack"));
        for (flag, port) in [
            ("--auth-port", auth),
            ("--auth-ops-port", auth_ops),
            ("--shop-port", shop),
            ("--shop-ops-port", shop_ops),
        ] {
            if !flags.contains(&flag) {
                command.arg(flag).arg(port.to_string());
            }
        }
        let mut child = command
            .arg("--folder")
            .arg(folder.path())
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (writer, text) = watch::channel(String::new());
        tokio::spawn(collect(writer.clone(), child.stdout.take().unwrap()));
        tokio::spawn(collect(writer, child.stderr.take().unwrap()));
        let at = |port| Api::at(SocketAddr::from(([127, 0, 0, 1], port)));
        let pid = i32::try_from(child.id().unwrap()).unwrap();
        Self { auth: at(auth), shop: at(shop), child, pid, text }
    }

    /// Waits until it shows this.
    pub(crate) async fn shows(&mut self, part: &str) {
        let shown = self.text.wait_for(|text| text.contains(part));
        let is_shown = timeout(PATIENCE, shown).await.is_ok_and(|shown| shown.is_ok());
        assert!(is_shown, "no {part:?} in: {}", self.text());
    }

    /// Waits until everything runs.
    pub(crate) async fn up(&mut self) -> Shown {
        self.shows("Latchkey runs.").await;
        self.shows("Ctrl-C stops everything").await;
        Shown { text: self.text() }
    }

    /// Everything it has written so far.
    pub(crate) fn text(&self) -> String {
        self.text.borrow().clone()
    }

    /// It, and all that it has started.
    pub(crate) fn family(&self) -> Vec<Process> {
        family(self.pid)
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.pid).unwrap(), signal).unwrap();
    }

    /// Waits until it has ended, and gives its exit code.
    pub(crate) async fn end(&mut self) -> Option<i32> {
        let status = timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap();
        // Until both of its outputs are closed.
        let _ = timeout(PATIENCE, self.text.wait_for(|_| false)).await.unwrap();
        status.code()
    }

    /// `POST /login`.
    pub(crate) async fn login(&self, email: &str, password: &str) -> Answer {
        let form = [("username", email), ("password", password)];
        self.auth.post("/login").form(&form).send().await
    }
}

async fn collect(writer: watch::Sender<String>, output: impl AsyncRead + Unpin) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        writer.send_modify(|text| text.extend([&*line, "\n"]));
    }
}

impl Shown {
    /// The demo users, each with its password.
    pub(crate) fn logins(&self) -> Vec<(String, String)> {
        let login = |line: &str| {
            let mut words = line.split_whitespace();
            let email = words.next().filter(|word| word.contains('@'))?;
            (words.next() == Some("password"))
                .then(|| (email, words.next()))
                .and_then(|(email, password)| Some((email.to_owned(), password?.to_owned())))
        };
        self.text.lines().filter_map(login).collect()
    }

    /// What a demo user may do, after logging in with the password that is shown and after both
    /// services have taken the token.
    pub(crate) async fn scopes(&self, run: &Run, email: &str) -> String {
        let (_, password) = self.logins().into_iter().find(|(shown, _)| shown == email).unwrap();
        let token = run.login(email, &password).await.expect(200);
        let me = run.shop.get("/user/me").bearer(token["access_token"].as_str().unwrap());
        assert_eq!(me.send().await.expect(200)["email"], email);
        token["scope"].as_str().unwrap().to_owned()
    }
}
