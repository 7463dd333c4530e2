//! The contract between the services and with their clients.
//!
//! Whoever speaks with a Latchkey service can do it with this crate alone: it knows neither the
//! web framework nor the database. Its modules, each using only those before it:
//!
//! | module | what it is |
//! |---|---|
//! | [`problem`] | errors outside the OAuth endpoints: RFC 9457 problem details |
//! | [`fields`] | JSON members parsed into values that cannot be bad, all errors at once |
//! | [`id`] | ids: UUID v7, one type a noun |
//! | [`email`] | e-mail addresses, the same everywhere |
//! | [`password`] | the password rule |
//! | [`scope`] | the only permission mechanism |
//! | [`secret`] | lists of shared secrets, and what makes one unfit |
//! | [`client`] | clients' ids |
//! | [`basic`] | how a client sends its id and secret |
//! | [`claims`] | the access token as it is issued |
//! | [`verifier`] | the access token as it is verified, for every service the same |
//! | [`oauth`] | the bodies of the token endpoint |
//! | [`registration`] | the calls by which the shop registers a user |

pub mod basic;
pub mod claims;
pub mod client;
pub mod email;
pub mod fields;
pub mod id;
pub mod oauth;
pub mod password;
pub mod problem;
pub mod registration;
pub mod scope;
pub mod secret;
pub mod verifier;

pub use claims::AccessTokenClaims;
pub use client::ClientId;
pub use email::Email;
pub use id::UserId;
pub use password::Password;
pub use problem::{FieldError, Problem};
pub use scope::{Scope, Scopes};
pub use secret::SecretList;
pub use verifier::{Caller, Subject, Verifier};
