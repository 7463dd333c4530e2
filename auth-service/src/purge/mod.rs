//! What is past its time goes.

mod store;

use chassis::{Db, DbError, purge};
use tokio_util::sync::CancellationToken;

/// Purges again and again until told to stop.
pub async fn run(db: Db, stop: CancellationToken) {
    purge::run(db, &store::STATEMENTS, stop).await;
}

/// Deletes all that is past its time; says how many rows that were.
pub async fn purge(db: &Db) -> Result<u64, DbError> {
    purge::purge(db, &store::STATEMENTS).await
}
