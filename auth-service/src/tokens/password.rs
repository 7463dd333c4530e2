//! The password grant (RFC 6749 §4.3).
//!
//! Unknown user, disabled user, wrong password: the same work and the same answer. What follows a
//! verified password holds only if that password is still the user's: a login that overlaps a
//! change of the password, or a disabling, gives no token.

use proto::oauth::TokenResponse;
use proto::{Email, Password};
use tokio_util::sync::CancellationToken;

use super::error::Error;
use super::form::Form;
use super::{narrow, respond, store};
use crate::clients::Client;
use crate::state::Auth;

pub(super) async fn grant(
    auth: &Auth,
    form: &Form,
    client: Option<Client>,
    gone: CancellationToken,
) -> Result<TokenResponse, Error> {
    let username = form.require("username")?;
    let password = form.require("password")?;
    let email: Option<Email> = username.parse().ok();

    let candidate = match &email {
        Some(email) => store::find_candidate(&auth.db.get().await?, email).await?,
        None => None,
    };
    // The connection has gone back to the pool: none is held while hashing.
    let hash = candidate.as_ref().map(|candidate| candidate.password_hash.as_str());
    let is_right = match Password::presented(password) {
        Some(password) => auth.hasher.verify(password, hash, gone).await?,
        None => false,
    };

    let (Some(email), Some(candidate)) = (email, candidate) else { return Err(Error::UnknownUser) };
    if !is_right {
        return Err(Error::WrongPassword);
    }
    if candidate.is_disabled {
        return Err(Error::DisabledUser);
    }
    let db = auth.db.get().await?;
    let granted = store::record_login(&db, &candidate).await?.ok_or(Error::Overtaken)?;
    drop(db);
    let scopes = narrow(&granted, client.as_ref(), form.get("scope"))?;
    respond(&auth.keys, (candidate.id, email), client, scopes, chassis::clock::now())
}
