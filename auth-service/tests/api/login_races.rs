//! `POST /login` while something else happens.

use devstack_testkit::http::Call;
use devstack_testkit::{Answer, database, eventually};
use proto::UserId;
use serde_json::json;
use tokio::task::{JoinHandle, JoinSet};
use tokio_postgres::Client;

use crate::auth::{Auth, CLIENT, OLD_CLIENT_SECRET, OTHER_PASSWORD, PASSWORD, Tokens, User, cost};
use crate::cli::{Cli, serve};
use crate::guesses::{HOME, login_from};
use crate::held::{one_after_the_other, waiting};

/// A login that has verified the password and waits for the row that `change` has locked.
async fn overlapping(auth: &Auth, user: &User, change: &str) -> (Client, JoinHandle<Answer>) {
    let other = auth.database().await;
    other.batch_execute(&format!("BEGIN; {change}")).await.unwrap();
    let form = [("username", user.email), ("password", PASSWORD)];
    let login = tokio::spawn(auth.api.post("/login").form(&form).send());
    waiting(auth, 1).await;
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

/// A user whose password was hashed with weaker parameters than the service has by now, so that a
/// login may want to hash it anew; the tokens of a session; and a change of the password from it.
async fn with_a_weak_hash() -> (Auth, User, Tokens, Call) {
    let mut auth = Auth::start().await;
    let weaker = auth.another(|config| config.hashing.params = cost(32, 1)).await;
    let user = User { id: UserId::generate().to_string(), email: "ann@example.com" };
    let body = json!({ "id": user.id, "email": user.email, "password": PASSWORD });
    let call = weaker.post("/credentials").basic(CLIENT, OLD_CLIENT_SECRET).json(&body);
    call.send().await.expect(201);
    let form = [("username", user.email), ("password", PASSWORD)];
    let tokens = Tokens::of(&weaker.post("/login").form(&form).send().await);
    let body = json!({ "current_password": PASSWORD, "new_password": OTHER_PASSWORD });
    let change = auth.api.put("/password").bearer(&tokens.access).json(&body);
    (auth, user, tokens, change)
}

/// That the new password is the only one, and that nobody holds a session but who has set it.
async fn expect_only_the_new_password(auth: &Auth, user: &User, tokens: &Tokens) {
    let alive = "SELECT id::text FROM sessions WHERE ended_at IS NULL";
    let alive = auth.database().await.query(alive, &[]).await.unwrap();
    assert_eq!(alive.iter().map(|row| row.get(0)).collect::<Vec<&str>>(), [&tokens.session]);
    let old = auth.login(user.email, PASSWORD).await;
    old.expect_oauth_error(400, "invalid_grant");
    auth.login(user.email, OTHER_PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_login_that_a_change_of_the_password_overtakes_leaves_no_session_and_no_old_hash() {
    let (auth, user, tokens, change) = with_a_weak_hash().await;
    let login = login_from(&auth.api, HOME, user.email, PASSWORD);

    let [changed, refused] = one_after_the_other(&auth, &user, [change, login]).await;

    changed.expect(204);
    refused.expect_oauth_error(400, "invalid_grant");
    expect_only_the_new_password(&auth, &user, &tokens).await;
}

#[tokio::test]
async fn a_login_just_before_a_change_of_the_password_loses_its_session() {
    let (auth, user, tokens, change) = with_a_weak_hash().await;
    let login = login_from(&auth.api, HOME, user.email, PASSWORD);

    let [let_in, changed] = one_after_the_other(&auth, &user, [login, change]).await;

    let let_in = Tokens::of(&let_in);
    changed.expect(204);
    auth.refresh(&let_in.refresh).await.expect_oauth_error(400, "invalid_grant");
    expect_only_the_new_password(&auth, &user, &tokens).await;
}

#[tokio::test]
async fn of_two_changes_of_a_password_at_once_one_wins() {
    let (auth, user, tokens, first) = with_a_weak_hash().await;
    let body = json!({ "current_password": PASSWORD, "new_password": "a third pass phrase" });
    let second = auth.api.put("/password").bearer(&tokens.access).json(&body);

    let [won, lost] = one_after_the_other(&auth, &user, [first, second]).await;

    won.expect(204);
    lost.expect_invalid(&["current_password"]);
    expect_only_the_new_password(&auth, &user, &tokens).await;
}

#[tokio::test]
async fn a_change_of_the_password_by_a_session_that_ends_meanwhile_changes_nothing() {
    let (auth, user, _tokens, change) = with_a_weak_hash().await;
    let holder = auth.database().await;
    // Who calls is settled by then, and no password is read yet.
    holder.batch_execute("BEGIN; LOCK TABLE throttle").await.unwrap();
    let changed = tokio::spawn(change.send());
    waiting(&auth, 1).await;

    auth.sql("UPDATE sessions SET ended_at = clock_timestamp()").await;
    holder.batch_execute("COMMIT").await.unwrap();

    changed.await.unwrap().expect_problem(401, "invalid_token");
    auth.login(user.email, PASSWORD).await.expect(200);
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
