//! One use case: a user may log in with this e-mail and password.
//!
//! Tries are numbered by the shop. A higher attempt replaces the password as long as nobody has
//! logged in with it; the same one again changes nothing; a lower one comes too late. So a
//! request that was on its way for long can never replace a password that was acknowledged.

use proto::registration::{RegisterCredentials, Registered};

use super::{Occupant, store};
use crate::clients::Client;
use crate::error::Error;
use crate::hashing::{Purpose, Turn};
use crate::source::Source;
use crate::state::Auth;

pub(super) async fn register(
    auth: &Auth,
    wanted: RegisterCredentials,
    client: &Client,
    source: &Source,
) -> Result<Registered, Error> {
    let RegisterCredentials { id, email, password, attempt } = wanted;
    let attempt = attempt.map(proto::fields::Integer::get);
    let network = source.network.to_string();
    let turn = Turn { purpose: Purpose::Registration, network, gone: source.gone.clone() };
    let hash = auth.hasher.hash(password, turn).await?;
    let db = auth.db.get().await?;
    let set = || store::insert_or_replace(&db, id, &email, &hash, attempt, (client, source));
    // Two attempts may both find the id free; then the second meets the first at the e-mail, for
    // ON CONFLICT watches the id's index only. Once more, it meets it at the id.
    let is_set = match set().await {
        Err(Error::EmailTaken) => set().await?,
        set => set?,
    };
    if !is_set {
        let occupant = store::find_occupant(&db, id).await?.ok_or(Error::EmailTaken)?;
        judge(&occupant, email.as_str(), attempt)?;
    }
    Ok(Registered { id: id.0, email: email.to_string() })
}

/// Whether what stands there already is what was wanted.
fn judge(occupant: &Occupant, email: &str, attempt: Option<i64>) -> Result<(), Error> {
    if occupant.is_unregistered {
        Err(Error::Unregistered)
    } else if occupant.email.as_deref() != Some(email) {
        Err(Error::IdTaken)
    } else if attempt == Some(occupant.attempt) {
        Ok(())
    } else if occupant.is_in_use {
        Err(Error::InUse)
    } else {
        Err(Error::AttemptSuperseded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn occupant() -> Occupant {
        let email = Some("ann@example.com".to_owned());
        Occupant { email, attempt: 3, is_unregistered: false, is_in_use: false }
    }

    #[test]
    fn the_same_attempt_again_changes_nothing() {
        assert!(judge(&occupant(), "ann@example.com", Some(3)).is_ok());
        let in_use = Occupant { is_in_use: true, ..occupant() };
        assert!(judge(&in_use, "ann@example.com", Some(3)).is_ok());
    }

    #[test]
    fn every_other_registration_says_why_it_failed() {
        let in_use = Occupant { is_in_use: true, ..occupant() };
        let gone = Occupant { is_unregistered: true, email: None, ..occupant() };

        assert!(matches!(judge(&occupant(), "bob@example.com", Some(3)), Err(Error::IdTaken)));
        let late = judge(&occupant(), "ann@example.com", Some(2));
        assert!(matches!(late, Err(Error::AttemptSuperseded)));
        assert!(matches!(judge(&in_use, "ann@example.com", Some(4)), Err(Error::InUse)));
        assert!(matches!(judge(&in_use, "ann@example.com", None), Err(Error::InUse)));
        assert!(matches!(judge(&gone, "ann@example.com", Some(3)), Err(Error::Unregistered)));
    }
}
