//! The pool: what it makes connections with, and which of them it hands out again.
//!
//! One goes back while it still answers somebody who has given up, or while its transaction is
//! being rolled back. Another is closed where the server has said that it does not write, or where
//! it may be as dead as one that was given up. Each is judged when it is asked for next.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use deadpool_postgres::{
    ClientWrapper, Connect, Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod,
    StatementCache,
};
use tokio::task::JoinHandle;
use tokio::task_local;
use tokio::time::timeout;
use tokio_postgres::{Client, Config, Error, NoTls};

use super::DbError;
use super::dial::{Dial, Session, nobody};
use super::watch::Watch;

/// How long a connection that comes back busy may take to come to its end.
const END: Duration = Duration::from_millis(200);

task_local! {
    /// What became of the connection that is being made for this request: the driver's own types
    /// have no room for it.
    static MADE: RefCell<Option<Result<Arc<Watch>, DbError>>>;
}

/// A pool of at most so many connections.
pub(super) fn pool(dial: Arc<Dial>, size: usize) -> Result<Pool, DbError> {
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_connect(Config::new(), Dialer(dial), recycling);
    let known = Arc::<Watches>::default();
    let knowing = Arc::clone(&known);
    Pool::builder(manager)
        .max_size(size)
        .post_create(Hook::sync_fn(move |client, _| {
            if let Ok(Some(Ok(watch))) = MADE.try_with(RefCell::take) {
                known.insert(client, watch);
            }
            Ok(())
        }))
        .pre_recycle(Hook::async_fn(move |client, _| {
            let watch = knowing.of(client);
            Box::pin(async move {
                match watch {
                    Some(watch) if !is_fit(client, &watch).await => {
                        Err(HookError::message("not fit for anybody else"))
                    }
                    _ => Ok(()),
                }
            })
        }))
        .build()
        .map_err(|error| DbError::Unavailable(error.to_string()))
}

/// A connection, within this time.
pub(super) async fn get(pool: &Pool, within: Duration) -> Result<Object, DbError> {
    let get = async {
        let got = pool.get().await;
        got.map_err(|error| match MADE.try_with(RefCell::take) {
            Ok(Some(Err(reason))) => reason,
            _ => error.into(),
        })
    };
    match timeout(within, MADE.scope(RefCell::default(), get)).await {
        Ok(got) => got,
        Err(_) => Err(DbError::Unavailable(format!("none was free within {within:?}"))),
    }
}

/// Whether somebody else may have it, now or soon.
async fn is_fit(client: &ClientWrapper, watch: &Watch) -> bool {
    if watch.is_busy() && !client.is_closed() {
        // What is under way comes to its end before this.
        let _ = timeout(END, client.simple_query("")).await;
    }
    watch.is_fit()
}

/// The watch of each connection, which is told by its cache of statements.
#[derive(Default)]
struct Watches(Mutex<Vec<(Weak<StatementCache>, Arc<Watch>)>>);

impl Watches {
    fn insert(&self, client: &ClientWrapper, watch: Arc<Watch>) {
        let mut watches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watches.retain(|(cache, _)| cache.strong_count() > 0);
        watches.push((Arc::downgrade(&client.statement_cache), watch));
    }

    fn of(&self, client: &ClientWrapper) -> Option<Arc<Watch>> {
        let watches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = Arc::as_ptr(&client.statement_cache);
        let found = watches.iter().find(|(cache, _)| cache.as_ptr() == own);
        found.map(|(_, watch)| Arc::clone(watch))
    }
}

struct Dialer(Arc<Dial>);

type Made<'a> = Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + 'a>>;

impl Connect for Dialer {
    fn connect(&self, no_hosts: &Config) -> Made<'_> {
        let no_hosts = no_hosts.clone();
        Box::pin(async move {
            let reason = match self.0.connect(&nobody()).await {
                Ok(Session { client, connection, watch }) => {
                    tell(Ok(watch));
                    return Ok((client, connection));
                }
                Err(reason) => reason,
            };
            tell(Err(reason));
            // Where there is no host there is only an error, and the driver's own at that.
            let (client, connection) = no_hosts.connect(NoTls).await?;
            Ok((client, tokio::spawn(async move { drop(connection.await) })))
        })
    }
}

fn tell(made: Result<Arc<Watch>, DbError>) {
    let _ = MADE.try_with(|told| told.replace(Some(made)));
}
