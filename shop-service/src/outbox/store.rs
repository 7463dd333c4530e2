//! SQL of the outbox, and nothing else.

use std::time::Duration;

use deadpool_postgres::GenericClient;
use serde_json::Value;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{Job, JobId, JobView, LEASE, State};
use crate::error::Error;

const INSERT: &str = "INSERT INTO outbox (id, kind, payload) VALUES ($1, $2, $3)";

/// Leaves a job, in the caller's transaction.
pub async fn insert(db: &impl GenericClient, kind: &str, payload: &Value) -> Result<(), Error> {
    let statement = db.prepare_cached(INSERT).await?;
    db.execute(&statement, &[&JobId::generate().0, &kind, payload]).await?;
    Ok(())
}

const TAKE: &str = "
    UPDATE outbox SET attempts = attempts + 1,
        next_attempt_at = clock_timestamp() + make_interval(secs => $1)
    WHERE id = (
        SELECT id FROM outbox
        WHERE done_at IS NULL AND next_attempt_at <= clock_timestamp()
        ORDER BY next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id, kind, payload, attempts";

/// Takes a job that is due, for [`LEASE`]; those that others have taken are passed over. One at a
/// time, so that whoever stops leaves none behind that nobody does.
pub async fn take(db: &impl GenericClient) -> Result<Option<Job>, Error> {
    let statement = db.prepare_cached(TAKE).await?;
    let row = db.query_opt(&statement, &[&LEASE.as_secs_f64()]).await?;
    Ok(row.map(|row| Job {
        id: JobId(row.get("id")),
        kind: row.get("kind"),
        payload: row.get("payload"),
        attempt: row.get("attempts"),
    }))
}

// What a job carried is of no use afterwards, and may be personal.
const FINISH: &str = "
    UPDATE outbox SET done_at = clock_timestamp(), payload = '{}', last_error = NULL
    WHERE id = $1";

/// Marks a job done.
pub async fn finish(db: &impl GenericClient, job: JobId) -> Result<(), Error> {
    let statement = db.prepare_cached(FINISH).await?;
    db.execute(&statement, &[&job.0]).await?;
    Ok(())
}

const POSTPONE: &str = "
    UPDATE outbox SET last_error = $2,
        next_attempt_at = clock_timestamp() + make_interval(secs => $3)
    WHERE id = $1 AND done_at IS NULL";

/// Says why a job failed, and when to try again.
pub async fn postpone(
    db: &impl GenericClient,
    job: JobId,
    error: &str,
    pause: Duration,
) -> Result<(), Error> {
    let statement = db.prepare_cached(POSTPONE).await?;
    db.execute(&statement, &[&job.0, &error, &pause.as_secs_f64()]).await?;
    Ok(())
}

const LIST: &str = "
    SELECT id, kind, attempts, next_attempt_at, last_error, created_at FROM outbox
    WHERE done_at IS NULL AND id > $1
        AND ($3::bool IS NULL OR (last_error IS NOT NULL) = $3)
    ORDER BY id LIMIT $2";

/// Jobs that are not done, the oldest first; `state` narrows them.
pub async fn list(
    db: &impl GenericClient,
    above: Uuid,
    rows: i64,
    state: Option<State>,
) -> Result<Vec<JobView>, Error> {
    let statement = db.prepare_cached(LIST).await?;
    let is_failing = state.map(|state| state == State::Failing);
    let rows = db.query(&statement, &[&above, &rows, &is_failing]).await?;
    Ok(rows.iter().map(JobView::from_row).collect())
}

const RETRY: &str = "
    UPDATE outbox SET next_attempt_at = clock_timestamp()
    WHERE id = $1 AND done_at IS NULL
    RETURNING id, kind, attempts, next_attempt_at, last_error, created_at";

/// Makes a job due at once.
pub async fn retry(db: &impl GenericClient, job: JobId) -> Result<Option<JobView>, Error> {
    let statement = db.prepare_cached(RETRY).await?;
    let row = db.query_opt(&statement, &[&job.0]).await?;
    Ok(row.as_ref().map(JobView::from_row))
}

const BACKLOG: &str = "
    SELECT count(*) AS depth,
        coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8 AS age
    FROM outbox WHERE done_at IS NULL";

/// How many jobs are not done, and the age of the oldest in seconds.
pub async fn backlog(db: &impl GenericClient) -> Result<(i64, f64), Error> {
    let statement = db.prepare_cached(BACKLOG).await?;
    let row = db.query_one(&statement, &[]).await?;
    Ok((row.get("depth"), row.get("age")))
}

impl JobView {
    fn from_row(row: &Row) -> Self {
        let last_error: Option<String> = row.get("last_error");
        Self {
            id: JobId(row.get("id")),
            kind: row.get("kind"),
            state: if last_error.is_some() { State::Failing } else { State::Waiting },
            attempts: row.get("attempts"),
            next_attempt_at: row.get("next_attempt_at"),
            last_error,
            created_at: row.get("created_at"),
        }
    }
}
