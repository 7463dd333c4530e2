//! Both services while PostgreSQL stops, dies, hangs or takes nobody in: 503 quickly, no restart,
//! and all is well as soon as it is.

use std::time::Duration;

use devstack_testkit::eventually;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tempfile::TempDir;
use tokio::time::timeout;
use uuid::Uuid;

use crate::cable::Cable;
use crate::machine::Postgres;
use crate::site::{Ann, PRODUCT, Site, expect_refused};

/// What a client is promised at the worst.
const HANGING: Duration = Duration::from_secs(10);

/// What takes no waiting.
const QUICKLY: Duration = Duration::from_secs(2);

/// Both services, Ann, and their PostgreSQL at the end of a cable.
struct Stage {
    site: Site,
    ann: Ann,
    cable: Cable,
    postgres: Postgres,
    _data: TempDir,
}

/// Whom the services log in as: for a superuser there is always room.
const ROLE: &str = "
    CREATE ROLE app LOGIN PASSWORD 'app';
    ALTER DATABASE auth OWNER TO app;
    ALTER DATABASE shop OWNER TO app;";

/// Ends every connection of the services, and waits for it.
const TERMINATE: &str =
    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = 'app'";

impl Stage {
    async fn set() -> Self {
        let data = tempfile::tempdir().unwrap();
        let postgres = Postgres::start(data.path()).await;
        postgres.connect("postgres").await.batch_execute(ROLE).await.unwrap();
        let cable = Cable::to(&postgres.url("postgres")).await;
        let [auth, shop] = ["auth", "shop"]
            .map(|name| format!("postgres://app:app@127.0.0.1:{}/{name}", cable.port()));
        let site = Site::start(auth, shop).await;
        let product = Uuid::now_v7();
        postgres.connect("shop").await.execute(PRODUCT, &[&product]).await.unwrap();
        let ann = site.customer(product).await;
        let stage = Self { site, ann, cable, postgres, _data: data };
        stage.site.expect_well(&stage.ann).await;
        stage
    }

    /// That whoever calls while nothing answers gets a 503 in time, far more calls than there are
    /// connections among them.
    async fn expect_refused_while_it_hangs(&self) {
        let (answers, ()) =
            tokio::join!(self.site.call(&self.ann, 6), self.site.expect_live_and_not_ready());
        expect_refused(&answers, HANGING);
        // Now that nothing is left of the connections from before.
        expect_refused(&self.site.call(&self.ann, 1).await, HANGING);
    }

    /// That it is refused at once, and all is well as soon as `mend` is done.
    async fn expect_refused_until(&self, mend: impl Future<Output = ()>) {
        self.site.until_refused(&self.ann).await;
        expect_refused(&self.site.call(&self.ann, 4).await, QUICKLY);
        self.site.expect_live_and_not_ready().await;
        mend.await;
        self.site.expect_well(&self.ann).await;
    }

    /// That the shop hears of jobs that others leave: three of them, each long before it would look
    /// by itself for a second time.
    async fn expect_shop_to_listen(&self) {
        let db = self.postgres.connect("shop").await;
        let listening = "SELECT FROM pg_stat_activity
            WHERE datname = 'shop' AND pid <> pg_backend_pid()
                AND (query LIKE 'LISTEN%' OR query LIKE '%pg_notify($1%')";
        eventually("the shop listens", async || db.query(listening, &[]).await.unwrap().pop())
            .await;
        for _ in 0..3 {
            let job = Uuid::now_v7();
            let payload = json!({ "user": Uuid::now_v7() });
            let leave = "INSERT INTO outbox (id, kind, payload, next_attempt_at)
                VALUES ($1, 'unregister', $2, clock_timestamp())";
            db.execute(leave, &[&job, &payload]).await.unwrap();
            db.batch_execute("NOTIFY outbox, 'another replica'").await.unwrap();
            let done = eventually("the job is done", async || {
                let done = "SELECT FROM outbox WHERE id = $1 AND done_at IS NOT NULL";
                db.query(done, &[&job]).await.unwrap().pop()
            });
            // Otherwise nobody has heard of it.
            timeout(Duration::from_secs(3), done).await.unwrap();
        }
    }

    async fn as_superuser(&self, statements: &str) {
        self.postgres.connect("postgres").await.batch_execute(statements).await.unwrap();
    }
}

#[tokio::test]
async fn while_postgresql_is_stopped_dead_or_full_requests_are_refused_at_once() {
    let stage = Stage::set().await;
    let Stage { postgres, .. } = &stage;

    // Connections alone that end fail nobody.
    for _ in 0..3 {
        stage.as_superuser(TERMINATE).await;
        stage.site.expect_well(&stage.ann).await;
    }

    postgres.stop().await;
    stage.expect_refused_until(postgres.start_again()).await;
    stage.expect_shop_to_listen().await;

    postgres.kill();
    stage.expect_refused_until(postgres.start_again()).await;

    // All that are allowed are somebody else's.
    stage.as_superuser(&format!("ALTER ROLE app CONNECTION LIMIT 0; {TERMINATE}")).await;
    stage.expect_refused_until(stage.as_superuser("ALTER ROLE app CONNECTION LIMIT -1")).await;
    stage.expect_shop_to_listen().await;
}

#[tokio::test]
async fn who_waits_for_a_lock_is_refused_in_time() {
    let stage = Stage::set().await;
    let (auth, shop) = (stage.postgres.connect("auth").await, stage.postgres.connect("shop").await);

    auth.batch_execute("BEGIN; LOCK TABLE credentials, sessions, throttle").await.unwrap();
    shop.batch_execute("BEGIN; LOCK TABLE users, products, cart_items").await.unwrap();
    let refused = stage.site.call(&stage.ann, 1).await;
    for db in [&auth, &shop] {
        db.batch_execute("ROLLBACK").await.unwrap();
    }

    expect_refused(&refused, HANGING);
    stage.site.expect_well(&stage.ann).await;
}

#[tokio::test]
async fn a_postgresql_that_is_frozen_is_given_up_in_time() {
    let stage = Stage::set().await;
    let db = stage.postgres.connect("postgres").await;
    let send = |pid: i32, signal| kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();

    // The one that starts others first.
    send(stage.postgres.pid(), Signal::STOP);
    let rows = db.query("SELECT pid FROM pg_stat_activity WHERE usename = 'app'", &[]).await;
    let backends: Vec<i32> = rows.unwrap().iter().map(|row| row.get("pid")).collect();
    backends.iter().for_each(|backend| send(*backend, Signal::STOP));
    stage.expect_refused_while_it_hangs().await;
    backends.iter().for_each(|backend| send(*backend, Signal::CONT));
    send(stage.postgres.pid(), Signal::CONT);

    assert!(!backends.is_empty());
    stage.site.expect_well(&stage.ann).await;
}

#[tokio::test]
async fn a_network_that_swallows_everything_is_given_up_in_time() {
    let stage = Stage::set().await;

    stage.cable.swallow();
    stage.expect_refused_while_it_hangs().await;
    stage.cable.pass();

    stage.site.expect_well(&stage.ann).await;
    stage.expect_shop_to_listen().await;
}
