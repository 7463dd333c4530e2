//! The command line: commands that do one thing and end.

use devstack_testkit::database::connect;
use devstack_testkit::eventually;
use devstack_testkit::process::Ended;
use proto::SecretList;
use serde_json::{Value, json};

use crate::auth::{Auth, migrated};
use crate::cli::{Cli, serve};

/// What a command printed, where it did what it was told.
#[track_caller]
fn result(ended: &Ended) -> Value {
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    serde_json::from_str(&ended.stdout).unwrap()
}

#[track_caller]
fn expect_failed(ended: &Ended, words: &str) {
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    assert!(ended.stderr.contains(words), "{ended:?}");
}

#[track_caller]
fn expect_wrong_use(ended: &Ended, words: &str) {
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
    assert!(ended.stderr.contains(words), "{ended:?}");
}

/// A command line on the database of a service that has one user.
async fn with_a_user() -> (Auth, Cli) {
    let database = migrated().await;
    let cli = Cli::at(database.url());
    let auth = Auth::start_on(database, |_| {}).await;
    auth.is_ready().await;
    auth.register("ann@example.com").await;
    (auth, cli)
}

#[tokio::test]
async fn a_user_is_shown_as_json() {
    let (_auth, cli) = with_a_user().await;

    let user = result(&cli.command(&["user", "show", "Ann@example.com"]).run().await);

    assert_eq!(user["email"], "ann@example.com");
    assert_eq!(user["scopes"], json!(["shop"]));
    assert_eq!(user["disabled"], json!(false));
    assert_eq!(user["last_login_at"], Value::Null);
    assert!(proto::id::parse(user["id"].as_str().unwrap()).is_ok(), "{user}");
    assert!(user["created_at"].as_str().unwrap().ends_with('Z'), "{user}");
    assert!(!user.to_string().contains("argon2"), "{user}");
}

#[tokio::test]
async fn scopes_are_granted_and_revoked() {
    let (auth, cli) = with_a_user().await;
    let change = async |verb, scopes: &[&str]| {
        let args = [&["user", verb, "ann@example.com"], scopes].concat();
        result(&cli.command(&args).run().await)["scopes"].clone()
    };

    let granted = change("grant", &["shop:admin", "auth:admin", "shop"]).await;
    assert_eq!(granted, json!(["shop", "shop:admin", "auth:admin"]));
    let login = auth.login("ann@example.com", crate::auth::PASSWORD).await.expect(200);
    assert_eq!(login["scope"], "shop shop:admin auth:admin");

    assert_eq!(change("revoke", &["shop", "auth:admin"]).await, json!(["shop:admin"]));
    let login = auth.login("ann@example.com", crate::auth::PASSWORD).await.expect(200);
    assert_eq!(login["scope"], "shop:admin");
}

#[tokio::test]
async fn a_user_without_scopes_gets_no_token() {
    let (auth, cli) = with_a_user().await;

    let user = cli.command(&["user", "revoke", "ann@example.com", "shop"]).run().await;

    assert_eq!(result(&user)["scopes"], json!([]));
    let login = auth.login("ann@example.com", crate::auth::PASSWORD).await;
    login.expect_oauth_error(400, "invalid_scope");
}

#[tokio::test]
async fn a_user_whom_nobody_knows_is_a_failure() {
    let cli = Cli::new().await;

    for args in [
        &["user", "show", "nobody@example.com"][..],
        &["user", "grant", "nobody@example.com", "shop"],
        &["user", "revoke", "nobody@example.com", "shop"],
    ] {
        expect_failed(&cli.command(args).run().await, "nobody@example.com");
    }
}

#[tokio::test]
async fn a_wrong_use_is_explained() {
    let cli = Cli::without_database();

    for (args, words) in [
        (&["unknown"][..], "unknown"),
        (&["user", "show"], "EMAIL"),
        (&["user", "show", "no-address"], "must have an @"),
        (&["user", "grant", "ann@example.com"], "SCOPES"),
        (&["user", "grant", "ann@example.com", "root"], "shop:admin"),
        (&["hash", "calibrate", "--target", "soon"], "--target: "),
        (&["hash", "calibrate", "--target", "900us"], "--target: must be from 1ms to 10s"),
        (&["hash", "calibrate", "--target", "11s"], "--target: must be from 1ms to 10s"),
        (&["--unknown"], "--unknown"),
    ] {
        expect_wrong_use(&cli.command(args).run().await, words);
    }
}

