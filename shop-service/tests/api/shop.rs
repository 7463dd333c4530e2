//! A shop on a database of its own, served by the test's process.

use std::fmt::Debug;
use std::ops::Deref;

use chassis::Server;
use chassis::config::Faults;
use clap::builder::Resettable;
use clap::{Args, Command, FromArgMatches};
use devstack_postgres::testing::{TestDatabase, database_from_template};
use devstack_testkit::http::Call;
use devstack_testkit::{Answer, Api, database, eventually};
use serde_json::json;
use shop_service::config::{Config, Settings};
use tokio::task::JoinSet;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use crate::mint::{self, ISSUER, OLDER, SECRET};

/// Nobody listens there.
pub(crate) const CLOSED: &str = "127.0.0.1:1";

/// A running shop, to be called as the [`Api`] it is; it ends when it is dropped.
pub(crate) struct Shop {
    replica: Replica,
    /// Its database, to arrange what a test needs and to see what came of it.
    pub(crate) db: Client,
    /// Where that is.
    pub(crate) database: TestDatabase,
}

/// What runs of it: one, or more on the same database.
pub(crate) struct Replica {
    api: Api,
    /// Its ops port.
    pub(crate) ops: Api,
    _stop: DropGuard,
}

/// Somebody with a profile.
pub(crate) struct Person {
    pub(crate) id: Uuid,
    pub(crate) email: String,
    pub(crate) token: String,
}

impl Shop {
    /// A shop that is ready.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A shop that is ready, with flags of its own.
    pub(crate) async fn start_with(flags: &[&str]) -> Self {
        let database = database_from_template("shop", migrate).await;
        let shop = Self::serve(database, flags).await;
        shop.until_ready().await;
        shop
    }

    /// A shop on this database, which may still be starting.
    pub(crate) async fn serve(database: TestDatabase, flags: &[&str]) -> Self {
        let replica = Replica::serve(&database, flags).await;
        let db = database::connect(database.url()).await;
        Self { replica, db, database }
    }

    /// Somebody who may shop.
    pub(crate) async fn customer(&self) -> Person {
        self.person("active", "shop").await
    }

    /// Somebody who may shop and manage the shop.
    pub(crate) async fn admin(&self) -> Person {
        self.person("active", "shop shop:admin").await
    }

    /// Somebody whose profile is in this state, with a token of these scopes.
    pub(crate) async fn person(&self, state: &str, scopes: &str) -> Person {
        let id = Uuid::now_v7();
        let email = format!("{}@example.com", id.simple());
        let insert = "INSERT INTO users (id, email, name, state) VALUES ($1, $2, 'Ann Lee', $3)";
        self.sql(insert, &[&id, &email, &state]).await;
        Person { id, email, token: mint::person(id, scopes) }
    }

    /// A category without products.
    pub(crate) async fn category(&self) -> Uuid {
        let id = Uuid::now_v7();
        let name = format!("Category {}", id.simple());
        self.sql(
            "INSERT INTO categories (id, name, name_key) VALUES ($1, $2, lower($2))",
            &[&id, &name],
        )
        .await;
        id
    }

    /// A product on sale, in a category of its own.
    pub(crate) async fn product(&self, price: &str, quantity: i64) -> Uuid {
        let (id, category) = (Uuid::now_v7(), self.category().await);
        let insert = "INSERT INTO products (id, name, description, price, quantity, category_id)
            VALUES ($1, 'Notebook', '80 pages', $2::text::numeric, $3, $4)";
        self.sql(insert, &[&id, &price, &quantity, &category]).await;
        id
    }

    /// Puts this many of a product into somebody's cart.
    pub(crate) fn add(&self, person: &Person, product: Uuid, quantity: i64) -> Call {
        let body = json!({ "product_id": product, "quantity": quantity });
        self.post("/cart/items").bearer(&person.token).json(&body)
    }

    /// One more replica, ready.
    pub(crate) async fn another(&self) -> Replica {
        let replica = Replica::serve(&self.database, &[]).await;
        replica.until_ready().await;
        replica
    }

