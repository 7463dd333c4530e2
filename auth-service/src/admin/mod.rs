//! Administration: users, clients and the audit log, for holders of `auth:admin` and for the
//! command line.

pub mod change_user;
pub mod clients;
pub mod routes;
pub mod store;

use proto::scope::ScopeList;
use proto::{ClientId, Scopes};
use serde::Serialize;
use utoipa::ToSchema;

/// What changes in a user.
#[derive(Debug, Default, ToSchema)]
pub struct UserChange {
    /// What the user is granted from now on.
    #[schema(value_type = Option<ScopeList>)]
    pub scopes: Option<ScopeList>,
    /// Whether the user is kept from logging in; the sessions end.
    pub disabled: Option<bool>,
}

/// A client that is to be.
#[derive(Debug, ToSchema)]
pub struct NewClient {
    /// Its id.
    pub id: ClientId,
    /// What it is granted.
    pub scopes: ScopeList,
}

/// A client with its secret, which is shown this once.
#[derive(Serialize, ToSchema)]
pub struct CreatedClient {
    /// Its id.
    pub id: String,
    /// What it was granted.
    pub scopes: ScopeList,
    /// Its secret.
    pub secret: String,
}

impl UserChange {
    /// Grants these scopes beside those that `held` are.
    pub fn grant(held: &Scopes, scopes: &Scopes) -> Self {
        let scopes = held.iter().chain(scopes.iter()).collect();
        Self { scopes: Some(ScopeList(scopes)), disabled: None }
    }

    /// Takes these scopes from those that `held` are.
    pub fn revoke(held: &Scopes, scopes: &Scopes) -> Self {
        let scopes = held.iter().filter(|scope| !scopes.contains(*scope)).collect();
        Self { scopes: Some(ScopeList(scopes)), disabled: None }
    }

    /// Keeps the user from logging in, or not any more.
    pub fn disable(disabled: bool) -> Self {
        Self { scopes: None, disabled: Some(disabled) }
    }
}
