//! SQL of users, and nothing else.

use chassis::DbError;
use chassis::db::PipelinedTransaction;
use deadpool_postgres::{GenericClient, Transaction};
use proto::{Email, UserId};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{Name, State, User};
use crate::error::Error;

// The name of a pending row is that of the first try, until one has won: a stranger's try, which
// auth will refuse, must not rename somebody who has logged in.
const INSERT_OR_CLAIM: &str = "
    INSERT INTO users AS u (id, email, name) VALUES ($1, $2, $3)
    ON CONFLICT (email) DO UPDATE SET attempt = u.attempt + 1
        WHERE u.state = 'pending'
    RETURNING id, attempt, name";

/// A try to register that has begun.
pub(super) struct Claim {
    pub(super) id: UserId,
    pub(super) attempt: i64,
    /// The pending row's, until a try has won.
    name: String,
}

/// Begins to register this e-mail: a new row, or the next attempt of one that is pending. `None`
/// where the e-mail is taken.
pub(super) async fn insert_or_claim(
    db: &impl GenericClient,
    email: &Email,
    name: &Name,
) -> Result<Option<Claim>, Error> {
    let statement = db.prepare_cached(INSERT_OR_CLAIM).await?;
    let id = UserId::generate();
    let row = db.query_opt(&statement, &[&id.0, &email.as_str(), &name.as_str()]).await?;
    let claim = |row: Row| Claim {
        id: UserId(row.get("id")),
        attempt: row.get("attempt"),
        name: row.get("name"),
    };
    Ok(row.map(claim))
}

// Active already: this attempt's owner was quicker to log in than we to get here, and may have
// taken another name since.
const ACTIVATE_ATTEMPT: &str = "
    UPDATE users SET state = 'active',
        name = CASE WHEN state = 'pending' OR name = $4 THEN $3 ELSE name END
    WHERE id = $1 AND attempt = $2 AND state IN ('pending', 'active')
    RETURNING id, name, email";

/// Ends a registration; `None` where a later attempt came between.
pub(super) async fn activate_attempt(
    db: &impl GenericClient,
    claim: &Claim,
    name: &Name,
) -> Result<Option<User>, Error> {
    let statement = db.prepare_cached(ACTIVATE_ATTEMPT).await?;
    let Claim { id, attempt, name: before } = claim;
    let row = db.query_opt(&statement, &[&id.0, attempt, &name.as_str(), before]).await?;
    Ok(row.as_ref().map(User::from_row))
}

const DELETE_PENDING: &str = "DELETE FROM users WHERE id = $1 AND state = 'pending'";

/// Takes back a registration.
pub(super) async fn delete_pending(db: &impl GenericClient, id: UserId) -> Result<(), Error> {
    let statement = db.prepare_cached(DELETE_PENDING).await?;
    db.execute(&statement, &[&id.0]).await?;
    Ok(())
}

const ACTIVATE: &str = "UPDATE users SET state = 'active' WHERE id = $1 AND state = 'pending'";

/// Ends a registration whose user has logged in.
pub(super) async fn activate(db: &impl GenericClient, id: UserId) -> Result<(), Error> {
    let statement = db.prepare_cached(ACTIVATE).await?;
    db.execute(&statement, &[&id.0]).await?;
    Ok(())
}

const FIND_STATE: &str = "SELECT state FROM users WHERE id = $1";

/// Where this user stands.
pub(super) async fn find_state(
    db: &impl GenericClient,
    id: UserId,
) -> Result<Option<State>, Error> {
    state(db, FIND_STATE, id).await
}

const HOLD: &str = "SELECT state FROM users WHERE id = $1 FOR KEY SHARE";

/// Where this user stands, until the transaction ends: a deletion waits.
pub(super) async fn hold(tx: &Transaction<'_>, id: UserId) -> Result<Option<State>, Error> {
    state(tx, HOLD, id).await
}

const QUEUE: &str = "SELECT state FROM users WHERE id = $1 FOR NO KEY UPDATE";

/// Where this user stands, until the transaction ends, and one transaction at a time.
pub(super) async fn queue(tx: &PipelinedTransaction, id: UserId) -> Result<Option<State>, Error> {
    state(&**tx, QUEUE, id).await
}

async fn state(
    db: &impl GenericClient,
    statement: &str,
    id: UserId,
) -> Result<Option<State>, Error> {
    let statement = db.prepare_cached(statement).await?;
    let row = db.query_opt(&statement, &[&id.0]).await?;
    row.map(|row| State::from_row(&row)).transpose()
}

const FIND_STATE_BY_EMAIL: &str = "SELECT state FROM users WHERE email = $1";

