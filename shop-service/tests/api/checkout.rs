//! `POST /orders/`: from the cart to an order.

use serde_json::json;

use crate::mint;
use crate::shop::Shop;

#[tokio::test]
async fn an_order_takes_what_is_in_the_cart_out_of_the_stock() {
    let shop = Shop::start().await;
    let ann = shop.customer().await;
    let [pen, book] = [shop.product("0.99", 10).await, shop.product("12.50", 10).await];
    shop.add(&ann, book, 2).send().await.expect(201);
    shop.add(&ann, pen, 10).send().await.expect(201);
    assert_eq!(shop.stock(pen).await, 10);

    let order = shop.order(&ann).send().await.expect(201);

    let expected = json!({
        "id": order["id"], "status": "PROCESSING", "total": 34.9,
        "shipping_address": "1 Main Street", "placed_at": order["placed_at"],
        "items": [
            { "product_id": pen, "name": "Notebook", "unit_price": 0.99, "quantity": 10 },
            { "product_id": book, "name": "Notebook", "unit_price": 12.5, "quantity": 2 },
        ],
        "history": [],
    });
    assert_eq!(order, expected);
    assert!(order["placed_at"].as_str().unwrap().ends_with('Z'), "{order}");
    assert_eq!((shop.stock(pen).await, shop.stock(book).await), (0, 8));
    let cart = shop.get("/cart/").bearer(&ann.token).send().await.expect(200);
    assert_eq!(cart, json!({ "items": [], "total": 0 }));
}

#[tokio::test]
async fn an_empty_cart_is_no_order() {
    let shop = Shop::start().await;
    let (ann, pen) = (shop.customer().await, shop.product("1", 10).await);

    shop.order(&ann).send().await.expect_problem(409, "cart_empty");
    shop.add(&ann, pen, 1).send().await.expect(201);
    shop.order(&ann).send().await.expect(201);
    shop.order(&ann).send().await.expect_problem(409, "cart_empty");

    assert_eq!(shop.count("orders").await, 1);
}

#[tokio::test]
async fn short_stock_names_each_product_and_changes_nothing() {
    let shop = Shop::start().await;
    let ann = shop.customer().await;
    let mut products = Vec::new();
    for _ in 0..3 {
        let product = shop.product("1", 10).await;
        shop.add(&ann, product, 5).send().await.expect(201);
        products.push(product);
    }
    let sell = "UPDATE products SET quantity = 4, name = 'Pen' WHERE id <> $1";
    shop.sql(sell, &[&products[1]]).await;
    let before = shop.stored().await;

    let short = shop.order(&ann).send().await.expect_problem(409, "stock_short");

    let expected = [products[0], products[2]]
        .map(|id| json!({ "product_id": id, "name": "Pen", "requested": 5, "available": 4 }));
    assert_eq!(short["products"], json!(expected));
    assert_eq!(shop.stored().await, before);
}

#[tokio::test]
async fn an_order_keeps_price_and_name_of_its_moment() {
    let shop = Shop::start().await;
    let (ann, pen) = (shop.customer().await, shop.product("1.50", 10).await);
    shop.add(&ann, pen, 2).send().await.expect(201);
    let order = shop.order(&ann).send().await.expect(201);

    let change = json!({ "name": "Golden pen", "price": 99.99 });
    let path = format!("/products/{pen}");
    let changed = shop.patch(&path).bearer(mint::machine("shop:admin")).json(&change).send();
    changed.await.expect(200);

    let path = format!("/orders/{}", order["id"].as_str().unwrap());
    let shown = shop.get(&path).bearer(&ann.token).send().await.expect(200);
    assert_eq!(shown, order);
}

#[tokio::test]
async fn an_order_costs_what_the_products_cost_at_its_moment() {
    let shop = Shop::start().await;
    let (ann, pen) = (shop.customer().await, shop.product("1.50", 10).await);
    shop.add(&ann, pen, 2).send().await.expect(201);

    shop.sql("UPDATE products SET price = 2.25, name = 'Pen'", &[]).await;
    let order = shop.order(&ann).send().await.expect(201);

    assert_eq!(order["total"], 4.5);
    assert_eq!(order["items"][0]["unit_price"], 2.25);
    assert_eq!(order["items"][0]["name"], "Pen");
}

#[tokio::test]
async fn an_address_has_1_to_1000_characters_and_is_kept_as_sent() {
    let shop = Shop::start().await;
    let (ann, pen) = (shop.customer().await, shop.product("1", 10).await);
    let order = |address: &str| {
        let body = json!({ "shipping_address": address });
        shop.post("/orders/").bearer(&ann.token).json(&body).send()
    };

    for wrong in [String::new(), "é".repeat(1001)] {
        order(&wrong).await.expect_invalid(&["shipping_address"]);
    }
    for address in [" ".to_owned(), "é".repeat(1000), "1 Main St\r\n\t'; --🦀".to_owned()] {
        shop.add(&ann, pen, 1).send().await.expect(201);
        assert_eq!(order(&address).await.expect(201)["shipping_address"], json!(address));
    }
}
