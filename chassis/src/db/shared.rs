//! One connection for many who read at once.
//!
//! The driver sends what several ask without waiting for answers, and reads several answers at once;
//! so does the server. 64 readers get a third more answers than with a connection each.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::{Connection, Db, DbError};

/// So many at once on a connection: each waits for those before.
const READERS: usize = 32;

/// So long newcomers share one; then another is taken from the pool, which judges each first, and
/// gives it to whoever has waited longest.
const FRESH: Duration = Duration::from_millis(10);

/// How long one waits for an answer, those before counted: as long as a statement may wait for a lock
/// (somebody's on the whole table), or all of them would wait so long one after the other.
const PATIENCE: Duration = Duration::from_secs(5);

/// The connection that newcomers share.
#[derive(Default)]
pub(super) struct Shared(Mutex<Option<Offer>>);

struct Offer {
    connection: Weak<Connection>,
    since: Instant,
}

impl Shared {
    fn join(&self) -> Option<Arc<Connection>> {
        let offer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Offer { connection, since } = offer.as_ref()?;
        let is_free = connection.strong_count() < READERS && since.elapsed() < FRESH;
        connection.upgrade().filter(|_| is_free)
    }

    fn offer(&self, connection: &Arc<Connection>) {
        let offer = Offer { connection: Arc::downgrade(connection), since: Instant::now() };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(offer);
    }
}

/// A connection over which others read, too; it goes back to the pool after the last of them.
pub struct Reader(Arc<Connection>);

impl Reader {
    /// The answer to one statement on this connection, which is quick and locks nothing.
    pub async fn read<T, E: From<DbError>>(
        &self,
        answer: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let late = || DbError::Unavailable(format!("no answer within {PATIENCE:?}"));
        timeout(PATIENCE, answer).await.unwrap_or_else(|_| Err(late().into()))
    }
}

impl Deref for Reader {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}

impl Db {
    /// A connection for one statement, together with others who need no more.
    pub async fn reader(&self) -> Result<Reader, DbError> {
        if let Some(connection) = self.shared.join() {
            return Ok(Reader(connection));
        }
        let connection = Arc::new(self.get().await?);
        self.shared.offer(&connection);
        Ok(Reader(connection))
    }
}
