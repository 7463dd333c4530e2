//! A private PostgreSQL: for `cargo dev`, which keeps its data between two
//! runs, and for tests, which throw theirs away and get a database each.
//!
//! The server listens on 127.0.0.1 only, wants a password of its own making,
//! and ends with the process that started it. It needs neither a running
//! PostgreSQL nor a configured one, only the programs `initdb` and
//! `postgres`, and downloads those where none are installed.
//!
//! The modules, each using only what stands before it:
//!
//! | module | for |
//! |---|---|
//! | `error` | what can go wrong, where, and what to do |
//! | `account` | the unprivileged user that runs the server when we are root |
//! | `pidfile` | what a running server tells in `postmaster.pid` |
//! | `options` | [`Options`]: what to start, and [`Step`]: what is told meanwhile |
//! | `folder` | a folder for data which the account can reach, locked |
//! | [`binaries`] | finds an installed PostgreSQL |
//! | [`archive`] | downloads one |
//! | `cluster` | `initdb`, once a folder |
//! | `postmaster` | the server's process: start, wait until ready, stop |
//! | `keeper` | the thread a postmaster depends on |
//! | `server` | [`Server`]: what all this is for |
//! | [`testing`] | one server a test process, a database a test |

mod account;
pub mod archive;
pub mod binaries;
mod cluster;
mod error;
mod folder;
mod keeper;
mod options;
mod pidfile;
mod postmaster;
mod server;
pub mod testing;

pub use error::Error;
pub use folder::erase;
pub use options::{Options, Step};
pub use server::Server;
