//! HTTP of products.

use std::sync::Arc;

use chassis::edge::guard::{json, query};
use chassis::edge::query::{FromQuery, Query};
use chassis::edge::{Named, Page, Refusal, Route, any_of, reply, with};
use proto::problem::FieldError;
use utoipa::OpenApi;
use warp::reply::Response;
use warp::{Filter, delete, get, patch, path, post};

use super::{
    NewProduct, Product, ProductChange, ProductId, Search, Words, remove as removal, store,
};
use crate::access::{Admin, admin};
use crate::categories::CategoryId;
use crate::error::Error;
use crate::state::Shop;
use crate::users;

/// All routes of products.
pub fn routes(shop: &Arc<Shop>) -> Route {
    any_of([
        path!("products")
            .and(get())
            .and(query())
            .and(with(shop))
            .then(list)
            .named("GET /products/"),
        path!("products" / ProductId)
            .and(get())
            .and(with(shop))
            .then(show)
            .named("GET /products/{id}"),
        path!("products")
            .and(post())
            .and(admin(shop))
            .and(json())
            .and(with(shop))
            .then(create)
            .named("POST /products/"),
        path!("products" / ProductId)
            .and(patch())
            .and(admin(shop))
            .and(json())
            .and(with(shop))
            .then(change)
            .named("PATCH /products/{id}"),
        path!("products" / ProductId)
            .and(delete())
            .and(admin(shop))
            .and(with(shop))
            .then(remove)
            .named("DELETE /products/{id}"),
    ])
    .under("products")
}

/// Their description.
#[derive(OpenApi)]
#[openapi(paths(list, show, create, change, remove))]
pub struct Api;

/// Which products are asked for.
struct Wanted {
    page: Page,
    words: Option<Words>,
    category: Option<CategoryId>,
}

impl FromQuery for Wanted {
    fn from_query(query: &Query) -> Result<Self, Refusal> {
        Ok(Self {
            page: Page::from_query(query)?,
            words: words(query)?,
            category: query.value("category_id")?,
        })
    }
}

/// A search field that holds nothing but spaces is empty.
fn words(query: &Query) -> Result<Option<Words>, Refusal> {
    let text = query.text("q")?.map(str::trim).filter(|text| !text.is_empty());
    match text.map(str::parse::<Search>).transpose() {
        Ok(search) => Ok(search.map(Words::from)),
        Err(message) => Err(Refusal::validation(vec![FieldError::new("q", message)])),
    }
}

/// List products on sale
///
/// The oldest first. `q` narrows the list to products in whose name or description all of its
/// words are, in any form: `keys` finds `key`. `"a phrase"`, `one or another` and `-without` are
/// understood; words like `the` count for nothing, and nothing is found by them alone.
#[utoipa::path(
    get, path = "/products/", tag = "products",
    params(
        ("q" = inline(Option<Search>), Query, description = "Only those with these words."),
        ("category_id" = Option<CategoryId>, Query, description = "Only those of a category."),
        Page,
    ),
    responses(
        (status = 200, description = "A page of products.", body = Vec<Product>),
        (status = 422, description = "`q` is too long: code `validation`.",
            body = proto::Problem, content_type = "application/problem+json"),
    ),
)]
async fn list(wanted: Wanted, shop: Arc<Shop>) -> Result<Response, Error> {
    let Wanted { page, words, category } = wanted;
    let (above, rows) = (page.above(), page.rows());
    let db = shop.db.get().await?;
    let products = match (words, category) {
        (None, None) => store::list(&db, above, rows).await?,
        (None, Some(category)) => store::list_of_category(&db, category, above, rows).await?,
        (Some(words), None) => store::search(&db, &words, above, rows).await?,
        (Some(words), Some(category)) => {
            store::search_category(&db, &words, category, above, rows).await?
        }
    };
    Ok(page.reply(products, |product| product.id.0))
}

/// Show a product
#[utoipa::path(
    get, path = "/products/{id}", tag = "products",
    params(("id" = ProductId, Path, description = "The product's id.")),
    responses((status = 200, description = "The product.", body = Product)),
)]
async fn show(id: ProductId, shop: Arc<Shop>) -> Result<Response, Error> {
    let db = shop.db.reader().await?;
    let found = db.read(store::find(&*db, id)).await?;
    Ok(reply::json(&found.ok_or(Error::ProductNotFound)?))
}

/// Create a product
#[utoipa::path(
    post, path = "/products/", tag = "products",
    request_body = NewProduct,
    responses((status = 201, description = "The product.", body = Product)),
    security(("password" = ["shop:admin"])),
)]
async fn create(caller: Admin, wanted: NewProduct, shop: Arc<Shop>) -> Result<Response, Error> {
    let mut db = shop.db.get().await?;
    let tx = db.transaction().await?;
    users::hold(&tx, caller.user).await?;
    let product = store::insert(&tx, &wanted).await?;
    tx.commit().await?;
    Ok(reply::created(&product))
}

/// Change a product
#[utoipa::path(
    patch, path = "/products/{id}", tag = "products",
    params(("id" = ProductId, Path, description = "The product's id.")),
    request_body = ProductChange,
    responses((status = 200, description = "The product as it is now.", body = Product)),
    security(("password" = ["shop:admin"])),
)]
async fn change(
    id: ProductId,
    caller: Admin,
    wanted: ProductChange,
    shop: Arc<Shop>,
) -> Result<Response, Error> {
    let mut db = shop.db.get().await?;
    let tx = db.transaction().await?;
    users::hold(&tx, caller.user).await?;
    let product = store::update(&tx, id, &wanted).await?.ok_or(Error::ProductNotFound)?;
    wanted.judge(&product)?;
    tx.commit().await?;
    Ok(reply::json(&product))
}

/// Take a product from sale
///
/// One that was ordered is hidden, and the orders keep it; any other is deleted.
#[utoipa::path(
    delete, path = "/products/{id}", tag = "products",
    params(("id" = ProductId, Path, description = "The product's id.")),
    responses((status = 204, description = "Not on sale any more.")),
    security(("password" = ["shop:admin"])),
)]
async fn remove(id: ProductId, caller: Admin, shop: Arc<Shop>) -> Result<Response, Error> {
    removal::remove(&shop, caller, id).await?;
    Ok(reply::no_content())
}
