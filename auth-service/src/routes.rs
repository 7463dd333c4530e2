//! All routes of the service, the hottest first, and their description.

use std::sync::Arc;

use chassis::docs;
use chassis::edge::{Route, any_of};
use proto::oauth::ErrorResponse;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{OpenApi, ToSchema};

use crate::state::Auth;
use crate::{admin, credentials, error, sessions, tokens};

/// All routes of the service.
pub fn routes(auth: &Arc<Auth>) -> Route {
    any_of([
        tokens::routes::routes(auth),
        sessions::routes::routes(auth),
        credentials::routes::routes(auth),
        admin::routes::routes(auth),
        docs::routes(openapi, TOKEN_URL),
    ])
}

/// Relative, so that the page logs in where it came from.
const TOKEN_URL: &str = "/login";

#[derive(OpenApi)]
#[openapi(info(
    title = "auth-service",
    description = "Owns credentials and issues OAuth2 tokens."
))]
struct Api;

/// The description of the service.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = Api::openapi();
    document.merge(tokens::routes::Api::openapi());
    document.merge(sessions::routes::Api::openapi());
    document.merge(credentials::routes::Api::openapi());
    document.merge(admin::routes::Api::openapi());
    let basic = HttpBuilder::new().scheme(HttpAuthScheme::Basic);
    let client = SecurityScheme::Http(basic.description(Some("A client's id and secret.")).build());
    document.components.get_or_insert_default().add_security_scheme("client", client);
    let mut document = docs::complete(document, TOKEN_URL, &error::CODES);
    let components = document.components.get_or_insert_default();
    docs::one_of(components, &ErrorResponse::name(), "error", &tokens::ERRORS);
    document
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_operation_has_an_id_of_its_own() {
        let document = serde_json::to_value(openapi()).unwrap();
        let items = document["paths"].as_object().unwrap().values();
        let operations = items.flat_map(|item| item.as_object().unwrap().values());
        let ids: Vec<&str> = operations.filter_map(|it| it["operationId"].as_str()).collect();

        assert!(ids.len() > 4);
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len(), "{ids:?}");
    }
}
