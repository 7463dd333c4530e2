//! An error on its way out.
//!
//! Guards reject with one, errors of the services turn into one, and [`super::service`] writes it
//! as a response: the one place where problem details are rendered and failures are logged.

use std::borrow::Cow;
use std::fmt::Display;

use http::header::{HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use proto::problem::{FieldError, Problem};
use proto::scope::Scope;
use warp::reply::Reply;

use crate::db::DbError;

/// The codes of problems that any service answers; its own come on top of them.
pub const CODES: [&str; 12] = [
    "invalid_request",
    "unauthenticated",
    "invalid_token",
    "insufficient_scope",
    "not_found",
    "method_not_allowed",
    "request_timeout",
    "content_too_large",
    "unsupported_media_type",
    "validation",
    "internal",
    "unavailable",
];

/// An error on its way out: what the client hears, and what only the log does.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// What the client hears.
    pub problem: Box<Problem>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<String>,
}

impl Refusal {
    /// A refusal with this status; `code` names the case for programs.
    pub fn new(
        status: StatusCode,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        Self::of(Problem::new(status.as_u16(), title, code, detail))
    }

    fn of(problem: Problem) -> Self {
        Self { problem: Box::new(problem), headers: Vec::new(), cause: None }
    }

    /// 400: the request cannot be read.
    pub fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", detail)
    }

    /// 401: no token was sent (RFC 6750 §3: then the challenge names no error).
    pub fn unauthenticated(realm: &'static str) -> Self {
        let detail = "This call needs an access token: `Authorization: Bearer …`.";
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
            .challenge(format!("Bearer realm=\"{realm}\""))
    }

    /// 401: a token was sent, and it is not valid, or not any more.
    pub fn invalid_token(realm: &'static str) -> Self {
        let detail = "The access token is not valid, or not any more; ask for a new one.";
        Self::new(StatusCode::UNAUTHORIZED, "invalid_token", detail)
            .challenge(format!("Bearer realm=\"{realm}\", error=\"invalid_token\""))
    }

    /// 403: the token is valid, and does not grant `scope`.
    pub fn insufficient_scope(realm: &'static str, scope: Scope, detail: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "insufficient_scope", detail).challenge(format!(
            "Bearer realm=\"{realm}\", error=\"insufficient_scope\", scope=\"{scope}\""
        ))
    }

    /// 404: there is nothing here, or nothing the caller may see.
    pub fn not_found(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// 422: some fields are not what they must be.
    pub fn validation(errors: Vec<FieldError>) -> Self {
        Self::of(Problem::validation(errors))
    }

    /// 429: too often; again in so many seconds.
    pub fn too_many_requests(seconds: u64, detail: impl Into<Cow<'static, str>>) -> Self {
        let status = StatusCode::TOO_MANY_REQUESTS;
        let mut refusal = Self::new(status, "too_many_requests", detail);
        refusal.headers.push((RETRY_AFTER, seconds.into()));
        refusal
    }

    /// 503: not now, but soon.
    pub fn unavailable(seconds: u32, detail: impl Into<Cow<'static, str>>) -> Self {
        let mut refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
        refusal.headers.push((RETRY_AFTER, seconds.into()));
        refusal
    }

    /// 500: our own fault, of which the client learns nothing but the request's id.
    pub fn internal(cause: impl Display) -> Self {
        let detail = "Something went wrong on our side; the request's id is in X-Request-Id.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail).because(cause)
    }

    /// 503 where the database is at fault and may be well again soon, else 500.
    pub fn database(error: &DbError) -> Self {
        if error.is_unavailable() {
            Self::unavailable(1, "The database does not answer; try again soon.").because(error)
        } else {
            Self::internal(error)
        }
    }

    /// Says in `WWW-Authenticate` how to authenticate.
    pub fn challenge(mut self, challenge: String) -> Self {
        if let Ok(value) = HeaderValue::try_from(challenge) {
            self.headers.push((WWW_AUTHENTICATE, value));
        }
        self
    }

    /// Adds a code of its own in place of the general one.
    pub fn code(mut self, code: &'static str) -> Self {
        self.problem.code = Cow::Borrowed(code);
        self
    }

    /// Adds what the log needs to know.
    pub fn because(mut self, cause: impl Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// What only the log is told.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The headers that go with it.
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }
}

impl warp::reject::Reject for Refusal {}

impl Reply for Refusal {
    /// A response without a body yet: the edge's service writes it, knowing path and request id.
    fn into_response(self) -> warp::reply::Response {
        let mut response = Response::default();
        *response.status_mut() = self.status();
        response.extensions_mut().insert(self);
        response
    }
}
