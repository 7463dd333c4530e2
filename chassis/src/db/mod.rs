//! PostgreSQL: the pool, what can go wrong with it, transactions, listening, migrations, TLS, and
//! what the server says about itself.

mod dial;
mod error;
mod facts;
mod frames;
mod listen;
mod migrate;
mod pipelined;
mod pool;
mod shared;
mod socket;
mod tls;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Object, Pool};

pub use error::DbError;
pub use facts::Facts;
pub use listen::Listener;
pub use migrate::{MigrateError, Migrations};
pub use pipelined::PipelinedTransaction;
pub use shared::Reader;

use crate::config::DatabaseConfig;
use crate::metrics as names;
use dial::Dial;
use shared::Shared;

/// How long a request waits for a connection: until one is free, or until a new one is made.
const WAIT: Duration = Duration::from_secs(3);

/// How long a server may be silent that was asked: a second more than it lets a statement run.
const SILENCE: Duration = Duration::from_secs(9);

/// A bound on everything a connection does, so that nothing waits for ever: a statement, a lock,
/// and a transaction that somebody forgot. And what a page costs that is not the next one, where no
/// disk has to turn: at PostgreSQL's own guess of 4, a cart would read a whole table of products as
/// long as that is a small one.
const SESSION: &str = "-c statement_timeout=8s -c lock_timeout=5s \
    -c idle_in_transaction_session_timeout=15s -c random_page_cost=1.1";

/// How PostgreSQL plans a statement that was prepared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plans {
    /// Once a connection, for any parameters: for a service whose statements have plans that are
    /// good for all. A page's `LIMIT` alone would have it plan each time, which costs more than the
    /// page.
    Once,
    /// As PostgreSQL decides, by what a plan for these parameters would save.
    AsItDecides,
}

impl Plans {
    fn setting(self) -> &'static str {
        match self {
            Self::Once => " -c plan_cache_mode=force_generic_plan",
            Self::AsItDecides => "",
        }
    }
}

/// A service's database.
#[derive(Clone)]
pub struct Db {
    pool: Pool,
    /// What readers share of it.
    shared: Arc<Shared>,
    /// For connections beside the pool.
    dial: Arc<Dial>,
}

/// One connection; it goes back to the pool when it is dropped.
pub type Connection = Object;

impl Db {
    /// A pool for this database; nothing is connected yet.
    pub fn new(config: &DatabaseConfig, plans: Plans) -> Result<Self, DbError> {
        // Who lets statements run for longer lets the server be silent for longer.
        let given = config.postgres.get_tcp_user_timeout().copied();
        let session = SESSION.to_owned() + plans.setting();
        let dial = Arc::new(Dial::new(config, &session, Some(given.unwrap_or(SILENCE)))?);
        let pool = pool::pool(Arc::clone(&dial), config.pool_size)?;
        Ok(Self { pool, shared: Arc::default(), dial })
    }

    /// A connection, as soon as one is free.
    pub async fn get(&self) -> Result<Connection, DbError> {
        pool::get(&self.pool, WAIT).await
    }

    /// A transaction that is still to be begun, on a connection of its own.
    pub async fn pipelined(&self) -> Result<PipelinedTransaction, DbError> {
        Ok(PipelinedTransaction::new(self.get().await?))
    }

    /// Closes every connection as it comes back.
    pub fn close(&self) {
        self.pool.close();
    }

    /// Records the pool's state, for a scrape of the metrics.
    #[expect(clippy::cast_precision_loss, reason = "a pool has no 2^52 connections")]
    pub(crate) fn observe(&self) {
        let status = self.pool.status();
        let used = status.size.saturating_sub(status.available);
        metrics::gauge!(names::DB_CONNECTIONS, "state" => "idle").set(status.available as f64);
        metrics::gauge!(names::DB_CONNECTIONS, "state" => "used").set(used as f64);
        metrics::gauge!(names::DB_PENDING).set(status.waiting as f64);
    }
}
