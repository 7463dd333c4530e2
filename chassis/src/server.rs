//! A service's process: both ports bound, the schema brought up to date, served until told to
//! stop, ended in order.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::config::{DatabaseConfig, HttpConfig};
use crate::db::{Db, MigrateError, Migrations};
use crate::edge::service::Shape;
use crate::edge::{Edge, Route};
use crate::health::Health;
use crate::metrics;
use crate::ops::{self, Ops};
use crate::serve::{HEADER_TIMEOUT, Limits, raise_limit, serve};
use crate::trace;

/// Connections to the ops port at once.
const OPS_CONNECTIONS: usize = 64;

/// How long the background work may take to end what it is at.
const BACKGROUND_GRACE: Duration = Duration::from_secs(15);

/// File descriptors beside those of clients: the pool, the ops port, the runtime's own.
const DESCRIPTORS: u64 = 128;

/// The first and the longest pause between two tries to reach the database at the start.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Work beside the requests; it ends soon after its token is cancelled.
pub type Background =
    Box<dyn FnOnce(CancellationToken) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// Records what is only known when it is asked for; it may ask the database.
pub type Observe = Box<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// Both ports, bound.
pub struct Server {
    config: HttpConfig,
    listener: TcpListener,
    ops_listener: TcpListener,
}

/// What a service is made of.
pub struct Service {
    /// Its routes.
    pub route: Route,
    /// How its refusals look where they do not look like all others.
    pub shape: Shape,
    /// Its database.
    pub db: Db,
    /// Where that is.
    pub database: DatabaseConfig,
    /// The schema it needs.
    pub migrations: Migrations,
    /// Work beside the requests.
    pub background: Option<Background>,
    /// Brings its own metrics up to date, for a scrape.
    pub observe: Option<Observe>,
}

/// A port that could not be bound.
#[derive(Debug, thiserror::Error)]
#[error("{variable}: cannot listen on {addr}: {error}; another address: {flag} 127.0.0.1:0")]
pub struct BindError {
    variable: &'static str,
    flag: &'static str,
    addr: SocketAddr,
    error: std::io::Error,
}

impl Server {
    /// Binds both ports.
    pub async fn bind(config: HttpConfig) -> Result<Self, BindError> {
        let listener = bind(config.listen_addr, "LISTEN_ADDR", "--listen-addr").await?;
        let ops_listener = bind(config.ops_addr, "OPS_ADDR", "--ops-addr").await?;
        Ok(Self { config, listener, ops_listener })
    }

    /// The address of the service, its port as it was bound.
    pub fn addr(&self) -> SocketAddr {
        self.listener.local_addr().unwrap_or(self.config.listen_addr)
    }

    /// The address of health and metrics.
    pub fn ops_addr(&self) -> SocketAddr {
        self.ops_listener.local_addr().unwrap_or(self.config.ops_addr)
    }

