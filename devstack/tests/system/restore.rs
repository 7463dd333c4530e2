//! Both databases are dumped while both services write, lost, and restored by their own roles; with
//! the runbook's lines, on real dumps.

mod doors;
mod estate;
mod load;

use std::fs;

use devstack_testkit::eventually;
use serde_json::Value;
use uuid::Uuid;

use crate::system::{OTHER_PASSWORD, PASSWORD, count};
use doors::{Doors, text};
use estate::{Estate, until_unregistered};
use load::Load;

const BACK_UP: &str = include_str!("restore/back_up.sh");
const RESTORE: &str = include_str!("restore/restore.sh");

/// A third password.
const THIRD_PASSWORD: &str = "seven green lighthouses at noon";

/// Ends every session: what was ended since the backup is not, after a restore.
const END_SESSIONS: &str = r#"
psql -Xq -d "$AUTH_DB" -c "UPDATE sessions SET ended_at = now() WHERE ended_at IS NULL""#;

#[tokio::test]
async fn what_was_acknowledged_before_the_backup_is_there_after_the_restore() {
    let mut estate = Estate::start().await;
    let doors = estate.doors.clone();
    let product = estate.product().await;
    let (ann, token) = doors.customer("ann@example.com", PASSWORD).await;
    doors.add(&token, product, 1).await;
    let order = doors.order(&token, "first").await.expect(201);
    doors.add(&token, product, 3).await;
    let seen = shown(&doors, &token).await;
    let mut sessions = Vec::new();
    for _ in 0..3 {
        let login = doors.login("ann@example.com", PASSWORD).await.expect(200);
        let rotated = doors.refresh(&text(&login, "refresh_token")).await.expect(200);
        sessions.push(text(&rotated, "refresh_token"));
    }
    let [kept, rotated, ended] = sessions.try_into().unwrap();
    // A deletion of which auth has not heard.
    let (bob, bobs) = doors.customer("bob@example.com", PASSWORD).await;
    let mut held = estate.wire.hold_request();
    doors.delete(bob, &bobs).await;
    held.arrived().await;

    let load = Load::start(&doors, product).await;
    estate.paste(&dump_of("shop")).await;
    load.goes_on().await;
    estate.paste(&dump_of("auth")).await;
    let people = load.stop().await;
    let successor = text(&doors.refresh(&rotated).await.expect(200), "refresh_token");
    doors.auth.post("/revoke").form(&[("token", &ended)]).send().await.expect(200);
    drop(held);
    estate.destroy().await;
    let said = estate.paste(RESTORE).await;
    let mail = tempfile::tempdir().unwrap();
    estate.mail_to(mail.path());
    estate.compare_and_settle().await;
    let doors = estate.doors.clone();

    assert_eq!(said, "0 migrations applied\n0 migrations applied\n");
    estate.expect_owned_by_its_roles().await;
    assert_eq!(shown(&doors, &token).await, seen);
    doors.login("ann@example.com", PASSWORD).await.expect(200);
    doors.refresh(&kept).await.expect(200);
    let again = doors.order(&token, "first").await;
    assert_eq!(again.expect(201)["id"], order["id"]);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    let registered = format!("audit WHERE user_id = '{ann}' AND event = 'registered'");
    assert_eq!(count(&estate.db("auth").await, &registered).await, 1);
    // What was left to be done.
    let letter = mail.path().join(format!("{}.eml", text(&order, "id")));
    eventually("the mail is sent", async || fs::metadata(&letter).ok()).await;
    doors.login("bob@example.com", PASSWORD).await.expect_oauth_error(400, "invalid_grant");
    // What came after the backup is not known: a token is none then, and ends no session.
    doors.refresh(&successor).await.expect_oauth_error(400, "invalid_grant");
    doors.refresh(&rotated).await.expect(200);
    let lives_again = text(&doors.refresh(&ended).await.expect(200), "refresh_token");
    people.expect_none_stuck(&doors).await;

    estate.paste(END_SESSIONS).await;
    doors.refresh(&lives_again).await.expect_oauth_error(400, "invalid_grant");
}

/// What the shop shows somebody: the profile, the orders, and what the cart comes to.
async fn shown(doors: &Doors, token: &str) -> [Value; 3] {
    let me = doors.get("/user/me", token).await.expect(200);
    let orders = doors.get("/orders/", token).await.expect(200);
    let mut cart = doors.get("/cart/", token).await.expect(200);
    [me, orders, cart["total"].take()]
}

/// Two databases, each as it was at another moment, and who was met by what came between.
struct Between {
    estate: Estate,
    doors: Doors,
    product: Uuid,
    /// The access token of somebody who was deleted between.
    gone: String,
}

