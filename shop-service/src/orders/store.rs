//! SQL of orders, and nothing else.

use deadpool_postgres::{GenericClient, Transaction};
use proto::UserId;
use rust_decimal::Decimal;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{Line, Order, OrderId, OrderItem, ShippingAddress, Status};
use crate::error::Error;
use crate::money::Money;
use crate::products::ProductId;

// The order of the locks is that of the ids: the rows are sorted before they are locked.
const TAKE_CART: &str = "
    WITH locked AS MATERIALIZED (
            SELECT id, name, price, CASE WHEN hidden THEN 0 ELSE quantity END AS available
            FROM products
            WHERE id IN (SELECT product_id FROM cart_items WHERE user_id = $1)
            ORDER BY id FOR NO KEY UPDATE),
        taken AS (DELETE FROM cart_items WHERE user_id = $1 RETURNING product_id, quantity)
    SELECT locked.id, locked.name, locked.price, locked.available, taken.quantity
    FROM locked JOIN taken ON taken.product_id = locked.id
    ORDER BY locked.id";

/// Empties the cart, and locks its products in id order.
pub(super) async fn take_cart(tx: &Transaction<'_>, user: UserId) -> Result<Vec<Line>, Error> {
    let statement = tx.prepare_cached(TAKE_CART).await?;
    let rows = tx.query(&statement, &[&user.0]).await?;
    let line = |row: &Row| Line {
        item: OrderItem {
            product_id: ProductId(row.get("id")),
            name: row.get("name"),
            unit_price: Money(row.get("price")),
            quantity: row.get("quantity"),
        },
        available: row.get("available"),
    };
    Ok(rows.iter().map(line).collect())
}

const INSERT: &str = "
    WITH line AS (
            SELECT * FROM unnest($5::uuid[], $6::text[], $7::numeric[], $8::bigint[])
                WITH ORDINALITY AS line (product_id, name, unit_price, quantity, position)),
        sold AS (
            UPDATE products SET quantity = products.quantity - line.quantity
            FROM line WHERE products.id = line.product_id),
        items AS (
            INSERT INTO order_items (order_id, position, product_id, name, unit_price, quantity)
            SELECT $1, position, product_id, name, unit_price, quantity FROM line)
    INSERT INTO orders (id, user_id, total, shipping_address) VALUES ($1, $2, $3, $4)
    RETURNING status, placed_at";

/// Stores an order, and takes its items from the stock.
pub(super) async fn insert(
    tx: &Transaction<'_>,
    id: OrderId,
    user: UserId,
    address: &ShippingAddress,
    total: Money,
    items: Vec<OrderItem>,
) -> Result<Order, Error> {
    let statement = tx.prepare_cached(INSERT).await?;
    let products: Vec<Uuid> = items.iter().map(|item| item.product_id.0).collect();
    let names: Vec<&str> = items.iter().map(|item| item.name.as_str()).collect();
    let prices: Vec<Decimal> = items.iter().map(|item| item.unit_price.0).collect();
    let quantities: Vec<i64> = items.iter().map(|item| item.quantity).collect();
    let row = tx
        .query_one(
            &statement,
            &[&id.0, &user.0, &total.0, &address.as_str(), &products, &names, &prices, &quantities],
        )
        .await?;
    Ok(Order {
        id,
        status: Status::parse(row.get("status"))?,
        total,
        shipping_address: address.as_str().to_owned(),
        placed_at: row.get("placed_at"),
        items,
    })
}

/// The lines of the orders that a query gives as `o`, the orders newest first.
macro_rules! with_items {
    ($orders:literal) => {
        concat!(
            "SELECT o.id, o.status, o.total, o.shipping_address, o.placed_at,
                i.product_id, i.name, i.unit_price, i.quantity
            FROM (SELECT * FROM orders WHERE ",
            $orders,
            ") o JOIN order_items i ON i.order_id = o.id
            ORDER BY o.id DESC, i.position"
        )
    };
}

const LIST: &str = with_items!("user_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3");

/// The user's orders, the newest first.
pub(super) async fn list(
    db: &impl GenericClient,
    user: UserId,
    below: Uuid,
    rows: i64,
) -> Result<Vec<Order>, Error> {
    let statement = db.prepare_cached(LIST).await?;
    orders(&db.query(&statement, &[&user.0, &below, &rows]).await?)
}

const LIST_ALL: &str = with_items!("id < $1 ORDER BY id DESC LIMIT $2");

/// Everyone's orders, the newest first.
pub(super) async fn list_all(
    db: &impl GenericClient,
    below: Uuid,
    rows: i64,
) -> Result<Vec<Order>, Error> {
    let statement = db.prepare_cached(LIST_ALL).await?;
    orders(&db.query(&statement, &[&below, &rows]).await?)
}

const FIND: &str = with_items!("id = $1 AND (user_id = $2 OR $3)");

/// An order of the user's, or with `any` of anybody's.
pub(super) async fn find(
    db: &impl GenericClient,
    id: OrderId,
    user: UserId,
    any: bool,
) -> Result<Option<Order>, Error> {
    let statement = db.prepare_cached(FIND).await?;
    Ok(orders(&db.query(&statement, &[&id.0, &user.0, &any]).await?)?.pop())
}

/// Orders from their lines, in which the lines of one stand together.
fn orders(lines: &[Row]) -> Result<Vec<Order>, Error> {
    let mut orders: Vec<Order> = Vec::new();
    for line in lines {
        let id = OrderId(line.get("id"));
        let item = OrderItem {
            product_id: ProductId(line.get("product_id")),
            name: line.get("name"),
            unit_price: Money(line.get("unit_price")),
            quantity: line.get("quantity"),
        };
        match orders.last_mut().filter(|order| order.id == id) {
            Some(order) => order.items.push(item),
            None => orders.push(Order {
                id,
                status: Status::parse(line.get("status"))?,
                total: Money(line.get("total")),
                shipping_address: line.get("shipping_address"),
                placed_at: line.get("placed_at"),
                items: vec![item],
            }),
        }
    }
    Ok(orders)
}
