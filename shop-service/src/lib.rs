//! The shop: users, products, carts and orders. It verifies tokens by itself, and calls the auth
//! service only to register and to unregister users.
//!
//! Its modules, each using only those before it:
//!
//! | module | what it is |
//! |---|---|
//! | [`config`] | its configuration |
//! | [`money`] | exact amounts |
//! | [`error`] | what can go wrong |
//! | [`mailer`] | sends mail |
//! | [`outbox`] | jobs that a transaction leaves to be done elsewhere |
//! | [`registrar`] | the auth service, as far as the shop needs it |
//! | [`state`] | what the handlers share |
//! | [`access`] | who may call |
//! | [`users`] | profiles, registration, deletion |
//! | [`categories`] | what products are sorted into |
//! | [`products`] | what is on sale |
//! | [`cart`] | what a user means to buy |
//! | [`orders`] | what was bought |
//! | [`delivery`] | does the outbox's jobs |
//! | [`routes`] | all routes |
//! | [`check`] | what should change before production |
//! | [`command`] | the command line |

pub mod access;
pub mod cart;
pub mod categories;
pub mod check;
pub mod command;
pub mod config;
pub mod delivery;
pub mod error;
pub mod mailer;
pub mod money;
pub mod orders;
pub mod outbox;
pub mod products;
pub mod registrar;
pub mod routes;
pub mod state;
pub mod users;

pub use command::{main, service};
