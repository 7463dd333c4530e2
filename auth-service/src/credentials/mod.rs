//! Credentials: who may log in, with which password, and what for.

mod register;
pub mod routes;
pub mod store;

use proto::{Email, Scopes, UserId};
use serde::{Serialize, Serializer};
use time::OffsetDateTime;

/// A user as this service knows it, without the password.
#[derive(Debug, Serialize)]
pub struct Credential {
    /// The user's id.
    pub id: UserId,
    /// What the user logs in with.
    pub email: Email,
    /// What the user was granted.
    #[serde(serialize_with = "as_list")]
    pub scopes: Scopes,
    /// Whether the user is kept from logging in.
    pub disabled: bool,
    /// When the user registered.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When the user last logged in.
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_login_at: Option<OffsetDateTime>,
}

fn as_list<S: Serializer>(scopes: &Scopes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(scopes.iter().map(proto::Scope::as_str))
}

/// What stands at an id that a registration found occupied.
#[derive(Debug)]
pub struct Occupant {
    /// Absent once the user was unregistered.
    pub email: Option<String>,
    /// The registration that set the password.
    pub attempt: i64,
    /// Whether the user was unregistered.
    pub is_unregistered: bool,
    /// Whether the user has logged in or was disabled: the password is the user's own now.
    pub is_in_use: bool,
}
