//! Orders whose answer was lost: whoever asks again under the same key gets the order that stands.

use devstack_testkit::http::Call;
use devstack_testkit::{Answer, eventually};
use serde_json::json;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::holds::Gate;
use crate::machine::Machine;
use crate::system::{PASSWORD, count, expect_later, id};

const KEY: &str = "the-only-key";

/// Ann, with two pieces of a product in her cart.
struct Ann {
    machine: Machine,
    token: String,
    product: Uuid,
    db: Client,
}

impl Ann {
    async fn start() -> Self {
        let machine = Machine::start().await;
        let product = machine.product(2, 10).await;
        let wanted = json!({ "name": "Ann", "email": "ann@example.com", "password": PASSWORD });
        machine.shop.api.post("/user/").json(&wanted).send().await.expect(201);
        let form = [("username", "ann@example.com"), ("password", PASSWORD)];
        let login = machine.auth.api.post("/login").form(&form).send().await.expect(200);
        let token = login["access_token"].as_str().unwrap().to_owned();
        let item = json!({ "product_id": product, "quantity": 2 });
        let add = machine.shop.api.post("/cart/items").bearer(&token).json(&item);
        add.send().await.expect(201);
        let db = machine.shop_db().await;
        Self { machine, token, product, db }
    }

    fn order(&self, address: &str) -> Call {
        let call = self.machine.shop.api.post("/orders/").bearer(&self.token);
        call.header("idempotency-key", KEY).json(&json!({ "shipping_address": address }))
    }

    async fn stock(&self) -> i64 {
        let stock = "SELECT quantity FROM products WHERE id = $1";
        self.machine.shop_db().await.query_one(stock, &[&self.product]).await.unwrap().get(0)
    }

    /// Asks until there is another answer than a 503: connections that PostgreSQL has closed may
    /// not all be known to be.
    async fn insist(&self, call: impl Fn() -> Call) -> Answer {
        eventually("there is an answer", async || {
            let answer = call().send().await;
            if answer.status == 503 {
                expect_later(&answer);
                return None;
            }
            Some(answer)
        })
        .await
    }

    /// That this is the order, and the only one, and that it took two pieces.
    async fn expect_the_only_order(&self, answer: &Answer, is_replay: bool) {
        let order = answer.expect(201);
        assert_eq!(answer.header("idempotency-replayed"), is_replay.then_some("true"));
        let again = self.insist(|| self.order("1 Main Street")).await;
        assert_eq!(again.header("idempotency-replayed"), Some("true"), "{again:?}");
        assert_eq!(again.expect(201), order);
        let path = format!("/orders/{}", id(&order));
        let show = || self.machine.shop.api.get(&path).bearer(&self.token);
        let shown = self.insist(show).await;
        assert_eq!(shown.expect(200), order);
        let db = self.machine.shop_db().await;
        assert_eq!(count(&db, "orders").await, 1);
        assert_eq!(count(&db, "outbox WHERE kind = 'order_mail'").await, 1);
        assert_eq!(count(&db, "cart_items").await, 0);
        assert_eq!(self.stock().await, 8);
    }
}

#[tokio::test]
async fn a_shop_that_dies_before_it_answers_gives_the_order_to_whoever_asks_again() {
    let ann = Ann::start().await;
    let Machine { postgres, shop, .. } = &ann.machine;

    postgres.hold_commits().await;
    let (lost, ()) = tokio::join!(ann.order("1 Main Street").try_send(), async {
        postgres.until_commit_is_held(shop).await;
        shop.kill().await;
        postgres.tell_commits().await;
        shop.start().await;
    });
    let other = ann.order("2 Main Street").send().await;
    let again = ann.order("1 Main Street").send().await;

    assert!(lost.is_err(), "{lost:?}");
    other.expect_problem(422, "idempotency_key_reused");
    ann.expect_the_only_order(&again, true).await;
}

#[tokio::test]
async fn a_shop_that_dies_before_it_commits_has_taken_nothing() {
    let ann = Ann::start().await;
    let Machine { postgres, shop, .. } = &ann.machine;

    let gate = Gate::close(ann.machine.shop_db().await, "outbox", "INSERT", "true").await;
    let (lost, ()) = tokio::join!(ann.order("1 Main Street").try_send(), async {
        gate.until_reached().await;
        shop.kill().await;
        postgres.until_forgotten(shop).await;
    });
    gate.remove().await;

    assert!(lost.is_err(), "{lost:?}");
    assert_eq!((count(&ann.db, "orders").await, count(&ann.db, "cart_items").await), (0, 1));
    assert_eq!(ann.stock().await, 10);
    shop.start().await;
    ann.expect_the_only_order(&ann.order("1 Main Street").send().await, false).await;
}

#[tokio::test]
async fn while_postgresql_is_away_orders_are_to_be_tried_again_and_then_they_stand_once() {
    let ann = Ann::start().await;
    let postgres = &ann.machine.postgres;

    // In the middle of an order.
    let gate = Gate::close(ann.machine.shop_db().await, "orders", "INSERT", "true").await;
    let (broken, ()) = tokio::join!(ann.order("1 Main Street").send(), async {
        gate.until_reached().await;
        postgres.stop().await;
    });
    let away = ann.order("1 Main Street").send().await;
    postgres.start_again().await;
    let placed = ann.insist(|| ann.order("1 Main Street")).await;
    // Between an order and its repetition.
    postgres.stop().await;
    postgres.start_again().await;
    let repeated = ann.insist(|| ann.order("1 Main Street")).await;

    // Where the gate's session is closed before the order's, the order goes through.
    if broken.status != 201 {
        expect_later(&broken);
    }
    expect_later(&away);
    assert_eq!(repeated.expect(201), placed.expect(201));
    ann.expect_the_only_order(&repeated, true).await;
}

#[tokio::test]
async fn an_order_that_postgresql_committed_as_it_crashed_stands_once() {
    let ann = Ann::start().await;
    let postgres = &ann.machine.postgres;

    postgres.hold_commits().await;
    let (broken, ()) = tokio::join!(ann.order("1 Main Street").send(), async {
        postgres.until_commit_is_held(&ann.machine.shop).await;
        postgres.kill();
        postgres.start_again().await;
        postgres.tell_commits().await;
    });
    let placed = ann.insist(|| ann.order("1 Main Street")).await;

    expect_later(&broken);
    ann.expect_the_only_order(&placed, true).await;
}
