//! Clients and how they authenticate (RFC 6749 §2.3).
//!
//! The registration client exists by configuration alone; the others are rows.

pub mod store;

use std::collections::HashMap;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use chassis::config::RegistrationClient;
use chassis::db::Connection;
use chassis::edge::guard::Authorization;
use chassis::{Db, log};
use proto::basic;
use proto::claims::PUBLIC_CLIENT;
use proto::scope::ScopeList;
use proto::{ClientId, Scope, Scopes, SecretList};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::batch::{Batch, Lookup};
use crate::error::Error;

/// A client that has authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its id.
    pub id: String,
    /// Tells it from another of the same id, before or after it; `None` for the one that exists by
    /// configuration.
    pub key: Option<Uuid>,
    /// What it was granted.
    pub scopes: Scopes,
}

/// What a request says of its client, not believed yet.
#[derive(Debug)]
pub struct Presented {
    /// The id.
    pub id: String,
    /// The secret; empty where none was sent.
    secret: SecretString,
}

impl Presented {
    /// A client by id and secret; `None` for what is no client at all: no id, or `public`
    /// without a secret.
    pub fn new(id: &str, secret: &str) -> Option<Self> {
        let is_nobody = id.is_empty() || id == PUBLIC_CLIENT;
        if is_nobody && secret.is_empty() {
            return None;
        }
        Some(Self { id: id.to_owned(), secret: secret.into() })
    }

    /// Whether the id stands alone.
    pub fn has_no_secret(&self) -> bool {
        self.secret.expose_secret().is_empty()
    }

    /// A client by the `Authorization` header (RFC 7617), id and secret percent-decoded as
    /// RFC 6749 §2.3.1 says. Another scheme than Basic is no way to authenticate here.
    pub fn basic(header: &Authorization) -> Result<Option<Self>, Error> {
        let encoded = header.of_scheme("Basic").ok_or(Error::InvalidClient)?;
        let (id, secret) = basic::decode(encoded).ok_or(Error::InvalidClient)?;
        Ok(Self::new(&id, &secret))
    }
}

/// Every client there is.
pub struct Clients {
    registration: RegistrationClient,
    stored: Batch<ById>,
}

/// A client as it is listed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ClientRecord {
    /// Its id.
    pub id: String,
    /// Its place in the list.
    #[serde(skip)]
    #[schema(ignore)]
    pub key: Uuid,
    /// What it was granted.
    pub scopes: ScopeList,
    /// When it was created; absent for the one that exists by configuration.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub created_at: Option<OffsetDateTime>,
}

/// What is needed to authenticate a client.
#[derive(Debug, Clone)]
pub(crate) struct StoredClient {
    key: Uuid,
    secret_hash: Vec<u8>,
    scopes: Scopes,
}

struct ById;

impl Lookup for ById {
    type Key = String;
    type Value = StoredClient;

    async fn find(
        &self,
        db: &Connection,
        ids: &[String],
    ) -> Result<HashMap<String, StoredClient>, Error> {
        store::find(db, ids).await
    }
}

impl Clients {
    /// The clients of this database, and the registration client.
    pub fn new(db: Db, registration: RegistrationClient) -> Self {
        Self { registration, stored: Batch::start(db, ById) }
    }

    /// The client, if the secret is its own; the request's log then names it.
    pub async fn authenticate(&self, presented: Presented) -> Result<Client, Error> {
        let client = self.judge(presented).await?;
        log::client(&client.id);
        Ok(client)
    }

    async fn judge(&self, presented: Presented) -> Result<Client, Error> {
        let Presented { id, secret } = presented;
        let secret = secret.expose_secret().as_bytes();
        if id == self.registration.id {
            let is_own = self.registration.secrets.matches(secret);
            let scopes = registration_scopes();
            let client = Client { id, key: None, scopes };
            return is_own.then_some(client).ok_or(Error::InvalidClient);
        }
        // An unknown client costs what a known one does; what is no id is asked nobody about.
        let stored = self.find(&id).await?;
        let expected = stored.as_ref().map_or(&[0; SHA256_OUTPUT_LEN][..], |it| &it.secret_hash);
        let is_own = verify_slices_are_equal(&hash(secret), expected).is_ok();
        match stored {
            Some(stored) if is_own => {
                Ok(Client { id, key: Some(stored.key), scopes: stored.scopes })
            }
            _ => Err(Error::InvalidClient),
        }
    }

    /// What a client may do today; `None` where there is no such client.
    pub async fn scopes(&self, id: &str) -> Result<Option<Scopes>, Error> {
        if id == self.registration.id {
            return Ok(Some(registration_scopes()));
        }
        Ok(self.find(id).await?.map(|stored| stored.scopes))
    }

    async fn find(&self, id: &str) -> Result<Option<StoredClient>, Error> {
        match id.parse::<ClientId>() {
            Ok(id) => self.stored.find(id.to_string()).await,
            Err(_) => Ok(None),
        }
    }

    /// Whether it is the registration client.
    pub fn is_registration(&self, client: &Client) -> bool {
        client.id == self.registration.id
    }

    /// Whether nobody can create or delete a client of this id.
    pub fn is_reserved(&self, id: &str) -> bool {
        id == self.registration.id || id == PUBLIC_CLIENT
    }

    /// The registration client, as it is listed before all others.
    pub fn registration(&self) -> ClientRecord {
        registration_record(&self.registration.id)
    }
}

/// The registration client of this id, as it is listed before all others.
pub fn registration_record(id: &str) -> ClientRecord {
    ClientRecord {
        id: id.to_owned(),
        // After nil, which is where a list begins, and before every other.
        key: Uuid::from_u128(1),
        scopes: ScopeList(registration_scopes()),
        created_at: None,
    }
}

fn registration_scopes() -> Scopes {
    [Scope::AuthRegister].into_iter().collect()
}

/// A fresh secret, and the hash of it that is stored.
pub fn generate_secret() -> Result<(String, Vec<u8>), Error> {
    let secret = SecretList::generate().map_err(|_| Error::NoRandomness)?;
    let hash = hash(secret.as_bytes());
    Ok((secret, hash))
}

fn hash(secret: &[u8]) -> Vec<u8> {
    digest(&SHA256, secret).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "a secret with : & = + % of thirty-two bytes";

    #[test]
    fn nobody_is_no_client() {
        assert!(Presented::new("", "").is_none());
        assert!(Presented::new("public", "").is_none());
        assert!(Presented::new("public", "secret").is_some());
    }

    #[test]
    fn a_secret_is_never_printed() {
        let presented = Presented::new("shop-service", SECRET).unwrap();

        assert!(!format!("{presented:?}").contains("thirty-two"));
    }
}
