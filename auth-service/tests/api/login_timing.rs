//! `POST /login`: how long a refusal takes tells nobody whom there is.

use std::time::{Duration, Instant};

use crate::auth::{Auth, OTHER_PASSWORD, PASSWORD, cost};
use crate::guesses::login_from;

/// Tries of each kind: a median of so many stands still on a busy machine.
const TRIES: usize = 61;

/// Who tries to log in, each in vain.
const KINDS: [(&str, &str); 4] = [
    ("ann@example.com", OTHER_PASSWORD),
    ("nobody@example.com", OTHER_PASSWORD),
    ("disabled@example.com", OTHER_PASSWORD),
    ("disabled@example.com", PASSWORD),
];

/// The median of each kind, taken in turns, from networks that have not failed before.
async fn medians(auth: &Auth) -> [Duration; KINDS.len()] {
    auth.sql("DELETE FROM throttle").await;
    let mut taken = [const { Vec::new() }; KINDS.len()];
    for turn in 0..TRIES {
        for (taken, (email, password)) in taken.iter_mut().zip(KINDS) {
            let call = login_from(&auth.api, &format!("192.0.{turn}.7"), email, password);
            let started = Instant::now();
            let answer = call.send().await;
            taken.push(started.elapsed());
            answer.expect_oauth_error(400, "invalid_grant");
        }
        // No e-mail comes near its limit either.
        if turn == TRIES / 2 {
            auth.sql("DELETE FROM throttle").await;
        }
    }
    taken.map(|mut taken| {
        taken.sort_unstable();
        taken[TRIES / 2]
    })
}

#[tokio::test]
async fn an_unknown_and_a_disabled_user_take_as_long_as_a_wrong_password() {
    let auth = Auth::start_with(|config| config.hashing.params = cost(4096, 2)).await;
    auth.register("ann@example.com").await;
    auth.register("disabled@example.com").await;
    auth.sql("UPDATE credentials SET disabled = true WHERE email LIKE 'disabled%'").await;

    // What is different is so each time; what is noise is not.
    for tries_left in [2, 1, 0] {
        let [wrong, others @ ..] = medians(&auth).await;
        let is_alike =
            |other: &Duration| (0.7..1.4).contains(&(other.as_secs_f64() / wrong.as_secs_f64()));
        if others.iter().all(is_alike) {
            return;
        }
        assert!(tries_left > 0, "{wrong:?} {others:?}");
    }
}
