//! `GET /orders/`: what was ordered.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::calls::order;
use crate::shop::{Person, Shop};

async fn ids(shop: &Shop, path: &str, person: &Person) -> Vec<Value> {
    let list = shop.get(path).bearer(&person.token).send().await.expect(200);
    list.as_array().into_iter().flatten().map(|order| order["id"].clone()).collect()
}

#[tokio::test]
async fn one_sees_the_own_orders_the_newest_first() {
    let shop = Shop::start().await;
    let [ann, bob] = [shop.customer().await, shop.customer().await];
    let first = order(&shop, Some(ann.id)).await;
    order(&shop, Some(bob.id)).await;
    let second = order(&shop, Some(ann.id)).await;

    assert_eq!(ids(&shop, "/orders/", &ann).await, [json!(second), json!(first)]);
    assert_eq!(ids(&shop, "/orders/?all=false", &ann).await.len(), 2);
}

#[tokio::test]
async fn the_list_and_the_single_order_show_the_same() {
    let shop = Shop::start().await;
    let ann = shop.customer().await;
    let mut placed = Vec::new();
    for _ in 0..2 {
        for price in ["1", "2"] {
            let product = shop.product(price, 10).await;
            shop.add(&ann, product, 2).send().await.expect(201);
        }
        placed.insert(0, shop.order(&ann).send().await.expect(201));
    }

    let list = shop.get("/orders/").bearer(&ann.token).send().await.expect(200);

    for (mut listed, order) in list.as_array().unwrap().iter().cloned().zip(placed) {
        let path = format!("/orders/{}", order["id"].as_str().unwrap());
        assert_eq!(shop.get(&path).bearer(&ann.token).send().await.expect(200), order);
        // Which only the single one shows.
        assert_eq!(listed.get("history"), None);
        listed["history"] = json!([]);
        assert_eq!(listed, order);
    }
}

#[tokio::test]
async fn another_persons_order_is_not_found() {
    let shop = Shop::start().await;
    let [ann, eve] = [shop.customer().await, shop.customer().await];
    let order = order(&shop, Some(ann.id)).await;

    for id in [order.to_string(), Uuid::now_v7().to_string(), "7".to_owned()] {
        let answer = shop.get(&format!("/orders/{id}")).bearer(&eve.token).send().await;
        answer.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn an_admin_sees_any_order_and_everyones_list_when_asked() {
    let shop = Shop::start().await;
    let (ann, admin) = (shop.customer().await, shop.admin().await);
    let anns = order(&shop, Some(ann.id)).await;
    let nobodys = order(&shop, None).await;
    let own = order(&shop, Some(admin.id)).await;

    for id in [anns, nobodys, own] {
        let shown = shop.get(&format!("/orders/{id}")).bearer(&admin.token).send().await;
        assert_eq!(shown.expect(200)["id"], json!(id));
    }
    assert_eq!(ids(&shop, "/orders/", &admin).await, [json!(own)]);
    let all = ids(&shop, "/orders/?all=true", &admin).await;
    assert_eq!(all, [json!(own), json!(nobodys), json!(anns)]);
}

#[tokio::test]
async fn everyones_list_is_for_admins() {
    let shop = Shop::start().await;
    let ann = shop.customer().await;

    let answer = shop.get("/orders/?all=true").bearer(&ann.token).send().await;

    answer.expect_problem(403, "insufficient_scope");
    let challenge =
        r#"Bearer realm="shop-service", error="insufficient_scope", scope="shop:admin""#;
    assert_eq!(answer.header("www-authenticate"), Some(challenge));
    for wrong in ["?all=yes", "?all=1", "?all=true&all=true"] {
        let answer = shop.get(&format!("/orders/{wrong}")).bearer(&ann.token).send().await;
        answer.expect_problem(400, "invalid_request");
    }
}
