//! What the auth service promises, seen from outside: real HTTP, a real PostgreSQL, a database a
//! test. The modules are named by the paths they call.

#![expect(clippy::unwrap_used, reason = "a test says by panicking what it missed")]

mod admin;
mod auth;
mod cli;
mod guesses;
mod held;

mod admin_clients;
mod admin_users;
mod answers;
mod audit;
mod bearer;
mod check;
mod cli_admin;
mod client_credentials;
mod client_grants;
mod command;
mod credentials;
mod credentials_fields;
mod credentials_races;
mod crowd;
mod database_tls;
mod docs;
mod edge;
mod edge_limits;
mod errors;
mod introspect;
mod login;
mod login_races;
mod login_timing;
mod machine;
mod metadata;
mod metrics;
mod mint;
mod ops;
mod password;
mod permissions;
mod process;
mod purge;
mod refresh;
mod rehash;
mod revoke;
mod session_ends;
mod sessions;
mod throttle;
mod throttle_log;
mod throttle_networks;
mod throttle_races;
mod token;
mod token_clients;
mod token_requests;
mod trust;
