//! CORS: a few headers of our own. An unlisted origin gets the answer without them, never a 403,
//! which the same-origin POSTs of `/docs` would meet, too.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
    VARY,
};
use http::{HeaderMap, HeaderValue, Method};

use crate::config::Origins;

const ALLOWED: &str =
    "authorization, content-type, idempotency-key, x-requested-with, x-request-id, traceparent";
const EXPOSED: &str = "link, retry-after, x-request-id, www-authenticate, idempotency-replayed";
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";
/// Seconds a browser may keep a preflight's answer.
const MAX_AGE: &str = "600";

/// Whether a browser only asks what it may send (Fetch, CORS-preflight request).
pub(super) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The origin of the page that sent the request, where it is listed.
pub(super) fn listed_origin(origins: &Origins, headers: &HeaderMap) -> Option<HeaderValue> {
    headers.get(ORIGIN).filter(|origin| origins.contains(origin.as_bytes())).cloned()
}

/// The headers of an answer. `Vary` stands on every one, listed or not, for a cache must not give
/// one origin's answer to another.
pub(super) fn decorate(
    origins: &Origins,
    origin: Option<HeaderValue>,
    is_preflight: bool,
    headers: &mut HeaderMap,
) {
    if origins.is_empty() {
        return;
    }
    headers.append(VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = origin else { return };
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    if is_preflight {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(ALLOWED));
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
    } else {
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    }
}
