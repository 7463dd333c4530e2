//! One use case: a user is deleted.
//!
//! One transaction makes the profile none (`deleting`), takes the person out of orders, empties
//! the cart, drops mail that was not sent, and leaves the job that unregisters the credentials. The
//! row, and with it the e-mail, goes when that job is done.

use proto::UserId;
use serde_json::json;

use super::{State, UNREGISTER, stand, store};
use crate::access::Member;
use crate::error::Error;
use crate::outbox::{self, JobId, NewJob};
use crate::state::Shop;

pub(super) async fn delete(shop: &Shop, caller: Member, user: UserId) -> Result<(), Error> {
    let is_own = caller.user == Some(user);
    let mut db = shop.db.get().await?;
    let tx = db.transaction().await?;
    // Both rows at once and in id order, so that two admins who delete each other do not
    // deadlock.
    let states = store::lock(&tx, user, caller.user).await?;
    let state = |id| states.iter().find(|(found, _)| *found == id).map(|(_, state)| *state);
    if let Some(id) = caller.user {
        stand(&tx, id, state(id)).await?;
    }
    let is_there = matches!(state(user), Some(State::Pending | State::Active));
    if !(is_own || caller.is_admin && is_there) {
        return Err(Error::UserNotFound);
    }
    store::begin_deletion(&tx, user).await?;
    outbox::store::finish_all_for(&tx, user).await?;
    outbox::store::insert(&tx, &unregistering(user)).await?;
    tx.commit().await?;
    shop.outbox.job_left();
    Ok(())
}

/// Never given up: until it is done, nobody can register the e-mail.
fn unregistering(user: UserId) -> NewJob {
    let payload = json!({ "user": user });
    NewJob { id: JobId::generate(), kind: UNREGISTER, payload, user: None, may_expire: false }
}
