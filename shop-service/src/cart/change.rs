//! The use cases that change a line of the cart: one transaction each, one at a time for each
//! user, taken back where the line would be larger than it may.

use proto::UserId;

use super::{AddItem, CartItem, CartItemId, LINES_MAX, Quantity, store};
use crate::error::Error;
use crate::state::Shop;
use crate::users;

/// Adds to the cart; the same product again adds up.
pub(super) async fn add(shop: &Shop, user: UserId, wanted: AddItem) -> Result<CartItem, Error> {
    let quantity = wanted.quantity.map_or(1, Quantity::get);
    let mut db = shop.db.get().await?;
    let tx = db.transaction().await?;
    users::queue(&tx, user).await?;
    let id = CartItemId::generate();
    let (item, lines) = store::add(&tx, user, id, wanted.product_id, quantity)
        .await?
        .ok_or(Error::ProductNotFound)?;
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
    let mut db = shop.db.get().await?;
    let tx = db.transaction().await?;
    users::queue(&tx, user).await?;
    let item = store::set_quantity(&tx, user, id, quantity).await?;
    let item = item.ok_or(Error::CartItemNotFound)?.judge()?;
    tx.commit().await?;
    Ok(item)
}

/// Removes a line.
pub(super) async fn remove(shop: &Shop, user: UserId, id: CartItemId) -> Result<(), Error> {
    let mut db = shop.db.get().await?;
    let tx = db.transaction().await?;
    users::queue(&tx, user).await?;
    if !store::delete(&tx, user, id).await? {
        return Err(Error::CartItemNotFound);
    }
    tx.commit().await?;
    Ok(())
}

/// Removes all lines.
pub(super) async fn clear(shop: &Shop, user: UserId) -> Result<(), Error> {
    let mut db = shop.db.get().await?;
    let tx = db.transaction().await?;
    users::queue(&tx, user).await?;
    store::clear(&tx, user).await?;
    tx.commit().await?;
    Ok(())
}
