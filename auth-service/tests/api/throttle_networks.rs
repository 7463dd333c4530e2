//! `POST /login`: failures on one e-mail, from everywhere; and from one network, on everybody.
//! Neither ever locks a user out of a network that the user has logged in from.

use crate::auth::Auth;
use crate::guesses::{AWAY, HOME};

const EMAIL: &str = "ann@example.com";
const AWAY_NETWORK: &str = "198.51.100.0/24";
/// Somewhere else again, where the guesses come from.
const STORM: &str = "192.0.2.7";

/// A user who has logged in at home, and a storm of guesses that has just gone too far.
async fn in_a_storm() -> Auth {
    let auth = Auth::start().await;
    let user = auth.register(EMAIL).await;
    auth.tokens_from(HOME, &user).await;
    auth.make_waits_long().await;
    auth.set_count("email", EMAIL, "", 100).await;
    auth.fail(1, STORM, EMAIL).await;
    auth
}

async fn expect_throttled(auth: &Auth, address: &str) {
    auth.login_from(address, EMAIL).await.expect_oauth_error(429, "too_many_requests");
}

#[tokio::test]
async fn a_hundred_failures_an_hour_keep_nobody_waiting_and_one_more_every_new_network() {
    let auth = Auth::start().await;
    auth.register(EMAIL).await;
    auth.make_waits_long().await;
    auth.set_count("email", EMAIL, "", 99).await;

    auth.fail(1, STORM, EMAIL).await;
    auth.login_from(AWAY, EMAIL).await.expect(200);
    auth.fail(1, STORM, EMAIL).await;

    expect_throttled(&auth, HOME).await;
    expect_throttled(&auth, "2001:db8::1").await;
    assert_eq!(auth.counted("email", EMAIL, "").await, 101);
}

#[tokio::test]
async fn in_a_storm_the_user_logs_in_from_where_the_user_has_logged_in() {
    let auth = in_a_storm().await;

    expect_throttled(&auth, AWAY).await;

    auth.login_from(HOME, EMAIL).await.expect(200);
    auth.login_from("203.0.113.99", EMAIL).await.expect(200);
    expect_throttled(&auth, AWAY).await;
}

#[tokio::test]
async fn in_a_storm_the_users_own_network_waits_for_its_own_failures_only() {
    let auth = in_a_storm().await;

    auth.fail(4, HOME, EMAIL).await;
    auth.login_from(HOME, EMAIL).await.expect(200);
    auth.fail(5, HOME, EMAIL).await;

    expect_throttled(&auth, HOME).await;
}

#[tokio::test]
async fn a_network_is_known_for_30_days_after_the_last_login_from_there() {
    let auth = in_a_storm().await;
    let age = async |days: u32| {
        let sql = "UPDATE sessions SET created_at = clock_timestamp() - interval";
        auth.sql(&format!("DELETE FROM throttle WHERE kind = 'pair'; {sql} '{days} days'")).await;
    };

    age(31).await;
    expect_throttled(&auth, HOME).await;
    age(29).await;

    auth.login_from(HOME, EMAIL).await.expect(200);
}

#[tokio::test]
async fn a_network_is_known_though_the_session_has_ended() {
    let auth = in_a_storm().await;

    auth.sql("UPDATE sessions SET ended_at = clock_timestamp(), expires_at = created_at").await;

    auth.login_from(HOME, EMAIL).await.expect(200);
}

#[tokio::test]
async fn a_network_is_known_to_those_who_have_logged_in_there_only() {
    let auth = in_a_storm().await;
    let other = auth.register("bob@example.com").await;
    auth.tokens_from(AWAY, &other).await;

    expect_throttled(&auth, AWAY).await;
}

#[tokio::test]
async fn in_a_storm_the_next_attempt_from_anywhere_waits_twice_as_long_each_time() {
    let auth = Auth::start().await;
    auth.register(EMAIL).await;
    let waits = async || {
        let left = "SELECT extract(epoch FROM waits_until - clock_timestamp())::float8
            FROM throttle WHERE kind = 'email'";
        auth.database().await.query_one(left, &[]).await.unwrap().get::<_, f64>(0)
    };

    for (failures, wait) in [(105, 32.0), (106, 64.0), (109, 512.0), (500, 900.0)] {
        auth.set_count("email", EMAIL, "", failures).await;
        auth.fail(1, &format!("192.0.{}.7", failures % 256), EMAIL).await;

        let left = waits().await;
        assert!(left <= wait && left > wait - 15.0, "{failures}: {left}");
    }
}

