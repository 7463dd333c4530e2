//! Clients and how they authenticate (RFC 6749 §2.3).
//!
//! The registration client exists by configuration alone.

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chassis::config::RegistrationClient;
use chassis::edge::guard::Authorization;
use proto::claims::PUBLIC_CLIENT;
use proto::{Scope, Scopes};
use secrecy::{ExposeSecret, SecretString};

/// A client that has authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its id.
    pub id: String,
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

/// The client could not be authenticated.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidClient;

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
    pub fn basic(header: &Authorization) -> Result<Option<Self>, InvalidClient> {
        let encoded = header.of_scheme("Basic").ok_or(InvalidClient)?;
        let decoded = BASE64_STANDARD.decode(encoded).map_err(|_| InvalidClient)?;
        let decoded = String::from_utf8(decoded).map_err(|_| InvalidClient)?;
        let (id, secret) = decoded.split_once(':').ok_or(InvalidClient)?;
        Ok(Self::new(&form_decode(id), &form_decode(secret)))
    }
}

/// Decodes one value of `application/x-www-form-urlencoded`.
fn form_decode(text: &str) -> String {
    // `&` and `=` would be syntax in a whole form; in a value they stand for themselves.
    let escaped: Cow<'_, str> = text.replace('&', "%26").replace('=', "%3D").into();
    let mut pairs = form_urlencoded::parse(escaped.as_bytes());
    pairs.next().map(|(value, _)| value.into_owned()).unwrap_or_default()
}

/// The client, if the secret is its own.
pub fn authenticate(
    presented: &Presented,
    registration: &RegistrationClient,
) -> Result<Client, InvalidClient> {
    let secret = presented.secret.expose_secret().as_bytes();
    // Both are compared always, so that the time does not tell which one was wrong.
    let is_secret = registration.secrets.matches(secret);
    if (presented.id == registration.id) & is_secret {
        let scopes = [Scope::AuthRegister].into_iter().collect();
        Ok(Client { id: registration.id.clone(), scopes })
    } else {
        Err(InvalidClient)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "a secret with : & = + % of thirty-two bytes";

    fn registration() -> RegistrationClient {
        RegistrationClient { id: "shop-service".into(), secrets: SECRET.parse().unwrap() }
    }

    #[test]
    fn the_registration_client_authenticates_by_its_secret() {
        let presented = Presented::new("shop-service", SECRET).unwrap();

        let client = authenticate(&presented, &registration()).unwrap();

        assert!(client.scopes.contains(Scope::AuthRegister));
        for (id, secret) in [("shop-service", "wrong"), ("shop-service", ""), ("other", SECRET)] {
            let presented = Presented::new(id, secret).unwrap();
            assert_eq!(authenticate(&presented, &registration()), Err(InvalidClient));
        }
    }

    #[test]
    fn nobody_is_no_client() {
        assert!(Presented::new("", "").is_none());
        assert!(Presented::new("public", "").is_none());
        assert!(Presented::new("public", "secret").is_some());
    }

    #[test]
    fn a_basic_value_is_percent_decoded() {
        assert_eq!(form_decode("a%20b+c%3Ad&e=f"), "a b c:d&e=f");
        assert_eq!(form_decode("plain%"), "plain%");
        assert_eq!(form_decode(""), "");
    }

    #[test]
    fn a_secret_is_never_printed() {
        let presented = Presented::new("shop-service", SECRET).unwrap();

        assert!(!format!("{presented:?}").contains("thirty-two"));
    }
}
