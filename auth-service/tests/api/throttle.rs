//! `POST /login`: failures in a row on one e-mail, from one network.

use devstack_testkit::database::connect;
use proto::UserId;
use serde_json::json;

use crate::auth::{Auth, CLIENT, OLD_CLIENT_SECRET, OTHER_PASSWORD, PASSWORD};
use crate::cli::{Cli, serve};
use crate::guesses::{AWAY, HOME, login_from};

const EMAIL: &str = "ann@example.com";
const HOME_NETWORK: &str = "203.0.113.0/24";

/// The seconds of the pair's wait; both of its ends are counted from its last failure.
async fn wait(auth: &Auth) -> i32 {
    let wait = "SELECT coalesce(round(extract(
            epoch FROM waits_until - (expires_at - interval '1 day'))), 0)::int
        FROM throttle WHERE kind = 'pair'";
    auth.database().await.query_one(wait, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn from_the_fifth_failure_on_the_next_attempt_waits_twice_as_long_each_time() {
    let auth = Auth::start().await;
    auth.register(EMAIL).await;

    let mut waits = Vec::new();
    for _ in 0..17 {
        auth.fail(1, HOME, EMAIL).await;
        waits.push(wait(&auth).await);
        auth.let_waits_pass().await;
    }

    assert_eq!(waits, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
}

#[tokio::test]
async fn who_has_to_wait_is_told_how_long_even_with_the_right_password() {
    let auth = Auth::start().await;
    auth.register(EMAIL).await;
    auth.set_count("pair", EMAIL, HOME_NETWORK, 10).await;
    auth.fail(1, HOME, EMAIL).await;

    let wrong = auth.guess(HOME, EMAIL).await;
    let right = auth.login_from(HOME, EMAIL).await;

    for answer in [wrong, right] {
        answer.expect_oauth_error(429, "too_many_requests");
        let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((34..=64).contains(&seconds), "{answer:?}");
    }
}

#[tokio::test]
async fn when_the_wait_is_over_the_right_password_logs_in() {
    let auth = Auth::start().await;
    auth.register(EMAIL).await;
    auth.make_waits_long().await;
    auth.fail(5, HOME, EMAIL).await;
    auth.login_from(HOME, EMAIL).await.expect_oauth_error(429, "too_many_requests");

    auth.let_waits_pass().await;

    auth.login_from(HOME, EMAIL).await.expect(200);
}

#[tokio::test]
async fn a_success_clears_the_failures_of_its_network_and_of_no_other() {
    let auth = Auth::start().await;
    auth.register(EMAIL).await;
    auth.fail(4, HOME, EMAIL).await;
    auth.fail(3, AWAY, EMAIL).await;

    auth.login_from(HOME, EMAIL).await.expect(200);

    assert_eq!(auth.counted("pair", EMAIL, HOME_NETWORK).await, 0);
    assert_eq!(auth.counted("pair", EMAIL, "198.51.100.0/24").await, 3);
    auth.fail(4, HOME, EMAIL).await;
    auth.login_from(HOME, EMAIL).await.expect(200);
}

#[tokio::test]
async fn failures_are_forgotten_a_day_after_the_last_one() {
    let auth = Auth::start().await;
    auth.register(EMAIL).await;
    let pass = async |time: &str| {
        auth.sql(&format!("UPDATE throttle SET expires_at = expires_at - interval '{time}'")).await;
    };

    auth.fail(2, HOME, EMAIL).await;
    pass("23 hours").await;
    auth.fail(1, HOME, EMAIL).await;
    pass("23 hours").await;
    auth.fail(1, HOME, EMAIL).await;
    assert_eq!(auth.counted("pair", EMAIL, HOME_NETWORK).await, 4);
    pass("25 hours").await;
    auth.fail(1, HOME, EMAIL).await;

    assert_eq!(auth.counted("pair", EMAIL, HOME_NETWORK).await, 1);
}

#[tokio::test]
async fn a_throttled_attempt_costs_no_hash_and_is_not_counted() {
    let cli = Cli::new().await;
    let served = serve(cli.command(&[])).await;
    let body = json!({ "id": UserId::generate(), "email": EMAIL, "password": PASSWORD });
    let call = served.api.post("/credentials").basic(CLIENT, OLD_CLIENT_SECRET).json(&body);
    call.send().await.expect(201);
    let database = connect(cli.url()).await;
    let login = |password| login_from(&served.api, HOME, EMAIL, password).send();
    for _ in 0..5 {
        login(OTHER_PASSWORD).await.expect_oauth_error(400, "invalid_grant");
    }
    let longer = "UPDATE throttle SET waits_until = waits_until + interval '1 hour'";
    database.batch_execute(longer).await.unwrap();
    let hashes = async || {
        let metrics = served.ops.get("/metrics").send().await.text();
        let line = metrics.lines().find_map(|it| {
            it.strip_prefix("password_hash_duration_seconds_count ")?.parse::<u32>().ok()
        });
        line.unwrap()
    };

    let before = hashes().await;
    for password in [OTHER_PASSWORD, PASSWORD, OTHER_PASSWORD] {
        login(password).await.expect_oauth_error(429, "too_many_requests");
    }

    // One to register, five to guess.
    assert_eq!((before, hashes().await), (6, 6));
    let failures = "SELECT max(failures) FROM throttle";
    assert_eq!(database.query_one(failures, &[]).await.unwrap().get::<_, i32>(0), 5);
}

#[tokio::test]
async fn who_is_nobody_is_throttled_like_a_user() {
    let auth = Auth::start().await;
    auth.register(EMAIL).await;
    auth.register("bob@example.com").await;
    auth.sql("UPDATE credentials SET disabled = true WHERE email LIKE 'bob%'").await;
    auth.make_waits_long().await;
    let said = async |username: &str| {
        let mut said = Vec::new();
        for _ in 0..6 {
            let answer = auth.guess(HOME, username).await;
            said.push((answer.status, answer.text(), answer.headers.len()));
        }
        said
    };

    let user = said(EMAIL).await;

    assert_eq!(user.iter().map(|said| said.0).collect::<Vec<_>>(), [400, 400, 400, 400, 400, 429]);
    for other in ["bob@example.com", "nobody@example.com", "no e-mail"] {
        assert_eq!(said(other).await, user, "{other}");
    }
}

#[tokio::test]
async fn whatever_is_no_e_mail_is_counted_as_one() {
    let auth = Auth::start().await;
    auth.make_waits_long().await;

    for username in ["one", "two", "three@", "@four", "five@@example.com"] {
        auth.fail(1, HOME, username).await;
    }

    auth.guess(HOME, "six").await.expect_oauth_error(429, "too_many_requests");
    auth.fail(1, HOME, "nobody@example.com").await;
}

#[tokio::test]
async fn an_e_mail_is_counted_however_it_is_written() {
    let auth = Auth::start().await;
    auth.make_waits_long().await;

    for username in [EMAIL, "Ann@Example.com", " ann@example.com", "ANN@EXAMPLE.COM", EMAIL] {
        auth.fail(1, HOME, username).await;
    }

    auth.guess(HOME, "aNN@example.com").await.expect_oauth_error(429, "too_many_requests");
}

#[tokio::test]
async fn addresses_of_one_network_share_a_count_and_those_of_two_do_not() {
    let auth = Auth::start().await;
    auth.make_waits_long().await;
    for (email, one, same, other) in [
        ("four@example.com", "203.0.113.7", "203.0.113.200", "203.0.114.7"),
        ("six@example.com", "2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"),
        ("mapped@example.com", "::ffff:203.0.113.7", "203.0.113.8", "::ffff:203.0.112.7"),
    ] {
        auth.fail(5, one, email).await;

        auth.guess(same, email).await.expect_oauth_error(429, "too_many_requests");
        auth.guess(other, email).await.expect_oauth_error(400, "invalid_grant");
    }
}

#[tokio::test]
async fn who_is_no_trusted_proxy_cannot_choose_a_network() {
    let auth = Auth::start_with(|config| config.http.trusted_proxies = "".parse().unwrap()).await;
    auth.make_waits_long().await;

    for address in ["203.0.113.1", "203.0.114.1", "203.0.115.1", "203.0.116.1", "203.0.117.1"] {
        auth.fail(1, address, EMAIL).await;
    }

    auth.guess("203.0.118.1", EMAIL).await.expect_oauth_error(429, "too_many_requests");
    assert_eq!(auth.audited("login_failed").await[0]["address"], "127.0.0.1");
}
