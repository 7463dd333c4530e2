//! `/user`: profiles.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::mint;
use crate::shop::{Person, Shop};

fn profile(person: &Person, name: &str) -> Value {
    json!({ "id": person.id, "name": name, "email": person.email })
}

#[tokio::test]
async fn a_customer_sees_oneself() {
    let shop = Shop::start().await;
    let [ann, _bob] = [shop.customer().await, shop.customer().await];

    let me = shop.get("/user/me").bearer(&ann.token).send().await.expect(200);
    let own = shop.get(&format!("/user/{}", ann.id)).bearer(&ann.token).send().await.expect(200);
    let list = shop.get("/user/").bearer(&ann.token).send().await.expect(200);

    assert_eq!(me, profile(&ann, "Ann Lee"));
    assert_eq!(own, me);
    assert_eq!(list, json!([me]));
}

#[tokio::test]
async fn a_user_one_may_not_see_is_not_found() {
    let shop = Shop::start().await;
    let [ann, bob] = [shop.customer().await, shop.customer().await];

    for id in [bob.id.to_string(), Uuid::now_v7().to_string(), "7".to_owned()] {
        let answer = shop.get(&format!("/user/{id}")).bearer(&ann.token).send().await;
        answer.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn an_admin_sees_everyone_who_is_registered_the_oldest_first() {
    let shop = Shop::start().await;
    let [ann, admin, bob] = [shop.customer().await, shop.admin().await, shop.customer().await];
    let pending = shop.person("pending", "shop").await;
    let deleting = shop.person("deleting", "shop").await;

    let list = shop.get("/user/").bearer(&admin.token).send().await.expect(200);

    let everyone = [&ann, &admin, &bob].map(|person| profile(person, "Ann Lee"));
    assert_eq!(list, json!(everyone));
    let bobs = format!("/user/{}", bob.id);
    let one = shop.get(&bobs).bearer(&admin.token).send().await.expect(200);
    assert_eq!(one, profile(&bob, "Ann Lee"));
    for nobody in [pending.id, deleting.id, Uuid::now_v7()] {
        let answer = shop.get(&format!("/user/{nobody}")).bearer(&admin.token).send().await;
        answer.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn a_machine_sees_everyone_only_with_the_admins_scope() {
    let shop = Shop::start().await;
    let ann = shop.customer().await;

    let plain = shop.get("/user/").bearer(mint::machine("shop")).send().await.expect(200);
    let admin = shop.get("/user/").bearer(mint::machine("shop:admin")).send().await.expect(200);

    assert_eq!(plain, json!([]));
    assert_eq!(admin, json!([profile(&ann, "Ann Lee")]));
}

#[tokio::test]
async fn a_customer_changes_the_own_name_and_it_is_kept_as_sent() {
    let shop = Shop::start().await;
    let [ann, bob] = [shop.customer().await, shop.customer().await];
    let name = "  Änn \"O'Lee\" <b> 🦀 ";

    let renaming = json!({ "name": name, "email": "other@example.com", "id": bob.id });
    let renamed = shop.patch("/user/me").bearer(&ann.token).json(&renaming).send().await;

    assert_eq!(renamed.expect(200), profile(&ann, name));
    for (person, name) in [(&ann, name), (&bob, "Ann Lee")] {
        let me = shop.get("/user/me").bearer(&person.token).send().await.expect(200);
        assert_eq!(me, profile(person, name));
    }
}

#[tokio::test]
async fn a_name_has_two_to_fifty_characters() {
    let shop = Shop::start().await;
    let ann = shop.customer().await;
    let rename = |name: String| {
        shop.patch("/user/me").bearer(&ann.token).json(&json!({ "name": name })).send()
    };

    for name in ["Äö".to_owned(), "é".repeat(50)] {
        rename(name).await.expect(200);
    }
    for name in [String::new(), "é".to_owned(), "é".repeat(51)] {
        rename(name).await.expect_invalid(&["name"]);
    }
}
