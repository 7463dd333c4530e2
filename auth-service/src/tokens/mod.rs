//! Tokens: the token endpoint (RFC 6749 §3.2), a file a grant, and its metadata (RFC 8414).

mod error;
mod form;
mod metadata;
mod password;
pub mod routes;
mod store;

use chassis::edge::guard::Authorization;
use proto::claims::PUBLIC_CLIENT;
use proto::oauth::TokenResponse;
use proto::{Email, Scopes, UserId};
use time::OffsetDateTime;

use crate::clients::{self, Client, Presented};
use crate::keys::{Grant, KeyRing};
use crate::state::Auth;
use error::Error;
pub use error::shape;
use form::Form;

/// A user as far as a login needs it.
#[derive(Debug)]
pub struct Candidate {
    id: UserId,
    /// PHC string.
    password_hash: String,
    is_disabled: bool,
}

/// The client of a request: by Basic or by the form, never both (RFC 6749 §2.3).
fn client(
    auth: &Auth,
    header: Option<&Authorization>,
    form: &Form,
) -> Result<Option<Client>, Error> {
    let in_header = header.map(Presented::basic).transpose().map_err(|_| Error::InvalidClient)?;
    let id = form.get("client_id").unwrap_or_default();
    let in_form = Presented::new(id, form.get("client_secret").unwrap_or_default());
    let presented = match (in_header.flatten(), in_form) {
        (Some(header), None) => Some(header),
        // The same id alone, beside the header, is no second method.
        (Some(header), Some(form)) if form.has_no_secret() && form.id == header.id => Some(header),
        (Some(_), Some(_)) => return Err(Error::TwoAuthentications),
        (None, form) => form,
    };
    presented
        .map(|presented| clients::authenticate(&presented, &auth.registration_client))
        .transpose()
        .map_err(|_| Error::InvalidClient)
}

/// What the token is to grant: what was granted to the user, through a client what both have,
/// narrowed by the request (RFC 6749 §3.3).
fn narrow(
    granted: &Scopes,
    client: Option<&Client>,
    requested: Option<&str>,
) -> Result<Scopes, Error> {
    let mut scopes = granted.clone();
    if let Some(client) = client {
        scopes = scopes.intersection(&client.scopes);
    }
    if let Some(requested) = requested {
        scopes = scopes.intersection(&Scopes::from_list(requested));
    }
    if scopes.is_empty() { Err(Error::NoScopeLeft) } else { Ok(scopes) }
}

/// The answer of the token endpoint (RFC 6749 §5.1).
fn respond(
    keys: &KeyRing,
    (user, email): (UserId, Email),
    client: Option<Client>,
    scopes: Scopes,
    now: OffsetDateTime,
) -> Result<TokenResponse, Error> {
    let client_id = client.map_or_else(|| PUBLIC_CLIENT.to_owned(), |client| client.id);
    let grant = Grant { user, email, client_id, scopes: scopes.clone() };
    let access_token = keys.issue(grant, now, uuid::Uuid::now_v7())?;
    Ok(TokenResponse {
        access_token,
        token_type: "bearer".to_owned(),
        expires_in: keys.ttl().as_secs(),
        scope: scopes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_narrowed_by_client_and_request() {
        let granted = Scopes::from_list("shop shop:admin");
        let client = Client { id: "app".into(), scopes: Scopes::from_list("shop auth:admin") };
        let narrowed = |client, requested| narrow(&granted, client, requested).unwrap().to_string();

        assert_eq!(narrowed(None, None), "shop shop:admin");
        assert_eq!(narrowed(None, Some("shop:admin auth:admin")), "shop:admin");
        assert_eq!(narrowed(Some(&client), None), "shop");
    }

    #[test]
    fn asking_only_for_what_was_never_granted_is_an_error() {
        let granted = Scopes::from_list("shop");

        for requested in ["auth:admin", "openid", " ", "shop:admin auth:admin"] {
            let result = narrow(&granted, None, Some(requested));
            assert!(matches!(result, Err(Error::NoScopeLeft)), "{requested}");
        }
    }
}
