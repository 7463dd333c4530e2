//! Refresh tokens: opaque to clients, `base64url(session ‖ generation ‖ secret ‖ tag)` to us.
//!
//! The first secret of a family is random, each next one derived from its predecessor under the
//! family's key: so whoever repeats a refresh gets the same successor, on any replica and after
//! any crash, and no token is stored. The tag proves that a token was issued by us, so that a
//! stranger who knows a session's id cannot end it by presenting something old.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use aws_lc_rs::rand;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::error::Error;

const SECRET: usize = 32;
const TAG: usize = 32;
const LENGTH: usize = 16 + 4 + SECRET + TAG;

/// The key of a family: random, and never leaves its row.
pub struct FamilyKey([u8; 32]);

/// A refresh token. Never printed.
pub struct RefreshToken {
    /// The session it is of.
    pub session: Uuid,
    /// How often the family was rotated before it, and one.
    pub generation: i32,
    secret: [u8; SECRET],
    tag: [u8; TAG],
}

impl FamilyKey {
    /// A fresh key.
    pub fn generate() -> Result<Self, Error> {
        Ok(Self(random()?))
    }

    /// A stored key.
    pub fn from_bytes(stored: &[u8]) -> Option<Self> {
        stored.try_into().ok().map(Self)
    }

    /// As it is stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn authenticate(&self, parts: [&[u8]; 4]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&hmac::Key::new(HMAC_SHA256, &self.0));
        for part in parts {
            context.update(part);
        }
        let mut output = [0; 32];
        output.copy_from_slice(context.sign().as_ref());
        output
    }

    fn tag(&self, session: Uuid, generation: i32, secret: &[u8]) -> [u8; TAG] {
        self.authenticate([b"tag", session.as_bytes(), &generation.to_be_bytes(), secret])
    }
}

impl RefreshToken {
    /// The first of a family.
    pub fn first(session: Uuid, key: &FamilyKey) -> Result<Self, Error> {
        Ok(Self::new(session, 1, random()?, key))
    }

    fn new(session: Uuid, generation: i32, secret: [u8; SECRET], key: &FamilyKey) -> Self {
        let tag = key.tag(session, generation, &secret);
        Self { session, generation, secret, tag }
    }

