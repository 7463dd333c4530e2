//! SQL of sessions, and nothing else.

use std::time::Duration;

use chassis::DbError;
use deadpool_postgres::GenericClient;
use proto::{ClientId, UserId};
use uuid::Uuid;

use super::token::{FamilyKey, RefreshToken};
use super::{Family, Session, SessionId};
use crate::error::Error;
use crate::source::Source;
use crate::stored::{email, scopes};

/// Sessions that one statement ends at most.
const BATCH: i64 = 1000;

const FIND_FAMILY: &str = "
    SELECT s.user_id, s.client_id, s.scopes, s.key, s.generation, s.secret_hash, s.address,
        s.created_at, s.expires_at, c.email, c.scopes AS granted,
        s.ended_at IS NULL AND s.expires_at > clock_timestamp()
            AND NOT c.disabled AND c.unregistered_at IS NULL AS is_alive,
        greatest(0, extract(epoch FROM clock_timestamp() - s.rotated_at))::float8 AS since_rotation
    FROM sessions s JOIN credentials c ON c.id = s.user_id
    WHERE s.id = $1";

/// The family of refresh tokens that this session is.
pub async fn find_family(db: &impl GenericClient, session: Uuid) -> Result<Option<Family>, Error> {
    let statement = db.prepare_cached(FIND_FAMILY).await?;
    let Some(row) = db.query_opt(&statement, &[&session]).await? else { return Ok(None) };
    let address: Option<&str> = row.get("email");
    Ok(Some(Family {
        user: UserId(row.get("user_id")),
        email: address.map(email).transpose()?,
        client_id: row.get("client_id"),
        scopes: scopes(row.get("scopes")),
        granted: scopes(row.get("granted")),
        is_alive: row.get("is_alive"),
        created_at: row.get("created_at"),
        expires_at: row.get("expires_at"),
        address: row.get("address"),
        key: FamilyKey::from_bytes(row.get("key")).ok_or(DbError::Unreadable("sessions.key"))?,
        generation: row.get("generation"),
        secret_hash: row.get("secret_hash"),
        since_rotation: Duration::from_secs_f64(row.get("since_rotation")),
    }))
}

const ROTATE: &str = "
    UPDATE sessions
    SET generation = generation + 1, secret_hash = $3, rotated_at = clock_timestamp(),
        last_used_at = clock_timestamp(), address = $4, user_agent = coalesce($5, user_agent)
    WHERE id = $1 AND generation = $2 AND ended_at IS NULL AND expires_at > clock_timestamp()";

/// Puts the successor in the place of the latest token; says whether that still was the latest.
pub async fn rotate(
    db: &impl GenericClient,
    latest: &RefreshToken,
    successor: &RefreshToken,
    source: &Source,
) -> Result<bool, Error> {
    let statement = db.prepare_cached(ROTATE).await?;
    let (hash, address) = (successor.hash(), source.address.to_string());
    let rows = db
        .execute(
            &statement,
            &[&latest.session, &latest.generation, &hash, &address, &source.user_agent],
        )
        .await?;
    Ok(rows == 1)
}

const REVOKE_STOLEN: &str = "
    WITH reused AS (
        UPDATE sessions SET ended_at = clock_timestamp()
        WHERE id = $1 AND ended_at IS NULL
        RETURNING id, user_id, client_id
    )
    INSERT INTO audit (event, user_id, client_id, email, address, detail)
    SELECT 'refresh_reuse', r.user_id, r.client_id, c.email, $2,
        jsonb_build_object('session', r.id, 'ended', true)
    FROM reused r JOIN credentials c ON c.id = r.user_id";

/// Ends a family of which somebody else holds a token, and audits it.
pub async fn revoke_stolen(
    db: &impl GenericClient,
    session: Uuid,
    source: &Source,
) -> Result<(), Error> {
    reused(db, REVOKE_STOLEN, session, source).await
}

const NOTE_REPEAT: &str = "
    WITH reused AS (
        UPDATE sessions SET noted_generation = generation
        WHERE id = $1 AND noted_generation < generation
        RETURNING id, user_id, client_id
    )
    INSERT INTO audit (event, user_id, client_id, email, address, detail)
    SELECT 'refresh_reuse', r.user_id, r.client_id, c.email, $2,
        jsonb_build_object('session', r.id, 'ended', false)
    FROM reused r JOIN credentials c ON c.id = r.user_id";

