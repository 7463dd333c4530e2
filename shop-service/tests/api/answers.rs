//! What every route answers: to a method it does not know, to a HEAD, to a body that is too long.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use devstack_testkit::Api;
use devstack_testkit::http::raw;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::calls::{GUARDED, OPEN, fill};
use crate::shop::{CLOSED, Shop, config, must};

/// All that anybody sends, and one that nobody knows.
const METHODS: [&str; 9] =
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"];

/// What the documentation is, beside the routes of [`crate::calls`].
const DOCS: [&str; 4] = ["/docs", "/docs/", "/docs/swagger-ui.css", "/openapi.json"];

/// Every template, and the methods that it knows.
fn routes() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let config = config(&format!("postgres://nobody@{CLOSED}/none"), &[]);
    let state = Arc::new(must(shop_service::state::Shop::new(&config)));
    let mut routes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for endpoint in shop_service::routes::routes(&state, "http://auth.test").endpoints() {
        let methods = routes.entry(endpoint.template()).or_default();
        methods.insert(endpoint.method());
        if endpoint.method() == "GET" {
            methods.insert("HEAD");
        }
    }
    routes
}

#[tokio::test]
async fn every_path_tells_which_methods_it_knows_to_any_other() {
    let shop = Shop::start().await;
    let routes = routes();

    assert!(routes.len() > 15, "{routes:?}");
    for (template, known) in &routes {
        let path = template.replace("{id}", &Uuid::now_v7().to_string());
        let path = path.replace("{file}", "swagger-ui.css");
        for name in METHODS.into_iter().filter(|name| !known.contains(name)) {
            // Without the method it asks for it is no preflight.
            let call = shop.call(must(name.parse()), &path).header("origin", "https://a.example");
            let answer = call.send().await;

            if name != "HEAD" {
                answer.expect_problem(405, "method_not_allowed");
            }
            let allowed = answer.header("allow").unwrap_or_default().split(", ");
            assert_eq!(allowed.collect::<BTreeSet<&str>>(), *known, "{name} {path}");
        }
    }
}

#[tokio::test]
async fn a_head_of_every_path_is_a_get_without_the_body() {
    let shop = Shop::start().await;
    let admin = shop.admin().await;

    let samples = GUARDED.iter().chain(&OPEN).filter(|sample| sample.method() == "GET");
    let mut paths: Vec<String> = DOCS.map(str::to_owned).to_vec();
    for sample in samples {
        paths.push(fill(&shop, sample.path, Some(admin.id)).await);
    }
    for path in &paths {
        for token in ["no.token.atall", &admin.token] {
            let ask = |name: &str| shop.call(must(name.parse()), path).bearer(token).send();
            ask("HEAD").await.expect_head_of(path, &ask("GET").await);
        }
    }
    for path in ["/health/live", "/health/ready", "/metrics", "/nothing"] {
        let ask = async |api: &Api, name: &str| api.call(must(name.parse()), path).send().await;
        ask(&shop.ops, "HEAD").await.expect_head_of(path, &ask(&shop.ops, "GET").await);
    }
}

#[tokio::test]
async fn nobody_keeps_an_answer_or_takes_it_for_something_else() {
    let shop = Shop::start().await;
    let admin = shop.admin().await;

    for sample in GUARDED.iter().chain(&OPEN).filter(|sample| sample.method() == "GET") {
        let answer = sample.call(&shop, Some(admin.id)).await.bearer(&admin.token).send().await;
        answer.expect(200);
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{answer:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer:?}");
    }
    for path in DOCS.into_iter().skip(1) {
        let answer = shop.get(path).send().await;
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{answer:?}");
        // What comes with the binary may be kept, but not used unasked.
        assert_eq!(answer.header("cache-control"), Some("no-cache"), "{answer:?}");
    }
    let metrics = shop.ops.get("/metrics").send().await;
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert_eq!(metrics.header("x-content-type-options"), Some("nosniff"));
}

#[tokio::test]
async fn a_path_that_is_none_is_not_found_whatever_it_holds() {
    let shop = Shop::start().await;
    let admin = shop.admin().await;
    let long = format!("/{}", "a".repeat(40_000));

    for path in [
        "//",
        "//products",
        "/..",
        "/./products",
        "/x/../products",
        "/products//",
        "/products/%00",
        "/products%00",
        "/%70roducts/",
        "/PRODUCTS/",
        "/user/%ff",
        "/user/../user/me",
        "/orders/%c3%28",
        "/docs/%ff",
        "/docs/%",
        "/docs/../products",
        long.as_str(),
    ] {
        for name in ["GET", "POST", "DELETE"] {
            let request = format!(
                "{name} {path} HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {}\r\n\r\n",
                admin.token
            );
            let answer = raw(shop.addr(), request).await.unwrap();
            // A file of the page has whatever name it is asked by, and is only to be got.
            if path.starts_with("/docs/%") && name != "GET" {
                answer.expect_problem(405, "method_not_allowed");
            } else {
                answer.expect_problem(404, "not_found");
            }
        }
    }
}

/// What comes next, up to this many bytes.
async fn next(stream: &mut TcpStream) -> String {
    let mut buffer = vec![0; 4096];
    let length = must(stream.read(&mut buffer).await);
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

#[tokio::test]
async fn a_client_that_waits_for_a_word_before_its_body_gets_it_unless_it_is_refused() {
    let shop = Shop::start().await;
    let ann = shop.customer().await;
    let head = |token: &str| {
        format!(
            "PATCH /user/me HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: 16\r\n\
             Expect: 100-continue\r\n\r\n"
        )
    };

    let mut stream = must(TcpStream::connect(shop.addr()).await);
    must(stream.write_all(head(&ann.token).as_bytes()).await);
    let word = next(&mut stream).await;
    must(stream.write_all(br#"{"name": "Anna"}"#).await);
    let answer = next(&mut stream).await;
    let refused = raw(shop.addr(), head("no.token.atall")).await.unwrap();

    assert_eq!(word, "HTTP/1.1 100 Continue\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    refused.expect_problem(401, "invalid_token");
}
