//! `/cart`.

use devstack_testkit::http::Call;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::shop::{Person, Shop, all_at_once, tally};

async fn cart(shop: &Shop, person: &Person) -> Value {
    shop.get("/cart/").bearer(&person.token).send().await.expect(200)
}

fn set(shop: &Shop, person: &Person, line: &Value, quantity: i64) -> Call {
    let path = format!("/cart/items/{}", line["id"].as_str().unwrap_or_default());
    shop.patch(&path).bearer(&person.token).json(&json!({ "quantity": quantity }))
}

fn remove(shop: &Shop, person: &Person, line: &Value) -> Call {
    let path = format!("/cart/items/{}", line["id"].as_str().unwrap_or_default());
    shop.delete(&path).bearer(&person.token)
}

#[tokio::test]
async fn a_cart_is_empty_at_first_and_shows_its_lines_with_their_total() {
    let shop = Shop::start().await;
    let ann = shop.customer().await;
    let [pen, book] = [shop.product("0.99", 10).await, shop.product("12.50", 10).await];

    let empty = cart(&shop, &ann).await;
    let first = shop.add(&ann, pen, 3).send().await.expect(201);
    let second = shop.post("/cart/items").bearer(&ann.token).json(&json!({ "product_id": book }));
    let second = second.send().await.expect(201);

    assert_eq!(empty, json!({ "items": [], "total": 0 }));
    let product = shop.get(&format!("/products/{pen}")).send().await.expect(200);
    let expected = json!({
        "id": first["id"], "product": product, "quantity": 3, "created_at": first["created_at"],
    });
    assert_eq!(first, expected);
    assert!(first["created_at"].as_str().unwrap().ends_with('Z'), "{first}");
    assert_eq!(second["quantity"], 1);
    let full = cart(&shop, &ann).await;
    assert_eq!(full, json!({ "items": [first, second], "total": 15.47 }));
}

#[tokio::test]
async fn the_same_product_again_adds_up_in_its_line() {
    let shop = Shop::start().await;
    let (ann, pen) = (shop.customer().await, shop.product("1", 10).await);

    let first = shop.add(&ann, pen, 3).send().await.expect(201);
    let second = shop.add(&ann, pen, 4).send().await.expect(201);

    assert_eq!(second["id"], first["id"]);
    assert_eq!(second["quantity"], 7);
    assert_eq!(cart(&shop, &ann).await["items"], json!([second]));
}

#[tokio::test]
async fn more_than_is_in_stock_is_short_and_changes_nothing() {
    let shop = Shop::start().await;
    let (ann, pen) = (shop.customer().await, shop.product("1", 5).await);
    let line = shop.add(&ann, pen, 3).send().await.expect(201);
    let before = shop.stored().await;

    let added = shop.add(&ann, pen, 3).send().await;
    let set = set(&shop, &ann, &line, 6).send().await;

    for answer in [added, set] {
        let short = answer.expect_problem(409, "stock_short");
        let expected =
            json!([{ "product_id": pen, "name": "Notebook", "requested": 6, "available": 5 }]);
        assert_eq!(short["products"], expected);
    }
    assert_eq!(shop.stored().await, before);
}

#[tokio::test]
async fn a_quantity_is_a_whole_number_from_1_to_10000() {
    let shop = Shop::start().await;
    let (ann, pen) = (shop.customer().await, shop.product("1", 1_000_000).await);
    let line = shop.add(&ann, pen, 9_999).send().await.expect(201);

    for wrong in [json!(0), json!(-1), json!(10_001), json!(1.5), json!("1"), json!(true)] {
        let body = json!({ "product_id": pen, "quantity": wrong });
        let added = shop.post("/cart/items").bearer(&ann.token).json(&body).send().await;
        added.expect_invalid(&["quantity"]);
        let path = format!("/cart/items/{}", line["id"].as_str().unwrap());
        let body = json!({ "quantity": wrong });
        let set = shop.patch(&path).bearer(&ann.token).json(&body).send().await;
        set.expect_invalid(&["quantity"]);
    }
    shop.add(&ann, pen, 2).send().await.expect_invalid(&["quantity"]);

    assert_eq!(cart(&shop, &ann).await["items"], json!([line]));
    let full = shop.add(&ann, pen, 1).send().await.expect(201);
    assert_eq!(full["quantity"], 10_000);
}

