//! One connection for many who read at once.
//!
//! The driver sends what several ask without waiting for answers, and reads several answers at once;
//! so does the server. 64 readers get a third more answers than with a connection each.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::{Connection, Db, DbError};

/// So many at once on a connection: each waits for those before.
const READERS: usize = 32;

/// So long newcomers share one; then another is taken from the pool, which judges each first.
const FRESH: Duration = Duration::from_millis(100);

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
        connection.upgrade().filter(|connection| is_free && !connection.is_closed())
    }

    fn offer(&self, connection: &Arc<Connection>) {
        let offer = Offer { connection: Arc::downgrade(connection), since: Instant::now() };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(offer);
    }
}

impl Db {
    /// A connection for one statement that is quick and waits for no lock, together with others who
    /// need no more; it goes back to the pool after the last of them.
    pub async fn shared(&self) -> Result<Arc<Connection>, DbError> {
        if let Some(connection) = self.shared.join() {
            return Ok(connection);
        }
        let connection = Arc::new(self.get().await?);
        self.shared.offer(&connection);
        Ok(connection)
    }
}
