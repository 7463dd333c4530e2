//! Ids: UUID v7, and one type a noun, so that none can stand for another.

/// Defines an id type: a UUID in canonical form, `generate`d as v7.
#[macro_export]
macro_rules! define_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, utoipa::ToSchema,
        )]
        #[serde(transparent)]
        #[schema(value_type = uuid::Uuid)]
        pub struct $name(pub uuid::Uuid);

        impl $name {
            /// A new id, later than those before it.
            pub fn generate() -> Self {
                Self(uuid::Uuid::now_v7())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::id::NotAnId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::id::parse(text).map(Self)
            }
        }

        impl $crate::fields::Field for $name {
            fn from_json(
                json: &serde_json::value::RawValue,
            ) -> Result<Self, $crate::fields::Message> {
                $crate::fields::string(json)?
                    .parse()
                    .map_err(|_| $crate::fields::Message::from("must be an id: a UUID"))
            }
        }
    };
}

define_id!(
    /// A user, the same in every service: the `sub` of a person's token.
    UserId
);

/// The text is no UUID in its canonical, hyphenated form.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id")]
pub struct NotAnId;

/// Reads a UUID in its canonical form only: braces, `urn:` and bare digits are other spellings
/// of the same id, and an id has one.
pub fn parse(text: &str) -> Result<uuid::Uuid, NotAnId> {
    match uuid::Uuid::try_parse(text) {
        Ok(id) if text.len() == uuid::fmt::Hyphenated::LENGTH => Ok(id),
        _ => Err(NotAnId),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let id = UserId::generate();
        let text = id.to_string();

        assert_eq!(text.parse(), Ok(id));
        for other in [format!("{{{text}}}"), format!("urn:uuid:{text}"), text.replace('-', "")] {
            assert_eq!(other.parse::<UserId>(), Err(NotAnId), "{other}");
        }
    }

    #[test]
    fn later_ids_sort_later() {
        assert!(UserId::generate() < UserId::generate());
    }
}
