//! What every route answers: to a method it does not know, to a HEAD, to a body it cannot read.

use std::collections::{BTreeMap, BTreeSet};

use devstack_testkit::http::{Call, raw};
use devstack_testkit::{Answer, Api};
use reqwest::Method;

use crate::auth::{Auth, CLIENT, CLIENT_SECRET, config, encoded, migrated};
use crate::permissions::{ID, ROUTES};

/// All that anybody sends, and one that nobody knows.
const METHODS: [&str; 9] =
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"];

/// What has errors of a shape of its own (RFC 6749 §5.2).
const OAUTH: [&str; 4] = ["/token", "/login", "/revoke", "/introspect"];

/// A path of this template.
fn path(template: &str) -> String {
    let path = template.replace("{id}", ID).replace("{client_id}", "nobody");
    path.replace("{file}", "swagger-ui.css")
}

/// Every path, and the methods that it knows.
async fn routes() -> BTreeMap<String, BTreeSet<&'static str>> {
    let service = auth_service::service(&config(migrated().await.url())).unwrap();
    let mut routes: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for endpoint in service.route.endpoints() {
        let methods = routes.entry(path(endpoint.template())).or_default();
        methods.insert(endpoint.method());
        if endpoint.method() == "GET" {
            methods.insert("HEAD");
        }
    }
    routes
}

fn method(name: &str) -> Method {
    name.parse().unwrap()
}

#[tokio::test]
async fn every_path_tells_which_methods_it_knows_to_any_other() {
    let auth = Auth::start().await;
    let routes = routes().await;

    assert!(routes.len() > 15, "{routes:?}");
    for (path, known) in &routes {
        for name in METHODS.into_iter().filter(|name| !known.contains(name)) {
            // Without the method it asks for it is no preflight.
            let call = auth.api.call(method(name), path).header("origin", "https://a.example");
            let answer = call.send().await;

            if name != "HEAD" {
                match OAUTH.contains(&path.as_str()) {
                    true => answer.expect_oauth_error(405, "invalid_request"),
                    false => answer.expect_problem(405, "method_not_allowed"),
                };
            }
            let allowed = answer.header("allow").unwrap_or_default().split(", ");
            assert_eq!(allowed.collect::<BTreeSet<&str>>(), *known, "{name} {path}");
        }
    }
}

#[tokio::test]
async fn a_head_of_every_path_is_a_get_without_the_body() {
    let auth = Auth::start().await;
    let token = auth.admin().await.access;
    let routes = routes().await;

    for (path, _) in routes.iter().filter(|(_, methods)| methods.contains("GET")) {
        for sign in [|call: Call, token: &str| call.bearer(token), |call: Call, _: &str| call] {
            let ask = |name| sign(auth.api.call(method(name), path), &token).send();
            ask("HEAD").await.expect_head_of(path, &ask("GET").await);
        }
    }
    for path in ["/health/live", "/health/ready", "/metrics", "/nothing"] {
        let ask = async |api: &Api, name| api.call(method(name), path).send().await;
        ask(&auth.ops, "HEAD").await.expect_head_of(path, &ask(&auth.ops, "GET").await);
    }
}

#[tokio::test]
async fn nobody_keeps_an_answer_or_takes_it_for_something_else() {
    let auth = Auth::start().await;
    let token = auth.admin().await.access;

    for (path, _) in routes().await.iter().filter(|(_, methods)| methods.contains("GET")) {
        let answer = auth.api.get(path).bearer(&token).send().await;
        if answer.status == 308 {
            continue;
        }
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        // What comes with the binary may be kept, but not used unasked.
        let is_ours = path.starts_with("/docs") || path == "/openapi.json";
        let kept = if is_ours { "no-cache" } else { "no-store" };
        assert_eq!(answer.header("cache-control"), Some(kept), "{path}");
    }
    let metrics = auth.ops.get("/metrics").send().await;
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert_eq!(metrics.header("x-content-type-options"), Some("nosniff"));
}

/// Every call that takes a body, by somebody who may make it.
async fn with_body(auth: &Auth) -> Vec<(&'static str, Call, bool)> {
    let mut calls = Vec::new();
    for (route, media_type, ..) in
        ROUTES.into_iter().filter(|(_, media_type, ..)| !media_type.is_empty())
    {
        let (name, template) = route.split_once(' ').unwrap();
        let call = auth.api.call(method(name), &path(template));
        let is_form = media_type.contains("form");
        let call = if is_form || template == "/credentials" {
            call.basic(CLIENT, &encoded(CLIENT_SECRET))
        } else {
            call.bearer(auth.admin().await.access)
        };
        calls.push((route, call, is_form));
    }
    calls
}

