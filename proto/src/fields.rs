//! JSON members parsed into values that cannot be bad, all errors at once.
//!
//! A request body implements [`FromFields`]: it asks [`Fields`] for each member by name and type,
//! and every member that is missing or wrong becomes one [`FieldError`]. Members nobody asks for
//! are ignored. Numbers are parsed from their text, so that money stays exact.

use std::borrow::Cow;
use std::collections::HashMap;
use std::str::FromStr;

use serde_json::value::RawValue;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::problem::FieldError;

/// What is wrong with a value, in words for the client.
pub type Message = Cow<'static, str>;

/// A value that a JSON member can hold.
pub trait Field: Sized {
    /// Parses the member's JSON, or says what it must be.
    fn from_json(json: &RawValue) -> Result<Self, Message>;
}

/// A request body that is read member by member.
pub trait FromFields: Sized {
    /// `None` exactly when `fields` has collected an error.
    fn from_fields(fields: &mut Fields) -> Option<Self>;
}

/// The members of a JSON object, and what was found wrong with them so far.
pub struct Fields {
    members: HashMap<String, Box<RawValue>>,
    errors: Vec<FieldError>,
}

/// Why a body could not be read.
#[derive(Debug)]
pub enum BodyError {
    /// It is no JSON object at all.
    Malformed,
    /// It is one, with these fields wrong.
    Invalid(Vec<FieldError>),
}

/// Reads a body of JSON.
pub fn parse<T: FromFields>(body: &[u8]) -> Result<T, BodyError> {
    let members = serde_json::from_slice(body).map_err(|_| BodyError::Malformed)?;
    let mut fields = Fields { members, errors: Vec::new() };
    match (T::from_fields(&mut fields), fields.errors) {
        (Some(value), errors) if errors.is_empty() => Ok(value),
        (_, errors) => Err(BodyError::Invalid(errors)),
    }
}

impl Fields {
    /// A member that must be there.
    pub fn required<T: Field>(&mut self, name: &'static str) -> Option<T> {
        match self.members.get(name) {
            Some(json) => match T::from_json(json) {
                Ok(value) => Some(value),
                Err(message) => self.refuse(name, message),
            },
            None => self.refuse(name, "is required"),
        }
    }

    /// A member that may be left out, or be `null`. The outer `None` is an error.
    pub fn optional<T: Field>(&mut self, name: &'static str) -> Option<Option<T>> {
        match self.members.get(name) {
            None => Some(None),
            Some(json) if json.get() == "null" => Some(None),
            Some(_) => self.required(name).map(Some),
        }
    }

    /// Records an error about `name`; `None`, to be returned in its place.
    pub fn refuse<T>(&mut self, name: &'static str, message: impl Into<Message>) -> Option<T> {
        self.errors.push(FieldError::new(name, message));
        None
    }
}

/// What no text may hold, as a pattern in its description (ECMA-262).
pub const NO_NUL: &str = "^[^\\u0000]*$";

/// A JSON string without NUL, which PostgreSQL's text cannot hold.
pub fn string(json: &RawValue) -> Result<String, Message> {
    let text: String =
        serde_json::from_str(json.get()).map_err(|_| Message::from("must be a string"))?;
    if text.contains('\0') {
        return Err("must not contain NUL".into());
    }
    Ok(text)
}

/// Text of `MIN` to `MAX` code points, kept as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text<const MIN: usize, const MAX: usize>(String);

impl<const MIN: usize, const MAX: usize> Text<MIN, MAX> {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MIN: usize, const MAX: usize> Field for Text<MIN, MAX> {
    fn from_json(json: &RawValue) -> Result<Self, Message> {
        string(json)?.parse()
    }
}

impl<const MIN: usize, const MAX: usize> FromStr for Text<MIN, MAX> {
    type Err = Message;

    fn from_str(text: &str) -> Result<Self, Message> {
        if (MIN..=MAX).contains(&text.chars().count()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("must have {MIN} to {MAX} characters").into())
        }
    }
}

impl<const MIN: usize, const MAX: usize> PartialSchema for Text<MIN, MAX> {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(NO_NUL));
        text.min_length(Some(MIN)).max_length(Some(MAX)).into()
    }
}

impl<const MIN: usize, const MAX: usize> ToSchema for Text<MIN, MAX> {
    /// Of its own for each range, or one would be described with another's.
    fn name() -> Cow<'static, str> {
        format!("Text_{MIN}_{MAX}").into()
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Integer<const MIN: i64, const MAX: i64>(i64);

impl<const MIN: i64, const MAX: i64> Integer<MIN, MAX> {
    /// The number, if it is within the range.
    pub const fn new(number: i64) -> Option<Self> {
        if MIN <= number && number <= MAX { Some(Self(number)) } else { None }
    }

