//! What the shop's handlers share.

use chassis::edge::guard::Protected;
use chassis::{Db, DbError, Plans};
use proto::Verifier;

use crate::config::Config;
use crate::error::REALM;
use crate::mailer::Mailer;
use crate::outbox::signal::Signal;
use crate::registrar::Registrar;

/// What the shop's handlers share.
pub struct Shop {
    /// The database.
    pub db: Db,
    /// The auth service.
    pub registrar: Registrar,
    /// Sends mail; without it, mail stays in the outbox.
    pub mailer: Option<Mailer>,
    /// Judges tokens.
    verifier: Verifier,
    /// Wakes the workers: there is a new job in the outbox.
    pub outbox: Signal,
}

impl Shop {
    /// Starts what handlers need; nothing is connected yet.
    pub fn new(config: &Config) -> Result<Self, DbError> {
        let token = &config.token;
        Ok(Self {
            db: Db::new(&config.database, Plans::Once)?,
            registrar: Registrar::new(config),
            mailer: Mailer::new(&config.mail),
            verifier: Verifier::new(&token.secrets, token.issuer.as_str(), &token.audience),
            outbox: Signal::default(),
        })
    }
}

impl Protected for Shop {
    const REALM: &'static str = REALM;

    fn verifier(&self) -> &Verifier {
        &self.verifier
    }
}
