//! RFC 9457 problem details: the shape of every error outside the OAuth endpoints.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The media type of a [`Problem`].
pub const MEDIA_TYPE: &str = "application/problem+json";

/// What went wrong with a request, in the words and members of RFC 9457.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: `code` names the case.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    pub kind: Cow<'static, str>,
    /// The status phrase.
    #[schema(example = "Conflict")]
    pub title: Cow<'static, str>,
    /// The HTTP status.
    #[schema(example = 409)]
    pub status: u16,
    /// What is wrong and what to do.
    pub detail: Cow<'static, str>,
    /// Names the case, for programs.
    #[schema(example = "email_taken")]
    pub code: Cow<'static, str>,
    /// For `validation`: every field that is wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// For `stock_short`: every product there is not enough of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<ShortProduct>,
}

/// One field of a request that does not hold what it must.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// The field's name in the request.
    #[schema(example = "email")]
    pub field: Cow<'static, str>,
    /// What it must be.
    #[schema(example = "must have an @")]
    pub message: Cow<'static, str>,
}

/// A product there is not enough of, in a `stock_short` problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShortProduct {
    /// The product's id.
    pub product_id: uuid::Uuid,
    /// Its name, to show.
    pub name: String,
    /// How many were asked for.
    pub requested: i64,
    /// How many there are; 0 for one no longer on sale.
    pub available: i64,
}

impl Problem {
    /// A problem of this status and code.
    pub fn new(
        status: u16,
        title: &'static str,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            kind: Cow::Borrowed("about:blank"),
            title: Cow::Borrowed(title),
            status,
            detail: detail.into(),
            code: Cow::Borrowed(code),
            errors: Vec::new(),
            products: Vec::new(),
        }
    }

    /// The 422 that lists every wrong field.
    pub fn validation(errors: Vec<FieldError>) -> Self {
        let detail = "Some fields are not what they must be; see `errors`.";
        Self { errors, ..Self::new(422, "Unprocessable Entity", "validation", detail) }
    }
}

impl FieldError {
    /// `message` about `field`.
    pub fn new(field: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}
