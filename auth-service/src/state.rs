//! What the auth service's handlers share.

use std::time::Duration;

use chassis::edge::guard::Protected;
use chassis::{Db, Plans};
use proto::Verifier;

use crate::clients::Clients;
use crate::config::Config;
use crate::error::{Error, REALM};
use crate::hashing::Hasher;
use crate::keys::KeyRing;
use crate::standing::Standings;
use crate::throttle::Throttle;

/// What the auth service's handlers share.
pub struct Auth {
    /// The database.
    pub db: Db,
    /// Signs tokens.
    pub keys: KeyRing,
    /// Judges tokens.
    pub verifier: Verifier,
    /// Hashes passwords.
    pub hasher: Hasher,
    /// Slows guessing.
    pub throttle: Throttle,
    /// Who calls for whom.
    pub clients: Clients,
    /// Which sessions are alive.
    pub standings: Standings,
    /// How refresh tokens live.
    pub refresh: Refresh,
    /// This service's address, as its clients know it.
    pub issuer: String,
    /// For whom its tokens are.
    pub audience: String,
}

/// How refresh tokens live.
#[derive(Debug, Clone, Copy)]
pub struct Refresh {
    /// From the login on; never extended.
    pub ttl: Duration,
    /// How long after a rotation the token before is refused without being taken for stolen.
    pub grace: Duration,
}

impl Auth {
    /// Starts what handlers need, on the runtime that calls; nothing is connected yet.
    pub fn new(config: &Config) -> Result<Self, Error> {
        let (db, token) = (Db::new(&config.database, Plans::AsItDecides)?, &config.token);
        Ok(Self {
            keys: KeyRing::new(token, config.access_token_ttl),
            verifier: Verifier::new(&token.secrets, token.issuer.as_str(), &token.audience),
            hasher: Hasher::start(&config.hashing)?,
            throttle: Throttle::new(config.network_failures),
            clients: Clients::new(db.clone(), token.registration_client.clone()),
            standings: Standings::new(db.clone()),
            refresh: Refresh { ttl: config.refresh_token_ttl, grace: config.refresh_grace },
            issuer: token.issuer.as_str().to_owned(),
            audience: token.audience.clone(),
            db,
        })
    }
}

impl Protected for Auth {
    const REALM: &'static str = REALM;

    fn verifier(&self) -> &Verifier {
        &self.verifier
    }
}
