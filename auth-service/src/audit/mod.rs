//! The audit log: who did what, when, from where.

pub mod store;

use std::str::FromStr;

use proto::{Email, UserId};
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::source::Source;

/// What happened. Failures to log in, logins and sessions that end are audited by the very
/// statements that count, begin and end them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A user may log in.
    Registered,
    /// A user may not any more, for ever.
    Unregistered,
    /// A user logged in.
    Login,
    /// Somebody failed to.
    LoginFailed,
    /// Somebody had to wait; once a waiting period.
    Throttled,
    /// A refresh token was used that had been rotated.
    RefreshReuse,
    /// A session ended.
    SessionEnded,
    /// A user changed the password.
    PasswordChanged,
    /// A user's scopes were changed.
    ScopesChanged,
    /// A user was disabled.
    Disabled,
    /// A user was enabled again.
    Enabled,
    /// A client was created.
    ClientCreated,
    /// A client was deleted.
    ClientDeleted,
}

/// There is no event of this name.
#[derive(Debug)]
pub struct UnknownEvent;

impl Event {
    const ALL: [(Self, &str); 13] = [
        (Self::Registered, "registered"),
        (Self::Unregistered, "unregistered"),
        (Self::Login, "login"),
        (Self::LoginFailed, "login_failed"),
        (Self::Throttled, "throttled"),
        (Self::RefreshReuse, "refresh_reuse"),
        (Self::SessionEnded, "session_ended"),
        (Self::PasswordChanged, "password_changed"),
        (Self::ScopesChanged, "scopes_changed"),
        (Self::Disabled, "disabled"),
        (Self::Enabled, "enabled"),
        (Self::ClientCreated, "client_created"),
        (Self::ClientDeleted, "client_deleted"),
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(event, _)| *event == self).map_or("", |(_, name)| name)
    }
}

impl FromStr for Event {
    type Err = UnknownEvent;

    fn from_str(text: &str) -> Result<Self, UnknownEvent> {
        let found = Self::ALL.iter().find(|(_, name)| *name == text);
        found.map(|(event, _)| *event).ok_or(UnknownEvent)
    }
}

/// What is to be written.
#[derive(Debug)]
pub struct Entry<'a> {
    /// What happened.
    pub event: Event,
    /// To whom.
    pub user: Option<UserId>,
    /// To which client, or through which.
    pub client_id: Option<&'a str>,
    /// The user's e-mail.
    pub email: Option<&'a Email>,
    /// From where; absent for the command line.
    pub source: Option<&'a Source>,
    /// What else there is to know: `by`, where it was not the user.
    pub detail: Value,
}

/// What was written.
#[derive(Debug, Serialize, ToSchema)]
pub struct Record {
    /// Its id, later for what was written later.
    pub id: Uuid,
    /// When it happened.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub at: OffsetDateTime,
    /// What happened.
    #[schema(value_type = Event)]
    pub event: String,
    /// To whom.
    pub user_id: Option<Uuid>,
    /// To which client, or through which.
    pub client_id: Option<String>,
    /// The user's e-mail, or the one that was tried.
    pub email: Option<String>,
    /// From where; absent for the command line.
    pub address: Option<String>,
    /// What else there is to know.
    #[schema(value_type = Option<Object>)]
    pub detail: Option<Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_read_back_from_its_name() {
        for (event, name) in Event::ALL {
            assert_eq!(event.as_str(), name);
            assert_eq!(name.parse::<Event>().unwrap(), event);
            assert_eq!(serde_json::to_value(event).unwrap(), name);
        }
        assert!("logout".parse::<Event>().is_err());
    }
}
