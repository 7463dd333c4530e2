//! The command line: administration, with the same effects and traces as over HTTP.

use devstack_testkit::process::Ended;
use serde_json::{Value, json};

use crate::auth::{Auth, CLIENT, Machine, OTHER_PASSWORD, PASSWORD, Tokens, migrated};
use crate::cli::Cli;
use crate::machine::{expect_invalid_client, members};

/// A service with one user, and a command line on its database.
async fn start() -> (Auth, Cli) {
    let database = migrated().await;
    let cli = Cli::at(database.url());
    let auth = Auth::start_on(database, |_| {}).await;
    auth.is_ready().await;
    auth.register("ann@example.com").await;
    (auth, cli)
}

/// What a command printed that did what it was told.
async fn done(cli: &Cli, args: &[&str]) -> String {
    let ended = cli.command(args).run().await;
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""), "{args:?}: {ended:?}");
    ended.stdout
}

async fn user(cli: &Cli, verb: &str, scopes: &[&str]) -> Value {
    let args = [&["user", verb, "ann@example.com"], scopes].concat();
    let printed = done(cli, &args).await;
    assert_eq!(printed.lines().count(), 1, "{printed}");
    serde_json::from_str(&printed).unwrap()
}

#[track_caller]
fn expect_ended(ended: &Ended, code: i32, words: &str) {
    assert_eq!((ended.code, &*ended.stdout), (Some(code), ""), "{ended:?}");
    assert!(ended.stderr.contains(words), "{ended:?}");
}

#[tokio::test]
async fn a_user_is_printed_as_the_api_shows_it() {
    let (auth, cli) = start().await;
    let admin = auth.admin().await;

    let printed = user(&cli, "show", &[]).await;

    let path = format!("/admin/users/{}", printed["id"].as_str().unwrap());
    let shown = auth.api.get(&path).bearer(&admin.access).send().await;
    assert_eq!(printed, shown.expect(200));
}

#[tokio::test]
async fn the_first_administrator_is_made_by_the_command_line() {
    let (auth, cli) = start().await;
    let before = Tokens::of(&auth.login("ann@example.com", PASSWORD).await);
    let list =
        async |tokens: &Tokens| auth.api.get("/admin/users").bearer(&tokens.access).send().await;
    list(&before).await.expect_problem(403, "insufficient_scope");

    let granted = user(&cli, "grant", &["auth:admin"]).await;

    assert_eq!(granted["scopes"], json!(["shop", "auth:admin"]));
    let after = Tokens::of(&auth.login("ann@example.com", PASSWORD).await);
    list(&after).await.expect(200);
    user(&cli, "revoke", &["auth:admin"]).await;
    list(&after).await.expect_problem(403, "insufficient_scope");
}

