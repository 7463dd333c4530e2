//! `Idempotency-Key` at `POST /orders/`: a request that is sent again gives the same order.

use devstack_testkit::Answer;
use devstack_testkit::http::Call;
use serde_json::{Value, json};

use crate::mint;
use crate::shop::{Person, Replica, Shop, all_at_once};

const REPLAYED: &str = "idempotency-replayed";

/// A checkout under a key.
fn order(shop: &Replica, person: &Person, key: &str) -> Call {
    shop.order(person).header("Idempotency-Key", key)
}

/// Somebody with something in the cart.
async fn buyer(shop: &Shop) -> Person {
    let ann = shop.customer().await;
    fill_cart(shop, &ann).await;
    ann
}

async fn fill_cart(shop: &Shop, person: &Person) {
    let product = shop.product("1.50", 10).await;
    shop.add(person, product, 2).send().await.expect(201);
}

/// That it is the first answer once more.
#[track_caller]
fn expect_replay(answer: &Answer, first: &Answer) {
    assert_eq!(answer.expect(201), first.expect(201));
    assert_eq!(answer.body, first.body);
    assert_eq!(answer.header(REPLAYED), Some("true"));
}

#[tokio::test]
async fn the_same_key_again_gives_the_same_order() {
    let shop = Shop::start().await;
    let ann = buyer(&shop).await;

    let first = order(&shop, &ann, "k-1").send().await;
    let again = order(&shop, &ann, "k-1").send().await;
    fill_cart(&shop, &ann).await;
    let with_a_new_cart = order(&shop, &ann, "k-1").send().await;

    first.expect(201);
    assert_eq!(first.header(REPLAYED), None);
    expect_replay(&again, &first);
    expect_replay(&with_a_new_cart, &first);
    assert_eq!(shop.count("orders").await, 1);
    assert_eq!(shop.count("outbox").await, 1);
    assert_eq!(shop.count("cart_items").await, 1);
}

#[tokio::test]
async fn another_key_or_none_is_another_order() {
    let shop = Shop::start().await;
    let ann = buyer(&shop).await;

    let mut ids = vec![order(&shop, &ann, "k-1").send().await.expect(201)["id"].clone()];
    for call in [order(&shop, &ann, "k-2"), shop.order(&ann)] {
        fill_cart(&shop, &ann).await;
        let answer = call.send().await;
        ids.push(answer.expect(201)["id"].clone());
        assert_eq!(answer.header(REPLAYED), None);
    }

    assert_eq!(shop.count("orders").await, 3);
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
}

#[tokio::test]
async fn a_key_belongs_to_its_user() {
    let shop = Shop::start().await;
    let [ann, bob] = [buyer(&shop).await, buyer(&shop).await];

    let first = order(&shop, &ann, "k-1").send().await.expect(201);
    let second = order(&shop, &bob, "k-1").send().await;

    assert_ne!(second.expect(201)["id"], first["id"]);
    assert_eq!(second.header(REPLAYED), None);
}

#[tokio::test]
async fn a_key_with_another_body_is_refused_and_the_order_stands() {
    let shop = Shop::start().await;
    let ann = buyer(&shop).await;
    let first = order(&shop, &ann, "k-1").send().await;
    fill_cart(&shop, &ann).await;
    let before = shop.stored().await;

    let other = json!({ "shipping_address": "2 Main Street" });
    let refused = shop.post("/orders/").bearer(&ann.token).header("Idempotency-Key", "k-1");
    refused.json(&other).send().await.expect_problem(422, "idempotency_key_reused");

    assert_eq!(shop.stored().await, before);
    expect_replay(&order(&shop, &ann, "k-1").send().await, &first);
}

#[tokio::test]
async fn the_body_counts_as_it_was_understood_not_as_it_was_written() {
    let shop = Shop::start().await;
    let ann = buyer(&shop).await;
    let first = order(&shop, &ann, "k-1").send().await;

    let same = r#" {"unknown": [1], "shipping_address" : "\u0031 Main Street"} "#;
    let call = shop.post("/orders/").bearer(&ann.token).header("Idempotency-Key", "k-1");
    let again = call.body("application/json", same).send().await;

    expect_replay(&again, &first);
}

