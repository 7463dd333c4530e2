//! `PUT /password`.

use devstack_testkit::Answer;
use devstack_testkit::http::Call;
use serde_json::{Value, json};

use crate::auth::{Auth, OTHER_PASSWORD, PASSWORD, Tokens, encoded};
use crate::guesses::{AWAY, HOME};

const EMAIL: &str = "annabel.lee@example.com";

/// `PUT /password` with this body, from [`HOME`].
fn put(auth: &Auth, access: &str, body: &Value) -> Call {
    auth.api.put("/password").bearer(access).header("x-forwarded-for", HOME).json(body)
}

/// `PUT /password` from one to the other.
async fn change(auth: &Auth, access: &str, current: &str, new: &str) -> Answer {
    let body = json!({ "current_password": current, "new_password": new });
    put(auth, access, &body).send().await
}

/// A service, and tokens of its one user.
async fn start() -> (Auth, Tokens) {
    let auth = Auth::start().await;
    let user = auth.register(EMAIL).await;
    let tokens = auth.tokens_from(HOME, &user).await;
    (auth, tokens)
}

/// The 422 of a wrong password of the moment.
#[track_caller]
fn expect_wrong(answer: &Answer) {
    let errors = answer.expect_invalid(&["current_password"]);
    assert_eq!(errors[0]["message"], "is not your password");
}

#[tokio::test]
async fn the_new_password_works_and_the_old_one_does_not() {
    let (auth, tokens) = start().await;

    let answer = change(&auth, &tokens.access, PASSWORD, OTHER_PASSWORD).await;

    answer.expect(204);
    assert!(answer.body.is_empty(), "{answer:?}");
    auth.login(EMAIL, PASSWORD).await.expect_oauth_error(400, "invalid_grant");
    auth.login(EMAIL, OTHER_PASSWORD).await.expect(200);
}

#[tokio::test]
async fn every_other_session_ends_and_the_callers_goes_on() {
    let (auth, tokens) = start().await;
    let others = [auth.login_from(AWAY, EMAIL).await, auth.login_from(HOME, EMAIL).await]
        .map(|it| Tokens::of(&it));
    let stranger = auth.tokens(&auth.register("bob@example.com").await).await;
    let sessions = |access| auth.api.get("/sessions").bearer(access).send();

    change(&auth, &tokens.access, PASSWORD, OTHER_PASSWORD).await.expect(204);

    for other in &others {
        auth.refresh(&other.refresh).await.expect_oauth_error(400, "invalid_grant");
        sessions(&other.access).await.expect_problem(401, "invalid_token");
    }
    for going_on in [&tokens, &stranger] {
        sessions(&going_on.access).await.expect(200);
        auth.refresh(&going_on.refresh).await.expect(200);
    }
}

#[tokio::test]
async fn a_change_is_audited_and_so_is_each_session_that_it_ends() {
    let (auth, tokens) = start().await;
    let other = Tokens::of(&auth.login_from(AWAY, EMAIL).await);

    change(&auth, &tokens.access, PASSWORD, OTHER_PASSWORD).await.expect(204);

    let user = auth.audited("registered").await[0]["user_id"].clone();
    let entry = |client: Value, detail: Value| {
        json!([{ "user_id": user, "client_id": client, "email": EMAIL, "address": HOME,
            "detail": detail }])
    };
    let changed = entry(Value::Null, json!({ "session": tokens.session, "sessions_ended": 1 }));
    let ended = entry(json!("public"), json!({ "session": other.session, "by": "a new password" }));
    assert_eq!(json!(auth.audited("password_changed").await), changed);
    assert_eq!(json!(auth.audited("session_ended").await), ended);
}

