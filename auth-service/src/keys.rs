//! The key ring: signs access tokens with the first of the shared secrets.

use std::fmt;
use std::time::Duration;

use chassis::config::TokenConfig;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use proto::claims::{self, AccessTokenClaims, TYP};
use proto::{Email, Scopes};
use time::OffsetDateTime;

/// Signs access tokens.
pub struct KeyRing {
    header: Header,
    key: EncodingKey,
    issuer: String,
    audience: String,
    ttl: Duration,
}

/// What a token is to say.
#[derive(Debug)]
pub struct Grant {
    /// A user's id, or a machine's client id.
    pub subject: String,
    /// The person it is for, where it is one.
    pub person: Option<Person>,
    /// The client that asked for it, or `public`.
    pub client_id: String,
    /// What it lets its bearer do.
    pub scopes: Scopes,
}

/// What a token says of a person.
#[derive(Debug)]
pub struct Person {
    /// The person's e-mail.
    pub email: Email,
    /// The session.
    pub session: uuid::Uuid,
}

impl KeyRing {
    /// Signs with the first of the configured secrets.
    pub fn new(config: &TokenConfig, ttl: Duration) -> Self {
        let secret = config.secrets.first();
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TYP.to_owned());
        header.kid = Some(claims::kid(secret));
        Self {
            header,
            key: EncodingKey::from_secret(secret),
            issuer: config.issuer.as_str().to_owned(),
            audience: config.audience.clone(),
            ttl,
        }
    }

    /// How long a token is valid.
    pub fn ttl(&self) -> Duration {
        self.ttl
    }

    /// An access token (RFC 9068), issued at `now` with the id `jti`.
    pub fn issue(
        &self,
        grant: Grant,
        now: OffsetDateTime,
        jti: uuid::Uuid,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let (email, sid) = match grant.person {
            Some(Person { email, session }) => (Some(email), Some(session)),
            None => (None, None),
        };
        let claims = AccessTokenClaims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: grant.subject,
            client_id: grant.client_id,
            iat: now.unix_timestamp(),
            exp: (now + self.ttl).unix_timestamp(),
            jti,
            scope: grant.scopes,
            email,
            sid,
        };
        encode(&self.header, &claims, &self.key)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("kid", &self.header.kid).finish_non_exhaustive()
    }
}
