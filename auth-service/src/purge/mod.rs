//! What is past its time goes, in small batches, by any replica, without blocking a login.

mod store;

use std::time::Duration;

use chassis::Db;
use tokio_util::sync::CancellationToken;

use crate::error::Error;

/// Between two purges.
const PAUSE: Duration = Duration::from_secs(600);

/// Rows that one statement deletes at most, so that none holds locks for long.
const BATCH: i64 = 500;

/// Purges again and again until told to stop.
pub async fn run(db: Db, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match stop.run_until_cancelled(purge(&db)).await {
            Some(Err(error)) => tracing::warn!(%error, "purge"),
            Some(Ok(0)) | None => {}
            Some(Ok(rows)) => tracing::info!(rows, "purged"),
        }
        stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
    }
}

/// Deletes all that is past its time; says how many rows that were.
pub async fn purge(db: &Db) -> Result<u64, Error> {
    let mut purged = 0;
    for statement in store::STATEMENTS {
        loop {
            // Between two batches the connection is free for whoever waits for it.
            let rows = store::delete(&db.get().await?, statement, BATCH).await?;
            purged += rows;
            if rows == 0 {
                break;
            }
        }
    }
    Ok(purged)
}
