//! Orders: what was bought, at the price and under the name of that moment.

mod advance;
mod cancel;
mod checkout;
mod idempotency;
pub mod routes;
pub mod store;

use proto::UserId;
use proto::fields::{self, Field, Fields, FromFields, Message, Text};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::value::RawValue;
use time::OffsetDateTime;
use utoipa::ToSchema;

use idempotency::KeyedRequest;

use crate::money::Money;
use crate::outbox::NewJob;
use crate::products::ProductId;

proto::define_id!(
    /// An order.
    OrderId
);

/// Where an order is sent.
pub type ShippingAddress = Text<1, 1000>;

/// The kind of the job that tells the customer of an order; see [`crate::delivery`].
pub const MAIL: &str = "order_mail";

/// How far an order has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// Placed.
    Processing,
    /// On its way.
    Shipped,
    /// Arrived.
    Delivered,
    /// Taken back before it was sent.
    Cancelled,
}

impl Status {
    const ALL: [Self; 4] = [Self::Processing, Self::Shipped, Self::Delivered, Self::Cancelled];

    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "PROCESSING",
            Self::Shipped => "SHIPPED",
            Self::Delivered => "DELIVERED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// The only one it follows; none where orders begin.
    fn predecessor(self) -> Option<Self> {
        match self {
            Self::Processing => None,
            Self::Shipped | Self::Cancelled => Some(Self::Processing),
            Self::Delivered => Some(Self::Shipped),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

impl Field for Status {
    fn from_json(json: &RawValue) -> Result<Self, Message> {
        Self::parse(&fields::string(json)?)
            .ok_or_else(|| "must be PROCESSING, SHIPPED, DELIVERED or CANCELLED".into())
    }
}

/// An order.
#[derive(Debug, Serialize, ToSchema)]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// How far it has come.
    pub status: Status,
    /// What all of it costs.
    pub total: Money,
    /// Where it is sent; blank once the person is gone.
    pub shipping_address: String,
    /// When it was placed.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub placed_at: OffsetDateTime,
    /// Its lines.
    pub items: Vec<OrderItem>,
    /// How it came there, the first change first; of a single order only, not in a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<Vec<Change>>,
}

impl Order {
    /// With its history, which was read a moment later: where it knows more, it is right.
    fn with(self, history: Vec<Change>) -> Self {
        let status = history.last().map_or(self.status, |last| last.to);
        Self { status, history: Some(history), ..self }
    }
}

/// A change of an order's status.
#[derive(Debug, Serialize, ToSchema)]
pub struct Change {
    /// What it was.
    pub from: Status,
    /// What it became.
    pub to: Status,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub at: OffsetDateTime,
    /// The user's id, or the client's; `null` once that person is gone.
    pub by: Option<String>,
}

/// A line of an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderItem {
    /// Which product.
    pub product_id: ProductId,
    /// Its name then.
    pub name: String,
    /// What one cost then.
    pub unit_price: Money,
    /// How many of it.
    pub quantity: i64,
}

/// A line of the cart as it is taken to be ordered, its product locked.
#[derive(Debug)]
struct Line {
    item: OrderItem,
    available: i64,
}

/// An order that is to be placed.
#[derive(Debug)]
struct NewOrder<'a> {
    id: OrderId,
    user: UserId,
    address: &'a ShippingAddress,
    total: Money,
    items: Vec<OrderItem>,
    /// The key it is asked for under.
    request: Option<&'a KeyedRequest<'a>>,
    /// Tells the customer.
    mail: NewJob,
}

impl OrderItem {
    /// What the line costs.
    pub fn price(&self) -> Decimal {
        self.unit_price.0 * Decimal::from(self.quantity)
    }
}

/// `POST /orders/`.
#[derive(Debug, ToSchema)]
#[schema(example = json!({ "shipping_address": "Ann Lee, 1 Main Street, Springfield" }))]
pub struct PlaceOrder {
    /// Where it is sent.
    shipping_address: ShippingAddress,
}

impl FromFields for PlaceOrder {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        Some(Self { shipping_address: fields.required("shipping_address")? })
    }
}

/// `PATCH /orders/{id}`.
#[derive(Debug, ToSchema)]
pub struct MoveOrder {
    /// What it becomes: `SHIPPED` after `PROCESSING`, `DELIVERED` after `SHIPPED`.
    status: Status,
}

impl FromFields for MoveOrder {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        Some(Self { status: fields.required("status")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_goes_from_placed_to_delivered_or_is_cancelled_before_it_is_sent() {
        let befores = Status::ALL.map(|status| status.predecessor().map(Status::as_str));

        assert_eq!(befores, [None, Some("PROCESSING"), Some("SHIPPED"), Some("PROCESSING")]);
    }
}
