//! The server ends with the process that started it, however that ends.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test says by panicking what it missed"
)]

use std::{
    env,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use devstack_postgres::{Options, Server};

const FOLDER: &str = "LATCHKEY_TEST_FOLDER";

/// Not a test, but the process whose end the tests watch.
#[tokio::test]
#[ignore = "started by the tests below"]
async fn a_parent() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let server = Server::start(Options::throw_away(PathBuf::from(folder)), |_| {}).await.unwrap();
    writeln!(io::stdout(), "\nserver {}", server.pid().unwrap()).unwrap();
    let told_to_end = io::stdin().lock().lines().next();
    drop(told_to_end);
    std::mem::forget(server); // As a static would be.
}

/// Starts this test binary again as [`a_parent`]; returns its server's pid.
fn parent_with_server(folder: &Path) -> (Child, i32) {
    let mut parent = Command::new(env::current_exe().unwrap())
        .args(["a_parent", "--exact", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(parent.stdout.as_mut().unwrap()).lines();
    let pid = lines
        .map(Result::unwrap)
        .find_map(|line| line.strip_prefix("server ").map(|pid| pid.parse().unwrap()));
    (parent, pid.expect("the parent ended without a server"))
}

fn wait_until_gone(pid: i32) {
    let deadline = Instant::now() + Duration::from_secs(20);
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    while rustix::process::test_kill_process(pid).is_ok() {
        assert!(Instant::now() < deadline, "the server still runs");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_server_dies_when_its_parent_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let (mut parent, server) = parent_with_server(folder.path());

    parent.kill().unwrap();
    parent.wait().unwrap();

    wait_until_gone(server);
}

#[test]
#[cfg(target_os = "linux")]
fn the_server_dies_when_its_parent_ends_without_stopping_it() {
    let folder = tempfile::tempdir().unwrap();
    let (mut parent, server) = parent_with_server(folder.path());

    drop(parent.stdin.take());
    parent.wait().unwrap();

    wait_until_gone(server);
}

#[tokio::test]
async fn a_start_right_after_the_parent_was_killed_succeeds() {
    let folder = tempfile::tempdir().unwrap();
    let (mut parent, server) = parent_with_server(folder.path());

    parent.kill().unwrap();
    parent.wait().unwrap();
    let again = Server::start(Options::throw_away(folder.path()), |_| {}).await.unwrap();

    assert_ne!(again.pid(), Some(server));
}
