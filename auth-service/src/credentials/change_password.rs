//! One use case: somebody changes the password.
//!
//! The password of the moment is proven like at a login, throttled like there. The new one takes
//! its place only if it still is the password, and the session still alive; then every other
//! session ends.

use chassis::edge::guard::aside;
use proto::{FieldError, Password};
use serde_json::json;

use super::store;
use crate::access::Person;
use crate::audit::{self, Entry, Event};
use crate::error::Error;
use crate::hashing::{Purpose, Turn};
use crate::sessions::store::{Ending, end};
use crate::source::Source;
use crate::state::Auth;
use crate::throttle::{self, Attempt, Proven};

/// How often the password of the moment is verified where its hash was replaced meanwhile, say by
/// the re-hash of a login.
const TRIES: usize = 3;

/// A change of one's password, the new one not judged yet.
pub(super) struct PasswordChange {
    pub(super) current: Option<Password>,
    pub(super) new: String,
}

pub(super) async fn change_password(
    auth: &Auth,
    caller: Person,
    change: PasswordChange,
    source: &Source,
) -> Result<(), Error> {
    let email = &caller.email;
    let PasswordChange { current, new } = change;
    let hint = email.clone();
    let judged = aside(move || Password::chosen(&new, Some(&hint))).await;
    let new = judged
        .map_err(|error| Error::Hash(error.to_string()))?
        .map_err(|message| Error::Invalid(FieldError::new("new_password", message)))?;

    let username = email.as_str();
    let attempt = Attempt { username, password: current, source, client_id: None };
    for _ in 0..TRIES {
        let proven = auth.throttle.verify(&auth.db, &auth.hasher, attempt.clone()).await?;
        let network = source.network.to_string();
        let turn = Turn { purpose: Purpose::Login, network, gone: source.gone.clone() };
        let hash = auth.hasher.hash(new.clone(), turn).await?;
        if replace(auth, &caller, &proven, &hash, source).await? {
            return Ok(());
        }
        if auth.standings.find(caller.session).await?.is_none() {
            return Err(Error::SessionEnded);
        }
    }
    Err(Error::WrongPassword)
}

/// Puts the new hash in the place of the verified one; says whether that still was the user's, and
/// the session alive.
async fn replace(
    auth: &Auth,
    caller: &Person,
    proven: &Proven<'_>,
    hash: &str,
    source: &Source,
) -> Result<bool, Error> {
    let Person { user, email, session } = caller;
    if proven.id != *user {
        return Err(Error::WrongPassword);
    }
    let mut db = auth.db.get().await?;
    let tx = db.transaction().await?;
    if !store::change_password(&tx, *user, &proven.password_hash, hash, *session).await? {
        return Ok(false);
    }
    throttle::clear(&tx, email, &source.network).await?;
    let ended = end(&tx, Ending::Others(*user, *session), Some(source), "a new password").await?;
    let entry = Entry {
        event: Event::PasswordChanged,
        user: Some(*user),
        client_id: None,
        email: Some(email),
        source: Some(source),
        detail: json!({ "session": session, "sessions_ended": ended }),
    };
    audit::store::insert(&tx, entry).await?;
    tx.commit().await?;
    Ok(true)
}
