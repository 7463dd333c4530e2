//! `Idempotency-Key`: a client that does not know whether its order came through sends it again
//! under the same key, and gets the order that stands.
//!
//! The key is stored in the order's own transaction, so only what succeeded is kept. Whoever
//! repeats a request while the first one runs waits for it at the user's row.

use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};

use super::{OrderId, PlaceOrder};
use crate::error::Error;

/// Names a request: 1 to 255 visible ASCII characters, unique for each user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IdempotencyKey(String);

impl IdempotencyKey {
    /// As it was sent.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        match text.len() {
            1..=255 if is_visible => Ok(Self(text.to_owned())),
            _ => Err("must have 1 to 255 visible ASCII characters"),
        }
    }
}

/// A request under a key.
#[derive(Debug)]
pub(super) struct KeyedRequest<'a> {
    pub(super) key: &'a IdempotencyKey,
    /// Of the body as it was parsed: however it was written, the same request has the same one.
    pub(super) body_hash: Vec<u8>,
}

/// What stands under a key.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) order: OrderId,
    pub(super) body_hash: Vec<u8>,
}

impl<'a> KeyedRequest<'a> {
    pub(super) fn new(key: &'a IdempotencyKey, wanted: &PlaceOrder) -> Self {
        // All there is in it. A second field needs a hash of both, and of nothing in between.
        let body = wanted.shipping_address.as_str().as_bytes();
        Self { key, body_hash: digest(&SHA256, body).as_ref().to_vec() }
    }

    /// The order that a request of this key has placed, if it was this request.
    pub(super) fn repeats(&self, placed: &Placed) -> Result<OrderId, Error> {
        match placed.body_hash == self.body_hash {
            true => Ok(placed.order),
            false => Err(Error::IdempotencyKeyReused),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_1_to_255_visible_ascii_characters() {
        for right in ["k", "!~\"{},", &"x".repeat(255)] {
            assert_eq!(right.parse::<IdempotencyKey>().unwrap().as_str(), right);
        }
        for wrong in ["", " ", "a b", "é", "a\tb", &"x".repeat(256)] {
            assert!(wrong.parse::<IdempotencyKey>().is_err(), "{wrong:?}");
        }
    }
}
