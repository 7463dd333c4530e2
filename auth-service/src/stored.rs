//! Values as the database holds them.

use chassis::DbError;
use proto::{Email, Scope, Scopes};

use crate::error::Error;

/// A stored address, which was valid when it was stored.
pub fn email(stored: &str) -> Result<Email, Error> {
    stored.parse().map_err(|_| DbError::Unreadable("an e-mail's column").into())
}

/// Stored scopes; names of none, say of a newer version's, grant nothing.
pub fn scopes(stored: Vec<&str>) -> Scopes {
    stored.into_iter().filter_map(|name| name.parse().ok()).collect()
}

/// Scopes as they are stored.
pub fn names(scopes: &Scopes) -> Vec<&'static str> {
    scopes.iter().map(Scope::as_str).collect()
}
