//! How one proves who one is: RFC 6750 and RFC 9068.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use devstack_testkit::Answer;
use devstack_testkit::http::raw;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::calls::GUARDED;
use crate::mint::{self, OLDER, SECRET, claims, sign};
use crate::shop::{Person, Shop, must};

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
        shop.get("/user/me").header("authorization", "Token x"),
        shop.get("/user/me").header("authorization", "Bearer"),
        shop.get("/user/me").header("authorization", "Bearer "),
        shop.get("/user/me").header("authorization", ""),
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
async fn the_scheme_has_no_case() {
    let shop = Shop::start().await;
    let Person { token, .. } = shop.customer().await;

    for scheme in ["Bearer", "bearer", "BEARER"] {
        let header = format!("{scheme} {token}");
        shop.get("/user/me").header("authorization", &header).send().await.expect(200);
    }
}

/// RFC 6750 §2.2 and §2.3 are not for us: addresses end up in logs, and forms are of another site.
#[tokio::test]
async fn a_token_counts_in_the_header_only() {
    let shop = Shop::start().await;
    let Person { token, .. } = shop.customer().await;
    let form = [("access_token", &*token)];
    let order = json!({ "shipping_address": "1 Main Street", "access_token": token });

    for call in [
        shop.get(&format!("/user/me?access_token={token}")),
        shop.delete(&format!("/cart/?access_token={token}")),
        shop.patch("/user/me").form(&form),
        shop.post("/orders/").form(&form),
        shop.post("/orders/").json(&order),
        shop.get("/user/me").header("cookie", &format!("access_token={token}")),
        shop.get("/user/me").header("proxy-authorization", &format!("Bearer {token}")),
    ] {
        call.send().await.expect_problem(401, "unauthenticated");
    }
    // What stands in the query says nothing against the header either.
    shop.get("/user/me?access_token=x").bearer(&token).send().await.expect(200);
}

#[tokio::test]
async fn bytes_that_are_no_text_and_a_long_header_are_no_token() {
    let shop = Shop::start().await;
    let Person { token, .. } = shop.customer().await;
    let long = "A".repeat(60 * 1024);

    for wrong in [
        &b"\xff\xfe"[..],
        "é".as_bytes(),
        &[token.as_bytes(), b"\xa0"].concat(),
        long.as_bytes(),
        format!("{token}.{long}").as_bytes(),
        format!("{token} {token}").as_bytes(),
    ] {
        let first = b"GET /user/me HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer ";
        let request = [first, wrong, b"\r\n\r\n"].concat();
        expect_invalid_token(&must(raw(shop.addr(), request).await.ok_or("no answer")));
    }
}

#[tokio::test]
async fn a_doubled_authorization_header_is_a_bad_request() {
    let shop = Shop::start().await;
    let ann = shop.customer().await;
    let token = format!("Bearer {}", ann.token);

    for second in [&*token, "Bearer x", "Basic YTpi", ""] {
        for [one, other] in [[&*token, second], [second, &*token]] {
            let call = shop.get("/user/me").header("authorization", one);
            let twice = call.header("Authorization", other).send().await;
            twice.expect_problem(400, "invalid_request");
        }
    }
}

#[tokio::test]
async fn a_token_that_is_not_good_is_refused_everywhere_and_nothing_is_written() {
    let shop = Shop::start().await;
    let ann = shop.admin().await;
    let good = claims(&ann.id.to_string(), "public", "shop shop:admin");
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        sign(SECRET, &claims)
    };
    let now = chassis::clock::now().unix_timestamp();
    let tokens = [
        ("expired", with("exp", json!(now - 60))),
        ("another issuer's", with("iss", json!("http://auth.test:9001"))),
        ("for another audience", with("aud", json!("bank"))),
        ("of a foreign secret", sign("a secret that the shop has never been told about", &good)),
        ("a refresh token", BASE64_URL_SAFE_NO_PAD.encode([7; 84])),
        ("of nobody we know", mint::person(Uuid::now_v7(), "shop shop:admin")),
        ("of nobody's client", sign(SECRET, &claims("public", "public", "shop shop:admin"))),
    ];

    for sample in GUARDED {
        let calls = sample.calls(&shop, Some(ann.id), tokens.len()).await;
        let before = shop.stored().await;

        for (call, (kind, token)) in calls.into_iter().zip(&tokens) {
            let answer = call.bearer(token).send().await;
            assert_eq!(answer.status, 401, "{}: {kind}", sample.route);
            expect_invalid_token(&answer);
        }

        assert_eq!(shop.stored().await, before, "{}", sample.route);
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

    for sample in GUARDED {
        let bob = shop.person("pending", "shop shop:admin").await;
        // A checkout needs something in the cart.
        let (line, product) = (Uuid::now_v7(), shop.product("1.50", 100).await);
        let insert = "INSERT INTO cart_items (id, user_id, product_id, quantity)
            VALUES ($1, $2, $3, 1)";
        shop.sql(insert, &[&line, &bob.id, &product]).await;

        let answer = sample.call(&shop, Some(bob.id)).await.bearer(&bob.token).send().await;

        assert!((200..=204).contains(&answer.status), "{}: {answer:?}", sample.path);
        let find = "SELECT state FROM users WHERE id = $1";
        let state: String = shop.one(find, &[&bob.id]).await.get(0);
        let after = if sample.path == "/user/{self}" && sample.method() == "DELETE" {
            "deleting"
        } else {
            "active"
        };
        assert_eq!(state, after, "{}", sample.path);
    }
}
