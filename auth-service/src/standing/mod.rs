//! Where a session stands: whether it is alive, whose it is, and what it may do today.
//!
//! A token is believed about who, never about what: whoever needs to know reads it here.

mod store;

use std::collections::HashMap;

use chassis::Db;
use chassis::db::Connection;
use proto::{Email, Scopes, UserId};
use uuid::Uuid;

use crate::batch::{Batch, Lookup};
use crate::error::Error;

/// A session that is alive, of a user who stands.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The user.
    pub user: UserId,
    /// The user's e-mail.
    pub email: Email,
    /// The client that logged in, or `public`.
    pub client_id: String,
    /// What the user holds today of what was granted at the login.
    pub scopes: Scopes,
}

/// Looks sessions up, many at once.
pub struct Standings(Batch<BySession>);

struct BySession;

impl Lookup for BySession {
    type Key = Uuid;
    type Value = Standing;

    async fn find(&self, db: &Connection, ids: &[Uuid]) -> Result<HashMap<Uuid, Standing>, Error> {
        store::find(db, ids).await
    }
}

impl Standings {
    /// The sessions of this database.
    pub fn new(db: Db) -> Self {
        Self(Batch::start(db, BySession))
    }

    /// Where a session stands; `None` where it is not alive, or its user does not stand.
    pub async fn find(&self, session: Uuid) -> Result<Option<Standing>, Error> {
        self.0.find(session).await
    }
}
