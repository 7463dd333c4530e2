//! PostgreSQL: the pool, what can go wrong with it, listening, migrations, TLS, and what the server
//! says about itself.

mod error;
mod facts;
mod listen;
mod migrate;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime, Timeouts};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

pub use error::DbError;
pub use facts::Facts;
pub use listen::Listener;
pub use migrate::{MigrateError, Migrations};

use crate::config::DatabaseConfig;
use crate::metrics as names;

/// How long a request waits for a free connection, and for a new one.
const WAIT: Duration = Duration::from_secs(3);

/// How long what was sent may stay unacknowledged: then the connection is lost, not slow.
const LOST: Duration = Duration::from_secs(9);

/// A bound on everything a connection does, so that nothing waits for ever: a statement, a lock,
/// and a transaction that somebody forgot.
const SESSION: &str =
    "-c statement_timeout=8s -c lock_timeout=5s -c idle_in_transaction_session_timeout=15s";

/// A service's database.
#[derive(Clone)]
pub struct Db {
    pool: Pool,
    /// For connections beside the pool.
    postgres: Arc<tokio_postgres::Config>,
    tls: MakeRustlsConnect,
}

/// One connection; it goes back to the pool when it is dropped.
pub type Connection = Object;

impl Db {
    /// A pool for this database; nothing is connected yet.
    pub fn new(config: &DatabaseConfig) -> Result<Self, DbError> {
        let postgres = with_bounds(&config.postgres, SESSION);
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let tls = tls::connector(&postgres)?;
        let manager = Manager::from_config(postgres.clone(), tls.clone(), recycling);
        let pool = Pool::builder(manager)
            .max_size(config.pool_size)
            .timeouts(Timeouts { wait: Some(WAIT), create: Some(WAIT), recycle: Some(WAIT) })
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| DbError::Unavailable(error.to_string()))?;
        Ok(Self { pool, postgres: Arc::new(postgres), tls })
    }

    /// A connection, as soon as one is free.
    pub async fn get(&self) -> Result<Connection, DbError> {
        Ok(self.pool.get().await?)
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

/// `config` with server settings for its sessions and bounds on getting connected. TLS is either
/// required or off: `prefer`, the default, would speak plainly with whoever says he has no TLS.
fn with_bounds(config: &tokio_postgres::Config, session: &str) -> tokio_postgres::Config {
    let mut config = config.clone();
    if config.get_ssl_mode() != SslMode::Require {
        config.ssl_mode(SslMode::Disable);
    }
    let options = match config.get_options() {
        Some(given) => format!("{session} {given}"),
        None => session.to_owned(),
    };
    config
        .options(options)
        .connect_timeout(WAIT)
        .keepalives_idle(Duration::from_secs(15))
        .tcp_user_timeout(LOST);
    config
}
