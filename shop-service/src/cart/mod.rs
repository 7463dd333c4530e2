//! The cart: what a user means to buy. It reserves nothing: stock leaves at the order.

mod change;
pub mod routes;
pub mod store;

use proto::fields::{Fields, FromFields, Integer};
use proto::problem::ShortProduct;
use rust_decimal::Decimal;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::error::Error;
use crate::money::Money;
use crate::products::{Product, ProductId};

proto::define_id!(
    /// A line of a cart.
    CartItemId
);

/// How many of one product.
pub type Quantity = Integer<1, 10_000>;

/// No cart has more lines.
const LINES_MAX: i64 = 100;

/// A line of a cart.
#[derive(Debug, Serialize, ToSchema)]
pub struct CartItem {
    /// Its id.
    pub id: CartItemId,
    /// The product as it is now.
    pub product: Product,
    /// How many of it.
    pub quantity: i64,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: OffsetDateTime,
}

/// A cart.
#[derive(Debug, Serialize, ToSchema)]
pub struct Cart {
    /// Its lines, the oldest first.
    pub items: Vec<CartItem>,
    /// What they cost together now.
    pub total: Money,
}

impl Cart {
    /// A cart of these lines.
    pub fn new(items: Vec<CartItem>) -> Self {
        let price = |item: &CartItem| item.product.price.0 * Decimal::from(item.quantity);
        let total = Money(items.iter().map(price).sum());
        Self { items, total }
    }
}

impl CartItem {
    /// Whether there is enough of the product, and the line no larger than it may be.
    fn judge(self) -> Result<Self, Error> {
        if Quantity::new(self.quantity).is_none() {
            let message = "must not make the line larger than 10000";
            return Err(Error::Field { field: "quantity", message });
        }
        if self.quantity > self.product.quantity {
            return Err(Error::StockShort(vec![ShortProduct {
                product_id: self.product.id.0,
                name: self.product.name,
                requested: self.quantity,
                available: self.product.quantity,
            }]));
        }
        Ok(self)
    }
}

/// `POST /cart/items`.
#[derive(Debug, ToSchema)]
pub struct AddItem {
    /// Which product.
    product_id: ProductId,
    /// How many more of it; 1 where it is left out.
    quantity: Option<Quantity>,
}

impl FromFields for AddItem {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let product_id = fields.required("product_id");
        let quantity = fields.optional("quantity");
        Some(Self { product_id: product_id?, quantity: quantity? })
    }
}

/// `PATCH /cart/items/{id}`.
#[derive(Debug, ToSchema)]
pub struct ChangeItem {
    /// How many of the product.
    quantity: Quantity,
}

impl FromFields for ChangeItem {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        Some(Self { quantity: fields.required("quantity")? })
    }
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;
    use crate::categories::{Category, CategoryId};

    fn item(quantity: i64, price: Decimal, stock: i64) -> CartItem {
        let category = Category { id: CategoryId::generate(), name: "Paper".to_owned() };
        CartItem {
            id: CartItemId::generate(),
            product: Product {
                id: ProductId::generate(),
                name: "Notebook".to_owned(),
                quantity: stock,
                description: String::new(),
                price: Money(price),
                category,
            },
            quantity,
            created_at: OffsetDateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_total_is_exact() {
        let cart = Cart::new(vec![
            item(3, Decimal::new(10, 2), 5),
            item(10_000, Decimal::new(999_999_999_999, 2), 0),
        ]);

        assert_eq!(cart.total.0.to_string(), "99999999999900.30");
        assert_eq!(Cart::new(Vec::new()).total, Money::default());
    }

    #[test]
    fn a_line_is_no_larger_than_the_stock_and_ten_thousand() {
        assert!(item(5, Decimal::ONE, 5).judge().is_ok());
        assert!(matches!(item(6, Decimal::ONE, 5).judge(), Err(Error::StockShort(_))));
        assert!(matches!(item(10_001, Decimal::ONE, 20_000).judge(), Err(Error::Field { .. })));
    }
}