    /// Waits until this many statements wait for a lock.
    pub(crate) async fn until_waiting(&self, statements: i64) {
        let waiting = "pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        eventually("statements wait", async || {
            // In a transaction, the first look at the activity would be kept.
            must(self.db.batch_execute("SELECT pg_stat_clear_snapshot()").await);
            (self.count(waiting).await == statements).then_some(())
        })
        .await;
    }

    /// How many of a product there are.
    pub(crate) async fn stock(&self, product: Uuid) -> i64 {
        self.one("SELECT quantity FROM products WHERE id = $1", &[&product]).await.get(0)
    }

    /// How many rows a table, or a part of it, has.
    pub(crate) async fn count(&self, table: &str) -> i64 {
        self.one(&format!("SELECT count(*) FROM {table}"), &[]).await.get(0)
    }

    /// Everything that is stored, as a fingerprint: equal where nothing has changed.
    pub(crate) async fn stored(&self) -> Vec<String> {
        let mut stored = Vec::new();
        for table in [
            "users",
            "categories",
            "products",
            "cart_items",
            "orders",
            "order_items",
            "order_history",
            "idempotency_keys",
            "outbox",
        ] {
            let rows = "SELECT coalesce(string_agg(t::text, ';' ORDER BY t::text), '')";
            stored.push(self.one(&format!("{rows} FROM {table} t"), &[]).await.get(0));
        }
        stored
    }

    /// Runs a statement and gives its rows.
    pub(crate) async fn sql(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Vec<Row> {
        must(self.db.query(sql, values).await)
    }

    /// Runs a statement that gives one row.
    pub(crate) async fn one(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Row {
        must(self.db.query_one(sql, values).await)
    }
}

impl Replica {
    async fn serve(database: &TestDatabase, flags: &[&str]) -> Self {
        let config = config(database.url(), flags);
        let server = must(Server::bind(config.http.clone()).await);
        let (api, ops) = (Api::at(server.addr()), Api::at(server.ops_addr()));
        let stop = CancellationToken::new();
        let service = must(shop_service::service(&config));
        tokio::spawn(server.run(service, stop.clone()));
        Self { api, ops, _stop: stop.drop_guard() }
    }

    /// Waits until requests can be answered.
    pub(crate) async fn until_ready(&self) {
        eventually("the shop is ready", async || {
            let answer = self.ops.get("/health/ready").send().await;
            (answer.status == 200).then_some(())
        })
        .await;
    }

    /// Orders what is in somebody's cart.
    pub(crate) fn order(&self, person: &Person) -> Call {
        let body = json!({ "shipping_address": "1 Main Street" });
        self.api.post("/orders/").bearer(&person.token).json(&body)
    }
}

impl Deref for Replica {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.api
    }
}

impl Deref for Shop {
    type Target = Replica;

    fn deref(&self) -> &Replica {
        &self.replica
    }
}

/// The configuration as these flags give it, whatever the environment of the tests holds.
pub(crate) fn config(database_url: &str, flags: &[&str]) -> Config {
    let database_url = format!("--database-url={database_url}");
    let secrets = format!("--token-secrets={SECRET},{OLDER}");
    let issuer = format!("--token-issuer={ISSUER}");
    let auth_url = format!("--auth-url=http://{CLOSED}");
    let ours = [
        "shop-service",
        "--listen-addr=127.0.0.1:0",
        "--ops-addr=127.0.0.1:0",
        "--registration-client-secret=the shop's own secret at the auth service",
        "--migrate-on-start=false",
        // Requests at once are more than that where it matters, on any machine.
        "--database-pool-size=8",
        &database_url,
        &secrets,
        &issuer,
        &auth_url,
    ];
    let command = Settings::augment_args(Command::new("shop-service"))
        .args_override_self(true)
        .mut_args(|flag| flag.env(Resettable::Reset));
    let matches = must(command.try_get_matches_from(ours.iter().chain(flags)));
    let settings = must(Settings::from_arg_matches(&matches));
    let mut faults = Faults::default();
    let config = settings.read(&mut faults);
    must(faults.or(config))
}

/// Brings a new database's schema up to date.
pub(crate) async fn migrate(url: String) {
    let config = config(&url, &[]);
    must(shop_service::command::migrations().apply(&config.database).await);
}

/// Sends all of them before the first is answered.
pub(crate) async fn all_at_once(calls: impl IntoIterator<Item = Call>) -> Vec<Answer> {
    calls.into_iter().map(Call::send).collect::<JoinSet<Answer>>().join_all().await
}

/// How many answers have each status, in the order of `statuses`; there must be no others.
#[track_caller]
pub(crate) fn tally<const N: usize>(answers: &[Answer], statuses: [u16; N]) -> [usize; N] {
    for answer in answers {
        assert!(statuses.contains(&answer.status), "{answer:?}");
    }
    statuses.map(|status| answers.iter().filter(|answer| answer.status == status).count())
}

/// The value, or the test's end.
#[track_caller]
pub(crate) fn must<T>(result: Result<T, impl Debug>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error:?}"),
    }
}
