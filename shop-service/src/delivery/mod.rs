//! Delivery: the workers that do the outbox's jobs, a file a kind, and what an admin sees of it.
//!
//! Each replica has a lane for each kind, so that a mail server that hangs never holds up what
//! frees an e-mail. A lane is woken by whoever leaves a job, here or in another replica; sleeps
//! until the next one is due; and looks by itself from time to time, should nobody have told.
//! Kinds that only a newer version knows are left to it.

mod order_mail;
pub mod routes;
mod unregister;

use std::sync::Arc;
use std::time::Duration;

use chassis::edge::Correlation;
use chassis::purge;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::error::Error;
use crate::orders;
use crate::outbox::{self, Failure, Job, signal, store};
use crate::state::Shop;
use crate::users::UNREGISTER;

/// How long a lane sleeps at most; and at least, for a hundred orders a second must not make every
/// lane of every replica look a hundred times.
const LOOK: Duration = Duration::from_secs(10);
const BLINK: Duration = Duration::from_millis(50);

/// How long a lane sleeps when the outbox cannot be read.
const RECOVER: Duration = Duration::from_secs(2);

/// `outbox_depth`, by kind: jobs that wait or fail.
const DEPTH: &str = "outbox_depth";
/// `outbox_oldest_age_seconds`, by kind: the age of the oldest of them.
const AGE: &str = "outbox_oldest_age_seconds";
/// `outbox_dead`, by kind: jobs that were given up.
const DEAD: &str = "outbox_dead";

/// Jobs of one kind, and how many of them are done at once.
#[derive(Debug, Clone, Copy)]
struct Lane {
    kind: &'static str,
    at_once: usize,
}

const UNREGISTERING: Lane = Lane { kind: UNREGISTER, at_once: 2 };
/// Only where there is a mailer: until there is one, mail waits.
const MAILING: Lane = Lane { kind: orders::MAIL, at_once: 4 };

/// All kinds of jobs.
const KINDS: [&str; 2] = [UNREGISTER, orders::MAIL];

/// What is past its time.
const PURGE: [&str; 3] = [store::PURGE, store::PURGE_DEAD, orders::store::PURGE_KEYS];

/// Does jobs until `stop`; those that run then are finished.
pub async fn work(shop: Arc<Shop>, stop: CancellationToken) {
    let work = TaskTracker::new();
    let mailing = shop.mailer.is_some().then_some(MAILING);
    for lane in [UNREGISTERING].into_iter().chain(mailing) {
        work.spawn(keep_running(lane, Arc::clone(&shop), stop.clone()));
    }
    work.spawn(purge::run(shop.db.clone(), &PURGE, stop.clone()));
    work.close();
    tokio::join!(signal::relay(&shop.db, &shop.outbox, stop), work.wait());
}

/// A panic costs a lane a moment, not its life.
async fn keep_running(lane: Lane, shop: Arc<Shop>, stop: CancellationToken) {
    while let Err(panic) = tokio::spawn(run(lane, Arc::clone(&shop), stop.clone())).await {
        tracing::error!(%panic, kind = lane.kind, "a lane failed badly");
        stop.run_until_cancelled(sleep(RECOVER)).await;
    }
}

async fn run(lane: Lane, shop: Arc<Shop>, stop: CancellationToken) {
    let mut due = shop.outbox.due();
    let mut running = JoinSet::new();
    while !stop.is_cancelled() {
        // Before the look, so that no job left after it is missed.
        due.mark_unchanged();
        let looked = Instant::now();
        let rest = match take(lane, &shop, &mut running).await {
            Ok(rest) => rest,
            Err(error) => {
                tracing::warn!(%error, "the outbox cannot be read");
                RECOVER
            }
        };
        let has_room = running.len() < lane.at_once;
        tokio::select! {
            Some(ended) = running.join_next() => log_panic(ended),
            _ = due.changed(), if has_room => sleep_until(looked + BLINK).await,
            () = sleep(rest), if has_room => {}
            () = stop.cancelled() => {}
        }
    }
    while let Some(ended) = running.join_next().await {
        log_panic(ended);
    }
}

