//! `DELETE /user/{id}`: the person goes at once, what was ordered stays.

use serde_json::json;
use uuid::Uuid;

use crate::calls::order;
use crate::mint;
use crate::shop::{Person, Shop, all_at_once, tally};

fn delete(shop: &Shop, user: &Person, token: &str) -> devstack_testkit::http::Call {
    shop.delete(&format!("/user/{}", user.id)).bearer(token)
}

#[tokio::test]
async fn profile_and_cart_go_and_orders_stay_without_the_person() {
    let shop = Shop::start().await;
    let (ann, admin) = (shop.customer().await, shop.admin().await);
    let product = shop.product("1.50", 10).await;
    let past = order(&shop, Some(ann.id)).await;
    shop.add(&ann, product, 1).send().await.expect(201);

    delete(&shop, &ann, &ann.token).send().await.expect(204);

    let me = shop.get("/user/me").bearer(&ann.token).send().await;
    me.expect_problem(401, "invalid_token");
    assert_eq!(shop.count("cart_items").await, 0);
    let row = shop.one("SELECT user_id, shipping_address FROM orders", &[]).await;
    assert_eq!(row.get::<_, Option<Uuid>>("user_id"), None);
    assert_eq!(row.get::<_, &str>("shipping_address"), "");
    let kept = shop.get(&format!("/orders/{past}")).bearer(&admin.token).send().await.expect(200);
    assert_eq!((&kept["shipping_address"], &kept["total"]), (&json!(""), &json!(1.5)));
    let find = "SELECT name, state FROM users WHERE id = $1";
    let row = shop.one(find, &[&ann.id]).await;
    assert_eq!((row.get("name"), row.get("state")), ("", "deleting"));
}

#[tokio::test]
async fn idempotency_keys_and_mail_that_was_not_sent_go_with_the_person() {
    let shop = Shop::start().await;
    let [ann, bob] = [shop.customer().await, shop.customer().await];
    for person in [&ann, &bob] {
        let product = shop.product("1.50", 10).await;
        shop.add(person, product, 1).send().await.expect(201);
        let order = shop.order(person).header("Idempotency-Key", "k-1");
        order.send().await.expect(201);
    }
    let failed = "UPDATE outbox SET last_error = '550 unknown: ' || user_id, dead_at = $1";
    shop.sql(failed, &[&chassis::clock::now()]).await;

    delete(&shop, &ann, &ann.token).send().await.expect(204);

    assert_eq!(shop.count("idempotency_keys").await, 1);
    let mail = "outbox WHERE kind = 'order_mail' AND";
    let of_ann = format!(
        "{mail} done_at IS NOT NULL AND payload = '{{}}' AND user_id IS NULL
        AND last_error IS NULL AND dead_at IS NULL"
    );
    let of_bob = format!("{mail} dead_at IS NOT NULL AND user_id = '{}'", bob.id);
    assert_eq!((shop.count(&of_ann).await, shop.count(&of_bob).await), (1, 1));
}

#[tokio::test]
async fn an_admin_and_an_admins_machine_delete_anyone_once() {
    let shop = Shop::start().await;
    let admin = shop.admin().await;

    for token in [admin.token, mint::machine("shop:admin")] {
        let ann = shop.customer().await;

        let first = delete(&shop, &ann, &token).send().await;
        let second = delete(&shop, &ann, &token).send().await;

        first.expect(204);
        second.expect_problem(404, "not_found");
        let job = "outbox WHERE payload ->> 'user' = $1::text";
        let jobs = shop.one(&format!("SELECT count(*) FROM {job}"), &[&ann.id.to_string()]).await;
        assert_eq!(jobs.get::<_, i64>(0), 1);
    }
}

#[tokio::test]
async fn nobody_else_can_delete_one_and_nothing_is_changed() {
    let shop = Shop::start().await;
    let [ann, eve] = [shop.customer().await, shop.customer().await];
    let before = shop.stored().await;

    for token in [&eve.token, &mint::machine("shop")] {
        delete(&shop, &ann, token).send().await.expect_problem(404, "not_found");
    }

    assert_eq!(shop.stored().await, before);
}

#[tokio::test]
async fn until_auth_has_been_told_the_email_can_be_registered_later() {
    let shop = Shop::start().await;
    let ann = shop.customer().await;
    delete(&shop, &ann, &ann.token).send().await.expect(204);

    let again = json!({ "name": "Ann", "email": ann.email, "password": "seven blue lamps" });
    let answer = shop.post("/user/").json(&again).send().await;

    answer.expect_problem(503, "unavailable");
    assert!(answer.header("retry-after").unwrap().parse::<u32>().unwrap() > 0);
    assert_eq!(shop.count("users WHERE state = 'deleting'").await, 1);
    assert_eq!(shop.count("users").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_admins_who_delete_each_other_one_stays() {
    let shop = Shop::start().await;

    for _ in 0..10 {
        let [ann, bob] = [shop.admin().await, shop.admin().await];

        let calls = [delete(&shop, &ann, &bob.token), delete(&shop, &bob, &ann.token)];
        let answers = all_at_once(calls).await;

        assert_eq!(tally(&answers, [204, 401]), [1, 1]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_of_the_same_moment_stays_without_the_person() {
    let shop = Shop::start().await;
    let product = shop.product("1.50", 1000).await;

    for _ in 0..20 {
        let ann = shop.customer().await;
        shop.add(&ann, product, 1).send().await.expect(201);

        let calls = [shop.order(&ann), delete(&shop, &ann, &ann.token), shop.add(&ann, product, 1)];
        let answers = all_at_once(calls).await;

        tally(&answers, [201, 204, 401]);
        assert!(answers.iter().any(|answer| answer.status == 204));
    }

    assert_eq!(shop.count("orders WHERE user_id IS NOT NULL OR shipping_address <> ''").await, 0);
    assert_eq!(shop.count("cart_items").await, 0);
    let sold = "SELECT coalesce(sum(quantity), 0)::bigint FROM order_items";
    let sold: i64 = shop.one(sold, &[]).await.get(0);
    assert_eq!(shop.stock(product).await, 1000 - sold);
}
