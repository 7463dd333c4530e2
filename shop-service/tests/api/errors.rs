//! Every error that the document lists, provoked over HTTP.

use devstack_testkit::Answer;
use devstack_testkit::http::raw;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::calls::order;
use crate::shop::{CLOSED, Person, Shop, must};

/// The codes that the document lists.
fn listed() -> Vec<String> {
    let document = must(serde_json::to_value(shop_service::routes::openapi("http://auth.test")));
    let codes = &document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"];
    let codes = codes.as_array().into_iter().flatten();
    codes.filter_map(Value::as_str).map(str::to_owned).collect()
}

async fn rename(shop: &Shop, person: &Person, media_type: &str, body: &str) -> Answer {
    let call = shop.patch("/user/me").bearer(&person.token);
    call.body(media_type, body).send().await
}

/// A request whose body never comes.
async fn without_body(shop: &Shop, person: &Person) -> Option<Answer> {
    let request = format!(
        "PATCH /user/me HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: 10\r\n\r\n",
        person.token
    );
    raw(shop.addr(), request).await
}

/// Somebody who has something in the cart, of which there are so many.
async fn with_cart(shop: &Shop, quantity: i64) -> Person {
    let person = shop.customer().await;
    let product = shop.product("1.50", quantity).await;
    let insert = "INSERT INTO cart_items (id, user_id, product_id, quantity)
        VALUES ($1, $2, $3, 2)";
    shop.sql(insert, &[&Uuid::now_v7(), &person.id, &product]).await;
    person
}

async fn full_cart(shop: &Shop) -> Answer {
    let person = shop.customer().await;
    let insert = "INSERT INTO cart_items (id, user_id, product_id, quantity)
        VALUES ($1, $2, $3, 1)";
    for _ in 0..100 {
        let product = shop.product("1.50", 9).await;
        shop.sql(insert, &[&Uuid::now_v7(), &person.id, &product]).await;
    }
    shop.add(&person, shop.product("1.50", 9).await, 1).send().await
}

async fn reused_key(shop: &Shop) -> Answer {
    let person = with_cart(shop, 9).await;
    let place = |address: &str| {
        let call = shop.post("/orders/").bearer(&person.token).header("idempotency-key", "k-1");
        call.json(&json!({ "shipping_address": address })).send()
    };
    place("1 Main Street").await.expect(201);
    place("2 Main Street").await
}

#[tokio::test]
async fn every_code_that_the_document_lists_is_answered() {
    let shop = Shop::start().await;
    let (ann, admin) = (shop.customer().await, shop.admin().await);
    let json = "application/json";
    let delete = |path: String| shop.delete(&path).bearer(&admin.token).send();

    let listed = listed();
    assert_eq!(listed.len(), 20, "{listed:?}");
    for code in listed {
        let (status, answer) = match code.as_str() {
            "invalid_request" => (400, rename(&shop, &ann, json, "{").await),
            "unauthenticated" => (401, shop.get("/user/me").send().await),
            "invalid_token" => (401, shop.get("/user/me").bearer("none").send().await),
            "insufficient_scope" => {
                (403, shop.get("/admin/outbox").bearer(&ann.token).send().await)
            }
            "not_found" => (404, shop.get("/nothing").send().await),
            "method_not_allowed" => (405, shop.put("/user/me").send().await),
            "request_timeout" => (408, without_body(&shop, &ann).await.unwrap()),
            "content_too_large" => (413, rename(&shop, &ann, json, &"x".repeat(70_000)).await),
            "unsupported_media_type" => (415, rename(&shop, &ann, "text/plain", "{}").await),
            "validation" => (422, rename(&shop, &ann, json, "{}").await),
            "internal" => {
                let broken = Shop::start().await;
                broken.sql("ALTER TABLE categories RENAME TO elsewhere", &[]).await;
                (500, broken.get("/products/category").send().await)
            }
            // The auth service does not answer.
            "unavailable" => (503, register(&shop, "new@example.com").await),
            "email_taken" => (409, register(&shop, &ann.email).await),
            "category_exists" => {
                let create = || {
                    let call = shop.post("/products/category").bearer(&admin.token);
                    call.json(&json!({ "name": "Books" })).send()
                };
                create().await.expect(201);
                (409, create().await)
            }
            "category_in_use" => {
                let product = shop.product("1.50", 1).await;
                let of = "SELECT category_id FROM products WHERE id = $1";
                let category: Uuid = shop.one(of, &[&product]).await.get(0);
                (409, delete(format!("/products/category/{category}")).await)
            }
            "cart_full" => (409, full_cart(&shop).await),
            "cart_empty" => (409, shop.order(&ann).send().await),
            "stock_short" => (409, shop.order(&with_cart(&shop, 1).await).send().await),
            "wrong_status" => {
                let order = order(&shop, Some(ann.id)).await;
                let call = shop.patch(&format!("/orders/{order}")).bearer(&admin.token);
                (409, call.json(&json!({ "status": "DELIVERED" })).send().await)
            }
            "idempotency_key_reused" => (422, reused_key(&shop).await),
            code => panic!("nothing provokes {code}"),
        };

        let problem = answer.expect_problem(status, &code);
        assert_eq!(answer.header("retry-after").is_some(), status == 503, "{answer:?}");
        assert_eq!(answer.header("www-authenticate").is_some(), [401, 403].contains(&status));
        assert_eq!(problem.get("errors").is_some(), code == "validation", "{answer:?}");
        assert_eq!(problem.get("products").is_some(), code == "stock_short", "{answer:?}");
    }
}

async fn register(shop: &Shop, email: &str) -> Answer {
    let body = json!({ "name": "Ann Lee", "email": email, "password": "seven blue lamps" });
    shop.post("/user/").json(&body).send().await
}

#[tokio::test]
async fn without_its_database_it_says_so_in_the_same_shape() {
    let database = devstack_postgres::testing::database().await;
    let nowhere = format!("--database-url=postgres://nobody@{CLOSED}/none");
    let shop = Shop::serve(database, &[&nowhere]).await;

    let answer = shop.get("/products/").send().await;

    answer.expect_problem(503, "unavailable");
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
}
