//! One use case: a product is taken from sale. One that was ordered is hidden, for the orders
//! name it; any other is deleted, and with it its lines in carts.

use super::{ProductId, store};
use crate::access::Admin;
use crate::error::Error;
use crate::state::Shop;
use crate::users;

pub(super) async fn remove(shop: &Shop, caller: Admin, id: ProductId) -> Result<(), Error> {
    let mut db = shop.db.get().await?;
    let tx = db.transaction().await?;
    users::hold(&tx, caller.user).await?;
    // A checkout that has the product locked is waited for, so that its order is seen below.
    if !store::lock(&tx, id).await? {
        return Err(Error::ProductNotFound);
    }
    if !store::hide_if_ordered(&tx, id).await? {
        store::delete(&tx, id).await?;
    }
    tx.commit().await?;
    Ok(())
}
