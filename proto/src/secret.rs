//! Lists of shared secrets, as `TOKEN_SECRETS` holds them: the first signs, all verify.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretSlice};

use crate::claims;

/// RFC 7518 §3.2: a key of the hash's size or larger.
const MIN_BYTES: usize = 32;

/// Secrets that stand in a tutorial or on a web page: whoever knows one can mint tokens.
const PUBLISHED: [&str; 2] = [
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    "a-string-secret-at-least-256-bits-long",
];

/// One or more secrets, none of them short or published. Never printed.
#[derive(Clone)]
pub struct SecretList(Vec<SecretSlice<u8>>);

/// Why a list of secrets is unfit. Says which entry, never what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnfitSecret {
    /// Nothing stands between two commas, or at an end.
    #[error("entry {0} is empty")]
    Empty(usize),
    /// Fewer than 32 bytes.
    #[error("entry {0} is shorter than {MIN_BYTES} bytes")]
    Short(usize),
    /// It stands in public documentation.
    #[error("entry {0} is published, so anyone can use it")]
    Published(usize),
}

impl SecretList {
    /// The one to sign with, or to send.
    pub fn first(&self) -> &[u8] {
        // A list is never empty: `"".split(',')` gives one entry, and an empty one is refused.
        self.0.first().map_or(&[], |secret| secret.expose_secret())
    }

    /// All of them, to verify with.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(ExposeSecret::expose_secret)
    }

    /// Whether one of them is `presented`, in a time that does not depend on where they differ.
    pub fn matches(&self, presented: &[u8]) -> bool {
        let equal = |secret| verify_slices_are_equal(secret, presented).is_ok();
        self.iter().fold(false, |found, secret| equal(secret) | found)
    }

    /// A fresh secret of 256 random bits.
    pub fn generate() -> Result<String, aws_lc_rs::error::Unspecified> {
        let mut bytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes)?;
        Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for SecretList {
    type Err = UnfitSecret;

    fn from_str(text: &str) -> Result<Self, UnfitSecret> {
        let entries = text.split(',').enumerate();
        entries.map(|(i, entry)| judge(entry.trim(), i + 1)).collect::<Result<_, _>>().map(Self)
    }
}

fn judge(secret: &str, position: usize) -> Result<SecretSlice<u8>, UnfitSecret> {
    if secret.is_empty() {
        Err(UnfitSecret::Empty(position))
    } else if secret.len() < MIN_BYTES {
        Err(UnfitSecret::Short(position))
    } else if PUBLISHED.contains(&secret) {
        Err(UnfitSecret::Published(position))
    } else {
        Ok(secret.as_bytes().to_vec().into())
    }
}

impl fmt::Debug for SecretList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(claims::kid)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "a secret of more than thirty-two bytes for tests";
    const B: &str = "another of more than thirty-two bytes for tests";

    #[test]
    fn the_first_signs_and_all_match() {
        let secrets: SecretList = format!(" {A} ,{B}\n").parse().unwrap();

        assert_eq!(secrets.first(), A.as_bytes());
        assert!(secrets.matches(A.as_bytes()));
        assert!(secrets.matches(B.as_bytes()));
        assert!(!secrets.matches(&A.as_bytes()[1..]));
    }

    #[test]
    fn unfit_secrets_are_refused_by_their_place() {
        let unfit = |text: &str| text.parse::<SecretList>().unwrap_err();

        assert_eq!(unfit(""), UnfitSecret::Empty(1));
        assert_eq!(unfit(&format!("{A},")), UnfitSecret::Empty(2));
        assert_eq!(unfit(&format!("{A},short")), UnfitSecret::Short(2));
        for published in PUBLISHED {
            assert_eq!(unfit(published), UnfitSecret::Published(1));
        }
    }

    #[test]
    fn a_generated_secret_is_fit_and_its_own() {
        let secret = SecretList::generate().unwrap();

        assert!(secret.parse::<SecretList>().is_ok());
        assert_ne!(secret, SecretList::generate().unwrap());
    }

    #[test]
    fn only_fingerprints_are_printed() {
        let secrets: SecretList = A.parse().unwrap();

        assert_eq!(format!("{secrets:?}"), format!("[{:?}]", claims::kid(A.as_bytes())));
    }
}
