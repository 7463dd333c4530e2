//! What is past its time goes; no port has a call for it, so it is called as the service does.

use std::time::{Duration, Instant};

use auth_service::purge::purge;
use chassis::{Db, Plans};
use devstack_postgres::testing::TestDatabase;
use devstack_testkit::database::connect;
use tokio_postgres::Client;

use crate::auth::{config, migrated};

/// A database on which no service runs, so that nobody else purges it.
struct Purged {
    db: Db,
    client: Client,
    database: TestDatabase,
}

impl Purged {
    async fn new() -> Self {
        let database = migrated().await;
        let db = Db::new(&config(database.url()).database, Plans::AsItDecides).unwrap();
        let client = connect(database.url()).await;
        let user = "INSERT INTO credentials (id, email, password_hash, attempt)
            VALUES ('00000000-0000-7000-8000-000000000000', 'ann@example.com', '', 1)";
        client.batch_execute(user).await.unwrap();
        Self { db, client, database }
    }

    /// Inserts as many sessions of this name, with these ends, counted from now.
    async fn sessions(&self, count: u32, name: &str, ended: &str, expires: &str) {
        let sql = format!(
            "INSERT INTO sessions (id, user_id, client_id, scopes, key, secret_hash, address,
                network, ended_at, expires_at)
            SELECT gen_random_uuid(), '00000000-0000-7000-8000-000000000000', '{name}', '{{}}',
                '', '', '', '', clock_timestamp() + {ended}, clock_timestamp() + {expires}
            FROM generate_series(1, {count})"
        );
        self.client.batch_execute(&sql).await.unwrap();
    }

    /// Inserts as many counts of this network, with these ends, counted from now.
    async fn counts(&self, count: u32, network: &str, waits: &str, expires: &str) {
        let sql = format!(
            "INSERT INTO throttle (kind, email, network, failures, waits_until, expires_at)
            SELECT 'pair', 'user' || number, '{network}', 1, clock_timestamp() + {waits},
                clock_timestamp() + {expires}
            FROM generate_series(1, {count}) AS number"
        );
        self.client.batch_execute(&sql).await.unwrap();
    }

    /// Inserts as many entries of this event, so old; as they come, the oldest first.
    async fn entries(&self, count: u32, event: &str, age: &str) {
        let sql = format!(
            "INSERT INTO audit (event, at) SELECT '{event}', clock_timestamp() - {age}
            FROM generate_series(1, {count})"
        );
        self.client.batch_execute(&sql).await.unwrap();
    }

    /// What is left, each name once.
    async fn left(&self, column: &str, table: &str) -> Vec<String> {
        let sql = format!("SELECT DISTINCT {column} FROM {table} ORDER BY 1");
        self.client.query(&sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
    }
}

#[tokio::test]
async fn a_session_goes_30_days_after_its_end() {
    let purged = Purged::new().await;
    for (name, ended, expires) in [
        ("a: ended long ago", "interval '-31 days'", "interval '20 days'"),
        ("b: expired long ago", "NULL", "interval '-31 days'"),
        ("c: ended after it expired long ago", "interval '-1 day'", "interval '-31 days'"),
        ("d: ended not so long ago", "interval '-29 days'", "interval '1 day'"),
        ("e: expired not so long ago", "NULL", "interval '-29 days'"),
        ("f: alive", "NULL", "interval '1 day'"),
    ] {
        purged.sessions(1, name, ended, expires).await;
    }

    assert_eq!(purge(&purged.db).await.unwrap(), 3);

    let left = purged.left("client_id", "sessions").await;
    assert_eq!(left.iter().map(|name| &name[..1]).collect::<Vec<_>>(), ["d", "e", "f"]);
}

#[tokio::test]
async fn a_count_goes_when_its_time_is_over_and_nobody_waits() {
    let purged = Purged::new().await;
    for (name, waits, expires) in [
        ("a: over", "NULL", "interval '-1 second'"),
        ("b: over, like its wait", "interval '-1 second'", "interval '-1 second'"),
        ("c: over, but not its wait", "interval '1 minute'", "interval '-1 second'"),
        ("d: not over", "interval '-1 hour'", "interval '1 minute'"),
        ("e: not over, never waited", "NULL", "interval '1 minute'"),
    ] {
        purged.counts(1, name, waits, expires).await;
    }

    assert_eq!(purge(&purged.db).await.unwrap(), 2);

    let left = purged.left("network", "throttle").await;
    assert_eq!(left.iter().map(|name| &name[..1]).collect::<Vec<_>>(), ["c", "d", "e"]);
}

#[tokio::test]
async fn an_entry_of_the_audit_log_goes_after_90_days() {
    let purged = Purged::new().await;
    purged.entries(1, "old", "interval '91 days'").await;
    purged.entries(1, "young", "interval '89 days'").await;
    purged.entries(1, "new", "interval '0'").await;

    assert_eq!(purge(&purged.db).await.unwrap(), 1);

    assert_eq!(purged.left("event", "audit").await, ["new", "young"]);
}

/// More than two batches of everything that is to go, and one of each that is to stay.
async fn many() -> Purged {
    let purged = Purged::new().await;
    purged.sessions(1300, "old", "interval '-31 days'", "interval '1 day'").await;
    purged.sessions(1, "young", "interval '-1 day'", "interval '1 day'").await;
    purged.counts(1300, "old", "NULL", "interval '-1 day'").await;
    purged.counts(1, "young", "NULL", "interval '1 day'").await;
    purged.entries(1300, "old", "interval '91 days'").await;
    purged.entries(1, "young", "interval '1 day'").await;
    purged
}

impl Purged {
    async fn expect_left(&self, names: &[&str]) {
        for (column, table) in
            [("client_id", "sessions"), ("network", "throttle"), ("event", "audit")]
        {
            assert_eq!(self.left(column, table).await, names, "{table}");
        }
    }
}

#[tokio::test]
async fn more_than_a_batch_goes_too() {
    let purged = many().await;

    assert_eq!(purge(&purged.db).await.unwrap(), 3900);

    purged.expect_left(&["young"]).await;
    assert_eq!(purge(&purged.db).await.unwrap(), 0);
}

#[tokio::test]
async fn replicas_that_purge_at_once_share_the_work() {
    let purged = many().await;

    let (one, other) = tokio::join!(purge(&purged.db), purge(&purged.db));

    assert_eq!(one.unwrap() + other.unwrap(), 3900);
    purged.expect_left(&["young"]).await;
}

#[tokio::test]
async fn a_row_that_somebody_holds_is_left_for_the_next_time() {
    let purged = many().await;
    let mut holder = connect(purged.database.url()).await;
    let held = holder.transaction().await.unwrap();
    for (table, row) in [
        ("sessions", "WHERE client_id = 'old'"),
        ("throttle", "WHERE network = 'old'"),
        ("audit", "WHERE event = 'old' ORDER BY id"),
    ] {
        let hold = format!("SELECT FROM {table} {row} LIMIT 1 FOR UPDATE");
        held.batch_execute(&hold).await.unwrap();
    }

    let started = Instant::now();
    assert_eq!(purge(&purged.db).await.unwrap(), 3897);
    // A lock is waited for 5 seconds.
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());

    purged.expect_left(&["old", "young"]).await;
    held.rollback().await.unwrap();
    assert_eq!(purge(&purged.db).await.unwrap(), 3);
    purged.expect_left(&["young"]).await;
}
