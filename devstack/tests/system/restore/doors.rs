//! What people ask of both services.

use devstack_testkit::{Answer, Api, eventually};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::system::id;

/// Both services' public sides.
#[derive(Clone)]
pub(super) struct Doors {
    pub(super) auth: Api,
    pub(super) shop: Api,
}

impl Doors {
    /// `POST /user/`.
    pub(super) async fn register(&self, email: &str, password: &str) -> Answer {
        let wanted = json!({ "name": "Ann", "email": email, "password": password });
        self.shop.post("/user/").json(&wanted).send().await
    }

    /// `POST /login`.
    pub(super) async fn login(&self, email: &str, password: &str) -> Answer {
        let form = [("username", email), ("password", password)];
        self.auth.post("/login").form(&form).send().await
    }

    /// The refresh grant.
    pub(super) async fn refresh(&self, token: &str) -> Answer {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.auth.post("/token").form(&form).send().await
    }

    /// `GET path` in the shop.
    pub(super) async fn get(&self, path: &str, token: &str) -> Answer {
        self.shop.get(path).bearer(token).send().await
    }

    /// Somebody new with this password: the id, and an access token.
    pub(super) async fn customer(&self, email: &str, password: &str) -> (Uuid, String) {
        let user = self.register(email, password).await.expect(201);
        let login = self.login(email, password).await.expect(200);
        (id(&user), text(&login, "access_token"))
    }

    /// The same, who tries again when told to: the access token.
    pub(super) async fn patient_customer(&self, email: &str, password: &str) -> String {
        let registered = eventually("the e-mail is free", async || {
            let registered = self.register(email, password).await;
            (registered.status != 503).then_some(registered)
        });
        registered.await.expect(201);
        text(&self.login(email, password).await.expect(200), "access_token")
    }

    /// Puts so many pieces of this product into the cart.
    pub(super) async fn add(&self, token: &str, product: Uuid, quantity: i64) {
        let item = json!({ "product_id": product, "quantity": quantity });
        self.shop.post("/cart/items").bearer(token).json(&item).send().await.expect(201);
    }

    /// Orders what is in the cart, or what was ordered under this key.
    pub(super) async fn order(&self, token: &str, key: &str) -> Answer {
        let order = json!({ "shipping_address": "1 Lock Lane" });
        let call = self.shop.post("/orders/").bearer(token).json(&order);
        call.header("idempotency-key", key).send().await
    }

    /// Deletes oneself.
    pub(super) async fn delete(&self, id: Uuid, token: &str) {
        let call = self.shop.delete(&format!("/user/{id}")).bearer(token);
        call.send().await.expect(204);
    }
}

/// A member of an answer.
pub(super) fn text(body: &Value, name: &str) -> String {
    body[name].as_str().unwrap().to_owned()
}
