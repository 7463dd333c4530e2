//! The auth service: owns credentials and issues OAuth2 tokens.
//!
//! Its modules, each using only those before it:
//!
//! | module | what it is |
//! |---|---|
//! | [`config`] | its configuration |
//! | [`error`] | what can go wrong |
//! | [`stored`] | values as the database holds them |
//! | [`batch`] | one statement for all who ask at once |
//! | [`source`] | where a request comes from |
//! | [`keys`] | signs access tokens |
//! | [`clients`] | clients, and how they authenticate |
//! | [`standing`] | whether a session is alive, and what it may do today |
//! | [`hashing`] | password hashes, on threads of their own |
//! | [`throttle`] | how guessing is slowed |
//! | [`state`] | what the handlers share |
//! | [`access`] | who calls |
//! | [`audit`] | who did what, when, from where |
//! | [`sessions`] | families of refresh tokens |
//! | [`credentials`] | who may log in |
//! | [`tokens`] | the OAuth endpoints, a file a grant |
//! | [`admin`] | users, clients and the audit log, for administrators |
//! | [`purge`] | what is past its time goes |
//! | [`routes`] | all routes |
//! | [`check`] | what should change before production |
//! | [`command`] | the command line |

pub mod access;
pub mod admin;
pub mod audit;
pub mod batch;
pub mod check;
pub mod clients;
pub mod command;
pub mod config;
pub mod credentials;
pub mod error;
pub mod hashing;
pub mod keys;
pub mod purge;
pub mod routes;
pub mod sessions;
pub mod source;
pub mod standing;
pub mod state;
pub mod stored;
pub mod throttle;
pub mod tokens;

pub use command::{main, service};
