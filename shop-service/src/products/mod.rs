//! Products: what is on sale, and how much of it there is.

mod remove;
pub mod routes;
pub mod store;

use proto::fields::{Fields, FromFields, Integer, Text};
use serde::Serialize;
use utoipa::ToSchema;

use crate::categories::{Category, CategoryId};
use crate::error::Error;
use crate::money::{Money, Price};

proto::define_id!(
    /// A product.
    ProductId
);

/// A product's name.
pub type Name = Text<1, 200>;
/// What it is.
pub type Description = Text<0, 10_000>;
/// What is searched for, as it is sent.
pub type Search = Text<0, 200>;
/// How many there are.
pub type Quantity = Integer<0, 1_000_000_000>;
/// By how many that changes.
pub type QuantityDelta = Integer<-1_000_000_000, 1_000_000_000>;

/// What is searched for, as PostgreSQL reads it: words, `"a phrase"`, `one or another`, `-without`.
#[derive(Debug)]
pub struct Words(String);

impl From<Search> for Words {
    /// A dash says "without" where a word or a phrase follows at once. PostgreSQL would take any
    /// dash for that, as in `lock - blue`, and fails on more than 30 in a row.
    fn from(search: Search) -> Self {
        let text = search.as_str();
        let follows = text.chars().skip(1).chain([' ']);
        let is_idle = |next: char| !next.is_alphanumeric() && next != '"';
        let read = |(c, next)| if c == '-' && is_idle(next) { ' ' } else { c };
        Self(text.chars().zip(follows).map(read).collect())
    }
}

/// A product.
#[derive(Debug, Serialize, ToSchema)]
pub struct Product {
    /// Its id.
    pub id: ProductId,
    /// Its name.
    #[schema(example = "Notebook")]
    pub name: String,
    /// How many there are.
    pub quantity: i64,
    /// What it is.
    pub description: String,
    /// What one costs.
    pub price: Money,
    /// Where it belongs.
    pub category: Category,
}

/// `POST /products/`.
#[derive(Debug, ToSchema)]
#[schema(example = json!({
    "name": "Notebook", "quantity": 40, "description": "80 pages, squared.", "price": 12.5,
    "category_id": "01909d3e-5f4a-7000-8000-000000000000",
}))]
pub struct NewProduct {
    /// Its name.
    name: Name,
    /// How many there are.
    quantity: Quantity,
    /// What it is.
    description: Description,
    /// What one costs.
    price: Price,
    /// Where it belongs.
    category_id: CategoryId,
}

impl FromFields for NewProduct {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let name = fields.required("name");
        let quantity = fields.required("quantity");
        let description = fields.required("description");
        let price = fields.required("price");
        let category_id = fields.required("category_id");
        Some(Self {
            name: name?,
            quantity: quantity?,
            description: description?,
            price: price?,
            category_id: category_id?,
        })
    }
}

/// `PATCH /products/{id}`: what is left out stays.
#[derive(Debug, ToSchema)]
#[schema(example = json!({ "price": 9.99, "quantity_delta": 5 }))]
pub struct ProductChange {
    /// Its name.
    name: Option<Name>,
    /// How many there are.
    quantity: Option<Quantity>,
    /// How many more there are than before, or fewer; not together with `quantity`.
    quantity_delta: Option<QuantityDelta>,
    /// What it is.
    description: Option<Description>,
    /// What one costs.
    price: Option<Price>,
    /// Where it belongs.
    category_id: Option<CategoryId>,
}

/// What the delta must leave.
const BEYOND: Error =
    Error::Field { field: "quantity_delta", message: "must leave a quantity from 0 to 1000000000" };

impl ProductChange {
    /// Whether what it leaves is no more than may be. What a cancelled order gave back may be
    /// more, and can still be taken away.
    fn judge(&self, product: &Product) -> Result<(), Error> {
        let grows = self.quantity_delta.is_some_and(|delta| delta.get() > 0);
        match Quantity::new(product.quantity) {
            None if grows => Err(BEYOND),
            _ => Ok(()),
        }
    }
}

impl FromFields for ProductChange {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let name = fields.optional("name");
        let quantity = fields.optional("quantity");
        let quantity_delta = fields.optional("quantity_delta");
        let description = fields.optional("description");
        let price = fields.optional("price");
        let category_id = fields.optional("category_id");
        let change = Self {
            name: name?,
            quantity: quantity?,
            quantity_delta: quantity_delta?,
            description: description?,
            price: price?,
            category_id: category_id?,
        };
        if change.quantity.is_some() && change.quantity_delta.is_some() {
            return fields.refuse("quantity_delta", "must not be given together with quantity");
        }
        Some(change)
    }
}
