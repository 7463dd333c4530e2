//! What is past its time goes, in small batches, by any replica, without blocking anybody.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{Db, DbError};

/// Between two purges.
const PAUSE: Duration = Duration::from_secs(600);

/// Rows that one statement deletes at most, so that none holds locks for long.
const BATCH: i64 = 500;

/// Purges again and again until told to stop.
///
/// Each statement deletes at most `$1` rows that are past their time, and passes over those that
/// somebody else has locked.
pub async fn run(db: Db, statements: &'static [&'static str], stop: CancellationToken) {
    while !stop.is_cancelled() {
        match stop.run_until_cancelled(purge(&db, statements)).await {
            Some(Err(error)) => tracing::warn!(%error, "purge"),
            Some(Ok(0)) | None => {}
            Some(Ok(rows)) => tracing::info!(rows, "purged"),
        }
        stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
    }
}

/// Deletes all that is past its time; says how many rows that were.
pub async fn purge(db: &Db, statements: &[&str]) -> Result<u64, DbError> {
    let mut purged = 0;
    for statement in statements {
        loop {
            // Between two batches the connection is free for whoever waits for it.
            let db = db.get().await?;
            let statement = db.prepare_cached(statement).await?;
            let rows = db.execute(&statement, &[&BATCH]).await?;
            purged += rows;
            if rows == 0 {
                break;
            }
        }
    }
    Ok(purged)
}
