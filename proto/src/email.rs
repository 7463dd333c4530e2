//! E-mail addresses: trimmed and lower-cased, so that they compare the same everywhere.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::fields::{self, Field, Message};

/// Code points, after trimming and lower-casing (RFC 5321 §4.5.3.1.3 for the upper one).
const LENGTH: std::ops::RangeInclusive<usize> = 3..=254;

/// A valid address in its one form.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

/// Why a text is no e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidEmail(&'static str);

impl Email {
    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the @.
    pub fn local_part(&self) -> &str {
        self.0.split('@').next().unwrap_or_default()
    }
}

impl FromStr for Email {
    type Err = InvalidEmail;

    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        let address = text.trim().to_lowercase();
        if !LENGTH.contains(&address.chars().count()) {
            return Err(InvalidEmail("must have 3 to 254 characters"));
        }
        let Some((local, domain)) = address.split_once('@') else {
            return Err(InvalidEmail("must have an @"));
        };
        if domain.contains('@') {
            return Err(InvalidEmail("must have one @ only"));
        }
        if local.is_empty() || local.chars().any(is_special) {
            return Err(InvalidEmail("must have a name without spaces or quotes before the @"));
        }
        if !domain.split('.').all(is_label) {
            return Err(InvalidEmail("must have a domain of ASCII letters and digits after the @"));
        }
        Ok(Self(address))
    }
}

/// What RFC 5322 §3.2.3 allows in a quoted local part only, and what no mail header may carry.
fn is_special(c: char) -> bool {
    c.is_control() || c.is_whitespace() || "\"(),:;<>[\\]".contains(c)
}

/// A label of a host name (RFC 1123 §2.1).
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Email {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Field for Email {
    fn from_json(json: &RawValue) -> Result<Self, Message> {
        fields::string(json)?.parse().map_err(|InvalidEmail(message)| message.into())
    }
}

impl PartialSchema for Email {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Email)))
            .min_length(Some(*LENGTH.start()))
            .max_length(Some(*LENGTH.end()))
            .into()
    }
}

impl ToSchema for Email {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_trimmed_and_lower_cased() {
        let email: Email = "  Ann.Lee+x@Example.COM\n".parse().unwrap();

        assert_eq!(email.as_str(), "ann.lee+x@example.com");
        assert_eq!(email.local_part(), "ann.lee+x");
    }

    #[test]
    fn the_shortest_and_the_longest_address_are_taken() {
        let longest = format!("{}@example.com", "a".repeat(242));

        assert!("a@b".parse::<Email>().is_ok());
        assert!(longest.parse::<Email>().is_ok());
        assert!(format!("a{longest}").parse::<Email>().is_err());
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for wrong in [
            "",
            "@",
            "a@",
            "@b",
            "ab",
            "a@b@c",
            "a b@c.d",
            "a@b c",
            "a@.b",
            "a@b.",
            "a@-b.c",
            "a@bücher.example",
            "<a>@b.c",
            "a\u{0}@b.c",
            "a\r\nbcc:x@b.c",
            "a,b@c.d",
        ] {
            assert!(wrong.parse::<Email>().is_err(), "{wrong:?}");
        }
    }
}
