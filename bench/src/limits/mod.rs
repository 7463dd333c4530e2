//! Limits: what the machine allows, measured in the same rounds as the services.
//!
//! | module | what it is |
//! |---|---|
//! | [`hashes`] | Argon2 in a bare loop, its memory kept |
//! | [`pgbench`] | the statements that our services send, sent by PostgreSQL's own load generator |

pub(crate) mod hashes;
pub(crate) mod pgbench;
