//! `POST /login`: many guesses at once get no further than guesses one by one.

use devstack_testkit::Api;
use devstack_testkit::http::Call;

use crate::auth::{Auth, OTHER_PASSWORD, PASSWORD};
use crate::guesses::{AWAY, HOME, at_once, judged, login_from};

const EMAIL: &str = "ann@example.com";

/// A service that takes many connections at once, with one user; no wait ends during a test.
async fn start() -> Auth {
    let auth = Auth::start_with(|config| config.http.max_connections = 1024).await;
    auth.register(EMAIL).await;
    auth.make_waits_long().await;
    auth
}

/// An address in one of 250 networks.
fn anywhere(number: usize) -> String {
    format!("192.0.{number}.7")
}

fn guess(api: &Api, address: &str) -> Call {
    login_from(api, address, EMAIL, OTHER_PASSWORD)
}

#[tokio::test]
async fn a_burst_of_guesses_gets_as_many_hashes_as_a_slow_one() {
    let auth = start().await;

    let answers = at_once((0..256).map(|_| guess(&auth.api, HOME))).await;

    assert_eq!(judged(&answers), 5);
    assert_eq!(auth.counted("pair", EMAIL, "203.0.113.0/24").await, 5);
    assert_eq!(auth.audited("login_failed").await.len(), 5);
}

#[tokio::test]
async fn a_burst_after_a_wait_gets_one_hash() {
    let auth = start().await;
    auth.fail(5, HOME, EMAIL).await;
    auth.let_waits_pass().await;

    let answers = at_once((0..50).map(|_| guess(&auth.api, HOME))).await;

    assert_eq!(judged(&answers), 1);
}

#[tokio::test]
async fn a_burst_on_an_unknown_e_mail_gets_as_many() {
    let auth = start().await;
    let guess = |_| login_from(&auth.api, HOME, "nobody@example.com", OTHER_PASSWORD);

    let answers = at_once((0..100).map(guess)).await;

    assert_eq!(judged(&answers), 5);
}

#[tokio::test]
async fn a_burst_from_everywhere_stops_at_the_e_mails_limit() {
    let auth = start().await;
    auth.set_count("email", EMAIL, "", 81).await;

    let answers = at_once((0..200).map(|number| guess(&auth.api, &anywhere(number)))).await;

    assert_eq!(judged(&answers), 20);
    assert_eq!(auth.counted("email", EMAIL, "").await, 101);
}

#[tokio::test]
async fn a_burst_on_everybody_stops_at_the_networks_limit() {
    let auth = Auth::start_with(|config| config.network_failures = 20).await;
    auth.make_waits_long().await;
    let guess = |number| {
        let email = format!("nobody{number}@example.com");
        login_from(&auth.api, HOME, &email, OTHER_PASSWORD)
    };

    let answers = at_once((0..60).map(guess)).await;

    assert_eq!(judged(&answers), 21);
}

#[tokio::test]
async fn a_storm_on_two_replicas_is_throttled_by_both() {
    let mut auth = start().await;
    let other = auth.another(|_| {}).await;
    let replica = |number| if number % 2 == 0 { &auth.api } else { &other };

    let answers = at_once((0..60).map(|number| guess(replica(number), HOME))).await;
    let later = [guess(&auth.api, HOME).send().await, guess(&other, HOME).send().await];

    let judged_first = judged(&answers);
    assert!((5..=10).contains(&judged_first), "{judged_first}");
    assert_eq!(judged(&later), 0);
}

#[tokio::test]
async fn right_passwords_at_once_are_never_refused() {
    let auth = start().await;
    let login = |_| login_from(&auth.api, HOME, EMAIL, PASSWORD);

    for failures in [0, 4] {
        auth.fail(failures, HOME, EMAIL).await;

        for answer in at_once((0..60).map(login)).await {
            answer.expect(200);
        }
    }
}

#[tokio::test]
async fn right_passwords_at_once_are_not_refused_by_failures_of_others() {
    let auth = start().await;
    let calls = (0..60).map(|number| match number % 10 {
        // Four of one user, from as many networks.
        0 if number < 40 => guess(&auth.api, &anywhere(number)),
        _ => login_from(&auth.api, HOME, EMAIL, PASSWORD),
    });

    let answers = at_once(calls).await;

    assert_eq!(answers.iter().filter(|it| it.status == 400).count(), 4);
    assert_eq!(answers.iter().filter(|it| it.status == 200).count(), 56);
}

#[tokio::test]
async fn while_a_storm_goes_on_elsewhere_its_victim_logs_in() {
    let auth = start().await;
    let victim = login_from(&auth.api, HOME, EMAIL, PASSWORD);
    victim.send().await.expect(200);
    auth.set_count("email", EMAIL, "", 95).await;

    let mut calls: Vec<Call> = (0..200).map(|number| guess(&auth.api, &anywhere(number))).collect();
    for place in [10, 100, 190] {
        calls.insert(place, login_from(&auth.api, HOME, EMAIL, PASSWORD));
    }
    let answers = at_once(calls).await;

    let (let_in, stormed): (Vec<_>, Vec<_>) = answers.into_iter().partition(|it| it.status == 200);
    assert_eq!(let_in.len(), 3);
    assert_eq!(judged(&stormed), 6);
    auth.guess(AWAY, EMAIL).await.expect_oauth_error(429, "too_many_requests");
}
