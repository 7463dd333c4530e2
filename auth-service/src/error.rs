//! What can go wrong outside the token endpoint, and what the client hears of it.

use chassis::DbError;
use chassis::edge::Refusal;
use warp::http::StatusCode;

/// Named in every challenge.
pub const REALM: &str = "auth-service";

/// Variants say what happened; [`From<Error> for Refusal`] says what the client hears.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No client authenticated, where one must.
    #[error("client authentication failed")]
    InvalidClient,
    /// The client may not register anybody.
    #[error("the client has no scope auth:register")]
    NotARegistrar,
    /// Another id has this e-mail.
    #[error("the e-mail belongs to another id")]
    EmailTaken,
    /// This id has another e-mail.
    #[error("the id has another e-mail")]
    IdTaken,
    /// A later try to register has been here already.
    #[error("a later attempt was here before")]
    AttemptSuperseded,
    /// The user has logged in: the password is not for a registration to replace.
    #[error("the user has logged in already")]
    InUse,
    /// The id was unregistered, for ever.
    #[error("the id was unregistered")]
    Unregistered,
    /// As many password hashes wait as may.
    #[error("the hash queue is full")]
    HashQueueFull,
    /// A password could not be hashed.
    #[error("hash: {0}")]
    Hash(String),
    /// The database.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let conflict = |code, detail| Self::new(StatusCode::CONFLICT, code, detail);
        match error {
            Error::InvalidClient => Self::new(
                StatusCode::UNAUTHORIZED,
                "invalid_client",
                "This call needs a client: `Authorization: Basic …` with its id and secret.",
            )
            .challenge(basic_challenge()),
            Error::NotARegistrar => Self::new(
                StatusCode::FORBIDDEN,
                "insufficient_scope",
                "The client needs the scope `auth:register`.",
            ),
            Error::EmailTaken => conflict("email_taken", "The e-mail is registered already."),
            Error::IdTaken => conflict("id_taken", "The id is registered with another e-mail."),
            Error::AttemptSuperseded => {
                conflict("attempt_superseded", "A later attempt to register this user came before.")
            }
            Error::InUse => conflict(
                "already_registered",
                "The user has logged in already; the password is changed by its owner only.",
            ),
            Error::Unregistered => {
                conflict("unregistered", "The id was unregistered; register with a new one.")
            }
            Error::HashQueueFull => {
                Self::unavailable(1, "Too many passwords wait to be hashed; try again soon.")
            }
            Error::Hash(_) => Self::internal(error),
            Error::Database(error) => Self::database(&error),
        }
    }
}

/// How a client authenticates (RFC 7617 §2).
pub fn basic_challenge() -> String {
    format!("Basic realm=\"{REALM}\", charset=\"UTF-8\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_its_status_and_code() {
        let database = || DbError::Unavailable("gone".to_owned());
        for (error, status, code) in [
            (Error::InvalidClient, 401, "invalid_client"),
            (Error::NotARegistrar, 403, "insufficient_scope"),
            (Error::EmailTaken, 409, "email_taken"),
            (Error::IdTaken, 409, "id_taken"),
            (Error::AttemptSuperseded, 409, "attempt_superseded"),
            (Error::InUse, 409, "already_registered"),
            (Error::Unregistered, 409, "unregistered"),
            (Error::HashQueueFull, 503, "unavailable"),
            (Error::Hash("leaked".to_owned()), 500, "internal"),
            (Error::Database(database()), 503, "unavailable"),
        ] {
            let refusal = Refusal::from(error);
            assert_eq!((refusal.problem.status, &*refusal.problem.code), (status, code));
            assert!(!refusal.problem.detail.contains("leaked"));
        }
    }
}
