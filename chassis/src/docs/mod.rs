//! `/docs` and `/openapi.json`: the API as the code describes it, offline.
//!
//! | module | what it is |
//! |---|---|
//! | [`answers`] | what holds for every answer of every operation |
//! | `asset` | the files of Swagger UI |
//! | [`page`] | Swagger UI, and what a browser may do on it |

pub mod answers;
mod asset;
pub mod page;

use proto::problem::Problem;
use proto::scope::Scope;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::security::{Flow, OAuth2, Password, Scopes, SecurityScheme};
use utoipa::openapi::{Components, OpenApi, RefOr};
use utoipa::{PartialSchema, ToSchema};

pub use page::routes;

use crate::edge::refusal;

/// The name of the security scheme: OAuth2 password flow, as `security(("password" = ["shop"]))`.
pub const PASSWORD_FLOW: &str = "password";

/// Adds to every operation what holds for all, the service's own `codes` of problems, and the
/// password flow at `token_url`.
pub fn complete(mut document: OpenApi, token_url: &str, codes: &[&str]) -> OpenApi {
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
    one_of(components, &Problem::name(), "code", refusal::CODES.iter().chain(codes));
    answers::describe(&mut document);
    document
}

/// Lists what a schema's property of text can be.
pub fn one_of<'a>(
    components: &mut Components,
    schema: &str,
    property: &str,
    values: impl IntoIterator<Item = &'a &'a str>,
) {
    let properties = match components.schemas.get_mut(schema) {
        Some(RefOr::T(Schema::Object(object))) => &mut object.properties,
        _ => return,
    };
    if let Some(RefOr::T(Schema::Object(text))) = properties.get_mut(property) {
        text.enum_values = Some(values.into_iter().map(|value| (*value).into()).collect());
    }
}

/// The document as JSON, as it is printed, served and committed.
pub fn to_json(document: &OpenApi) -> String {
    document.to_pretty_json().unwrap_or_default() + "\n"
}