#[tokio::test]
async fn every_call_with_a_body_is_among_those_that_are_broken_here() {
    let document = serde_json::to_value(auth_service::routes::openapi()).unwrap();
    let auth = Auth::start().await;

    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (name, operation) in item.as_object().unwrap() {
            if operation["requestBody"].is_object() {
                described.insert(format!("{} {path}", name.to_uppercase()));
            }
        }
    }

    let broken = with_body(&auth).await;
    assert_eq!(
        broken.iter().map(|(route, ..)| (*route).to_owned()).collect::<BTreeSet<_>>(),
        described
    );
}

#[tokio::test]
async fn a_body_of_another_media_type_or_of_none_is_refused() {
    let auth = Auth::start().await;

    for media_type in [None, Some("text/plain"), Some("application/xml"), Some("")] {
        for (route, call, is_form) in with_body(&auth).await {
            let call = match media_type {
                Some(media_type) => call.body(media_type, "{}"),
                None => call,
            };
            let answer = call.send().await;
            match is_form {
                true => answer.expect_oauth_error(400, "invalid_request"),
                false => answer.expect_problem(415, "unsupported_media_type"),
            };
            assert!(answer.text().contains("Content-Type: application/"), "{route}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_body_of_json_that_is_none_or_ends_too_early_is_refused() {
    let auth = Auth::start().await;

    for body in ["", "{", "{\"id\": ", "null", "[]", "{} {}"] {
        for (_, call, _) in with_body(&auth).await.into_iter().filter(|(.., is_form)| !is_form) {
            let answer = call.body("application/json", body).send().await;
            answer.expect_problem(400, "invalid_request");
        }
    }
}

#[tokio::test]
async fn no_body_is_longer_than_64_kib_announced_or_not() {
    let auth = Auth::start().await;
    let long = "x".repeat(64 * 1024 + 1);

    for (_, call, is_form) in with_body(&auth).await {
        let media_type =
            if is_form { "application/x-www-form-urlencoded" } else { "application/json" };
        let answer = call.body(media_type, long.clone()).send().await;
        expect_too_long(&answer, is_form);
    }
    for (route, media_type, ..) in
        ROUTES.into_iter().filter(|(_, media_type, ..)| !media_type.is_empty())
    {
        let is_form = media_type.contains("form");
        let (name, template) = route.split_once(' ').unwrap();
        let sign = if is_form || template == "/credentials" {
            let basic = format!("{CLIENT}:{}", encoded(CLIENT_SECRET));
            format!("Basic {}", base64::Engine::encode(&base64::prelude::BASE64_STANDARD, basic))
        } else {
            format!("Bearer {}", auth.admin().await.access)
        };
        let request = format!(
            "{name} {} HTTP/1.1\r\nHost: auth\r\nAuthorization: {sign}\r\n\
             Content-Type: {media_type}\r\nTransfer-Encoding: chunked\r\n\r\n\
             {:x}\r\n{long}\r\n0\r\n\r\n",
            path(template),
            long.len(),
        );
        expect_too_long(&raw(auth.api.addr(), request).await.unwrap(), is_form);
    }
}

#[track_caller]
fn expect_too_long(answer: &Answer, is_form: bool) {
    match is_form {
        true => answer.expect_oauth_error(413, "invalid_request"),
        false => answer.expect_problem(413, "content_too_large"),
    };
}

#[tokio::test]
async fn a_path_that_is_none_is_not_found_whatever_it_holds() {
    let auth = Auth::start().await;
    let token = auth.admin().await.access;
    let long = format!("/{}", "a".repeat(40_000));

    for path in [
        "//",
        "/..",
        "/./token",
        "/x/../token",
        "//token",
        "/token//",
        "/token%00",
        "/token/%00",
        "/%74oken",
        "/TOKEN",
        "/admin/clients/%ff",
        "/admin/clients/%00",
        "/admin/clients/..%2f",
        "/docs/%ff",
        "/docs/%",
        "/docs/%zz",
        "/docs/../token",
        "/sessions/%c3%28",
        long.as_str(),
    ] {
        for name in ["GET", "POST", "DELETE"] {
            let request = format!(
                "{name} {path} HTTP/1.1\r\nHost: auth\r\nAuthorization: Bearer {token}\r\n\r\n"
            );
            let answer = raw(auth.api.addr(), request).await.unwrap();
            // A file of the page has whatever name it is asked by, and is only to be got.
            if path.starts_with("/docs/%") && name != "GET" {
                answer.expect_problem(405, "method_not_allowed");
            } else {
                answer.expect_problem(404, "not_found");
            }
        }
    }
}
