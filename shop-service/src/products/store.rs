//! SQL of products, and nothing else.

use chassis::DbError;
use deadpool_postgres::{GenericClient, Transaction};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{BEYOND, NewProduct, Product, ProductChange, ProductId, Words};
use crate::categories::{Category, CategoryId};
use crate::error::Error;
use crate::money::Money;

/// The columns of a product `p` in its category `c`, as [`Product::from_row`] reads them. Stock
/// that cannot be bought is none.
macro_rules! columns {
    () => {
        "p.id AS product_id, p.name AS product_name, p.description, p.price,
        CASE WHEN p.hidden THEN 0 ELSE p.quantity END AS stock,
        c.id AS category_id, c.name AS category_name"
    };
}
pub(crate) use columns;

const INSERT: &str = concat!(
    "WITH p AS (
        INSERT INTO products (id, name, quantity, description, price, category_id)
        VALUES ($1, $2, $3, $4, $5, $6) RETURNING *)
    SELECT ",
    columns!(),
    " FROM p JOIN categories c ON c.id = p.category_id"
);

pub(super) async fn insert(
    db: &impl GenericClient,
    product: &NewProduct,
) -> Result<Product, Error> {
    let statement = db.prepare_cached(INSERT).await?;
    let row = db
        .query_opt(
            &statement,
            &[
                &ProductId::generate().0,
                &product.name.as_str(),
                &product.quantity.get(),
                &product.description.as_str(),
                &product.price.get(),
                &product.category_id.0,
            ],
        )
        .await;
    // Without a category the join gives no row; the foreign key would come after it.
    row.map_err(refused)?.map(|row| Product::from_row(&row)).ok_or(NO_SUCH_CATEGORY)
}

const UPDATE: &str = concat!(
    "WITH p AS (
        UPDATE products SET
            name = coalesce($2, name),
            quantity = coalesce($3, quantity) + coalesce($4::bigint, 0),
            description = coalesce($5, description),
            price = coalesce($6, price),
            category_id = coalesce($7, category_id)
        WHERE id = $1 AND NOT hidden RETURNING *)
    SELECT ",
    columns!(),
    " FROM p JOIN categories c ON c.id = p.category_id"
);

pub(super) async fn update(
    db: &impl GenericClient,
    id: ProductId,
    change: &ProductChange,
) -> Result<Option<Product>, Error> {
    let statement = db.prepare_cached(UPDATE).await?;
    let row = db
        .query_opt(
            &statement,
            &[
                &id.0,
                &change.name.as_ref().map(super::Name::as_str),
                &change.quantity.map(super::Quantity::get),
                &change.quantity_delta.map(super::QuantityDelta::get),
                &change.description.as_ref().map(super::Description::as_str),
                &change.price.map(crate::money::Price::get),
                &change.category_id.map(|category| category.0),
            ],
        )
        .await;
    Ok(row.map_err(refused)?.as_ref().map(Product::from_row))
}

const NO_SUCH_CATEGORY: Error = Error::Field { field: "category_id", message: "names no category" };

/// What the constraints say about a new or changed product.
fn refused(error: tokio_postgres::Error) -> Error {
    let error = DbError::from(error);
    match error.constraint() {
        Some("products_category_id_fkey") => NO_SUCH_CATEGORY,
        Some("products_quantity_check") => BEYOND,
        _ => error.into(),
    }
}

const FIND: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM products p JOIN categories c ON c.id = p.category_id WHERE p.id = $1 AND NOT p.hidden"
);

pub(super) async fn find(db: &impl GenericClient, id: ProductId) -> Result<Option<Product>, Error> {
    let statement = db.prepare_cached(FIND).await?;
    Ok(db.query_opt(&statement, &[&id.0]).await?.as_ref().map(Product::from_row))
}

const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM products p JOIN categories c ON c.id = p.category_id
    WHERE NOT p.hidden AND p.id > $1 ORDER BY p.id LIMIT $2"
);

/// What is on sale, the oldest first.
pub(super) async fn list(
    db: &impl GenericClient,
    above: Uuid,
    rows: i64,
) -> Result<Vec<Product>, Error> {
    let statement = db.prepare_cached(LIST).await?;
    let rows = db.query(&statement, &[&above, &rows]).await?;
    Ok(rows.iter().map(Product::from_row).collect())
}

const LIST_OF_CATEGORY: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM products p JOIN categories c ON c.id = p.category_id
    WHERE p.category_id = $3 AND NOT p.hidden AND p.id > $1 ORDER BY p.id LIMIT $2"
);

/// What is on sale in a category, the oldest first.
pub(super) async fn list_of_category(
    db: &impl GenericClient,
    category: CategoryId,
    above: Uuid,
    rows: i64,
) -> Result<Vec<Product>, Error> {
    let statement = db.prepare_cached(LIST_OF_CATEGORY).await?;
    let rows = db.query(&statement, &[&above, &rows, &category.0]).await?;
    Ok(rows.iter().map(Product::from_row).collect())
}

