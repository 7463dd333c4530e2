//! Places between two steps where a service waits until the test lets it go, or kills it: they are
//! in its database, so that the service is the one that is shipped.

use devstack_testkit::eventually;
use tokio_postgres::Client;

use crate::machine::{Postgres, Service};

/// A gate at which whoever comes by in a database waits. It is open once this is dropped.
pub(crate) struct Gate {
    keeper: Client,
    table: &'static str,
}

const BUILD: &str = "
    CREATE OR REPLACE FUNCTION wait_at_the_gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM pg_advisory_xact_lock(1);
        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
        RETURN NEW;
    END $$;
    SELECT pg_advisory_lock(1);";

impl Gate {
    /// Closes a gate before each such change of a row of this table.
    pub(crate) async fn close(
        keeper: Client,
        table: &'static str,
        change: &str,
        when: &str,
    ) -> Self {
        let trigger = format!(
            "{BUILD} CREATE TRIGGER the_gate BEFORE {change} ON {table} FOR EACH ROW WHEN ({when})
                EXECUTE FUNCTION wait_at_the_gate()"
        );
        keeper.batch_execute(&trigger).await.unwrap();
        Self { keeper, table }
    }

    /// Waits until somebody waits there.
    pub(crate) async fn until_reached(&self) {
        self.until_reached_by(1).await;
    }

    /// Waits until so many wait there.
    pub(crate) async fn until_reached_by(&self, count: i64) {
        let waiting = "SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event = 'advisory'";
        eventually("somebody waits at the gate", async || {
            let waiting = self.keeper.query_one(waiting, &[]).await.unwrap();
            (waiting.get::<_, i64>(0) == count).then_some(())
        })
        .await;
    }

    /// Lets everybody through.
    pub(crate) async fn open(&self) {
        self.keeper.batch_execute("SELECT pg_advisory_unlock_all()").await.unwrap();
    }

    /// Lets everybody through, and nothing is left of it.
    pub(crate) async fn remove(self) {
        self.open().await;
        let remove = format!("DROP TRIGGER the_gate ON {}", self.table);
        self.keeper.batch_execute(&remove).await.unwrap();
    }
}

impl Postgres {
    /// From now on, what is committed stands, but nobody hears of it: each commit waits for a
    /// standby that does not exist.
    pub(crate) async fn hold_commits(&self) {
        let db = self.connect("postgres").await;
        db.batch_execute("CREATE TABLE IF NOT EXISTS probes ()").await.unwrap();
        self.set("ALTER SYSTEM SET synchronous_standby_names = 'nobody'").await;
        eventually("commits are held", async || {
            let probe = self.connect("postgres").await;
            let probe = tokio::spawn(async move {
                probe.batch_execute("INSERT INTO probes DEFAULT VALUES").await
            });
            eventually("a commit is held, or is done", async || {
                let held = held_in(&db, "postgres").await;
                (held || probe.is_finished()).then_some(held)
            })
            .await
            .then_some(())
        })
        .await;
    }

    /// Waits until a commit of a service is held.
    pub(crate) async fn until_commit_is_held(&self, service: &Service) {
        let db = self.connect("postgres").await;
        eventually("a commit is held", async || {
            held_in(&db, service.database()).await.then_some(())
        })
        .await;
    }

    /// Whoever waits for a commit hears of it.
    pub(crate) async fn tell_commits(&self) {
        self.set("ALTER SYSTEM RESET synchronous_standby_names").await;
        let db = self.connect("postgres").await;
        let held = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        eventually("commits are told", async || {
            let held = db.query_one(held, &[]).await.unwrap();
            (held.get::<_, i64>(0) == 0).then_some(())
        })
        .await;
    }
}

async fn held_in(db: &Client, database: &str) -> bool {
    // The server's own housekeeping commits, too.
    let held = "SELECT count(*) > 0 FROM pg_stat_activity
        WHERE datname = $1 AND wait_event = 'SyncRep' AND backend_type = 'client backend'";
    db.query_one(held, &[&database]).await.unwrap().get(0)
}
