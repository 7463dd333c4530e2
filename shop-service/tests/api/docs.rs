//! `/openapi.json` and `/docs`: the service as its code describes it.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::shop::{CLOSED, Shop, config};

const COMMITTED: &str = include_str!("../../../proto/openapi/shop.json");

/// Every operation: its method, its path, itself.
fn operations(document: &Value) -> impl Iterator<Item = (String, &str, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let item = item.as_object().into_iter().flatten();
        item.map(move |(method, operation)| (method.to_uppercase(), path.as_str(), operation))
    })
}

#[tokio::test]
async fn the_committed_document_is_the_served_one() {
    let shop = Shop::start_with(&["--public-auth-url=https://auth.example.com"]).await;

    let answer = shop.get("/openapi.json").send().await;

    let mut served = answer.expect(200);
    let token_url = "/components/securitySchemes/password/flows/password/tokenUrl";
    let token_url = served.pointer_mut(token_url).unwrap();
    assert_eq!(*token_url, "https://auth.example.com/login");
    *token_url = json!("http://localhost:9000/login");
    let committed: Value = serde_json::from_str(COMMITTED).unwrap();
    assert!(
        served == committed,
        "proto/openapi/shop.json is not what the code says; make it anew:\n  \
         cargo run -p shop-service -- openapi > proto/openapi/shop.json",
    );
}

#[tokio::test]
async fn every_route_is_described_and_nothing_else_is() {
    let config = config(&format!("postgres://nobody@{CLOSED}/none"), &[]);
    let state = Arc::new(shop_service::state::Shop::new(&config).unwrap());
    let route = shop_service::routes::routes(&state, "http://auth.test");
    let document = serde_json::to_value(shop_service::routes::openapi("http://auth.test")).unwrap();

    let described: BTreeSet<String> =
        operations(&document).map(|(method, path, _)| format!("{method} {path}")).collect();
    let routes = route.endpoints().iter().map(|endpoint| endpoint.0.to_owned());
    let docs = |route: &String| route.contains(" /docs") || route.contains(" /openapi.json");

    assert_eq!(described, routes.filter(|route| !docs(route)).collect());
}

#[tokio::test]
async fn what_has_a_lock_answers_nobody_and_what_has_none_anybody() {
    let shop = Shop::start().await;
    let document = shop.get("/openapi.json").send().await.expect(200);

    for (method, path, operation) in operations(&document) {
        let path = path.replace("{id}", &Uuid::now_v7().to_string());
        let answer = shop.call(method.parse().unwrap(), &path).send().await;

        assert_eq!(operation["security"].is_array(), answer.status == 401, "{method} {path}");
    }
}

#[tokio::test]
async fn every_operation_describes_its_errors() {
    let shop = Shop::start().await;
    let document = shop.get("/openapi.json").send().await.expect(200);

    assert_eq!(document["openapi"].as_str().unwrap()[..3], *"3.1");
    for (method, path, operation) in operations(&document) {
        let responses = operation["responses"].as_object().unwrap();
        let mut expected = vec!["400", "500", "503"];
        if operation["security"].is_array() {
            expected.extend(["401", "403"]);
        }
        if path.contains("{id}") {
            expected.push("404");
        }
        if operation["requestBody"].is_object() {
            expected.extend(["413", "415", "422"]);
        }
        for status in expected {
            let content = &responses.get(status).unwrap_or(&Value::Null)["content"];
            let problem = &content["application/problem+json"]["schema"]["$ref"];
            assert_eq!(problem, "#/components/schemas/Problem", "{method} {path} {status}");
        }
    }
}

#[tokio::test]
async fn each_field_is_described_with_its_own_bounds() {
    let shop = Shop::start().await;
    let document = shop.get("/openapi.json").send().await.expect(200);
    let bounds = |body: &str, field: &str, least: &str, most: &str| {
        let schemas = &document["components"]["schemas"];
        let reference = schemas[body]["properties"][field]["$ref"].as_str().unwrap();
        let schema = &schemas[reference.rsplit('/').next().unwrap()];
        [least, most].map(|bound| schema[bound].as_i64().unwrap())
    };
    let text = |body, field| bounds(body, field, "minLength", "maxLength");
    let number = |body, field| bounds(body, field, "minimum", "maximum");

    assert_eq!(text("Registration", "name"), [2, 50]);
    assert_eq!(text("NewCategory", "name"), [2, 50]);
    assert_eq!(text("NewProduct", "name"), [1, 200]);
    assert_eq!(text("NewProduct", "description"), [0, 10_000]);
    assert_eq!(text("PlaceOrder", "shipping_address"), [1, 1000]);
    assert_eq!(number("NewProduct", "quantity"), [0, 1_000_000_000]);
    assert_eq!(number("ChangeItem", "quantity"), [1, 10_000]);
}

#[tokio::test]
async fn every_answer_is_described_with_its_headers() {
    let shop = Shop::start().await;
    let document = shop.get("/openapi.json").send().await.expect(200);

    for (method, path, operation) in operations(&document) {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let is_list = parameters.clone().any(|parameter| parameter["name"] == "after");
        for (status, response) in operation["responses"].as_object().unwrap() {
            let has = |name: &str| {
                let reference = format!("#/components/headers/{name}");
                response["headers"][name]["$ref"] == *reference
            };
            assert!(has("X-Request-Id"), "{method} {path} {status}");
            assert_eq!(has("Retry-After"), status == "503", "{method} {path} {status}");
            let is_refused = status == "401" || status == "403";
            assert_eq!(has("WWW-Authenticate"), is_refused, "{method} {path} {status}");
            assert_eq!(has("Link"), is_list && status == "200", "{method} {path} {status}");
        }
    }
}

#[tokio::test]
async fn the_page_may_only_do_what_it_needs() {
    let shop = Shop::start_with(&["--public-auth-url=https://auth.example.com/base"]).await;

    for file in ["", "index.css", "swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"] {
        let answer = shop.get(&format!("/docs/{file}")).send().await;

        assert_eq!(
            answer.header("content-security-policy"),
            Some(
                "default-src 'none'; script-src 'self'; \
                 style-src 'self' 'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='; \
                 img-src 'self' data:; \
                 connect-src 'self' https://auth.example.com; base-uri 'none'; \
                 form-action 'none'; frame-ancestors 'none'"
            ),
            "{file}"
        );
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{file}");
    }
    let setup = shop.get("/docs/swagger-initializer.js").send().await.text();
    assert!(setup.contains("\"validatorUrl\": \"none\""), "{setup}");
}

#[tokio::test]
async fn swagger_ui_comes_from_the_service_itself() {
    let shop = Shop::start().await;

    let moved = shop.get("/docs").send().await;
    let page = shop.get("/docs/").send().await;

    assert_eq!((moved.status, moved.header("location")), (308, Some("/docs/")));
    page.expect(200);
    let html = page.text();
    assert!(!html.contains("://"), "{html}");
    let files = html.split(['"', '\'']).filter(|text| text.starts_with("./"));
    let files: Vec<&str> = files.collect();
    assert!(files.len() >= 3, "{html}");
    for file in files {
        shop.get(&format!("/docs/{}", &file[2..])).send().await.expect(200);
    }
}
