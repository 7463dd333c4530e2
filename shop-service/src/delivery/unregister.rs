//! The job that ends a deletion: the auth service forgets the user, then the e-mail is free.
//!
//! It is never given up: until it is done, nobody can register the e-mail.

use chassis::edge::Correlation;
use proto::UserId;

use crate::outbox::{self, Failure, Job};
use crate::state::Shop;
use crate::users;

pub(super) async fn unregister(
    shop: &Shop,
    job: &Job,
    correlation: &Correlation,
) -> Result<(), Failure> {
    let user = job.payload.get("user").and_then(|user| user.as_str());
    let user: UserId = user
        .and_then(|user| user.parse().ok())
        .ok_or_else(|| Failure::Again("the job names no user".to_owned()))?;
    shop.registrar.unregister(user, correlation).await?;
    let mut db = shop.db.get().await?;
    let tx = db.transaction().await?;
    users::store::end_deletion(&tx, user).await?;
    outbox::store::finish(&tx, job.id).await?;
    tx.commit().await?;
    Ok(())
}
