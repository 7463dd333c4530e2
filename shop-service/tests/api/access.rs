//! Who may do what: every route, called by everybody.

use std::collections::BTreeSet;
use std::sync::Arc;

use uuid::Uuid;

use crate::calls::{GUARDED, OPEN, Sample};
use crate::mint;
use crate::shop::{CLOSED, Shop, config};

/// Who calls: a name, whether it is a person, its scopes; `None` is nobody.
const CALLERS: [(&str, bool, Option<&str>); 8] = [
    ("nobody", false, None),
    ("a customer", true, Some("shop")),
    ("an admin", true, Some("shop shop:admin")),
    ("an admin who is no customer", true, Some("shop:admin")),
    ("a person without scopes", true, Some("auth:admin")),
    ("a machine", false, Some("shop")),
    ("an admin's machine", false, Some("shop:admin")),
    ("a machine of auth's", false, Some("auth:register auth:admin")),
];

/// What [`GUARDED`] answers them, and the scope that a 403 names.
const EXPECTED: [([u16; 8], &str); 27] = [
    ([401, 200, 200, 200, 403, 404, 404, 403], "shop"), // GET /user/me
    ([401, 200, 200, 403, 403, 403, 403, 403], "shop"), // PATCH /user/me
    ([401, 200, 200, 200, 403, 200, 200, 403], "shop"), // GET /user/
    ([401, 200, 200, 200, 403, 404, 404, 403], "shop"), // GET /user/{self}
    ([401, 404, 200, 200, 403, 404, 200, 403], "shop"), // GET /user/{other}
    ([401, 204, 204, 204, 403, 404, 404, 403], "shop"), // DELETE /user/{self}
    ([401, 404, 204, 204, 403, 404, 204, 403], "shop"), // DELETE /user/{other}
    ([401, 403, 201, 201, 403, 403, 201, 403], "shop:admin"), // POST /products/category
    ([401, 403, 204, 204, 403, 403, 204, 403], "shop:admin"), // DELETE /products/category/{id}
    ([401, 403, 201, 201, 403, 403, 201, 403], "shop:admin"), // POST /products/
    ([401, 403, 200, 200, 403, 403, 200, 403], "shop:admin"), // PATCH /products/{id}
    ([401, 403, 204, 204, 403, 403, 204, 403], "shop:admin"), // DELETE /products/{id}
    ([401, 200, 200, 403, 403, 403, 403, 403], "shop"), // GET /cart/
    ([401, 201, 201, 403, 403, 403, 403, 403], "shop"), // POST /cart/items
    ([401, 200, 200, 403, 403, 403, 403, 403], "shop"), // PATCH /cart/items/{id}
    ([401, 204, 204, 403, 403, 403, 403, 403], "shop"), // DELETE /cart/items/{id}
    ([401, 204, 204, 403, 403, 403, 403, 403], "shop"), // DELETE /cart/
    ([401, 201, 201, 403, 403, 403, 403, 403], "shop"), // POST /orders/
    ([401, 200, 200, 403, 403, 403, 403, 403], "shop"), // GET /orders/
    ([401, 403, 200, 403, 403, 403, 403, 403], "shop"), // GET /orders/?all=true
    ([401, 200, 200, 403, 403, 403, 403, 403], "shop"), // GET /orders/{order}
    ([401, 404, 200, 403, 403, 403, 403, 403], "shop"), // GET /orders/{others_order}
    ([401, 200, 200, 200, 403, 403, 200, 403], "shop"), // POST /orders/{order}/cancel
    ([401, 404, 200, 200, 403, 403, 200, 403], "shop"), // POST /orders/{others_order}/cancel
    ([401, 403, 200, 200, 403, 403, 200, 403], "shop:admin"), // PATCH /orders/{others_order}
    ([401, 403, 200, 200, 403, 403, 200, 403], "shop:admin"), // GET /admin/outbox
    ([401, 403, 200, 200, 403, 403, 200, 403], "shop:admin"), // POST /admin/outbox/{id}/retry
];

#[tokio::test]
async fn every_guarded_call_lets_in_whom_it_must_and_nobody_else() {
    let shop = Shop::start().await;

    for (sample, (statuses, scope)) in GUARDED.iter().zip(EXPECTED) {
        for ((name, is_person, scopes), status) in CALLERS.into_iter().zip(statuses) {
            let seen = call(&shop, sample, is_person, scopes).await;

            assert_eq!(seen.status, status, "{} {} by {name}: {seen:?}", sample.route, sample.path);
            let all = sample.path.contains("all=true") && name == "a customer";
            match status {
                401 => assert_eq!(
                    seen.header("www-authenticate"),
                    Some(r#"Bearer realm="shop-service""#),
                ),
                403 => assert_eq!(
                    seen.header("www-authenticate"),
                    Some(&*forbidden(if all { "shop:admin" } else { scope })),
                    "{} by {name}",
                    sample.route,
                ),
                _ => assert_eq!(seen.header("www-authenticate"), None),
            }
        }
    }
}

fn forbidden(scope: &str) -> String {
    format!(r#"Bearer realm="shop-service", error="insufficient_scope", scope="{scope}""#)
}

async fn call(
    shop: &Shop,
    sample: &Sample,
    is_person: bool,
    scopes: Option<&str>,
) -> devstack_testkit::Answer {
    let Some(scopes) = scopes else { return sample.call(shop, None).await.send().await };
    if !is_person {
        return sample.call(shop, None).await.bearer(mint::machine(scopes)).send().await;
    }
    let person = shop.person("active", scopes).await;
    // A checkout needs something in the cart.
    let product = shop.product("1.50", 100).await;
    let insert = "INSERT INTO cart_items (id, user_id, product_id, quantity)
        VALUES ($1, $2, $3, 1)";
    shop.sql(insert, &[&Uuid::now_v7(), &person.id, &product]).await;
    sample.call(shop, Some(person.id)).await.bearer(&person.token).send().await
}

#[tokio::test]
async fn anyone_may_look_at_the_catalogue_whatever_token_they_send() {
    let shop = Shop::start().await;

    for sample in OPEN.iter().filter(|sample| sample.method() == "GET") {
        sample.call(&shop, None).await.send().await.expect(200);
        sample.call(&shop, None).await.bearer("no.token.atall").send().await.expect(200);
    }
}

#[tokio::test]
async fn no_route_is_missing_from_these_tests() {
    let config = config(&format!("postgres://nobody@{CLOSED}/none"), &[]);
    let state = Arc::new(shop_service::state::Shop::new(&config).unwrap());

    let route = shop_service::routes::routes(&state, "http://auth.test");
    let routes: BTreeSet<&str> = route.endpoints().iter().map(|endpoint| endpoint.0).collect();

    let samples = GUARDED.iter().chain(&OPEN).map(|sample| sample.route);
    let docs = ["GET /openapi.json", "GET /docs", "GET /docs/{file}"];
    assert_eq!(routes, samples.chain(docs).collect());
}
