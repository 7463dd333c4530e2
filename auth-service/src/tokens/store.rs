//! SQL of logins, and nothing else.

use std::time::Duration;

use deadpool_postgres::GenericClient;
use proto::Scopes;
use uuid::Uuid;

use super::error::Error;
use crate::sessions::token::{FamilyKey, RefreshToken};
use crate::source::Source;
use crate::stored::{names, scopes};
use crate::throttle::Proven;

/// A session that is to begin.
pub(super) struct Login<'a> {
    /// Whose password was verified.
    pub(super) proven: &'a Proven<'a>,
    /// What client and request leave of what the user was granted.
    pub(super) allowed: &'a Scopes,
    /// Through which client, or `public`.
    pub(super) client_id: &'a str,
    /// That client's row, where it has one.
    pub(super) client_key: Option<Uuid>,
    /// From where.
    pub(super) source: &'a Source,
    /// The first token of the family.
    pub(super) refresh: &'a RefreshToken,
    /// The family's key.
    pub(super) key: &'a FamilyKey,
    /// How long it lasts.
    pub(super) ttl: Duration,
}

// All that follows a verified password, in one statement that does nothing where the password is
// not the user's any more: a re-hash never brings an old password back, and a login that overlaps
// a change of the password or a disabling leaves no session. Nor does one that overlaps its client's
// deletion: either it finds no client, or the deletion waits for it and ends what it began.
const RECORD_LOGIN: &str = "
    WITH client AS (
        SELECT key FROM clients WHERE key = $13 FOR KEY SHARE
    ), login AS (
        UPDATE credentials
        SET last_login_at = clock_timestamp(), password_hash = coalesce($3, password_hash)
        WHERE id = $1 AND password_hash = $2 AND NOT disabled AND unregistered_at IS NULL
            AND ($13::uuid IS NULL OR EXISTS (SELECT FROM client))
        RETURNING id, email,
            ARRAY(SELECT unnest(scopes) INTERSECT SELECT unnest($4::text[]) ORDER BY 1) AS scopes
    ), cleared AS (
        DELETE FROM throttle t USING login
        WHERE t.kind = 'pair' AND t.email = login.email AND t.network = $10
    ), begun AS (
        INSERT INTO sessions
            (id, user_id, client_id, scopes, key, secret_hash, user_agent, address, network,
            expires_at)
        SELECT $5, id, $6, scopes, $7, $8, $11, $9, $10,
            clock_timestamp() + make_interval(secs => $12)
        FROM login WHERE cardinality(scopes) > 0
    ), audited AS (
        INSERT INTO audit (event, user_id, client_id, email, address, detail)
        SELECT CASE WHEN cardinality(scopes) > 0 THEN 'login' ELSE 'login_failed' END,
            id, $6, email, $9,
            CASE WHEN cardinality(scopes) > 0 THEN jsonb_build_object('session', $5::uuid)
                ELSE jsonb_build_object('error', 'invalid_scope') END
        FROM login
    )
    SELECT scopes FROM login";

/// Begins a session; `None` where the password is not the user's any more. Gives the session's
/// scopes; where there are none, no session has begun.
pub(super) async fn record_login(
    db: &impl GenericClient,
    login: Login<'_>,
) -> Result<Option<Scopes>, Error> {
    let Login { proven, allowed, client_id, client_key, source, refresh, key, ttl } = login;
    let statement = db.prepare_cached(RECORD_LOGIN).await?;
    let row = db
        .query_opt(
            &statement,
            &[
                &proven.id.0,
                &proven.password_hash,
                &proven.rehash,
                &names(allowed),
                &refresh.session,
                &client_id,
                &key.as_bytes(),
                &refresh.hash(),
                &source.address.to_string(),
                &source.network.as_str(),
                &source.user_agent,
                &ttl.as_secs_f64(),
                &client_key,
            ],
        )
        .await?;
    Ok(row.map(|row| scopes(row.get("scopes"))))
}