/// Audits that a token was repeated from another network, once for each token.
pub async fn note_repeat(
    db: &impl GenericClient,
    session: Uuid,
    source: &Source,
) -> Result<(), Error> {
    reused(db, NOTE_REPEAT, session, source).await
}

async fn reused(
    db: &impl GenericClient,
    statement: &str,
    session: Uuid,
    source: &Source,
) -> Result<(), Error> {
    let statement = db.prepare_cached(statement).await?;
    db.execute(&statement, &[&session, &source.address.to_string()]).await?;
    Ok(())
}

const LIST: &str = "
    SELECT id, client_id, user_agent, address, created_at, last_used_at
    FROM sessions
    WHERE user_id = $1 AND ended_at IS NULL AND expires_at > clock_timestamp() AND id < $2
    ORDER BY id DESC LIMIT $3";

/// A page of a user's sessions that are alive, the newest first.
pub(super) async fn list(
    db: &impl GenericClient,
    user: UserId,
    current: Uuid,
    below: Uuid,
    rows: i64,
) -> Result<Vec<Session>, Error> {
    let statement = db.prepare_cached(LIST).await?;
    let rows = db.query(&statement, &[&user.0, &below, &rows]).await?;
    let session = |row: &tokio_postgres::Row| Session {
        id: SessionId(row.get("id")),
        client_id: row.get("client_id"),
        user_agent: row.get("user_agent"),
        address: row.get("address"),
        created_at: row.get("created_at"),
        last_used_at: row.get("last_used_at"),
        current: row.get::<_, Uuid>("id") == current,
    };
    Ok(rows.iter().map(session).collect())
}

// Of a user, or of a client; one session, all, or all but one. Each that ends is audited. Locked in
// the order of ids, so that two endings cannot wait for each other; and so many at once, for a
// statement has a time limit, and a user as many sessions as logins.
const END: &str = "
    WITH ended AS (
        UPDATE sessions SET ended_at = clock_timestamp()
        WHERE id IN (
            SELECT id FROM sessions
            WHERE ended_at IS NULL AND expires_at > clock_timestamp()
                AND ($1::uuid IS NULL OR user_id = $1) AND ($2::text IS NULL OR client_id = $2)
                AND ($3::uuid IS NULL OR id = $3) AND ($4::uuid IS NULL OR id <> $4)
            ORDER BY id LIMIT $7 FOR UPDATE)
        RETURNING id, user_id, client_id
    )
    INSERT INTO audit (event, user_id, client_id, email, address, detail)
    SELECT 'session_ended', e.user_id, e.client_id, c.email, $5,
        jsonb_build_object('session', e.id, 'by', $6::text)
    FROM ended e JOIN credentials c ON c.id = e.user_id";

/// Which sessions end.
#[derive(Debug, Clone, Copy)]
pub enum Ending<'a> {
    /// This one of this user.
    One(UserId, Uuid),
    /// All of this user.
    All(UserId),
    /// All of this user but this one.
    Others(UserId, Uuid),
    /// All that were begun through this client.
    Client(&'a ClientId),
}

/// Ends sessions, and audits each; says how many. `by` says who or what ended them.
pub async fn end(
    db: &impl GenericClient,
    ending: Ending<'_>,
    source: Option<&Source>,
    by: &str,
) -> Result<u64, Error> {
    let (user, client, one, other) = match ending {
        Ending::One(user, id) => (Some(user.0), None, Some(id), None),
        Ending::All(user) => (Some(user.0), None, None, None),
        Ending::Others(user, id) => (Some(user.0), None, None, Some(id)),
        Ending::Client(client) => (None, Some(client.as_str()), None, None),
    };
    let address = source.map(|source| source.address.to_string());
    // Planned for its parameters each time: which of them are given decides the index.
    let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 7] =
        [&user, &client, &one, &other, &address, &by, &BATCH];
    let mut ended = 0;
    loop {
        let rows = db.execute(END, &parameters).await?;
        ended += rows;
        if rows < BATCH.unsigned_abs() {
            return Ok(ended);
        }
    }
}
