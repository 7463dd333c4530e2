//! What holds for every path: unknown ones, methods, headers that every answer has.

use devstack_testkit::Answer;
use devstack_testkit::http::raw;
use proto::UserId;
use reqwest::Method;

use crate::auth::{Auth, ORIGIN, OTHER_PASSWORD};

#[tokio::test]
async fn an_unknown_path_is_not_found() {
    let auth = Auth::start().await;

    for path in ["/", "/unknown", "/credentials/a/b", "/token/x", "/.well-known/", "/%00", "/%ff"] {
        let answer = auth.api.get(path).send().await;
        answer.expect_problem(404, "not_found");
        auth.api.post(path).send().await.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn a_method_that_a_path_does_not_know_is_told_which_it_does() {
    let auth = Auth::start().await;
    let by_id = format!("/credentials/{}", UserId::generate());

    for (method, path, allowed) in [
        (Method::GET, "/credentials", "POST"),
        (Method::PATCH, by_id.as_str(), "DELETE"),
        (Method::POST, "/openapi.json", "GET, HEAD"),
        (Method::DELETE, "/docs/", "GET, HEAD"),
        (Method::OPTIONS, "/credentials", "POST"),
    ] {
        let answer = auth.api.call(method, path).send().await;
        answer.expect_problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), Some(allowed), "{path}");
    }
    let request = "BREW /token HTTP/1.1\r\nHost: auth\r\n\r\n";
    let answer = raw(auth.api.addr(), request).await.unwrap();
    answer.expect_oauth_error(405, "invalid_request");
}

#[tokio::test]
async fn head_answers_as_get_does_without_a_body() {
    let auth = Auth::start().await;

    for path in ["/openapi.json", "/docs/", "/unknown"] {
        let get = auth.api.get(path).send().await;
        let request = format!("HEAD {path} HTTP/1.1\r\nHost: auth\r\nConnection: close\r\n\r\n");
        let head = raw(auth.api.addr(), request).await.unwrap();
        assert_eq!(head.status, get.status);
        assert!(head.body.is_empty(), "{head:?}");
        for name in ["content-type", "content-length"] {
            assert_eq!(head.header(name), get.header(name), "{head:?}");
        }
    }
}

#[tokio::test]
async fn a_sane_request_id_is_kept_on_every_answer() {
    let auth = Auth::start().await;
    let login = |id: &str| {
        let form = [("username", "ann@example.com"), ("password", OTHER_PASSWORD)];
        auth.api.post("/login").form(&form).header("x-request-id", id)
    };

    for call in [
        login("trace-1/a:b"),
        auth.api.get("/unknown").header("x-request-id", "trace-1/a:b"),
        auth.api.get("/openapi.json").header("x-request-id", "trace-1/a:b"),
        auth.api.post("/credentials").header("x-request-id", "trace-1/a:b"),
    ] {
        let answer = call.send().await;
        assert_eq!(answer.header("x-request-id"), Some("trace-1/a:b"), "{answer:?}");
    }
}

#[tokio::test]
async fn any_other_request_id_is_replaced_by_a_new_one() {
    let auth = Auth::start().await;
    let get = || auth.api.get("/openapi.json");
    let long = "a".repeat(129);

    let mut ids = Vec::new();
    for call in [
        get(),
        get(),
        get().header("x-request-id", ""),
        get().header("x-request-id", "a b"),
        get().header("x-request-id", "<script>"),
        get().header("x-request-id", &long),
    ] {
        let answer = call.send().await;
        let id = answer.header("x-request-id").unwrap().to_owned();
        assert_eq!(id.len(), 32, "{answer:?}");
        ids.push(id);
    }

    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

#[tokio::test]
async fn a_listed_origin_may_read_every_answer() {
    let auth = Auth::start().await;

    for call in [
        auth.api.get("/openapi.json"),
        auth.api.get("/unknown"),
        auth.api.post("/login").form(&[("username", "ann@example.com")]),
        auth.api.get("/token"),
        auth.api.post("/credentials"),
    ] {
        let answer = call.header("origin", ORIGIN).send().await;
        assert_eq!(answer.header("access-control-allow-origin"), Some(ORIGIN), "{answer:?}");
        assert_eq!(answer.header("vary"), Some("Origin"), "{answer:?}");
        let exposed = answer.header("access-control-expose-headers").unwrap();
        assert_eq!(
            words(exposed),
            ["idempotency-replayed", "link", "retry-after", "www-authenticate", "x-request-id"]
        );
    }
}

#[tokio::test]
async fn an_unlisted_origin_gets_the_answer_without_cors_headers() {
    let auth = Auth::start().await;

    for origin in
        ["https://evil.example", "null", "https://shop.example.evil", "http://shop.example"]
    {
        let answer = auth.api.get("/openapi.json").header("origin", origin).send().await;
        answer.expect(200);
        assert_eq!(answer.header("vary"), Some("Origin"), "{answer:?}");
        expect_no_cors(&answer);
    }
    expect_no_cors(&auth.api.get("/openapi.json").send().await);
}

#[tokio::test]
async fn a_preflight_names_what_a_page_may_send() {
    let auth = Auth::start().await;
    let preflight = |origin: &str| {
        let call = auth.api.call(Method::OPTIONS, "/token").header("origin", origin);
        call.header("access-control-request-method", "POST")
    };

    let listed = preflight(ORIGIN).send().await;
    let unlisted = preflight("https://evil.example").send().await;

    listed.expect(204);
    assert_eq!(listed.header("access-control-allow-origin"), Some(ORIGIN));
    let methods = listed.header("access-control-allow-methods").unwrap();
    assert_eq!(words(methods), ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"]);
    assert_eq!(
        words(listed.header("access-control-allow-headers").unwrap()),
        [
            "authorization",
            "content-type",
            "idempotency-key",
            "traceparent",
            "x-request-id",
            "x-requested-with",
        ]
    );
    assert!(unlisted.status < 300, "{unlisted:?}");
    expect_no_cors(&unlisted);
}

#[tokio::test]
async fn without_listed_origins_no_answer_speaks_of_them() {
    let auth = Auth::start_with(|config| {
        config.http.cors_allowed_origins = "".parse().unwrap();
    })
    .await;

    let answer = auth.api.get("/openapi.json").header("origin", ORIGIN).send().await;

    expect_no_cors(&answer);
}

#[track_caller]
fn expect_no_cors(answer: &Answer) {
    let mut names = answer.headers.keys().map(reqwest::header::HeaderName::as_str);
    assert!(!names.any(|name| name.starts_with("access-control-")), "{answer:?}");
}

fn words(list: &str) -> Vec<&str> {
    let mut words: Vec<&str> = list.split(", ").collect();
    words.sort_unstable();
    words
}
