//! `POST /introspect` (RFC 7662).

use devstack_testkit::http::Call;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::auth::{Auth, CLIENT, CLIENT_SECRET, ISSUER, OLD_SECRET, Tokens, User, decoded};
use crate::machine::{expect_invalid_client, members, registration};
use crate::mint;

const FIELDS: [&str; 10] =
    ["active", "aud", "client_id", "exp", "iat", "iss", "jti", "scope", "sub", "token_type"];

async fn start() -> (Auth, User, Tokens) {
    let auth = Auth::start().await;
    let ann = auth.register("ann@example.com").await;
    let tokens = auth.tokens(&ann).await;
    (auth, ann, tokens)
}

fn ask(auth: &Auth, token: &str) -> Call {
    auth.api.post("/introspect").form(&[("token", token)])
}

async fn expect_inactive(auth: &Auth, token: &str) {
    assert_eq!(auth.introspect(token).await, json!({ "active": false }), "{token}");
}

#[tokio::test]
async fn only_a_client_may_ask() {
    let (auth, _, tokens) = start().await;
    let robot = auth.client("stock-robot", &[]).await;
    let form = [("token", &*tokens.access), ("client_id", CLIENT)];
    let with_secret = [&form[..], &[("client_secret", CLIENT_SECRET)]].concat();

    for call in [
        ask(&auth, &tokens.access),
        ask(&auth, &tokens.access).bearer(&tokens.access),
        ask(&auth, &tokens.access).header("authorization", "Basic Og=="),
        ask(&auth, &tokens.access).basic(CLIENT, "wrong"),
        auth.api.post("/introspect").form(&form),
    ] {
        expect_invalid_client(&call.send().await);
    }
    for call in [
        auth.api.post("/introspect").form(&with_secret),
        // No scope is needed, only an identity.
        robot.sign(ask(&auth, &tokens.access)),
    ] {
        let answer = call.send().await;
        assert_eq!(answer.expect(200)["active"], true);
        answer.expect_uncached();
    }
}

#[tokio::test]
async fn an_access_token_is_told_with_what_it_says() {
    let (auth, ann, tokens) = start().await;
    let (_, claims) = decoded(&tokens.access);

    let told = auth.introspect(&tokens.access).await;

    assert_eq!(members(&told), FIELDS);
    assert_eq!(told["active"], true);
    assert_eq!(told["token_type"], "Bearer");
    for name in ["aud", "client_id", "exp", "iat", "iss", "jti", "scope", "sub"] {
        assert_eq!(told[name], claims[name], "{name}");
    }
    assert_eq!((&told["sub"], &told["iss"]), (&json!(ann.id), &json!(ISSUER)));
    assert_eq!((&told["aud"], &told["client_id"]), (&json!("shop"), &json!("public")));
}

#[tokio::test]
async fn a_refresh_token_is_told_with_its_session() {
    let (auth, ann, tokens) = start().await;
    let iat = decoded(&tokens.access).1["iat"].as_i64().unwrap();

    let told = auth.introspect(&tokens.refresh).await;

    assert_eq!(members(&told), FIELDS);
    assert_eq!(told["active"], true);
    assert_eq!(told["token_type"], "refresh_token");
    assert_eq!((&told["sub"], &told["iss"]), (&json!(ann.id), &json!(ISSUER)));
    assert_eq!((&told["aud"], &told["client_id"]), (&json!("shop"), &json!("public")));
    assert_eq!(told["scope"], "shop");
    assert!((told["iat"].as_i64().unwrap() - iat).abs() <= 2, "{told}");
    assert_eq!(told["exp"].as_i64().unwrap() - told["iat"].as_i64().unwrap(), 3600);
}

#[tokio::test]
async fn tokens_through_a_client_are_told_with_that_client() {
    let (auth, ann, _) = start().await;
    let app = auth.client("shop-app", &["shop", "shop:admin"]).await;
    let tokens = Tokens::of(&app.login(&auth, ann.email).await);
    let own = app.access(&auth).await;

    for token in [&tokens.access, &tokens.refresh] {
        let told = auth.introspect(token).await;
        assert_eq!((&told["client_id"], &told["scope"]), (&json!("shop-app"), &json!("shop")));
    }
    let told = auth.introspect(&own).await;
    assert_eq!(members(&told), FIELDS);
    assert_eq!((&told["sub"], &told["client_id"]), (&json!("shop-app"), &json!("shop-app")));
    assert_eq!(told["scope"], "shop shop:admin");
}

#[tokio::test]
async fn a_refresh_token_is_told_with_what_user_and_client_hold_today() {
    let (auth, ann, _) = start().await;
    auth.sql("UPDATE credentials SET scopes = '{shop,shop:admin,auth:admin}'").await;
    let app = auth.client("shop-app", &["shop", "shop:admin", "auth:admin"]).await;
    let tokens = Tokens::of(&app.login(&auth, ann.email).await);
    assert_eq!(auth.introspect(&tokens.refresh).await["scope"], "shop shop:admin auth:admin");

    auth.sql("UPDATE credentials SET scopes = '{shop,shop:admin}'").await;
    auth.sql("UPDATE clients SET scopes = '{shop,auth:admin}'").await;

    assert_eq!(auth.introspect(&tokens.refresh).await["scope"], "shop");
}

