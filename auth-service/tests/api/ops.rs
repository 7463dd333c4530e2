//! The ops port, and what happens while the database is away.

use std::time::{Duration, Instant};

use devstack_postgres::testing::TestDatabase;
use devstack_testkit::database::connect;
use serde_json::json;
use tokio_postgres::{Client, NoTls};

use crate::auth::{Auth, PASSWORD, User, migrated};

/// A database that can be taken away, from the database beside it.
struct Gate {
    database: String,
    beside: Client,
}

impl Gate {
    async fn of(database: &TestDatabase) -> Self {
        let mut config: tokio_postgres::Config = database.url().parse().unwrap();
        let (beside, connection) = config.dbname("postgres").connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        Self { database: database.name().to_owned(), beside }
    }

    /// Keeps everybody out, and throws out who is in.
    async fn close(&self) {
        self.allow_connections(false).await;
        let terminate = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
            WHERE datname = $1";
        self.beside.query(terminate, &[&self.database]).await.unwrap();
    }

    async fn open(&self) {
        self.allow_connections(true).await;
    }

    async fn allow_connections(&self, are_allowed: bool) {
        let name = &self.database;
        let statement = format!("ALTER DATABASE \"{name}\" ALLOW_CONNECTIONS {are_allowed}");
        self.beside.batch_execute(&statement).await.unwrap();
    }
}

/// No request takes longer while the database is away.
const QUICKLY: Duration = Duration::from_secs(8);

async fn expect_unavailable(auth: &Auth, user: &User) {
    let started = Instant::now();

    let login = auth.login(user.email, PASSWORD).await;
    login.expect_oauth_error(503, "temporarily_unavailable");
    assert!(login.header("retry-after").is_some(), "{login:?}");
    let register = json!({ "id": user.id, "email": user.email, "password": PASSWORD });
    let register = auth.credentials(&register).await;
    register.expect_problem(503, "unavailable");
    assert!(register.header("retry-after").is_some(), "{register:?}");
    auth.unregister(&user.id).await.expect_problem(503, "unavailable");

    assert!(started.elapsed() < QUICKLY, "{:?}", started.elapsed());
}

async fn expect_live_and_not_ready(auth: &Auth) {
    auth.ops.get("/health/live").send().await.expect(200);
    let ready = auth.ops.get("/health/ready").send().await;
    ready.expect_problem(503, "unavailable");
    assert!(ready.header("retry-after").is_some(), "{ready:?}");
}

#[tokio::test]
async fn a_service_with_its_database_is_live_and_ready() {
    let auth = Auth::start().await;

    auth.ops.get("/health/live").send().await.expect(200);
    auth.ops.get("/health/ready").send().await.expect(200);
}

#[tokio::test]
async fn health_and_metrics_are_not_for_the_public() {
    let auth = Auth::start().await;

    for path in ["/health/live", "/health/ready", "/metrics"] {
        auth.api.get(path).send().await.expect_problem(404, "not_found");
    }
    auth.ops.post("/login").send().await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn while_the_database_is_away_requests_are_refused_and_then_it_goes_on() {
    let database = migrated().await;
    let gate = Gate::of(&database).await;
    let auth = Auth::start_on(database, |_| {}).await;
    auth.is_ready().await;
    let user = auth.register("ann@example.com").await;
    auth.login(user.email, PASSWORD).await.expect(200);

    gate.close().await;

    expect_live_and_not_ready(&auth).await;
    expect_unavailable(&auth, &user).await;

    gate.open().await;

    auth.is_ready().await;
    auth.login(user.email, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_service_that_starts_before_its_database_waits_for_it() {
    let database = migrated().await;
    let gate = Gate::of(&database).await;
    gate.close().await;

    let auth = Auth::start_on(database, |_| {}).await;
    let user = User { id: proto::UserId::generate().to_string(), email: "ann@example.com" };
    expect_live_and_not_ready(&auth).await;
    expect_unavailable(&auth, &user).await;
    // The documentation needs no database, but the service has not started.
    auth.api.get("/openapi.json").send().await.expect_problem(503, "unavailable");

    gate.open().await;

    auth.is_ready().await;
    auth.register(user.email).await;
    auth.login(user.email, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn without_its_schema_a_service_that_must_not_migrate_waits() {
    let database = devstack_postgres::testing::database().await;
    let url = database.url().to_owned();
    let auth = Auth::start_on(database, |config| config.database.migrate_on_start = false).await;
    expect_live_and_not_ready(&auth).await;

    let config = crate::auth::config(&url).database;
    auth_service::command::migrations().apply(&config).await.unwrap();

    auth.is_ready().await;
}

#[tokio::test]
async fn a_schema_of_a_newer_version_is_fine() {
    let database = migrated().await;
    let newer = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
        VALUES (9999, 'of_tomorrow', '2030-01-01T00:00:00Z', '1')";
    connect(database.url()).await.batch_execute(newer).await.unwrap();

    let auth = Auth::start_on(database, |_| {}).await;

    auth.is_ready().await;
}

#[tokio::test]
async fn an_empty_database_is_migrated_at_the_start() {
    let database = devstack_postgres::testing::database().await;

    let auth = Auth::start_on(database, |_| {}).await;

    auth.is_ready().await;
    auth.register("ann@example.com").await;
}
