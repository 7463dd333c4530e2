//! One use case: an order that was not sent yet is cancelled, and its stock comes back.
//!
//! The change of status is guarded by the one before it: of many at once, one changes it and
//! restocks, all others find it changed. Products are locked in id order, as by a checkout.

use super::{Order, OrderId, Status, advance, store};
use crate::access::Actor;
use crate::error::Error;
use crate::state::Shop;
use crate::users;

pub(super) async fn cancel(shop: &Shop, caller: &Actor, id: OrderId) -> Result<Order, Error> {
    let mut db = shop.db.get().await?;
    let tx = db.transaction().await?;
    users::hold(&tx, caller.user()).await?;
    advance::change(&tx, caller, id, Status::Cancelled).await?;
    store::restock(&tx, id).await?;
    let order = store::find_whole(&tx, id).await?.ok_or(Error::OrderNotFound)?;
    tx.commit().await?;
    Ok(order)
}
