//! `POST /login` while something else happens.

use devstack_testkit::{Answer, database, eventually};
use proto::UserId;
use serde_json::json;
use tokio::task::{JoinHandle, JoinSet};
use tokio_postgres::Client;

use crate::auth::{Auth, CLIENT, OLD_CLIENT_SECRET, OTHER_PASSWORD, PASSWORD, User, cost};
use crate::cli::{Cli, serve};

/// A login that has verified the password and waits for the row that `change` has locked.
async fn overlapping(auth: &Auth, user: &User, change: &str) -> (Client, JoinHandle<Answer>) {
    let other = auth.database().await;
    other.batch_execute(&format!("BEGIN; {change}")).await.unwrap();
    let form = [("username", user.email), ("password", PASSWORD)];
    let login = tokio::spawn(auth.api.post("/login").form(&form).send());
    eventually("the login waits for the row", async || {
        let waiting = "SELECT FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        other.query_opt(waiting, &[]).await.unwrap()
    })
    .await;
    (other, login)
}

#[tokio::test]
async fn a_login_that_overlaps_a_change_of_the_password_gives_no_token() {
    let auth = Auth::start().await;
    let user = auth.register("ann@example.com").await;
    let other = json!({
        "id": UserId::generate(), "email": "bob@example.com", "password": OTHER_PASSWORD,
    });
    auth.credentials(&other).await.expect(201);
    let change = format!(
        "UPDATE credentials SET password_hash =
             (SELECT password_hash FROM credentials WHERE id = '{}') WHERE id = '{}'",
        other["id"].as_str().unwrap(),
        user.id
    );

    let (change, login) = overlapping(&auth, &user, &change).await;
    change.batch_execute("COMMIT").await.unwrap();

    login.await.unwrap().expect_oauth_error(400, "invalid_grant");
}

#[tokio::test]
async fn a_login_that_overlaps_a_disabling_gives_no_token() {
    let auth = Auth::start().await;
    let user = auth.register("ann@example.com").await;

    let (change, login) = overlapping(&auth, &user, "UPDATE credentials SET disabled = true").await;
    change.batch_execute("COMMIT").await.unwrap();

    login.await.unwrap().expect_oauth_error(400, "invalid_grant");
}

#[tokio::test]
async fn a_login_that_overlaps_nothing_but_a_lock_gives_a_token_with_todays_scopes() {
    let auth = Auth::start().await;
    let user = auth.register("ann@example.com").await;
    let change = "UPDATE credentials SET scopes = '{shop,shop:admin}'";

    let (change, login) = overlapping(&auth, &user, change).await;
    change.batch_execute("COMMIT").await.unwrap();

    assert_eq!(login.await.unwrap().expect(200)["scope"], "shop shop:admin");
}

#[tokio::test]
async fn right_passwords_in_parallel_all_give_tokens() {
    let auth = Auth::start().await;
    let user = auth.register("ann@example.com").await;

    let mut logins = JoinSet::new();
    for _ in 0..40 {
        let form = [("username", user.email), ("password", PASSWORD)];
        logins.spawn(auth.api.post("/login").form(&form).send());
    }

    for login in logins.join_all().await {
        login.expect(200);
    }
}

/// A service with one hash thread and one place before it, both taken for a while.
async fn busy() -> (Auth, JoinSet<Answer>) {
    let auth = Auth::start_with(|config| {
        config.hashing.params = cost(16 * 1024, 120);
        (config.hashing.concurrency, config.hashing.queue) = (1, 1);
    })
    .await;
    let mut logins = JoinSet::new();
    for _ in 0..6 {
        let form = [("username", "nobody@example.com"), ("password", OTHER_PASSWORD)];
        logins.spawn(auth.api.post("/login").form(&form).send());
    }
    (auth, logins)
}

#[tokio::test]
async fn a_full_hash_queue_is_a_503_that_says_when_to_try_again() {
    let (auth, logins) = busy().await;

    let answers = logins.join_all().await;
    let metrics = auth.ops.get("/metrics").send().await.text();

    let (refused, judged): (Vec<_>, Vec<_>) = answers.iter().partition(|it| it.status == 503);
    for answer in &refused {
        answer.expect_oauth_error(503, "temporarily_unavailable");
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    for answer in &judged {
        answer.expect_oauth_error(400, "invalid_grant");
    }
    assert!((1..=2).contains(&judged.len()), "{answers:?}");
    assert!(metrics.contains("\npassword_hash_shed_total{purpose=\"login\"} "), "{metrics}");
}

#[tokio::test]
async fn a_full_hash_queue_keeps_nobody_from_anything_else() {
    let (auth, mut logins) = busy().await;
    // The first answer is a refusal: from now on the queue is full for a while.
    logins.join_next().await.unwrap().unwrap().expect_oauth_error(503, "temporarily_unavailable");

    auth.ops.get("/health/ready").send().await.expect(200);
    auth.api.get("/openapi.json").send().await.expect(200);
    auth.login("", OTHER_PASSWORD).await.expect_oauth_error(400, "invalid_request");

    assert!(!logins.is_empty() && logins.join_all().await.iter().any(|it| it.status == 400));
}

#[tokio::test]
async fn a_login_whose_client_hangs_up_once_its_hash_has_begun_is_recorded() {
    let cli = Cli::new().await;
    let program = cli.command(&[]).env("HASH_CONCURRENCY", "1").env("ARGON2_MEMORY_KIB", "16384");
    let served = serve(program.env("ARGON2_ITERATIONS", "200")).await;
    let body =
        json!({ "id": UserId::generate(), "email": "ann@example.com", "password": PASSWORD });
    let call = served.api.post("/credentials").basic(CLIENT, OLD_CLIENT_SECRET).json(&body);
    call.send().await.expect(201);
    let waiting = async |count: &str| {
        let depth = format!("\npassword_hash_queue_depth {count}\n");
        eventually(&depth, async || {
            let metrics = served.ops.get("/metrics").send().await.text();
            metrics.contains(&depth).then_some(())
        })
        .await;
    };
    let login = |email| {
        let form = [("username", email), ("password", PASSWORD)];
        tokio::spawn(served.api.post("/login").form(&form).send())
    };

    // A hash takes seconds here, so that there is time to see it begin and to hang up.
    // Whoever comes while one waits is behind all others, and has begun when nobody waits.
    let others = [login("nobody@example.com"), login("nobody@example.com")];
    waiting("1").await;
    let last = login("ann@example.com");
    waiting("2").await;
    waiting("0").await;
    last.abort();

    assert!(last.await.unwrap_err().is_cancelled());
    for other in others {
        other.await.unwrap().expect_oauth_error(400, "invalid_grant");
    }
    let database = database::connect(cli.url()).await;
    let recorded = "SELECT FROM credentials WHERE last_login_at IS NOT NULL";
    eventually("the login is recorded", async || database.query_opt(recorded, &[]).await.unwrap())
        .await;
}
