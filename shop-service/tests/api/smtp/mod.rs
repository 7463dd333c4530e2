//! A real mail server, Python's aiosmtpd, that takes mail or refuses it.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use devstack_testkit::process::{Program, Running};
use serde::Deserialize;
use serde_json::Value;

/// What Python installs.
const PACKAGE: &str = "aiosmtpd==1.4.6";

/// A mail server; it ends when it is dropped.
pub(crate) struct MailServer {
    running: Running,
    /// Where it listens, on the loopback interface.
    pub(crate) port: u16,
}

/// A mail as the server took it.
#[derive(Debug, Deserialize)]
pub(crate) struct Mail {
    pub(crate) sender: String,
    pub(crate) recipients: Vec<String>,
    pub(crate) message: String,
    /// Whether it came encrypted.
    pub(crate) tls: bool,
    /// As whom the client logged in.
    pub(crate) login: Option<String>,
    /// Which connection it came by.
    pub(crate) connection: u16,
}

#[derive(Deserialize)]
struct Listening {
    port: u16,
}

impl MailServer {
    /// A server that behaves as `server.py` says of its options; `None` where this machine has no
    /// Python for it, and `LATCHKEY_REQUIRE_PYTHON` does not ask for one.
    pub(crate) async fn start(options: &Value) -> Option<Self> {
        let packages = match packages() {
            Ok(packages) => packages,
            Err(error) => return skip(&error),
        };
        let server = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/api/smtp/server.py");
        let running = Program::new("python3")
            .args(&["-B", server, &options.to_string()])
            .env("PATH", &variable("PATH"))
            .env("HOME", &variable("HOME"))
            .env("PYTHONPATH", &packages.display().to_string())
            .start();
        let Listening { port } = parse(&running.line("{\"port\": ").await);
        Some(Self { running, port })
    }

    /// The `MAIL_URL` of a server without TLS.
    pub(crate) fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// The mail it took as its `number`th, from 1, once it has.
    pub(crate) async fn mail(&self, number: usize) -> Mail {
        parse(&self.running.line(&format!("{{\"mail\": {number}, ")).await)
    }

    /// Waits until it hangs.
    pub(crate) async fn hangs(&self) {
        self.running.line("{\"hangs\": ").await;
    }

    /// Waits until a connection is closed.
    pub(crate) async fn closed(&self, connection: u16) {
        self.running.line(&format!("{{\"closed\": {connection}}}")).await;
    }

    /// How many mails it took; it is over then.
    pub(crate) async fn count(self) -> usize {
        let said = self.running.terminate().await.stderr;
        said.lines().filter(|line| line.starts_with("{\"mail\": ")).count()
    }
}

#[track_caller]
fn parse<'a, T: Deserialize<'a>>(line: &'a str) -> T {
    match serde_json::from_str(line) {
        Ok(value) => value,
        Err(error) => panic!("{error}: {line}"),
    }
}

fn variable(name: &str) -> String {
    std::env::var_os(name).unwrap_or_default().to_string_lossy().into_owned()
}

/// The folder of the package, installed by the first of all tests that come here.
fn packages() -> Result<PathBuf, String> {
    let all = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (installed, half) = (all.join(PACKAGE), all.join(format!("{PACKAGE}.half")));
    // Of this folder, until this function is over.
    let lock = File::create(all.join(format!("{PACKAGE}.lock"))).and_then(|lock| {
        lock.lock()?;
        Ok(lock)
    });
    let _lock = lock.map_err(|error| error.to_string())?;
    if installed.is_dir() {
        return python(Command::new("python3").arg("--version")).map(|()| installed);
    }
    let _ = fs::remove_dir_all(&half);
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"];
    python(Command::new("python3").args(pip).arg(&half).arg(PACKAGE))?;
    fs::rename(&half, &installed).map_err(|error| error.to_string())?;
    Ok(installed)
}

fn python(command: &mut Command) -> Result<(), String> {
    match command.output() {
        Ok(Output { status, .. }) if status.success() => Ok(()),
        Ok(Output { stderr, .. }) => Err(String::from_utf8_lossy(&stderr).into_owned()),
        Err(error) => Err(format!("python3: {error}")),
    }
}

/// Written past the test runner, which keeps what a test prints that does not fail.
fn skip(error: &str) -> Option<MailServer> {
    let needs = format!("it needs python3 with pip (on Debian: apt install python3-pip): {error}");
    if std::env::var_os("LATCHKEY_REQUIRE_PYTHON").is_some() {
        panic!("no mail server, {needs}");
    }
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {needs}");
    None
}
