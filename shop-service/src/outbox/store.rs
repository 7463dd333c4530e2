//! SQL of the outbox, and nothing else.

use std::collections::HashMap;
use std::time::Duration;

use chassis::DbError;
use deadpool_postgres::GenericClient;
use proto::UserId;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{Backlog, Job, JobId, JobView, LEASE, LIFETIME, NewJob, State};
use crate::error::Error;

/// Leaves a job of this id, kind, payload, user and lifetime: a statement, or a part of one.
macro_rules! insert_job {
    ($id:literal, $kind:literal, $payload:literal, $user:literal, $lifetime:literal) => {
        concat!(
            "INSERT INTO outbox (id, kind, payload, user_id, expires_at) VALUES (",
            concat!($id, ", ", $kind, ", ", $payload, ", ", $user),
            ", clock_timestamp() + make_interval(secs => ",
            $lifetime,
            "))"
        )
    };
}
pub(crate) use insert_job;

const INSERT: &str = insert_job!("$1", "$2", "$3", "$4", "$5");

/// Leaves a job, in the caller's transaction.
pub async fn insert(db: &impl GenericClient, job: &NewJob) -> Result<(), Error> {
    let statement = db.prepare_cached(INSERT).await?;
    let user = job.user.map(|user| user.0);
    let lifetime = job.lifetime();
    db.execute(&statement, &[&job.id.0, &job.kind, &job.payload, &user, &lifetime]).await?;
    Ok(())
}

// Found once, whatever plan is chosen: a subquery that locks rows must not run again. By the time
// of the statement, which an index can be searched with.
const TAKE: &str = "
    UPDATE outbox SET attempts = attempts + 1,
        next_attempt_at = clock_timestamp() + make_interval(secs => $3)
    WHERE id = ANY (ARRAY(
        SELECT id FROM outbox
        WHERE kind = $1 AND done_at IS NULL AND dead_at IS NULL
            AND next_attempt_at <= statement_timestamp()
        ORDER BY next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED))
    RETURNING id, payload, attempts, next_attempt_at AS lease,
        coalesce(expires_at < clock_timestamp(), false) AS is_expired";

/// Takes as many jobs of a kind that are due, for [`LEASE`]; those that others have taken are
/// passed over.
pub async fn take(db: &impl GenericClient, kind: &str, count: i64) -> Result<Vec<Job>, Error> {
    let statement = db.prepare_cached(TAKE).await?;
    let rows = db.query(&statement, &[&kind, &count, &LEASE.as_secs_f64()]).await?;
    let job = |row: &Row| Job {
        id: JobId(row.get("id")),
        payload: row.get("payload"),
        attempt: row.get("attempts"),
        lease: row.get("lease"),
        is_expired: row.get("is_expired"),
    };
    Ok(rows.iter().map(job).collect())
}

const UNTIL_DUE: &str = "
    SELECT extract(epoch FROM min(next_attempt_at) - clock_timestamp())::float8 AS seconds
    FROM outbox WHERE kind = $1 AND done_at IS NULL AND dead_at IS NULL";

/// In how long the next job of a kind is due, or its lease ends; `None` where there is none.
pub async fn until_due(db: &impl GenericClient, kind: &str) -> Result<Option<Duration>, Error> {
    let statement = db.prepare_cached(UNTIL_DUE).await?;
    let seconds: Option<f64> = db.query_one(&statement, &[&kind]).await?.get("seconds");
    Ok(seconds.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default()))
}

// What a job carried is of no use afterwards, and may be personal.
const FINISH: &str = "
    UPDATE outbox SET done_at = clock_timestamp(), dead_at = NULL, payload = '{}', user_id = NULL,
        last_error = NULL
    WHERE id = $1 AND done_at IS NULL";

/// Marks a job done.
pub async fn finish(db: &impl GenericClient, job: JobId) -> Result<(), Error> {
    let statement = db.prepare_cached(FINISH).await?;
    db.execute(&statement, &[&job.0]).await?;
    Ok(())
}

const FINISH_ALL_FOR: &str = "
    UPDATE outbox SET done_at = clock_timestamp(), dead_at = NULL, payload = '{}', user_id = NULL,
        last_error = NULL
    WHERE user_id = $1 AND done_at IS NULL";

/// Makes void what is to be done for a user.
pub async fn finish_all_for(db: &impl GenericClient, user: UserId) -> Result<(), Error> {
    let statement = db.prepare_cached(FINISH_ALL_FOR).await?;
    db.execute(&statement, &[&user.0]).await?;
    Ok(())
}

// Whoever has lost the job, to another worker or to an admin who has it tried anew, has nothing to
// say about it any more.
const POSTPONE: &str = "
    UPDATE outbox SET last_error = $3,
        next_attempt_at = clock_timestamp() + make_interval(secs => $4)
    WHERE id = $1 AND next_attempt_at = $2 AND done_at IS NULL";

/// Says why a job failed, and when to try again.
pub async fn postpone(
    db: &impl GenericClient,
    job: &Job,
    error: &str,
    pause: Duration,
) -> Result<(), Error> {
    let statement = db.prepare_cached(POSTPONE).await?;
    let seconds = pause.as_secs_f64();
    db.execute(&statement, &[&job.id.0, &job.lease, &error, &seconds]).await?;
    Ok(())
}