#[tokio::test]
async fn an_hour_after_the_first_failure_the_count_of_an_e_mail_begins_anew() {
    let auth = Auth::start().await;
    auth.register(EMAIL).await;
    let pass = async |time: &str| {
        let sql = "UPDATE throttle SET expires_at = expires_at - interval";
        auth.sql(&format!("{sql} '{time}'")).await;
    };

    auth.fail(1, STORM, EMAIL).await;
    pass("40 minutes").await;
    auth.fail(1, STORM, EMAIL).await;
    assert_eq!(auth.counted("email", EMAIL, "").await, 2);
    pass("30 minutes").await;
    auth.fail(1, STORM, EMAIL).await;

    assert_eq!(auth.counted("email", EMAIL, "").await, 1);
}

#[tokio::test]
async fn a_storm_on_an_unknown_e_mail_is_throttled_alike() {
    let auth = Auth::start().await;
    auth.make_waits_long().await;
    auth.set_count("email", "nobody@example.com", "", 100).await;

    auth.fail(1, STORM, "nobody@example.com").await;

    let answer = auth.guess(AWAY, "nobody@example.com").await;
    answer.expect_oauth_error(429, "too_many_requests");
}

/// A service that lets a network fail three times, a user who has logged in from away and one who
/// has not; and four failures from there.
async fn after_four_failures(limit: u32) -> Auth {
    let auth = Auth::start_with(|config| config.network_failures = limit).await;
    auth.register(EMAIL).await;
    let known = auth.register("known@example.com").await;
    auth.tokens_from(AWAY, &known).await;
    auth.make_waits_long().await;
    for number in 1..=4 {
        auth.fail(1, AWAY, &format!("nobody{number}@example.com")).await;
    }
    auth
}

#[tokio::test]
async fn from_a_network_with_too_many_failures_users_new_to_it_wait() {
    let auth = after_four_failures(3).await;

    expect_throttled(&auth, AWAY).await;
    expect_throttled(&auth, "198.51.100.200").await;

    auth.login_from(HOME, EMAIL).await.expect(200);
    assert_eq!(auth.counted("network", "", AWAY_NETWORK).await, 4);
}

#[tokio::test]
async fn from_a_network_with_too_many_failures_users_whom_it_has_logged_in_do_not_wait() {
    let auth = after_four_failures(3).await;

    auth.login_from(AWAY, "known@example.com").await.expect(200);

    expect_throttled(&auth, AWAY).await;
}

#[tokio::test]
async fn as_many_failures_as_a_network_may_have_keep_nobody_waiting() {
    let auth = after_four_failures(4).await;

    auth.login_from(AWAY, EMAIL).await.expect(200);
}

#[tokio::test]
async fn ten_minutes_after_the_first_failure_the_count_of_a_network_begins_anew() {
    let auth = after_four_failures(3).await;
    let time = "SELECT expires_at - clock_timestamp() BETWEEN interval '9 minutes'
        AND interval '10 minutes' FROM throttle WHERE kind = 'network'";
    assert!(auth.database().await.query_one(time, &[]).await.unwrap().get::<_, bool>(0));

    auth.let_waits_pass().await;
    auth.sql("UPDATE throttle SET expires_at = clock_timestamp() WHERE kind = 'network'").await;
    auth.fail(1, AWAY, "nobody5@example.com").await;

    assert_eq!(auth.counted("network", "", AWAY_NETWORK).await, 1);
    auth.login_from(AWAY, EMAIL).await.expect(200);
}

#[tokio::test]
async fn networks_do_not_count_where_that_is_off() {
    let auth = after_four_failures(0).await;
    auth.set_count("network", "", AWAY_NETWORK, 1_000_000).await;

    auth.fail(1, AWAY, "nobody5@example.com").await;

    auth.login_from(AWAY, EMAIL).await.expect(200);
}
