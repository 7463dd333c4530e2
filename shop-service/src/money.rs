//! Money: exact, in JSON a number with two decimals at the most.

use std::fmt;

use proto::fields::{Field, Message};
use rust_decimal::Decimal;
use serde::ser::Error;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// An amount, as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Money(pub Decimal);

/// A price: 0 to 9,999,999,999.99.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price(Decimal);

const MAX: Decimal = Decimal::from_parts(3_567_587_327, 232, 0, false, 2);

impl Price {
    /// The amount.
    pub fn get(self) -> Decimal {
        self.0
    }
}

impl Field for Price {
    /// Read from the number's own text: no float comes between.
    fn from_json(json: &RawValue) -> Result<Self, Message> {
        let text = json.get();
        let exact = if text.contains(['e', 'E']) {
            Decimal::from_scientific(text)
        } else {
            Decimal::from_str_exact(text)
        };
        match exact.map(|amount| amount.normalize()) {
            Ok(amount) if amount.scale() > 2 => Err("must have at most two decimals".into()),
            Ok(amount) if (Decimal::ZERO..=MAX).contains(&amount) => Ok(Self(amount)),
            _ => Err(format!("must be a number from 0 to {MAX}, with at most two decimals").into()),
        }
    }
}

impl Serialize for Money {
    /// Written as its own text: a float would lose the cents of a large total.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.0.normalize().to_string();
        RawValue::from_string(text).map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl fmt::Display for Money {
    /// As people read it: with two decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2}", self.0)
    }
}

fn number(maximum: Option<f64>) -> RefOr<Schema> {
    let number = ObjectBuilder::new().schema_type(Type::Number).minimum(Some(0));
    number.maximum(maximum).into()
}

impl PartialSchema for Money {
    fn schema() -> RefOr<Schema> {
        number(None)
    }
}

impl ToSchema for Money {}

impl PartialSchema for Price {
    fn schema() -> RefOr<Schema> {
        number(Some(9_999_999_999.99))
    }
}

impl ToSchema for Price {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Price, Message> {
        Price::from_json(&RawValue::from_string(text.to_owned()).unwrap())
    }

    #[test]
    fn a_price_is_read_exactly() {
        assert_eq!(parse("19.99").unwrap().get().to_string(), "19.99");
        assert_eq!(parse("19.990").unwrap().get().to_string(), "19.99");
        assert_eq!(parse("1.5e1").unwrap().get().to_string(), "15");
        assert_eq!(parse("9999999999.99").unwrap().get(), MAX);
    }

    #[test]
    fn more_than_two_decimals_is_refused_never_rounded() {
        for wrong in ["19.999", "0.001", "19.990000000000000000001", "1e-3"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_no_price_is_refused() {
        for wrong in ["-0.01", "10000000000", "1e400", "\"5\"", "null", "true", "[]"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_amount_is_written_exactly() {
        let total = Money(Decimal::from_str_exact("999999999999999999.98").unwrap());

        assert_eq!(serde_json::to_string(&total).unwrap(), "999999999999999999.98");
        assert_eq!(serde_json::to_string(&Money(Decimal::new(1250, 2))).unwrap(), "12.5");
    }

    #[test]
    fn people_read_two_decimals() {
        for (cents, read) in [(0, "0.00"), (5, "0.05"), (1250, "12.50"), (9999, "99.99")] {
            assert_eq!(Money(Decimal::new(cents, 2)).to_string(), read);
        }
        assert_eq!(Money(Decimal::new(5, 0)).to_string(), "5.00");
    }
}
