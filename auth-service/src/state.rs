//! What the auth service's handlers share.

use chassis::Db;
use chassis::config::RegistrationClient;

use crate::config::Config;
use crate::error::Error;
use crate::hashing::Hasher;
use crate::keys::KeyRing;

/// What the auth service's handlers share.
pub struct Auth {
    /// The database.
    pub db: Db,
    /// Signs tokens.
    pub keys: KeyRing,
    /// Hashes passwords.
    pub hasher: Hasher,
    /// Who may register users.
    pub registration_client: RegistrationClient,
    /// This service's address, as its clients know it.
    pub issuer: String,
}

impl Auth {
    /// Starts what handlers need; nothing is connected yet.
    pub fn new(config: &Config) -> Result<Self, Error> {
        Ok(Self {
            db: Db::new(&config.database)?,
            keys: KeyRing::new(&config.token, config.access_token_ttl),
            hasher: Hasher::start(&config.hashing)?,
            registration_client: config.token.registration_client.clone(),
            issuer: config.token.issuer.as_str().to_owned(),
        })
    }
}
