//! SQL of orders, and nothing else.

use chassis::DbError;
use chassis::db::PipelinedTransaction;
use deadpool_postgres::{GenericClient, Transaction};
use futures_util::try_join;
use proto::UserId;
use rust_decimal::Decimal;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::idempotency::{KeyedRequest, Placed};
use super::{Change, Line, NewOrder, Order, OrderId, OrderItem, Status};
use crate::access::Actor;
use crate::error::Error;
use crate::money::Money;
use crate::outbox::store::insert_job;
use crate::products::ProductId;

// The order of the locks is that of the ids: the rows are sorted before they are locked.
const LOCK_CART: &str = "
    SELECT p.id, p.name, p.price, CASE WHEN p.hidden THEN 0 ELSE p.quantity END AS available,
        l.quantity
    FROM cart_items l JOIN products p ON p.id = l.product_id
    WHERE l.user_id = $1
    ORDER BY p.id FOR NO KEY UPDATE OF p";

/// What is in the cart; locks its products in id order.
pub(super) async fn lock_cart(tx: &PipelinedTransaction, user: UserId) -> Result<Vec<Line>, Error> {
    let statement = tx.prepare_cached(LOCK_CART).await?;
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

const INSERT: &str = concat!(
    "WITH line AS (
            SELECT * FROM unnest($5::uuid[], $6::text[], $7::numeric[], $8::bigint[])
                WITH ORDINALITY AS line (product_id, name, unit_price, quantity, position)),
        sold AS (
            UPDATE products SET quantity = products.quantity - line.quantity
            FROM line WHERE products.id = line.product_id),
        emptied AS (DELETE FROM cart_items WHERE user_id = $2),
        items AS (
            INSERT INTO order_items (order_id, position, product_id, name, unit_price, quantity)
            SELECT $1, position, product_id, name, unit_price, quantity FROM line),
        key AS (
            INSERT INTO idempotency_keys AS k (user_id, key, body_hash, order_id)
            SELECT $2, $9, $10, $1 WHERE $9::text IS NOT NULL
            -- It is past its time, or it would have been found.
            ON CONFLICT (user_id, key) DO UPDATE SET body_hash = excluded.body_hash,
                order_id = excluded.order_id, created_at = excluded.created_at),
        job AS (",
    insert_job!("$11", "$12", "$13", "$14", "$15"),
    ") INSERT INTO orders (id, user_id, total, shipping_address) VALUES ($1, $2, $3, $4)
    RETURNING status, placed_at"
);

/// A value of a statement.
type Value<'a> = &'a (dyn ToSql + Sync);

/// Places an order: stores it with its key and its mail, takes its items from the stock, and empties
/// the cart they come from; all of which lasts then.
pub(super) async fn insert_and_commit(
    tx: PipelinedTransaction,
    new: NewOrder<'_>,
) -> Result<Order, Error> {
    let NewOrder { id, user, address, total, items, request, mail } = new;
    let statement = tx.prepare_cached(INSERT).await?;
    let products: Vec<Uuid> = items.iter().map(|item| item.product_id.0).collect();
    let names: Vec<&str> = items.iter().map(|item| item.name.as_str()).collect();
    let prices: Vec<Decimal> = items.iter().map(|item| item.unit_price.0).collect();
    let quantities: Vec<i64> = items.iter().map(|item| item.quantity).collect();
    let key = request.map(|request| request.key.as_str());
    let hash = request.map(|request| &*request.body_hash);
    let (mailed, lifetime) = (mail.user.map(|user| user.0), mail.lifetime());
    let order = [&id.0 as Value, &user.0, &total.0, &address.as_str()];
    let lines = [&products as Value, &names, &prices, &quantities, &key, &hash];
    let job = [&mail.id.0 as Value, &mail.kind, &mail.payload, &mailed, &lifetime];
    let row = tx.commit_with(&statement, &[&order[..], &lines, &job].concat()).await?;
    Ok(Order {
        id,
        status: status(&row, "status")?,
        total,
        shipping_address: address.as_str().to_owned(),
        placed_at: row.get("placed_at"),
        items,
        history: None,
    })
}

/// The lines of the orders that a query gives as `o`, the orders newest first. `OFFSET 0` has the
/// lines looked up order by order: the planner does not know how few orders there will be, and
/// would rather read everybody's lines.
macro_rules! with_items {
    ($orders:literal) => {
        concat!(
            "SELECT o.id, o.status, o.total, o.shipping_address, o.placed_at,
                i.product_id, i.name, i.unit_price, i.quantity
            FROM (SELECT * FROM orders WHERE ",
            $orders,
            ") o
            CROSS JOIN LATERAL (SELECT * FROM order_items WHERE order_id = o.id OFFSET 0) i
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

const FIND: &str = with_items!("id = $1 AND ($2::uuid IS NULL OR user_id = $2)");

/// An order, of this user's or of anybody's.
pub(super) async fn find(
    db: &impl GenericClient,
    id: OrderId,
    user: Option<UserId>,
) -> Result<Option<Order>, Error> {
    let statement = db.prepare_cached(FIND).await?;
    let user = user.map(|user| user.0);
    Ok(orders(&db.query(&statement, &[&id.0, &user]).await?)?.pop())
}

const FIND_EMAIL: &str = "
    SELECT u.email FROM orders o JOIN users u ON u.id = o.user_id
    WHERE o.id = $1 AND u.state <> 'deleting'";

/// An order and its customer's e-mail; `None` where either is gone.
pub async fn find_with_email(
    db: &impl GenericClient,
    id: OrderId,
) -> Result<Option<(Order, String)>, Error> {
    let email = async {
        let statement = db.prepare_cached(FIND_EMAIL).await?;
        Ok::<_, Error>(db.query_opt(&statement, &[&id.0]).await?.map(|row| row.get("email")))
    };
    let (order, email) = try_join!(find(db, id, None), email)?;
    Ok(order.zip(email))
}

const HISTORY: &str = "
    SELECT from_status, to_status, changed_at, changed_by FROM order_history
    WHERE order_id = $1 ORDER BY changed_at";

/// What became of an order since it was placed, the first change first.
pub(super) async fn history(db: &impl GenericClient, id: OrderId) -> Result<Vec<Change>, Error> {
    let statement = db.prepare_cached(HISTORY).await?;
    let rows = db.query(&statement, &[&id.0]).await?;
    let change = |row: &Row| -> Result<Change, Error> {
        Ok(Change {
            from: status(row, "from_status")?,
            to: status(row, "to_status")?,
            at: row.get("changed_at"),
            by: row.get("changed_by"),
        })
    };
    rows.iter().map(change).collect()
}

/// Anybody's order with its history.
pub(super) async fn find_whole(
    db: &impl GenericClient,
    id: OrderId,
) -> Result<Option<Order>, Error> {
    let (order, history) = try_join!(find(db, id, None), history(db, id))?;
    Ok(order.map(|order| order.with(history)))
}

const CHANGE_STATUS: &str = "
    WITH changed AS (
        UPDATE orders SET status = $3
        WHERE id = $1 AND status = $2 AND ($4::uuid IS NULL OR user_id = $4) RETURNING id)
    INSERT INTO order_history (order_id, from_status, to_status, changed_by)
    SELECT id, $2, $3, $5 FROM changed";

/// Changes the status of an order that the caller may change; says whether it was the expected
/// one before.
pub(super) async fn change_status(
    tx: &Transaction<'_>,
    caller: &Actor,
    id: OrderId,
    from: Status,
    to: Status,
) -> Result<bool, Error> {
    let statement = tx.prepare_cached(CHANGE_STATUS).await?;
    let owner = caller.only_own.map(|user| user.0);
    let (from, to, by) = (from.as_str(), to.as_str(), caller.id());
    Ok(tx.execute(&statement, &[&id.0, &from, &to, &owner, &by]).await? == 1)
}

const RESTOCK: &str = "
    WITH locked AS MATERIALIZED (
            SELECT id FROM products
            WHERE id IN (SELECT product_id FROM order_items WHERE order_id = $1)
            ORDER BY id FOR NO KEY UPDATE)
    UPDATE products p SET quantity = p.quantity + i.quantity
    FROM locked JOIN order_items i ON i.product_id = locked.id
    WHERE i.order_id = $1 AND p.id = locked.id";

/// Gives an order's items back to the stock.
pub(super) async fn restock(tx: &Transaction<'_>, id: OrderId) -> Result<(), Error> {
    let statement = tx.prepare_cached(RESTOCK).await?;
    tx.execute(&statement, &[&id.0]).await?;
    Ok(())
}

const FIND_PLACED: &str = "
    SELECT order_id, body_hash FROM idempotency_keys
    WHERE user_id = $1 AND key = $2 AND created_at > statement_timestamp() - interval '24 hours'";

/// What the user has placed under the request's key; nothing where it has none.
pub(super) async fn find_placed(
    tx: &PipelinedTransaction,
    user: UserId,
    request: Option<&KeyedRequest<'_>>,
) -> Result<Option<Placed>, Error> {
    let Some(request) = request else { return Ok(None) };
    let statement = tx.prepare_cached(FIND_PLACED).await?;
    let row = tx.query_opt(&statement, &[&user.0, &request.key.as_str()]).await?;
    let placed =
        |row: Row| Placed { order: OrderId(row.get("order_id")), body_hash: row.get("body_hash") };
    Ok(row.map(placed))
}

/// Deletes a batch of `$1` keys that are past their time.
pub const PURGE_KEYS: &str = "
    DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM idempotency_keys
        WHERE created_at < statement_timestamp() - interval '24 hours'
        ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED))";

fn status(row: &Row, column: &'static str) -> Result<Status, Error> {
    Status::parse(row.get(column)).ok_or_else(|| DbError::Unreadable(column).into())
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
                status: status(line, "status")?,
                total: Money(line.get("total")),
                shipping_address: line.get("shipping_address"),
                placed_at: line.get("placed_at"),
                items: vec![item],
                history: None,
            }),
        }
    }
    Ok(orders)
}
