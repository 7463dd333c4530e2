//! HTTP of categories.

use std::sync::Arc;

use chassis::edge::guard::{json, query};
use chassis::edge::{Named, Page, Route, any_of, reply, with};
use utoipa::OpenApi;
use warp::reply::Response;
use warp::{Filter, delete, get, path, post};

use super::{Category, CategoryId, NewCategory, store};
use crate::access::{Admin, admin};
use crate::error::Error;
use crate::state::Shop;
use crate::users;

/// All routes of categories.
pub fn routes(shop: &Arc<Shop>) -> Route {
    any_of([
        path!("products" / "category")
            .and(get())
            .and(query())
            .and(with(shop))
            .then(list)
            .named("GET /products/category"),
        path!("products" / "category" / CategoryId)
            .and(get())
            .and(with(shop))
            .then(show)
            .named("GET /products/category/{id}"),
        path!("products" / "category")
            .and(post())
            .and(admin(shop))
            .and(json())
            .and(with(shop))
            .then(create)
            .named("POST /products/category"),
        path!("products" / "category" / CategoryId)
            .and(delete())
            .and(admin(shop))
            .and(with(shop))
            .then(remove)
            .named("DELETE /products/category/{id}"),
    ])
    .under("products")
}

/// Their description.
#[derive(OpenApi)]
#[openapi(paths(list, show, create, remove))]
pub struct Api;

/// List categories
///
/// The oldest first.
#[utoipa::path(
    get, path = "/products/category", tag = "categories",
    params(Page),
    responses((status = 200, description = "A page of categories.", body = Vec<Category>)),
)]
async fn list(page: Page, shop: Arc<Shop>) -> Result<Response, Error> {
    let db = shop.db.get().await?;
    let categories = store::list(&db, page.above(), page.rows()).await?;
    Ok(page.reply(categories, |category| category.id.0))
}

/// Show a category
#[utoipa::path(
    get, path = "/products/category/{id}", tag = "categories",
    params(("id" = CategoryId, Path, description = "The category's id.")),
    responses((status = 200, description = "The category.", body = Category)),
)]
async fn show(id: CategoryId, shop: Arc<Shop>) -> Result<Response, Error> {
    let db = shop.db.get().await?;
    let category = store::find(&db, id).await?.ok_or(Error::CategoryNotFound)?;
    Ok(reply::json(&category))
}

/// Create a category
#[utoipa::path(
    post, path = "/products/category", tag = "categories",
    request_body = NewCategory,
    responses(
        (status = 201, description = "The category.", body = Category),
        (status = 409, description = "Code `category_exists`.",
            body = proto::Problem, content_type = "application/problem+json"),
    ),
    security(("password" = ["shop:admin"])),
)]
async fn create(caller: Admin, wanted: NewCategory, shop: Arc<Shop>) -> Result<Response, Error> {
    let mut db = shop.db.get().await?;
    let tx = db.transaction().await?;
    users::hold(&tx, caller.user).await?;
    let category = store::insert(&tx, &wanted.name).await?;
    tx.commit().await?;
    Ok(reply::created(&category))
}

/// Delete a category
#[utoipa::path(
    delete, path = "/products/category/{id}", tag = "categories",
    params(("id" = CategoryId, Path, description = "The category's id.")),
    responses(
        (status = 204, description = "Deleted."),
        (status = 409, description = "Code `category_in_use`.",
            body = proto::Problem, content_type = "application/problem+json"),
    ),
    security(("password" = ["shop:admin"])),
)]
async fn remove(id: CategoryId, caller: Admin, shop: Arc<Shop>) -> Result<Response, Error> {
    let mut db = shop.db.get().await?;
    let tx = db.transaction().await?;
    users::hold(&tx, caller.user).await?;
    if !store::delete(&tx, id).await? {
        return Err(Error::CategoryNotFound);
    }
    tx.commit().await?;
    Ok(reply::no_content())
}