#[tokio::test]
async fn a_rotated_refresh_token_is_not_active_and_its_access_token_is() {
    let (auth, _, first) = start().await;

    let second = Tokens::of(&auth.refresh(&first.refresh).await);

    expect_inactive(&auth, &first.refresh).await;
    for token in [&first.access, &second.access, &second.refresh] {
        assert_eq!(auth.introspect(token).await["active"], true);
    }
    // To ask is not to use.
    auth.refresh(&first.refresh).await.expect(200);
}

#[tokio::test]
async fn tokens_of_an_ended_session_are_not_active() {
    let (auth, ann, tokens) = start().await;
    let other = auth.tokens(&ann).await;
    let path = format!("/sessions/{}", tokens.session);
    auth.api.delete(&path).bearer(&other.access).send().await.expect(204);

    expect_inactive(&auth, &tokens.access).await;
    expect_inactive(&auth, &tokens.refresh).await;
    assert_eq!(auth.introspect(&other.access).await["active"], true);
}

#[tokio::test]
async fn tokens_of_a_disabled_or_unregistered_user_are_not_active() {
    let (auth, ann, anns) = start().await;
    let bob = auth.register("bob@example.com").await;
    let bobs = auth.tokens(&bob).await;

    // Without ending the sessions, as if they had begun that very moment.
    auth.sql(&format!("UPDATE credentials SET disabled = true WHERE id = '{}'", ann.id)).await;
    auth.unregister(&bob.id).await.expect(204);

    for token in [&anns.access, &anns.refresh, &bobs.access, &bobs.refresh] {
        expect_inactive(&auth, token).await;
    }
}

#[tokio::test]
async fn an_expired_token_is_not_active() {
    let (auth, ann, tokens) = start().await;
    let now = chassis::clock::now().unix_timestamp();
    let mut claims = mint::person(&ann.id, Some(&tokens.session), "shop");
    assert_eq!(auth.introspect(&mint::sign(&claims)).await["active"], true);

    claims["exp"] = json!(now - 60);
    expect_inactive(&auth, &mint::sign(&claims)).await;
    auth.sql("UPDATE sessions SET expires_at = clock_timestamp()").await;
    expect_inactive(&auth, &tokens.refresh).await;
    expect_inactive(&auth, &tokens.access).await;
}

#[tokio::test]
async fn a_token_that_is_not_of_this_server_is_not_active() {
    let (auth, ann, tokens) = start().await;
    let right = mint::person(&ann.id, Some(&tokens.session), "shop");
    let with = |name: &str, value: Value| {
        let mut claims = right.clone();
        claims[name] = value;
        mint::sign(&claims)
    };
    let old = mint::sign_with(OLD_SECRET, &right);
    assert_eq!(auth.introspect(&old).await["active"], true);

    for token in [
        with("aud", json!("billing")),
        with("iss", json!("https://evil.example")),
        with("nbf", json!(right["exp"])),
        with("sub", json!("ann")),
        mint::sign_with("a secret of somebody else's, long enough", &right),
        "garbage".to_owned(),
        format!("{}x", tokens.access),
        tokens.session.clone(),
        ann.id.clone(),
        tokens.refresh.to_lowercase(),
    ] {
        expect_inactive(&auth, &token).await;
    }
}

#[tokio::test]
async fn a_token_of_the_secret_alone_is_not_active() {
    let (auth, ann, tokens) = start().await;
    let bob = auth.register("bob@example.com").await;
    let stranger = Uuid::now_v7().to_string();

    for claims in [
        mint::person(&ann.id, None, "shop"),
        mint::person(&ann.id, Some(&stranger), "shop"),
        mint::person(&bob.id, Some(&tokens.session), "shop"),
        mint::person(&stranger, Some(&tokens.session), "shop"),
        mint::machine("no-client", "shop"),
        mint::machine("public", "shop"),
    ] {
        expect_inactive(&auth, &mint::sign(&claims)).await;
    }
}

#[tokio::test]
async fn a_machines_token_is_not_active_once_its_client_is_deleted() {
    let (auth, ..) = start().await;
    let robot = auth.client("stock-robot", &["shop"]).await;
    let access = robot.access(&auth).await;
    assert_eq!(auth.introspect(&access).await["active"], true);

    let admin = auth.admin().await;
    auth.api.delete("/admin/clients/stock-robot").bearer(&admin.access).send().await.expect(204);

    expect_inactive(&auth, &access).await;
}

#[tokio::test]
async fn hints_are_ignored_and_the_token_is_needed() {
    let (auth, _, tokens) = start().await;
    let ask = |form: &[(&str, &str)]| registration().sign(auth.api.post("/introspect").form(form));

    for hint in ["access_token", "refresh_token", "unknown", ""] {
        for token in [&*tokens.access, &tokens.refresh] {
            let answer = ask(&[("token", token), ("token_type_hint", hint)]).send().await;
            assert_eq!(answer.expect(200)["active"], true, "{hint}");
        }
    }
    let token = ("token", &*tokens.access);
    for form in [&[][..], &[("token", "")], &[token, token]] {
        ask(form).send().await.expect_oauth_error(400, "invalid_request");
    }
    let get = auth.api.get("/introspect").send().await;
    get.expect_oauth_error(405, "invalid_request");
    assert_eq!(get.header("allow"), Some("POST"));
}
