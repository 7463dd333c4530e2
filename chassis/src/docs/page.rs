//! Swagger UI, and what a browser may do on it.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderValue,
    LOCATION, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{StatusCode, Uri};
use utoipa::openapi::OpenApi;
use warp::header::headers_cloned;
use warp::path::FullPath;
use warp::reply::Response;
use warp::{Filter, get, path};

use super::asset::{Asset, takes_gzip};
use super::to_json;
use crate::edge::{Named, Refusal, Route, any_of};

/// `/docs` and `/openapi.json`; on the page, users log in at `token_url`. The document is made when
/// somebody asks for it: most never do, and it would be a fifth of a service's start.
pub fn routes(
    describe: impl Fn() -> OpenApi + Clone + Send + Sync + 'static,
    token_url: &str,
) -> Route {
    let policy = policy(token_url);
    any_of([openapi(describe), index(&policy), file(&policy)])
}

/// The one style that stands in the page itself: the colours of Swagger UI's logo. Another version
/// may have another; a browser then names its hash, and CI sees the browser complain.
const LOGO: &str = "'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='";

/// What the page may do (Content Security Policy Level 3): run and show what comes from here,
/// nothing else that stands in the page itself, and call this service and the one where users log
/// in.
fn policy(token_url: &str) -> HeaderValue {
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' {LOGO}; \
         img-src 'self' data:; \
         connect-src 'self'{}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        origin(token_url).map(|origin| format!(" {origin}")).unwrap_or_default(),
    );
    HeaderValue::try_from(policy).unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"))
}

/// Scheme, host and port; `None` for what is relative, and so of this origin.
fn origin(url: &str) -> Option<String> {
    let url: Uri = url.parse().ok()?;
    Some(format!("{}://{}", url.scheme()?, url.authority()?))
}

fn openapi(describe: impl Fn() -> OpenApi + Clone + Send + Sync + 'static) -> Route {
    let json = Arc::new(OnceLock::<Bytes>::new());
    path!("openapi.json")
        .and(get())
        .then(move || {
            let json = json.get_or_init(|| to_json(&describe()).into());
            let body = Response::new(json.clone().into());
            std::future::ready(Ok::<_, Refusal>(typed(body, "application/json")))
        })
        .named("GET /openapi.json")
}

/// The page's own links are relative, so it must stand below `/docs/`.
fn index(policy: &HeaderValue) -> Route {
    let policy = policy.clone();
    path!("docs")
        .and(get())
        .and(path::full())
        .and(headers_cloned())
        .then(move |path: FullPath, client: HeaderMap| {
            let is_below = path.as_str().ends_with('/');
            let page =
                if is_below { answer("index.html", &client, &policy) } else { Ok(moved("/docs/")) };
            std::future::ready(page)
        })
        .named("GET /docs")
}

fn file(policy: &HeaderValue) -> Route {
    let policy = policy.clone();
    path!("docs" / String)
        .and(get())
        .and(headers_cloned())
        .then(move |file: String, client: HeaderMap| {
            std::future::ready(answer(&file, &client, &policy))
        })
        .named("GET /docs/{file}")
}

fn answer(file: &str, client: &HeaderMap, policy: &HeaderValue) -> Result<Response, Refusal> {
    let asset = Asset::find(file)
        .ok_or_else(|| Refusal::not_found("There is no such file below /docs/."))?;
    let is_packed = takes_gzip(client);
    let body = match is_packed {
        true => asset.packed(),
        false => asset.unpacked().map_err(Refusal::internal)?,
    };
    let mut response = typed(Response::new(body.into()), asset.media_type);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, policy.clone());
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.append(VARY, HeaderValue::from_static("accept-encoding"));
    if is_packed {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}

fn typed(mut response: Response, media_type: &'static str) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // The files change with the binary only, but nothing in their names says so.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn moved(location: &'static str) -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    response.headers_mut().insert(LOCATION, HeaderValue::from_static(location));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_may_call_the_origin_where_users_log_in() {
        for (token_url, sources) in [
            ("/login", "connect-src 'self';"),
            ("http://localhost:9000/login", "connect-src 'self' http://localhost:9000;"),
            ("https://id.example.com/auth/login", "connect-src 'self' https://id.example.com;"),
        ] {
            let policy = policy(token_url);
            assert!(policy.to_str().unwrap().contains(sources), "{policy:?}");
        }
    }
}
