//! What must hold whatever runs at once: stock, carts, orders.

use devstack_testkit::http::Call;
use serde_json::json;

use crate::mint;
use crate::shop::{Shop, all_at_once, tally};

#[tokio::test(flavor = "multi_thread")]
async fn two_checkouts_of_one_cart_give_one_order() {
    let shop = Shop::start().await;
    let product = shop.product("1", 1000).await;

    for round in 1..=25 {
        let ann = shop.customer().await;
        shop.add(&ann, product, 2).send().await.expect(201);

        let answers = all_at_once([shop.order(&ann), shop.order(&ann)]).await;

        assert_eq!(tally(&answers, [201, 409]), [1, 1]);
        for answer in answers.iter().filter(|answer| answer.status == 409) {
            answer.expect_problem(409, "cart_empty");
        }
        assert_eq!(shop.stock(product).await, 1000 - 2 * round);
    }

    assert_eq!(shop.count("orders").await, 25);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_added_during_a_checkout_is_ordered_or_stays() {
    let shop = Shop::start().await;
    let mut products = Vec::new();
    for _ in 0..6 {
        products.push(shop.product("1", 1000).await);
    }

    for _ in 0..25 {
        let ann = shop.customer().await;
        shop.add(&ann, products[0], 1).send().await.expect(201);
        let before = products[1..3].iter().map(|product| shop.add(&ann, *product, 1));
        let after = products[2..].iter().map(|product| shop.add(&ann, *product, 1));
        let calls: Vec<Call> = before.chain([shop.order(&ann)]).chain(after).collect();

        let answers = all_at_once(calls).await;

        assert_eq!(tally(&answers, [201]), [7]);
    }

    let pieces = "SELECT (SELECT sum(quantity) FROM order_items)::bigint,
        (SELECT sum(quantity) FROM cart_items)::bigint";
    let row = shop.one(pieces, &[]).await;
    let (ordered, left): (i64, i64) = (row.get(0), row.get(1));
    assert_eq!(ordered + left, 25 * 7);
    assert!(ordered >= 25 && left > 0, "{ordered} ordered, {left} left");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_buyers_of_ten_pieces_ten_get_one() {
    let shop = Shop::start().await;
    let product = shop.product("1", 10).await;
    let mut buyers = Vec::new();
    for _ in 0..64 {
        let buyer = shop.customer().await;
        shop.add(&buyer, product, 1).send().await.expect(201);
        buyers.push(buyer);
    }

    let answers = all_at_once(buyers.iter().map(|buyer| shop.order(buyer))).await;

    assert_eq!(tally(&answers, [201, 409]), [10, 54]);
    for answer in answers.iter().filter(|answer| answer.status == 409) {
        let short = answer.expect_problem(409, "stock_short");
        assert_eq!(short["products"][0]["available"], 0);
    }
    assert_eq!(shop.stock(product).await, 0);
    assert_eq!(shop.count("orders").await, 10);
    assert_eq!(shop.count("outbox").await, 10);
    assert_eq!(shop.count("cart_items").await, 54);
}

#[tokio::test(flavor = "multi_thread")]
async fn carts_in_opposite_order_do_not_deadlock() {
    let shop = Shop::start().await;
    let mut products = Vec::new();
    for _ in 0..8 {
        products.push(shop.product("1", 1000).await);
    }
    let mut buyers = Vec::new();
    for i in 0..24 {
        let buyer = shop.customer().await;
        for j in 0..products.len() {
            let j = if i % 2 == 0 { j } else { products.len() - 1 - j };
            shop.add(&buyer, products[j], 1).send().await.expect(201);
        }
        buyers.push(buyer);
    }

    let answers = all_at_once(buyers.iter().map(|buyer| shop.order(buyer))).await;

    assert_eq!(tally(&answers, [201]), [24]);
    for product in products {
        assert_eq!(shop.stock(product).await, 976);
    }
    let find = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    let deadlocks: i64 = shop.one(find, &[]).await.get(0);
    assert_eq!(deadlocks, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_is_never_lost_whatever_else_happens_to_the_product() {
    let shop = Shop::start().await;
    let [pen, book] = [shop.product("1", 100).await, shop.product("1", 100).await];
    let mut buyers = Vec::new();
    for _ in 0..12 {
        let buyer = shop.customer().await;
        shop.add(&buyer, pen, 2).send().await.expect(201);
        shop.add(&buyer, book, 1).send().await.expect(201);
        buyers.push(buyer);
    }
    let change = |delta: i64| {
        let body = json!({ "quantity_delta": delta, "price": 2 });
        shop.patch(&format!("/products/{pen}")).bearer(mint::machine("shop:admin")).json(&body)
    };

    let orders = buyers.iter().map(|buyer| shop.order(buyer));
    let changes = (0..12).map(|_| change(5));
    let calls: Vec<Call> = orders.zip(changes).flat_map(<[Call; 2]>::from).collect();
    let answers = all_at_once(calls).await;

    assert_eq!(tally(&answers, [201, 200]), [12, 12]);
    assert_eq!(shop.stock(pen).await, 100 - 24 + 60);
    assert_eq!(shop.stock(book).await, 88);
    let wrong = "orders o WHERE total <> (
        SELECT sum(unit_price * quantity) FROM order_items WHERE order_id = o.id)";
    assert_eq!(shop.count(wrong).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_deleted_as_it_is_ordered_is_either_ordered_or_gone() {
    let shop = Shop::start().await;

    for _ in 0..20 {
        let (ann, product) = (shop.customer().await, shop.product("1", 10).await);
        shop.add(&ann, product, 1).send().await.expect(201);
        let path = format!("/products/{product}");
        let delete = shop.delete(&path).bearer(mint::machine("shop:admin"));

        let answers = all_at_once([shop.order(&ann), delete, shop.add(&ann, product, 1)]).await;

        tally(&answers, [201, 204, 404, 409]);
        let deleted = answers.iter().filter(|answer| answer.status == 204).count();
        assert_eq!(deleted, 1, "{answers:?}");
        let shown = shop.get(&path).send().await;
        shown.expect_problem(404, "not_found");
    }

    let lost = "order_items i WHERE NOT EXISTS (SELECT FROM products WHERE id = i.product_id)";
    assert_eq!(shop.count(lost).await, 0);
}
