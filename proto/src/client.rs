//! Clients' ids.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::fields::{self, Field, Message};
use crate::id;

/// The id of a client: `[a-z][a-z0-9._-]{2,63}` and no UUID, for a machine's `sub` must not be
/// taken for a person's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientId(String);

/// The text is no client's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 3 to 64 of a-z, 0-9, '.', '_' and '-', begin with a letter, and not be a UUID")]
pub struct InvalidClientId;

impl ClientId {
    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClientId {
    type Err = InvalidClientId;

    fn from_str(text: &str) -> Result<Self, InvalidClientId> {
        let is_id = (3..=64).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
            && id::parse(text).is_err();
        if is_id { Ok(Self(text.to_owned())) } else { Err(InvalidClientId) }
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for ClientId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Field for ClientId {
    fn from_json(json: &RawValue) -> Result<Self, Message> {
        fields::string(json)?.parse().map_err(|error: InvalidClientId| error.to_string().into())
    }
}

impl PartialSchema for ClientId {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        text.pattern(Some("^[a-z][a-z0-9._-]{2,63}$")).into()
    }
}

impl ToSchema for ClientId {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_id_cannot_be_taken_for_a_person() {
        assert!("shop-service".parse::<ClientId>().is_ok());
        for wrong in ["", "ab", "Shop", "1shop", "a b c", "a0000000-0000-4000-8000-000000000000"] {
            assert!(wrong.parse::<ClientId>().is_err(), "{wrong}");
        }
    }
}
