//! Swagger UI, and what a browser may do on it.

use std::sync::Arc;

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{StatusCode, Uri};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::Config;
use warp::path::FullPath;
use warp::reply::Response;
use warp::{Filter, get, path};

use super::to_json;
use crate::edge::{Named, Refusal, Route, any_of};

/// `/docs` and `/openapi.json`; on the page, users log in at `token_url`.
pub fn routes(document: &OpenApi, token_url: &str) -> Route {
    let policy = policy(token_url);
    any_of([openapi(document), index(&policy), file(&policy)])
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

fn openapi(document: &OpenApi) -> Route {
    let json: Arc<str> = to_json(document).into();
    path!("openapi.json")
        .and(get())
        .then(move || {
            let body = Response::new(json.to_string().into());
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
        .then(move |path: FullPath| {
            let is_below = path.as_str().ends_with('/');
            let page = if is_below { asset("", &policy) } else { Ok(moved("/docs/")) };
            std::future::ready(page)
        })
        .named("GET /docs")
}

fn file(policy: &HeaderValue) -> Route {
    let policy = policy.clone();
    path!("docs" / String)
        .and(get())
        .then(move |file: String| std::future::ready(asset(&file, &policy)))
        .named("GET /docs/{file}")
}

fn asset(file: &str, policy: &HeaderValue) -> Result<Response, Refusal> {
    // Without its validator the page would tell a server of others where this document is.
    let config = Config::from("/openapi.json").validator_url("none");
    match utoipa_swagger_ui::serve(file, Arc::new(config)) {
        Ok(Some(found)) => {
            let body = Response::new(found.bytes.into_owned().into());
            let mut response = typed(body, &found.content_type);
            let headers = response.headers_mut();
            headers.insert(CONTENT_SECURITY_POLICY, policy.clone());
            headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
            Ok(response)
        }
        Ok(None) => Err(Refusal::not_found("There is no such file below /docs/.")),
        Err(error) => Err(Refusal::internal(error)),
    }
}

fn typed(mut response: Response, media_type: &str) -> Response {
    let headers = response.headers_mut();
    if let Ok(media_type) = HeaderValue::try_from(media_type) {
        headers.insert(CONTENT_TYPE, media_type);
    }
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
