//! A machine of a test's own: PostgreSQL, which keeps what it has committed, and both services as
//! real processes. Each can be killed and started again where it was.

use std::path::Path;

use devstack_postgres::{Options, Server};
use devstack_testkit::process::{Program, Running};
use devstack_testkit::{Api, eventually};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::sync::{Mutex, watch};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use crate::config::{CLIENT_SECRET, SECRET, free_port, patient};
use crate::wire::Wire;

/// What a session of the test's own is called, to tell it from those of a service.
const OWN: &str = "application_name=the-test";

/// Whoever has died over a statement that waits is noticed before it goes on.
const NOTICE_THE_DEAD: &str = "ALTER SYSTEM SET client_connection_check_interval = '20ms'";

/// PostgreSQL, both services, and the wire between the two.
pub(crate) struct Machine {
    // In the order in which they end.
    pub(crate) shop: Service,
    pub(crate) auth: Service,
    pub(crate) wire: Wire,
    pub(crate) postgres: Postgres,
    mail: TempDir,
    _data: TempDir,
}

/// A service as a process, always at the same address.
pub(crate) struct Service {
    /// Its public side.
    pub(crate) api: Api,
    /// Health and metrics.
    pub(crate) ops: Api,
    /// The name of its command and of its database.
    name: [&'static str; 2],
    environment: Vec<(&'static str, String)>,
    /// `None` while it is dead.
    process: Mutex<Option<Running>>,
    up: watch::Sender<bool>,
}

/// A PostgreSQL of the test's own.
pub(crate) struct Postgres {
    server: Server,
    up: watch::Sender<bool>,
}

impl Machine {
    /// All of it, ready.
    pub(crate) async fn start() -> Self {
        let [data, mail] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let postgres = Postgres::start(data.path()).await;
        let hashing = [("ARGON2_MEMORY_KIB", "64".to_owned()), ("ARGON2_ITERATIONS", "1".into())];
        let [auth_url, shop_url] = ["auth", "shop"].map(|name| patient(&postgres.server.url(name)));
        let auth = Service::new(["auth-service", "auth"], auth_url, hashing.into());
        let wire = Wire::to(auth.api.addr()).await;
        let own = vec![
            ("AUTH_URL", wire.url()),
            ("AUTH_TIMEOUT", "25s".to_owned()),
            ("MAIL_URL", format!("file://{}", mail.path().display())),
        ];
        let shop = Service::new(["shop-service", "shop"], shop_url, own);
        tokio::join!(auth.start(), shop.start());
        Self { shop, auth, wire, postgres, mail, _data: data }
    }

    /// Waits until nothing is down.
    pub(crate) async fn up(&self) {
        for up in [&self.postgres.up, &self.auth.up, &self.shop.up] {
            up.subscribe().wait_for(|up| *up).await.unwrap();
        }
    }

    /// Where the shop's mail goes.
    pub(crate) fn mail(&self) -> &Path {
        self.mail.path()
    }

    /// A product of which there are this many, put into the shop's database.
    pub(crate) async fn product(&self, price: i32, quantity: i64) -> Uuid {
        let product = Uuid::now_v7();
        let insert = "
            WITH paper AS (
                INSERT INTO categories (id, name, name_key) VALUES ($1, 'Paper', 'paper')
                ON CONFLICT (name_key) DO UPDATE SET name = 'Paper' RETURNING id)
            INSERT INTO products (id, name, description, price, quantity, category_id)
            SELECT $1, 'Notebook', '', $2::int * 1.15, $3, id FROM paper";
        self.shop_db().await.execute(insert, &[&product, &price, &quantity]).await.unwrap();
        product
    }

    /// A connection to the shop's database.
    pub(crate) async fn shop_db(&self) -> Client {
        self.postgres.connect("shop").await
    }

    /// A connection to auth's.
    pub(crate) async fn auth_db(&self) -> Client {
        self.postgres.connect("auth").await
    }
}

impl Service {
    /// One that is not started yet, on the database of this URL, with variables of its own.
    pub(crate) fn new(
        name: [&'static str; 2],
        database_url: String,
        own: Vec<(&'static str, String)>,
    ) -> Self {
        let [addr, ops_addr] = [(); 2].map(|()| format!("127.0.0.1:{}", free_port()));
        let [api, ops] = [&addr, &ops_addr].map(|addr| Api::at(addr.parse().unwrap()));
        let mut environment = vec![
            ("LISTEN_ADDR", addr),
            ("OPS_ADDR", ops_addr),
            ("DATABASE_URL", database_url),
            ("TOKEN_SECRETS", SECRET.to_owned()),
            ("REGISTRATION_CLIENT_SECRET", CLIENT_SECRET.to_owned()),
        ];
        environment.extend(own);
        Self {
            api,
            ops,
            name,
            environment,
            process: Mutex::default(),
            up: watch::Sender::new(false),
        }
    }

    /// The name of its database.
    pub(crate) fn database(&self) -> &'static str {
        self.name[1]
    }

    /// Starts it, unless it runs, and waits until it is ready.
    pub(crate) async fn start(&self) {
        let mut process = self.process.lock().await;
        if process.is_none() {
            let mut program = Program::new(env!("CARGO_BIN_EXE_devstack"));
            program = program.args(&[self.name[0], "serve"]);
            for (name, value) in &self.environment {
                program = program.env(name, value);
            }
            process.insert(program.start()).line(": ready").await;
            self.up.send_replace(true);
        }
    }

    /// Sends it SIGKILL. What its sessions have begun in the database may still go on.
    pub(crate) async fn kill(&self) {
        self.up.send_replace(false);
        if let Some(process) = self.process.lock().await.take() {
            process.kill().await;
        }
    }
}

impl Postgres {
    /// One with an empty database for each service.
    pub(crate) async fn start(folder: &Path) -> Self {
        // Unlike the tests' other server, which may lose all in a crash.
        let server = Server::start(Options::durable(folder), |_| {}).await.unwrap();
        for database in ["auth", "shop"] {
            server.create_database_if_absent(database).await.unwrap();
        }
        let postgres = Self { server, up: watch::Sender::new(true) };
        postgres.set(NOTICE_THE_DEAD).await;
        postgres
    }

    /// The URL of a database, with all rights.
    pub(crate) fn url(&self, name: &str) -> String {
        self.server.url(name)
    }

    /// The folder of its programs.
    pub(crate) fn programs(&self) -> &Path {
        self.server.programs()
    }

    /// The process.
    pub(crate) fn pid(&self) -> i32 {
        self.server.pid().unwrap()
    }

    /// A connection of the test's own.
    pub(crate) async fn connect(&self, name: &str) -> Client {
        self.try_connect(name).await.unwrap()
    }

    /// The same, where it may be down.
    pub(crate) async fn try_connect(&self, name: &str) -> Option<Client> {
        let url = format!("{}?{OWN}", self.server.url(name));
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.ok()?;
        tokio::spawn(connection);
        Some(client)
    }

    /// Changes a setting of the server's.
    pub(crate) async fn set(&self, setting: &str) {
        let db = self.connect("postgres").await;
        db.batch_execute(setting).await.unwrap();
        db.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    }

    /// Waits until a service that has died has no session in its database any more: until nothing
    /// that it has begun can still be done.
    pub(crate) async fn until_forgotten(&self, service: &Service) {
        let db = self.connect("postgres").await;
        let sessions = "SELECT count(*) FROM pg_stat_activity
            WHERE datname = $1 AND backend_type = 'client backend'
                AND application_name <> 'the-test'";
        eventually("its sessions have ended", async || {
            let sessions = db.query_one(sessions, &[&service.database()]).await.unwrap();
            (sessions.get::<_, i64>(0) == 0).then_some(())
        })
        .await;
    }

    /// Stops it in order.
    pub(crate) async fn stop(&self) {
        self.up.send_replace(false);
        self.server.stop().await.unwrap();
    }

    /// Sends it SIGKILL; its sessions end as they notice.
    pub(crate) fn kill(&self) {
        self.up.send_replace(false);
        let pid = Pid::from_raw(self.pid()).unwrap();
        kill_process(pid, Signal::KILL).unwrap();
    }

    /// Starts it again. After a SIGKILL it recovers from its log first, once the last of its old
    /// sessions has ended.
    pub(crate) async fn start_again(&self) {
        eventually("PostgreSQL is back", async || {
            self.server.start_again().await.ok()?;
            self.try_connect("postgres").await
        })
        .await;
        self.up.send_replace(true);
    }
}
