//! `POST /token` by the client credentials grant.

use serde_json::json;
use tokio::task::JoinSet;

use crate::auth::{Auth, CLIENT, CLIENT_SECRET, Machine, OLD_CLIENT_SECRET, decoded, encoded};
use crate::machine::{access_token, expect_invalid_client, members, registration};

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

#[tokio::test]
async fn a_client_gets_a_token_of_its_own_by_basic_and_by_the_form() {
    let auth = Auth::start().await;
    let robot = auth.client("stock-robot", &["shop:admin", "shop"]).await;
    let form = [GRANT, ("client_id", &*robot.id), ("client_secret", &*robot.secret)];

    for call in [robot.sign(auth.token(&[GRANT])), auth.token(&form)] {
        let answer = call.send().await;

        let body = answer.expect(200);
        answer.expect_uncached();
        // RFC 6749 §4.4.3: no refresh token.
        assert_eq!(members(&body), ["access_token", "expires_in", "scope", "token_type"]);
        assert_eq!(body["token_type"], "bearer");
        assert_eq!(body["expires_in"], 90);
        assert_eq!(body["scope"], "shop shop:admin");
        let (_, claims) = decoded(body["access_token"].as_str().unwrap());
        let names = ["aud", "client_id", "exp", "iat", "iss", "jti", "scope", "sub"];
        assert_eq!(members(&claims), names);
        assert_eq!((&claims["sub"], &claims["client_id"]), (&json!(robot.id), &json!(robot.id)));
        assert_eq!(claims["scope"], "shop shop:admin");
    }
}

#[tokio::test]
async fn the_request_narrows_what_the_client_was_granted() {
    let auth = Auth::start().await;
    let robot = auth.client("stock-robot", &["shop", "shop:admin"]).await;
    let ask = |scope| robot.sign(auth.token(&[GRANT, ("scope", scope)])).send();

    assert_eq!(ask("shop:admin").await.expect(200)["scope"], "shop:admin");
    assert_eq!(ask("auth:admin shop openid").await.expect(200)["scope"], "shop");
    assert_eq!(ask("").await.expect(200)["scope"], "shop shop:admin");
    let access = access_token(&ask("shop:admin").await);
    assert_eq!(decoded(&access).1["scope"], "shop:admin");
}

#[tokio::test]
async fn a_client_without_any_of_the_scopes_gets_no_token() {
    let auth = Auth::start().await;
    let robot = auth.client("stock-robot", &["shop"]).await;
    let idle = auth.client("idle-robot", &[]).await;

    for scope in ["auth:admin", "openid", "shop:admin auth:register"] {
        let answer = robot.sign(auth.token(&[GRANT, ("scope", scope)])).send().await;
        answer.expect_oauth_error(400, "invalid_scope");
    }
    idle.grant(&auth).await.expect_oauth_error(400, "invalid_scope");
}

#[tokio::test]
async fn nobody_and_whoever_is_not_the_client_get_no_token() {
    let auth = Auth::start().await;
    let robot = auth.client("stock-robot", &["shop"]).await;
    let other = auth.client("other-robot", &["shop"]).await;
    let named = |id, secret| auth.token(&[GRANT, ("client_id", id), ("client_secret", secret)]);

    for call in [
        auth.token(&[GRANT]),
        auth.token(&[GRANT, ("client_id", "public")]),
        auth.token(&[GRANT]).header("authorization", "Basic Og=="),
        auth.token(&[GRANT]).basic("public", ""),
        auth.token(&[GRANT, ("client_id", &*robot.id)]),
        auth.token(&[GRANT]).basic(&robot.id, &other.secret),
        auth.token(&[GRANT]).basic(&robot.id, &robot.secret.to_uppercase()),
        auth.token(&[GRANT]).basic(&robot.id, &format!("{} ", robot.secret)),
        auth.token(&[GRANT]).basic("Stock-Robot", &robot.secret),
        named("unknown-robot", &robot.secret),
        named("public", &robot.secret),
        named(CLIENT, "wrong"),
    ] {
        expect_invalid_client(&call.send().await);
    }
}

