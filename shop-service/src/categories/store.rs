//! SQL of categories, and nothing else.

use chassis::DbError;
use deadpool_postgres::GenericClient;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{Category, CategoryId, Name};
use crate::error::Error;

const INSERT: &str = "
    INSERT INTO categories (id, name, name_key) VALUES ($1, $2, $3) RETURNING id, name";

pub(super) async fn insert(db: &impl GenericClient, name: &Name) -> Result<Category, Error> {
    let statement = db.prepare_cached(INSERT).await?;
    let (id, name) = (CategoryId::generate(), name.as_str());
    let row = db.query_one(&statement, &[&id.0, &name, &name.to_lowercase()]).await;
    match row.map_err(DbError::from) {
        Ok(row) => Ok(Category::from_row(&row)),
        Err(error) if error.constraint() == Some("categories_name_key") => {
            Err(Error::CategoryExists)
        }
        Err(error) => Err(error.into()),
    }
}

const FIND: &str = "SELECT id, name FROM categories WHERE id = $1";

pub(super) async fn find(
    db: &impl GenericClient,
    id: CategoryId,
) -> Result<Option<Category>, Error> {
    let statement = db.prepare_cached(FIND).await?;
    Ok(db.query_opt(&statement, &[&id.0]).await?.as_ref().map(Category::from_row))
}

const LIST: &str = "SELECT id, name FROM categories WHERE id > $1 ORDER BY id LIMIT $2";

/// The oldest first.
pub(super) async fn list(
    db: &impl GenericClient,
    above: Uuid,
    rows: i64,
) -> Result<Vec<Category>, Error> {
    let statement = db.prepare_cached(LIST).await?;
    let rows = db.query(&statement, &[&above, &rows]).await?;
    Ok(rows.iter().map(Category::from_row).collect())
}

const DELETE: &str = "DELETE FROM categories WHERE id = $1";

/// Says whether there was one.
pub(super) async fn delete(db: &impl GenericClient, id: CategoryId) -> Result<bool, Error> {
    let statement = db.prepare_cached(DELETE).await?;
    match db.execute(&statement, &[&id.0]).await.map_err(DbError::from) {
        Ok(rows) => Ok(rows == 1),
        Err(error) if error.constraint() == Some("products_category_id_fkey") => {
            Err(Error::CategoryInUse)
        }
        Err(error) => Err(error.into()),
    }
}

impl Category {
    fn from_row(row: &Row) -> Self {
        Self { id: CategoryId(row.get("id")), name: row.get("name") }
    }
}