#[tokio::test]
async fn a_wrong_password_of_the_moment_changes_nothing_and_is_counted() {
    let (auth, tokens) = start().await;
    let user = auth.audited("registered").await[0]["user_id"].clone();
    let other = Tokens::of(&auth.login_from(AWAY, EMAIL).await);

    expect_wrong(&change(&auth, &tokens.access, OTHER_PASSWORD, "a quite new pass phrase").await);
    expect_wrong(&change(&auth, &tokens.access, "", "a quite new pass phrase").await);

    assert_eq!(auth.counted("pair", EMAIL, "203.0.113.0/24").await, 2);
    assert_eq!(auth.counted("email", EMAIL, "").await, 2);
    let audited = auth.audited("login_failed").await;
    let failure = json!({ "user_id": user, "client_id": null, "email": EMAIL, "address": HOME,
        "detail": null });
    assert_eq!(audited, [failure.clone(), failure]);
    assert!(auth.audited("password_changed").await.is_empty());
    auth.refresh(&other.refresh).await.expect(200);
    auth.login(EMAIL, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn guesses_here_and_at_the_login_share_a_count() {
    let (auth, tokens) = start().await;
    auth.make_waits_long().await;
    auth.fail(2, HOME, EMAIL).await;
    for _ in 0..3 {
        expect_wrong(&change(&auth, &tokens.access, OTHER_PASSWORD, OTHER_PASSWORD).await);
    }

    let throttled = change(&auth, &tokens.access, PASSWORD, OTHER_PASSWORD).await;

    throttled.expect_problem(429, "too_many_requests");
    let seconds: u64 = throttled.header("retry-after").unwrap().parse().unwrap();
    assert!((3500..=3601).contains(&seconds), "{throttled:?}");
    let login = auth.login_from(HOME, EMAIL).await;
    login.expect_oauth_error(429, "too_many_requests");
    auth.login_from(AWAY, EMAIL).await.expect(200);
    assert_eq!(auth.audited("throttled").await.len(), 1);
}

#[tokio::test]
async fn a_success_clears_the_count() {
    let (auth, tokens) = start().await;
    auth.fail(4, HOME, EMAIL).await;

    change(&auth, &tokens.access, PASSWORD, OTHER_PASSWORD).await.expect(204);

    assert_eq!(auth.counted("pair", EMAIL, "203.0.113.0/24").await, 0);
}

#[tokio::test]
async fn a_new_password_that_is_easy_to_guess_is_refused_with_the_reason() {
    let (auth, tokens) = start().await;
    let long = "correct horse ".repeat(10);

    for (new, reason) in [
        ("short", "must have 8 to 128 characters"),
        (&*long, "must have 8 to 128 characters"),
        ("", "must have 8 to 128 characters"),
        ("correct\0horse battery", "must not contain NUL"),
        ("password1", "is too easy to guess. This is a very common password."),
        (EMAIL, "is too easy to guess."),
        ("annabel.lee", "is too easy to guess."),
    ] {
        let answer = change(&auth, &tokens.access, PASSWORD, new).await;

        let errors = answer.expect_invalid(&["new_password"]);
        let message = errors[0]["message"].as_str().unwrap();
        assert!(message.starts_with(reason), "{new}: {message}");
    }
    assert_eq!(auth.counted("pair", EMAIL, "203.0.113.0/24").await, 0);
    auth.login(EMAIL, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn every_field_that_is_missing_or_no_text_is_named() {
    let (auth, tokens) = start().await;

    for (body, fields) in [
        (json!({}), &["current_password", "new_password"][..]),
        (
            json!({ "current_password": 1, "new_password": null }),
            &["current_password", "new_password"],
        ),
        (json!({ "current_password": PASSWORD }), &["new_password"]),
        (json!({ "new_password": OTHER_PASSWORD }), &["current_password"]),
    ] {
        put(&auth, &tokens.access, &body).send().await.expect_invalid(fields);
    }
    put(&auth, &tokens.access, &json!([])).send().await.expect_problem(400, "invalid_request");
}

#[tokio::test]
async fn a_machine_has_no_password() {
    let auth = Auth::start().await;
    let machine = auth.client("robot", &["shop", "auth:admin"]).await;
    let form = [("grant_type", "client_credentials")];
    let call = auth.token(&form).basic(&machine.id, &encoded(&machine.secret));
    let token = call.send().await.expect(200);

    let access = token["access_token"].as_str().unwrap();
    let answer = change(&auth, access, PASSWORD, OTHER_PASSWORD).await;

    answer.expect_problem(403, "insufficient_scope");
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
}

#[tokio::test]
async fn without_a_token_nobody_changes_a_password() {
    let (auth, _tokens) = start().await;
    let body = json!({ "current_password": PASSWORD, "new_password": OTHER_PASSWORD });

    let none = auth.api.put("/password").json(&body).send().await;
    let wrong = auth.api.put("/password").bearer("wrong").json(&body).send().await;

    assert_eq!(none.header("www-authenticate"), Some("Bearer realm=\"auth-service\""));
    none.expect_problem(401, "unauthenticated");
    wrong.expect_problem(401, "invalid_token");
    auth.login(EMAIL, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_token_whose_session_has_ended_changes_nothing() {
    let (auth, tokens) = start().await;
    let other = Tokens::of(&auth.login_from(HOME, EMAIL).await);
    auth.api.post("/revoke").form(&[("token", &*tokens.refresh)]).send().await.expect(200);
    auth.sql(&format!(
        "UPDATE sessions SET expires_at = clock_timestamp() WHERE id = '{}'",
        other.session
    ))
    .await;

    for access in [&tokens.access, &other.access] {
        let answer = change(&auth, access, PASSWORD, OTHER_PASSWORD).await;
        answer.expect_problem(401, "invalid_token");
    }
    auth.login(EMAIL, PASSWORD).await.expect(200);
}
