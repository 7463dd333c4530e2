//! The PostgreSQL that all share: durable, as in production.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use devstack_postgres::{Options, Server, erase};
use indicatif::ProgressBar;
use tokio_postgres::{Client, NoTls};

/// Room for all peers' pools at once, a cache that the largest tables fit in, what a page costs on a
/// disk that does not turn, and neither a checkpoint nor a vacuum by the clock: each round that writes
/// begins with both. fsync and synchronous_commit are on.
const SETTINGS: [(&str, &str); 6] = [
    ("max_connections", "300"),
    ("shared_buffers", "1GB"),
    ("random_page_cost", "1.1"),
    ("max_wal_size", "8GB"),
    ("checkpoint_timeout", "1h"),
    ("autovacuum", "off"),
];

/// A server that runs.
pub(crate) struct Postgres {
    server: Server,
}

impl Postgres {
    /// A new one, empty, in this folder; what an earlier run left there is deleted.
    pub(crate) async fn start(folder: &Path, bar: &ProgressBar) -> Result<Self> {
        let data = folder.join("postgres");
        erase(&data)?;
        let shown = bar.clone();
        let tell = move |step: devstack_postgres::Step| shown.set_message(step.to_string());
        let server = Server::start(Options::durable(&data), tell).await?;
        let postgres = Self { server };
        let admin = postgres.connect("postgres").await?;
        for (name, value) in SETTINGS {
            admin.batch_execute(&format!("ALTER SYSTEM SET {name} = '{value}'")).await?;
        }
        drop(admin);
        postgres.server.stop().await?;
        postgres.server.start_again().await?;
        Ok(postgres)
    }

    pub(crate) async fn create(&self, database: &str) -> Result<()> {
        Ok(self.server.create_database_if_absent(database).await?)
    }

    pub(crate) fn url(&self, database: &str) -> String {
        self.server.url(database)
    }

    pub(crate) fn version(&self) -> &str {
        self.server.version()
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.server.pid().and_then(|pid| pid.try_into().ok())
    }

    /// What the server writes about itself.
    pub(crate) fn log(&self) -> PathBuf {
        self.server.folder().join("server.log")
    }

    /// The folder of `pgbench`, where it is installed.
    pub(crate) fn programs(&self) -> &Path {
        self.server.programs()
    }

    /// A connection as the superuser.
    pub(crate) async fn connect(&self, database: &str) -> Result<Client> {
        let connected = tokio_postgres::connect(&self.url(database), NoTls).await;
        let (client, connection) = connected.with_context(|| format!("cannot open {database}"))?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Runs statements, one after the other.
    pub(crate) async fn execute(&self, database: &str, sql: &str) -> Result<()> {
        let client = self.connect(database).await?;
        client.batch_execute(sql).await.with_context(|| format!("in {database}: {sql}"))
    }

    /// A number.
    pub(crate) async fn count(&self, database: &str, sql: &str) -> Result<u64> {
        let client = self.connect(database).await?;
        let count: i64 = client.query_one(sql, &[]).await?.get(0);
        Ok(count.try_into()?)
    }
}
