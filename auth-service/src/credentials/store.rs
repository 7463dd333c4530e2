//! SQL of credentials, and nothing else.

use chassis::DbError;
use deadpool_postgres::GenericClient;
use proto::{Email, UserId};
use uuid::Uuid;

use super::Occupant;
use crate::clients::Client;
use crate::error::Error;
use crate::source::Source;
use crate::stored::email;

const INSERT_OR_REPLACE: &str = "
    WITH registered AS (
        INSERT INTO credentials AS c (id, email, password_hash, attempt)
        VALUES ($1, $2, $3, coalesce($4::bigint, 1))
        ON CONFLICT (id) DO UPDATE
            SET password_hash = excluded.password_hash, attempt = coalesce($4, c.attempt + 1)
            WHERE c.email = excluded.email AND c.unregistered_at IS NULL
                AND c.last_login_at IS NULL AND NOT c.disabled
                AND ($4 IS NULL OR c.attempt < $4)
        RETURNING id, email, attempt
    )
    INSERT INTO audit (event, user_id, client_id, email, address, detail)
    SELECT 'registered', id, $5, email, $6, jsonb_build_object('attempt', attempt)
    FROM registered";

/// Sets the password of a new user, or of one who never logged in by a higher attempt; says
/// whether it did. Audited.
pub async fn insert_or_replace(
    db: &impl GenericClient,
    id: UserId,
    email: &Email,
    password_hash: &str,
    attempt: Option<i64>,
    (client, source): (&Client, &Source),
) -> Result<bool, Error> {
    let statement = db.prepare_cached(INSERT_OR_REPLACE).await?;
    let (client, address) = (&client.id, source.address.to_string());
    let rows = db
        .execute(&statement, &[&id.0, &email.as_str(), &password_hash, &attempt, client, &address])
        .await;
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

const HOLD: &str = "
    SELECT email FROM credentials WHERE id = $1 AND unregistered_at IS NULL FOR UPDATE";

/// The e-mail of a user who stands, and keeps the row until the transaction ends: a login that is
/// under way is finished before, or finds the row changed.
pub async fn hold(db: &impl GenericClient, id: UserId) -> Result<Option<Email>, Error> {
    let statement = db.prepare_cached(HOLD).await?;
    let row = db.query_opt(&statement, &[&id.0]).await?;
    row.map(|row| email(row.get("email"))).transpose()
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

const CHANGE_PASSWORD: &str = "
    UPDATE credentials SET password_hash = $3
    WHERE id = $1 AND password_hash = $2 AND NOT disabled AND unregistered_at IS NULL
        AND EXISTS (
            SELECT FROM sessions
            WHERE id = $4 AND ended_at IS NULL AND expires_at > clock_timestamp())";

/// Sets another password in the place of the one that was verified, as long as the session is
/// alive; says whether it did.
pub(super) async fn change_password(
    db: &impl GenericClient,
    id: UserId,
    verified: &str,
    password_hash: &str,
    session: Uuid,
) -> Result<bool, Error> {
    let statement = db.prepare_cached(CHANGE_PASSWORD).await?;
    Ok(db.execute(&statement, &[&id.0, &verified, &password_hash, &session]).await? == 1)
}
