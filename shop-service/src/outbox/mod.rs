//! The outbox: jobs that a transaction leaves to be done elsewhere. It knows no business: what a
//! job does stands in [`crate::delivery`].
//!
//! A job is written in the transaction that decides it, so that neither is without the other. A
//! worker takes it for a while, does it outside any transaction, and marks it done; if the worker
//! dies, the while ends and another one takes it. So a job is done at least once.
//!
//! A job that fails is tried again, after longer and longer pauses. Some are given up: at once
//! where trying again cannot help, or when their time is over. They wait for an admin then.

pub mod signal;
pub mod store;

use std::str::FromStr;
use std::time::Duration;

use chassis::DbError;
use proto::UserId;
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::error::Error;

proto::define_id!(
    /// A job in the outbox.
    JobId
);

/// How long a worker may keep a job before others may try.
pub const LEASE: Duration = Duration::from_secs(60);

/// How long a job is tried that may be given up.
const LIFETIME: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// The longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(5 * 60);

/// A job that is to be left.
#[derive(Debug)]
pub struct NewJob {
    /// Its id.
    pub id: JobId,
    /// What is to be done.
    pub kind: &'static str,
    /// With what.
    pub payload: Value,
    /// Whose deletion makes it void.
    pub user: Option<UserId>,
    /// Whether it is given up when it does not work for three days.
    pub may_expire: bool,
}

impl NewJob {
    /// How long it is tried, in seconds; `None` is for ever.
    pub fn lifetime(&self) -> Option<f64> {
        self.may_expire.then(|| LIFETIME.as_secs_f64())
    }
}

/// A job that a worker took.
#[derive(Debug)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// With what it is to be done.
    pub payload: Value,
    /// Which try this is, from 1.
    pub attempt: i64,
    /// Until when it is the worker's; nobody else's is the same.
    pub lease: OffsetDateTime,
    /// Whether its time was over before it was taken.
    pub is_expired: bool,
}

/// Why a job is not done.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Trying again may help.
    #[error("{0}")]
    Again(String),
    /// Trying again cannot help.
    #[error("{0}")]
    Never(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Again(error.to_string())
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Error::from(error).into()
    }
}

impl From<DbError> for Failure {
    fn from(error: DbError) -> Self {
        Error::from(error).into()
    }
}

/// How many jobs of a kind there are.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Backlog {
    /// Waiting and failing.
    pub depth: i64,
    /// How old the oldest of those is, in seconds.
    pub oldest_age: f64,
    /// Given up.
    pub dead: i64,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Not tried yet.
    Waiting,
    /// Tried, without success so far.
    Failing,
    /// Given up.
    Dead,
}

impl State {
    /// As it is stored.
    fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Failing => "failing",
            Self::Dead => "dead",
        }
    }
}

impl FromStr for State {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "waiting" => Ok(Self::Waiting),
            "failing" => Ok(Self::Failing),
            "dead" => Ok(Self::Dead),
            _ => Err(()),
        }
    }
}

/// A job, as an admin sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobView {
    /// Its id.
    pub id: JobId,
    /// What is to be done.
    #[schema(example = "unregister")]
    pub kind: String,
    /// Where it stands.
    pub state: State,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next; of no meaning for a dead one.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub next_attempt_at: OffsetDateTime,
    /// Why the last try failed.
    pub last_error: Option<String>,
    /// Since when it waits.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: OffsetDateTime,
}

/// The pause after a failed try: it doubles, up to five minutes, and is spread by `jitter`, from
/// 0 to 1, so that jobs which failed together are not tried together.
pub fn pause(attempt: i64, jitter: f64) -> Duration {
    let doublings = u32::try_from(attempt.clamp(1, 16) - 1).unwrap_or(0);
    let longest = Duration::from_secs(1).saturating_mul(1 << doublings).min(PAUSE_MAX);
    longest.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_five_minutes() {
        assert_eq!(pause(1, 1.0), Duration::from_secs(1));
        assert_eq!(pause(2, 1.0), Duration::from_secs(2));
        assert_eq!(pause(9, 1.0), Duration::from_secs(256));
        assert_eq!(pause(10, 1.0), PAUSE_MAX);
        assert_eq!(pause(i64::MAX, 1.0), PAUSE_MAX);
    }

    #[test]
    fn jitter_takes_off_at_most_half() {
        assert_eq!(pause(3, 0.0), Duration::from_secs(2));
        assert_eq!(pause(3, 0.5), Duration::from_secs(3));
    }
}
