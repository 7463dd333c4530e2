//! The command line of the real binary.

use devstack_postgres::testing;
use devstack_testkit::process::{Program, Running, field};
use devstack_testkit::{Api, database, eventually};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::mint::{self, ISSUER, SECRET};
use crate::shop::{CLOSED, migrate, must};

/// The binary with these arguments, configured for this database.
pub(crate) fn program(database_url: &str, args: &[&str]) -> Program {
    Program::new(env!("CARGO_BIN_EXE_shop-service"))
        .args(args)
        .env("LISTEN_ADDR", "127.0.0.1:0")
        .env("OPS_ADDR", "127.0.0.1:0")
        .env("DATABASE_URL", database_url)
        .env("TOKEN_SECRETS", SECRET)
        .env("TOKEN_ISSUER", ISSUER)
        .env("REGISTRATION_CLIENT_SECRET", "the shop's own secret at the auth service")
        .env("AUTH_URL", &format!("http://{CLOSED}"))
}

/// Its two ports, once it is ready.
async fn addresses(running: &Running) -> [String; 2] {
    let line = running.line("listening").await;
    running.line("ready").await;
    [field(&line, "addr").to_owned(), field(&line, "ops_addr").to_owned()]
}

#[tokio::test]
async fn every_fault_of_the_configuration_is_a_line_and_the_exit_code_2() {
    let ended = program("mysql://nowhere", &[])
        .env("TOKEN_SECRETS", "too short")
        .env("AUTH_URL", "auth:9000")
        .env("AUTH_TIMEOUT", "soon")
        .env("DATABASE_POOL_SIZE", "0")
        .env("LISTEN_ADDR", "8000")
        .env("LOG_FORMAT", "loud")
        .env("MAIL_URL", "smtp://ann:too short@mail/name")
        .env("MAIL_FROM", "nobody")
        .without("REGISTRATION_CLIENT_SECRET")
        .run()
        .await;

    assert_eq!((ended.code, &*ended.stdout), (Some(2), ""));
    let mut lines: Vec<&str> = ended.stderr.lines().collect();
    lines.sort_unstable();
    let names: Vec<&str> = lines.iter().filter_map(|line| line.split(':').next()).collect();
    let expected = [
        "AUTH_TIMEOUT",
        "AUTH_URL",
        "DATABASE_POOL_SIZE",
        "DATABASE_URL",
        "LISTEN_ADDR",
        "LOG_FORMAT",
        "MAIL_FROM",
        "MAIL_URL",
        "REGISTRATION_CLIENT_SECRET",
        "TOKEN_SECRETS",
    ];
    assert_eq!(names, expected, "{}", ended.stderr);
    for line in lines {
        assert!(line.contains("; for example "), "{line}");
        assert!(!line.contains("too short"), "{line}");
    }
}

#[tokio::test]
async fn a_published_secret_is_refused() {
    let published = "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7";

    let ended =
        program("postgres://u@localhost/x", &[]).env("TOKEN_SECRETS", published).run().await;

    assert_eq!(ended.code, Some(2));
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    assert!(ended.stderr.starts_with("TOKEN_SECRETS: ") && !ended.stderr.contains(published));
}

#[tokio::test]
async fn wrong_use_is_the_exit_code_2_with_words_on_standard_error() {
    for args in [&["dance"][..], &["--no-such-flag"], &["serve", "twice"]] {
        let ended = program("postgres://u@localhost/x", args).run().await;

        assert_eq!((ended.code, &*ended.stdout), (Some(2), ""), "{args:?}");
        assert!(!ended.stderr.is_empty(), "{args:?}");
    }
}

#[tokio::test]
async fn openapi_prints_the_committed_document_and_nothing_else() {
    let ended = Program::new(env!("CARGO_BIN_EXE_shop-service")).args(&["openapi"]).run().await;

    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    let committed = include_str!("../../../proto/openapi/shop.json");
    assert!(ended.stdout == committed, "cargo run -p shop-service -- openapi > {committed:.0}…");
}

