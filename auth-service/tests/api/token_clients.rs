//! `POST /token`: clients and how they authenticate.

use devstack_testkit::Answer;
use devstack_testkit::http::Call;

use crate::auth::{Auth, CLIENT, CLIENT_SECRET, OLD_CLIENT_SECRET, PASSWORD, decoded, encoded};

/// A user whom the registration client's token may be for: both have a scope in common.
async fn start() -> Auth {
    let auth = Auth::start().await;
    auth.register("ann@example.com").await;
    auth.sql("UPDATE credentials SET scopes = '{shop,auth:register}'").await;
    auth
}

/// The password grant with more in its form.
fn grant(auth: &Auth, more: &[(&'static str, &'static str)]) -> Call {
    let mut form =
        vec![("grant_type", "password"), ("username", "ann@example.com"), ("password", PASSWORD)];
    form.extend(more);
    auth.token(&form)
}

#[track_caller]
fn expect_client(answer: &Answer, client_id: &str, scope: &str) {
    let body = answer.expect(200);
    let (_, claims) = decoded(body["access_token"].as_str().unwrap());
    assert_eq!(claims["client_id"], client_id);
    assert_eq!(claims["scope"], scope);
}

#[track_caller]
fn expect_invalid_client(answer: &Answer) {
    answer.expect_oauth_error(401, "invalid_client");
    let challenge = "Basic realm=\"auth-service\", charset=\"UTF-8\"";
    assert_eq!(answer.header("www-authenticate"), Some(challenge));
}

#[tokio::test]
async fn a_client_authenticates_by_basic() {
    let auth = start().await;

    let answer = grant(&auth, &[]).basic(CLIENT, &encoded(CLIENT_SECRET)).send().await;

    // Through a client a user's token gets the scopes that both have.
    expect_client(&answer, CLIENT, "auth:register");
}

#[tokio::test]
async fn a_client_authenticates_by_the_form() {
    let auth = start().await;

    let form = [("client_id", CLIENT), ("client_secret", CLIENT_SECRET)];
    let answer = grant(&auth, &form).send().await;

    expect_client(&answer, CLIENT, "auth:register");
}

#[tokio::test]
async fn every_secret_of_the_clients_list_is_taken() {
    let auth = start().await;

    let answer = grant(&auth, &[]).basic(CLIENT, OLD_CLIENT_SECRET).send().await;

    expect_client(&answer, CLIENT, "auth:register");
}

#[tokio::test]
async fn the_schemes_name_is_taken_in_any_case() {
    use base64::Engine;
    let auth = start().await;
    let pair = format!("{CLIENT}:{OLD_CLIENT_SECRET}");
    let header = format!("bAsIc {}", base64::prelude::BASE64_STANDARD.encode(pair));

    let answer = grant(&auth, &[]).header("authorization", &header).send().await;

    expect_client(&answer, CLIENT, "auth:register");
}

#[tokio::test]
async fn two_ways_at_once_are_refused() {
    let auth = start().await;
    let basic = |form| grant(&auth, form).basic(CLIENT, &encoded(CLIENT_SECRET));

    for form in [
        &[("client_id", CLIENT), ("client_secret", CLIENT_SECRET)][..],
        &[("client_secret", CLIENT_SECRET)],
        &[("client_id", "another-client")],
    ] {
        basic(form).send().await.expect_oauth_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn the_same_client_id_alone_beside_basic_is_no_second_way() {
    let auth = start().await;

    let call = grant(&auth, &[("client_id", CLIENT)]).basic(CLIENT, &encoded(CLIENT_SECRET));

    expect_client(&call.send().await, CLIENT, "auth:register");
}

#[tokio::test]
async fn nobody_is_the_public_client() {
    let auth = start().await;

    for call in [
        grant(&auth, &[]),
        grant(&auth, &[("client_id", "public")]),
        grant(&auth, &[("client_id", ""), ("client_secret", "")]),
        // What Swagger UI sends for empty fields: an empty id and an empty secret.
        grant(&auth, &[]).header("authorization", "Basic Og=="),
        grant(&auth, &[("client_id", "public")]).header("authorization", "Basic Og=="),
        grant(&auth, &[]).basic("public", ""),
    ] {
        expect_client(&call.send().await, "public", "shop auth:register");
    }
}

#[tokio::test]
async fn a_client_that_cannot_be_authenticated_is_refused() {
    let auth = start().await;

    for call in [
        grant(&auth, &[("client_id", CLIENT)]),
        grant(&auth, &[("client_id", CLIENT), ("client_secret", "wrong")]),
        grant(&auth, &[("client_id", "unknown-client")]),
        grant(&auth, &[("client_id", "unknown-client"), ("client_secret", CLIENT_SECRET)]),
        grant(&auth, &[("client_id", "public"), ("client_secret", CLIENT_SECRET)]),
        grant(&auth, &[("client_secret", CLIENT_SECRET)]),
        grant(&auth, &[]).basic(CLIENT, "wrong"),
        grant(&auth, &[]).basic(CLIENT, ""),
        grant(&auth, &[]).basic("unknown-client", &encoded(CLIENT_SECRET)),
        grant(&auth, &[]).header("authorization", "Basic %%%"),
        grant(&auth, &[]).header("authorization", "Basic bm8tY29sb24="),
        grant(&auth, &[]).header("authorization", "Basic"),
        grant(&auth, &[]).bearer("a-token"),
    ] {
        expect_invalid_client(&call.send().await);
    }
}

#[tokio::test]
async fn a_client_is_refused_before_its_user_is_judged() {
    let auth = start().await;
    let form = [
        ("grant_type", "password"),
        ("username", "ann@example.com"),
        ("password", "wrong"),
        ("client_id", CLIENT),
    ];

    expect_invalid_client(&auth.token(&form).send().await);
}

#[tokio::test]
async fn a_user_and_a_client_without_a_common_scope_get_no_token() {
    let auth = start().await;
    auth.sql("UPDATE credentials SET scopes = '{shop}'").await;

    let answer = grant(&auth, &[]).basic(CLIENT, &encoded(CLIENT_SECRET)).send().await;

    answer.expect_oauth_error(400, "invalid_scope");
}
