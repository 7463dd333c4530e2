//! Credentials: who may log in, with which password, and what for.

mod change_password;
mod register;
pub mod routes;
pub mod store;
mod unregister;

use proto::scope::ScopeList;
use proto::{Email, UserId};
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

/// A user as this service knows it, without the password.
#[derive(Debug, Serialize, ToSchema)]
pub struct Credential {
    /// The user's id.
    pub id: UserId,
    /// What the user logs in with.
    pub email: Email,
    /// What the user was granted.
    pub scopes: ScopeList,
    /// Whether the user is kept from logging in.
    pub disabled: bool,
    /// Until when the next attempt to log in has to wait, somewhere.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub locked_until: Option<OffsetDateTime>,
    /// When the user registered.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: OffsetDateTime,
    /// When the user last logged in.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_login_at: Option<OffsetDateTime>,
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
