//! What can go wrong outside the token endpoint, and what the client hears of it.

use std::time::Duration;

use chassis::DbError;
use chassis::edge::Refusal;
use proto::FieldError;
use warp::http::StatusCode;

/// Named in every challenge.
pub const REALM: &str = "auth-service";

/// The codes of this service's own.
pub const CODES: [&str; 9] = [
    "invalid_client",
    "email_taken",
    "id_taken",
    "attempt_superseded",
    "already_registered",
    "unregistered",
    "client_taken",
    "client_reserved",
    "too_many_requests",
];

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
    /// A field is not what it must be.
    #[error("{}: {}", .0.field, .0.message)]
    Invalid(FieldError),
    /// Nobody has this id, or not any more.
    #[error("there is no such user")]
    UserNotFound,
    /// The caller has no such session, or not any more.
    #[error("there is no such session")]
    SessionNotFound,
    /// The session that the token is of has ended meanwhile.
    #[error("the session has ended")]
    SessionEnded,
    /// There is no such client.
    #[error("there is no such client")]
    ClientNotFound,
    /// A client has this id already.
    #[error("a client has this id")]
    ClientTaken,
    /// The id is nobody's to create or delete.
    #[error("the client exists by configuration")]
    ClientReserved,
    /// The user is unknown or disabled, or the password is not the user's.
    #[error("wrong e-mail or password")]
    WrongPassword,
    /// Too many failures: the next attempt has to wait.
    #[error("throttled")]
    Throttled(Duration),
    /// Nobody waits for the answer any more.
    #[error("the client has gone")]
    ClientGone,
    /// The operating system gave no randomness.
    #[error("no randomness")]
    NoRandomness,
    /// The database fails those who came before with the same e-mail, or from the same network.
    #[error("the database fails the attempts before")]
    TurnTooLate,
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
            Error::Invalid(error) => Self::validation(vec![error]),
            Error::UserNotFound => Self::not_found("There is no user of this id."),
            Error::SessionNotFound => {
                Self::not_found("You have no session of this id, or it has ended.")
            }
            Error::SessionEnded => Self::invalid_token(REALM),
            Error::ClientNotFound => Self::not_found("There is no client of this id."),
            Error::ClientTaken => conflict("client_taken", "A client has this id already."),
            Error::ClientReserved => conflict(
                "client_reserved",
                "This client exists by configuration; it is neither created nor deleted.",
            ),
            Error::WrongPassword => {
                let error = FieldError::new("current_password", "is not your password");
                Self::validation(vec![error])
            }
            Error::Throttled(wait) => Self::too_many_requests(
                whole_seconds(wait),
                "Too many attempts with a wrong password; wait, then try again.",
            ),
            Error::ClientGone => Self::unavailable(1, "The request was given up."),
            Error::TurnTooLate => {
                Self::unavailable(1, "Earlier attempts are not answered yet; try again soon.")
            }
            Error::HashQueueFull => {
                Self::unavailable(1, "Too many passwords wait to be hashed; try again soon.")
            }
            Error::Hash(_) | Error::NoRandomness => Self::internal(error),
            Error::Database(error) => Self::database(&error),
        }
    }
}

/// At least one, and never too few.
fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// How a client authenticates (RFC 7617 §2).
pub fn basic_challenge() -> String {
    format!("Basic realm=\"{REALM}\", charset=\"UTF-8\"")
}

#[cfg(test)]
mod tests {
    use chassis::edge::refusal;

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
            (Error::Invalid(FieldError::new("new_password", "is required")), 422, "validation"),
            (Error::UserNotFound, 404, "not_found"),
            (Error::SessionNotFound, 404, "not_found"),
            (Error::SessionEnded, 401, "invalid_token"),
            (Error::ClientNotFound, 404, "not_found"),
            (Error::ClientTaken, 409, "client_taken"),
            (Error::ClientReserved, 409, "client_reserved"),
            (Error::WrongPassword, 422, "validation"),
            (Error::Throttled(Duration::from_millis(1)), 429, "too_many_requests"),
            (Error::ClientGone, 503, "unavailable"),
            (Error::NoRandomness, 500, "internal"),
            (Error::TurnTooLate, 503, "unavailable"),
            (Error::HashQueueFull, 503, "unavailable"),
            (Error::Hash("leaked".to_owned()), 500, "internal"),
            (Error::Database(database()), 503, "unavailable"),
        ] {
            let refusal = Refusal::from(error);
            assert_eq!((refusal.problem.status, &*refusal.problem.code), (status, code));
            assert!(CODES.contains(&code) || refusal::CODES.contains(&code), "{code}");
            assert!(!refusal.problem.detail.contains("leaked"));
        }
    }

    #[test]
    fn a_wait_is_told_in_whole_seconds_and_never_too_short() {
        for (millis, seconds) in [(1, 1), (1000, 1), (1001, 2), (899_999, 900)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), seconds);
        }
    }
}