impl Between {
    /// Dumps one database, lets things happen, dumps the other, and loses both.
    async fn start(first: &str, second: &str) -> Self {
        let estate = Estate::start().await;
        let doors = estate.doors.clone();
        let product = estate.product().await;
        let (gone_id, gone) = doors.customer("gone@example.com", PASSWORD).await;
        let (anew_id, anew) = doors.customer("anew@example.com", PASSWORD).await;
        for email in ["tried@example.com", "fled@example.com"] {
            estate.wire.cut_requests(2);
            doors.register(email, PASSWORD).await.expect_problem(503, "unavailable");
        }

        estate.paste(&dump_of(first)).await;
        let (_, new) = doors.customer("new@example.com", PASSWORD).await;
        doors.add(&new, product, 1).await;
        doors.order(&new, "one").await.expect(201);
        let (fled_id, fled) = doors.customer("fled@example.com", PASSWORD).await;
        for (id, token) in [(gone_id, &gone), (anew_id, &anew), (fled_id, &fled)] {
            doors.delete(id, token).await;
            until_unregistered(&estate.db("shop").await).await;
        }
        doors.customer("anew@example.com", OTHER_PASSWORD).await;
        doors.register("tried@example.com", OTHER_PASSWORD).await.expect(201);
        estate.paste(&dump_of(second)).await;
        Self { estate, doors, product, gone }
    }

    /// Restores both.
    async fn restore(&self) {
        self.estate.destroy().await;
        self.estate.paste(RESTORE).await;
    }

    /// What becomes of somebody: the statuses of a login, of a look at the profile, and of a
    /// registration with a new password.
    async fn outcome(&self, name: &str, password: &str) -> [u16; 3] {
        let email = format!("{name}@example.com");
        let login = self.doors.login(&email, password).await;
        let me = match login.status {
            200 => self.doors.get("/user/me", &text(&login.json(), "access_token")).await.status,
            _ => 0,
        };
        [login.status, me, self.doors.register(&email, THIRD_PASSWORD).await.status]
    }

    /// That all of them can register, log in and order, once the runbook is followed.
    async fn expect_settled(&self) {
        self.restore().await;
        self.estate.compare_and_settle().await;
        for name in ["new", "gone", "anew", "tried", "fled"] {
            let email = format!("{name}@example.com");
            let token = self.doors.patient_customer(&email, THIRD_PASSWORD).await;
            self.doors.add(&token, self.product, 1).await;
            self.doors.order(&token, "another").await.expect(201);
        }
    }

    /// Orders without a customer or an address.
    async fn bereft(&self) -> i64 {
        let bereft = "orders WHERE user_id IS NULL OR shipping_address = ''";
        count(&self.estate.db("shop").await, bereft).await
    }
}

/// The lines of the runbook that dump this database.
fn dump_of(name: &str) -> String {
    let is_its = |line: &&str| line.starts_with("umask ") || line.contains(name);
    BACK_UP.lines().filter(is_its).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn who_stands_in_one_dump_only_is_stuck_until_the_runbook_is_followed() {
    let between = Between::start("shop", "auth").await;

    between.restore().await;
    between.estate.up().await;

    // The shop has nobody.
    assert_eq!(between.outcome("new", PASSWORD).await, [200, 401, 409]);
    assert_eq!(between.outcome("anew", OTHER_PASSWORD).await, [200, 401, 409]);
    // The shop has somebody who was deleted, and takes the token for as long as it lasts.
    assert_eq!(between.outcome("gone", PASSWORD).await, [400, 0, 409]);
    between.doors.get("/user/me", &between.gone).await.expect(200);
    // The shop counts on from a number that auth has seen: 201, and the password is another's.
    assert_eq!(between.outcome("tried", PASSWORD).await, [400, 0, 201]);
    assert_eq!(between.outcome("tried", THIRD_PASSWORD).await, [400, 0, 409]);
    assert_eq!(between.outcome("tried", OTHER_PASSWORD).await, [200, 200, 409]);
    // Auth has forgotten whom the shop is still registering.
    assert_eq!(between.outcome("fled", PASSWORD).await, [400, 0, 503]);
    assert_eq!(between.outcome("fled", PASSWORD).await, [400, 0, 201]);

    between.expect_settled().await;
    assert_eq!(between.bereft().await, 0);
}

#[tokio::test]
async fn the_other_order_of_dumps_costs_orders_their_customer_and_their_address() {
    let between = Between::start("auth", "shop").await;

    between.restore().await;
    between.estate.up().await;

    assert_eq!(between.outcome("new", PASSWORD).await, [400, 0, 409]);
    assert_eq!(between.outcome("gone", PASSWORD).await, [200, 401, 409]);
    assert_eq!(between.outcome("anew", PASSWORD).await, [200, 401, 409]);
    assert_eq!(between.outcome("anew", OTHER_PASSWORD).await, [400, 0, 409]);
    assert_eq!(between.outcome("tried", OTHER_PASSWORD).await, [400, 0, 409]);
    assert_eq!(between.outcome("fled", PASSWORD).await, [400, 0, 201]);

    between.expect_settled().await;
    assert_eq!(between.bereft().await, 1);
}
