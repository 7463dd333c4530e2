//! Orders: what was bought, at the price and under the name of that moment.

mod checkout;
pub mod routes;
pub mod store;

use chassis::DbError;
use proto::fields::{Fields, FromFields, Text};
use rust_decimal::Decimal;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::error::Error;
use crate::money::Money;
use crate::products::ProductId;

proto::define_id!(
    /// An order.
    OrderId
);

/// Where an order is sent.
pub type ShippingAddress = Text<1, 1000>;

/// How far an order has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// Placed.
    Processing,
}

impl Status {
    /// As it is stored.
    fn parse(stored: &str) -> Result<Self, Error> {
        match stored {
            "PROCESSING" => Ok(Self::Processing),
            _ => Err(DbError::Unreadable("orders.status").into()),
        }
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

impl OrderItem {
    /// What the line costs.
    fn price(&self) -> Decimal {
        self.unit_price.0 * Decimal::from(self.quantity)
    }
}

/// `POST /orders/`.
#[derive(Debug, ToSchema)]
pub struct PlaceOrder {
    /// Where it is sent.
    shipping_address: ShippingAddress,
}

impl FromFields for PlaceOrder {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        Some(Self { shipping_address: fields.required("shipping_address")? })
    }
}
