//! The real binary, with a right configuration and a database of its own.

use devstack_postgres::testing::TestDatabase;
use devstack_testkit::Api;
use devstack_testkit::process::{Program, Running, field};

use crate::auth::{CLIENT_SECRET, ISSUER, OLD_CLIENT_SECRET, OLD_SECRET, SECRET, migrated};

/// The real binary's configuration.
pub(crate) struct Cli {
    url: String,
    _database: Option<TestDatabase>,
}

/// The real binary, serving.
pub(crate) struct Served {
    /// Its public side.
    pub(crate) api: Api,
    /// Its ops port.
    pub(crate) ops: Api,
    /// Its process.
    pub(crate) process: Running,
}

impl Cli {
    /// With a database that is migrated.
    pub(crate) async fn new() -> Self {
        let database = migrated().await;
        Self { url: database.url().to_owned(), _database: Some(database) }
    }

    /// With the address of a database that nobody can reach.
    pub(crate) fn without_database() -> Self {
        Self::at("postgres://nobody@127.0.0.1:1/none")
    }

    /// With a database of somebody else's.
    pub(crate) fn at(url: &str) -> Self {
        Self { url: url.to_owned(), _database: None }
    }

    /// Where the database is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The binary with these arguments and everything it needs in its environment.
    pub(crate) fn command(&self, args: &[&str]) -> Program {
        self.environment(Program::new(env!("CARGO_BIN_EXE_auth-service")).args(args))
    }

    /// A program with everything that the binary needs in its environment.
    pub(crate) fn environment(&self, program: Program) -> Program {
        program
            .env("DATABASE_URL", self.url())
            .env("TOKEN_SECRETS", &format!("{SECRET},{OLD_SECRET}"))
            .env("TOKEN_ISSUER", ISSUER)
            .env("REGISTRATION_CLIENT_SECRET", &format!("{CLIENT_SECRET},{OLD_CLIENT_SECRET}"))
            .env("LISTEN_ADDR", "127.0.0.1:0")
            .env("OPS_ADDR", "127.0.0.1:0")
            .env("ARGON2_MEMORY_KIB", "64")
            .env("ARGON2_ITERATIONS", "1")
    }
}

/// Starts a program that serves, and waits until it is ready.
pub(crate) async fn serve(program: Program) -> Served {
    let process = program.start();
    let listening = process.line("listening").await;
    let api = |name| Api::at(field(&listening, name).parse().unwrap());
    let (api, ops) = (api("addr"), api("ops_addr"));
    process.line("ready").await;
    Served { api, ops, process }
}
