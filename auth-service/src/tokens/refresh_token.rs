//! The refresh grant (RFC 6749 §6), each use of a token rotating it.
//!
//! A rotated token gets the same successor as before, as long as that was never used: a lost
//! answer, two tabs or parallel requests sign nobody out. After that, the token is in two hands.

use proto::oauth::TokenResponse;

use super::error::Error;
use super::{Request, is_within, respond};
use crate::keys::{Grant, Person};
use crate::sessions::token::RefreshToken;
use crate::sessions::{Family, Judgement, store};
use crate::source::{Network, Source};
use crate::state::Auth;

/// How often a refresh that others are quicker than looks again. Once is enough: whoever was
/// quicker has rotated the token, so it is a repeat.
const TRIES: usize = 4;

pub(super) async fn grant(auth: &Auth, request: &Request) -> Result<TokenResponse, Error> {
    let presented = request.form.require("refresh_token")?;
    let token = RefreshToken::parse(presented).ok_or(Error::InvalidRefreshToken)?;
    for _ in 0..TRIES {
        if let Some(answer) = refresh(auth, request, &token).await? {
            return Ok(answer);
        }
    }
    Err(Error::Contended)
}

/// One try; `None` where another refresh of the same token came between reading and writing.
async fn refresh(
    auth: &Auth,
    request: &Request,
    token: &RefreshToken,
) -> Result<Option<TokenResponse>, Error> {
    let source = &request.source;
    let db = auth.db.get().await?;
    let family = store::find_family(&db, token.session).await?;
    let family = family.ok_or(Error::InvalidRefreshToken)?;
    let judgement = family.judge(token, auth.refresh.grace);
    if judgement == Judgement::Forged {
        return Err(Error::InvalidRefreshToken);
    }
    request.is_for(&family.client_id)?;
    if !family.is_alive {
        return Err(Error::InvalidRefreshToken);
    }
    match judgement {
        Judgement::Latest | Judgement::Repeated => {}
        Judgement::Stolen => {
            store::revoke_stolen(&db, token.session, source).await?;
            return Err(Error::InvalidRefreshToken);
        }
        Judgement::Late | Judgement::Forged => return Err(Error::InvalidRefreshToken),
    }
    // Before anything is used up.
    let grant = narrow(request, &family, token)?;
    let successor = family.successor(token);
    if judgement == Judgement::Latest {
        if !store::rotate(&db, token, &successor, source).await? {
            return Ok(None);
        }
    } else if is_elsewhere(source, &family) {
        store::note_repeat(&db, token.session, source).await?;
    }
    drop(db);
    respond(auth, grant, Some(&successor)).map(Some)
}

/// What the family was granted, as far as user and client still hold it and the request asks for.
fn narrow(request: &Request, family: &Family, token: &RefreshToken) -> Result<Grant, Error> {
    let requested = request.form.get("scope");
    if !is_within(&family.scopes, requested) {
        return Err(Error::ScopeOutsideFamily);
    }
    let allowed = super::allowed(request.client.as_ref(), requested);
    let scopes = family.scopes.intersection(&family.granted).intersection(&allowed);
    if scopes.is_empty() {
        return Err(Error::NoScopeLeft);
    }
    let email = family.email.clone().ok_or(Error::InvalidRefreshToken)?;
    let person = Person { email, session: token.session };
    let client_id = family.client_id.clone();
    Ok(Grant { subject: family.user.to_string(), person: Some(person), client_id, scopes })
}

/// Whether the session was last used from another network.
fn is_elsewhere(source: &Source, family: &Family) -> bool {
    family.address.parse().is_ok_and(|address| Network::of(address) != source.network)
}
