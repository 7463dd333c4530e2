//! A service as a process of its own, logging all it can.

use devstack_testkit::Api;
use devstack_testkit::process::{Program, Running, field};

/// What signs.
pub(crate) const TOKEN_SECRET: &str = "3f0c-signing-secret-that-nobody-may-read-anywhere";
/// The shop's own at the auth service.
pub(crate) const CLIENT_SECRET: &str = "7a1d-registration-secret-that-nobody-may-read";

/// A service that runs.
pub(crate) struct Served {
    /// Its public side.
    pub(crate) api: Api,
    /// Health and metrics.
    pub(crate) ops: Api,
    /// Its log is its standard error.
    pub(crate) process: Running,
}

/// A service on this database, with these variables, too; not started yet.
pub(crate) fn program(service: &str, url: &str, more: &[(&str, &str)]) -> Program {
    let common = [
        ("DATABASE_URL", url),
        ("TOKEN_SECRETS", TOKEN_SECRET),
        ("REGISTRATION_CLIENT_SECRET", CLIENT_SECRET),
        ("LISTEN_ADDR", "127.0.0.1:0"),
        ("OPS_ADDR", "127.0.0.1:0"),
        ("RUST_LOG", "trace"),
    ];
    let mut program = Program::new(env!("CARGO_BIN_EXE_devstack")).args(&[service, "serve"]);
    for (name, value) in common.iter().chain(more) {
        program = program.env(name, value);
    }
    program
}

/// A service on this database, ready, with these variables, too.
pub(crate) async fn serve(service: &str, url: &str, more: &[(&str, &str)]) -> Served {
    let process = program(service, url, more).start();
    let listening = process.line("listening").await;
    let api = |name| Api::at(field(&listening, name).parse().unwrap());
    process.line("ready").await;
    Served { api: api("addr"), ops: api("ops_addr"), process }
}
