//! `/docs` and `/openapi.json`: the API as the code describes it, offline.
//!
//! Handlers are annotated with what is theirs; [`complete`] adds to every operation what holds
//! for all: the error answers, the server's description of its tokens.

use std::sync::Arc;

use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, LOCATION};
use proto::problem::{self, Problem};
use proto::scope::Scope;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Flow, OAuth2, Password, Scopes, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, PathItem, Ref, RefOr, ResponseBuilder};
use utoipa::{PartialSchema, ToSchema};
use utoipa_swagger_ui::Config;
use warp::path::FullPath;
use warp::{Filter, get, path};

use crate::edge::{Named, Refusal, Route, any_of};

/// The name of the security scheme: OAuth2 password flow, as `security(("password" = ["shop"]))`.
pub const PASSWORD_FLOW: &str = "password";

/// Adds to every operation what holds for all, and the password flow at `token_url`.
pub fn complete(mut document: OpenApi, token_url: &str) -> OpenApi {
    // Cargo's, which is empty where a crate names none.
    document.info.license = document.info.license.filter(|license| !license.name.is_empty());
    let scopes = Scope::ALL.into_iter().map(|scope| (scope.as_str(), scope.description()));
    let flow = Flow::Password(Password::new(token_url, Scopes::from_iter(scopes)));
    let components = document.components.get_or_insert_default();
    let scheme = SecurityScheme::OAuth2(OAuth2::new([flow]));
    components.add_security_scheme(PASSWORD_FLOW, scheme);
    let mut schemas = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut schemas);
    components.schemas.extend(schemas);
    for (template, item) in &mut document.paths.paths {
        let has_id = template.contains('{');
        for operation in operations(item) {
            add_errors(operation, has_id);
            name(operation);
        }
    }
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [get, put, post, delete, patch].into_iter().flatten()
}

/// A handler's name is its own within its feature only; Swagger UI needs one for the document.
fn name(operation: &mut Operation) {
    let tag = operation.tags.iter().flatten().next();
    if let (Some(tag), Some(name)) = (tag, &operation.operation_id) {
        operation.operation_id = Some(format!("{tag}_{name}"));
    }
}

fn add_errors(operation: &mut Operation, has_id: bool) {
    // One that describes its own 400 has errors of another shape: the OAuth endpoints.
    if operation.responses.responses.contains_key("400") {
        return;
    }
    let mut errors = vec![
        ("400", "The request cannot be read: code `invalid_request`."),
        ("500", "Our own fault: code `internal`."),
        ("503", "Not now, but soon: code `unavailable`, with `Retry-After`."),
    ];
    if operation.security.is_some() {
        errors.push(("401", "No valid access token: code `unauthenticated` or `invalid_token`."));
        errors.push(("403", "The token does not grant this: code `insufficient_scope`."));
    }
    if has_id {
        errors.push(("404", "There is nothing of this id: code `not_found`."));
    }
    if operation.request_body.is_some() {
        errors.push(("408", "The body took too long: code `request_timeout`."));
        errors.push(("413", "The body is too long: code `content_too_large`."));
        errors.push(("415", "The body is of another media type: `unsupported_media_type`."));
        errors.push(("422", "Some fields are wrong: code `validation`, with `errors`."));
    }
    for (status, description) in errors {
        operation.responses.responses.entry(status.to_owned()).or_insert_with(|| {
            let schema = Ref::from_schema_name(Problem::name());
            let content = ContentBuilder::new().schema(Some(schema)).build();
            let response = ResponseBuilder::new().description(description);
            RefOr::T(response.content(problem::MEDIA_TYPE, content).build())
        });
    }
}

/// The document as JSON, as it is printed, served and committed.
pub fn to_json(document: &OpenApi) -> String {
    document.to_pretty_json().unwrap_or_default() + "\n"
}

/// `/docs` and `/openapi.json`.
pub fn routes(document: &OpenApi) -> Route {
    any_of([openapi(document), index(), file()])
}

fn openapi(document: &OpenApi) -> Route {
    let json: Arc<str> = to_json(document).into();
    path!("openapi.json")
        .and(get())
        .then(move || {
            let body = warp::reply::Response::new(json.to_string().into());
            std::future::ready(Ok::<_, Refusal>(typed(body, "application/json")))
        })
        .named("GET /openapi.json")
}

/// The page's own links are relative, so it must stand below `/docs/`.
fn index() -> Route {
    path!("docs")
        .and(get())
        .and(path::full())
        .then(|path: FullPath| async move {
            if path.as_str().ends_with('/') { asset("") } else { Ok(moved("/docs/")) }
        })
        .named("GET /docs")
}

fn file() -> Route {
    path!("docs" / String)
        .and(get())
        .then(|file: String| async move { asset(&file) })
        .named("GET /docs/{file}")
}

fn asset(file: &str) -> Result<warp::reply::Response, Refusal> {
    let config = Config::from("/openapi.json");
    match utoipa_swagger_ui::serve(file, Arc::new(config)) {
        Ok(Some(found)) => {
            let body = warp::reply::Response::new(found.bytes.into_owned().into());
            Ok(typed(body, &found.content_type))
        }
        Ok(None) => Err(Refusal::not_found("There is no such file below /docs/.")),
        Err(error) => Err(Refusal::internal(error)),
    }
}

fn typed(mut response: warp::reply::Response, media_type: &str) -> warp::reply::Response {
    if let Ok(media_type) = HeaderValue::try_from(media_type) {
        response.headers_mut().insert(CONTENT_TYPE, media_type);
    }
    // The files change with the binary only, but nothing in their names says so.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn moved(location: &'static str) -> warp::reply::Response {
    let mut response = warp::reply::Response::default();
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    response.headers_mut().insert(LOCATION, HeaderValue::from_static(location));
    response
}
