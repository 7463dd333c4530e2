//! SQL of carts, and nothing else.

use chassis::DbError;
use chassis::db::PipelinedTransaction;
use deadpool_postgres::GenericClient;
use proto::UserId;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{CartItem, CartItemId, Quantity};
use crate::error::Error;
use crate::products::store::columns;
use crate::products::{Product, ProductId};
use crate::users::State;

// One row without a line where the cart is empty.
const FIND: &str = concat!(
    "SELECT u.state, l.id, l.quantity, l.created_at, ",
    columns!(),
    " FROM users u LEFT JOIN (cart_items l
        JOIN products p ON p.id = l.product_id JOIN categories c ON c.id = p.category_id)
        ON l.user_id = u.id
    WHERE u.id = $1 ORDER BY l.id"
);

/// Where the user stands, and the user's lines, the oldest first.
pub(super) async fn find(
    db: &impl GenericClient,
    user: UserId,
) -> Result<(Option<State>, Vec<CartItem>), Error> {
    let statement = db.prepare_cached(FIND).await?;
    let rows = db.query(&statement, &[&user.0]).await?;
    let state = rows.first().map(State::from_row).transpose()?;
    let lines = rows.iter().filter(|row| row.get::<_, Option<Uuid>>("id").is_some());
    Ok((state, lines.map(CartItem::from_row).collect()))
}

// `lines` counts what stood there before this statement.
const ADD: &str = concat!(
    "WITH l AS (
        INSERT INTO cart_items AS l (id, user_id, product_id, quantity)
        SELECT $1, $2, id, $4 FROM products WHERE id = $3 AND NOT hidden
        ON CONFLICT (user_id, product_id) DO UPDATE SET quantity = l.quantity + excluded.quantity
        RETURNING *)
    SELECT l.id, l.quantity, l.created_at,
        (SELECT count(*) FROM cart_items WHERE user_id = $2) AS lines, ",
    columns!(),
    " FROM l JOIN products p ON p.id = l.product_id JOIN categories c ON c.id = p.category_id"
);

/// Adds to the line of a product, a new one with this id where there is none; and how many lines
/// there were before. `None` where no such product is on sale.
pub(super) async fn add(
    tx: &PipelinedTransaction,
    user: UserId,
    id: CartItemId,
    product: ProductId,
    quantity: i64,
) -> Result<Option<(CartItem, i64)>, Error> {
    let statement = tx.prepare_cached(ADD).await?;
    let row = tx.query_opt(&statement, &[&id.0, &user.0, &product.0, &quantity]).await;
    match row.map_err(DbError::from) {
        Ok(row) => Ok(row.map(|row| (CartItem::from_row(&row), row.get("lines")))),
        // It was deleted at this moment.
        Err(error) if error.constraint() == Some("cart_items_product_id_fkey") => Ok(None),
        Err(error) => Err(error.into()),
    }
}

const SET_QUANTITY: &str = concat!(
    "WITH l AS (
        UPDATE cart_items SET quantity = $3 WHERE id = $1 AND user_id = $2 RETURNING *)
    SELECT l.id, l.quantity, l.created_at, ",
    columns!(),
    " FROM l JOIN products p ON p.id = l.product_id JOIN categories c ON c.id = p.category_id"
);

pub(super) async fn set_quantity(
    tx: &PipelinedTransaction,
    user: UserId,
    id: CartItemId,
    quantity: Quantity,
) -> Result<Option<CartItem>, Error> {
    let statement = tx.prepare_cached(SET_QUANTITY).await?;
    let row = tx.query_opt(&statement, &[&id.0, &user.0, &quantity.get()]).await?;
    Ok(row.as_ref().map(CartItem::from_row))
}

const DELETE: &str = "DELETE FROM cart_items WHERE id = $1 AND user_id = $2";

/// Says whether there was such a line.
pub(super) async fn delete(
    tx: &PipelinedTransaction,
    user: UserId,
    id: CartItemId,
) -> Result<bool, Error> {
    let statement = tx.prepare_cached(DELETE).await?;
    Ok(tx.execute(&statement, &[&id.0, &user.0]).await? == 1)
}

const CLEAR: &str = "DELETE FROM cart_items WHERE user_id = $1";

pub(super) async fn clear(tx: &PipelinedTransaction, user: UserId) -> Result<(), Error> {
    let statement = tx.prepare_cached(CLEAR).await?;
    tx.execute(&statement, &[&user.0]).await?;
    Ok(())
}

impl CartItem {
    fn from_row(row: &Row) -> Self {
        Self {
            id: CartItemId(row.get("id")),
            product: Product::from_row(row),
            quantity: row.get("quantity"),
            created_at: row.get("created_at"),
        }
    }
}
