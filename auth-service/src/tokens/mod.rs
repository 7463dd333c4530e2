//! Tokens: the token endpoint (RFC 6749 §3.2), a file a grant; revocation (RFC 7009),
//! introspection (RFC 7662) and the server's metadata (RFC 8414).

mod client_credentials;
mod error;
mod form;
mod introspect;
mod metadata;
mod password;
mod refresh_token;
mod revoke;
pub mod routes;
mod store;

use chassis::edge::guard::Authorization;
use chassis::log;
use proto::claims::PUBLIC_CLIENT;
use proto::oauth::TokenResponse;
use proto::{Scope, Scopes};

use crate::clients::{Client, Presented};
use crate::keys::Grant;
use crate::sessions::token::RefreshToken;
use crate::source::Source;
use crate::state::Auth;
use error::Error;
pub use error::{ERRORS, shape};
use form::Form;

/// A request to one of the OAuth endpoints, its client authenticated where it has one.
struct Request {
    form: Form,
    client: Option<Client>,
    source: Source,
}

impl Request {
    async fn read(
        auth: &Auth,
        header: Option<&Authorization>,
        form: Form,
        source: Source,
    ) -> Result<Self, Error> {
        let client = client(auth, header, &form).await?;
        Ok(Self { form, client, source })
    }

    /// The client that asks, or `public`.
    fn client_id(&self) -> &str {
        self.client.as_ref().map_or(PUBLIC_CLIENT, |client| &client.id)
    }

    /// Whether a token that was given to this client is in the right hands (RFC 6749 §6 and
    /// RFC 7009 §2.1): a confidential client's needs its authentication.
    fn is_for(&self, client_id: &str) -> Result<(), Error> {
        if self.client_id() == client_id {
            Ok(())
        } else if self.client.is_none() {
            Err(Error::InvalidClient)
        } else {
            Err(Error::AnotherClients)
        }
    }
}

/// The client of a request: by Basic or by the form, never both (RFC 6749 §2.3).
async fn client(
    auth: &Auth,
    header: Option<&Authorization>,
    form: &Form,
) -> Result<Option<Client>, Error> {
    let in_header = header.map(Presented::basic).transpose()?;
    let id = form.get("client_id").unwrap_or_default();
    let in_form = Presented::new(id, form.get("client_secret").unwrap_or_default());
    let presented = match (in_header.flatten(), in_form) {
        (Some(header), None) => Some(header),
        // The same id alone, beside the header, is no second method.
        (Some(header), Some(form)) if form.has_no_secret() && form.id == header.id => Some(header),
        (Some(_), Some(_)) => return Err(Error::TwoAuthentications),
        (None, form) => form,
    };
    match presented {
        Some(presented) => Ok(Some(auth.clients.authenticate(presented).await?)),
        None => Ok(None),
    }
}

/// What client and request leave of what was granted (RFC 6749 §3.3).
fn allowed(client: Option<&Client>, requested: Option<&str>) -> Scopes {
    let all = client.map_or_else(Scopes::all, |client| client.scopes.clone());
    match requested {
        Some(requested) => all.intersection(&Scopes::from_list(requested)),
        None => all,
    }
}

/// Whether every scope that is asked for is one of these.
fn is_within(scopes: &Scopes, requested: Option<&str>) -> bool {
    let mut names = requested.unwrap_or_default().split(' ').filter(|name| !name.is_empty());
    names.all(|name| name.parse().is_ok_and(|scope: Scope| scopes.contains(scope)))
}

/// The answer of the token endpoint (RFC 6749 §5.1).
fn respond(
    auth: &Auth,
    grant: Grant,
    refresh: Option<&RefreshToken>,
) -> Result<TokenResponse, Error> {
    if grant.person.is_some() {
        log::user(&grant.subject);
    }
    let scope = grant.scopes.clone();
    let access_token = auth.keys.issue(grant, chassis::clock::now(), uuid::Uuid::now_v7())?;
    Ok(TokenResponse {
        access_token,
        token_type: "bearer".to_owned(),
        expires_in: auth.keys.ttl().as_secs(),
        refresh_token: refresh.map(RefreshToken::reveal),
        scope,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_narrowed_by_client_and_request() {
        let scopes = Scopes::from_list("shop auth:admin");
        let client = Client { id: "app".into(), key: None, scopes };
        let allowed = |client, requested| allowed(client, requested).to_string();

        assert_eq!(allowed(None, None), Scopes::all().to_string());
        assert_eq!(allowed(None, Some("shop:admin openid")), "shop:admin");
        assert_eq!(allowed(Some(&client), None), "shop auth:admin");
        assert_eq!(allowed(Some(&client), Some("shop shop:admin")), "shop");
        assert_eq!(allowed(Some(&client), Some(" ")), "");
    }

    #[test]
    fn a_refresh_may_ask_for_its_familys_scopes_only() {
        let scopes = Scopes::from_list("shop shop:admin");

        for within in [None, Some("shop"), Some("shop:admin shop"), Some(" shop ")] {
            assert!(is_within(&scopes, within), "{within:?}");
        }
        for outside in ["auth:admin", "shop auth:admin", "openid", "shop  openid"] {
            assert!(!is_within(&scopes, Some(outside)), "{outside}");
        }
    }
}
