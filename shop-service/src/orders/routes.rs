//! HTTP of orders.

use std::sync::Arc;

use chassis::edge::guard::{json, query};
use chassis::edge::query::{FromQuery, Query};
use chassis::edge::{Named, Page, Refusal, Route, any_of, reply, with};
use futures_util::try_join;
use utoipa::OpenApi;
use warp::reply::Response;
use warp::{Filter, get, path, post};

use super::{Order, OrderId, PlaceOrder, checkout, store};
use crate::access::{Customer, customer};
use crate::error::Error;
use crate::state::Shop;
use crate::users;

/// All routes of orders.
pub fn routes(shop: &Arc<Shop>) -> Route {
    any_of([
        path!("orders")
            .and(get())
            .and(customer(shop))
            .and(query())
            .and(with(shop))
            .then(list)
            .named("GET /orders/"),
        path!("orders" / OrderId)
            .and(get())
            .and(customer(shop))
            .and(with(shop))
            .then(show)
            .named("GET /orders/{id}"),
        path!("orders")
            .and(post())
            .and(customer(shop))
            .and(json())
            .and(with(shop))
            .then(place)
            .named("POST /orders/"),
    ])
    .under("orders")
}

/// Their description.
#[derive(OpenApi)]
#[openapi(paths(list, show, place))]
pub struct Api;

/// Which orders are asked for.
struct Wanted {
    page: Page,
    all: bool,
}

impl FromQuery for Wanted {
    fn from_query(query: &Query) -> Result<Self, Refusal> {
        let page = Page::from_query(query)?;
        Ok(Self { page, all: query.value("all")?.unwrap_or(false) })
    }
}

/// List orders
///
/// One's own; with `shop:admin` and `all=true` everyone's. The newest first.
#[utoipa::path(
    get, path = "/orders/", tag = "orders",
    params(
        ("all" = Option<bool>, Query, description = "Everyone's; needs `shop:admin`."),
        ("limit" = Option<u32>, Query, description = "50, at most 200."),
        ("after" = Option<String>, Query, description = "The cursor of `Link`."),
    ),
    responses((status = 200, description = "A page of orders.", body = Vec<Order>)),
    security(("password" = ["shop"])),
)]
async fn list(caller: Customer, wanted: Wanted, shop: Arc<Shop>) -> Result<Response, Error> {
    let Wanted { page, all } = wanted;
    if all && !caller.is_admin {
        return Err(Error::NotAnAdmin);
    }
    let db = shop.db.get().await?;
    let (user, rows) = (caller.user, page.rows());
    let admit = users::admit(&db, user);
    let ((), orders) = match all {
        true => try_join!(admit, store::list_all(&db, page.below(), rows))?,
        false => try_join!(admit, store::list(&db, user, page.below(), rows))?,
    };
    Ok(page.reply(orders, |order| order.id.0))
}

/// Show an order
///
/// One's own; with `shop:admin` anyone's.
#[utoipa::path(
    get, path = "/orders/{id}", tag = "orders",
    params(("id" = OrderId, Path, description = "The order's id.")),
    responses((status = 200, description = "The order.", body = Order)),
    security(("password" = ["shop"])),
)]
async fn show(id: OrderId, caller: Customer, shop: Arc<Shop>) -> Result<Response, Error> {
    let db = shop.db.get().await?;
    let order = store::find(&db, id, caller.user, caller.is_admin);
    let ((), order) = try_join!(users::admit(&db, caller.user), order)?;
    Ok(reply::json(&order.ok_or(Error::OrderNotFound)?))
}

/// Order what is in the cart
///
/// Stock leaves the products, and the cart is empty afterwards.
#[utoipa::path(
    post, path = "/orders/", tag = "orders",
    request_body = PlaceOrder,
    responses(
        (status = 201, description = "The order.", body = Order),
        (status = 409, description = "Code `cart_empty` or `stock_short`.",
            body = proto::Problem, content_type = "application/problem+json"),
    ),
    security(("password" = ["shop"])),
)]
async fn place(caller: Customer, wanted: PlaceOrder, shop: Arc<Shop>) -> Result<Response, Error> {
    Ok(reply::created(&checkout::checkout(&shop, caller.user, &wanted).await?))
}
