//! `check`: what the real binary finds in a real configuration, on a real server.

use devstack_postgres::testing::database;
use devstack_postgres::{Options, Server};
use devstack_testkit::database::connect;
use devstack_testkit::process::{Ended, Program};

use crate::auth::{CLIENT_SECRET, OLD_CLIENT_SECRET, OLD_SECRET, SECRET};
use crate::cli::Cli;

/// As `secret generate` makes them.
const SECRETS: [&str; 2] =
    ["wFfJ0aQ3v1mXhN8bTtYkR5sLzGd2eCi7uPqVo4nW6xE", "9hK2pZrUe0XyQjB4cVtMw7sNfAo5iLdG1bRqT8uJxvY"];

/// `check` as it would be in production, but for the database.
fn fit(url: &str) -> Program {
    Program::new(env!("CARGO_BIN_EXE_auth-service"))
        .args(&["check"])
        .env("DATABASE_URL", url)
        .env("TOKEN_SECRETS", SECRETS[0])
        .env("REGISTRATION_CLIENT_SECRET", SECRETS[1])
        .env("TOKEN_ISSUER", "https://auth.example")
        .env("TRUSTED_PROXIES", "10.0.0.0/8")
        .env("HASH_CONCURRENCY", "1")
}

/// Of each line on standard output, what it is about and what it says to set.
#[track_caller]
fn found(ended: &Ended) -> Vec<(&str, &str)> {
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let parts = |line| {
        let (what, rest): (&str, &str) = str::split_once(line, ": ")?;
        Some((what, rest.rsplit_once(" → ")?.1))
    };
    ended.stdout.lines().map(|line| parts(line).unwrap()).collect()
}

#[tokio::test]
async fn a_service_that_is_fit_for_production_has_nothing_to_change() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Options::durable(folder.path()), |_| {}).await.unwrap();
    let superuser = connect(&server.url("postgres")).await;
    for statement in
        ["CREATE ROLE auth LOGIN PASSWORD 'of-the-role'", "CREATE DATABASE auth OWNER auth"]
    {
        superuser.batch_execute(statement).await.unwrap();
    }
    let url = format!("postgres://auth:of-the-role@127.0.0.1:{}/auth", server.port());

    let ended = fit(&url).run().await;

    let said = (ended.code, &*ended.stdout, &*ended.stderr);
    assert_eq!(said, (Some(0), "", "nothing to change\n"));
}

#[tokio::test]
async fn what_is_not_fit_is_found_a_line_each() {
    let database = database().await;
    let cli = Cli::at(database.url());

    let check = cli.command(&["check", "--access-token-ttl", "2h", "--rust-log", "debug"]);
    let ended = check.env("TOKEN_ISSUER", "http://auth.example").run().await;

    let found = found(&ended);
    for finding in [
        ("RUST_LOG", "RUST_LOG=info"),
        ("TOKEN_ISSUER", "TOKEN_ISSUER=https://auth.example"),
        ("TOKEN_SECRETS", "TOKEN_SECRETS=$(auth-service secret generate)"),
        ("TOKEN_SECRETS", "TOKEN_SECRETS=… (the first entry alone)"),
        ("TRUSTED_PROXIES", "TRUSTED_PROXIES=10.0.0.0/8"),
        ("ACCESS_TOKEN_TTL", "ACCESS_TOKEN_TTL=30m"),
        ("ARGON2_MEMORY_KIB", "ARGON2_MEMORY_KIB=19456 ARGON2_ITERATIONS=2 ARGON2_PARALLELISM=1"),
        ("PostgreSQL", "ALTER SYSTEM SET fsync = on;"),
        ("PostgreSQL", "ALTER SYSTEM SET synchronous_commit = on;"),
    ] {
        assert!(found.contains(&finding), "{finding:?} in {found:#?}");
    }
    assert!(ended.stdout.contains("connects as the superuser "), "{}", ended.stdout);
    assert_eq!(ended.stderr, format!("{} findings\n", found.len()));
}

#[tokio::test]
async fn no_finding_holds_a_secret() {
    let database = database().await;
    let password = database.url().split([':', '@']).nth(2).unwrap();
    let cli = Cli::at(database.url());
    let reused = format!("{SECRET},{CLIENT_SECRET},{OLD_SECRET}");

    let ended = cli.command(&["check"]).env("TOKEN_SECRETS", &reused).run().await;

    assert!(ended.stdout.contains("holds a secret of TOKEN_SECRETS"), "{}", ended.stdout);
    for secret in [password, SECRET, OLD_SECRET, CLIENT_SECRET, OLD_CLIENT_SECRET] {
        assert!(!secret.is_empty() && !format!("{ended:?}").contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn a_role_and_its_pool_are_judged_by_what_the_server_says() {
    let database = database().await;
    let server = connect(database.url()).await;
    server.batch_execute("CREATE ROLE \"Chief\" LOGIN SUPERUSER PASSWORD 'x'").await.unwrap();
    let (_, place) = database.url().split_once('@').unwrap();

    let check = fit(&format!("postgres://Chief:x@{place}")).env("DATABASE_POOL_SIZE", "1000");
    let ended = check.run().await;

    let found = found(&ended);
    assert!(found.contains(&("DATABASE_URL", "ALTER ROLE \"Chief\" NOSUPERUSER;")), "{found:?}");
    assert!(found.contains(&("DATABASE_POOL_SIZE", "DATABASE_POOL_SIZE=16")), "{found:?}");
    // The tests' server takes 300, and keeps 3 for superusers.
    assert!(ended.stdout.contains("more than the 297 connections"), "{}", ended.stdout);
}

#[tokio::test]
async fn a_database_that_is_away_is_the_one_finding_about_it() {
    let ended = fit("postgres://ann:a-password@127.0.0.1:1/none").run().await;

    assert_eq!(found(&ended).len(), 1, "{ended:?}");
    assert!(ended.stdout.starts_with("DATABASE_URL: leads to no database that answers"));
    assert!(ended.stdout.contains("refused") && ended.stderr == "1 finding\n", "{ended:?}");
    assert!(!ended.stdout.contains("a-password"), "{ended:?}");
}

#[tokio::test]
async fn a_wrong_configuration_is_no_finding_but_its_faults() {
    let check = fit("mysql://nowhere").env("TOKEN_SECRETS", "short").env("LOG_FORMAT", "loud");

    let ended = check.run().await;

    assert_eq!((ended.code, &*ended.stdout), (Some(2), ""));
    let names = ended.stderr.lines().filter_map(|line| line.split(':').next());
    assert_eq!(names.collect::<Vec<_>>(), ["LOG_FORMAT", "DATABASE_URL", "TOKEN_SECRETS"]);
}

#[tokio::test]
async fn check_changes_nothing_and_takes_no_port() {
    let database = database().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();

    let ended = fit(database.url()).env("LISTEN_ADDR", &addr).run().await;

    assert!(!found(&ended).is_empty());
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    let tables: i64 = connect(database.url()).await.query_one(tables, &[]).await.unwrap().get(0);
    assert_eq!(tables, 0);
}
