//! SQL of administration, and nothing else.

use deadpool_postgres::GenericClient;
use proto::scope::ScopeList;
use proto::{Email, Scopes, UserId};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::credentials::Credential;
use crate::error::Error;
use crate::stored::{email, names, scopes};

const LIST: &str = "
    SELECT c.id, c.email, c.scopes, c.disabled, c.created_at, c.last_login_at,
        (SELECT max(t.waits_until) FROM throttle t
            WHERE t.email = c.email AND t.email <> '' AND t.waits_until > clock_timestamp()
        ) AS locked_until
    FROM credentials c
    WHERE c.unregistered_at IS NULL AND c.id > $1 AND ($3::text IS NULL OR c.email = $3)
    ORDER BY c.id LIMIT $2";

/// A page of users, the oldest first; or the one with this e-mail.
pub(super) async fn list(
    db: &impl GenericClient,
    above: Uuid,
    rows: i64,
    email: Option<&Email>,
) -> Result<Vec<Credential>, Error> {
    let email = email.map(Email::as_str);
    // Planned for its parameters each time: whether an e-mail is given decides the index.
    let rows = db.query(LIST, &[&above, &rows, &email]).await?;
    rows.iter().map(Credential::from_row).collect()
}

const FIND: &str = "
    SELECT c.id, c.email, c.scopes, c.disabled, c.created_at, c.last_login_at,
        (SELECT max(t.waits_until) FROM throttle t
            WHERE t.email = c.email AND t.email <> '' AND t.waits_until > clock_timestamp()
        ) AS locked_until
    FROM credentials c WHERE c.id = $1 AND c.unregistered_at IS NULL";

/// A user.
pub(super) async fn find(db: &impl GenericClient, id: UserId) -> Result<Option<Credential>, Error> {
    let statement = db.prepare_cached(FIND).await?;
    let row = db.query_opt(&statement, &[&id.0]).await?;
    row.as_ref().map(Credential::from_row).transpose()
}

const UPDATE: &str = "UPDATE credentials SET scopes = $2, disabled = $3 WHERE id = $1";

/// Changes a user who is held.
pub(super) async fn update(
    db: &impl GenericClient,
    id: UserId,
    scopes: &Scopes,
    disabled: bool,
) -> Result<(), Error> {
    let statement = db.prepare_cached(UPDATE).await?;
    db.execute(&statement, &[&id.0, &names(scopes), &disabled]).await?;
    Ok(())
}

/// The user with this e-mail.
pub async fn find_by_email(
    db: &impl GenericClient,
    email: &Email,
) -> Result<Option<Credential>, Error> {
    Ok(list(db, Uuid::nil(), 1, Some(email)).await?.pop())
}

impl Credential {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: UserId(row.get("id")),
            email: email(row.get("email"))?,
            scopes: ScopeList(scopes(row.get("scopes"))),
            disabled: row.get("disabled"),
            locked_until: row.get("locked_until"),
            created_at: row.get("created_at"),
            last_login_at: row.get("last_login_at"),
        })
    }
}
