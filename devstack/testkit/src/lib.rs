//! What every test binary of the workspace shares. It knows none of the services, and all of its
//! failures panic with what was seen: a test has nothing better to do.
//!
//! | module | for |
//! |---|---|
//! | [`wait`] | waiting for what happens, without a fixed pause |
//! | [`http`] | calling a service as a client does, and judging its answers |
//! | [`process`] | running a real binary |
//! | [`database`] | looking behind a service, into its database |
//! | [`tls`] | certificates, and a PostgreSQL that has one |
//! | [`architecture`] | judging a crate's sources by the rules of the house |

pub mod architecture;
pub mod database;
pub mod http;
pub mod process;
pub mod tls;
pub mod wait;

pub use http::{Answer, Api};
pub use wait::eventually;
