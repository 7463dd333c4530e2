//! Errors of the token endpoint, in the words of RFC 6749 §5.2.

use chassis::DbError;
use chassis::edge::{Refusal, reply};
use proto::oauth::ErrorResponse;
use warp::http::StatusCode;
use warp::http::header::{CACHE_CONTROL, HeaderValue, PRAGMA};
use warp::reply::Response;

use crate::error;

/// What an OAuth endpoint's `error` can be: RFC 6749 §5.2, RFC 7009 §2.2.1, and for our own fault
/// and haste the words of RFC 6749 §4.1.2.1.
pub const ERRORS: [&str; 9] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unsupported_grant_type",
    "invalid_scope",
    "unsupported_token_type",
    "too_many_requests",
    "temporarily_unavailable",
    "server_error",
];

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
    /// The token needs its client's authentication.
    #[error("client authentication failed")]
    InvalidClient,
    /// The token was given to another client.
    #[error("the token was given to another client")]
    AnotherClients,
    /// A machine's access token cannot be revoked.
    #[error("a machine's access token lives to its end; delete the client instead")]
    UnsupportedTokenType,
    /// A grant that this endpoint does not know.
    #[error("the grant type is not supported")]
    UnsupportedGrantType,
    /// The refresh token is none, or not any more.
    #[error("the refresh token is not valid, or not any more; log in again")]
    InvalidRefreshToken,
    /// Others refresh the same token again and again.
    #[error("the refresh token is in use; try again")]
    Contended,
    /// The password was changed, or the user disabled or unregistered, or the client deleted,
    /// while it was verified.
    #[error("wrong e-mail or password")]
    Overtaken,
    /// A refresh asks for more than the login was granted.
    #[error("a scope that is asked for was not granted at the login")]
    ScopeOutsideFamily,
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
        Error::InvalidClient | Error::Service(error::Error::InvalidClient) => {
            (StatusCode::UNAUTHORIZED, "invalid_client")
        }
        Error::UnsupportedTokenType => (StatusCode::BAD_REQUEST, "unsupported_token_type"),
        Error::UnsupportedGrantType => (StatusCode::BAD_REQUEST, "unsupported_grant_type"),
        Error::Service(error::Error::WrongPassword)
        | Error::Overtaken
        | Error::InvalidRefreshToken
        | Error::AnotherClients => (StatusCode::BAD_REQUEST, "invalid_grant"),
        Error::NoScopeLeft | Error::ScopeOutsideFamily => {
            (StatusCode::BAD_REQUEST, "invalid_scope")
        }
        Error::Service(error::Error::Throttled(_)) => {
            (StatusCode::TOO_MANY_REQUESTS, "too_many_requests")
        }
        Error::Service(error::Error::HashQueueFull) | Error::Contended => {
            (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable")
        }
        Error::Sign(_) | Error::Service(_) => return None,
    })
}

impl From<Error> for Refusal {
    /// The refusal's code is the `error`, its detail the `error_description`: see [`shape`].
    fn from(error: Error) -> Self {
        let words = words(&error);
        match (error, words) {
            (error, Some((StatusCode::UNAUTHORIZED, code))) => {
                Self::new(StatusCode::UNAUTHORIZED, code, error.to_string())
                    .challenge(error::basic_challenge())
            }
            (Error::Contended, _) => Self::unavailable(1, Error::Contended.to_string()),
            (
                Error::Service(error @ (error::Error::Throttled(_) | error::Error::HashQueueFull)),
                _,
            )
            | (Error::Service(error), None) => error.into(),
            (error, Some((status, code))) => Self::new(status, code, error.to_string()),
            (error, None) => Self::internal(error),
        }
    }
}

/// Paths whose errors look as RFC 6749 §5.2 says.
const PATHS: [&str; 4] = ["/token", "/login", "/revoke", "/introspect"];

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
        StatusCode::METHOD_NOT_ALLOWED
        | StatusCode::REQUEST_TIMEOUT
        | StatusCode::PAYLOAD_TOO_LARGE => "invalid_request",
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
    use std::time::Duration;

    use super::*;

    const WAIT: Duration = Duration::from_secs(1);

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
            (Error::Service(error::Error::InvalidClient), 401, "invalid_client"),
            (Error::UnsupportedTokenType, 400, "unsupported_token_type"),
            (Error::AnotherClients, 400, "invalid_grant"),
            (Error::InvalidRefreshToken, 400, "invalid_grant"),
            (Error::Service(error::Error::WrongPassword), 400, "invalid_grant"),
            (Error::Overtaken, 400, "invalid_grant"),
            (Error::NoScopeLeft, 400, "invalid_scope"),
            (Error::ScopeOutsideFamily, 400, "invalid_scope"),
            (Error::Contended, 503, "unavailable"),
            (Error::Service(error::Error::Throttled(WAIT)), 429, "too_many_requests"),
            (Error::Service(error::Error::HashQueueFull), 503, "unavailable"),
            (Error::Service(database.into()), 503, "unavailable"),
        ] {
            let refusal = Refusal::from(error);
            assert_eq!((refusal.problem.status, &*refusal.problem.code), (status, code));
            assert!(ERRORS.contains(&code) || status == 503, "{code}");
        }
    }

    #[test]
    fn who_cannot_log_in_is_never_told_why() {
        let wrong = Error::Service(error::Error::WrongPassword);

        assert_eq!(Error::Overtaken.to_string(), wrong.to_string());
    }
}
