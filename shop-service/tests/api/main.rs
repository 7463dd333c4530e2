//! The shop, over real HTTP and with a real PostgreSQL: what the contract promises, promise by
//! promise. The auth service is away here; both together are tested by devstack.
//!
//! | module | what it tests |
//! |---|---|
//! | [`shop`], [`mint`], [`calls`] | nothing: a running shop, its tokens, its calls |
//! | [`users`], [`registration`], [`deletion`] | `/user` |
//! | [`categories`], [`products`], [`prices`] | `/products` |
//! | [`cart`], [`orders`], [`checkout`], [`idempotency`], [`order_life`] | `/cart` and `/orders` |
//! | [`races`] | what must hold whatever runs at once |
//! | [`plans`] | what calls read of a large database |
//! | [`outbox`] | `/admin/outbox` |
//! | [`mail`], [`mail_faults`], [`mail_tls`] | mail about an order, with a real mail server: [`smtp`] |
//! | [`access`], [`tokens`] | who may do what, and how one proves who one is |
//! | [`answers`], [`bodies`], [`fields`], [`pages`], [`edge`] | what holds for all calls |
//! | [`errors`] | every error there is |
//! | [`docs`], [`ops`], [`command`], [`check`] | the service around them |

mod access;
mod answers;
mod bodies;
mod calls;
mod cart;
mod categories;
mod check;
mod checkout;
mod command;
mod deletion;
mod docs;
mod edge;
mod errors;
mod fields;
mod idempotency;
mod mail;
mod mail_faults;
mod mail_tls;
mod mint;
mod ops;
mod order_life;
mod orders;
mod outbox;
mod pages;
mod plans;
mod prices;
mod products;
mod races;
mod registration;
mod search;
mod shop;
mod smtp;
mod tokens;
mod users;
