//! HTTP of users: registration, profiles, deletion.

use std::sync::Arc;

use chassis::edge::guard::{json, query, slow_json};
use chassis::edge::{
    ClientAddress, Correlation, Named, Page, Route, any_of, client_address, correlation, reply,
    with,
};
use futures_util::try_join;
use proto::UserId;
use utoipa::OpenApi;
use warp::reply::{Reply, Response};
use warp::{Filter, delete, get, patch, path, post};

use super::{Registration, Renaming, State, User, admit, delete as deletion, register, store};
use crate::access::{Customer, Member, customer, member};
use crate::error::Error;
use crate::state::Shop;

/// All routes of users.
pub fn routes(shop: &Arc<Shop>) -> Route {
    any_of([
        path!("user" / "me")
            .and(get())
            .and(member(shop))
            .and(with(shop))
            .then(show_own)
            .named("GET /user/me"),
        path!("user" / "me")
            .and(patch())
            .and(customer(shop))
            .and(json())
            .and(with(shop))
            .then(rename)
            .named("PATCH /user/me"),
        path!("user")
            .and(post())
            .and(correlation())
            .and(client_address())
            .and(slow_json())
            .and(with(shop))
            .then(create)
            .named("POST /user/"),
        path!("user")
            .and(get())
            .and(member(shop))
            .and(query())
            .and(with(shop))
            .then(list)
            .named("GET /user/"),
        path!("user" / UserId)
            .and(get())
            .and(member(shop))
            .and(with(shop))
            .then(show)
            .named("GET /user/{id}"),
        path!("user" / UserId)
            .and(delete())
            .and(member(shop))
            .and(with(shop))
            .then(remove)
            .named("DELETE /user/{id}"),
    ])
    .under("user")
}

/// Their description.
#[derive(OpenApi)]
#[openapi(paths(create, list, show_own, rename, show, remove))]
pub struct Api;

/// Register
///
/// Afterwards, log in at the auth service.
#[utoipa::path(
    post, path = "/user/", tag = "users",
    request_body = Registration,
    responses(
        (status = 201, description = "Registered.", body = User),
        (status = 409, description = "Code `email_taken`.",
            body = proto::Problem, content_type = "application/problem+json"),
    ),
)]
async fn create(
    request: Correlation,
    client: ClientAddress,
    wanted: Registration,
    shop: Arc<Shop>,
) -> Result<Response, Error> {
    Ok(reply::created(&register::register(&shop, wanted, &request, client).await?))
}

/// List users
///
/// Those the caller may see: oneself; with `shop:admin` everyone, the oldest first.
#[utoipa::path(
    get, path = "/user/", tag = "users",
    params(Page),
    responses((status = 200, description = "A page of users.", body = Vec<User>)),
    security(("password" = ["shop"]), ("password" = ["shop:admin"])),
)]
async fn list(caller: Member, page: Page, shop: Arc<Shop>) -> Result<Response, Error> {
    let users = match caller.user {
        user if caller.is_admin => {
            let db = shop.db.get().await?;
            let everyone = store::list(&db, page.above(), page.rows());
            let ((), users) = try_join!(admit(&db, user), everyone)?;
            users
        }
        Some(user) => vec![own(&shop, user).await?],
        // A machine without `shop:admin` may call, and there is nobody it may see.
        None => Vec::new(),
    };
    Ok(page.reply(users, |user| user.id.0))
}

/// Show oneself
#[utoipa::path(
    get, path = "/user/me", tag = "users",
    responses(
        (status = 200, description = "The caller's profile.", body = User),
        (status = 404, description = "A machine has none: code `not_found`.",
            body = proto::Problem, content_type = "application/problem+json"),
    ),
    security(("password" = ["shop"]), ("password" = ["shop:admin"])),
)]
async fn show_own(caller: Member, shop: Arc<Shop>) -> Result<Response, Error> {
    // A machine has no profile.
    let user = caller.user.ok_or(Error::UserNotFound)?;
    Ok(reply::json(&own(&shop, user).await?))
}

/// Rename oneself
#[utoipa::path(
    patch, path = "/user/me", tag = "users",
    request_body = Renaming,
    responses((status = 200, description = "The profile as it is now.", body = User)),
    security(("password" = ["shop"])),
)]
async fn rename(caller: Customer, wanted: Renaming, shop: Arc<Shop>) -> Result<Response, Error> {
    let db = shop.db.get().await?;
    let user = store::rename(&db, caller.user, &wanted.name).await?.ok_or(Error::UserGone)?;
    Ok(reply::json(&user))
}

/// Show a user
#[utoipa::path(
    get, path = "/user/{id}", tag = "users",
    params(("id" = UserId, Path, description = "The user's id.")),
    responses((status = 200, description = "The profile.", body = User)),
    security(("password" = ["shop"]), ("password" = ["shop:admin"])),
)]
async fn show(id: UserId, caller: Member, shop: Arc<Shop>) -> Result<Response, Error> {
    if caller.user == Some(id) {
        return Ok(reply::json(&own(&shop, id).await?));
    }
    let db = shop.db.get().await?;
    let ((), user) = try_join!(admit(&db, caller.user), store::find(&db, id))?;
    let user = user.filter(|_| caller.is_admin).ok_or(Error::UserNotFound)?;
    Ok(reply::json(&user))
}

/// Delete a user
///
/// Oneself; with `shop:admin` anyone. Profile and cart go, the tokens stop working at once,
/// orders stay without the person.
#[utoipa::path(
    delete, path = "/user/{id}", tag = "users",
    params(("id" = UserId, Path, description = "The user's id.")),
    responses((status = 204, description = "Deleted.")),
    security(("password" = ["shop"]), ("password" = ["shop:admin"])),
)]
async fn remove(id: UserId, caller: Member, shop: Arc<Shop>) -> Result<impl Reply, Error> {
    deletion::delete(&shop, caller, id).await?;
    Ok(reply::no_content())
}

/// The caller's own profile: one statement is both the check and the answer.
async fn own(shop: &Shop, id: UserId) -> Result<User, Error> {
    let db = shop.db.reader().await?;
    let found = db.read(store::find_own(&*db, id)).await?;
    drop(db);
    let (user, state) = found.ok_or(Error::UserGone)?;
    // It may wait for a lock, so on a connection of its own.
    if state == State::Pending {
        store::activate(&shop.db.get().await?, id).await?;
    }
    Ok(user)
}
