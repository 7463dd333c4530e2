//! The access token as it is verified: locally, with the shared secret, for every service alike.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use uuid::Uuid;

use crate::claims::{self, PUBLIC_CLIENT, TYP};
use crate::client::ClientId;
use crate::id::UserId;
use crate::scope::{Scope, Scopes};
use crate::secret::SecretList;

/// Seconds by which two machines' clocks may differ.
const LEEWAY: u64 = 5;

/// Our own tokens have some 600 bytes; nothing longer is worth the work.
const MAX_BYTES: usize = 8 * 1024;

/// Judges access tokens (RFC 9068 §4, with RFC 8725's advice).
pub struct Verifier {
    keys: Vec<Key>,
    validation: Validation,
}

struct Key {
    kid: String,
    key: DecodingKey,
}

/// Who sent a request, as its token proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The person or machine.
    pub subject: Subject,
    /// What the token lets it do.
    pub scopes: Scopes,
    /// The client that the token was given to, or `public`.
    pub client_id: Option<String>,
    /// The session that the token is of, where it is a person's.
    pub session: Option<Uuid>,
    /// The token's own id.
    pub jti: Option<String>,
    /// When it was issued, in seconds since 1970.
    pub iat: Option<i64>,
    /// When it expires, in seconds since 1970.
    pub exp: i64,
}

/// A person or a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A person, by the user's id.
    User(UserId),
    /// A machine, by its client id.
    Client(String),
}

/// The token is none of ours, or not valid now. Why is nobody's business but ours, and we would
/// not know what to do with it either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the access token is not valid")]
pub struct InvalidToken;

impl Caller {
    /// The person, where it is one.
    pub fn user(&self) -> Option<UserId> {
        match self.subject {
            Subject::User(id) => Some(id),
            Subject::Client(_) => None,
        }
    }

    /// Whether the token grants `scope`.
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(scope)
    }
}

impl Verifier {
    /// Verifies tokens that `issuer` signed with one of `secrets` for `audience`.
    pub fn new(secrets: &SecretList, issuer: &str, audience: &str) -> Self {
        let key =
            |secret: &[u8]| Key { kid: claims::kid(secret), key: DecodingKey::from_secret(secret) };
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        Self { keys: secrets.iter().map(key).collect(), validation }
    }

    /// Who sent this token.
    pub fn verify(&self, token: &str) -> Result<Caller, InvalidToken> {
        let header = Header::of(token)?;
        if header.alg != "HS256" || header.crit || !header.is_an_access_tokens() {
            return Err(InvalidToken);
        }
        // A token of before the `kid` could be under any of the secrets; one with a `kid` is
        // under that one or under none.
        let fits = |key: &&Key| header.kid.as_ref().is_none_or(|kid| *kid == key.kid);
        self.keys.iter().filter(fits).find_map(|key| self.claims(token, key)).ok_or(InvalidToken)
    }

    fn claims(&self, token: &str, key: &Key) -> Option<Caller> {
        let claims = decode::<Claims>(token, &key.key, &self.validation).ok()?.claims;
        Some(Caller {
            subject: subject(claims.sub, claims.client_id.as_deref())?,
            scopes: claims.scope,
            client_id: claims.client_id,
            session: claims.sid,
            jti: claims.jti,
            iat: claims.iat.as_ref().and_then(whole_seconds),
            exp: whole_seconds(&claims.exp)?,
        })
    }
}

/// A machine is its own client, a person a UUID. What is both or neither is nobody: no client's id
/// is a UUID, and `public` is what stands where there was no client.
fn subject(sub: String, client_id: Option<&str>) -> Option<Subject> {
    if client_id == Some(&sub) {
        let is_client = sub.parse::<ClientId>().is_ok() && sub != PUBLIC_CLIENT;
        return is_client.then_some(Subject::Client(sub));
    }
    sub.parse().map(Subject::User).ok()
}

/// A NumericDate may have a fraction (RFC 7519 §2).
#[expect(clippy::cast_possible_truncation, reason = "checked: f64 holds whole numbers that far")]
fn whole_seconds(date: &serde_json::Number) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let fraction = || date.as_f64().filter(|seconds| seconds.abs() < EXACT);
    date.as_i64().or_else(|| fraction().map(|seconds| seconds as i64))
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| &key.kid)).finish()
    }
}

/// The parts of a header that decide; `jku`, `jwk`, `x5u` and the like are never looked at.
#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: String,
    #[serde(default, deserialize_with = "not_null")]
    kid: Option<String>,
    #[serde(default, deserialize_with = "is_present")]
    crit: bool,
}

impl Header {
    fn of(token: &str) -> Result<Self, InvalidToken> {
        if token.len() > MAX_BYTES {
            return Err(InvalidToken);
        }
        let (encoded, _) = token.split_once('.').ok_or(InvalidToken)?;
        let json = BASE64_URL_SAFE_NO_PAD.decode(encoded).map_err(|_| InvalidToken)?;
        serde_json::from_slice(&json).map_err(|_| InvalidToken)
    }

    /// Media types have no case (RFC 7515 §4.1.9, §5.3), and may stand without `application/`.
    fn is_an_access_tokens(&self) -> bool {
        let is = |typ: &str| self.typ.eq_ignore_ascii_case(typ);
        is(TYP) || is("application/at+jwt")
    }
}

/// A `kid` that is there is a string (RFC 7515 §4.1.4); `null` does not stand for none.
fn not_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

fn is_present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// The claims that decide. Those the library judges stand here too where it would pass over a
/// value of the wrong type; what occurs twice is refused by the derived code.
#[derive(Deserialize)]
#[expect(dead_code, reason = "read for their types")]
struct Claims {
    iss: String,
    sub: String,
    exp: serde_json::Number,
    nbf: Option<serde_json::Number>,
    iat: Option<serde_json::Number>,
    jti: Option<String>,
    client_id: Option<String>,
    sid: Option<Uuid>,
    #[serde(default)]
    scope: Scopes,
}

#[cfg(test)]
mod tests;
