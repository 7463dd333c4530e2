//! Serving, seen from outside.
//!
//! | module | what it tests |
//! |---|---|
//! | [`stage`] | nothing: what the others serve |
//! | [`handlers`] | a handler that panics, a client that hangs up |
//! | [`panics`] | a panic in the log |
//! | [`connections`] | connections that are slow or idle, and more of them than there may be |
//! | [`sockets`] | how the service's own ends of connections are set up |
//! | [`timeouts`] | how long everything may take, by a clock that does not wait |
//! | [`ending`] | what is served when the service ends |

#![expect(clippy::unwrap_used, reason = "a test has nothing better to do than to panic")]

mod connections;
mod ending;
mod handlers;
mod panics;
#[cfg(target_os = "linux")]
mod sockets;
mod stage;
mod timeouts;
