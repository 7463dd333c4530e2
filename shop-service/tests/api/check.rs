//! `check`: what the real binary finds in a real configuration, on a real server.

use devstack_postgres::testing::database;
use devstack_testkit::database::connect;
use devstack_testkit::process::{Ended, Program};

use crate::shop::{CLOSED, must};

/// `check` as it would be in production, but for the database.
fn fit(url: &str) -> Program {
    Program::new(env!("CARGO_BIN_EXE_shop-service"))
        .args(&["check"])
        .env("DATABASE_URL", url)
        .env("TOKEN_SECRETS", "wFfJ0aQ3v1mXhN8bTtYkR5sLzGd2eCi7uPqVo4nW6xE")
        .env("REGISTRATION_CLIENT_SECRET", "9hK2pZrUe0XyQjB4cVtMw7sNfAo5iLdG1bRqT8uJxvY")
        .env("TOKEN_ISSUER", "https://auth.example")
        .env("AUTH_URL", "http://auth:9000")
        .env("MAIL_URL", "smtp://mail:25")
        .env("MAIL_FROM", "shop@example.com")
}

/// What each line on standard output is about.
#[track_caller]
fn found(ended: &Ended) -> Vec<&str> {
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.lines().all(|line| line.contains(" → ")), "{}", ended.stdout);
    ended.stdout.lines().filter_map(|line| line.split(':').next()).collect()
}

#[tokio::test]
async fn what_is_not_fit_is_found_a_line_each() {
    let database = database().await;

    let ended = fit(database.url())
        .env("LISTEN_ADDR", "0.0.0.0:8000")
        .env("SHUTDOWN_GRACE", "1m")
        .env("CORS_ALLOWED_ORIGINS", "http://shop.example")
        .env("TOKEN_ISSUER", "http://auth.example")
        .env("AUTH_URL", "http://auth.example")
        .env("AUTH_TIMEOUT", "20s")
        .env("MAIL_URL", "smtp://ann:secret@mail.example")
        .env("MAIL_FROM", "shop@localhost")
        .run()
        .await;

    let expected = [
        "CORS_ALLOWED_ORIGINS",
        "SHUTDOWN_GRACE",
        "TOKEN_ISSUER",
        "TRUSTED_PROXIES",
        "AUTH_URL",
        "AUTH_TIMEOUT",
        "MAIL_URL",
        "MAIL_FROM",
        "DATABASE_URL",
        "PostgreSQL",
        "PostgreSQL",
        "PostgreSQL",
    ];
    assert_eq!(found(&ended), expected, "{}", ended.stdout);
    assert_eq!(ended.stderr, "12 findings\n");
    assert!(!ended.stdout.contains("secret"), "{}", ended.stdout);
}

#[tokio::test]
async fn a_role_that_may_little_is_fit() {
    let database = database().await;
    let server = connect(database.url()).await;
    must(server.batch_execute("CREATE ROLE plain LOGIN PASSWORD 'x'").await);
    let (_, place) = database.url().split_once('@').unwrap();

    let ended = fit(&format!("postgres://plain:x@{place}")).run().await;

    // The tests' server is not meant to survive a crash.
    assert_eq!(found(&ended), ["PostgreSQL"; 3], "{}", ended.stdout);
}

#[tokio::test]
async fn a_database_that_is_away_is_the_one_finding_about_it() {
    let ended = fit(&format!("postgres://ann:a-password@{CLOSED}/none")).run().await;

    assert_eq!(found(&ended), ["DATABASE_URL"], "{ended:?}");
    assert!(!ended.stdout.contains("a-password"), "{ended:?}");
}

#[tokio::test]
async fn a_wrong_configuration_is_no_finding_but_its_faults() {
    let ended = fit("mysql://nowhere").env("AUTH_TIMEOUT", "soon").run().await;

    assert_eq!((ended.code, &*ended.stdout), (Some(2), ""));
    let names = ended.stderr.lines().filter_map(|line| line.split(':').next());
    assert_eq!(names.collect::<Vec<_>>(), ["DATABASE_URL", "AUTH_TIMEOUT"]);
}
