//! HTTP of orders.

use std::sync::Arc;

use chassis::edge::guard::{header, json, query};
use chassis::edge::query::{FromQuery, Query};
use chassis::edge::{Named, Page, Refusal, Route, any_of, reply, with};
use futures_util::try_join;
use utoipa::OpenApi;
use warp::http::header::{HeaderName, HeaderValue};
use warp::reply::Response;
use warp::{Filter, get, patch, path, post};

use super::checkout::{self, Checkout};
use super::idempotency::IdempotencyKey;
use super::{
    MoveOrder, Order, OrderId, PlaceOrder, advance as advancing, cancel as cancelling, store,
};
use crate::access::{Actor, Customer, customer, customer_or_admin, mover};
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
            .and(header("idempotency-key"))
            .and(json())
            .and(with(shop))
            .then(place)
            .named("POST /orders/"),
        path!("orders" / OrderId / "cancel")
            .and(post())
            .and(customer_or_admin(shop))
            .and(with(shop))
            .then(cancel)
            .named("POST /orders/{id}/cancel"),
        path!("orders" / OrderId)
            .and(patch())
            .and(mover(shop))
            .and(json())
            .and(with(shop))
            .then(advance)
            .named("PATCH /orders/{id}"),
    ])
    .under("orders")
}

/// Their description.
#[derive(OpenApi)]
#[openapi(paths(list, show, place, cancel, advance))]
pub struct Api;

/// Says that an order was placed before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

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
        Page,
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
    let only_of = (!caller.is_admin).then_some(caller.user);
    let (admit, history) = (users::admit(&db, caller.user), store::history(&db, id));
    let ((), order, history) = try_join!(admit, store::find(&db, id, only_of), history)?;
    Ok(reply::json(&order.ok_or(Error::OrderNotFound)?.with(history)))
}

/// Order what is in the cart
///
/// Stock leaves the products, and the cart is empty afterwards. Who sends an `Idempotency-Key`
/// may repeat the request for 24 hours, and gets the same order.
#[utoipa::path(
    post, path = "/orders/", tag = "orders",
    params((
        "Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255,
        pattern = "^[!-~]*$",
        description = "Names the request: visible ASCII, best a random UUID.",
    )),
    request_body = PlaceOrder,
    responses(
        (status = 201, description = "The order.", body = Order, headers((
            "Idempotency-Replayed" = String,
            description = "`true` where it was placed before, under the same key."
        ))),
        (status = 409, description = "Code `cart_empty` or `stock_short`.",
            body = proto::Problem, content_type = "application/problem+json"),
        (status = 422, description = "Code `validation`, or `idempotency_key_reused`: the key \
            stands for another body.",
            body = proto::Problem, content_type = "application/problem+json"),
    ),
    security(("password" = ["shop"])),
)]
async fn place(
    caller: Customer,
    key: Option<IdempotencyKey>,
    wanted: PlaceOrder,
    shop: Arc<Shop>,
) -> Result<Response, Error> {
    Ok(match checkout::checkout(&shop, caller.user, key.as_ref(), &wanted).await? {
        Checkout::Placed(order) => reply::created(&order),
        Checkout::Replayed(order) => {
            let mut response = reply::created(&order);
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
            response
        }
    })
}

/// Cancel an order
///
/// One's own; with `shop:admin` anyone's. Only while it is `PROCESSING`; the stock comes back.
#[utoipa::path(
    post, path = "/orders/{id}/cancel", tag = "orders",
    params(("id" = OrderId, Path, description = "The order's id.")),
    responses(
        (status = 200, description = "The order, cancelled.", body = Order),
        (status = 409, description = "Code `wrong_status`: it is not `PROCESSING` any more.",
            body = proto::Problem, content_type = "application/problem+json"),
    ),
    security(("password" = ["shop"]), ("password" = ["shop:admin"])),
)]
async fn cancel(id: OrderId, caller: Actor, shop: Arc<Shop>) -> Result<Response, Error> {
    Ok(reply::json(&cancelling::cancel(&shop, &caller, id).await?))
}

/// Move an order along
///
/// From `PROCESSING` to `SHIPPED`, from there to `DELIVERED`.
#[utoipa::path(
    patch, path = "/orders/{id}", tag = "orders",
    params(("id" = OrderId, Path, description = "The order's id.")),
    request_body = MoveOrder,
    responses(
        (status = 200, description = "The order as it is now.", body = Order),
        (status = 409, description = "Code `wrong_status`: that does not follow what it is.",
            body = proto::Problem, content_type = "application/problem+json"),
    ),
    security(("password" = ["shop:admin"])),
)]
async fn advance(
    id: OrderId,
    caller: Actor,
    wanted: MoveOrder,
    shop: Arc<Shop>,
) -> Result<Response, Error> {
    Ok(reply::json(&advancing::advance(&shop, &caller, id, wanted.status).await?))
}
