//! Migrations: applied by one replica at a time, known to be applied before anything is served.

use refinery::Runner;

use super::DbError;
use super::dial::{Dial, Session, nobody};
use crate::config::DatabaseConfig;

/// One number for all migrations of a database: any replica of any version takes this lock.
const LOCK: i64 = 0x006c_6174_6368_6b65;

/// A table rewrite may take its time; waiting for somebody else's lock may not.
const SESSION: &str = "-c lock_timeout=5s";

/// The schema of a service, as a list of changes.
pub struct Migrations {
    runner: Runner,
}

/// Why the schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database could not be asked.
    #[error(transparent)]
    Database(#[from] DbError),
    /// A migration failed, and was rolled back.
    #[error("migration: {0}")]
    Migration(#[from] refinery::Error),
}

impl From<tokio_postgres::Error> for MigrateError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error.into())
    }
}

impl Migrations {
    /// The migrations that were compiled in.
    pub fn new(runner: Runner) -> Self {
        // A schema that a newer version has migrated must not stop an older one, or no rolling
        // update could ever be taken back.
        Self { runner: runner.set_abort_missing(false) }
    }

    /// Applies what is not applied yet; says how many that were.
    pub async fn apply(&self, config: &DatabaseConfig) -> Result<usize, MigrateError> {
        // Nor has it a limit for silence: a rewrite says nothing until it is done.
        let dial = Dial::new(config, SESSION, None)?;
        let Session { mut client, connection, .. } = dial.connect(&nobody()).await?;
        // Waiting for another replica's migrations is no fault, however long they take.
        client.batch_execute("SET lock_timeout = 0").await?;
        client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await?;
        client.batch_execute("SET lock_timeout = '5s'").await?;
        let report = self.runner.run_async(&mut client).await?;
        // Closing the connection gives the lock back, here and on every early return.
        drop(client);
        let _ = connection.await;
        Ok(report.applied_migrations().len())
    }

    /// Whether every migration this binary knows is applied, as it knows it; newer ones are fine.
    pub async fn are_applied(&self, db: &super::Db) -> Result<bool, DbError> {
        let known = self.runner.get_migrations().iter();
        let (versions, checksums): (Vec<i32>, Vec<String>) =
            known.map(|known| (known.version(), known.checksum().to_string())).unzip();
        let client = db.get().await?;
        let statement = client.prepare_cached(TABLE).await?;
        if !client.query_one(&statement, &[]).await?.get::<_, bool>(0) {
            return Ok(false);
        }
        let statement = client.prepare_cached(STATE).await?;
        let state = client.query_one(&statement, &[&versions, &checksums]).await?;
        let schema: Option<i32> = state.get("newest");
        if schema > versions.into_iter().max() {
            tracing::info!(schema, "a newer release has migrated the database");
        }
        Ok(state.get("are_applied"))
    }
}

const TABLE: &str = "SELECT to_regclass('refinery_schema_history') IS NOT NULL";

const STATE: &str = "
    SELECT (SELECT max(version) FROM refinery_schema_history) AS newest,
        NOT EXISTS (
            SELECT * FROM unnest($1::int[], $2::text[])
            EXCEPT SELECT version, checksum FROM refinery_schema_history
        ) AS are_applied";
