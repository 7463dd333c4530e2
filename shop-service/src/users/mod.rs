//! Users: profiles, and whether a token's user still stands.
//!
//! The shop trusts a token for who calls, and asks its own table whether that user still exists:
//! a read together with its query, a write in its transaction. So a deleted user's token is of no
//! use at once, without a call to the auth service.

mod delete;
mod register;
pub mod routes;
pub mod store;

use chassis::db::PipelinedTransaction;
use deadpool_postgres::{GenericClient, Transaction};
use proto::fields::{Fields, FromFields, Text};
use proto::registration::chosen_password;
use proto::{Email, Password, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::Error;

/// The kind of the job that unregisters a user at the auth service; see [`crate::delivery`].
pub const UNREGISTER: &str = "unregister";

/// A user's name.
pub type Name = Text<2, 50>;

/// A profile.
#[derive(Debug, Serialize, ToSchema)]
pub struct User {
    /// The same id as at the auth service.
    pub id: UserId,
    /// What the user wants to be called.
    #[schema(example = "Ann Lee")]
    pub name: String,
    /// In lower case.
    #[schema(example = "ann.lee@example.com")]
    pub email: String,
}

/// Where a profile stands between registration and deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Registered here; the auth service may not know yet.
    Pending,
    /// A user.
    Active,
    /// No user any more; the auth service may not know yet.
    Deleting,
}

/// `POST /user/`.
#[derive(Debug, ToSchema)]
#[schema(example = json!({
    "name": "Ann Lee", "email": "ann.lee@example.com", "password": "seven blue lamps",
}))]
pub struct Registration {
    /// What the user wants to be called.
    name: Name,
    /// What the user logs in with.
    email: Email,
    /// 8 to 128 characters, not easy to guess.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128,
        pattern = "^[^\\u0000]*$")]
    password: Password,
}

impl FromFields for Registration {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let name = fields.required("name");
        let email = fields.required("email");
        let password = chosen_password(fields, email.as_ref());
        Some(Self { name: name?, email: email?, password: password? })
    }
}

/// `PATCH /user/me`.
#[derive(Debug, ToSchema)]
#[schema(example = json!({ "name": "Ann Lee" }))]
pub struct Renaming {
    /// What the user wants to be called.
    name: Name,
}

impl FromFields for Renaming {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        Some(Self { name: fields.required("name")? })
    }
}

/// Passes while the token's user stands; a machine has no profile that could be gone.
///
/// For reads: goes out together with the query itself.
pub async fn admit(db: &impl GenericClient, user: impl Into<Option<UserId>>) -> Result<(), Error> {
    let Some(user) = user.into() else { return Ok(()) };
    let state = store::find_state(db, user).await?;
    stand(db, user, state).await
}

/// Passes while the token's user stands, and keeps it so until the transaction ends.
pub async fn hold(tx: &Transaction<'_>, user: impl Into<Option<UserId>>) -> Result<(), Error> {
    let Some(user) = user.into() else { return Ok(()) };
    let state = store::hold(tx, user).await?;
    stand(tx, user, state).await
}

/// Like [`hold`], and one at a time for each user: whatever changes a cart or empties it.
pub async fn queue(tx: &PipelinedTransaction, user: UserId) -> Result<(), Error> {
    let state = store::queue(tx, user).await?;
    stand(&**tx, user, state).await
}

/// Passes while the token's user stands, whose state was asked for in the query itself.
pub async fn stand(
    db: &impl GenericClient,
    user: UserId,
    state: Option<State>,
) -> Result<(), Error> {
    match state {
        Some(State::Active) => Ok(()),
        // Whoever has a token has logged in, so the credentials stand.
        Some(State::Pending) => store::activate(db, user).await,
        Some(State::Deleting) | None => Err(Error::UserGone),
    }
}
