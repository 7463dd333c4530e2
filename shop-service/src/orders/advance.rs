//! One use case: an order moves along, from status to status, each change with a row of history.

use deadpool_postgres::Transaction;

use super::{Order, OrderId, Status, store};
use crate::access::Actor;
use crate::error::Error;
use crate::state::Shop;
use crate::users;

pub(super) async fn advance(
    shop: &Shop,
    caller: &Actor,
    id: OrderId,
    wanted: Status,
) -> Result<Order, Error> {
    let mut db = shop.db.get().await?;
    let tx = db.transaction().await?;
    users::hold(&tx, caller.user()).await?;
    if wanted == Status::Cancelled {
        // That has a call of its own, which restocks.
        let order = store::find(&tx, id, None).await?.ok_or(Error::OrderNotFound)?;
        return Err(Error::WrongStatus { is: order.status.as_str(), wanted: wanted.as_str() });
    }
    change(&tx, caller, id, wanted).await?;
    let order = store::find_whole(&tx, id).await?.ok_or(Error::OrderNotFound)?;
    tx.commit().await?;
    Ok(order)
}

/// Changes the status of an order that the caller may change, from the one before it.
pub(super) async fn change(
    tx: &Transaction<'_>,
    caller: &Actor,
    id: OrderId,
    wanted: Status,
) -> Result<(), Error> {
    if let Some(before) = wanted.predecessor()
        && store::change_status(tx, caller, id, before, wanted).await?
    {
        return Ok(());
    }
    let order = store::find(tx, id, caller.only_own).await?.ok_or(Error::OrderNotFound)?;
    Err(Error::WrongStatus { is: order.status.as_str(), wanted: wanted.as_str() })
}
