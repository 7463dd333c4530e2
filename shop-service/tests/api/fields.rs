//! Fields: what no field of any call may hold.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::mint;
use crate::shop::{Shop, must};

/// A call, a good body for it, its texts and its numbers.
type Case = (&'static str, &'static str, Value, &'static [&'static str], &'static [&'static str]);

fn cases() -> Vec<Case> {
    let id = Uuid::now_v7();
    let registration = json!({ "name": "Ann", "email": "a@b.de", "password": "seven blue lamps" });
    let product = json!({
        "name": "Pen", "quantity": 1, "description": "", "price": 1, "category_id": id,
    });
    let change = json!({ "quantity_delta": 1 });
    let texts = &["name", "description", "category_id"];
    vec![
        ("POST", "/user/", registration, &["name", "email", "password"], &[]),
        ("PATCH", "/user/me", json!({ "name": "Ann" }), &["name"], &[]),
        ("POST", "/products/category", json!({ "name": "Books" }), &["name"], &[]),
        ("POST", "/products/", product, texts, &["quantity", "price"]),
        ("PATCH", "/products/{id}", change.clone(), texts, &["price", "quantity_delta"]),
        ("PATCH", "/products/{id}", json!({}), texts, &["quantity"]),
        ("POST", "/cart/items", json!({ "product_id": id }), &["product_id"], &["quantity"]),
        ("PATCH", "/cart/items/{id}", json!({ "quantity": 1 }), &[], &["quantity"]),
        (
            "POST",
            "/orders/",
            json!({ "shipping_address": "1 Main Street" }),
            &["shipping_address"],
            &[],
        ),
    ]
}

/// That each of these values, as JSON text, is a 422 of each of the fields that `pick` names.
async fn expect_refused(values: &[&str], pick: impl Fn(&Case) -> &'static [&'static str]) {
    let shop = Shop::start().await;
    let token = mint::person(shop.customer().await.id, "shop shop:admin");
    let before = shop.stored().await;

    for case in cases() {
        let (method, path, good, ..) = &case;
        let path = path.replace("{id}", &Uuid::now_v7().to_string());
        for field in pick(&case) {
            for value in values {
                let mut body = good.clone();
                body[field] = json!("VALUE");
                let body = body.to_string().replace("\"VALUE\"", value);

                let call = shop.call(must(method.parse()), &path).bearer(&token);
                let answer = call.body("application/json", body).send().await;

                answer.expect_invalid(&[field]);
            }
        }
    }

    assert_eq!(shop.stored().await, before);
}

#[tokio::test]
async fn no_text_holds_nul_or_half_a_surrogate_pair_or_is_no_text() {
    let texts = |case: &Case| case.3;

    let nul = r#""seven blue\u0000lamps""#;
    let lone = [r#""seven blue \ud83e lamps""#, r#""seven blue lamps\udd80""#];
    expect_refused(&[nul, lone[0], lone[1], "7", "true", "[]", "{\"a\": 1}"], texts).await;
}

#[tokio::test]
async fn no_number_is_anything_else_or_beyond_all_bounds() {
    let numbers = |case: &Case| case.4;

    let huge = ["1e400", "-1e400", "99999999999999999999", "-99999999999999999999"];
    expect_refused(&huge, numbers).await;
    expect_refused(&["\"1\"", "\"\"", "true", "[]", "{}", "0.001", "1.999"], numbers).await;
}

#[tokio::test]
async fn members_nobody_asked_for_are_ignored() {
    let shop = Shop::start().await;
    let ann = shop.customer().await;

    let body = r#"{"name": "Anna", "x\u0000": "\u0000", "": [1, {"a": null}], "id": 7}"#;
    let call = shop.patch("/user/me").bearer(&ann.token).body("application/json", body);

    assert_eq!(call.send().await.expect(200)["name"], "Anna");
}
