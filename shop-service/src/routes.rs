//! All routes of the service, the hottest first, and their description.

use std::sync::Arc;

use chassis::docs;
use chassis::edge::{Route, any_of};
use utoipa::OpenApi;

use crate::state::Shop;
use crate::{cart, categories, delivery, error, orders, products, users};

/// All routes of the service, whose users log in at `auth_url`.
pub fn routes(shop: &Arc<Shop>, auth_url: &str) -> Route {
    let describe = {
        let auth_url = auth_url.to_owned();
        move || openapi(&auth_url)
    };
    any_of([
        products::routes::routes(shop),
        categories::routes::routes(shop),
        cart::routes::routes(shop),
        orders::routes::routes(shop),
        users::routes::routes(shop),
        delivery::routes::routes(shop),
        docs::routes(describe, &token_url(auth_url)),
    ])
}

#[derive(OpenApi)]
#[openapi(info(title = "shop-service", description = "Users, products, carts and orders."))]
struct Api;

/// The description of the service, whose users log in at `auth_url`.
pub fn openapi(auth_url: &str) -> utoipa::openapi::OpenApi {
    let mut document = Api::openapi();
    document.merge(users::routes::Api::openapi());
    document.merge(categories::routes::Api::openapi());
    document.merge(products::routes::Api::openapi());
    document.merge(cart::routes::Api::openapi());
    document.merge(orders::routes::Api::openapi());
    document.merge(delivery::routes::Api::openapi());
    docs::complete(document, &token_url(auth_url), &error::CODES)
}

fn token_url(auth_url: &str) -> String {
    format!("{auth_url}/login")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_operation_has_an_id_of_its_own() {
        let document = serde_json::to_value(openapi("http://localhost:9000")).unwrap();
        let items = document["paths"].as_object().unwrap().values();
        let operations = items.flat_map(|item| item.as_object().unwrap().values());
        let ids: Vec<&str> = operations.filter_map(|it| it["operationId"].as_str()).collect();

        assert!(ids.len() > 4);
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len(), "{ids:?}");
    }
}
