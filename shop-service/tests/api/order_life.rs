//! An order's life: `PATCH /orders/{id}`, `POST /orders/{id}/cancel`, and its history.

#![expect(clippy::unwrap_used, reason = "a test says by panicking what it missed")]

use devstack_testkit::Answer;
use devstack_testkit::http::Call;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::calls::order as ordered;
use crate::mint;
use crate::shop::{Person, Shop, all_at_once, tally};

const ADMIN: &str = "shop:admin";

fn move_to(shop: &Shop, order: impl std::fmt::Display, status: &str) -> Call {
    let path = format!("/orders/{order}");
    shop.patch(&path).bearer(mint::machine(ADMIN)).json(&json!({ "status": status }))
}

fn cancel(shop: &Shop, order: impl std::fmt::Display, token: &str) -> Call {
    shop.post(&format!("/orders/{order}/cancel")).bearer(token)
}

/// Somebody's order of this many of a product.
async fn place(shop: &Shop, person: &Person, product: Uuid, quantity: i64) -> Uuid {
    shop.add(person, product, quantity).send().await.expect(201);
    id(&shop.order(person).send().await.expect(201))
}

fn id(order: &Value) -> Uuid {
    order["id"].as_str().unwrap().parse().unwrap()
}

async fn show(shop: &Shop, person: &Person, order: Uuid) -> Value {
    shop.get(&format!("/orders/{order}")).bearer(&person.token).send().await.expect(200)
}

/// The changes of an order, as `FROM>TO`.
fn changes(order: &Value) -> Vec<String> {
    let change = |change: &Value| {
        format!("{}>{}", change["from"].as_str().unwrap(), change["to"].as_str().unwrap())
    };
    order["history"].as_array().unwrap().iter().map(change).collect()
}

#[track_caller]
fn expect_wrong_status(answer: &Answer, is: &str) {
    let problem = answer.expect_problem(409, "wrong_status");
    assert!(problem["detail"].as_str().unwrap().contains(&format!("is {is};")), "{problem}");
}

#[tokio::test]
async fn an_order_is_shipped_and_delivered_and_says_who_did_it_when() {
    let shop = Shop::start().await;
    let (ann, admin) = (shop.customer().await, shop.admin().await);
    let order = ordered(&shop, Some(ann.id)).await;

    let path = format!("/orders/{order}");
    let ship = shop.patch(&path).bearer(&admin.token).json(&json!({ "status": "SHIPPED" }));
    let shipped = ship.send().await.expect(200);
    let delivered = move_to(&shop, order, "DELIVERED").send().await.expect(200);

    assert_eq!(shipped["status"], "SHIPPED");
    assert_eq!(delivered["status"], "DELIVERED");
    assert_eq!(show(&shop, &ann, order).await, delivered);
    let at = |place: usize| delivered["history"][place]["at"].clone();
    let expected = json!([
        { "from": "PROCESSING", "to": "SHIPPED", "at": at(0), "by": admin.id },
        { "from": "SHIPPED", "to": "DELIVERED", "at": at(1), "by": "stock-robot" },
    ]);
    assert_eq!(delivered["history"], expected);
    assert_eq!(shipped["history"], json!([expected[0]]));
    assert!(at(0).as_str().unwrap() < at(1).as_str().unwrap(), "{delivered}");
    assert!(at(0).as_str().unwrap().ends_with('Z'), "{delivered}");
}

#[tokio::test]
async fn an_order_moves_along_and_nowhere_else() {
    let shop = Shop::start().await;
    let ann = shop.customer().await;
    let way = ["PROCESSING", "SHIPPED", "DELIVERED"];

    for (place, is) in way.into_iter().enumerate() {
        let order = ordered(&shop, Some(ann.id)).await;
        for status in &way[1..=place] {
            move_to(&shop, order, status).send().await.expect(200);
        }
        let before = shop.stored().await;
        for wanted in ["PROCESSING", "SHIPPED", "DELIVERED", "CANCELLED"] {
            if way.get(place + 1) != Some(&wanted) {
                expect_wrong_status(&move_to(&shop, order, wanted).send().await, is);
            }
        }
        assert_eq!(shop.stored().await, before);
    }
}