#[tokio::test]
async fn only_what_succeeded_is_kept() {
    let shop = Shop::start().await;
    let ann = shop.customer().await;

    order(&shop, &ann, "k-1").send().await.expect_problem(409, "cart_empty");
    let product = shop.product("1.50", 10).await;
    shop.add(&ann, product, 10).send().await.expect(201);
    shop.sql("UPDATE products SET quantity = 9", &[]).await;
    order(&shop, &ann, "k-1").send().await.expect_problem(409, "stock_short");
    assert_eq!(shop.count("idempotency_keys").await, 0);
    shop.sql("UPDATE products SET quantity = 10", &[]).await;
    let placed = order(&shop, &ann, "k-1").send().await;

    placed.expect(201);
    assert_eq!(placed.header(REPLAYED), None);
}

#[tokio::test]
async fn a_key_is_1_to_255_visible_ascii_characters_sent_once() {
    let shop = Shop::start().await;
    let ann = buyer(&shop).await;

    for wrong in ["", "a b", "caf\u{e9}", &"x".repeat(256)] {
        order(&shop, &ann, wrong).send().await.expect_invalid(&["idempotency-key"]);
    }
    let twice = order(&shop, &ann, "k-1").header("Idempotency-Key", "k-2").send().await;
    twice.expect_invalid(&["idempotency-key"]);
    assert_eq!(shop.count("orders").await, 0);
    order(&shop, &ann, &"~".repeat(255)).send().await.expect(201);
}

#[tokio::test]
async fn whatever_became_of_the_order_the_answer_is_that_of_its_moment() {
    let shop = Shop::start().await;
    let ann = buyer(&shop).await;
    let first = order(&shop, &ann, "k-1").send().await;

    let path = format!("/orders/{}", first.json()["id"].as_str().unwrap());
    let ship = shop.patch(&path).bearer(mint::machine("shop:admin"));
    ship.json(&json!({ "status": "SHIPPED" })).send().await.expect(200);

    expect_replay(&order(&shop, &ann, "k-1").send().await, &first);
}

#[tokio::test]
async fn after_24_hours_a_key_is_new() {
    let shop = Shop::start().await;
    let ann = buyer(&shop).await;
    let first = order(&shop, &ann, "k-1").send().await;
    let age = async |hours: f64| {
        let age = "UPDATE idempotency_keys
            SET created_at = clock_timestamp() - make_interval(secs => 3600 * $1::float8)";
        shop.sql(age, &[&hours]).await;
        fill_cart(&shop, &ann).await;
        order(&shop, &ann, "k-1").send().await
    };

    expect_replay(&age(23.9).await, &first);
    let second = age(24.1).await;

    assert_ne!(second.expect(201)["id"], first.json()["id"]);
    assert_eq!(second.header(REPLAYED), None);
    expect_replay(&order(&shop, &ann, "k-1").send().await, &second);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_from_20_tasks_is_one_order_that_all_of_them_get() {
    let shop = Shop::start().await;

    for round in 1..=5 {
        let ann = buyer(&shop).await;

        let answers = all_at_once((0..20).map(|_| order(&shop, &ann, "k-1"))).await;

        let bodies: Vec<Value> = answers.iter().map(|answer| answer.expect(201)).collect();
        assert!(bodies.iter().all(|body| *body == bodies[0]));
        let new = answers.iter().filter(|answer| answer.header(REPLAYED).is_none()).count();
        assert_eq!(new, 1);
        assert_eq!(shop.count("orders").await, round);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_waits_for_the_first_request_on_another_replica() {
    let shop = Shop::start().await;
    let other = shop.another().await;
    let ann = buyer(&shop).await;
    // The first request stops at the product, with its place in the queue.
    shop.db.batch_execute("BEGIN; SELECT FROM products FOR UPDATE").await.unwrap();
    let first = tokio::spawn(order(&shop, &ann, "k-1").send());
    shop.until_waiting(1).await;
    let second = tokio::spawn(order(&other, &ann, "k-1").send());
    shop.until_waiting(2).await;

    shop.db.batch_execute("COMMIT").await.unwrap();

    let first = first.await.unwrap();
    assert_eq!(first.header(REPLAYED), None);
    expect_replay(&second.await.unwrap(), &first);
}
