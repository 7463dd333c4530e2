//! What can go wrong, and what the client hears of it.

use chassis::DbError;
use chassis::edge::Refusal;
use proto::problem::{FieldError, ShortProduct};
use proto::scope::Scope;
use warp::http::StatusCode;

/// Named in every challenge.
pub const REALM: &str = "shop-service";

/// The codes of this service's own.
pub const CODES: [&str; 8] = [
    "email_taken",
    "category_exists",
    "category_in_use",
    "cart_full",
    "cart_empty",
    "stock_short",
    "wrong_status",
    "idempotency_key_reused",
];

/// Variants say what happened; [`From<Error> for Refusal`] says what the client hears.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The token is good, and its user is not, or not any more.
    #[error("the token's user does not exist")]
    UserGone,
    /// The caller is no admin.
    #[error("the caller has no scope shop:admin")]
    NotAnAdmin,
    /// Somebody has this e-mail, or another try to register it won.
    #[error("the e-mail is registered")]
    EmailTaken,
    /// The e-mail's last user is being unregistered.
    #[error("the e-mail is not free yet")]
    EmailNotFreeYet,
    /// The auth service does not take what we did.
    #[error("the auth service refused the fields")]
    RefusedByAuth(Vec<FieldError>),
    /// The auth service did not answer, or not what it should.
    #[error("auth service: {0}")]
    Auth(String),
    /// No such user, or none the caller may see.
    #[error("no such user")]
    UserNotFound,
    /// No such category.
    #[error("no such category")]
    CategoryNotFound,
    /// A category of this name exists.
    #[error("the category exists")]
    CategoryExists,
    /// A category that products are in.
    #[error("the category has products")]
    CategoryInUse,
    /// A field of the request that only the database could judge.
    #[error("{field} {message}")]
    Field {
        /// Its name.
        field: &'static str,
        /// What it must be.
        message: &'static str,
    },
    /// No such product, or none on sale.
    #[error("no such product")]
    ProductNotFound,
    /// No such line in the caller's cart.
    #[error("no such cart item")]
    CartItemNotFound,
    /// The cart has as many lines as it may.
    #[error("the cart is full")]
    CartFull,
    /// Nothing to order.
    #[error("the cart is empty")]
    CartEmpty,
    /// More was asked for than there is.
    #[error("not enough in stock")]
    StockShort(Vec<ShortProduct>),
    /// No such order, or none the caller may see.
    #[error("no such order")]
    OrderNotFound,
    /// The order's status is not one that may become the wanted one.
    #[error("the order is {is} and cannot become {wanted}")]
    WrongStatus {
        /// What it is.
        is: &'static str,
        /// What it should become.
        wanted: &'static str,
    },
    /// The key stands for another request.
    #[error("the idempotency key was used with another body")]
    IdempotencyKeyReused,
    /// No such job that is not done.
    #[error("no such job")]
    JobNotFound,
    /// The database.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let conflict = |code, detail| Self::new(StatusCode::CONFLICT, code, detail);
        match error {
            Error::UserGone => Self::invalid_token(REALM),
            Error::NotAnAdmin => Self::insufficient_scope(
                REALM,
                Scope::ShopAdmin,
                "This needs a token with the scope `shop:admin`.",
            ),
            Error::EmailTaken => {
                conflict("email_taken", "The e-mail is registered; log in, or take another.")
            }
            Error::EmailNotFreeYet => Self::unavailable(
                5,
                "The e-mail's last user is being deleted; try again in a few seconds.",
            ),
            Error::RefusedByAuth(errors) => Self::validation(errors),
            Error::Auth(cause) => {
                Self::unavailable(2, "The auth service does not answer; try again soon.")
                    .because(cause)
            }
            Error::UserNotFound => Self::not_found("There is no such user, or none you may see."),
            Error::CategoryNotFound => Self::not_found("There is no such category."),
            Error::CategoryExists => {
                conflict("category_exists", "There is a category of this name already.")
            }
            Error::CategoryInUse => conflict(
                "category_in_use",
                "The category has products, on sale or kept for orders; move them first.",
            ),
            Error::Field { field, message } => {
                Self::validation(vec![FieldError::new(field, message)])
            }
            Error::ProductNotFound => Self::not_found("There is no such product on sale."),
            Error::CartItemNotFound => Self::not_found("There is no such line in your cart."),
            Error::CartFull => {
                conflict("cart_full", "The cart has 100 lines; order, or remove some.")
            }
            Error::CartEmpty => conflict("cart_empty", "The cart is empty; add something first."),
            Error::StockShort(products) => {
                let mut refusal = conflict(
                    "stock_short",
                    "There is not enough in stock; `products` says how much there is.",
                );
                refusal.problem.products = products;
                refusal
            }
            Error::OrderNotFound => Self::not_found("There is no such order, or none you may see."),
            Error::WrongStatus { is, wanted } => Self::new(
                StatusCode::CONFLICT,
                "wrong_status",
                format!("The order is {is}; it cannot become {wanted}."),
            ),
            Error::IdempotencyKeyReused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "The Idempotency-Key stands for another body; take a new key.",
            ),
            Error::JobNotFound => Self::not_found("There is no such job, or it is done."),
            Error::Database(error) => Self::database(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use chassis::edge::refusal;

    use super::*;

    #[test]
    fn every_error_has_its_status_and_code() {
        let database = || DbError::Unavailable("gone".to_owned());
        for (error, status, code) in [
            (Error::UserGone, 401, "invalid_token"),
            (Error::NotAnAdmin, 403, "insufficient_scope"),
            (Error::EmailTaken, 409, "email_taken"),
            (Error::EmailNotFreeYet, 503, "unavailable"),
            (Error::RefusedByAuth(Vec::new()), 422, "validation"),
            (Error::Auth("internal words".to_owned()), 503, "unavailable"),
            (Error::UserNotFound, 404, "not_found"),
            (Error::CategoryNotFound, 404, "not_found"),
            (Error::CategoryExists, 409, "category_exists"),
            (Error::CategoryInUse, 409, "category_in_use"),
            (Error::Field { field: "category_id", message: "…" }, 422, "validation"),
            (Error::ProductNotFound, 404, "not_found"),
            (Error::CartItemNotFound, 404, "not_found"),
            (Error::CartFull, 409, "cart_full"),
            (Error::CartEmpty, 409, "cart_empty"),
            (Error::StockShort(Vec::new()), 409, "stock_short"),
            (Error::OrderNotFound, 404, "not_found"),
            (Error::WrongStatus { is: "SHIPPED", wanted: "SHIPPED" }, 409, "wrong_status"),
            (Error::IdempotencyKeyReused, 422, "idempotency_key_reused"),
            (Error::JobNotFound, 404, "not_found"),
            (Error::Database(database()), 503, "unavailable"),
        ] {
            let refusal = Refusal::from(error);
            assert_eq!((refusal.problem.status, &*refusal.problem.code), (status, code));
            assert!(CODES.contains(&code) || refusal::CODES.contains(&code), "{code}");
            assert!(!refusal.problem.detail.contains("internal words"));
        }
    }
}
