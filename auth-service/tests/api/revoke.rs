//! `POST /revoke` (RFC 7009).

use devstack_testkit::Answer;
use devstack_testkit::http::Call;
use serde_json::Value;

use crate::auth::{Auth, Tokens, decoded};
use crate::machine::{expect_invalid_client, registration};
use crate::mint;

fn revoke(auth: &Auth, token: &str) -> Call {
    auth.api.post("/revoke").form(&[("token", token)])
}

#[track_caller]
fn expect_revoked(answer: &Answer) {
    answer.expect(200);
    answer.expect_uncached();
    assert!(answer.body.is_empty(), "{answer:?}");
}

/// A session that was rotated twice: its tokens, the oldest first.
async fn family(auth: &Auth) -> [Tokens; 3] {
    let first = auth.tokens(&auth.register("ann@example.com").await).await;
    let second = Tokens::of(&auth.refresh(&first.refresh).await);
    let third = Tokens::of(&auth.refresh(&second.refresh).await);
    [first, second, third]
}

async fn expect_ended(auth: &Auth, tokens: &Tokens) {
    auth.refresh(&tokens.refresh).await.expect_oauth_error(400, "invalid_grant");
    for token in [&tokens.access, &tokens.refresh] {
        assert_eq!(auth.introspect(token).await["active"], false);
    }
    let sessions = auth.api.get("/sessions").bearer(&tokens.access).send().await;
    sessions.expect_problem(401, "invalid_token");
}

#[tokio::test]
async fn any_refresh_token_of_a_family_ends_it() {
    for presented in 0..3 {
        let auth = Auth::start().await;
        let family = family(&auth).await;

        let answer = revoke(&auth, &family[presented].refresh).send().await;

        expect_revoked(&answer);
        expect_ended(&auth, &family[2]).await;
        // It was no theft.
        assert!(auth.audited("refresh_reuse").await.is_empty(), "{presented}");
    }
}

#[tokio::test]
async fn a_persons_access_token_ends_its_session_alone() {
    let auth = Auth::start().await;
    let [first, _, latest] = family(&auth).await;
    let other = Tokens::of(&auth.login("ann@example.com", crate::auth::PASSWORD).await);

    expect_revoked(&revoke(&auth, &first.access).send().await);

    expect_ended(&auth, &latest).await;
    auth.refresh(&other.refresh).await.expect(200);
}

#[tokio::test]
async fn a_session_that_was_revoked_is_audited_once() {
    let auth = Auth::start().await;
    let [first, _, latest] = family(&auth).await;
    let user = decoded(&latest.access).1["sub"].clone();

    for token in [&latest.refresh, &latest.access, &first.refresh] {
        let call = revoke(&auth, token).header("x-forwarded-for", "203.0.113.9");
        expect_revoked(&call.send().await);
    }

    let ended = auth.audited("session_ended").await;
    assert_eq!(ended.len(), 1, "{ended:?}");
    assert_eq!(ended[0]["user_id"], user);
    assert_eq!(ended[0]["client_id"], "public");
    assert_eq!(ended[0]["email"], "ann@example.com");
    assert_eq!(ended[0]["address"], "203.0.113.9");
    assert_eq!(ended[0]["detail"]["session"], latest.session);
    assert_eq!(ended[0]["detail"]["by"], "revocation");
}

#[tokio::test]
async fn what_is_no_valid_token_is_as_good_as_revoked_and_nothing_changes() {
    let auth = Auth::start().await;
    let [_, _, latest] = family(&auth).await;
    let bob = auth.register("bob@example.com").await;
    let bobs = auth.tokens(&bob).await;
    let sub = decoded(&latest.access).1["sub"].as_str().unwrap().to_owned();
    let mut expired = mint::person(&sub, Some(&latest.session), "shop");
    expired["exp"] = Value::from(chassis::clock::now().unix_timestamp() - 60);
    let live = mint::person(&sub, Some(&latest.session), "shop");

    for token in [
        "garbage",
        "a.b.c",
        &latest.session,
        &forged(&latest.refresh),
        &forged(&latest.access),
        &mint::sign(&expired),
        &mint::sign_with("a secret of somebody else's, long enough", &live),
        // Signed with the secret, but of no session, or of another user's.
        &mint::sign(&mint::person(&sub, None, "shop")),
        &mint::sign(&mint::person(&sub, Some(&uuid::Uuid::now_v7().to_string()), "shop")),
        &mint::sign(&mint::person(&bob.id, Some(&latest.session), "shop")),
    ] {
        expect_revoked(&revoke(&auth, token).send().await);
    }

    assert!(auth.audited("session_ended").await.is_empty());
    auth.refresh(&latest.refresh).await.expect(200);
    auth.refresh(&bobs.refresh).await.expect(200);
}

/// With its last character but one changed: the last may hold bits that nobody reads.
fn forged(token: &str) -> String {
    let place = token.len() - 2;
    let other = if token.as_bytes()[place] == b'A' { "B" } else { "A" };
    format!("{}{other}{}", &token[..place], &token[place + 1..])
}