/// A page of products on sale that hold `words`, in the part of them that `$part` says.
///
/// PostgreSQL must choose a plan before it knows the words, and both that it has are bad for some:
/// walking by id reads the whole table for a rare word, and the index of words reads and sorts half
/// of it for a common one. So the walk (`near`) is given up where 20 times the page do not fill it,
/// and only then, and from there on (`edge`), the index is asked (`far`): for words that not one in
/// twenty has. `IS TRUE` hides the id from the planner, which would read all of its index as well.
macro_rules! search {
    ($part:literal) => {
        concat!(
            "WITH wanted AS MATERIALIZED (
                SELECT websearch_to_tsquery('pg_catalog.english', translate($3, '/', ' ')) AS words),
            near AS MATERIALIZED (
                SELECT id FROM (
                    SELECT id, words FROM products
                    WHERE NOT hidden AND id > $1 AND ",
            $part,
            " ORDER BY id LIMIT 20 * $2::bigint) AS walked
                WHERE words @@ (SELECT words FROM wanted) ORDER BY id LIMIT $2),
            edge AS MATERIALIZED (
                SELECT id FROM products
                WHERE NOT hidden AND id > $1 AND ",
            $part,
            " AND (SELECT count(*) FROM near) < $2 ORDER BY id OFFSET 20 * $2 - 1 LIMIT 1),
            far AS MATERIALIZED (
                SELECT id FROM products
                WHERE NOT hidden AND words @@ (SELECT words FROM wanted)
                    AND (id > (SELECT id FROM edge) AND ",
            $part,
            ") IS TRUE AND EXISTS (SELECT FROM edge))
            SELECT ",
            columns!(),
            " FROM (SELECT id FROM near UNION ALL SELECT id FROM far ORDER BY id LIMIT $2) found
            JOIN products p ON p.id = found.id JOIN categories c ON c.id = p.category_id
            ORDER BY p.id"
        )
    };
}

const SEARCH: &str = search!("true");

/// What is on sale and holds these words, the oldest first.
pub(super) async fn search(
    db: &impl GenericClient,
    words: &Words,
    above: Uuid,
    rows: i64,
) -> Result<Vec<Product>, Error> {
    let statement = db.prepare_cached(SEARCH).await?;
    let rows = db.query(&statement, &[&above, &rows, &words.0]).await?;
    Ok(rows.iter().map(Product::from_row).collect())
}

const SEARCH_CATEGORY: &str = search!("category_id = $4");

/// What is on sale in a category and holds these words, the oldest first.
pub(super) async fn search_category(
    db: &impl GenericClient,
    words: &Words,
    category: CategoryId,
    above: Uuid,
    rows: i64,
) -> Result<Vec<Product>, Error> {
    let statement = db.prepare_cached(SEARCH_CATEGORY).await?;
    let rows = db.query(&statement, &[&above, &rows, &words.0, &category.0]).await?;
    Ok(rows.iter().map(Product::from_row).collect())
}

const LOCK: &str = "SELECT FROM products WHERE id = $1 AND NOT hidden FOR UPDATE";

/// Locks a product that is on sale against everything; says whether there is one.
pub(super) async fn lock(tx: &Transaction<'_>, id: ProductId) -> Result<bool, Error> {
    let statement = tx.prepare_cached(LOCK).await?;
    Ok(tx.query_opt(&statement, &[&id.0]).await?.is_some())
}

const HIDE_IF_ORDERED: &str = "
    UPDATE products SET hidden = true
    WHERE id = $1 AND EXISTS (SELECT FROM order_items WHERE product_id = $1)";

/// Says whether it was ordered.
pub(super) async fn hide_if_ordered(tx: &Transaction<'_>, id: ProductId) -> Result<bool, Error> {
    let statement = tx.prepare_cached(HIDE_IF_ORDERED).await?;
    Ok(tx.execute(&statement, &[&id.0]).await? == 1)
}

const DELETE: &str = "DELETE FROM products WHERE id = $1";

pub(super) async fn delete(tx: &Transaction<'_>, id: ProductId) -> Result<(), Error> {
    let statement = tx.prepare_cached(DELETE).await?;
    tx.execute(&statement, &[&id.0]).await?;
    Ok(())
}

impl Product {
    /// From a row with the columns of `columns!`.
    pub fn from_row(row: &Row) -> Self {
        Self {
            id: ProductId(row.get("product_id")),
            name: row.get("product_name"),
            quantity: row.get("stock"),
            description: row.get("description"),
            price: Money(row.get("price")),
            category: Category {
                id: CategoryId(row.get("category_id")),
                name: row.get("category_name"),
            },
        }
    }
}
