//! The ops port, and a service whose database comes and goes.

use devstack_postgres::testing;
use devstack_testkit::{database, eventually};
use serde_json::json;
use shop_service::command::migrations;
use tokio_postgres::Client;

use crate::shop::{Shop, config, must};

/// A shop's database, seen from beside it.
struct Database {
    name: String,
    server: Client,
}

impl Database {
    async fn of(shop: &Shop) -> Self {
        let name = shop.database.name().to_owned();
        let server = shop.database.url().replace(&name, "postgres");
        Self { name, server: database::connect(&server).await }
    }

    /// Breaks every connection and refuses new ones.
    async fn go_away(&self) {
        self.run("ALTER DATABASE {} ALLOW_CONNECTIONS false").await;
        self.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'")
            .await;
    }

    async fn come_back(&self) {
        self.run("ALTER DATABASE {} ALLOW_CONNECTIONS true").await;
    }

    async fn run(&self, sql: &str) {
        must(self.server.batch_execute(&sql.replace("{}", &self.name)).await);
    }
}

#[tokio::test]
async fn a_service_that_answers_is_live_and_ready() {
    let shop = Shop::start().await;

    let live = shop.ops.get("/health/live").send().await.expect(200);
    let ready = shop.ops.get("/health/ready").send().await.expect(200);

    assert_eq!((live, ready), (json!({ "status": "live" }), json!({ "status": "ready" })));
    shop.ops.get("/user/me").send().await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn metrics_name_routes_and_never_what_is_in_a_path() {
    let shop = Shop::start().await;
    let ann = shop.customer().await;

    shop.get(&format!("/user/{}", ann.id)).bearer(&ann.token).send().await.expect(200);
    shop.get(&format!("/nothing/{}", ann.id)).send().await.expect_problem(404, "not_found");
    let metrics = shop.ops.get("/metrics").send().await;

    metrics.expect(200);
    assert!(metrics.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    let text = metrics.text();
    for part in [
        "http_server_request_duration_seconds_bucket",
        r#"http_route="/user/{id}""#,
        r#"http_request_method="GET""#,
        r#"http_response_status_code="200""#,
        "db_client_connection_count",
        "outbox_depth",
        "outbox_oldest_age_seconds",
    ] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    assert!(!text.contains(&ann.id.to_string()) && !text.contains("nothing"), "{text}");
}

#[tokio::test]
async fn an_empty_database_is_migrated_at_the_start() {
    let database = testing::database().await;

    let shop = Shop::serve(database, &["--migrate-on-start=true"]).await;
    shop.until_ready().await;

    assert_eq!(shop.get("/products/").send().await.expect(200), json!([]));
}

#[tokio::test]
async fn a_service_that_may_not_migrate_waits_until_somebody_has() {
    let database = testing::database().await;
    let config = config(database.url(), &[]);
    let shop = Shop::serve(database, &["--migrate-on-start=false"]).await;

    let early = shop.get("/products/").send().await;
    let ready = shop.ops.get("/health/ready").send().await;
    let live = shop.ops.get("/health/live").send().await;
    eventually("the service has looked for its schema", async || {
        let looked = "SELECT FROM pg_stat_activity WHERE datname = current_database()
            AND pid <> pg_backend_pid() AND query LIKE '%refinery_schema_history%'";
        shop.sql(looked, &[]).await.pop()
    })
    .await;
    let applied = must(migrations().apply(&config.database).await);
    shop.until_ready().await;

    early.expect_problem(503, "unavailable");
    assert!(early.header("retry-after").is_some());
    ready.expect_problem(503, "unavailable");
    live.expect(200);
    assert!(applied > 0);
    shop.get("/products/").send().await.expect(200);
}

#[tokio::test]
async fn while_the_database_is_away_requests_are_503_and_then_all_is_well_again() {
    let shop = Shop::start().await;
    let ann = shop.customer().await;
    let me = || shop.get("/user/me").bearer(&ann.token).send();
    me().await.expect(200);

    let database = Database::of(&shop).await;
    database.go_away().await;
    let away = eventually("the database is away", async || {
        let answer = me().await;
        (answer.status != 200).then_some(answer)
    })
    .await;
    let (still_away, ready) = (me().await, shop.ops.get("/health/ready").send().await);
    let live = shop.ops.get("/health/live").send().await;
    database.come_back().await;

    for answer in [away, still_away, ready] {
        answer.expect_problem(503, "unavailable");
        assert!(answer.header("retry-after").is_some());
        assert!(!answer.text().contains(&database.name), "{answer:?}");
    }
    live.expect(200);
    me().await.expect(200);
    shop.ops.get("/health/ready").send().await.expect(200);
}
