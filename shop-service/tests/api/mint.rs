//! Tokens as the auth service makes them, and such as it never would.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use uuid::Uuid;

/// The secret that signs.
pub(crate) const SECRET: &str = "the first shared secret of the shop's own tests";
/// The one before it, still on the list.
pub(crate) const OLDER: &str = "the other shared secret of the shop's own tests";
/// Who issues the tokens.
pub(crate) const ISSUER: &str = "http://auth.test:9000";

/// A person's token with these scopes.
pub(crate) fn person(user: Uuid, scopes: &str) -> String {
    sign(SECRET, &claims(&user.to_string(), "public", scopes))
}

/// A machine's token with these scopes.
pub(crate) fn machine(scopes: &str) -> String {
    sign(SECRET, &claims("stock-robot", "stock-robot", scopes))
}

/// The claims of RFC 9068, good for a minute.
pub(crate) fn claims(subject: &str, client: &str, scopes: &str) -> Value {
    let now = chassis::clock::now().unix_timestamp();
    json!({
        "iss": ISSUER, "aud": "shop", "sub": subject, "client_id": client, "scope": scopes,
        "iat": now, "exp": now + 60, "jti": Uuid::now_v7(),
    })
}

/// Signed with this secret, and saying so.
pub(crate) fn sign(secret: &str, claims: &Value) -> String {
    let header = Header {
        typ: Some("at+jwt".to_owned()),
        kid: Some(proto::claims::kid(secret.as_bytes())),
        ..Header::new(Algorithm::HS256)
    };
    match encode(&header, claims, &EncodingKey::from_secret(secret.as_bytes())) {
        Ok(token) => token,
        Err(error) => panic!("no token: {error}"),
    }
}
