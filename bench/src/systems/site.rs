//! Where a system's doors are, who its customers are, and how its calls look.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// The password of every customer. Nobody but the bench can reach these systems.
pub(crate) const PASSWORD: &str = "password-0";

/// The id under which machines get tokens.
pub(crate) const MACHINE: &str = "bench";

/// Whose calls it understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Latchkey,
    FastApi,
    OidcProvider,
}

/// Who is there, and what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stock {
    /// Customers 1 to this one.
    pub(crate) users: u64,
    /// The first of them have carts and orders to read; nobody changes those.
    pub(crate) readers: u64,
    /// Products 1 to this one.
    pub(crate) products: u64,
    /// Of the customers, every so-many-th is met.
    pub(crate) every: u64,
}

/// A system that runs.
pub(crate) struct Site {
    pub(crate) dialect: Dialect,
    /// Where tokens are issued.
    pub(crate) auth: SocketAddr,
    pub(crate) shop: SocketAddr,
    /// The name of the shop's database.
    pub(crate) database: String,
    pub(crate) stock: Stock,
    /// An access token for each customer who is met.
    pub(crate) tokens: Vec<String>,
    pub(crate) machine_secret: String,
    /// Logins that stand, for calls that need one.
    pub(crate) sessions: Mutex<Vec<Session>>,
    turn: AtomicU64,
}

/// What a login gave.
#[derive(Debug, Clone, serde::Deserialize)]
pub(crate) struct Session {
    pub(crate) access_token: String,
    #[serde(default)]
    pub(crate) refresh_token: String,
}

impl Site {
    pub(crate) fn new(dialect: Dialect, auth: SocketAddr, shop: SocketAddr, stock: Stock) -> Self {
        Self {
            dialect,
            auth,
            shop,
            database: String::new(),
            stock,
            tokens: Vec::new(),
            machine_secret: String::new(),
            sessions: Mutex::default(),
            turn: AtomicU64::new(0),
        }
    }

    /// Any customer who only reads.
    pub(crate) fn reader(&self) -> u64 {
        1 + fastrand::u64(..(self.stock.readers / self.stock.every).max(1)) * self.stock.every
    }

    /// Those who buy take turns: each comes once, before anybody comes again.
    pub(crate) fn turn(&self) -> u64 {
        self.turn.fetch_add(1, Ordering::Relaxed)
    }

    /// The first turn is the next one.
    pub(crate) fn rewind(&self) {
        self.turn.store(0, Ordering::Relaxed);
    }

    /// How many customers buy.
    pub(crate) fn buyers(&self) -> u64 {
        self.stock.users - self.stock.readers
    }

    /// Who buys at this turn.
    pub(crate) fn buyer(&self, turn: u64) -> u64 {
        self.stock.readers + 1 + turn % self.buyers()
    }

    /// What is bought at this turn, as the `line`th: something else each time.
    pub(crate) fn product(&self, turn: u64, line: u64) -> u64 {
        1 + (turn * 7 + turn / self.buyers() + line * 13) % self.stock.products
    }

    pub(crate) fn token(&self, user: u64) -> &str {
        let at = usize::try_from((user - 1) / self.stock.every).unwrap_or(usize::MAX);
        self.tokens.get(at).map_or("", String::as_str)
    }

    /// A product's id as JSON.
    pub(crate) fn product_json(&self, product: u64) -> String {
        match self.dialect {
            Dialect::Latchkey => format!("\"{}\"", product_id(product)),
            _ => product.to_string(),
        }
    }

    pub(crate) fn cart(&self) -> &'static str {
        self.either("/cart/", "/cart")
    }

    pub(crate) fn orders(&self) -> &'static str {
        self.either("/orders/", "/orders")
    }

    fn either(&self, latchkey: &'static str, peer: &'static str) -> &'static str {
        if self.dialect == Dialect::Latchkey { latchkey } else { peer }
    }
}

/// The e-mail of a customer.
pub(crate) fn email(user: u64) -> String {
    format!("user{user}@example.test")
}

/// The id of a customer of ours: as those that the services make, in the order of the numbers.
pub(crate) fn user_id(user: u64) -> String {
    format!("01900000-0000-7000-8000-{user:012}")
}

/// The id of a product of ours.
pub(crate) fn product_id(product: u64) -> String {
    format!("01900000-0000-7000-9000-{product:012}")
}
