//! What ends a user's sessions from outside: disabling and unregistering, logins under way too.

use devstack_testkit::http::Call;
use serde_json::json;

use crate::auth::{Auth, CLIENT, CLIENT_SECRET, PASSWORD, Tokens, User, decoded, encoded};
use crate::guesses::{HOME, login_from};
use crate::held::one_after_the_other;

const EMAIL: &str = "ann@example.com";

/// `PATCH /admin/users/{id}` by an administrator.
fn patch(auth: &Auth, admin: &Tokens, user: &User, disabled: bool) -> Call {
    let call = auth.api.patch(&format!("/admin/users/{}", user.id)).bearer(&admin.access);
    call.json(&json!({ "disabled": disabled }))
}

async fn expect_ended(auth: &Auth, tokens: &Tokens) {
    auth.refresh(&tokens.refresh).await.expect_oauth_error(400, "invalid_grant");
    let call = auth.api.get("/sessions").bearer(&tokens.access);
    call.send().await.expect_problem(401, "invalid_token");
}

/// How many sessions of this user are alive.
async fn alive(auth: &Auth, user: &User) -> i64 {
    let alive = "SELECT count(*) FROM sessions WHERE user_id = $1::text::uuid AND ended_at IS NULL";
    auth.database().await.query_one(alive, &[&user.id]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_disabled_users_sessions_end_for_ever() {
    let auth = Auth::start().await;
    let user = auth.register(EMAIL).await;
    let tokens = [auth.tokens(&user).await, auth.tokens_from(HOME, &user).await];
    let other = auth.tokens(&auth.register("bob@example.com").await).await;
    let admin = auth.admin().await;

    let disabled = patch(&auth, &admin, &user, true).send().await.expect(200);
    assert_eq!(disabled["disabled"], true);
    for ended in &tokens {
        expect_ended(&auth, ended).await;
    }
    patch(&auth, &admin, &user, false).send().await.expect(200);

    for ended in &tokens {
        expect_ended(&auth, ended).await;
    }
    auth.refresh(&other.refresh).await.expect(200);
    auth.tokens(&user).await;
    let by = format!("user {}", decoded(&admin.access).1["sub"].as_str().unwrap());
    let audited = auth.audited("session_ended").await;
    let ended = |tokens: &Tokens| json!({ "session": tokens.session, "by": by });
    assert_eq!(audited.len(), 2);
    for tokens in &tokens {
        assert!(audited.iter().any(|entry| entry["detail"] == ended(tokens)), "{audited:?}");
    }
}

#[tokio::test]
async fn an_unregistered_users_sessions_end() {
    let auth = Auth::start().await;
    let user = auth.register(EMAIL).await;
    let tokens = auth.tokens(&user).await;

    auth.unregister(&user.id).await.expect(204);

    expect_ended(&auth, &tokens).await;
    let audited = auth.audited("session_ended").await;
    assert_eq!(audited.len(), 1);
    assert_eq!(audited[0]["user_id"], user.id);
    assert_eq!(audited[0]["detail"]["session"], tokens.session);
    assert_eq!(alive(&auth, &user).await, 0);
}

#[tokio::test]
async fn a_login_that_overlaps_a_disabling_leaves_no_session() {
    let auth = Auth::start().await;
    let user = auth.register(EMAIL).await;
    let admin = auth.admin().await;
    let disable = || patch(&auth, &admin, &user, true);
    let login = || login_from(&auth.api, HOME, EMAIL, PASSWORD);

    let [disabled, refused] = one_after_the_other(&auth, &user, [disable(), login()]).await;
    disabled.expect(200);
    refused.expect_oauth_error(400, "invalid_grant");
    assert_eq!(alive(&auth, &user).await, 0);
    patch(&auth, &admin, &user, false).send().await.expect(200);
    let [let_in, disabled] = one_after_the_other(&auth, &user, [login(), disable()]).await;

    disabled.expect(200);
    expect_ended(&auth, &Tokens::of(&let_in)).await;
    assert_eq!(alive(&auth, &user).await, 0);
}

#[tokio::test]
async fn a_login_that_overlaps_an_unregistering_leaves_no_session() {
    let auth = Auth::start().await;
    let unregister = |user: &User| {
        let call = auth.api.delete(&format!("/credentials/{}", user.id));
        call.basic(CLIENT, &encoded(CLIENT_SECRET))
    };
    let login = |user: &User| login_from(&auth.api, HOME, user.email, PASSWORD);

    let ann = auth.register(EMAIL).await;
    let [gone, refused] = one_after_the_other(&auth, &ann, [unregister(&ann), login(&ann)]).await;
    let bob = auth.register("bob@example.com").await;
    let [let_in, gone_too] =
        one_after_the_other(&auth, &bob, [login(&bob), unregister(&bob)]).await;

    gone.expect(204);
    refused.expect_oauth_error(400, "invalid_grant");
    gone_too.expect(204);
    expect_ended(&auth, &Tokens::of(&let_in)).await;
    assert_eq!((alive(&auth, &ann).await, alive(&auth, &bob).await), (0, 0));
}
