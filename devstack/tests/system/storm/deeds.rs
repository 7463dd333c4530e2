//! What customers do, and do again until they know what came of it.

use std::time::Duration;

use devstack_testkit::Answer;
use devstack_testkit::http::Call;
use serde_json::{Value, json};
use tokio::time::sleep;
use uuid::Uuid;

use super::Storm;
use super::flights::Deed;
use crate::system::{PASSWORD, id};

/// Tries of one deed: more than any storm takes.
const TRIES: usize = 300;

/// Between two of them, while nothing is known to be down.
const PAUSE: Duration = Duration::from_millis(10);

/// Somebody who wants to be registered. Each try has a name and a password of its own, to see
/// which one counts.
pub(super) struct Applicant {
    email: String,
    tries: usize,
}

/// Somebody who knows to be registered.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) id: Uuid,
    pub(super) email: String,
    pub(super) password: String,
    pub(super) token: String,
}

/// An order that was acknowledged.
pub(super) struct Receipt {
    pub(super) user: Uuid,
    pub(super) key: String,
    pub(super) order: Value,
    /// Whether it was placed by a try that got no answer.
    pub(super) is_replay: bool,
}

impl Applicant {
    pub(super) fn new() -> Self {
        Self { email: format!("{}@example.com", Uuid::now_v7().simple()), tries: 0 }
    }

    /// What each try is to do.
    pub(super) fn deed(&self) -> Deed {
        Deed::Registration { email: self.email.clone() }
    }
}

fn name(number: usize) -> String {
    format!("Try {number}")
}

fn password(number: usize) -> String {
    format!("{PASSWORD} {number}")
}

impl Storm {
    /// One try, once nothing is known to be down: `None` where no answer came, or one that says
    /// to try later. No other 5xx is ever an answer.
    pub(super) async fn ask(&self, deed: Option<Deed>, call: Call) -> Option<Answer> {
        self.machine.up().await;
        let flight = deed.map(|deed| self.flights.begin(deed));
        let answer = call.try_send().await.ok();
        if let Some(answer) = &answer {
            let is_later = answer.status == 503 && answer.header("retry-after").is_some();
            assert!(answer.status < 500 || is_later, "{answer:?}");
        }
        let answer = answer.filter(|answer| answer.status != 503);
        if let Some(flight) = flight {
            self.flights.end(flight, answer.is_some());
        }
        answer
    }

    /// Asks until there is an answer.
    pub(super) async fn insist(&self, call: impl Fn() -> Call) -> Answer {
        self.until_known(async || self.ask(None, call()).await).await
    }

    /// Tries until something is known.
    async fn until_known<T>(&self, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
        for _ in 0..TRIES {
            if let Some(known) = attempt().await {
                return known;
            }
            sleep(PAUSE).await;
        }
        panic!("{TRIES} tries, and nothing is known");
    }

    /// Registers somebody, however often it takes.
    pub(super) async fn register(&self, mut applicant: Applicant) -> Account {
        self.until_known(async || self.try_to_register(&mut applicant).await).await
    }

    /// One try.
    pub(super) async fn try_to_register(&self, applicant: &mut Applicant) -> Option<Account> {
        let (deed, number) = (applicant.deed(), applicant.tries);
        let email = &applicant.email;
        let wanted = json!({ "name": name(number), "email": email, "password": password(number) });
        applicant.tries += 1;
        let call = self.machine.shop.api.post("/user/").json(&wanted);
        let answer = self.ask(Some(deed), call).await?;
        if answer.status == 201 {
            return Some(self.enter(email, number).await);
        }
        // Then one of the tries of which nothing was known has succeeded.
        answer.expect_problem(409, "email_taken");
        let winner = "SELECT name FROM users WHERE email = $1 AND state = 'active'";
        let db = self.machine.postgres.try_connect("shop").await?;
        let winner: String = match db.query_opt(winner, &[email]).await.ok()? {
            Some(row) => row.get(0),
            None => panic!("{email} is neither registered nor free: {answer:?}"),
        };
        let earlier = (0..number).find(|number| name(*number) == winner);
        Some(self.enter(email, earlier.unwrap_or_else(|| panic!("{email} is {winner}"))).await)
    }

