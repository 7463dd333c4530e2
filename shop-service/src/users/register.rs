//! One use case: somebody registers.
//!
//! First the profile, `pending` and with the next attempt's number; then the auth service; then
//! the profile becomes `active`, if no other attempt came between. Either service may die at any
//! point: the e-mail can then be registered again, or its login works and the profile is there.
//! Of many tries at once one wins, with its own name and its own password.

use chassis::edge::{ClientAddress, Correlation};
use proto::registration::RegisterCredentialsRequest;

use super::{Registration, State, User, store};
use crate::error::Error;
use crate::registrar;
use crate::state::Shop;

pub(super) async fn register(
    shop: &Shop,
    wanted: Registration,
    request: &Correlation,
    client: ClientAddress,
) -> Result<User, Error> {
    let Registration { name, email, password } = wanted;
    let db = shop.db.get().await?;
    let Some(claim) = store::insert_or_claim(&db, &email, &name).await? else {
        return Err(match store::find_state_by_email(&db, &email).await? {
            Some(State::Pending | State::Active) => Error::EmailTaken,
            // Where there is nobody any more, the deletion has just ended.
            Some(State::Deleting) | None => Error::EmailNotFreeYet,
        });
    };
    // No connection is held while the auth service hashes.
    drop(db);

    let password = password.expose();
    let (id, attempt) = (claim.id, claim.attempt);
    let credentials = RegisterCredentialsRequest { id, email: &email, password, attempt };
    let registration = shop.registrar.register(&credentials, request, client).await?;

    let db = shop.db.get().await?;
    match registration {
        registrar::Registration::Done => {
            let activated = store::activate_attempt(&db, &claim, &name).await?;
            activated.ok_or(Error::EmailTaken)
        }
        registrar::Registration::Taken => Err(Error::EmailTaken),
        registrar::Registration::IdUnregistered => {
            // Unregistered behind our back: the next try gets a new id.
            store::delete_pending(&db, id).await?;
            Err(Error::EmailNotFreeYet)
        }
    }
}
