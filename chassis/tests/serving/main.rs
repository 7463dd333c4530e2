//! Serving, seen from outside.
//!
//! | module | what it tests |
//! |---|---|
//! | [`stage`] | nothing: what the others serve |
//! | [`handlers`] | a handler that panics, a client that hangs up |
//! | [`connections`] | connections that are slow or idle, and more of them than there may be |
//! | [`ending`] | what is served when the service ends |

#![expect(clippy::unwrap_used, reason = "a test has nothing better to do than to panic")]

mod connections;
mod ending;
mod handlers;
mod stage;