#[tokio::test]
async fn a_user_is_disabled_and_enabled() {
    let (auth, cli) = start().await;
    let tokens = Tokens::of(&auth.login("ann@example.com", PASSWORD).await);

    assert_eq!(user(&cli, "disable", &[]).await["disabled"], true);
    auth.refresh(&tokens.refresh).await.expect_oauth_error(400, "invalid_grant");
    auth.login("ann@example.com", PASSWORD).await.expect_oauth_error(400, "invalid_grant");

    assert_eq!(user(&cli, "enable", &[]).await["disabled"], false);
    auth.refresh(&tokens.refresh).await.expect_oauth_error(400, "invalid_grant");
    auth.login("ann@example.com", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_user_who_has_to_wait_is_unlocked() {
    let (auth, cli) = start().await;
    for _ in 0..5 {
        auth.login("ann@example.com", OTHER_PASSWORD).await.expect(400);
    }
    auth.sql("UPDATE throttle SET waits_until = '2100-01-01Z' WHERE kind = 'pair'").await;
    auth.login("ann@example.com", PASSWORD).await.expect_oauth_error(429, "too_many_requests");
    assert_eq!(user(&cli, "show", &[]).await["locked_until"], "2100-01-01T00:00:00Z");

    assert_eq!(user(&cli, "unlock", &[]).await["locked_until"], Value::Null);

    auth.login("ann@example.com", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn what_the_command_line_does_to_a_user_is_audited() {
    let (auth, cli) = start().await;
    let session = Tokens::of(&auth.login("ann@example.com", PASSWORD).await).session;

    for (verb, scopes) in
        [("grant", &["shop:admin"][..]), ("disable", &[]), ("enable", &[]), ("show", &[])]
    {
        user(&cli, verb, scopes).await;
    }

    let by = "command line";
    let scopes = json!({ "by": by, "from": ["shop"], "to": ["shop", "shop:admin"] });
    for (event, detail) in [
        ("scopes_changed", scopes),
        ("disabled", json!({ "by": by })),
        ("session_ended", json!({ "by": by, "session": session })),
        ("enabled", json!({ "by": by })),
    ] {
        let audited = auth.audited(event).await;
        assert_eq!(audited.len(), 1, "{event}: {audited:?}");
        assert_eq!(audited[0]["detail"], detail, "{event}");
        assert_eq!(audited[0]["email"], "ann@example.com", "{event}");
        assert_eq!(audited[0]["address"], Value::Null, "{event}");
    }
}

#[tokio::test]
async fn a_created_clients_secret_is_printed_bare_and_works() {
    let (auth, cli) = start().await;
    let args =
        ["client", "create", "stock-robot", "--scope", "shop:admin", "--scope", "auth:register"];

    let printed = done(&cli, &args).await;

    let secret = printed.strip_suffix('\n').unwrap().to_owned();
    assert!(secret.len() >= 32 && !secret.contains(char::is_whitespace), "{printed}");
    let robot = Machine { id: "stock-robot".to_owned(), secret };
    assert_eq!(robot.grant(&auth).await.expect(200)["scope"], "shop:admin auth:register");
    let created = auth.audited("client_created").await;
    let detail = json!({ "by": "command line", "scopes": ["shop:admin", "auth:register"] });
    assert_eq!((&created[0]["detail"], &created[0]["client_id"]), (&detail, &json!(robot.id)));
    assert_eq!(created[0]["address"], Value::Null);
}

#[tokio::test]
async fn clients_are_listed_a_line_each_without_secrets() {
    let (_auth, cli) = start().await;
    let secret = done(&cli, &["client", "create", "zed-robot", "--scope", "shop"]).await;
    done(&cli, &["client", "create", "ann-robot"]).await;

    let printed = done(&cli, &["client", "list"]).await;

    let clients: Vec<Value> =
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let listed = |place: usize| (&clients[place]["id"], &clients[place]["scopes"]);
    assert_eq!(clients.len(), 3);
    assert_eq!(listed(0), (&json!("shop-service"), &json!(["auth:register"])));
    assert_eq!(listed(1), (&json!("zed-robot"), &json!(["shop"])));
    assert_eq!(listed(2), (&json!("ann-robot"), &json!([])));
    assert_eq!(members(&clients[0]), ["created_at", "id", "scopes"]);
    assert!(!printed.contains(secret.trim()), "{printed}");
}

#[tokio::test]
async fn a_deleted_client_is_gone_with_its_sessions() {
    let (auth, cli) = start().await;
    let app = auth.client("shop-app", &["shop"]).await;
    let tokens = Tokens::of(&app.login(&auth, "ann@example.com").await);

    assert_eq!(done(&cli, &["client", "delete", "shop-app"]).await, "");

    expect_invalid_client(&app.refresh(&auth, &tokens.refresh).await);
    assert_eq!(auth.introspect(&tokens.access).await["active"], false);
    let deleted = auth.audited("client_deleted").await;
    assert_eq!(deleted[0]["detail"], json!({ "by": "command line" }));
    assert_eq!(auth.audited("session_ended").await[0]["detail"]["by"], "command line");
}

#[tokio::test]
async fn what_cannot_be_done_fails_in_a_line() {
    let (auth, cli) = start().await;
    auth.client("stock-robot", &[]).await;

    for (args, words) in [
        (&["user", "disable", "nobody@example.com"][..], "nobody@example.com"),
        (&["user", "enable", "nobody@example.com"], "nobody@example.com"),
        (&["user", "unlock", "nobody@example.com"], "nobody@example.com"),
        (&["client", "create", "stock-robot"], "has this id"),
        (&["client", "create", "public"], "public"),
        (&["client", "create", CLIENT], CLIENT),
        (&["client", "delete", "public"], "public"),
        (&["client", "delete", CLIENT], CLIENT),
        (&["client", "delete", "unknown-robot"], "no such client"),
    ] {
        let ended = cli.command(args).run().await;
        expect_ended(&ended, 1, words);
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    }
}

#[tokio::test]
async fn a_wrong_use_is_told_from_a_failure() {
    let cli = Cli::without_database();

    for (args, words) in [
        (&["user", "disable"][..], "EMAIL"),
        (&["user", "disable", "no-address"], "must have an @"),
        (&["user", "unlock", "ann@example.com", "shop"], "shop"),
        (&["client", "create"], "ID"),
        (&["client", "create", "Robot"], "begin with a letter"),
        (&["client", "create", "robot", "--scope"], "--scope"),
        (&["client", "create", "robot", "--scope", "root"], "shop:admin"),
        (&["client", "create", "robot", "shop"], "shop"),
        (&["client", "delete"], "ID"),
        (&["client", "delete", "1robot"], "begin with a letter"),
        (&["client", "rename", "robot"], "rename"),
    ] {
        expect_ended(&cli.command(args).run().await, 2, words);
    }
}
