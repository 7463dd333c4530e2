//! The password grant (RFC 6749 §4.3).
//!
//! Unknown user, disabled user, wrong password: the same work and the same answer. What follows a
//! verified password holds only if that password is still the user's.

use proto::Password;
use proto::oauth::TokenResponse;

use super::error::Error;
use super::store::{self, Login};
use super::{Request, allowed, respond};
use crate::keys::{Grant, Person};
use crate::sessions::token::{FamilyKey, RefreshToken};
use crate::state::Auth;
use crate::throttle::{Attempt, Proven};

/// How often a password is verified where its hash was replaced meanwhile: by the re-hash of
/// another login with the same right password, or by a new password.
const TRIES: usize = 3;

pub(super) async fn grant(auth: &Auth, request: &Request) -> Result<TokenResponse, Error> {
    let Request { form, source, .. } = request;
    let username = form.require("username")?;
    let password = Password::presented(form.require("password")?);
    let client_id = Some(request.client_id());

    let attempt = Attempt { username, password, source, client_id };
    for _ in 0..TRIES {
        let proven = auth.throttle.verify(&auth.db, &auth.hasher, attempt.clone()).await?;
        if let Some(answer) = log_in(auth, request, proven).await? {
            return Ok(answer);
        }
    }
    Err(Error::Overtaken)
}

/// Begins a session; `None` where the password is not the user's any more.
async fn log_in(
    auth: &Auth,
    request: &Request,
    proven: Proven<'_>,
) -> Result<Option<TokenResponse>, Error> {
    let Request { form, client, source } = request;
    let key = FamilyKey::generate()?;
    let refresh = RefreshToken::first(uuid::Uuid::now_v7(), &key)?;
    let login = Login {
        proven: &proven,
        allowed: &allowed(client.as_ref(), form.get("scope")),
        client_id: request.client_id(),
        client_key: client.as_ref().and_then(|client| client.key),
        source,
        refresh: &refresh,
        key: &key,
        ttl: auth.refresh.ttl,
    };
    let granted = store::record_login(&auth.db.get().await?, login).await?;
    let Some(scopes) = granted else { return Ok(None) };
    if scopes.is_empty() {
        return Err(Error::NoScopeLeft);
    }
    let (subject, client_id) = (proven.id.to_string(), request.client_id().to_owned());
    let person = Person { email: proven.email.clone(), session: refresh.session };
    let grant = Grant { subject, person: Some(person), client_id, scopes };
    respond(auth, grant, Some(&refresh)).map(Some)
}
