//! SQL of clients, and nothing else.

use std::collections::HashMap;

use deadpool_postgres::GenericClient;
use proto::ClientId;
use proto::scope::{ScopeList, Scopes};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{ClientRecord, StoredClient};
use crate::error::Error;
use crate::stored::{names, scopes};

const FIND: &str = "SELECT id, key, secret_hash, scopes FROM clients WHERE id = ANY($1)";

/// What is needed to authenticate these clients.
pub(super) async fn find(
    db: &impl GenericClient,
    ids: &[String],
) -> Result<HashMap<String, StoredClient>, Error> {
    let statement = db.prepare_cached(FIND).await?;
    let rows = db.query(&statement, &[&ids]).await?;
    let stored = |row: &Row| StoredClient {
        key: row.get("key"),
        secret_hash: row.get("secret_hash"),
        scopes: scopes(row.get("scopes")),
    };
    Ok(rows.iter().map(|row| (row.get("id"), stored(row))).collect())
}

const LIST: &str = "
    SELECT id, key, scopes, created_at FROM clients WHERE key > $1 ORDER BY key LIMIT $2";

/// A page of clients, the oldest first.
pub async fn list(
    db: &impl GenericClient,
    above: Uuid,
    rows: i64,
) -> Result<Vec<ClientRecord>, Error> {
    let statement = db.prepare_cached(LIST).await?;
    Ok(db.query(&statement, &[&above, &rows]).await?.iter().map(ClientRecord::from_row).collect())
}

const INSERT: &str = "
    INSERT INTO clients (id, key, secret_hash, scopes) VALUES ($1, $2, $3, $4)
    ON CONFLICT (id) DO NOTHING
    RETURNING id, key, scopes, created_at";

/// A new client; `None` where the id is taken.
pub async fn insert(
    db: &impl GenericClient,
    id: &ClientId,
    secret_hash: &[u8],
    scopes: &Scopes,
) -> Result<Option<ClientRecord>, Error> {
    let statement = db.prepare_cached(INSERT).await?;
    let key = Uuid::now_v7();
    let row = db.query_opt(&statement, &[&id.as_str(), &key, &secret_hash, &names(scopes)]).await?;
    Ok(row.as_ref().map(ClientRecord::from_row))
}

const DELETE: &str = "DELETE FROM clients WHERE id = $1";

/// Deletes a client; says whether there was one.
pub async fn delete(db: &impl GenericClient, id: &ClientId) -> Result<bool, Error> {
    let statement = db.prepare_cached(DELETE).await?;
    Ok(db.execute(&statement, &[&id.as_str()]).await? == 1)
}

impl ClientRecord {
    fn from_row(row: &Row) -> Self {
        Self {
            id: row.get("id"),
            key: row.get("key"),
            scopes: ScopeList(scopes(row.get("scopes"))),
            created_at: Some(row.get("created_at")),
        }
    }
}
