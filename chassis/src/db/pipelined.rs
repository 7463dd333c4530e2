//! A transaction that spends no round trip on its beginning, nor on its end.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};

use deadpool_postgres::Object;
use futures_util::{FutureExt, try_join};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement};

use super::DbError;

/// A transaction whose `BEGIN` goes out together with its first statements, and `COMMIT` with its
/// last; the driver's own waits for each answer. It is taken back where it is dropped without
/// [`commit`](Self::commit) or [`commit_with`](Self::commit_with).
#[derive(Debug)]
pub struct PipelinedTransaction {
    connection: Object,
    is_open: AtomicBool,
}

impl PipelinedTransaction {
    pub(super) fn new(connection: Object) -> Self {
        Self { connection, is_open: AtomicBool::new(false) }
    }

    /// Begins, and does what comes first.
    ///
    /// Should the server refuse to begin, which it does where a timeout ends at just that moment,
    /// then `first` is done nevertheless, outside of any transaction. So it may read and lock, and
    /// change what may be changed without the rest; whatever comes of it, the error is returned.
    pub async fn begin_with<T, E: From<DbError>>(
        &self,
        first: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.is_open.store(true, Ordering::Relaxed);
        let begin = async { Ok(self.batch_execute("BEGIN").await.map_err(DbError::from)?) };
        try_join!(begin, first).map(|((), value)| value)
    }

    /// Does what comes last in one statement, whose one row it gives, and makes all of it last: sent
    /// together. Should the statement fail, the server rolls back what it is asked to commit.
    ///
    /// It takes a prepared statement: one that had to be prepared first would come after `COMMIT`.
    pub async fn commit_with(
        self,
        last: &Statement,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Row, DbError> {
        let (row, ()) = try_join!(self.query_one(last, values), self.batch_execute("COMMIT"))?;
        self.is_open.store(false, Ordering::Relaxed);
        Ok(row)
    }

    /// Makes it last, with all that was done since it was begun.
    pub async fn commit(self) -> Result<(), DbError> {
        self.batch_execute("COMMIT").await?;
        self.is_open.store(false, Ordering::Relaxed);
        Ok(())
    }
}

impl Deref for PipelinedTransaction {
    type Target = Object;

    fn deref(&self) -> &Object {
        &self.connection
    }
}

impl Drop for PipelinedTransaction {
    fn drop(&mut self) {
        if *self.is_open.get_mut() {
            // It is sent at the first poll; the pool waits for the answer.
            let _ = self.connection.batch_execute("ROLLBACK").now_or_never();
        }
    }
}
