//! `/products`.

use devstack_testkit::http::Call;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::calls::order;
use crate::mint;
use crate::shop::{Shop, all_at_once, tally};

fn create(shop: &Shop, product: &Value) -> Call {
    shop.post("/products/").bearer(mint::machine("shop:admin")).json(product)
}

fn change(shop: &Shop, id: Uuid, change: &Value) -> Call {
    shop.patch(&format!("/products/{id}")).bearer(mint::machine("shop:admin")).json(change)
}

fn delete(shop: &Shop, id: Uuid) -> Call {
    shop.delete(&format!("/products/{id}")).bearer(mint::machine("shop:admin"))
}

async fn show(shop: &Shop, id: Uuid) -> Value {
    shop.get(&format!("/products/{id}")).send().await.expect(200)
}

#[tokio::test]
async fn a_new_product_is_shown_and_listed_with_its_category() {
    let shop = Shop::start().await;
    let category = shop.category().await;
    let name = format!("Category {}", category.simple());

    let product = create(
        &shop,
        &json!({
            "name": "Pen", "quantity": 12, "description": "Blue\n'ink'", "price": 1.25,
            "category_id": category, "id": Uuid::now_v7(), "hidden": true,
        }),
    );
    let product = product.send().await.expect(201);

    let expected = json!({
        "id": product["id"], "name": "Pen", "quantity": 12, "description": "Blue\n'ink'",
        "price": 1.25, "category": { "id": category, "name": name },
    });
    assert_eq!(product, expected);
    let id = product["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(show(&shop, id).await, product);
    assert_eq!(shop.get("/products/").send().await.expect(200), json!([product]));
}

#[tokio::test]
async fn a_list_is_narrowed_to_a_category_and_has_the_oldest_first() {
    let shop = Shop::start().await;
    let [a, b, c] = [(); 3].map(|()| shop.product("1", 1));
    let (a, b, c) = (a.await, b.await, c.await);
    let category = "SELECT category_id FROM products WHERE id = $1";
    let category: Uuid = shop.one(category, &[&a]).await.get(0);
    change(&shop, c, &json!({ "category_id": category })).send().await.expect(200);

    let ids = async |query: &str| -> Vec<Uuid> {
        let list = shop.get(&format!("/products/{query}")).send().await.expect(200);
        let id = |product: &Value| product["id"].as_str().unwrap().parse().unwrap();
        list.as_array().unwrap().iter().map(id).collect()
    };

    assert_eq!(ids("").await, [a, b, c]);
    assert_eq!(ids(&format!("?category_id={category}")).await, [a, c]);
    assert!(ids(&format!("?category_id={}", Uuid::now_v7())).await.is_empty());
    let wrong = shop.get("/products/?category_id=books").send().await;
    wrong.expect_problem(400, "invalid_request");
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once() {
    let shop = Shop::start().await;
    let fields = ["name", "quantity", "description", "price", "category_id"];

    let nothing = create(&shop, &json!({})).send().await;
    let wrong = json!({
        "name": "", "quantity": -1, "description": "x".repeat(10_001), "price": -1,
        "category_id": "books",
    });
    let wrong_when_created = create(&shop, &wrong).send().await;
    let wrong_when_changed = change(&shop, Uuid::now_v7(), &wrong).send().await;

    nothing.expect_invalid(&fields);
    wrong_when_created.expect_invalid(&fields);
    wrong_when_changed.expect_invalid(&fields);
    assert_eq!(shop.count("products").await, 0);
}

#[tokio::test]
async fn texts_and_quantities_may_be_as_large_as_promised() {
    let shop = Shop::start().await;
    let product = json!({
        "name": "é".repeat(200), "quantity": 1_000_000_000, "description": "é".repeat(10_000),
        "price": 0, "category_id": shop.category().await,
    });

    create(&shop, &product).send().await.expect(201);

    for (field, value) in [("name", json!("é".repeat(201))), ("quantity", json!(1_000_000_001))] {
        let mut product = product.clone();
        product[field] = value;
        create(&shop, &product).send().await.expect_invalid(&[field]);
    }
}

#[tokio::test]
async fn a_product_needs_a_category_that_exists() {
    let shop = Shop::start().await;
    let id = shop.product("1", 1).await;
    let before = shop.stored().await;

    let product = json!({
        "name": "Pen", "quantity": 1, "description": "", "price": 1,
        "category_id": Uuid::now_v7(),
    });
    let created = create(&shop, &product).send().await;
    let changed = change(&shop, id, &json!({ "category_id": Uuid::now_v7() })).send().await;

    created.expect_invalid(&["category_id"]);
    changed.expect_invalid(&["category_id"]);
    assert_eq!(shop.stored().await, before);
}

#[tokio::test]
async fn each_field_is_changed_alone_and_what_is_left_out_stays() {
    let shop = Shop::start().await;
    let (id, category) = (shop.product("1.50", 10).await, shop.category().await);
    let mut expected = show(&shop, id).await;

    for (field, value) in [
        ("name", json!("Pencil")),
        ("quantity", json!(0)),
        ("description", json!("")),
        ("price", json!(0.99)),
    ] {
        expected[field] = value.clone();
        let changed = change(&shop, id, &json!({ field: value })).send().await.expect(200);
        assert_eq!(changed, expected);
    }
    let moved = json!({ "category_id": category, "quantity_delta": 3, "name": null });
    let moved = change(&shop, id, &moved).send().await.expect(200);

    expected["quantity"] = json!(3);
    expected["category"] =
        json!({ "id": category, "name": format!("Category {}", category.simple()) });
    assert_eq!(moved, expected);
    assert_eq!(change(&shop, id, &json!({})).send().await.expect(200), expected);
    assert_eq!(show(&shop, id).await, expected);
}

#[tokio::test]
async fn a_quantity_stays_within_its_bounds() {
    let shop = Shop::start().await;
    let id = shop.product("1", 10).await;

    let both = json!({ "quantity": 1, "quantity_delta": 1 });
    change(&shop, id, &both).send().await.expect_invalid(&["quantity_delta"]);
    for delta in [-11, 999_999_991, 1_000_000_001, i64::MIN, i64::MAX] {
        let change = change(&shop, id, &json!({ "quantity_delta": delta })).send().await;
        change.expect_invalid(&["quantity_delta"]);
    }

    assert_eq!(shop.stock(id).await, 10);
    change(&shop, id, &json!({ "quantity_delta": -10 })).send().await.expect(200);
    assert_eq!(shop.stock(id).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn deltas_of_the_same_moment_add_up() {
    let shop = Shop::start().await;
    let id = shop.product("1", 10).await;

    let calls = (0..20).map(|_| change(&shop, id, &json!({ "quantity_delta": 3 })));
    let answers = all_at_once(calls).await;

    assert_eq!(tally(&answers, [200]), [20]);
    assert_eq!(shop.stock(id).await, 70);
}

#[tokio::test]
async fn one_that_was_never_ordered_is_deleted_and_leaves_the_carts() {
    let shop = Shop::start().await;
    let (ann, id) = (shop.customer().await, shop.product("1", 10).await);
    shop.add(&ann, id, 2).send().await.expect(201);

    delete(&shop, id).send().await.expect(204);

    let cart = shop.get("/cart/").bearer(&ann.token).send().await.expect(200);
    assert_eq!(cart, json!({ "items": [], "total": 0 }));
    assert_eq!(shop.count("products").await, 0);
    delete(&shop, id).send().await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn one_that_was_ordered_is_hidden_and_its_orders_keep_it() {
    let shop = Shop::start().await;
    let [ann, bob] = [shop.customer().await, shop.customer().await];
    let past = order(&shop, Some(ann.id)).await;
    let id: Uuid = shop.one("SELECT id FROM products", &[]).await.get(0);
    shop.add(&bob, id, 2).send().await.expect(201);

    delete(&shop, id).send().await.expect(204);

    assert_eq!(shop.get("/products/").send().await.expect(200), json!([]));
    let shown = shop.get(&format!("/products/{id}")).send().await;
    shown.expect_problem(404, "not_found");
    change(&shop, id, &json!({ "name": "Pen" })).send().await.expect_problem(404, "not_found");
    delete(&shop, id).send().await.expect_problem(404, "not_found");
    shop.add(&ann, id, 1).send().await.expect_problem(404, "not_found");
    let past = shop.get(&format!("/orders/{past}")).bearer(&ann.token).send().await.expect(200);
    assert_eq!(past["items"][0]["product_id"], json!(id));
    let cart = shop.get("/cart/").bearer(&bob.token).send().await.expect(200);
    assert_eq!(cart["items"][0]["product"]["quantity"], 0);
    let short = shop.order(&bob).send().await.expect_problem(409, "stock_short");
    let expected =
        json!([{ "product_id": id, "name": "Notebook", "requested": 2, "available": 0 }]);
    assert_eq!(short["products"], expected);
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let shop = Shop::start().await;

    for id in [Uuid::now_v7().to_string(), "7".to_owned(), "me".to_owned()] {
        let path = format!("/products/{id}");
        let robot = mint::machine("shop:admin");
        shop.get(&path).send().await.expect_problem(404, "not_found");
        let changed = shop.patch(&path).bearer(&robot).json(&json!({ "name": "Pen" })).send();
        changed.await.expect_problem(404, "not_found");
        let deleted = shop.delete(&path).bearer(&robot).send().await;
        deleted.expect_problem(404, "not_found");
    }
}
