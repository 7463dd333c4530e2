//! Answers of JSON, and of nothing.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{Response, StatusCode};
use serde::Serialize;
use warp::reply::Reply;

use super::refusal::Refusal;

/// 200 with a body of JSON.
pub fn json(body: &impl Serialize) -> warp::reply::Response {
    with_status(StatusCode::OK, body)
}

/// 201 with the new resource.
pub fn created(body: &impl Serialize) -> warp::reply::Response {
    with_status(StatusCode::CREATED, body)
}

/// 204.
pub fn no_content() -> warp::reply::Response {
    let mut response = warp::reply::Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// This status with a body of JSON, which nobody keeps: most tell of a person, and what is for
/// everyone, like stock, is of the moment. A browser takes it for nothing but JSON. (OWASP REST
/// Security Cheat Sheet, Security Headers.)
pub fn with_status(status: StatusCode, body: &impl Serialize) -> warp::reply::Response {
    let mut response = match serde_json::to_vec(body) {
        Ok(json) => Response::new(json.into()),
        Err(error) => return Refusal::internal(error).into_response(),
    };
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
