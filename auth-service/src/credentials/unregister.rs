//! One use case: a user goes for ever.

use proto::UserId;

use super::store;
use crate::audit::{self, Entry, Event};
use crate::clients::Client;
use crate::error::Error;
use crate::sessions::store::{Ending, end};
use crate::source::Source;
use crate::state::Auth;

pub(super) async fn unregister(
    auth: &Auth,
    id: UserId,
    client: &Client,
    source: &Source,
) -> Result<(), Error> {
    let mut db = auth.db.get().await?;
    let tx = db.transaction().await?;
    let email = store::hold(&tx, id).await?;
    if let Some(email) = &email {
        // In a statement of its own, after the row is held: what a login has just begun ends too.
        end(&tx, Ending::All(id), Some(source), "unregistering").await?;
        let entry = Entry {
            event: Event::Unregistered,
            user: Some(id),
            client_id: Some(&client.id),
            email: Some(email),
            source: Some(source),
            detail: serde_json::Value::Null,
        };
        audit::store::insert(&tx, entry).await?;
    }
    store::unregister(&tx, id).await?;
    Ok(tx.commit().await?)
}
