//! What holds for every path: requests that are too much, or none.

use devstack_testkit::Answer;
use devstack_testkit::http::raw;

use crate::auth::{Auth, CLIENT, OLD_CLIENT_SECRET};

/// Sends a request with these lines between its first one and its body.
async fn send(auth: &Auth, first: &str, headers: &str, body: &str) -> Answer {
    let request = format!("{first}\r\nHost: auth\r\n{headers}\r\n{body}");
    raw(auth.api.addr(), request).await.unwrap()
}

/// What the HTTP library answers before there is a request has no body.
#[track_caller]
fn expect_bare(answer: &Answer, status: u16) {
    assert_eq!((answer.status, answer.text().as_str()), (status, ""), "{answer:?}");
}

#[tokio::test]
async fn authorization_given_twice_is_refused() {
    let auth = Auth::start().await;
    let user = auth.register("ann@example.com").await;
    let twice = "Authorization: Basic Og==\r\nAuthorization: Basic Og==\r\n";

    let form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n";
    for endpoint in ["/token", "/login"] {
        let first = format!("POST {endpoint} HTTP/1.1");
        let answer = send(&auth, &first, &format!("{twice}{form}"), "").await;
        answer.expect_oauth_error(400, "invalid_request");
    }
    let first = format!("DELETE /credentials/{} HTTP/1.1", user.id);
    send(&auth, &first, twice, "").await.expect_problem(400, "invalid_request");
    let first = "GET /openapi.json HTTP/1.1";
    send(&auth, first, twice, "").await.expect_problem(400, "invalid_request");
}

#[tokio::test]
async fn what_is_no_request_is_refused_without_a_body() {
    let auth = Auth::start().await;

    for nonsense in [
        "nonsense\r\n\r\n",
        "GET /openapi.json HTTP/9.9\r\n\r\n",
        "GET /openapi.json HTTP/1.1\r\nno header\r\n\r\n",
        "GET /open api.json HTTP/1.1\r\nHost: auth\r\n\r\n",
        "POST /token HTTP/1.1\r\nHost: auth\r\nContent-Length: many\r\n\r\n",
    ] {
        expect_bare(&raw(auth.api.addr(), nonsense).await.unwrap(), 400);
    }
    // And the service is none the worse for it.
    auth.api.get("/openapi.json").send().await.expect(200);
}

#[tokio::test]
async fn too_many_or_too_long_headers_are_refused_without_a_body() {
    let auth = Auth::start().await;
    let first = "GET /openapi.json HTTP/1.1";
    // `Host` is one of them.
    let many = |count: usize| (1..count).map(|i| format!("X-{i}: 1\r\n")).collect::<String>();

    send(&auth, first, &many(100), "").await.expect(200);
    expect_bare(&send(&auth, first, &many(101), "").await, 431);

    let long = |length: usize| format!("X-Long: {}\r\n", "x".repeat(length));
    send(&auth, first, &long(60 * 1024), "").await.expect(200);
    expect_bare(&send(&auth, first, &long(64 * 1024), "").await, 431);
}

#[tokio::test]
async fn a_body_that_ends_too_early_is_refused_or_forgotten() {
    let auth = Auth::start().await;
    let headers = format!(
        "Authorization: Basic {}\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\n",
        basic()
    );

    let answer = send(&auth, "POST /credentials HTTP/1.1", &headers, "zz\r\n{}\r\n0\r\n\r\n").await;

    answer.expect_problem(400, "invalid_request");
}

#[tokio::test]
async fn two_lengths_are_refused() {
    let auth = Auth::start().await;
    let headers = "Content-Type: application/json\r\nContent-Length: 2\r\nContent-Length: 3\r\n";

    let answer = send(&auth, "POST /credentials HTTP/1.1", headers, "{}").await;

    expect_bare(&answer, 400);
}

fn basic() -> String {
    use base64::Engine;
    base64::prelude::BASE64_STANDARD.encode(format!("{CLIENT}:{OLD_CLIENT_SECRET}"))
}
