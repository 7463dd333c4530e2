//! SQL of credentials, and nothing else.

use chassis::DbError;
use deadpool_postgres::GenericClient;
use proto::{Email, Scopes, UserId};
use tokio_postgres::Row;

use super::{Credential, Occupant};
use crate::error::Error;

const INSERT_OR_REPLACE: &str = "
    INSERT INTO credentials AS c (id, email, password_hash, attempt)
    VALUES ($1, $2, $3, coalesce($4::bigint, 1))
    ON CONFLICT (id) DO UPDATE
        SET password_hash = excluded.password_hash, attempt = coalesce($4, c.attempt + 1)
        WHERE c.email = excluded.email AND c.unregistered_at IS NULL
            AND c.last_login_at IS NULL AND NOT c.disabled
            AND ($4 IS NULL OR c.attempt < $4)";

/// Sets the password of a new user, or of one who never logged in by a higher attempt; says
/// whether it did.
pub async fn insert_or_replace(
    db: &impl GenericClient,
    id: UserId,
    email: &Email,
    password_hash: &str,
    attempt: Option<i64>,
) -> Result<bool, Error> {
    let statement = db.prepare_cached(INSERT_OR_REPLACE).await?;
    let rows = db.execute(&statement, &[&id.0, &email.as_str(), &password_hash, &attempt]).await;
    match rows.map_err(DbError::from) {
        Ok(rows) => Ok(rows == 1),
        Err(error) if error.constraint() == Some("credentials_email_key") => Err(Error::EmailTaken),
        Err(error) => Err(error.into()),
    }
}

const FIND_OCCUPANT: &str = "
    SELECT email, attempt, unregistered_at IS NOT NULL AS is_unregistered,
        last_login_at IS NOT NULL OR disabled AS is_in_use
    FROM credentials WHERE id = $1";

/// What stands at this id.
pub async fn find_occupant(db: &impl GenericClient, id: UserId) -> Result<Option<Occupant>, Error> {
    let statement = db.prepare_cached(FIND_OCCUPANT).await?;
    let row = db.query_opt(&statement, &[&id.0]).await?;
    Ok(row.map(|row| Occupant {
        email: row.get("email"),
        attempt: row.get("attempt"),
        is_unregistered: row.get("is_unregistered"),
        is_in_use: row.get("is_in_use"),
    }))
}

// One row for the living and the dead, so that a registration on its way meets the tombstone at
// the primary key. A disabled user's address is kept: it stays refused.
const UNREGISTER: &str = "
    INSERT INTO credentials AS c (id, attempt, unregistered_at)
    VALUES ($1, 0, clock_timestamp())
    ON CONFLICT (id) DO UPDATE
        SET unregistered_at = clock_timestamp(), password_hash = NULL, scopes = '{}',
            email = CASE WHEN c.disabled THEN c.email END
        WHERE c.unregistered_at IS NULL";

/// Makes this id a tombstone, whether anybody had it or not.
pub async fn unregister(db: &impl GenericClient, id: UserId) -> Result<(), Error> {
    let statement = db.prepare_cached(UNREGISTER).await?;
    db.execute(&statement, &[&id.0]).await?;
    Ok(())
}

const FIND_BY_EMAIL: &str = "
    SELECT id, email, scopes, disabled, created_at, last_login_at
    FROM credentials WHERE email = $1 AND unregistered_at IS NULL";

/// The user with this e-mail.
pub async fn find_by_email(
    db: &impl GenericClient,
    email: &Email,
) -> Result<Option<Credential>, Error> {
    let statement = db.prepare_cached(FIND_BY_EMAIL).await?;
    let row = db.query_opt(&statement, &[&email.as_str()]).await?;
    row.map(|row| Credential::from_row(&row)).transpose()
}

const GRANT: &str = "
    UPDATE credentials
    SET scopes = ARRAY(SELECT DISTINCT unnest(scopes || $2::text[]) ORDER BY 1)
    WHERE email = $1 AND unregistered_at IS NULL
    RETURNING id, email, scopes, disabled, created_at, last_login_at";

/// Adds scopes to the user with this e-mail.
pub async fn grant(
    db: &impl GenericClient,
    email: &Email,
    scopes: &Scopes,
) -> Result<Option<Credential>, Error> {
    change_scopes(db, GRANT, email, scopes).await
}

const REVOKE: &str = "
    UPDATE credentials
    SET scopes = ARRAY(SELECT unnest(scopes) EXCEPT SELECT unnest($2::text[]) ORDER BY 1)
    WHERE email = $1 AND unregistered_at IS NULL
    RETURNING id, email, scopes, disabled, created_at, last_login_at";

/// Takes scopes from the user with this e-mail.
pub async fn revoke(
    db: &impl GenericClient,
    email: &Email,
    scopes: &Scopes,
) -> Result<Option<Credential>, Error> {
    change_scopes(db, REVOKE, email, scopes).await
}

async fn change_scopes(
    db: &impl GenericClient,
    statement: &str,
    email: &Email,
    scopes: &Scopes,
) -> Result<Option<Credential>, Error> {
    let statement = db.prepare_cached(statement).await?;
    let scopes: Vec<&str> = scopes.iter().map(proto::Scope::as_str).collect();
    let row = db.query_opt(&statement, &[&email.as_str(), &scopes]).await?;
    row.map(|row| Credential::from_row(&row)).transpose()
}

impl Credential {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: UserId(row.get("id")),
            email: email(row.get("email"))?,
            scopes: scopes(row.get("scopes")),
            disabled: row.get("disabled"),
            created_at: row.get("created_at"),
            last_login_at: row.get("last_login_at"),
        })
    }
}

/// A stored address, which was valid when it was stored.
pub fn email(stored: &str) -> Result<Email, Error> {
    stored.parse().map_err(|_| DbError::Unreadable("credentials.email").into())
}

/// Stored scopes; names of none, say of a newer version's, grant nothing.
pub fn scopes(stored: Vec<&str>) -> Scopes {
    stored.into_iter().filter_map(|name| name.parse().ok()).collect()
}