// That its time is over says nothing of what was wrong before.
const GIVE_UP: &str = "
    UPDATE outbox SET last_error = left(concat_ws('; before: ', $3::text, last_error), 500),
        dead_at = clock_timestamp()
    WHERE id = $1 AND next_attempt_at = $2 AND done_at IS NULL";

/// Gives a job up, and says why.
pub async fn give_up(db: &impl GenericClient, job: &Job, error: &str) -> Result<(), Error> {
    let statement = db.prepare_cached(GIVE_UP).await?;
    db.execute(&statement, &[&job.id.0, &job.lease, &error]).await?;
    Ok(())
}

const LIST: &str = "
    SELECT id, kind, state, attempts, next_attempt_at, last_error, created_at FROM outbox
    WHERE done_at IS NULL AND id > $1 ORDER BY id LIMIT $2";

/// Jobs that are not done, the oldest first.
pub async fn list(db: &impl GenericClient, above: Uuid, rows: i64) -> Result<Vec<JobView>, Error> {
    let statement = db.prepare_cached(LIST).await?;
    let rows = db.query(&statement, &[&above, &rows]).await?;
    rows.iter().map(JobView::from_row).collect()
}

const LIST_OF_STATE: &str = "
    SELECT id, kind, state, attempts, next_attempt_at, last_error, created_at FROM outbox
    WHERE done_at IS NULL AND state = $3 AND id > $1 ORDER BY id LIMIT $2";

/// Jobs in this state, the oldest first.
pub async fn list_of_state(
    db: &impl GenericClient,
    above: Uuid,
    rows: i64,
    state: State,
) -> Result<Vec<JobView>, Error> {
    let statement = db.prepare_cached(LIST_OF_STATE).await?;
    let rows = db.query(&statement, &[&above, &rows, &state.as_str()]).await?;
    rows.iter().map(JobView::from_row).collect()
}

// One that was given up begins anew, with all its time.
const RETRY: &str = "
    UPDATE outbox SET next_attempt_at = clock_timestamp(), dead_at = NULL,
        attempts = CASE WHEN dead_at IS NULL THEN attempts ELSE 0 END,
        expires_at = CASE WHEN dead_at IS NULL OR expires_at IS NULL THEN expires_at
            ELSE clock_timestamp() + make_interval(secs => $2) END
    WHERE id = $1 AND done_at IS NULL
    RETURNING id, kind, state, attempts, next_attempt_at, last_error, created_at";

/// Makes a job due at once.
pub async fn retry(db: &impl GenericClient, job: JobId) -> Result<Option<JobView>, Error> {
    let statement = db.prepare_cached(RETRY).await?;
    let row = db.query_opt(&statement, &[&job.0, &LIFETIME.as_secs_f64()]).await?;
    row.as_ref().map(JobView::from_row).transpose()
}

const BACKLOG: &str = "
    SELECT kind, count(*) FILTER (WHERE dead_at IS NULL) AS depth,
        count(*) FILTER (WHERE dead_at IS NOT NULL) AS dead,
        coalesce(extract(epoch FROM
            clock_timestamp() - min(created_at) FILTER (WHERE dead_at IS NULL)), 0)::float8 AS age
    FROM outbox WHERE done_at IS NULL GROUP BY kind";

/// What is not done, by kind.
pub async fn backlog(db: &impl GenericClient) -> Result<HashMap<String, Backlog>, Error> {
    let statement = db.prepare_cached(BACKLOG).await?;
    let rows = db.query(&statement, &[]).await?;
    let backlog = |row: &Row| Backlog {
        depth: row.get("depth"),
        oldest_age: row.get("age"),
        dead: row.get("dead"),
    };
    Ok(rows.iter().map(|row| (row.get("kind"), backlog(row))).collect())
}

/// Deletes a batch of `$1` jobs that were done a week ago.
pub const PURGE: &str = "
    DELETE FROM outbox WHERE id = ANY (ARRAY(
        SELECT id FROM outbox WHERE done_at < statement_timestamp() - interval '7 days'
        ORDER BY done_at LIMIT $1 FOR UPDATE SKIP LOCKED))";

/// Deletes a batch of `$1` jobs that were given up long ago, and that no admin cared for.
pub const PURGE_DEAD: &str = "
    DELETE FROM outbox WHERE id = ANY (ARRAY(
        SELECT id FROM outbox WHERE dead_at < statement_timestamp() - interval '90 days'
        ORDER BY dead_at LIMIT $1 FOR UPDATE SKIP LOCKED))";

impl JobView {
    fn from_row(row: &Row) -> Result<Self, Error> {
        let state: &str = row.get("state");
        Ok(Self {
            id: JobId(row.get("id")),
            kind: row.get("kind"),
            state: state.parse().map_err(|()| DbError::Unreadable("outbox.state"))?,
            attempts: row.get("attempts"),
            next_attempt_at: row.get("next_attempt_at"),
            last_error: row.get("last_error"),
            created_at: row.get("created_at"),
        })
    }
}
