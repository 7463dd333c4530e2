//! SQL of the audit log, and nothing else.

use deadpool_postgres::GenericClient;
use proto::UserId;
use serde_json::Value;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{Entry, Event, Record};
use crate::error::Error;

const INSERT: &str = "
    INSERT INTO audit (event, user_id, client_id, email, address, detail)
    VALUES ($1, $2, $3, $4, $5, $6)";

/// Writes an entry, in the transaction of what it tells about.
pub async fn insert(db: &impl GenericClient, entry: Entry<'_>) -> Result<(), Error> {
    let Entry { event, user, client_id, email, source, detail } = entry;
    let statement = db.prepare_cached(INSERT).await?;
    let (user, email) = (user.map(|user| user.0), email.map(proto::Email::as_str));
    let address = source.map(|source| source.address.to_string());
    let detail = Some(detail).filter(|detail| !detail.is_null());
    let event = event.as_str();
    db.execute(&statement, &[&event, &user, &client_id, &email, &address, &detail]).await?;
    Ok(())
}

const LIST: &str = "
    SELECT id, at, event, user_id, client_id, email, address, detail
    FROM audit
    WHERE id < $1 AND ($3::uuid IS NULL OR user_id = $3) AND ($4::text IS NULL OR event = $4)
    ORDER BY id DESC LIMIT $2";

/// A page of the log, the newest first: of a user, of an event, or of all.
pub async fn list(
    db: &impl GenericClient,
    below: Uuid,
    rows: i64,
    user: Option<UserId>,
    event: Option<Event>,
) -> Result<Vec<Record>, Error> {
    let (user, event) = (user.map(|user| user.0), event.map(Event::as_str));
    // Planned for its parameters each time: which of them are given decides the index.
    let rows = db.query(LIST, &[&below, &rows, &user, &event]).await?;
    let record = |row: &Row| Record {
        id: row.get("id"),
        at: row.get("at"),
        event: row.get("event"),
        user_id: row.get("user_id"),
        client_id: row.get("client_id"),
        email: row.get("email"),
        address: row.get("address"),
        detail: row.get::<_, Option<Value>>("detail"),
    };
    Ok(rows.iter().map(record).collect())
}
