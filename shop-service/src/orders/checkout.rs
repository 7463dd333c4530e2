//! One use case: cart → order, in one transaction.
//!
//! The user's row is the queue of that user's checkouts and the fence against the user's
//! deletion. Products are locked in id order, so that two checkouts of the same products cannot
//! deadlock. The lines come from the cart as it is emptied, so that one cart cannot give two
//! orders. Where anything is short, all of it is taken back.

use proto::UserId;
use proto::problem::ShortProduct;

use super::{Line, Order, OrderId, OrderItem, PlaceOrder, store};
use crate::error::Error;
use crate::money::Money;
use crate::state::Shop;
use crate::users;

pub(super) async fn checkout(
    shop: &Shop,
    user: UserId,
    wanted: &PlaceOrder,
) -> Result<Order, Error> {
    match place(shop, user, wanted).await {
        // Another transaction was in the way; the second try comes after it.
        Err(Error::Database(error)) if error.is_conflict() => place(shop, user, wanted).await,
        result => result,
    }
}

async fn place(shop: &Shop, user: UserId, wanted: &PlaceOrder) -> Result<Order, Error> {
    let mut db = shop.db.get().await?;
    let tx = db.transaction().await?;
    users::queue(&tx, user).await?;
    let items = judge(store::take_cart(&tx, user).await?)?;
    let total = Money(items.iter().map(OrderItem::price).sum());
    let id = OrderId::generate();
    let address = &wanted.shipping_address;
    let order = store::insert(&tx, id, user, address, total, items).await?;
    tx.commit().await?;
    Ok(order)
}

/// Whether there is something to order, and enough of all of it.
fn judge(lines: Vec<Line>) -> Result<Vec<OrderItem>, Error> {
    if lines.is_empty() {
        return Err(Error::CartEmpty);
    }
    let is_short = |line: &&Line| line.item.quantity > line.available;
    let short: Vec<ShortProduct> = lines.iter().filter(is_short).map(Line::as_short).collect();
    if !short.is_empty() {
        return Err(Error::StockShort(short));
    }
    Ok(lines.into_iter().map(|line| line.item).collect())
}

impl Line {
    fn as_short(&self) -> ShortProduct {
        ShortProduct {
            product_id: self.item.product_id.0,
            name: self.item.name.clone(),
            requested: self.item.quantity,
            available: self.available,
        }
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;
    use crate::products::ProductId;

    fn line(quantity: i64, available: i64) -> Line {
        let item = OrderItem {
            product_id: ProductId::generate(),
            name: "Notebook".to_owned(),
            unit_price: Money(Decimal::ONE),
            quantity,
        };
        Line { item, available }
    }

    #[test]
    fn an_empty_cart_is_no_order() {
        assert!(matches!(judge(Vec::new()), Err(Error::CartEmpty)));
    }

    #[test]
    fn every_short_product_is_named_with_what_is_left() {
        let result = judge(vec![line(2, 2), line(3, 2), line(1, 0)]);

        let Err(Error::StockShort(short)) = result else { panic!("{result:?}") };
        let figures: Vec<_> = short.iter().map(|one| (one.requested, one.available)).collect();
        assert_eq!(figures, [(3, 2), (1, 0)]);
    }
}
