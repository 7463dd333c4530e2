//! Both services, the wire between them and a database each.

use std::net::SocketAddr;

use devstack_postgres::testing::{TestDatabase, database_from_template};
use devstack_testkit::http::Call;
use devstack_testkit::process::Program;
use devstack_testkit::{Answer, Api, database, eventually};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::config::{CLIENT_SECRET_ENCODED, auth_config, free_port, patient, shop_config};
use crate::holds::Gate;
use crate::running::Running;
use crate::wire::Wire;

/// A password that is hard to guess.
pub(crate) const PASSWORD: &str = "correct horse battery staple";
/// Another.
pub(crate) const OTHER_PASSWORD: &str = "purple monkey dishwasher lamp";

/// A shop, its auth service, and the wire between the two.
pub(crate) struct System {
    pub(crate) auth: Auth,
    pub(crate) wire: Wire,
    pub(crate) shop: Running,
    /// The shop's database, to see what came of a test.
    pub(crate) shop_db: Client,
    shop_database: TestDatabase,
}

/// An auth service that can be stopped and started again.
pub(crate) struct Auth {
    running: Running,
    /// Its database, to arrange what a test needs and to see what came of it.
    pub(crate) db: Client,
    database: TestDatabase,
}

/// Somebody who has registered and logged in.
pub(crate) struct Person {
    pub(crate) id: Uuid,
    pub(crate) email: String,
    pub(crate) token: String,
}

impl System {
    /// Both services, ready.
    pub(crate) async fn start() -> Self {
        let (auth, shop_database) =
            tokio::join!(Auth::start(), database_from_template("shop", migrate_shop));
        let wire = Wire::to(auth.addr()).await;
        let shop = shop(&shop_database, &wire, &[]).await;
        let shop_db = database::connect(shop_database.url()).await;
        Self { auth, wire, shop, shop_db, shop_database }
    }

    /// One more replica of the shop, with flags of its own.
    pub(crate) async fn another_shop(&self, flags: &[&str]) -> Running {
        shop(&self.shop_database, &self.wire, flags).await
    }

    /// A gate in the shop's database.
    pub(crate) async fn gate(&self, table: &'static str, change: &str) -> Gate {
        let keeper = database::connect(self.shop_database.url()).await;
        Gate::close(keeper, table, change, "true").await
    }

    /// Registers somebody in the shop.
    pub(crate) async fn register(&self, name: &str, email: &str, password: &str) -> Answer {
        self.shop.registration(name, email, password).send().await
    }

    /// Somebody called Ann who has registered, and logged in with [`PASSWORD`].
    pub(crate) async fn customer(&self) -> Person {
        let email = format!("{}@example.com", Uuid::now_v7().simple());
        let user = self.register("Ann", &email, PASSWORD).await.expect(201);
        let token = self.auth.token(&email, PASSWORD).await;
        Person { id: id(&user), email, token }
    }

    /// Somebody who may manage the shop.
    pub(crate) async fn admin(&self) -> Person {
        let customer = self.customer().await;
        self.auth.grant(&customer.email, "shop:admin").await;
        let token = self.auth.token(&customer.email, PASSWORD).await;
        Person { token, ..customer }
    }

    /// A product of which there are this many, made by an admin.
    pub(crate) async fn product(&self, admin: &Person, quantity: i64) -> Value {
        let category = json!({ "name": format!("Category {}", Uuid::now_v7().simple()) });
        let category = self.post("/products/category", admin).json(&category).send().await;
        let product = json!({
            "name": "Notebook", "description": "80 pages", "price": 1.5, "quantity": quantity,
            "category_id": category.expect(201)["id"],
        });
        self.post("/products/", admin).json(&product).send().await.expect(201)
    }

    /// `GET path` in the shop.
    pub(crate) fn get(&self, path: &str, caller: &Person) -> Call {
        self.shop.api.get(path).bearer(&caller.token)
    }

    /// `POST path` in the shop.
    pub(crate) fn post(&self, path: &str, caller: &Person) -> Call {
        self.shop.api.post(path).bearer(&caller.token)
    }

    /// Puts one of a product into somebody's cart.
    pub(crate) fn add(&self, person: &Person, product: &Value) -> Call {
        self.post("/cart/items", person).json(&json!({ "product_id": product["id"] }))
    }

    /// Orders what is in somebody's cart.
    pub(crate) fn order(&self, person: &Person) -> Call {
        self.post("/orders/", person).json(&json!({ "shipping_address": "1 Main Street" }))
    }

    /// Deletes a user.
    pub(crate) fn delete(&self, user: &Person, caller: &Person) -> Call {
        self.shop.api.delete(&format!("/user/{}", user.id)).bearer(&caller.token)
    }

    /// Waits until auth has been told of every deletion.
    pub(crate) async fn until_auth_is_told(&self) {
        eventually("auth has been told", async || {
            (count(&self.shop_db, "outbox WHERE done_at IS NULL AND kind = 'unregister'").await
                == 0)
                .then_some(())
        })
        .await;
    }
}