    /// Logs in with a try's password, and finds its name.
    async fn enter(&self, email: &str, number: usize) -> Account {
        let login = self.login(email, &password(number)).await.expect(200);
        let token = login["access_token"].as_str().unwrap().to_owned();
        let me = self.insist(|| self.machine.shop.api.get("/user/me").bearer(&token)).await;
        let me = me.expect(200);
        assert_eq!((&me["name"], &me["email"]), (&json!(name(number)), &json!(email)));
        Account { id: id(&me), email: email.to_owned(), password: password(number), token }
    }

    /// `POST /login`.
    pub(super) async fn login(&self, email: &str, password: &str) -> Answer {
        let form = [("username", email), ("password", password)];
        self.insist(|| self.machine.auth.api.post("/login").form(&form)).await
    }

    /// Deletes somebody, however often it takes, and whether or not it was tried before.
    pub(super) async fn delete(&self, account: &Account, mut is_again: bool) {
        self.until_known(async || {
            self.try_to_delete(account, std::mem::replace(&mut is_again, true)).await
        })
        .await;
    }

    /// One try; an earlier one, of which nothing was known, may have succeeded.
    pub(super) async fn try_to_delete(&self, account: &Account, is_again: bool) -> Option<()> {
        let call = self.machine.shop.api.delete(&format!("/user/{}", account.id));
        let deed = Deed::Deletion { user: account.id };
        let answer = self.ask(Some(deed), call.bearer(&account.token)).await?;
        match answer.status {
            401 if is_again => drop(answer.expect_problem(401, "invalid_token")),
            _ => drop(answer.expect(204)),
        }
        Some(())
    }

    /// Puts some of these products into a cart; gives the cart.
    pub(super) async fn fill_cart(&self, account: &Account, products: &[Uuid]) -> Value {
        let api = &self.machine.shop.api;
        for product in products {
            let item = json!({ "product_id": product, "quantity": 2 });
            let add = || api.post("/cart/items").bearer(&account.token).json(&item);
            self.insist(add).await.expect(201);
        }
        self.insist(|| api.get("/cart/").bearer(&account.token)).await.expect(200)
    }

    /// Orders what is in a cart, however often it takes after so many tries: what was in the cart
    /// is in the order.
    pub(super) async fn order(
        &self,
        account: &Account,
        key: &str,
        cart: &Value,
        mut tries: usize,
    ) -> Receipt {
        let answer = self
            .until_known(async || {
                tries += 1;
                self.try_to_order(account, key).await
            })
            .await;
        let order = answer.expect(201);
        assert_eq!((lines(&order), &order["total"]), (lines(cart), &cart["total"]), "{cart}");
        let is_replay = answer.header("idempotency-replayed") == Some("true");
        assert!(tries > 1 || !is_replay, "{answer:?}");
        Receipt { user: account.id, key: key.to_owned(), order, is_replay }
    }

    /// One try.
    pub(super) async fn try_to_order(&self, account: &Account, key: &str) -> Option<Answer> {
        let call = self.machine.shop.api.post("/orders/").bearer(&account.token);
        let call = call.header("idempotency-key", key);
        let deed = Deed::Checkout { user: account.id, key: key.to_owned() };
        self.ask(Some(deed), call.json(&json!({ "shipping_address": "1 Main Street" }))).await
    }
}

/// The products of a cart or an order, and how many of each.
fn lines(of: &Value) -> Vec<(String, i64)> {
    let line = |item: &Value| {
        let product = item.get("product_id").unwrap_or(&item["product"]["id"]);
        (product.as_str().unwrap().to_owned(), item["quantity"].as_i64().unwrap())
    };
    let mut lines: Vec<_> = of["items"].as_array().unwrap().iter().map(line).collect();
    lines.sort_unstable();
    lines
}
