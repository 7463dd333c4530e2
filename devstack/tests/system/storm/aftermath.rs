//! What must hold in the end, when everything is up again.

use std::os::unix::fs::MetadataExt;

use devstack_testkit::{Answer, eventually};
use serde_json::json;
use tokio_postgres::Client;
use uuid::Uuid;

use super::deeds::{Account, Receipt};
use super::{Done, STOCK, Storm};
use crate::machine::Machine;
use crate::system::{OTHER_PASSWORD, count, id};

/// A mail that was sent.
pub(super) struct Mail {
    pub(super) text: String,
    /// Another one each time it is sent.
    pub(super) file: u64,
}

impl Mail {
    /// The mail about this order.
    pub(super) fn about(machine: &Machine, order: Uuid) -> Option<Self> {
        let path = machine.mail().join(format!("{order}.eml"));
        let text = std::fs::read_to_string(&path).ok()?;
        Some(Self { text, file: path.metadata().ok()?.ino() })
    }
}

impl Storm {
    /// Waits until auth has been told of every deletion, and customers of every order.
    pub(super) async fn until_jobs_are_done(&self) {
        let db = self.machine.shop_db().await;
        eventually("all jobs are done", async || {
            (count(&db, "outbox WHERE done_at IS NULL").await == 0).then_some(())
        })
        .await;
    }

    /// The same, without the pauses after tries that have failed.
    pub(super) async fn hurry_jobs(&self) {
        let hurry = "UPDATE outbox SET next_attempt_at = clock_timestamp()
            WHERE done_at IS NULL; NOTIFY outbox";
        self.machine.shop_db().await.batch_execute(hurry).await.unwrap();
        self.until_jobs_are_done().await;
    }

    /// All that was acknowledged stands, once, and nothing is left half done.
    pub(super) async fn expect_all_whole(&self, done: &Done) {
        self.until_jobs_are_done().await;
        let db = self.machine.shop_db().await;
        assert_eq!(count(&db, "users WHERE state <> 'active'").await, 0);
        assert_eq!(count(&db, "outbox WHERE dead_at IS NOT NULL").await, 0);
        let users = i64::try_from(done.accounts.len()).unwrap();
        assert_eq!(count(&db, "users").await, users);
        self.expect_orders(&db, done).await;
        self.expect_mails(done);
        for account in &done.accounts {
            self.expect_registered(account).await;
        }
        for account in &done.deleted {
            self.expect_gone(account).await;
        }
    }

    /// Each order stands as it was acknowledged, there is no other, and stock and money add up.
    async fn expect_orders(&self, db: &Client, done: &Done) {
        let orders = i64::try_from(done.receipts.len()).unwrap();
        assert_eq!(count(db, "orders").await, orders);
        let mut ids: Vec<Uuid> = done.receipts.iter().map(|receipt| id(&receipt.order)).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), done.receipts.len(), "two keys have one order");
        for receipt in &done.receipts {
            let account = done.accounts.iter().find(|account| account.id == receipt.user);
            self.expect_order(db, receipt, account).await;
        }
        let wrong = "orders o WHERE total <> (
            SELECT sum(unit_price * quantity) FROM order_items WHERE order_id = o.id)";
        assert_eq!(count(db, wrong).await, 0);
        let lost = format!(
            "products p WHERE quantity <> {STOCK} - (
                SELECT coalesce(sum(quantity), 0) FROM order_items WHERE product_id = p.id)"
        );
        assert_eq!(count(db, &lost).await, 0);
        assert_eq!(count(db, "cart_items").await, 0);
    }

    async fn expect_order(&self, db: &Client, receipt: &Receipt, account: Option<&Account>) {
        let order = id(&receipt.order);
        let Some(account) = account else {
            let kept = format!("orders WHERE id = '{order}' AND user_id IS NULL");
            return assert_eq!(count(db, &kept).await, 1);
        };
        let path = format!("/orders/{order}");
        let shown = self.insist(|| self.machine.shop.api.get(&path).bearer(&account.token)).await;
        assert_eq!(shown.expect(200), receipt.order);
        let keys = "SELECT array_agg(key) FROM idempotency_keys WHERE order_id = $1";
        let keys: Vec<String> = db.query_one(keys, &[&order]).await.unwrap().get(0);
        assert_eq!(keys, [&*receipt.key]);
    }

    /// Each customer who is still there got a mail about each order, and about nothing else.
    fn expect_mails(&self, done: &Done) {
        for receipt in &done.receipts {
            let order = id(&receipt.order);
            let mail = Mail::about(&self.machine, order);
            let Some(account) = done.accounts.iter().find(|it| it.id == receipt.user) else {
                continue;
            };
            let text = mail.unwrap().text;
            assert!(text.contains(&format!("Message-ID: <{order}@localhost>\r\n")), "{text}");
            assert!(text.contains(&format!("To: {}\r\n", account.email)), "{text}");
        }
        for file in std::fs::read_dir(self.machine.mail()).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            // Half a mail, of a shop that died as it wrote, begins with a point.
            let order = name.strip_suffix(".eml").and_then(|order| order.parse::<Uuid>().ok());
            let is_known = |order| done.receipts.iter().any(|it| id(&it.order) == order);
            assert!(order.map_or(name.starts_with('.'), is_known), "{name}");
        }
    }

    /// The password and the profile are there, and nobody else can have the e-mail.
    async fn expect_registered(&self, account: &Account) {
        let login = self.login(&account.email, &account.password).await.expect(200);
        let token = login["access_token"].as_str().unwrap();
        let me = self.insist(|| self.machine.shop.api.get("/user/me").bearer(token)).await;
        assert_eq!(id(&me.expect(200)), account.id);
        self.register_again(&account.email).await.expect_problem(409, "email_taken");
    }

    /// Neither the password nor the token is good for anything, and the e-mail is free.
    async fn expect_gone(&self, account: &Account) {
        let login = self.login(&account.email, &account.password).await;
        login.expect_oauth_error(400, "invalid_grant");
        let shop = &self.machine.shop.api;
        for path in ["/user/me", "/cart/", "/orders/"] {
            let read = self.insist(|| shop.get(path).bearer(&account.token)).await;
            read.expect_problem(401, "invalid_token");
        }
        let new = self.register_again(&account.email).await.expect(201);
        assert_ne!(id(&new), account.id);
        self.login(&account.email, OTHER_PASSWORD).await.expect(200);
    }

    async fn register_again(&self, email: &str) -> Answer {
        let wanted = json!({ "name": "New", "email": email, "password": OTHER_PASSWORD });
        self.insist(|| self.machine.shop.api.post("/user/").json(&wanted)).await
    }
}
