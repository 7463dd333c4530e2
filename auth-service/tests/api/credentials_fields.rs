//! `POST /credentials` and `DELETE /credentials/{id}`: what cannot be read.

use devstack_testkit::Answer;
use devstack_testkit::http::raw;
use proto::UserId;
use serde_json::{Value, json};

use crate::auth::{Auth, CLIENT, OLD_CLIENT_SECRET, PASSWORD};

/// A right body with one member replaced.
fn with(member: &str, value: impl Into<Value>) -> Value {
    let id = UserId::generate();
    let mut body = json!({ "id": id, "email": "ann@example.com", "password": PASSWORD });
    body[member] = value.into();
    body
}

/// Sends a body as it is.
async fn send(auth: &Auth, media_type: &str, body: impl Into<Vec<u8>>) -> Answer {
    let call = auth.api.post("/credentials").basic(CLIENT, OLD_CLIENT_SECRET);
    call.body(media_type, body).send().await
}

/// The one message about this field.
#[track_caller]
fn message(answer: &Answer, field: &str) -> String {
    let errors = answer.expect_invalid(&[field]);
    errors[0]["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn all_wrong_fields_are_named_at_once() {
    let auth = Auth::start().await;

    let answer = auth.credentials(&json!({})).await;
    answer.expect_invalid(&["id", "email", "password"]);

    let body = json!({ "id": "1", "email": "ann", "password": 7, "attempt": 0, "unknown": null });
    let answer = auth.credentials(&body).await;
    answer.expect_invalid(&["id", "email", "password", "attempt"]);
}

#[tokio::test]
async fn each_field_says_what_it_must_be() {
    let auth = Auth::start().await;

    for (member, value, words) in [
        ("id", json!("not-an-id"), "UUID"),
        ("id", json!("{01909d3e-5f4a-7000-8000-000000000000}"), "UUID"),
        ("email", json!("ann@@example.com"), "@"),
        ("email", json!("ann@ex ample.com"), "domain"),
        ("email", json!(null), "string"),
        ("password", json!("short"), "8 to 128"),
        ("password", json!("x".repeat(129)), "8 to 128"),
        ("attempt", json!(-1), "1 to 1000000000"),
        ("attempt", json!(1.5), "whole number"),
        ("attempt", json!("2"), "whole number"),
    ] {
        let answer = auth.credentials(&with(member, value)).await;
        let message = message(&answer, member);
        assert!(message.contains(words), "{member}: {message}");
    }
}

#[tokio::test]
async fn a_weak_password_is_refused_with_the_reason() {
    let auth = Auth::start().await;

    let common = auth.credentials(&with("password", "password1")).await;
    let own = auth.credentials(&with("password", "ann@example.com")).await;

    assert!(message(&common, "password").contains("This is a very common password."));
    assert!(message(&own, "password").contains("easy to guess"));
    auth.login("ann@example.com", "password1").await.expect_oauth_error(400, "invalid_grant");
}

#[tokio::test]
async fn a_refused_password_is_not_repeated() {
    let auth = Auth::start().await;

    let answer = auth.credentials(&with("password", "qwertyuiop")).await;

    answer.expect_invalid(&["password"]);
    assert!(!answer.text().contains("qwertyuiop"), "{answer:?}");
}

#[tokio::test]
async fn nul_is_refused_in_every_field() {
    let auth = Auth::start().await;

    for (member, value) in [
        ("email", "ann\0@example.com"),
        ("password", "correct horse\0battery staple"),
        ("id", "01909d3e-5f4a-7000-8000-00000000000\0"),
    ] {
        let answer = auth.credentials(&with(member, value)).await;
        assert_eq!(message(&answer, member), "must not contain NUL");
    }
}

#[tokio::test]
async fn what_is_no_json_object_is_malformed() {
    let auth = Auth::start().await;

    for body in ["", "{", "[]", "null", "\"text\"", "{\"id\":}", "{} {}"] {
        let answer = send(&auth, "application/json", body).await;
        answer.expect_problem(400, "invalid_request");
    }
    let not_utf8 = send(&auth, "application/json", &b"{\"id\": \"\xff\"}"[..]).await;
    assert!([400, 422].contains(&not_utf8.status), "{not_utf8:?}");
}

#[tokio::test]
async fn what_is_not_sent_as_json_is_of_the_wrong_type() {
    let auth = Auth::start().await;
    let body = with("attempt", 1).to_string();

    for media_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"] {
        let answer = send(&auth, media_type, body.clone()).await;
        answer.expect_problem(415, "unsupported_media_type");
    }
    let call = auth.api.post("/credentials").basic(CLIENT, OLD_CLIENT_SECRET);
    call.send().await.expect_problem(415, "unsupported_media_type");
    send(&auth, "Application/JSON; charset=utf-8", body).await.expect(201);
}

#[tokio::test]
async fn a_body_of_more_than_64_kib_is_too_large() {
    let auth = Auth::start().await;
    let large = with("more", "x".repeat(65_536)).to_string();

    let answer = send(&auth, "application/json", large.clone()).await;
    answer.expect_problem(413, "content_too_large");

    let request = format!(
        "POST /credentials HTTP/1.1\r\nHost: auth\r\nContent-Type: application/json\r\n\
         Authorization: Basic {}\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n",
        basic(),
        large.len(),
    );
    let answer = raw(auth.api.addr(), request).await.unwrap();
    answer.expect_problem(413, "content_too_large");
}

#[tokio::test]
async fn a_client_is_refused_before_its_body_is_read() {
    let auth = Auth::start().await;

    let answer = auth.api.post("/credentials").body("text/plain", "{").send().await;

    answer.expect_problem(401, "invalid_client");
}

#[tokio::test]
async fn what_is_no_id_is_nowhere_to_be_found() {
    let auth = Auth::start().await;

    for id in ["1", "me", "01909D3E5F4A70008000000000000000", "%00"] {
        auth.unregister(id).await.expect_problem(404, "not_found");
    }
}

fn basic() -> String {
    use base64::Engine;
    base64::prelude::BASE64_STANDARD.encode(format!("{CLIENT}:{OLD_CLIENT_SECRET}"))
}