    /// The number.
    pub const fn get(self) -> i64 {
        self.0
    }
}

/// A whole number, however it is written: JSON has one kind of numbers, and JSON Schema calls
/// `57.0` an integer (2020-12, Core §4.2.3), as some languages write it.
fn whole(text: &str) -> Option<i64> {
    text.parse().ok().or_else(|| {
        let number: f64 = serde_json::from_str(text).ok()?;
        (number.fract() == 0.0).then(|| format!("{number:.0}").parse().ok())?
    })
}

impl<const MIN: i64, const MAX: i64> Field for Integer<MIN, MAX> {
    fn from_json(json: &RawValue) -> Result<Self, Message> {
        whole(json.get())
            .and_then(Self::new)
            .ok_or_else(|| format!("must be a whole number from {MIN} to {MAX}").into())
    }
}

impl<const MIN: i64, const MAX: i64> PartialSchema for Integer<MIN, MAX> {
    fn schema() -> RefOr<Schema> {
        let number = ObjectBuilder::new().schema_type(Type::Integer);
        number.minimum(Some(MIN)).maximum(Some(MAX)).into()
    }
}

impl<const MIN: i64, const MAX: i64> ToSchema for Integer<MIN, MAX> {
    /// Of its own for each range, as a text's is.
    fn name() -> Cow<'static, str> {
        format!("Integer_{MIN}_{MAX}").into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Body {
        name: Text<2, 5>,
        count: Option<Integer<1, 10>>,
    }

    impl FromFields for Body {
        fn from_fields(fields: &mut Fields) -> Option<Self> {
            let name = fields.required("name");
            let count = fields.optional("count");
            Some(Self { name: name?, count: count? })
        }
    }

    fn errors(body: &str) -> Vec<(String, String)> {
        match parse::<Body>(body.as_bytes()) {
            Err(BodyError::Invalid(errors)) => {
                errors.into_iter().map(|e| (e.field.into(), e.message.into())).collect()
            }
            other => panic!("expected field errors, got {other:?}"),
        }
    }

    #[test]
    fn a_good_body_is_read_and_unknown_members_are_ignored() {
        let body: Body = parse(br#"{"name": "Ann", "count": null, "more": [1]}"#).unwrap();

        assert_eq!(body.name.as_str(), "Ann");
        assert_eq!(body.count, None);
    }

    #[test]
    fn all_wrong_fields_are_named_at_once() {
        let found = errors(r#"{"count": 11}"#);

        assert_eq!(found[0], ("name".into(), "is required".into()));
        assert_eq!(found[1], ("count".into(), "must be a whole number from 1 to 10".into()));
    }

    #[test]
    fn text_is_counted_in_code_points_and_holds_no_nul() {
        assert!(parse::<Body>(r#"{"name": "éééé€"}"#.as_bytes()).is_ok());
        assert_eq!(errors(r#"{"name": "é"}"#)[0].1, "must have 2 to 5 characters");
        assert_eq!(errors(r#"{"name": "a\u0000b"}"#)[0].1, "must not contain NUL");
        assert_eq!(errors(r#"{"name": "\ud800 lone"}"#)[0].1, "must be a string");
        assert_eq!(errors(r#"{"name": 7}"#)[0].1, "must be a string");
    }

    #[test]
    fn numbers_are_whole_and_within_their_range() {
        for wrong in ["0", "1.5", "1e3", "\"3\"", "99999999999999999999", "true"] {
            let body = format!(r#"{{"name": "Ann", "count": {wrong}}}"#);
            assert_eq!(errors(&body).len(), 1, "{wrong}");
        }
    }

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        for three in ["3", "3.0", "0.3e1", "30E-1"] {
            let body: Body =
                parse(format!(r#"{{"name": "Ann", "count": {three}}}"#).as_bytes()).unwrap();
            assert_eq!(body.count.map(Integer::get), Some(3), "{three}");
        }
    }

    #[test]
    fn what_is_no_object_is_malformed() {
        for wrong in ["", "[]", "null", "{", "{\"name\": \"Ann\",}", "\u{feff}{}"] {
            let result = parse::<Body>(wrong.as_bytes());
            assert!(matches!(result, Err(BodyError::Malformed)), "{wrong}");
        }
    }
}
