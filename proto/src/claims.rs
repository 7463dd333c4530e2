//! The access token as it is issued: a JWT with the claims and `typ` of RFC 9068, signed HS256.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Serialize;

use crate::email::Email;
use crate::scope::Scopes;

/// The `typ` of an access token (RFC 9068 §2.1).
pub const TYP: &str = "at+jwt";

/// The `client_id` of a token that was asked for without naming a client.
pub const PUBLIC_CLIENT: &str = "public";

/// The claims of an access token (RFC 9068 §2.2).
#[derive(Debug, Clone, Serialize)]
pub struct AccessTokenClaims {
    /// Who issued it: `TOKEN_ISSUER`.
    pub iss: String,
    /// For whom: `TOKEN_AUDIENCE`.
    pub aud: String,
    /// A user's id, or a machine's client id.
    pub sub: String,
    /// The client that asked for it, or `public`.
    pub client_id: String,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// When it expires, in seconds since 1970.
    pub exp: i64,
    /// Its own id.
    pub jti: uuid::Uuid,
    /// What it lets its bearer do.
    pub scope: Scopes,
    /// A person's e-mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// A person's session: the family of refresh tokens that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<uuid::Uuid>,
}

/// The `kid` of a secret: base64url of the first 8 bytes of its SHA-256.
pub fn kid(secret: &[u8]) -> String {
    let fingerprint = digest(&SHA256, secret);
    BASE64_URL_SAFE_NO_PAD.encode(&fingerprint.as_ref()[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kid_is_the_start_of_the_secrets_sha_256() {
        // printf abc | sha256sum starts with ba7816bf8f01cfea.
        assert_eq!(kid(b"abc"), "ungWv48Bz-o");
    }
}