#[tokio::test]
async fn an_expired_session_is_as_good_as_revoked() {
    let auth = Auth::start().await;
    let [_, _, latest] = family(&auth).await;
    auth.sql("UPDATE sessions SET expires_at = clock_timestamp()").await;

    for token in [&latest.refresh, &latest.access] {
        expect_revoked(&revoke(&auth, token).send().await);
    }

    assert!(auth.audited("session_ended").await.is_empty());
}

#[tokio::test]
async fn a_machines_access_token_cannot_be_revoked() {
    let auth = Auth::start().await;
    let robot = auth.client("stock-robot", &["shop"]).await;
    let access = robot.access(&auth).await;

    for call in [revoke(&auth, &access), robot.sign(revoke(&auth, &access))] {
        call.send().await.expect_oauth_error(400, "unsupported_token_type");
    }

    assert_eq!(auth.introspect(&access).await["active"], true);
}

#[tokio::test]
async fn a_confidential_clients_tokens_are_revoked_by_that_client_alone() {
    let auth = Auth::start().await;
    let ann = auth.register("ann@example.com").await;
    let app = auth.client("shop-app", &["shop"]).await;
    for by_refresh_token in [true, false] {
        let tokens = Tokens::of(&app.login(&auth, ann.email).await);
        let token = if by_refresh_token { &tokens.refresh } else { &tokens.access };

        expect_invalid_client(&revoke(&auth, token).send().await);
        let id_alone = auth.api.post("/revoke").form(&[("token", token), ("client_id", &app.id)]);
        expect_invalid_client(&id_alone.send().await);
        let other = registration().sign(revoke(&auth, token)).send().await;
        other.expect_oauth_error(400, "invalid_grant");
        assert_eq!(auth.introspect(token).await["active"], true);

        expect_revoked(&app.sign(revoke(&auth, token)).send().await);
        app.refresh(&auth, &tokens.refresh).await.expect_oauth_error(400, "invalid_grant");
    }
}

#[tokio::test]
async fn a_public_clients_token_is_not_for_an_authenticated_one() {
    let auth = Auth::start().await;
    let [_, _, latest] = family(&auth).await;

    for token in [&latest.refresh, &latest.access] {
        let answer = registration().sign(revoke(&auth, token)).send().await;
        answer.expect_oauth_error(400, "invalid_grant");
    }

    auth.refresh(&latest.refresh).await.expect(200);
}

#[tokio::test]
async fn a_client_that_fails_to_authenticate_revokes_nothing() {
    let auth = Auth::start().await;
    let [_, _, latest] = family(&auth).await;

    for token in [&latest.refresh, "garbage"] {
        expect_invalid_client(&revoke(&auth, token).basic("shop-service", "wrong").send().await);
    }

    auth.refresh(&latest.refresh).await.expect(200);
}

#[tokio::test]
async fn hints_are_ignored() {
    for hint in ["access_token", "refresh_token", "password", ""] {
        let auth = Auth::start().await;
        let [_, _, latest] = family(&auth).await;

        let form = [("token", &*latest.refresh), ("token_type_hint", hint)];
        expect_revoked(&auth.api.post("/revoke").form(&form).send().await);

        expect_ended(&auth, &latest).await;
    }
    let auth = Auth::start().await;
    let [_, _, latest] = family(&auth).await;
    let form = [("token", &*latest.access), ("token_type_hint", "refresh_token")];
    expect_revoked(&auth.api.post("/revoke").form(&form).send().await);
    expect_ended(&auth, &latest).await;
}

#[tokio::test]
async fn a_token_that_is_missing_empty_or_repeated_is_no_request() {
    let auth = Auth::start().await;
    let [_, _, latest] = family(&auth).await;
    let token = ("token", &*latest.refresh);
    let hint = ("token_type_hint", "refresh_token");

    for form in [&[][..], &[hint], &[("token", "")], &[token, token], &[token, hint, hint]] {
        let answer = auth.api.post("/revoke").form(form).send().await;
        answer.expect_oauth_error(400, "invalid_request");
    }
    let query = auth.api.post(&format!("/revoke?token={}", latest.refresh)).form(&[]);
    query.send().await.expect_oauth_error(400, "invalid_request");
    let json = auth.api.post("/revoke").json(&serde_json::json!({ "token": latest.refresh }));
    json.send().await.expect_oauth_error(400, "invalid_request");

    auth.refresh(&latest.refresh).await.expect(200);
}

#[tokio::test]
async fn only_post_revokes() {
    let auth = Auth::start().await;
    let [_, _, latest] = family(&auth).await;

    let answer = auth.api.get(&format!("/revoke?token={}", latest.refresh)).send().await;

    answer.expect_oauth_error(405, "invalid_request");
    assert_eq!(answer.header("allow"), Some("POST"));
    auth.refresh(&latest.refresh).await.expect(200);
}