    /// A token as a client presents it; nothing of it is believed yet.
    pub fn parse(text: &str) -> Option<Self> {
        // Bounded before it is decoded.
        if text.len() != LENGTH.div_ceil(3) * 4 {
            return None;
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (session, rest) = bytes.split_first_chunk::<16>()?;
        let (generation, rest) = rest.split_first_chunk::<4>()?;
        let (secret, tag) = rest.split_first_chunk::<SECRET>()?;
        Some(Self {
            session: Uuid::from_bytes(*session),
            generation: i32::from_be_bytes(*generation),
            secret: *secret,
            tag: tag.try_into().ok()?,
        })
    }

    /// As clients get it.
    pub fn reveal(&self) -> String {
        let (session, generation) = (self.session.as_bytes(), self.generation.to_be_bytes());
        BASE64_URL_SAFE_NO_PAD.encode([session, &generation[..], &self.secret, &self.tag].concat())
    }

    /// Whether it was issued by us, for this family.
    pub fn is_genuine(&self, key: &FamilyKey) -> bool {
        let tag = key.tag(self.session, self.generation, &self.secret);
        verify_slices_are_equal(&tag, &self.tag).is_ok()
    }

    /// The one after it, the same each time.
    pub fn successor(&self, key: &FamilyKey) -> Self {
        let secret = key.authenticate([b"next", &self.secret, b"", b""]);
        // A family that is rotated every second for 60 years is at its end.
        Self::new(self.session, self.generation.saturating_add(1), secret, key)
    }

    /// The hash of its secret, which is stored.
    pub fn hash(&self) -> Vec<u8> {
        digest(&SHA256, &self.secret).as_ref().to_vec()
    }
}

fn random() -> Result<[u8; 32], Error> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| Error::NoRandomness)?;
    Ok(bytes)
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshToken")
            .field("session", &self.session)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn config() -> ProptestConfig {
        ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_has_that_text_and_no_other(bytes in any::<[u8; LENGTH]>()) {
            let text = BASE64_URL_SAFE_NO_PAD.encode(bytes);

            prop_assert_eq!(RefreshToken::parse(&text).unwrap().reveal(), text);
        }

        #[test]
        fn a_token_that_was_changed_anywhere_is_none_of_ours(
            place in any::<prop::sample::Index>(),
            letter in prop_oneof![prop::char::range(' ', '~'), any::<char>()],
            change in 0..3_u8,
        ) {
            let (key, first) = family();
            let mut text: Vec<char> = first.reveal().chars().collect();
            let place = place.index(text.len());
            match change {
                0 => text[place] = letter,
                1 => text.insert(place, letter),
                _ => drop(text.remove(place)),
            }
            let text: String = text.into_iter().collect();

            let read = RefreshToken::parse(&text);
            let is_ours = read.is_some_and(|read| read.is_genuine(&key));
            prop_assert_eq!(is_ours, text == first.reveal());
        }

        #[test]
        fn whatever_is_presented_is_read_or_not(
            text in ".*",
            long in "[A-Za-z0-9_-]{110,114}[=A]{0,2}",
        ) {
            for text in [text, long] {
                if let Some(read) = RefreshToken::parse(&text) {
                    prop_assert_eq!(read.reveal(), text);
                }
            }
        }
    }

    fn family() -> (FamilyKey, RefreshToken) {
        let key = FamilyKey::generate().unwrap();
        let first = RefreshToken::first(Uuid::now_v7(), &key).unwrap();
        (key, first)
    }

    #[test]
    fn a_token_is_read_back_as_it_was_given() {
        let (key, first) = family();

        let read = RefreshToken::parse(&first.reveal()).unwrap();

        assert_eq!((read.session, read.generation), (first.session, 1));
        assert!(read.is_genuine(&key));
        assert_eq!(read.hash(), first.hash());
    }

    #[test]
    fn the_successor_is_the_same_each_time_and_another_token() {
        let (key, first) = family();
        let second = first.successor(&key);

        assert_eq!(second.reveal(), first.successor(&key).reveal());
        assert_eq!(second.generation, 2);
        assert!(second.is_genuine(&key));
        assert_ne!(second.hash(), first.hash());
        assert_ne!(second.successor(&key).hash(), second.hash());
    }

    #[test]
    fn a_token_with_any_bit_changed_is_none_of_ours() {
        let (key, first) = family();
        let genuine = BASE64_URL_SAFE_NO_PAD.decode(first.reveal()).unwrap();

        for place in 0..genuine.len() {
            let mut forged = genuine.clone();
            forged[place] ^= 1;
            let forged = BASE64_URL_SAFE_NO_PAD.encode(forged);
            assert!(!RefreshToken::parse(&forged).unwrap().is_genuine(&key), "{place}");
        }
    }

    #[test]
    fn another_familys_key_makes_no_token_of_this_one() {
        let (_, first) = family();
        let (other, _) = family();

        assert!(!first.is_genuine(&other));
        assert_ne!(first.successor(&other).reveal(), first.reveal());
    }

    #[test]
    fn what_is_no_token_is_not_read() {
        let (_, first) = family();
        let text = first.reveal();

        for wrong in ["", "a", &text[1..], &format!("{text}A"), &text.replace('A', "/"), "é"] {
            let read = RefreshToken::parse(wrong);
            assert!(read.is_none() || wrong == text, "{wrong}");
        }
    }

    #[test]
    fn it_is_never_printed() {
        let (_, first) = family();
        let printed = format!("{first:?}");

        assert!(!printed.contains("secret") && !printed.contains(&first.reveal()));
    }
}
