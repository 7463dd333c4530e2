//! The way of a customer and of an admin through both services.

use serde_json::json;

use crate::config::{CLIENT_SECRET, SECRET};
use crate::running::Running;
use crate::system::{OTHER_PASSWORD, PASSWORD, Person, System, id};

#[tokio::test]
async fn who_has_registered_logs_in_and_sees_nobody_but_oneself() {
    let system = System::start().await;
    system.customer().await;

    let registered = system.register("Ann Lee", "Ann@Example.com", PASSWORD).await.expect(201);
    let login = system.auth.login("ann@example.com", PASSWORD).await.expect(200);
    let token = login["access_token"].as_str().unwrap().to_owned();
    let ann = Person { id: id(&registered), email: "ann@example.com".to_owned(), token };

    let profile = json!({ "id": ann.id, "name": "Ann Lee", "email": "ann@example.com" });
    assert_eq!(registered, profile);
    assert_eq!((&login["token_type"], &login["scope"]), (&json!("bearer"), &json!("shop")));
    assert_eq!(system.get("/user/me", &ann).send().await.expect(200), profile);
    assert_eq!(system.get("/user/", &ann).send().await.expect(200), json!([profile]));
}

#[tokio::test]
async fn a_customer_buys_what_an_admin_has_put_on_sale() {
    let system = System::start().await;
    let (ann, admin) = (system.customer().await, system.admin().await);

    let product = system.product(&admin, 10).await;
    let on_sale = system.shop.api.get("/products/").send().await.expect(200);
    system.add(&ann, &product).send().await.expect(201);
    let cart = system.get("/cart/", &ann).send().await.expect(200);
    let order = system.order(&ann).send().await.expect(201);

    assert_eq!(on_sale, json!([product]));
    assert_eq!((cart["total"].as_f64(), order["total"].as_f64()), (Some(1.5), Some(1.5)));
    let orders = system.get("/orders/", &ann).send().await.expect(200);
    assert_eq!(orders[0]["id"], order["id"]);
    assert_eq!(orders.as_array().unwrap().len(), 1);
    let path = format!("/products/{}", id(&product));
    assert_eq!(system.shop.api.get(&path).send().await.expect(200)["quantity"], 9);
}

#[tokio::test]
async fn what_is_granted_counts_from_the_next_login() {
    let system = System::start().await;
    let ann = system.customer().await;
    let category = |person: &Person| {
        let category = json!({ "name": "Stationery" });
        system.post("/products/category", person).json(&category)
    };

    system.auth.grant(&ann.email, "shop:admin").await;
    let before = category(&ann).send().await;
    let token = system.auth.token(&ann.email, PASSWORD).await;
    let after = category(&Person { token, ..ann }).send().await;

    before.expect_problem(403, "insufficient_scope");
    after.expect(201);
}

#[tokio::test]
async fn the_request_id_passes_from_the_shop_to_auth() {
    let system = System::start().await;

    let call = system.shop.registration("Ann", "ann@example.com", PASSWORD);
    let answer = call.header("x-request-id", "from-afar/1").send().await;

    assert_eq!(answer.header("x-request-id"), Some("from-afar/1"));
    let passed_on = system.wire.seen("POST /credentials");
    assert_eq!(passed_on.len(), 1);
    assert!(passed_on[0].contains("\r\nx-request-id: from-afar/1\r\n"));
}

#[tokio::test]
async fn a_customer_needs_no_auth_to_go_on_shopping() {
    let mut system = System::start().await;
    let (ann, admin) = (system.customer().await, system.admin().await);
    let product = system.product(&admin, 10).await;

    system.auth.stop().await;

    system.get("/user/me", &ann).send().await.expect(200);
    system.add(&ann, &product).send().await.expect(201);
    system.order(&ann).send().await.expect(201);
}

#[tokio::test]
async fn a_token_of_either_secret_is_good_until_the_old_one_is_dropped() {
    const NEW: &str = "the secret that is to take the place of the first";
    let mut system = System::start().await;
    let before = system.customer().await;
    let both = format!("--token-secrets={NEW},{SECRET}");
    let new_alone = format!("--token-secrets={NEW}");

    system.auth.stop().await;
    system.auth.start_again(&[&both]).await;
    let rotating = system.another_shop(&[&both]).await;
    let rotated = system.another_shop(&[&new_alone]).await;
    let token = system.auth.token(&before.email, PASSWORD).await;

    let me =
        async |shop: &Running, token: &str| shop.api.get("/user/me").bearer(token).send().await;
    me(&rotating, &before.token).await.expect(200);
    me(&rotating, &token).await.expect(200);
    me(&rotated, &before.token).await.expect_problem(401, "invalid_token");
    me(&rotated, &token).await.expect(200);
    // A shop that does not know the new secret yet.
    me(&system.shop, &token).await.expect_problem(401, "invalid_token");
}

#[tokio::test]
async fn the_registration_clients_secret_is_rotated_without_a_gap() {
    const NEW: &str = "the new secret of the shop at the auth service";
    let mut system = System::start().await;
    let both = format!("--registration-client-secret={NEW},{CLIENT_SECRET}");

    system.auth.stop().await;
    system.auth.start_again(&[&both]).await;
    let rotated = system.another_shop(&[&both]).await;
    let with_old = system.register("Ann", "ann@example.com", PASSWORD).await;
    let with_new = rotated.registration("Bob", "bob@example.com", OTHER_PASSWORD).send().await;

    with_old.expect(201);
    with_new.expect(201);
    let sent = system.wire.seen("POST /credentials");
    let secret = |request: &str| {
        request.lines().find(|line| line.starts_with("authorization: ")).unwrap().to_owned()
    };
    assert_ne!(secret(&sent[0]), secret(&sent[1]));
}