#[tokio::test]
async fn a_product_must_be_on_sale() {
    let shop = Shop::start().await;
    let ann = shop.customer().await;

    shop.add(&ann, Uuid::now_v7(), 1).send().await.expect_problem(404, "not_found");
    for wrong in [json!("7"), json!(7), json!(null), json!(Uuid::now_v7().simple().to_string())] {
        let body = json!({ "product_id": wrong });
        let answer = shop.post("/cart/items").bearer(&ann.token).json(&body).send().await;
        answer.expect_invalid(&["product_id"]);
    }
    let all_wrong = shop.post("/cart/items").bearer(&ann.token).json(&json!({ "quantity": 0 }));
    all_wrong.send().await.expect_invalid(&["product_id", "quantity"]);
}

#[tokio::test]
async fn a_line_is_changed_and_removed_and_the_cart_emptied() {
    let shop = Shop::start().await;
    let ann = shop.customer().await;
    let mut lines = Vec::new();
    for _ in 0..3 {
        let product = shop.product("2.50", 10).await;
        lines.push(shop.add(&ann, product, 1).send().await.expect(201));
    }

    let changed = set(&shop, &ann, &lines[0], 4).send().await.expect(200);
    remove(&shop, &ann, &lines[1]).send().await.expect(204);

    assert_eq!((&changed["id"], &changed["quantity"]), (&lines[0]["id"], &json!(4)));
    let left = cart(&shop, &ann).await;
    assert_eq!(left, json!({ "items": [changed, lines[2]], "total": 12.5 }));
    for _ in 0..2 {
        shop.delete("/cart/").bearer(&ann.token).send().await.expect(204);
        assert_eq!(cart(&shop, &ann).await, json!({ "items": [], "total": 0 }));
    }
    remove(&shop, &ann, &lines[1]).send().await.expect_problem(404, "not_found");
    set(&shop, &ann, &lines[1], 1).send().await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn anothers_cart_is_neither_seen_nor_touched() {
    let shop = Shop::start().await;
    let (ann, eve, pen) = (shop.customer().await, shop.admin().await, shop.product("1", 10).await);
    let line = shop.add(&ann, pen, 1).send().await.expect(201);
    let before = shop.stored().await;

    set(&shop, &eve, &line, 2).send().await.expect_problem(404, "not_found");
    remove(&shop, &eve, &line).send().await.expect_problem(404, "not_found");
    shop.delete("/cart/").bearer(&eve.token).send().await.expect(204);

    assert_eq!(cart(&shop, &eve).await["items"], json!([]));
    assert_eq!(shop.stored().await, before);
}

#[tokio::test]
async fn a_cart_shows_prices_as_they_are_now() {
    let shop = Shop::start().await;
    let (ann, pen) = (shop.customer().await, shop.product("1", 10).await);
    shop.add(&ann, pen, 2).send().await.expect(201);

    shop.sql("UPDATE products SET price = 3.25, name = 'Pen', quantity = 1", &[]).await;

    let cart = cart(&shop, &ann).await;
    assert_eq!(cart["total"], 6.5);
    assert_eq!(cart["items"][0]["product"]["name"], "Pen");
    assert_eq!(cart["items"][0]["product"]["quantity"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cart_never_has_more_than_a_hundred_lines() {
    let shop = Shop::start().await;
    let ann = shop.customer().await;
    let mut products = Vec::new();
    for _ in 0..110 {
        products.push(shop.product("1", 10).await);
    }
    for product in &products[..90] {
        shop.add(&ann, *product, 1).send().await.expect(201);
    }

    let calls = products[90..].iter().map(|product| shop.add(&ann, *product, 1));
    let answers = all_at_once(calls).await;

    assert_eq!(tally(&answers, [201, 409]), [10, 10]);
    for answer in answers.iter().filter(|answer| answer.status == 409) {
        answer.expect_problem(409, "cart_full");
    }
    let cart = cart(&shop, &ann).await;
    let in_cart: Uuid = cart["items"][7]["product"]["id"].as_str().unwrap().parse().unwrap();
    let again = shop.add(&ann, in_cart, 1).send().await.expect(201);
    assert_eq!(again["quantity"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn additions_of_the_same_moment_add_up_in_one_line() {
    let shop = Shop::start().await;
    let (ann, pen) = (shop.customer().await, shop.product("1", 15).await);

    let answers = all_at_once((0..20).map(|_| shop.add(&ann, pen, 1))).await;

    assert_eq!(tally(&answers, [201, 409]), [15, 5]);
    let cart = cart(&shop, &ann).await;
    assert_eq!(cart["items"].as_array().unwrap().len(), 1);
    assert_eq!(cart["items"][0]["quantity"], 15);
}
