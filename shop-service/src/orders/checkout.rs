//! One use case: cart → order, in one transaction.
//!
//! The user's row is the queue of that user's checkouts and the fence against the user's
//! deletion. Products are locked in id order, so that two checkouts of the same products cannot
//! deadlock. The cart is emptied in the statement that stores the order, so that one cart cannot give
//! two orders. Where anything is short, nothing is written. The mail to the customer is left as a
//! job in the same transaction.

use futures_util::try_join;
use proto::UserId;
use proto::problem::ShortProduct;
use serde_json::json;

use super::idempotency::{IdempotencyKey, KeyedRequest};
use super::{Line, MAIL, NewOrder, Order, OrderId, OrderItem, PlaceOrder, Status, store};
use crate::error::Error;
use crate::money::Money;
use crate::outbox::{JobId, NewJob};
use crate::state::Shop;
use crate::users;

/// What came of a checkout.
pub(super) enum Checkout {
    /// This order was placed.
    Placed(Order),
    /// It was placed before, under the same key.
    Replayed(Order),
}

pub(super) async fn checkout(
    shop: &Shop,
    user: UserId,
    key: Option<&IdempotencyKey>,
    wanted: &PlaceOrder,
) -> Result<Checkout, Error> {
    let request = key.map(|key| KeyedRequest::new(key, wanted));
    match place(shop, user, request.as_ref(), wanted).await {
        // Another transaction was in the way; the second try comes after it.
        Err(Error::Database(error)) if error.is_conflict() => {
            place(shop, user, request.as_ref(), wanted).await
        }
        result => result,
    }
}

async fn place(
    shop: &Shop,
    user: UserId,
    request: Option<&KeyedRequest<'_>>,
    wanted: &PlaceOrder,
) -> Result<Checkout, Error> {
    let tx = shop.db.pipelined().await?;
    // What is joined is sent together, and done in this order: what comes after the queue sees
    // what the checkout before it in the queue has done.
    let queue = users::queue(&tx, user);
    let placed = store::find_placed(&tx, user, request);
    let lines = store::lock_cart(&tx, user);
    let ((), placed, lines) = tx.begin_with(async { try_join!(queue, placed, lines) }).await?;
    if let (Some(request), Some(placed)) = (request, placed) {
        let order = store::find(&*tx, request.repeats(&placed)?, Some(user)).await?;
        return Ok(Checkout::Replayed(order.ok_or(Error::OrderNotFound)?.at_placement()));
    }
    let items = judge(lines)?;
    let total = Money(items.iter().map(OrderItem::price).sum());
    let id = OrderId::generate();
    let address = &wanted.shipping_address;
    let new = NewOrder { id, user, address, total, items, request, mail: mail(id, user) };
    let order = store::insert_and_commit(tx, new).await?;
    shop.outbox.job_left();
    Ok(Checkout::Placed(order.at_placement()))
}

/// Tells the customer of an order.
fn mail(order: OrderId, user: UserId) -> NewJob {
    let payload = json!({ "order": order });
    NewJob { id: JobId::generate(), kind: MAIL, payload, user: Some(user), may_expire: true }
}

impl Order {
    /// As it was when it was placed, whatever became of it: a repeated request gets the same
    /// answer. Its lines and its total never change.
    fn at_placement(self) -> Self {
        Self { status: Status::Processing, history: Some(Vec::new()), ..self }
    }
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
