//! Both services together: real HTTP, a real PostgreSQL, a database each. Where a test says so, a
//! service dies or the wire between the two breaks.
//!
//! | module | what it tests |
//! |---|---|
//! | [`config`], [`running`], [`served`], [`wire`], [`system`] | nothing: what the others run |
//! | [`machine`], [`holds`] | nothing: both services as real processes, and where they can be held |
//! | [`cable`], [`site`] | nothing: the same, as impatient as they are shipped, and the way to PostgreSQL |
//! | [`journey`] | a customer's and an admin's way through both services |
//! | [`registration`], [`registration_faults`], [`registration_deaths`] | the registration protocol, with a fault after every step |
//! | [`registration_walk`] | the same, with somebody else at every step |
//! | [`deletion`], [`deletion_faults`], [`deletion_races`], [`deletion_walk`] | the same of deletion |
//! | [`checkout_faults`] | orders whose answer was lost |
//! | [`pool`] | connections to PostgreSQL: which of them nobody gets again |
//! | [`postgres_faults`] | both services while PostgreSQL stops, dies, hangs or is full |
//! | [`failover`] | both while a standby takes over |
//! | [`storm`] | all of it at once, while everything is killed |
//! | [`draining`] | SIGTERM under load |
//! | [`restore`] | both databases dumped under load and restored, and what stands in one of them only |
//! | [`rotation`] | changing the secrets without a failed request |
//! | [`collector`] | nothing: a collector of traces |
//! | [`traces`], [`logs`], [`metrics`] | what is told of a request, across both services |
//! | [`secrets`] | that nothing secret is written anywhere |
//! | [`injection`] | that what users type stays what it is, in logs and in mail |
//! | [`settings`] | that charts, compose and documents name the variables there are |
//! | [`dev`] | `cargo dev` itself |

#![expect(clippy::unwrap_used, reason = "a test says by panicking what it missed")]

mod cable;
mod checkout_faults;
mod collector;
mod config;
mod deletion;
mod deletion_faults;
mod deletion_races;
mod deletion_walk;
// It finds what was left running in /proc.
#[cfg(target_os = "linux")]
mod dev;
mod draining;
mod failover;
mod holds;
mod injection;
mod journey;
mod logs;
mod machine;
mod metrics;
mod pool;
mod postgres_faults;
mod registration;
mod registration_deaths;
mod registration_faults;
mod registration_walk;
mod restore;
mod rotation;
mod running;
mod secrets;
mod served;
mod settings;
mod sharing;
mod site;
mod storm;
mod system;
mod traces;
mod wire;
