//! The use cases that change a line of the cart: one transaction each, one at a time for each
//! user, taken back where the line would be larger than it may.

use chassis::db::PipelinedTransaction;
use futures_util::try_join;
use proto::UserId;

use super::{AddItem, CartItem, CartItemId, LINES_MAX, Quantity, store};
use crate::error::Error;
use crate::state::Shop;
use crate::users;

/// Adds to the cart; the same product again adds up.
pub(super) async fn add(shop: &Shop, user: UserId, wanted: AddItem) -> Result<CartItem, Error> {
    let quantity = wanted.quantity.map_or(1, Quantity::get);
    let id = CartItemId::generate();
    let tx = shop.db.pipelined().await?;
    let added = store::add(&tx, user, id, wanted.product_id, quantity);
    let (item, lines) = in_turn(&tx, user, added).await?.ok_or(Error::ProductNotFound)?;
    let is_new = item.id == id;
    if is_new && lines >= LINES_MAX {
        return Err(Error::CartFull);
    }
    let item = item.judge()?;
    tx.commit().await?;
    Ok(item)
}

/// Sets how many of a line's product.
pub(super) async fn set(
    shop: &Shop,
    user: UserId,
    id: CartItemId,
    quantity: Quantity,
) -> Result<CartItem, Error> {
    let tx = shop.db.pipelined().await?;
    let item = in_turn(&tx, user, store::set_quantity(&tx, user, id, quantity)).await?;
    let item = item.ok_or(Error::CartItemNotFound)?.judge()?;
    tx.commit().await?;
    Ok(item)
}

/// Removes a line.
pub(super) async fn remove(shop: &Shop, user: UserId, id: CartItemId) -> Result<(), Error> {
    let tx = shop.db.pipelined().await?;
    if !in_turn(&tx, user, store::delete(&tx, user, id)).await? {
        return Err(Error::CartItemNotFound);
    }
    Ok(tx.commit().await?)
}

/// Removes all lines.
pub(super) async fn clear(shop: &Shop, user: UserId) -> Result<(), Error> {
    let tx = shop.db.pipelined().await?;
    in_turn(&tx, user, store::clear(&tx, user)).await?;
    Ok(tx.commit().await?)
}

/// Begins, waits for the user's turn, and makes a change: sent together, done in this order.
async fn in_turn<T>(
    tx: &PipelinedTransaction,
    user: UserId,
    change: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let turn = users::queue(tx, user);
    tx.begin_with(async { try_join!(turn, change).map(|((), changed)| changed) }).await
}