/// Begins as many jobs that are due as the lane has room for; says how long to sleep then.
async fn take(lane: Lane, shop: &Arc<Shop>, running: &mut JoinSet<()>) -> Result<Duration, Error> {
    let room = lane.at_once - running.len();
    if room == 0 {
        return Ok(LOOK);
    }
    let db = shop.db.get().await?;
    let jobs = store::take(&db, lane.kind, i64::try_from(room).unwrap_or(1)).await?;
    let has_more = jobs.len() == room;
    for job in jobs {
        let correlation = Correlation::of_work(lane.kind);
        let span = correlation.span();
        running.spawn(attempt(lane.kind, Arc::clone(shop), job, correlation).instrument(span));
    }
    if has_more {
        return Ok(LOOK);
    }
    Ok(store::until_due(&db, lane.kind).await?.map_or(LOOK, |rest| rest.clamp(BLINK, LOOK)))
}

/// A panic costs a job its lease, not the lane its life.
fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(panic) = ended {
        tracing::error!(%panic, "a job failed badly");
    }
}

async fn attempt(kind: &'static str, shop: Arc<Shop>, job: Job, correlation: Correlation) {
    let Err(failure) = perform(kind, &shop, &job, &correlation).await else { return };
    let (id, attempt) = (job.id, job.attempt);
    let recorded = match &failure {
        Failure::Again(error) => {
            tracing::warn!(%id, kind, attempt, error, "a job failed and will be tried again");
            postpone(&shop, &job, error).await
        }
        Failure::Never(error) => {
            tracing::error!(%id, kind, attempt, error, "a job is given up; an admin may retry it");
            give_up(&shop, &job, error).await
        }
    };
    if let Err(error) = recorded {
        // It is taken again when its lease ends.
        tracing::warn!(%id, kind, %error, "why a job failed cannot be stored");
    }
}

async fn perform(
    kind: &str,
    shop: &Shop,
    job: &Job,
    correlation: &Correlation,
) -> Result<(), Failure> {
    match (kind, &shop.mailer) {
        _ if job.is_expired => Err(Failure::Never("its time is over".to_owned())),
        (UNREGISTER, _) => unregister::unregister(shop, job, correlation).await,
        (orders::MAIL, Some(mailer)) => order_mail::send(shop, mailer, job).await,
        _ => Err(Failure::Again("no lane does this kind of job".to_owned())),
    }
}

async fn postpone(shop: &Shop, job: &Job, error: &str) -> Result<(), Error> {
    let pause = outbox::pause(job.attempt, jitter(job));
    store::postpone(&shop.db.get().await?, job, error, pause).await
}

async fn give_up(shop: &Shop, job: &Job, error: &str) -> Result<(), Error> {
    store::give_up(&shop.db.get().await?, job, error).await
}

/// From 0 to 1, by the random end of the job's id.
fn jitter(job: &Job) -> f64 {
    let [.., high, low] = *job.id.0.as_bytes();
    f64::from(u16::from_be_bytes([high, low])) / f64::from(u16::MAX)
}

/// Records how much is not done.
#[expect(clippy::cast_precision_loss, reason = "an outbox has no 2^52 jobs")]
pub async fn observe(shop: Arc<Shop>) {
    let backlog = async { store::backlog(&shop.db.get().await?).await };
    let backlog = match backlog.await {
        Ok(backlog) => backlog,
        Err(error) => return tracing::warn!(%error, "the outbox cannot be counted"),
    };
    for kind in KINDS {
        let of_kind = backlog.get(kind).copied().unwrap_or_default();
        metrics::gauge!(DEPTH, "kind" => kind).set(of_kind.depth as f64);
        metrics::gauge!(AGE, "kind" => kind).set(of_kind.oldest_age);
        metrics::gauge!(DEAD, "kind" => kind).set(of_kind.dead as f64);
    }
}
