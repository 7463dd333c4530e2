//! What is measured: each as processes of its own, as it would run in production.
//!
//! | module | what it is |
//! |---|---|
//! | [`process`] | starting one, waiting until it answers, ending it |
//! | [`postgres`] | the PostgreSQL they all share, durable, each with a database of its own |
//! | [`site`] | where a system's doors are, who its customers are, how its calls look |
//! | [`binaries`] | our release binaries, built |
//! | [`ours`] | auth-service and shop-service |
//! | [`fastapi`] | the peer shop |
//! | [`oidc`] | the peer token issuer |
//! | [`floor`] | warp with a bearer check and nothing else |

pub(crate) mod binaries;
pub(crate) mod fastapi;
pub(crate) mod floor;
pub(crate) mod oidc;
pub(crate) mod ours;
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod site;
