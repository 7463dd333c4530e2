//! Revocation (RFC 7009): whoever holds a token may end its session.

use proto::{Subject, UserId};
use uuid::Uuid;

use super::Request;
use super::error::Error;
use crate::sessions::store::{self, Ending};
use crate::sessions::token::RefreshToken;
use crate::sessions::{Family, Judgement};
use crate::state::Auth;

/// Ends the session of the token. What is not valid, or not any more, is as good as revoked
/// (§2.2).
pub(super) async fn revoke(auth: &Auth, request: &Request) -> Result<(), Error> {
    // The hint is not needed: the two kinds cannot be taken for each other.
    let token = request.form.require("token")?;
    let found = match RefreshToken::parse(token) {
        Some(token) => refresh_token(auth, &token).await?,
        None => access_token(auth, token).await?,
    };
    let Some((user, session, client_id)) = found else { return Ok(()) };
    request.is_for(&client_id)?;
    let db = auth.db.get().await?;
    store::end(&db, Ending::One(user, session), Some(&request.source), "revocation").await?;
    Ok(())
}

type Found = Option<(UserId, Uuid, String)>;

/// Any token that the family ever issued ends it.
async fn refresh_token(auth: &Auth, token: &RefreshToken) -> Result<Found, Error> {
    let family = store::find_family(&auth.db.get().await?, token.session).await?;
    let is_ours = |family: &Family| {
        family.is_alive && family.judge(token, auth.refresh.grace) != Judgement::Forged
    };
    let family = family.filter(is_ours);
    Ok(family.map(|family| (family.user, token.session, family.client_id)))
}

async fn access_token(auth: &Auth, token: &str) -> Result<Found, Error> {
    let Ok(caller) = auth.verifier.verify(token) else { return Ok(None) };
    let Subject::User(user) = caller.subject else {
        // There is nothing to end: it lives to its `exp`.
        return Err(Error::UnsupportedTokenType);
    };
    let Some(session) = caller.session else { return Ok(None) };
    let standing = auth.standings.find(session).await?.filter(|standing| standing.user == user);
    Ok(standing.map(|standing| (user, session, standing.client_id)))
}
