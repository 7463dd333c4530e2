//! Access tokens as whoever has the secret could make them.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::auth::{ISSUER, SECRET};

/// A person's claims, good for a minute; of this session, or of none.
pub(crate) fn person(user: &str, session: Option<&str>, scope: &str) -> Value {
    let mut claims = claims(user, "public", scope);
    claims["email"] = json!("ann@example.com");
    if let Some(session) = session {
        claims["sid"] = json!(session);
    }
    claims
}

/// A machine's claims, good for a minute.
pub(crate) fn machine(id: &str, scope: &str) -> Value {
    claims(id, id, scope)
}

fn claims(subject: &str, client: &str, scope: &str) -> Value {
    let now = chassis::clock::now().unix_timestamp();
    json!({
        "iss": ISSUER, "aud": "shop", "sub": subject, "client_id": client, "scope": scope,
        "iat": now, "exp": now + 60, "jti": Uuid::now_v7(),
    })
}

/// A token with these claims, under the secret that signs.
pub(crate) fn sign(claims: &Value) -> String {
    sign_with(SECRET, claims)
}

/// A token with these claims, under this secret, and saying so.
pub(crate) fn sign_with(secret: &str, claims: &Value) -> String {
    let header = Header {
        typ: Some("at+jwt".to_owned()),
        kid: Some(proto::claims::kid(secret.as_bytes())),
        ..Header::new(Algorithm::HS256)
    };
    encode(&header, claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}
