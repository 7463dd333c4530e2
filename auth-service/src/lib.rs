//! The auth service: owns credentials and issues OAuth2 tokens.
//!
//! Its modules, each using only those before it:
//!
//! | module | what it is |
//! |---|---|
//! | [`config`] | its configuration |
//! | [`error`] | what can go wrong |
//! | [`keys`] | signs access tokens |
//! | [`clients`] | clients, and how they authenticate |
//! | [`hashing`] | password hashes, on threads of their own |
//! | [`state`] | what the handlers share |
//! | [`credentials`] | who may log in |
//! | [`tokens`] | the token endpoint |
//! | [`routes`] | all routes |
//! | [`command`] | the command line |

pub mod clients;
pub mod command;
pub mod config;
pub mod credentials;
pub mod error;
pub mod hashing;
pub mod keys;
pub mod routes;
pub mod state;
pub mod tokens;

pub use command::{main, service};
