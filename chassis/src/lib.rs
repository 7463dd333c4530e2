//! How any service here runs: it knows no business noun.
//!
//! Its modules, each using only those before it:
//!
//! | module | what it is |
//! |---|---|
//! | [`clock`] | the one place that asks for the time |
//! | [`config`] | environment variables and flags, in sections |
//! | [`log`] | logs, as text or JSON |
//! | [`metrics`] | metrics for Prometheus |
//! | [`trace`] | traces, and exporting them |
//! | [`db`] | PostgreSQL: pool, transactions, errors, listening, migrations |
//! | [`purge`] | what is past its time goes |
//! | [`health`] | started, serving, draining |
//! | [`edge`] | HTTP: routes, guards, refusals, headers |
//! | [`docs`] | OpenAPI and Swagger UI |
//! | [`serve`] | connections, and draining them |
//! | [`server`] | the process of a service |
//! | [`check`] | what should change before production |
//! | [`command`] | what the command lines have in common |

pub mod check;
pub mod clock;
pub mod command;
pub mod config;
pub mod db;
pub mod docs;
pub mod edge;
pub mod health;
pub mod log;
pub mod metrics;
mod ops;
pub mod purge;
pub mod serve;
pub mod server;
pub mod trace;

pub use db::{Db, DbError, Plans};
pub use server::{Server, Service, shutdown_signal};
