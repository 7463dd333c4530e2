//! How one proves who one is: RFC 6750 and RFC 9068.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use devstack_testkit::Answer;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::calls::GUARDED;
use crate::mint::{self, OLDER, SECRET, claims, sign};
use crate::shop::{Person, Shop};

#[track_caller]
fn expect_invalid_token(answer: &Answer) {
    answer.expect_problem(401, "invalid_token");
    let challenge = r#"Bearer realm="shop-service", error="invalid_token""#;
    assert_eq!(answer.header("www-authenticate"), Some(challenge));
}

#[tokio::test]
async fn without_a_token_the_challenge_names_no_error() {
    let shop = Shop::start().await;

    for call in [
        shop.get("/user/me"),
        shop.get("/user/me").header("authorization", "Basic YTpi"),
        shop.get("/user/me").header("authorization", "Bearer"),
    ] {
        let answer = call.send().await;

        answer.expect_problem(401, "unauthenticated");
        let challenge = r#"Bearer realm="shop-service""#;
        assert_eq!(answer.header("www-authenticate"), Some(challenge));
    }
}

#[tokio::test]
async fn a_token_that_is_none_of_ours_is_refused() {
    let shop = Shop::start().await;
    let ann = shop.customer().await;
    let good = claims(&ann.id.to_string(), "public", "shop");
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let now = chassis::clock::now().unix_timestamp();
    let (message, _) = ann.token.rsplit_once('.').unwrap();
    let none = json!({ "alg": "none", "typ": "at+jwt" }).to_string();

    for token in [
        "nonsense".to_owned(),
        "a.b.c".to_owned(),
        String::new() + message,
        format!("{message}."),
        sign("a secret that the shop has never been told about", &good),
        sign(SECRET, &with("exp", json!(now - 60))),
        sign(SECRET, &with("nbf", json!(now + 60))),
        sign(SECRET, &with("aud", json!("bank"))),
        sign(SECRET, &with("iss", json!("http://elsewhere.test"))),
        sign(SECRET, &with("sub", json!("somebody"))),
        format!(
            "{}.{}.",
            BASE64_URL_SAFE_NO_PAD.encode(none),
            BASE64_URL_SAFE_NO_PAD.encode(good.to_string())
        ),
    ] {
        expect_invalid_token(&shop.get("/user/me").bearer(token).send().await);
    }
    shop.get("/user/me").bearer(sign(SECRET, &good)).send().await.expect(200);
}

#[tokio::test]
async fn every_secret_of_the_list_verifies() {
    let shop = Shop::start().await;
    let ann = shop.customer().await;

    let token = sign(OLDER, &claims(&ann.id.to_string(), "public", "shop"));

    shop.get("/user/me").bearer(token).send().await.expect(200);
}

#[tokio::test]
async fn the_scheme_has_no_case_and_a_token_counts_in_the_header_only() {
    let shop = Shop::start().await;
    let Person { token, .. } = shop.customer().await;

    for scheme in ["Bearer", "bearer", "BEARER"] {
        let header = format!("{scheme} {token}");
        shop.get("/user/me").header("authorization", &header).send().await.expect(200);
    }
    let in_query = shop.get(&format!("/user/me?access_token={token}")).send().await;
    in_query.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_doubled_authorization_header_is_a_bad_request() {
    let shop = Shop::start().await;
    let ann = shop.customer().await;

    let twice = shop.get("/user/me").bearer(&ann.token).bearer(&ann.token).send().await;

    twice.expect_problem(400, "invalid_request");
}

#[tokio::test]
async fn a_token_of_nobody_we_know_is_refused() {
    let shop = Shop::start().await;

    let token = mint::person(Uuid::now_v7(), "shop shop:admin");

    for path in ["/user/me", "/user/", "/cart/", "/orders/", "/admin/outbox"] {
        expect_invalid_token(&shop.get(path).bearer(&token).send().await);
    }
}

#[tokio::test]
async fn a_deleted_users_token_is_refused_everywhere_and_nothing_is_written() {
    let shop = Shop::start().await;
    let gone = shop.person("deleting", "shop shop:admin").await;

    for sample in GUARDED {
        let call = sample.call(&shop, Some(gone.id)).await;
        let before = shop.stored().await;

        let answer = call.bearer(&gone.token).send().await;

        expect_invalid_token(&answer);
        assert_eq!(shop.stored().await, before, "{}", sample.route);
    }
}

#[tokio::test]
async fn a_pending_users_token_ends_the_registration_wherever_it_is_shown() {
    let shop = Shop::start().await;

    for route in ["GET /user/me", "PATCH /user/me", "GET /user/", "GET /cart/", "POST /cart/items"]
        .into_iter()
        .chain(["DELETE /cart/", "GET /orders/", "POST /products/category", "GET /admin/outbox"])
    {
        let bob = shop.person("pending", "shop shop:admin").await;
        let sample = GUARDED.iter().find(|sample| sample.route == route).unwrap();

        let answer = sample.call(&shop, Some(bob.id)).await.bearer(&bob.token).send().await;

        assert!((200..=204).contains(&answer.status), "{route}: {answer:?}");
        let find = "SELECT state FROM users WHERE id = $1";
        let state: String = shop.one(find, &[&bob.id]).await.get(0);
        assert_eq!(state, "active", "{route}");
    }
}