    /// Serves until `shutdown`; then drains, ends the background work, the pool, exports the last
    /// traces, and ends the ops port, which until then says that the service is not ready.
    pub async fn run(self, service: Service, shutdown: CancellationToken) {
        metrics::start();
        ask_for_descriptors(self.config.max_connections);
        let addr = self.addr();
        tracing::info!(%addr, ops_addr = %self.ops_addr(), "listening");
        let Self { config, listener, ops_listener } = self;
        let Service { route, shape, db, database, migrations, background, observe } = service;

        let health = Arc::new(Health::default());
        let ops = Arc::new(Ops { health: Arc::clone(&health), db: db.clone(), observe });
        let ops_shutdown = CancellationToken::new();
        let ops_limits = Limits {
            connections: OPS_CONNECTIONS,
            headers: HEADER_TIMEOUT,
            grace: Duration::from_secs(1),
        };
        let ops_edge = Edge::ops(ops::routes(&ops));
        let ops = tokio::spawn(serve(ops_listener, ops_edge, ops_limits, ops_shutdown.clone()));
        let upkeep = tokio::spawn(metrics::maintain());

        let stop_background = CancellationToken::new();
        let background = {
            let (db, health) = (db.clone(), Arc::clone(&health));
            let (shutdown, stop) = (shutdown.clone(), stop_background.clone());
            tokio::spawn(async move {
                let schema = wait_for_schema(&db, &database, &migrations);
                if shutdown.run_until_cancelled(schema).await.is_some() {
                    health.started();
                    tracing::info!("ready");
                    if let Some(background) = background {
                        background(stop).await;
                    }
                }
            })
        };

        // Not ready before it stops accepting, so that nobody is sent here any more.
        let stop_serving = CancellationToken::new();
        let notice = {
            let (health, stop) = (Arc::clone(&health), stop_serving.clone());
            tokio::spawn(async move {
                shutdown.cancelled().await;
                health.draining();
                tracing::info!("draining");
                stop.cancel();
            })
        };
        let limits = Limits {
            connections: config.max_connections,
            headers: HEADER_TIMEOUT,
            grace: config.shutdown_grace,
        };
        let (origins, proxies) = (config.cors_allowed_origins, config.trusted_proxies);
        let edge = Edge::new(route, shape, origins, proxies, health);
        let is_drained = serve(listener, edge, limits, stop_serving).await;
        if is_drained {
            tracing::info!("drained");
        } else {
            tracing::warn!("SHUTDOWN_GRACE is over; ended with requests still running");
        }
        stop_background.cancel();
        if tokio::time::timeout(BACKGROUND_GRACE, background).await.is_err() {
            tracing::warn!("ended with background work still running");
        }
        let _ = notice.await;
        db.close();
        if !trace::flush().await {
            tracing::warn!("the collector did not take the last traces");
        }
        ops_shutdown.cancel();
        let _ = ops.await;
        upkeep.abort();
        tracing::info!("ended");
    }
}

/// A connection is a file descriptor, too. Where there are fewer, idle connections make room
/// sooner.
fn ask_for_descriptors(connections: usize) {
    if let Some(files) = raise_limit()
        && files < connections as u64 + DESCRIPTORS
    {
        tracing::warn!(files, connections, "RLIMIT_NOFILE is too low for MAX_CONNECTIONS");
    }
}

async fn bind(
    addr: SocketAddr,
    variable: &'static str,
    flag: &'static str,
) -> Result<TcpListener, BindError> {
    TcpListener::bind(addr).await.map_err(|error| BindError { variable, flag, addr, error })
}

/// Brings the schema up to date, or waits until somebody has; as long as it takes.
async fn wait_for_schema(db: &Db, database: &DatabaseConfig, migrations: &Migrations) {
    let mut pause = RETRY.0;
    loop {
        match schema_is_up_to_date(db, database, migrations).await {
            Ok(true) => return,
            Ok(false) if database.migrate_on_start => tracing::error!(
                "a migration is missing below those that are applied: this binary cannot serve \
                 this schema"
            ),
            Ok(false) => tracing::warn!(
                "waiting for migrations, which are missing or others than this binary's: \
                 MIGRATE_ON_START is false"
            ),
            Err(error) => tracing::warn!(%error, "waiting for the database"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(RETRY.1);
    }
}

async fn schema_is_up_to_date(
    db: &Db,
    database: &DatabaseConfig,
    migrations: &Migrations,
) -> Result<bool, MigrateError> {
    // First, for where nothing is to be done this takes neither a session of its own nor the lock.
    if migrations.are_applied(db).await? {
        return Ok(true);
    }
    if !database.migrate_on_start {
        return Ok(false);
    }
    let applied = migrations.apply(database).await?;
    if applied > 0 {
        tracing::info!(applied, "migrated");
    }
    Ok(migrations.are_applied(db).await?)
}

/// A token that is cancelled on SIGTERM or SIGINT.
pub fn shutdown_signal() -> std::io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let cancel = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        cancel.cancel();
    });
    Ok(token)
}