#[tokio::test]
async fn migrate_applies_what_is_not_applied_yet() {
    let database = testing::database().await;

    let first = program(database.url(), &["migrate"]).run().await;
    let second = program(database.url(), &["migrate"]).run().await;

    assert_eq!((first.code, second.code), (Some(0), Some(0)), "{}", first.stderr);
    let count = first.stdout.strip_suffix(" migrations applied\n").map(str::parse::<u32>);
    assert!(matches!(count, Some(Ok(1..))), "{}", first.stdout);
    assert_eq!(second.stdout, "0 migrations applied\n");
    let db = database::connect(database.url()).await;
    let tables = "SELECT count(*) FROM pg_tables WHERE tablename IN ('users', 'orders')";
    assert_eq!(must(db.query_one(tables, &[]).await).get::<_, i64>(0), 2);
}

#[tokio::test]
async fn migrate_without_a_database_fails() {
    let ended = program(&format!("postgres://u@{CLOSED}/none"), &["migrate"]).run().await;

    assert_eq!((ended.code, &*ended.stdout), (Some(1), ""));
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
}

#[tokio::test]
async fn healthcheck_tells_whether_a_service_is_ready() {
    let database = testing::database().await;
    let running = program(database.url(), &[]).start();
    let [_, ops_addr] = addresses(&running).await;

    let check = |addr: &str| {
        Program::new(env!("CARGO_BIN_EXE_shop-service"))
            .args(&["healthcheck"])
            .env("OPS_ADDR", addr)
            .run()
    };
    let (ready, nobody) = (check(&ops_addr).await, check(CLOSED).await);

    assert_eq!((ready.code, &*ready.stderr), (Some(0), ""));
    assert_eq!((nobody.code, nobody.stderr.lines().count()), (Some(1), 1), "{}", nobody.stderr);
    assert_eq!(running.terminate().await.code, Some(0));
}

#[tokio::test]
async fn a_port_in_use_is_said_with_the_flag_that_changes_it() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = taken.local_addr().unwrap().to_string();

    let ended = program("postgres://u@localhost/x", &["--listen-addr", &addr]).run().await;

    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains(&addr) && ended.stderr.contains("--listen-addr"));
}

#[tokio::test]
async fn what_runs_at_sigterm_is_finished_and_the_exit_code_is_0() {
    let database = testing::database().await;
    migrate(database.url().to_owned()).await;
    let db = database::connect(database.url()).await;
    let mut other_db = database::connect(database.url()).await;
    let id = Uuid::now_v7();
    let insert =
        "INSERT INTO users (id, email, name, state) VALUES ($1, 'a@b.de', 'Ann', 'active')";
    must(db.execute(insert, &[&id]).await);
    let running = program(database.url(), &[]).start();
    let [addr, ops_addr] = addresses(&running).await;
    let (api, ops) = (Api::at(addr.parse().unwrap()), Api::at(ops_addr.parse().unwrap()));

    // A rename that waits for a lock is under way.
    let lock = must(other_db.transaction().await);
    must(lock.execute("SELECT FROM users FOR UPDATE", &[]).await);
    let rename = api.patch("/user/me").bearer(mint::person(id, "shop"));
    let rename = tokio::spawn(rename.json(&json!({ "name": "Anna" })).send());
    eventually("the rename waits", async || {
        let waiting = "SELECT FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        must(db.query_opt(waiting, &[]).await).map(drop)
    })
    .await;
    let ended = tokio::spawn(running.terminate());
    eventually("the service is not ready any more", async || {
        let answer = ops.get("/health/ready").send().await;
        (answer.status == 503).then_some(())
    })
    .await;
    must(lock.commit().await);

    let renamed: Value = rename.await.unwrap().expect(200);
    assert_eq!(renamed["name"], "Anna");
    let ended = ended.await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("draining") && ended.stderr.contains("ended"));
    assert!(!ended.stderr.contains(SECRET), "{}", ended.stderr);
}
