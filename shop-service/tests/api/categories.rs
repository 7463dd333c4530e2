//! `/products/category`.

use devstack_testkit::http::Call;
use serde_json::json;
use uuid::Uuid;

use crate::calls::order;
use crate::mint;
use crate::shop::{Shop, all_at_once, tally};

fn create(shop: &Shop, name: &str) -> Call {
    let robot = mint::machine("shop:admin");
    shop.post("/products/category").bearer(robot).json(&json!({ "name": name }))
}

fn delete(shop: &Shop, id: impl std::fmt::Display) -> Call {
    shop.delete(&format!("/products/category/{id}")).bearer(mint::machine("shop:admin"))
}

#[tokio::test]
async fn a_new_category_is_shown_and_listed_the_oldest_first() {
    let shop = Shop::start().await;

    let books = create(&shop, " Books & \"more\"").send().await.expect(201);
    let paper = create(&shop, "Paper").send().await.expect(201);

    let id = books["id"].as_str().unwrap();
    assert_eq!(books, json!({ "id": id, "name": " Books & \"more\"" }));
    let shown = shop.get(&format!("/products/category/{id}")).send().await.expect(200);
    assert_eq!(shown, books);
    let list = shop.get("/products/category").send().await.expect(200);
    assert_eq!(list, json!([books, paper]));
}

#[tokio::test]
async fn a_second_of_the_same_name_is_refused_in_any_case() {
    let shop = Shop::start().await;
    create(&shop, "Éclairs").send().await.expect(201);

    for name in ["Éclairs", "ÉCLAIRS", "éclairs"] {
        create(&shop, name).send().await.expect_problem(409, "category_exists");
    }

    assert_eq!(shop.count("categories").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_of_one_name_at_once_one_is_created() {
    let shop = Shop::start().await;

    let answers = all_at_once((0..20).map(|_| create(&shop, "Books"))).await;

    assert_eq!(tally(&answers, [201, 409]), [1, 19]);
}

#[tokio::test]
async fn a_name_has_two_to_fifty_characters() {
    let shop = Shop::start().await;

    for name in ["éé".to_owned(), "é".repeat(50)] {
        create(&shop, &name).send().await.expect(201);
    }
    for name in [String::new(), "é".to_owned(), "é".repeat(51)] {
        create(&shop, &name).send().await.expect_invalid(&["name"]);
    }
}

#[tokio::test]
async fn an_empty_category_is_deleted_once() {
    let shop = Shop::start().await;
    let id = shop.category().await;

    delete(&shop, id).send().await.expect(204);

    delete(&shop, id).send().await.expect_problem(404, "not_found");
    let shown = shop.get(&format!("/products/category/{id}")).send().await;
    shown.expect_problem(404, "not_found");
}

#[tokio::test]
async fn one_that_has_products_stays_even_if_none_of_them_is_on_sale() {
    let shop = Shop::start().await;
    let on_sale = shop.product("1.50", 1).await;
    order(&shop, None).await;
    let hide = "UPDATE products SET hidden = true WHERE id <> $1";
    shop.sql(hide, &[&on_sale]).await;

    for row in shop.sql("SELECT id FROM categories", &[]).await {
        let id: Uuid = row.get("id");
        delete(&shop, id).send().await.expect_problem(409, "category_in_use");
    }

    assert_eq!(shop.count("categories").await, 2);
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let shop = Shop::start().await;

    for id in [Uuid::now_v7().to_string(), "7".to_owned(), "%00".to_owned()] {
        let shown = shop.get(&format!("/products/category/{id}")).send().await;
        shown.expect_problem(404, "not_found");
        delete(&shop, id).send().await.expect_problem(404, "not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_created_as_its_category_is_deleted_is_refused_or_keeps_it() {
    let shop = Shop::start().await;

    for _ in 0..20 {
        let category = shop.category().await;
        let product = json!({
            "name": "Pen", "quantity": 1, "description": "", "price": 1, "category_id": category,
        });
        let product = shop.post("/products/").bearer(mint::machine("shop:admin")).json(&product);

        let answers = all_at_once([product, delete(&shop, category)]).await;

        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert!([vec![201, 409], vec![204, 422]].contains(&statuses), "{answers:?}");
    }
}
