//! The calls by which the shop registers and unregisters a user at the auth service.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::email::Email;
use crate::fields::{Field, Fields, FromFields, Integer, Message, string};
use crate::id::UserId;
use crate::password::Password;

/// Counts the tries to register one user: of many at once, the highest wins.
pub type Attempt = Integer<1, 1_000_000_000>;

/// `POST /credentials`: this user may log in with this e-mail and password.
#[derive(Debug, ToSchema)]
#[schema(example = json!({
    "id": "01909d3e-5f4a-7000-8000-000000000000", "email": "ann.lee@example.com",
    "password": "seven blue lamps", "attempt": 1,
}))]
pub struct RegisterCredentials {
    /// The user's id, chosen by the shop.
    pub id: UserId,
    /// What the user logs in with.
    pub email: Email,
    /// 8 to 128 characters, not easy to guess.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128,
        pattern = "^[^\\u0000]*$")]
    pub password: Password,
    /// Which try this is; absent, the next.
    pub attempt: Option<Attempt>,
}

impl FromFields for RegisterCredentials {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let id = fields.required("id");
        let email = fields.required("email");
        let password = chosen_password(fields, email.as_ref());
        let attempt = fields.optional("attempt");
        Some(Self { id: id?, email: email?, password: password?, attempt: attempt? })
    }
}

/// The member `password`, judged by the password rule with `email` as a hint.
pub fn chosen_password(fields: &mut Fields, email: Option<&Email>) -> Option<Password> {
    let Unjudged(text) = fields.required("password")?;
    match Password::chosen(&text, email) {
        Ok(password) => Some(password),
        Err(message) => fields.refuse("password", message),
    }
}

struct Unjudged(String);

impl Field for Unjudged {
    fn from_json(json: &RawValue) -> Result<Self, Message> {
        string(json).map(Self)
    }
}

/// `RegisterCredentials` as it is sent.
#[derive(Serialize)]
pub struct RegisterCredentialsRequest<'a> {
    /// The user's id.
    pub id: UserId,
    /// The user's e-mail.
    pub email: &'a Email,
    /// The password, judged already.
    pub password: &'a str,
    /// Which try this is.
    pub attempt: i64,
}

/// The 201 of `POST /credentials`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Registered {
    /// The user's id.
    pub id: uuid::Uuid,
    /// The user's e-mail.
    pub email: String,
}
