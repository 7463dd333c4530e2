//! Every call that is about something of the shop's, as requests that would succeed.

use devstack_testkit::http::Call;
use uuid::Uuid;

use crate::shop::{Shop, must};

/// A request of a route: the route's name, and path and body with `{…}` where [`fill`] puts what
/// it makes for the occasion.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) route: &'static str,
    pub(crate) path: &'static str,
    pub(crate) body: &'static str,
}

const fn sample(route: &'static str, path: &'static str, body: &'static str) -> Sample {
    Sample { route, path, body }
}

/// Those that need a token, of a person who may do everything.
pub(crate) const GUARDED: [Sample; 27] = [
    sample("GET /user/me", "/user/me", ""),
    sample("PATCH /user/me", "/user/me", r#"{"name": "Ann"}"#),
    sample("GET /user/", "/user/", ""),
    sample("GET /user/{id}", "/user/{self}", ""),
    sample("GET /user/{id}", "/user/{other}", ""),
    sample("DELETE /user/{id}", "/user/{self}", ""),
    sample("DELETE /user/{id}", "/user/{other}", ""),
    sample("POST /products/category", "/products/category", r#"{"name": "{new}"}"#),
    sample("DELETE /products/category/{id}", "/products/category/{category}", ""),
    sample(
        "POST /products/",
        "/products/",
        r#"{"name": "Pen", "quantity": 1, "description": "", "price": 1,
            "category_id": "{category}"}"#,
    ),
    sample("PATCH /products/{id}", "/products/{product}", r#"{"name": "Pen"}"#),
    sample("DELETE /products/{id}", "/products/{product}", ""),
    sample("GET /cart/", "/cart/", ""),
    sample("POST /cart/items", "/cart/items", r#"{"product_id": "{product}"}"#),
    sample("PATCH /cart/items/{id}", "/cart/items/{line}", r#"{"quantity": 2}"#),
    sample("DELETE /cart/items/{id}", "/cart/items/{line}", ""),
    sample("DELETE /cart/", "/cart/", ""),
    sample("POST /orders/", "/orders/", r#"{"shipping_address": "1 Main Street"}"#),
    sample("GET /orders/", "/orders/", ""),
    sample("GET /orders/", "/orders/?all=true", ""),
    sample("GET /orders/{id}", "/orders/{order}", ""),
    sample("GET /orders/{id}", "/orders/{others_order}", ""),
    sample("POST /orders/{id}/cancel", "/orders/{order}/cancel", ""),
    sample("POST /orders/{id}/cancel", "/orders/{others_order}/cancel", ""),
    sample("PATCH /orders/{id}", "/orders/{others_order}", r#"{"status": "SHIPPED"}"#),
    sample("GET /admin/outbox", "/admin/outbox", ""),
    sample("POST /admin/outbox/{id}/retry", "/admin/outbox/{job}/retry", ""),
];

/// Those that anyone may call.
pub(crate) const OPEN: [Sample; 5] = [
    sample(
        "POST /user/",
        "/user/",
        r#"{"name": "Ann Lee", "email": "{new}@example.com", "password": "seven blue lamps"}"#,
    ),
    sample("GET /products/", "/products/", ""),
    sample("GET /products/{id}", "/products/{product}", ""),
    sample("GET /products/category", "/products/category", ""),
    sample("GET /products/category/{id}", "/products/category/{category}", ""),
];

impl Sample {
    /// Its method.
    pub(crate) fn method(&self) -> &'static str {
        self.route.split(' ').next().unwrap_or_default()
    }

    /// The request for this caller: somebody, or nobody who has a profile.
    pub(crate) async fn call(&self, shop: &Shop, caller: Option<Uuid>) -> Call {
        self.calls(shop, caller, 1).await.remove(0)
    }

    /// The same request this many times, about the same things.
    pub(crate) async fn calls(&self, shop: &Shop, caller: Option<Uuid>, count: usize) -> Vec<Call> {
        let path = fill(shop, self.path, caller).await;
        let body = fill(shop, self.body, caller).await;
        let call = || shop.call(must(self.method().parse()), &path);
        let with_body = |call: Call| match &*body {
            "" => call,
            body => call.body("application/json", body),
        };
        (0..count).map(|_| with_body(call())).collect()
    }
}

/// Makes what a template names, and puts its id there.
pub(crate) async fn fill(shop: &Shop, template: &str, caller: Option<Uuid>) -> String {
    let Some((start, rest)) = template.split_once('{') else { return template.to_owned() };
    let made = match rest.split('}').next().unwrap_or_default() {
        "self" => caller.unwrap_or_else(Uuid::now_v7),
        "new" => Uuid::now_v7(),
        "other" => shop.customer().await.id,
        "category" => shop.category().await,
        "product" => shop.product("1.50", 100).await,
        "line" => line(shop, caller).await,
        "order" => order(shop, caller).await,
        "others_order" => order(shop, Some(shop.customer().await.id)).await,
        "job" => job(shop).await,
        // The brace of a JSON object.
        _ => return format!("{start}{{{}", Box::pin(fill(shop, rest, caller)).await),
    };
    let rest = rest.split_once('}').map_or("", |(_, rest)| rest);
    format!("{start}{made}{}", Box::pin(fill(shop, rest, caller)).await)
}

async fn line(shop: &Shop, caller: Option<Uuid>) -> Uuid {
    let (id, product) = (Uuid::now_v7(), shop.product("1.50", 100).await);
    if let Some(user) = caller {
        let insert = "INSERT INTO cart_items (id, user_id, product_id, quantity)
            VALUES ($1, $2, $3, 1)";
        shop.sql(insert, &[&id, &user, &product]).await;
    }
    id
}

/// An order of a notebook for 1.50; nobody's where `user` is none.
pub(crate) async fn order(shop: &Shop, user: Option<Uuid>) -> Uuid {
    let (id, product) = (Uuid::now_v7(), shop.product("1.50", 100).await);
    let insert = "INSERT INTO orders (id, user_id, total, shipping_address)
        VALUES ($1, $2, 1.50, '1 Main Street')";
    shop.sql(insert, &[&id, &user]).await;
    let insert = "INSERT INTO order_items
            (order_id, position, product_id, name, unit_price, quantity)
        VALUES ($1, 1, $2, 'Notebook', 1.50, 1)";
    shop.sql(insert, &[&id, &product]).await;
    id
}

/// A job that is not due for an hour.
pub(crate) async fn job(shop: &Shop) -> Uuid {
    let id = Uuid::now_v7();
    let payload = serde_json::json!({ "user": Uuid::now_v7() });
    let insert = "INSERT INTO outbox (id, kind, payload, next_attempt_at)
        VALUES ($1, 'unregister', $2, clock_timestamp() + interval '1 hour')";
    shop.sql(insert, &[&id, &payload]).await;
    id
}