#[tokio::test]
async fn a_deleted_client_is_refused_at_once_by_every_replica() {
    let mut auth = Auth::start().await;
    let other = auth.another(|_| {}).await;
    let robot = auth.client("stock-robot", &["shop"]).await;
    let admin = auth.admin().await;
    robot.grant(&auth).await.expect(200);
    robot.sign(other.post("/token").form(&[GRANT])).send().await.expect(200);

    let gone = auth.api.delete("/admin/clients/stock-robot").bearer(&admin.access).send().await;

    gone.expect(204);
    expect_invalid_client(&robot.sign(other.post("/token").form(&[GRANT])).send().await);
    expect_invalid_client(&robot.grant(&auth).await);
}

#[tokio::test]
async fn the_registration_client_gets_what_it_may_with_each_of_its_secrets() {
    let auth = Auth::start().await;
    let old = Machine { id: CLIENT.to_owned(), secret: OLD_CLIENT_SECRET.to_owned() };
    let form = [GRANT, ("client_id", CLIENT), ("client_secret", CLIENT_SECRET)];

    let answers = [
        registration().grant(&auth).await,
        old.grant(&auth).await,
        auth.token(&form).send().await,
        auth.token(&[GRANT]).basic(CLIENT, &encoded(CLIENT_SECRET)).send().await,
    ];

    for answer in answers {
        assert_eq!(answer.expect(200)["scope"], "auth:register");
        assert_eq!(decoded(&access_token(&answer)).1["sub"], CLIENT);
    }
}

#[tokio::test]
async fn two_hundred_requests_at_once_get_each_its_own_answer() {
    let auth = Auth::start_with(|config| config.http.max_connections = 512).await;
    let granted: [&[&str]; 5] =
        [&["shop"], &["shop:admin"], &["auth:admin"], &["auth:register"], &["shop", "auth:admin"]];
    let mut robots = Vec::new();
    for (i, scopes) in granted.into_iter().enumerate() {
        robots.push((auth.client(&format!("robot-{i}"), scopes).await, scopes.join(" ")));
    }

    let mut calls = JoinSet::new();
    for i in 0..200 {
        let (robot, scope) = &robots[i % robots.len()];
        let (other, _) = &robots[(i + 1) % robots.len()];
        // Every fourth is nobody: an id that is not there, or one with a neighbour's secret.
        let (id, secret) = match i % 8 {
            0 => (format!("ghost-{i}"), &robot.secret),
            4 => (robot.id.clone(), &other.secret),
            _ => (robot.id.clone(), &robot.secret),
        };
        let scope = scope.clone();
        let call = auth.token(&[GRANT]).basic(&id, secret);
        calls.spawn(async move { (i, id, scope, call.send().await) });
    }

    for (i, id, scope, answer) in calls.join_all().await {
        if i % 4 == 0 {
            expect_invalid_client(&answer);
        } else {
            assert_eq!(answer.expect(200)["scope"], scope, "{id}");
            assert_eq!(decoded(&access_token(&answer)).1["sub"], id);
        }
    }
}

#[tokio::test]
async fn what_is_no_clients_id_harms_nobody_elses_request() {
    let auth = Auth::start().await;
    let form = [("grant_type", "client_credentials")];
    let mut calls = JoinSet::new();

    // `a%00:x`, and an id of 60 KB.
    let long = format!("{}:x", "a".repeat(20_000));
    for number in 0..60 {
        let call = match number % 3 {
            0 => auth.token(&form).header("authorization", "Basic YSUwMDp4"),
            1 => auth.token(&form).header("authorization", &format!("Basic {}", base64(&long))),
            _ => auth.token(&form).basic("nobody", "wrong"),
        };
        calls.spawn(call.send());
    }

    for answer in calls.join_all().await {
        answer.expect_oauth_error(401, "invalid_client");
    }
}

fn base64(text: &str) -> String {
    use base64::Engine;

    base64::prelude::BASE64_STANDARD.encode(text)
}
