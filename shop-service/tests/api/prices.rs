//! Money: exact from the request's text to the answer's.

use devstack_testkit::Answer;
use uuid::Uuid;

use crate::mint;
use crate::shop::Shop;

/// As text, so that no float comes between.
async fn create(shop: &Shop, category: Uuid, price: &str) -> Answer {
    let body = format!(
        r#"{{"name": "Pen", "quantity": 1000000000, "description": "", "price": {price},
            "category_id": "{category}"}}"#
    );
    let call = shop.post("/products/").bearer(mint::machine("shop:admin"));
    call.body("application/json", body).send().await
}

#[tokio::test]
async fn a_price_is_kept_to_the_cent() {
    let shop = Shop::start().await;
    let category = shop.category().await;

    for (sent, shown) in [
        ("0", "0"),
        ("0.00", "0"),
        ("0.1", "0.1"),
        ("0.01", "0.01"),
        ("19.99", "19.99"),
        ("19.990", "19.99"),
        ("20.00", "20"),
        ("1e2", "100"),
        ("9999999999.99", "9999999999.99"),
    ] {
        let created = create(&shop, category, sent).await;

        let id = created.expect(201)["id"].clone();
        let again = shop.get(&format!("/products/{}", id.as_str().unwrap())).send().await;
        for answer in [created, again] {
            let member = format!("\"price\":{shown},");
            assert!(answer.text().contains(&member), "{sent}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn more_than_two_decimals_are_refused_never_rounded() {
    let shop = Shop::start().await;
    let category = shop.category().await;

    for wrong in ["19.999", "0.001", "1e-3", "0.000000000000000000000000000000000001"] {
        create(&shop, category, wrong).await.expect_invalid(&["price"]);
    }

    assert_eq!(shop.count("products").await, 0);
}

#[tokio::test]
async fn what_is_no_price_is_refused() {
    let shop = Shop::start().await;
    let category = shop.category().await;

    for wrong in [
        "-0.01",
        "-1",
        "10000000000",
        "9999999999.995",
        "1e10",
        "1e400",
        "-1e400",
        "1e-400",
        "79228162514264337593543950336",
        "\"19.99\"",
        "\"\"",
        "null",
        "true",
        "[1]",
        "{}",
    ] {
        create(&shop, category, wrong).await.expect_invalid(&["price"]);
    }
    for no_json in ["NaN", "Infinity", "1,5", ".5", "+1", "01"] {
        create(&shop, category, no_json).await.expect_problem(400, "invalid_request");
    }

    assert_eq!(shop.count("products").await, 0);
}

#[tokio::test]
async fn a_total_is_exact_where_a_float_would_not_be() {
    let shop = Shop::start().await;
    let ann = shop.customer().await;
    let dear = shop.product("9999999999.99", 10_000).await;
    let cheap = shop.product("0.1", 3).await;
    shop.add(&ann, dear, 10_000).send().await.expect(201);
    shop.add(&ann, cheap, 3).send().await.expect(201);

    let cart = shop.get("/cart/").bearer(&ann.token).send().await;
    let order = shop.order(&ann).send().await;
    let list = shop.get("/orders/").bearer(&ann.token).send().await;

    for answer in [cart, order, list] {
        let total = "\"total\":99999999999900.3";
        assert!(answer.text().contains(total), "{}", answer.text());
    }
    let stored: String = shop.one("SELECT total::text FROM orders", &[]).await.get(0);
    assert_eq!(stored, "99999999999900.30");
}

#[tokio::test]
async fn the_largest_cart_there_can_be_has_a_total_and_can_be_ordered() {
    let shop = Shop::start().await;
    let ann = shop.customer().await;
    for _ in 0..100 {
        let product = shop.product("9999999999.99", 10_000).await;
        shop.add(&ann, product, 10_000).send().await.expect(201);
    }

    let order = shop.order(&ann).send().await;

    order.expect(201);
    let total = "\"total\":9999999999990000,";
    assert!(order.text().contains(total), "{}", order.text());
}