/// Where the user with this e-mail stands.
pub(super) async fn find_state_by_email(
    db: &impl GenericClient,
    email: &Email,
) -> Result<Option<State>, Error> {
    let statement = db.prepare_cached(FIND_STATE_BY_EMAIL).await?;
    let row = db.query_opt(&statement, &[&email.as_str()]).await?;
    row.map(|row| State::from_row(&row)).transpose()
}

const LOCK: &str = "
    SELECT id, state FROM users WHERE id = $1 OR id = $2 ORDER BY id FOR UPDATE";

/// Locks both users' rows against everything, and says where they stand.
pub(super) async fn lock(
    tx: &Transaction<'_>,
    user: UserId,
    other: Option<UserId>,
) -> Result<Vec<(UserId, State)>, Error> {
    let statement = tx.prepare_cached(LOCK).await?;
    let rows = tx.query(&statement, &[&user.0, &other.map(|other| other.0)]).await?;
    rows.iter().map(|row| Ok((UserId(row.get("id")), State::from_row(row)?))).collect()
}

// After the row is locked, so that what a checkout wrote while we waited is seen.
const BEGIN_DELETION: &str = "
    WITH cart AS (DELETE FROM cart_items WHERE user_id = $1),
        keys AS (DELETE FROM idempotency_keys WHERE user_id = $1),
        traces AS (
            UPDATE order_history SET changed_by = NULL WHERE changed_by = ($1::uuid)::text),
        past AS (UPDATE orders SET user_id = NULL, shipping_address = '' WHERE user_id = $1)
    UPDATE users SET state = 'deleting', name = '' WHERE id = $1";

/// Makes the profile none, and takes the person out of what stays.
pub(super) async fn begin_deletion(tx: &Transaction<'_>, id: UserId) -> Result<(), Error> {
    let statement = tx.prepare_cached(BEGIN_DELETION).await?;
    tx.execute(&statement, &[&id.0]).await?;
    Ok(())
}

const END_DELETION: &str = "DELETE FROM users WHERE id = $1 AND state = 'deleting'";

/// Frees the e-mail, once the auth service has forgotten the user.
pub async fn end_deletion(db: &impl GenericClient, id: UserId) -> Result<(), Error> {
    let statement = db.prepare_cached(END_DELETION).await?;
    db.execute(&statement, &[&id.0]).await?;
    Ok(())
}

const FIND: &str = "SELECT id, name, email FROM users WHERE id = $1 AND state = 'active'";

/// This user.
pub(super) async fn find(db: &impl GenericClient, id: UserId) -> Result<Option<User>, Error> {
    let statement = db.prepare_cached(FIND).await?;
    Ok(db.query_opt(&statement, &[&id.0]).await?.as_ref().map(User::from_row))
}

// A token of its user ends a registration, wherever it is shown.
const FIND_OWN: &str = "
    SELECT id, name, email, state FROM users WHERE id = $1 AND state <> 'deleting'";

/// The caller's own profile, and whether it is still pending.
pub(super) async fn find_own(
    db: &impl GenericClient,
    id: UserId,
) -> Result<Option<(User, State)>, Error> {
    let statement = db.prepare_cached(FIND_OWN).await?;
    let row = db.query_opt(&statement, &[&id.0]).await?;
    row.map(|row| Ok((User::from_row(&row), State::from_row(&row)?))).transpose()
}

const LIST: &str = "
    SELECT id, name, email FROM users
    WHERE state = 'active' AND id > $1 ORDER BY id LIMIT $2";

/// Everyone, the oldest first.
pub(super) async fn list(
    db: &impl GenericClient,
    above: Uuid,
    rows: i64,
) -> Result<Vec<User>, Error> {
    let statement = db.prepare_cached(LIST).await?;
    let rows = db.query(&statement, &[&above, &rows]).await?;
    Ok(rows.iter().map(User::from_row).collect())
}

const RENAME: &str = "
    UPDATE users SET name = $2, state = 'active' WHERE id = $1 AND state <> 'deleting'
    RETURNING id, name, email";

/// Renames the caller.
pub(super) async fn rename(
    db: &impl GenericClient,
    id: UserId,
    name: &Name,
) -> Result<Option<User>, Error> {
    let statement = db.prepare_cached(RENAME).await?;
    let row = db.query_opt(&statement, &[&id.0, &name.as_str()]).await?;
    Ok(row.as_ref().map(User::from_row))
}

impl User {
    fn from_row(row: &Row) -> Self {
        Self { id: UserId(row.get("id")), name: row.get("name"), email: row.get("email") }
    }
}

impl State {
    /// The column `state` of a user.
    pub fn from_row(row: &Row) -> Result<Self, Error> {
        match row.get("state") {
            "pending" => Ok(Self::Pending),
            "active" => Ok(Self::Active),
            "deleting" => Ok(Self::Deleting),
            _ => Err(DbError::Unreadable("users.state").into()),
        }
    }
}