impl Auth {
    async fn start() -> Self {
        let database = database_from_template("auth", migrate_auth).await;
        let running = auth(&database, free_port(), &[]).await;
        Self { running, db: database::connect(database.url()).await, database }
    }

    /// Where it listens, or did.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.running.api.addr()
    }

    /// Its public side.
    pub(crate) fn api(&self) -> &Api {
        &self.running.api
    }

    /// Ends it in order.
    pub(crate) async fn stop(&mut self) {
        self.running.stop().await;
    }

    /// Ends it between two of its steps.
    pub(crate) async fn die(&mut self) {
        self.running.die().await;
    }

    /// Starts it again at the same address, with flags of its own.
    pub(crate) async fn start_again(&mut self, flags: &[&str]) {
        self.running = auth(&self.database, self.addr().port(), flags).await;
    }

    /// One more replica, with flags of its own.
    pub(crate) async fn another(&self, flags: &[&str]) -> Running {
        auth(&self.database, 0, flags).await
    }

    /// A gate in its database.
    pub(crate) async fn gate(&self, table: &'static str, change: &str) -> Gate {
        Gate::close(database::connect(self.database.url()).await, table, change, "true").await
    }

    /// `POST /credentials`, as the shop sends it.
    pub(crate) fn credentials(&self, id: Uuid, email: &str, password: &str, attempt: i64) -> Call {
        let body = json!({ "id": id, "email": email, "password": password, "attempt": attempt });
        self.api().post("/credentials").basic("shop-service", CLIENT_SECRET_ENCODED).json(&body)
    }

    /// `POST /login`.
    pub(crate) async fn login(&self, email: &str, password: &str) -> Answer {
        let form = [("username", email), ("password", password)];
        self.api().post("/login").form(&form).send().await
    }

    /// The access token of somebody who logs in.
    pub(crate) async fn token(&self, email: &str, password: &str) -> String {
        let answer = self.login(email, password).await.expect(200);
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// `auth-service user grant`.
    pub(crate) async fn grant(&self, email: &str, scope: &str) {
        let program = Program::new(env!("CARGO_BIN_EXE_devstack"));
        let program = program.args(&["auth-service", "user", "grant", email, scope]);
        let ended = program.env("DATABASE_URL", self.database.url()).run().await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
}

async fn auth(database: &TestDatabase, port: u16, flags: &[&str]) -> Running {
    let listen = format!("--listen-addr=127.0.0.1:{port}");
    let ours = [&*listen, "--argon2-memory-kib=64", "--argon2-iterations=1"];
    let config = auth_config(&patient(database.url()), &[&ours, flags].concat());
    Running::start(config.http.clone(), move || auth_service::service(&config).unwrap()).await
}

async fn shop(database: &TestDatabase, wire: &Wire, flags: &[&str]) -> Running {
    let auth_url = format!("--auth-url={}", wire.url());
    let ours = [&*auth_url, "--listen-addr=127.0.0.1:0", "--auth-timeout=25s"];
    let config = shop_config(&patient(database.url()), &[&ours, flags].concat());
    Running::start(config.http.clone(), move || shop_service::service(&config).unwrap()).await
}

async fn migrate_auth(url: String) {
    let config = auth_config(&url, &[]);
    auth_service::command::migrations().apply(&config.database).await.unwrap();
}

async fn migrate_shop(url: String) {
    let config = shop_config(&url, &[]);
    shop_service::command::migrations().apply(&config.database).await.unwrap();
}

/// The `id` of something that was answered.
#[track_caller]
pub(crate) fn id(answered: &Value) -> Uuid {
    answered["id"].as_str().unwrap().parse().unwrap()
}

/// How many rows a table, or a part of it, has.
pub(crate) async fn count(db: &Client, table: &str) -> i64 {
    db.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap().get(0)
}

/// How many statements in this database wait for a lock.
pub(crate) async fn waiting(db: &Client) -> i64 {
    // In a transaction, the first look at the activity would be kept.
    db.batch_execute("SELECT pg_stat_clear_snapshot()").await.unwrap();
    let waiting = "pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    count(db, waiting).await
}

/// Waits until this many statements in this database wait for a lock.
pub(crate) async fn until_wait(db: &Client, statements: i64) {
    eventually("statements wait", async || (waiting(db).await == statements).then_some(())).await;
}

/// That it is a 503 that says when to try again.
#[track_caller]
pub(crate) fn expect_later(answer: &Answer) {
    answer.expect_problem(503, "unavailable");
    let seconds = answer.header("retry-after").and_then(|text| text.parse::<u32>().ok());
    assert!(seconds.is_some_and(|seconds| seconds > 0), "{answer:?}");
}

/// Sends all of them at once; the answers in their order.
pub(crate) async fn all_at_once(calls: impl IntoIterator<Item = Call>) -> Vec<Answer> {
    let mut sent = JoinSet::new();
    for (place, call) in calls.into_iter().enumerate() {
        sent.spawn(async move { (place, call.send().await) });
    }
    let mut answers = sent.join_all().await;
    answers.sort_unstable_by_key(|(place, _)| *place);
    answers.into_iter().map(|(_, answer)| answer).collect()
}
