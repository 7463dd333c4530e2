//! HTTP of the cart.

use std::sync::Arc;

use chassis::edge::guard::json;
use chassis::edge::{Named, Route, any_of, reply, with};
use utoipa::OpenApi;
use warp::reply::Response;
use warp::{Filter, delete, get, patch, path, post};

use super::{AddItem, Cart, CartItem, CartItemId, ChangeItem, change, store};
use crate::access::{Customer, customer};
use crate::error::Error;
use crate::state::Shop;
use crate::users::{self, State};

/// All routes of the cart.
pub fn routes(shop: &Arc<Shop>) -> Route {
    any_of([
        path!("cart").and(get()).and(customer(shop)).and(with(shop)).then(show).named("GET /cart/"),
        path!("cart" / "items")
            .and(post())
            .and(customer(shop))
            .and(json())
            .and(with(shop))
            .then(add)
            .named("POST /cart/items"),
        path!("cart" / "items" / CartItemId)
            .and(patch())
            .and(customer(shop))
            .and(json())
            .and(with(shop))
            .then(set)
            .named("PATCH /cart/items/{id}"),
        path!("cart" / "items" / CartItemId)
            .and(delete())
            .and(customer(shop))
            .and(with(shop))
            .then(remove)
            .named("DELETE /cart/items/{id}"),
        path!("cart")
            .and(delete())
            .and(customer(shop))
            .and(with(shop))
            .then(clear)
            .named("DELETE /cart/"),
    ])
    .under("cart")
}

/// Their description.
#[derive(OpenApi)]
#[openapi(paths(show, add, set, remove, clear))]
pub struct Api;

/// Show the cart
#[utoipa::path(
    get, path = "/cart/", tag = "cart",
    responses((status = 200, description = "The cart.", body = Cart)),
    security(("password" = ["shop"])),
)]
async fn show(caller: Customer, shop: Arc<Shop>) -> Result<Response, Error> {
    let user = caller.user;
    let db = shop.db.reader().await?;
    let (state, items) = db.read(store::find(&*db, user)).await?;
    drop(db);
    // It may wait for a lock, so on a connection of its own.
    if state != Some(State::Active) {
        users::stand(&shop.db.get().await?, user, state).await?;
    }
    Ok(reply::json(&Cart::new(items)))
}

/// Add to the cart
///
/// The same product again adds up.
#[utoipa::path(
    post, path = "/cart/items", tag = "cart",
    request_body = AddItem,
    responses(
        (status = 201, description = "The line.", body = CartItem),
        (status = 404, description = "No such product is on sale.",
            body = proto::Problem, content_type = "application/problem+json"),
        (status = 409, description = "Code `stock_short` or `cart_full`.",
            body = proto::Problem, content_type = "application/problem+json"),
    ),
    security(("password" = ["shop"])),
)]
async fn add(caller: Customer, wanted: AddItem, shop: Arc<Shop>) -> Result<Response, Error> {
    Ok(reply::created(&change::add(&shop, caller.user, wanted).await?))
}

/// Change how many
#[utoipa::path(
    patch, path = "/cart/items/{id}", tag = "cart",
    params(("id" = CartItemId, Path, description = "The line's id.")),
    request_body = ChangeItem,
    responses(
        (status = 200, description = "The line as it is now.", body = CartItem),
        (status = 409, description = "Code `stock_short`.",
            body = proto::Problem, content_type = "application/problem+json"),
    ),
    security(("password" = ["shop"])),
)]
async fn set(
    id: CartItemId,
    caller: Customer,
    wanted: ChangeItem,
    shop: Arc<Shop>,
) -> Result<Response, Error> {
    Ok(reply::json(&change::set(&shop, caller.user, id, wanted.quantity).await?))
}

/// Remove from the cart
#[utoipa::path(
    delete, path = "/cart/items/{id}", tag = "cart",
    params(("id" = CartItemId, Path, description = "The line's id.")),
    responses((status = 204, description = "Removed.")),
    security(("password" = ["shop"])),
)]
async fn remove(id: CartItemId, caller: Customer, shop: Arc<Shop>) -> Result<Response, Error> {
    change::remove(&shop, caller.user, id).await?;
    Ok(reply::no_content())
}

/// Empty the cart
#[utoipa::path(
    delete, path = "/cart/", tag = "cart",
    responses((status = 204, description = "Emptied.")),
    security(("password" = ["shop"])),
)]
async fn clear(caller: Customer, shop: Arc<Shop>) -> Result<Response, Error> {
    change::clear(&shop, caller.user).await?;
    Ok(reply::no_content())
}
