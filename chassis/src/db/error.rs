//! What can go wrong with PostgreSQL, as far as anybody has to tell it apart.

use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;

use super::tls;

/// A statement that did not work. Holds what the log needs, never what a client may see.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// No connection could be had.
    #[error("no database connection: {0}")]
    Unavailable(String),
    /// PostgreSQL refused the statement, or the connection broke.
    #[error("database: {}", describe(.0))]
    Statement(#[from] tokio_postgres::Error),
    /// A stored value is not what it was when it was stored.
    #[error("the database holds something unreadable in {0}")]
    Unreadable(&'static str),
}

impl From<PoolError> for DbError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::Unavailable(describe(&error)),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

impl DbError {
    /// The name of the constraint that was violated.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Statement(error) => error.as_db_error()?.constraint(),
            Self::Unavailable(_) | Self::Unreadable(_) => None,
        }
    }

    /// Whether another transaction was in the way: the same again may work.
    pub fn is_conflict(&self) -> bool {
        matches!(
            self.code(),
            Some(&(SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED))
        )
    }

    /// Whether the database, not the request, is at fault, and may be well again soon.
    pub fn is_unavailable(&self) -> bool {
        let error = match self {
            Self::Unavailable(_) => return true,
            Self::Unreadable(_) => return false,
            Self::Statement(error) => error,
        };
        // A broken connection carries no SQLSTATE.
        let Some(code) = error.code() else { return error.is_closed() || is_io(error) };
        // Classes: connection exception, insufficient resources, operator intervention (among
        // them the statement timeout), lock not available, transaction rollback. And a read-only
        // server: a standby that has not been promoted yet.
        let class = &code.code()[..2];
        matches!(class, "08" | "53" | "57" | "40")
            || [SqlState::LOCK_NOT_AVAILABLE, SqlState::READ_ONLY_SQL_TRANSACTION].contains(code)
    }

    fn code(&self) -> Option<&SqlState> {
        match self {
            Self::Statement(error) => error.code(),
            Self::Unavailable(_) | Self::Unreadable(_) => None,
        }
    }
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
}

/// The server's own words; the error's `Display` says only `db error`.
pub(super) fn describe(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(db), _) => format!("{} ({})", db.message(), db.code().code()),
        (None, Some(source)) => format!("{error}: {source}{}", tls::advice(source)),
        (None, None) => error.to_string(),
    }
}
