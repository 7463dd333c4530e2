//! Delivery: the worker that does the outbox's jobs, a file a kind, and what an admin sees of it.
//!
//! Each replica has a worker. It is woken by its own replica's transactions, and looks by itself
//! every few seconds for what others left.

pub mod routes;
mod unregister;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::outbox::{self, Job, store};
use crate::state::Shop;
use crate::users::UNREGISTER;

/// How often a worker looks for jobs that nobody woke it for: failed ones, those of replicas
/// that died.
const LOOK: Duration = Duration::from_secs(2);

/// `outbox_depth`: jobs that are not done.
const DEPTH: &str = "outbox_depth";
/// `outbox_oldest_age_seconds`: the age of the oldest of them.
const AGE: &str = "outbox_oldest_age_seconds";

/// Does jobs until `stop`; the one that runs then is finished.
pub async fn work(shop: Arc<Shop>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        // In a task of its own: a panic costs a job its lease, not the shop its worker.
        match tokio::spawn(take_and_do(Arc::clone(&shop))).await {
            Ok(Ok(true)) => continue,
            Ok(Ok(false)) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the outbox cannot be read"),
            Err(panic) => tracing::error!(%panic, "a job failed badly"),
        }
        tokio::select! {
            () = shop.outbox.notified() => {}
            () = tokio::time::sleep(LOOK) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Does a job that is due; says whether there was one.
async fn take_and_do(shop: Arc<Shop>) -> Result<bool, Error> {
    let job = {
        let db = shop.db.get().await?;
        observe(store::backlog(&db).await?);
        store::take(&db).await?
    };
    let Some(job) = job else { return Ok(false) };
    if let Err(error) = run(&shop, &job).await {
        let (id, kind, attempt) = (job.id, &job.kind, job.attempt);
        tracing::warn!(%id, kind, attempt, %error, "a job failed and will be tried again");
        let pause = outbox::pause(job.attempt, jitter(&job));
        store::postpone(&shop.db.get().await?, job.id, &error.to_string(), pause).await?;
    }
    Ok(true)
}

async fn run(shop: &Shop, job: &Job) -> Result<(), Error> {
    match job.kind.as_str() {
        UNREGISTER => unregister::unregister(shop, job).await,
        // Left by a newer version, which will do it.
        kind => Err(Error::Job(format!("{kind} is no kind of job this version knows"))),
    }
}

/// From 0 to 1, by the random end of the job's id.
fn jitter(job: &Job) -> f64 {
    let [.., high, low] = *job.id.0.as_bytes();
    f64::from(u16::from_be_bytes([high, low])) / f64::from(u16::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "an outbox has no 2^52 jobs")]
fn observe((depth, age): (i64, f64)) {
    metrics::gauge!(DEPTH).set(depth as f64);
    metrics::gauge!(AGE).set(age);
}
