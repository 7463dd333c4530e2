//! What wakes the workers: a job that was left here, or that another replica tells of.
//!
//! The request that leaves a job only says so; a session beside it notifies the other replicas.
//! In the request's own transaction, a notification would make all of them commit one by one.

use std::time::Duration;

use chassis::{Db, DbError};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// The channel that the replicas notify each other on.
const CHANNEL: &str = "outbox";

/// After a lost connection; meanwhile the workers find by themselves what is due.
const RECONNECT: Duration = Duration::from_secs(5);

/// Tells of jobs that were left.
pub struct Signal {
    /// Jobs may be due.
    due: watch::Sender<()>,
    /// The other replicas do not know yet.
    untold: watch::Sender<()>,
}

impl Default for Signal {
    fn default() -> Self {
        Self { due: watch::Sender::new(()), untold: watch::Sender::new(()) }
    }
}

impl Signal {
    /// A transaction of this replica has left a job; to be said after its commit.
    pub fn job_left(&self) {
        self.due.send_replace(());
        self.untold.send_replace(());
    }

    /// Changes whenever jobs may be due.
    pub fn due(&self) -> watch::Receiver<()> {
        self.due.subscribe()
    }
}

/// Passes signals on between the replicas until `stop`.
pub async fn relay(db: &Db, signal: &Signal, stop: CancellationToken) {
    let mut untold = signal.untold.subscribe();
    while !stop.is_cancelled() {
        if let Err(error) = exchange(db, signal, &mut untold, &stop).await {
            tracing::warn!(%error, "replicas do not hear of each other's jobs; they poll");
        }
        stop.run_until_cancelled(sleep(RECONNECT)).await;
    }
}

/// Hears and tells until `stop`, or until the connection is lost.
async fn exchange(
    db: &Db,
    signal: &Signal,
    untold: &mut watch::Receiver<()>,
    stop: &CancellationToken,
) -> Result<(), DbError> {
    let mut listener = db.listen(CHANNEL).await?;
    // What was left or told while nobody listened.
    signal.due.send_replace(());
    listener.notify().await?;
    loop {
        tokio::select! {
            heard = listener.heard() => match heard {
                Some(()) => signal.due.send_replace(()),
                None => return Err(DbError::Unavailable("the listener was closed".to_owned())),
            },
            Ok(()) = untold.changed() => listener.notify().await?,
            // What the last requests have left is for the others now.
            () = stop.cancelled() => return listener.notify().await,
        }
    }
}
