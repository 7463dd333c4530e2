//! The client credentials grant (RFC 6749 §4.4): a machine's own token, never with a refresh
//! token (§4.4.3).

use proto::oauth::TokenResponse;

use super::error::Error;
use super::{Request, allowed, respond};
use crate::keys::Grant;
use crate::state::Auth;

pub(super) fn grant(auth: &Auth, request: &Request) -> Result<TokenResponse, Error> {
    let client = request.client.as_ref().ok_or(Error::InvalidClient)?;
    let scopes = allowed(Some(client), request.form.get("scope"));
    if scopes.is_empty() {
        return Err(Error::NoScopeLeft);
    }
    let (subject, client_id) = (client.id.clone(), client.id.clone());
    respond(auth, Grant { subject, person: None, client_id, scopes }, None)
}
