//! Answers that are no errors.

use http::header::{CONTENT_TYPE, HeaderValue};
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

/// This status with a body of JSON.
pub fn with_status(status: StatusCode, body: &impl Serialize) -> warp::reply::Response {
    let mut response = match serde_json::to_vec(body) {
        Ok(json) => Response::new(json.into()),
        Err(error) => return Refusal::internal(error).into_response(),
    };
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
