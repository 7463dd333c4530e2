//! SQL of logins, and nothing else.

use deadpool_postgres::GenericClient;
use proto::{Email, Scopes, UserId};

use super::Candidate;
use super::error::Error;
use crate::credentials::store::scopes;

const FIND_CANDIDATE: &str = "
    SELECT id, password_hash, disabled
    FROM credentials WHERE email = $1 AND unregistered_at IS NULL";

/// The user that a login could be of.
pub(super) async fn find_candidate(
    db: &impl GenericClient,
    email: &Email,
) -> Result<Option<Candidate>, Error> {
    let statement = db.prepare_cached(FIND_CANDIDATE).await?;
    let row = db.query_opt(&statement, &[&email.as_str()]).await?;
    Ok(row.map(|row| Candidate {
        id: UserId(row.get("id")),
        password_hash: row.get("password_hash"),
        is_disabled: row.get("disabled"),
    }))
}

const RECORD_LOGIN: &str = "
    UPDATE credentials SET last_login_at = clock_timestamp()
    WHERE id = $1 AND password_hash = $2 AND NOT disabled AND unregistered_at IS NULL
    RETURNING scopes";

/// Records a login with the password that was verified; `None` where it is not the user's any
/// more. Gives what the user is granted now.
pub(super) async fn record_login(
    db: &impl GenericClient,
    candidate: &Candidate,
) -> Result<Option<Scopes>, Error> {
    let statement = db.prepare_cached(RECORD_LOGIN).await?;
    let row = db.query_opt(&statement, &[&candidate.id.0, &candidate.password_hash]).await?;
    Ok(row.map(|row| scopes(row.get("scopes"))))
}
