//! Categories: what products are sorted into.

pub mod routes;
pub mod store;

use proto::fields::{Fields, FromFields, Text};
use serde::Serialize;
use utoipa::ToSchema;

proto::define_id!(
    /// A category.
    CategoryId
);

/// A category's name, unique without regard to case.
pub type Name = Text<2, 50>;

/// A category.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Category {
    /// Its id.
    pub id: CategoryId,
    /// Its name.
    #[schema(example = "Books")]
    pub name: String,
}

/// `POST /products/category`.
#[derive(Debug, ToSchema)]
#[schema(example = json!({ "name": "Books" }))]
pub struct NewCategory {
    /// Its name.
    name: Name,
}

impl FromFields for NewCategory {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        Some(Self { name: fields.required("name")? })
    }
}
