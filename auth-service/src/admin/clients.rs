//! Use cases of clients: one is created, one is deleted.

use chassis::db::Connection;
use proto::ClientId;
use serde_json::json;

use super::{CreatedClient, NewClient};
use crate::access::By;
use crate::audit::{self, Entry, Event};
use crate::clients::{self, store};
use crate::error::Error;
use crate::sessions::store::{Ending, end};
use crate::source::Source;

/// Creates a client with a fresh secret.
pub async fn create(
    db: &mut Connection,
    wanted: &NewClient,
    by: &By,
    source: Option<&Source>,
) -> Result<CreatedClient, Error> {
    let (secret, hash) = clients::generate_secret()?;
    let tx = db.transaction().await?;
    let client = store::insert(&tx, &wanted.id, &hash, &wanted.scopes.0).await?;
    let client = client.ok_or(Error::ClientTaken)?;
    let detail = json!({ "by": by.to_string(), "scopes": client.scopes });
    audit::store::insert(&tx, entry(Event::ClientCreated, &wanted.id, source, detail)).await?;
    tx.commit().await?;
    Ok(CreatedClient { id: client.id, scopes: client.scopes, secret })
}

/// Deletes a client; the sessions that were begun through it end.
pub async fn delete(
    db: &mut Connection,
    id: &ClientId,
    by: &By,
    source: Option<&Source>,
) -> Result<(), Error> {
    let tx = db.transaction().await?;
    if !store::delete(&tx, id).await? {
        return Err(Error::ClientNotFound);
    }
    let by = by.to_string();
    end(&tx, Ending::Client(id), source, &by).await?;
    let entry = entry(Event::ClientDeleted, id, source, json!({ "by": by }));
    audit::store::insert(&tx, entry).await?;
    Ok(tx.commit().await?)
}

fn entry<'a>(
    event: Event,
    client: &'a ClientId,
    source: Option<&'a Source>,
    detail: serde_json::Value,
) -> Entry<'a> {
    let client_id = Some(client.as_str());
    Entry { event, user: None, client_id, email: None, source, detail }
}
