//! What holds for every request, whatever it asks for.

use devstack_testkit::http::raw;
use serde_json::json;
use uuid::Uuid;

use crate::calls::{GUARDED, OPEN};
use crate::mint;
use crate::shop::{Shop, must};

#[tokio::test]
async fn an_unknown_path_is_not_found_in_the_usual_shape() {
    let shop = Shop::start().await;

    for path in ["/", "/nothing", "/user/me/more", "/products/category/x/y", "//", "/user/%6De"]
        .into_iter()
        .chain(["/users", "/admin", "/health/ready", "/metrics", "/docs/none.js"])
    {
        let problem = shop.get(path).send().await.expect_problem(404, "not_found");
        assert_eq!(problem["title"], "Not Found", "{path}");
    }
}

#[tokio::test]
async fn a_wrong_method_is_refused_with_those_that_are_right() {
    let shop = Shop::start().await;
    let id = Uuid::now_v7();

    for (method, path, allowed) in [
        ("PUT", "/user/me".to_owned(), "GET, HEAD, PATCH"),
        ("PUT", "/user/".to_owned(), "POST, GET, HEAD"),
        ("POST", format!("/user/{id}"), "GET, HEAD, DELETE"),
        ("POST", "/cart/".to_owned(), "GET, HEAD, DELETE"),
        ("GET", "/cart/items".to_owned(), "POST"),
        ("GET", format!("/cart/items/{id}/"), "PATCH, DELETE"),
        ("DELETE", "/orders".to_owned(), "GET, HEAD, POST"),
        ("DELETE", format!("/orders/{id}"), "GET, HEAD, PATCH"),
        ("GET", format!("/orders/{id}/cancel"), "POST"),
        ("PATCH", "/products/category".to_owned(), "GET, HEAD, POST"),
        ("OPTIONS", format!("/products/{id}"), "GET, HEAD, PATCH, DELETE"),
        ("GET", format!("/admin/outbox/{id}/retry"), "POST"),
        ("POST", "/openapi.json".to_owned(), "GET, HEAD"),
    ] {
        let answer = shop.call(method.parse().unwrap(), &path).send().await;

        answer.expect_problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), Some(allowed), "{method} {path}");
    }
}

#[tokio::test]
async fn a_head_is_a_get_without_the_body() {
    let shop = Shop::start().await;
    let ann = shop.customer().await;

    for path in ["/user/me", "/products/", "/cart/", "/orders/", "/nothing", "/docs/"] {
        let get = shop.get(path).bearer(&ann.token).send().await;
        let head = shop.call("HEAD".parse().unwrap(), path).bearer(&ann.token).send().await;

        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        assert_eq!(head.header("content-length"), get.header("content-length"), "{path}");
        assert!(head.body.is_empty(), "{path}");
    }
}

#[tokio::test]
async fn a_path_with_and_without_a_slash_at_its_end_is_the_same() {
    let shop = Shop::start().await;
    let (admin, id) = (shop.admin().await, Uuid::now_v7().to_string());

    for sample in GUARDED.iter().chain(&OPEN).filter(|sample| !sample.path.contains('?')) {
        let path = match (sample.path.split_once('{'), sample.path.rsplit_once('}')) {
            (Some((start, _)), Some((_, end))) => format!("{start}{id}{end}"),
            _ => sample.path.trim_end_matches('/').to_owned(),
        };
        // A body that is refused: nothing is changed between the two.
        let call = |path: &str| {
            let call = shop.call(must(sample.method().parse()), path).bearer(&admin.token);
            call.json(&json!({ "name": 1, "quantity": -1 })).send()
        };

        let (without, with) = (call(&path).await, call(&format!("{path}/")).await);

        assert_eq!((without.status, without.json()), (with.status, with.json()), "{path}");
        assert_ne!(with.status, 405, "{path}");
        assert!(with.status != 404 || path.contains(&id), "{path}");
    }
}

#[tokio::test]
async fn every_answer_has_a_request_id_the_sent_one_if_it_is_sane() {
    let shop = Shop::start().await;

    for path in ["/products/", "/user/me", "/nothing"] {
        let sent = shop.get(path).header("x-request-id", "trace-1/a:b").send().await;
        assert_eq!(sent.header("x-request-id"), Some("trace-1/a:b"));
        let first = shop.get(path).send().await;
        let second = shop.get(path).header("x-request-id", "<script>").send().await;
        let third = shop.get(path).header("x-request-id", &"a".repeat(129)).send().await;
        let made = [first, second, third].map(|answer| {
            let id = answer.header("x-request-id").unwrap().to_owned();
            assert_eq!(id.len(), 32, "{id}");
            id
        });
        assert!(made[0] != made[1] && made[1] != made[2]);
    }
}

#[tokio::test]
async fn no_page_of_another_origin_may_call_unless_it_is_listed() {
    let none = Shop::start().await;
    let some = Shop::start_with(&["--cors-allowed-origins=http://shop.test"]).await;
    let ask = async |shop: &Shop, path: &str, origin: &str| {
        let answer = shop.get(path).header("origin", origin).send().await;
        let header = |name| answer.header(name).map(str::to_owned);
        (answer.status, header("access-control-allow-origin"), header("vary"))
    };
    let [origin, vary] = ["http://shop.test", "Origin"].map(|text| Some(text.to_owned()));

    for (path, status) in [("/products/", 200), ("/user/me", 401), ("/nothing", 404)] {
        assert_eq!(ask(&none, path, "http://shop.test").await, (status, None, None));
        assert_eq!(ask(&some, path, "http://evil.test").await, (status, None, vary.clone()));
        let listed = (status, origin.clone(), vary.clone());
        assert_eq!(ask(&some, path, "http://shop.test").await, listed);
    }
    let preflight = some
        .call("OPTIONS".parse().unwrap(), "/orders/")
        .header("origin", "http://shop.test")
        .header("access-control-request-method", "POST");
    let preflight = preflight.send().await;
    preflight.expect(204);
    for (name, part) in [
        ("access-control-allow-origin", "http://shop.test"),
        ("access-control-allow-methods", "PATCH"),
        ("access-control-allow-headers", "idempotency-key"),
    ] {
        assert!(preflight.header(name).unwrap().contains(part), "{preflight:?}");
    }
}

#[tokio::test]
async fn headers_have_a_limit() {
    let shop = Shop::start().await;
    let get = async |headers: String| {
        let request = format!("GET /products/ HTTP/1.1\r\nHost: shop.test\r\n{headers}\r\n");
        raw(shop.addr(), request).await.unwrap().status
    };

    assert_eq!(get(format!("X-Long: {}\r\n", "x".repeat(60 * 1024))).await, 200);
    assert_eq!(get(format!("X-Long: {}\r\n", "x".repeat(65 * 1024))).await, 431);
    assert_eq!(get("X-Many: 1\r\n".repeat(90)).await, 200);
    assert_eq!(get("X-Many: 1\r\n".repeat(101)).await, 431);
}

#[tokio::test]
async fn an_error_never_tells_of_the_inside() {
    let shop = Shop::start().await;
    let robot = mint::machine("shop:admin");
    shop.sql("ALTER TABLE categories RENAME TO elsewhere", &[]).await;

    let answer = shop.get("/products/category").bearer(&robot).send().await;

    answer.expect_problem(500, "internal");
    for inside in ["categories", "SELECT", "relation", "42P01"] {
        assert!(!answer.text().contains(inside), "{answer:?}");
    }
    assert!(answer.header("x-request-id").is_some());
}