#[tokio::test]
async fn a_database_that_is_away_is_a_failure_without_its_password() {
    let cli = Cli::at("postgres://ann:a-password@127.0.0.1:1/none");

    for args in [&["user", "show", "ann@example.com"][..], &["migrate"]] {
        let ended = cli.command(args).run().await;
        expect_failed(&ended, "database");
        assert!(!ended.stderr.contains("a-password"), "{ended:?}");
    }
}

#[tokio::test]
async fn user_needs_nothing_but_the_database() {
    let (_auth, cli) = with_a_user().await;
    let show = cli.command(&["user", "show", "ann@example.com"]);

    let ended = show.without("TOKEN_SECRETS").without("REGISTRATION_CLIENT_SECRET").run().await;

    assert_eq!(result(&ended)["email"], "ann@example.com");
    let ended =
        cli.command(&["user", "show", "ann@example.com"]).without("DATABASE_URL").run().await;
    expect_wrong_use(&ended, "DATABASE_URL: is missing");
}

#[tokio::test]
async fn a_generated_secret_is_fit_and_new_each_time() {
    let cli = Cli::without_database();
    let generate = async || {
        let ended = cli.command(&["secret", "generate"]).run().await;
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
        ended.stdout
    };

    let (first, second) = (generate().await, generate().await);

    assert!(first.parse::<SecretList>().is_ok(), "{first}");
    assert_eq!(first.lines().count(), 1);
    assert_ne!(first, second);
}

#[tokio::test]
async fn calibrating_prints_lines_to_set_and_never_less_than_is_safe() {
    let cli = Cli::without_database();

    let ended = cli.command(&["hash", "calibrate", "--target", "1ms"]).run().await;

    let lines = "ARGON2_MEMORY_KIB=19456\nARGON2_ITERATIONS=2\nARGON2_PARALLELISM=1\n";
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), lines), "{ended:?}");
    assert!(ended.stderr.contains("OWASP's minimum"), "{ended:?}");
}

#[tokio::test]
async fn migrations_are_applied_once() {
    let database = devstack_postgres::testing::database().await;
    let cli = Cli::at(database.url());

    let first = cli.command(&["migrate"]).run().await;
    let second = cli.command(&["migrate"]).run().await;

    assert_eq!((first.code, second.code), (Some(0), Some(0)), "{first:?} {second:?}");
    assert!(!first.stdout.starts_with('0'), "{first:?}");
    assert_eq!(second.stdout, "0 migrations applied\n");
}

/// Lets every change of the schema wait as long as somebody holds the advisory lock.
const PAUSE: &str = "
    CREATE FUNCTION pause() RETURNS event_trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); END $$;
    CREATE EVENT TRIGGER pause ON ddl_command_start EXECUTE FUNCTION pause();
    SELECT pg_advisory_lock(1)";

#[tokio::test]
async fn two_replicas_may_migrate_at_once() {
    let database = devstack_postgres::testing::database().await;
    let cli = Cli::at(database.url());
    let gate = connect(database.url()).await;
    gate.batch_execute(PAUSE).await.unwrap();

    let (first, second, ()) =
        tokio::join!(cli.command(&["migrate"]).run(), cli.command(&["migrate"]).run(), async {
            eventually("both have begun", async || {
                let waiting = "SELECT count(*) = 2 FROM pg_stat_activity
                    WHERE datname = current_database() AND wait_event_type = 'Lock'";
                let both: bool = gate.query_one(waiting, &[]).await.unwrap().get(0);
                both.then_some(())
            })
            .await;
            gate.batch_execute("SELECT pg_advisory_unlock(1)").await.unwrap();
        });

    assert_eq!((first.code, second.code), (Some(0), Some(0)), "{first:?} {second:?}");
    let idle = |ended: &Ended| ended.stdout == "0 migrations applied\n";
    assert!(idle(&first) != idle(&second), "{first:?} {second:?}");
}

#[tokio::test]
async fn healthcheck_tells_a_ready_service_from_none() {
    let cli = Cli::new().await;
    let served = serve(cli.command(&[])).await;
    let check = |ops_addr: &str| cli.command(&["healthcheck", "--ops-addr", ops_addr]).run();

    let ready = check(&served.ops.addr().to_string()).await;
    let wrong = check(&served.api.addr().to_string()).await;
    let nobody = check("127.0.0.1:1").await;

    assert_eq!((ready.code, ready.stdout + &ready.stderr), (Some(0), String::new()));
    expect_failed(&wrong, "not ready");
    expect_failed(&nobody, "127.0.0.1:1");
}
