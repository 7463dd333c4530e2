//! Introspection (RFC 7662): what a token is worth now, for clients that authenticate.

use proto::Caller;
use proto::claims::PUBLIC_CLIENT;
use proto::oauth::Introspection;

use super::error::Error;
use super::form::Form;
use crate::access::{Today, today};
use crate::sessions::token::RefreshToken;
use crate::sessions::{Judgement, store};
use crate::state::Auth;

/// What the form's token is worth; to be told to a client that has authenticated.
pub(super) async fn introspect(auth: &Auth, form: &Form) -> Result<Introspection, Error> {
    // The hint is not needed: the two kinds cannot be taken for each other.
    let token = form.require("token")?;
    let found = match RefreshToken::parse(token) {
        Some(token) => refresh_token(auth, &token).await?,
        None => match auth.verifier.verify(token) {
            Ok(caller) => access_token(auth, caller).await?,
            Err(_) => None,
        },
    };
    // §2.2: of a token that is not valid, nothing else is told.
    Ok(found.map_or_else(Introspection::inactive, |found| Introspection {
        active: true,
        iss: Some(auth.issuer.clone()),
        aud: Some(auth.audience.clone()),
        ..found
    }))
}

/// An access token is worth something as long as its session is alive, or its client exists; and
/// no more than what is granted today.
async fn access_token(auth: &Auth, caller: Caller) -> Result<Option<Introspection>, Error> {
    let (sub, scopes) = match today(auth, &caller).await? {
        Some(Today::Person(person, scopes)) => (person.user.to_string(), scopes),
        Some(Today::Machine(id, scopes)) => (id, scopes),
        None => return Ok(None),
    };
    Ok(Some(Introspection {
        scope: Some(scopes),
        client_id: caller.client_id,
        sub: Some(sub),
        iat: caller.iat,
        exp: Some(caller.exp),
        jti: caller.jti,
        token_type: Some("Bearer".to_owned()),
        ..Introspection::inactive()
    }))
}

/// A refresh token is worth something until it is rotated.
async fn refresh_token(auth: &Auth, token: &RefreshToken) -> Result<Option<Introspection>, Error> {
    let family = store::find_family(&auth.db.get().await?, token.session).await?;
    let is_latest = |judgement| judgement == Judgement::Latest;
    let family = family
        .filter(|family| family.is_alive && is_latest(family.judge(token, auth.refresh.grace)));
    let Some(family) = family else { return Ok(None) };
    let mut scopes = family.scopes.intersection(&family.granted);
    if family.client_id != PUBLIC_CLIENT {
        let Some(granted) = auth.clients.scopes(&family.client_id).await? else { return Ok(None) };
        scopes = scopes.intersection(&granted);
    }
    Ok(Some(Introspection {
        scope: Some(scopes),
        client_id: Some(family.client_id),
        sub: Some(family.user.to_string()),
        iat: Some(family.created_at.unix_timestamp()),
        exp: Some(family.expires_at.unix_timestamp()),
        jti: Some(token.session.to_string()),
        token_type: Some("refresh_token".to_owned()),
        ..Introspection::inactive()
    }))
}
