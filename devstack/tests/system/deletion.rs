//! Deletion while nothing fails: the user is gone from both services, what was ordered stays.

use serde_json::{Value, json};

use crate::system::{OTHER_PASSWORD, PASSWORD, Person, System, all_at_once, count, id};

#[tokio::test]
async fn a_deleted_users_cart_is_gone_and_the_token_dead_at_once_for_reads_and_writes() {
    let system = System::start().await;
    let (ann, admin) = (system.customer().await, system.admin().await);
    let product = system.product(&admin, 10).await;
    system.add(&ann, &product).send().await.expect(201);
    let _auth_is_not_told = system.wire.hold_request();

    system.delete(&ann, &ann).send().await.expect(204);

    assert_eq!(count(&system.shop_db, "cart_items").await, 0);
    for path in ["/user/me", "/user/", &format!("/user/{}", ann.id), "/cart/", "/orders/"] {
        let read = system.get(path, &ann).send().await;
        read.expect_problem(401, "invalid_token");
    }
    let rename = system.shop.api.patch("/user/me").bearer(&ann.token);
    let rename = rename.json(&json!({ "name": "Ann again" }));
    let writes =
        [rename, system.add(&ann, &product), system.order(&ann), system.delete(&ann, &ann)];
    for write in all_at_once(writes).await {
        write.expect_problem(401, "invalid_token");
    }
}

#[tokio::test]
async fn a_deleted_user_cannot_log_in_and_the_email_can_be_registered_by_a_new_one() {
    let system = System::start().await;
    let ann = system.customer().await;

    system.delete(&ann, &ann).send().await.expect(204);
    system.until_auth_is_told().await;
    let login = system.auth.login(&ann.email, PASSWORD).await;
    let new = system.register("Anna", &ann.email, OTHER_PASSWORD).await;

    login.expect_oauth_error(400, "invalid_grant");
    let new = new.expect(201);
    assert_ne!(id(&new), ann.id);
    let token = system.auth.token(&ann.email, OTHER_PASSWORD).await;
    let me = system.shop.api.get("/user/me").bearer(token).send().await;
    assert_eq!(me.expect(200), json!({ "id": new["id"], "name": "Anna", "email": ann.email }));
    let old = system.get("/user/me", &ann).send().await;
    old.expect_problem(401, "invalid_token");
    let old = system.auth.login(&ann.email, PASSWORD).await;
    old.expect_oauth_error(400, "invalid_grant");
}

#[tokio::test]
async fn orders_stay_without_the_person() {
    let system = System::start().await;
    let (ann, admin) = (system.customer().await, system.admin().await);
    let product = system.product(&admin, 10).await;
    system.add(&ann, &product).send().await.expect(201);
    let order = system.order(&ann).send().await.expect(201);

    system.delete(&ann, &ann).send().await.expect(204);
    system.until_auth_is_told().await;

    let kept = system.get(&format!("/orders/{}", id(&order)), &admin).send().await.expect(200);
    assert_eq!((&kept["total"], &kept["items"]), (&order["total"], &order["items"]));
    assert_eq!(kept["shipping_address"], "");
    let persons = "users WHERE email LIKE '%@%'";
    assert_eq!(count(&system.shop_db, persons).await, 1);
    assert_eq!(count(&system.shop_db, "orders WHERE user_id IS NOT NULL").await, 0);
    let outbox: Value = system
        .shop_db
        .query_one("SELECT jsonb_agg(to_jsonb(o)) FROM outbox o", &[])
        .await
        .unwrap()
        .get(0);
    assert!(!outbox.to_string().contains(&ann.id.to_string()), "{outbox}");
}

#[tokio::test]
async fn an_admin_deletes_anybody() {
    let system = System::start().await;
    let (ann, admin) = (system.customer().await, system.admin().await);

    system.delete(&ann, &admin).send().await.expect(204);
    system.until_auth_is_told().await;

    system.get("/user/me", &ann).send().await.expect_problem(401, "invalid_token");
    system.auth.login(&ann.email, PASSWORD).await.expect_oauth_error(400, "invalid_grant");
    let shown = system.get(&format!("/user/{}", ann.id), &admin).send().await;
    shown.expect_problem(404, "not_found");
}

#[tokio::test]
async fn somebody_whose_registration_never_ended_can_be_deleted() {
    let system = System::start().await;
    system.wire.cut_answers(2);
    let email = "ann@example.com";
    system.register("Ann", email, PASSWORD).await.expect_problem(503, "unavailable");
    let token = system.auth.token(email, PASSWORD).await;
    let pending = system.shop_db.query_one("SELECT id FROM users", &[]).await.unwrap();
    let ann = Person { id: pending.get(0), email: email.to_owned(), token };

    system.delete(&ann, &ann).send().await.expect(204);
    system.until_auth_is_told().await;

    system.auth.login(email, PASSWORD).await.expect_oauth_error(400, "invalid_grant");
    system.register("Anna", email, PASSWORD).await.expect(201);
}

#[tokio::test]
async fn the_email_of_a_disabled_user_stays_refused() {
    let system = System::start().await;
    let (ann, admin) = (system.customer().await, system.admin().await);
    let disable = "UPDATE credentials SET disabled = true WHERE id = $1";
    system.auth.db.execute(disable, &[&ann.id]).await.unwrap();

    system.delete(&ann, &admin).send().await.expect(204);
    system.until_auth_is_told().await;

    for _ in 0..2 {
        let again = system.register("Ann", &ann.email, OTHER_PASSWORD).await;
        again.expect_problem(409, "email_taken");
        let login = system.auth.login(&ann.email, OTHER_PASSWORD).await;
        login.expect_oauth_error(400, "invalid_grant");
    }
}
