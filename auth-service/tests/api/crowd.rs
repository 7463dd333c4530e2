//! More connections than there may be, idle and slow ones, against the real binary.

use devstack_testkit::http::raw;
use devstack_testkit::process::Program;
use devstack_testkit::wait::DEADLINE;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::cli::{Cli, Served, serve};

/// What a connection sends, and no more: most of them nothing; a part of the headers; a part of the
/// body. What is slow ends by itself after a while, what is idle does not.
const PARTS: [&str; 8] = [
    "",
    "",
    "",
    "GET /openapi.js",
    "",
    "",
    "",
    "POST /login HTTP/1.1\r\nHost: auth\r\nContent-Type: application/x-www-form-urlencoded\r\n\
     Content-Length: 30\r\n\r\nusername=",
];

async fn crowd(auth: &Served, connections: usize) -> Vec<TcpStream> {
    let mut crowd = Vec::new();
    for part in PARTS.iter().cycle().take(connections) {
        let mut stream = TcpStream::connect(auth.api.addr()).await.unwrap();
        // Some have been told to leave by now.
        let _ = stream.write_all(part.as_bytes()).await;
        crowd.push(stream);
    }
    crowd
}

async fn expect_served(auth: &Served, requests: usize) {
    for _ in 0..requests {
        let request = "GET /.well-known/oauth-authorization-server HTTP/1.1\r\nHost: auth\r\n\r\n";
        raw(auth.api.addr(), request).await.unwrap().expect(200);
    }
}

#[tokio::test]
async fn two_thousand_idle_or_slow_connections_keep_nobody_out() {
    // Their other ends are ours.
    chassis::serve::raise_limit();
    let cli = Cli::new().await;
    let auth = serve(cli.command(&[])).await;

    let served = async {
        let crowd = crowd(&auth, 2000).await;
        expect_served(&auth, 100).await;
        crowd
    };
    // Well before any of the idle ones is closed for being idle.
    let crowd = timeout(DEADLINE, served).await;

    assert!(crowd.is_ok(), "they keep others out");
    // The ops port has connections of its own.
    auth.ops.get("/health/ready").send().await.expect(200);
    drop(crowd);
}

#[tokio::test]
async fn where_too_few_files_may_be_open_idle_connections_make_room_all_the_same() {
    let cli = Cli::new().await;
    let few = "ulimit -n 64; exec \"$0\" serve";
    let program = Program::new("/bin/sh").args(&["-c", few, env!("CARGO_BIN_EXE_auth-service")]);
    let auth = serve(cli.environment(program)).await;
    auth.process.line("RLIMIT_NOFILE is too low").await;

    let crowd = crowd(&auth, 200).await;

    expect_served(&auth, 10).await;
    drop(crowd);
}
