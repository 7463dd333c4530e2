//! What holds for every answer of every operation.
//!
//! Handlers are annotated with what is theirs. Here is added what they have in common: the errors
//! that guards and the edge give, and headers.

use proto::problem::{self, Problem};
use utoipa::ToSchema;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::{Operation, Parameter};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::openapi::{
    ContentBuilder, OpenApi, PathItem, Ref, RefOr, Response, ResponseBuilder, Schema,
};

/// Adds errors and headers to every operation, and makes its id the document's own.
pub(super) fn describe(document: &mut OpenApi) {
    for (template, item) in &mut document.paths.paths {
        let has_id = template.contains('{');
        for operation in operations(item) {
            add_errors(operation, has_id);
            name(operation);
            let is_list = is_list(operation);
            for (status, response) in &mut operation.responses.responses {
                if let RefOr::T(response) = response {
                    add_headers(status, response, is_list);
                }
            }
        }
    }
    let components = document.components.get_or_insert_default();
    components.headers.extend(headers().map(|(name, header)| (name.to_owned(), header.into())));
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

/// Whether it answers pages.
fn is_list(operation: &Operation) -> bool {
    let is_cursor = |parameter: &RefOr<Parameter>| match parameter {
        RefOr::T(parameter) => parameter.name == "after",
        RefOr::Ref(_) => false,
    };
    operation.parameters.iter().flatten().any(is_cursor)
}

fn add_errors(operation: &mut Operation, has_id: bool) {
    // One that describes its own 400 has errors of another shape: the OAuth endpoints.
    if operation.responses.responses.contains_key("400") {
        return;
    }
    let mut errors = vec![
        ("400", "The request cannot be read: code `invalid_request`."),
        ("500", "Our own fault: code `internal`."),
        ("503", "Not now, but soon: code `unavailable`."),
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

const REQUEST_ID: &str = "X-Request-Id";
const RETRY_AFTER: &str = "Retry-After";
const CHALLENGE: &str = "WWW-Authenticate";
const LINK: &str = "Link";

fn add_headers(status: &str, response: &mut Response, is_list: bool) {
    let own = match status {
        "401" | "403" => Some(CHALLENGE),
        "429" | "503" => Some(RETRY_AFTER),
        "200" if is_list => Some(LINK),
        _ => None,
    };
    for name in own.into_iter().chain([REQUEST_ID]) {
        let header = Ref::new(format!("#/components/headers/{name}"));
        response.headers.insert(name.to_owned(), RefOr::Ref(header));
    }
}

fn headers() -> impl Iterator<Item = (&'static str, Header)> {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
    [
        (REQUEST_ID, text().build(), "Names the request in our log: the one sent, if it is sane."),
        (RETRY_AFTER, seconds.build(), "In how many seconds it may go better."),
        (CHALLENGE, text().build(), "How to authenticate, and what is missing (RFC 6750 §3)."),
        (LINK, text().build(), "`<…>; rel=\"next\"`: the next page, while there is one."),
    ]
    .into_iter()
    .map(|(name, schema, description)| (name, header(schema, description)))
}

fn header(schema: Object, description: &str) -> Header {
    HeaderBuilder::new().schema(Some(Schema::Object(schema))).description(Some(description)).build()
}
