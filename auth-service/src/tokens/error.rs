//! Errors of the token endpoint, in the words of RFC 6749 §5.2.

use chassis::DbError;
use chassis::edge::{Refusal, reply};
use proto::oauth::ErrorResponse;
use warp::http::StatusCode;
use warp::http::header::{CACHE_CONTROL, HeaderValue, PRAGMA};
use warp::reply::Response;

use crate::error;

/// Variants say what happened; [`words`] says what the client hears.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The body is no form, or is too long, or came too slowly.
    #[error("{0}")]
    Body(String),
    /// A parameter is given twice.
    #[error("a parameter is given more than once")]
    RepeatedParameter,
    /// More parameters than any request has.
    #[error("there are too many parameters")]
    TooManyParameters,
    /// A parameter holds NUL.
    #[error("a parameter contains NUL")]
    Nul,
    /// A parameter is missing or empty.
    #[error("the parameter {0} is missing")]
    MissingParameter(&'static str),
    /// Client authentication by header and form at once.
    #[error("the client authenticates in two ways at once")]
    TwoAuthentications,
    /// The client is unknown, or its secret wrong or missing.
    #[error("client authentication failed")]
    InvalidClient,
    /// A grant that this endpoint does not know.
    #[error("the grant type is not supported")]
    UnsupportedGrantType,
    /// Nobody has this e-mail.
    #[error("wrong e-mail or password")]
    UnknownUser,
    /// The user is kept from logging in.
    #[error("wrong e-mail or password")]
    DisabledUser,
    /// The password is not the user's.
    #[error("wrong e-mail or password")]
    WrongPassword,
    /// The password was changed, or the user disabled or unregistered, while it was verified.
    #[error("wrong e-mail or password")]
    Overtaken,
    /// Nothing of what was asked for was ever granted.
    #[error("none of the scopes asked for was granted")]
    NoScopeLeft,
    /// A token could not be signed.
    #[error("sign: {0}")]
    Sign(#[from] jsonwebtoken::errors::Error),
    /// What can go wrong elsewhere, too.
    #[error(transparent)]
    Service(#[from] error::Error),
}

impl From<DbError> for Error {
    fn from(error: DbError) -> Self {
        Self::Service(error.into())
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Service(error.into())
    }
}

impl Error {
    /// The outcome, as the metric's label.
    pub fn outcome(&self) -> &'static str {
        words(self).map_or("server_error", |(_, code)| code)
    }
}

/// The status and the `error` of an error that is the client's to mend; `None` for ours.
fn words(error: &Error) -> Option<(StatusCode, &'static str)> {
    Some(match error {
        Error::Body(_)
        | Error::RepeatedParameter
        | Error::TooManyParameters
        | Error::Nul
        | Error::MissingParameter(_)
        | Error::TwoAuthentications => (StatusCode::BAD_REQUEST, "invalid_request"),
        Error::InvalidClient => (StatusCode::UNAUTHORIZED, "invalid_client"),
        Error::UnsupportedGrantType => (StatusCode::BAD_REQUEST, "unsupported_grant_type"),
        Error::UnknownUser | Error::DisabledUser | Error::WrongPassword | Error::Overtaken => {
            (StatusCode::BAD_REQUEST, "invalid_grant")
        }
        Error::NoScopeLeft => (StatusCode::BAD_REQUEST, "invalid_scope"),
        Error::Sign(_) | Error::Service(_) => return None,
    })
}

impl From<Error> for Refusal {
    /// The refusal's code is the `error`, its detail the `error_description`: see [`shape`].
    fn from(error: Error) -> Self {
        let words = words(&error);
        match (error, words) {
            (Error::Service(error), _) => error.into(),
            (error, Some((StatusCode::UNAUTHORIZED, code))) => {
                Self::new(StatusCode::UNAUTHORIZED, code, error.to_string())
                    .challenge(error::basic_challenge())
            }
            (error, Some((status, code))) => Self::new(status, code, error.to_string()),
            (error, None) => Self::internal(error),
        }
    }
}

/// Paths whose errors look as RFC 6749 §5.2 says.
const PATHS: [&str; 2] = ["/token", "/login"];

/// Writes a refusal as RFC 6749 §5.2 says where the path is one of the OAuth endpoints'.
pub fn shape(path: &str, refusal: &Refusal) -> Option<Response> {
    let path = path.strip_suffix('/').unwrap_or(path);
    if !PATHS.contains(&path) {
        return None;
    }
    let status = refusal.status();
    let error = match status {
        StatusCode::SERVICE_UNAVAILABLE => "temporarily_unavailable",
        StatusCode::INTERNAL_SERVER_ERROR => "server_error",
        StatusCode::METHOD_NOT_ALLOWED | StatusCode::PAYLOAD_TOO_LARGE => "invalid_request",
        _ => &refusal.problem.code,
    };
    let body = ErrorResponse {
        error: error.to_owned(),
        error_description: refusal.problem.detail.to_string(),
    };
    Some(uncached(reply::with_status(status, &body)))
}

/// Nothing that holds a token, or says why there is none, may be kept (RFC 6749 §5.1).
pub(super) fn uncached(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_its_status_and_word() {
        let database = DbError::Unavailable("gone".to_owned());
        for (error, status, code) in [
            (Error::Body("no form".to_owned()), 400, "invalid_request"),
            (Error::RepeatedParameter, 400, "invalid_request"),
            (Error::TooManyParameters, 400, "invalid_request"),
            (Error::Nul, 400, "invalid_request"),
            (Error::MissingParameter("username"), 400, "invalid_request"),
            (Error::TwoAuthentications, 400, "invalid_request"),
            (Error::InvalidClient, 401, "invalid_client"),
            (Error::UnsupportedGrantType, 400, "unsupported_grant_type"),
            (Error::UnknownUser, 400, "invalid_grant"),
            (Error::DisabledUser, 400, "invalid_grant"),
            (Error::WrongPassword, 400, "invalid_grant"),
            (Error::Overtaken, 400, "invalid_grant"),
            (Error::NoScopeLeft, 400, "invalid_scope"),
            (Error::Service(error::Error::HashQueueFull), 503, "unavailable"),
            (Error::Service(database.into()), 503, "unavailable"),
        ] {
            let refusal = Refusal::from(error);
            assert_eq!((refusal.problem.status, &*refusal.problem.code), (status, code));
        }
    }

    #[test]
    fn who_cannot_log_in_is_never_told_why() {
        let words = Error::WrongPassword.to_string();

        for error in [Error::UnknownUser, Error::DisabledUser, Error::Overtaken] {
            assert_eq!(error.to_string(), words);
        }
    }
}