#[tokio::test]
async fn a_status_is_one_of_four_words() {
    let shop = Shop::start().await;
    let order = ordered(&shop, None).await;

    for wrong in [json!("LOST"), json!("shipped"), json!(null), json!(2), json!("")] {
        let call = shop.patch(&format!("/orders/{order}")).bearer(mint::machine(ADMIN));
        call.json(&json!({ "status": wrong })).send().await.expect_invalid(&["status"]);
    }
    for nowhere in [Uuid::now_v7().to_string(), "7".to_owned()] {
        for status in ["SHIPPED", "CANCELLED"] {
            move_to(&shop, &nowhere, status).send().await.expect_problem(404, "not_found");
        }
        let cancelled = cancel(&shop, &nowhere, &mint::machine(ADMIN)).send().await;
        cancelled.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn a_cancelled_order_gives_its_stock_back() {
    let shop = Shop::start().await;
    let ann = shop.customer().await;
    let [pen, book] = [shop.product("1", 10).await, shop.product("2", 10).await];
    shop.add(&ann, book, 3).send().await.expect(201);
    let order = place(&shop, &ann, pen, 10).await;
    assert_eq!((shop.stock(pen).await, shop.stock(book).await), (0, 7));

    let cancelled = cancel(&shop, order, &ann.token).send().await.expect(200);

    assert_eq!(cancelled["status"], "CANCELLED");
    assert_eq!(changes(&cancelled), ["PROCESSING>CANCELLED"]);
    assert_eq!(cancelled["history"][0]["by"], json!(ann.id));
    assert_eq!(show(&shop, &ann, order).await, cancelled);
    assert_eq!((shop.stock(pen).await, shop.stock(book).await), (10, 10));
    expect_wrong_status(&cancel(&shop, order, &ann.token).send().await, "CANCELLED");
    expect_wrong_status(&move_to(&shop, order, "SHIPPED").send().await, "CANCELLED");
    assert_eq!(shop.stock(pen).await, 10);
}

#[tokio::test]
async fn what_was_sent_cannot_be_cancelled() {
    let shop = Shop::start().await;
    let (ann, pen) = (shop.customer().await, shop.product("1", 10).await);
    let order = place(&shop, &ann, pen, 4).await;

    for status in ["SHIPPED", "DELIVERED"] {
        move_to(&shop, order, status).send().await.expect(200);
        expect_wrong_status(&cancel(&shop, order, &ann.token).send().await, status);
    }

    assert_eq!(shop.stock(pen).await, 6);
    assert_eq!(changes(&show(&shop, &ann, order).await).len(), 2);
}

#[tokio::test]
async fn nobody_cancels_anothers_order() {
    let shop = Shop::start().await;
    let [ann, eve] = [shop.customer().await, shop.customer().await];
    let order = place(&shop, &ann, shop.product("1", 10).await, 4).await;
    let before = shop.stored().await;

    cancel(&shop, order, &eve.token).send().await.expect_problem(404, "not_found");

    assert_eq!(shop.stored().await, before);
}

#[tokio::test]
async fn what_comes_back_may_be_more_than_an_admin_may_set() {
    let shop = Shop::start().await;
    let (ann, pen) = (shop.customer().await, shop.product("1", 10).await);
    let order = place(&shop, &ann, pen, 10).await;
    let change = |body: Value| {
        shop.patch(&format!("/products/{pen}")).bearer(mint::machine(ADMIN)).json(&body).send()
    };
    change(json!({ "quantity": 1_000_000_000 })).await.expect(200);

    cancel(&shop, order, &ann.token).send().await.expect(200);

    assert_eq!(shop.stock(pen).await, 1_000_000_010);
    change(json!({ "quantity_delta": 1 })).await.expect_invalid(&["quantity_delta"]);
    assert_eq!(shop.stock(pen).await, 1_000_000_010);
    change(json!({ "quantity_delta": -1 })).await.expect(200);
    change(json!({ "name": "Pen" })).await.expect(200);
    assert_eq!(shop.stock(pen).await, 1_000_000_009);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_cancelled_from_ten_tasks_is_restocked_once() {
    let shop = Shop::start().await;
    let (ann, pen) = (shop.customer().await, shop.product("1", 10).await);

    for _ in 0..5 {
        let order = place(&shop, &ann, pen, 4).await;

        let answers = all_at_once((0..10).map(|_| cancel(&shop, order, &ann.token))).await;

        assert_eq!(tally(&answers, [200, 409]), [1, 9]);
        assert_eq!(shop.stock(pen).await, 10);
        assert_eq!(changes(&show(&shop, &ann, order).await), ["PROCESSING>CANCELLED"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_either_cancelled_or_shipped() {
    let shop = Shop::start().await;
    let (ann, pen) = (shop.customer().await, shop.product("1", 100).await);

    let mut left = 100;
    for _ in 0..20 {
        let order = place(&shop, &ann, pen, 2).await;

        let calls = [cancel(&shop, order, &ann.token), move_to(&shop, order, "SHIPPED")];
        let answers = all_at_once(calls).await;

        assert_eq!(tally(&answers, [200, 409]), [1, 1]);
        let now = show(&shop, &ann, order).await;
        left -= if now["status"] == "SHIPPED" { 2 } else { 0 };
        assert_eq!(changes(&now).len(), 1);
        assert_eq!(shop.stock(pen).await, left);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_and_ordering_the_same_products_do_not_deadlock_and_lose_nothing() {
    let shop = Shop::start().await;
    let mut products = Vec::new();
    for _ in 0..6 {
        products.push(shop.product("1", 1000).await);
    }
    let (mut cancels, mut orders) = (Vec::new(), Vec::new());
    for turn in 0..24 {
        let buyer = shop.customer().await;
        for place in 0..products.len() {
            let place = if turn % 2 == 0 { place } else { products.len() - 1 - place };
            shop.add(&buyer, products[place], 1).send().await.expect(201);
        }
        if turn % 4 < 2 {
            let order = id(&shop.order(&buyer).send().await.expect(201));
            cancels.push(cancel(&shop, order, &buyer.token));
        } else {
            orders.push(shop.order(&buyer));
        }
    }

    let calls: Vec<Call> = cancels.into_iter().zip(orders).flat_map(<[Call; 2]>::from).collect();
    let answers = all_at_once(calls).await;

    assert_eq!(tally(&answers, [200, 201]), [12, 12]);
    for product in products {
        assert_eq!(shop.stock(product).await, 988);
    }
    let find = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(shop.one(find, &[]).await.get::<_, i64>(0), 0);
}

#[tokio::test]
async fn the_history_keeps_nobody_who_is_gone() {
    let shop = Shop::start().await;
    let [ann, bob] = [shop.customer().await, shop.customer().await];
    let admin = shop.admin().await;
    let mut orders = Vec::new();
    for person in [&ann, &bob] {
        let order = place(&shop, person, shop.product("1", 10).await, 1).await;
        cancel(&shop, order, &person.token).send().await.expect(200);
        orders.push(order);
    }

    shop.delete(&format!("/user/{}", ann.id)).bearer(&ann.token).send().await.expect(204);

    assert_eq!(show(&shop, &admin, orders[0]).await["history"][0]["by"], Value::Null);
    assert_eq!(show(&shop, &admin, orders[1]).await["history"][0]["by"], json!(bob.id));
}
