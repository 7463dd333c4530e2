//! The scenarios: what clients do, and what it is compared with.

pub(crate) mod request;
pub(crate) mod visitor;

use visitor::Deed;

use crate::systems::site::Dialect;

/// What clients do again and again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) deed: Deed,
    pub(crate) clients: usize,
    pub(crate) against: &'static [Contestant],
    /// How many statements a visit to our services sends, at the most.
    pub(crate) statements: usize,
    /// Whether latency is measured by an open loop, too.
    pub(crate) is_open: bool,
}

/// What it is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contestant {
    FastApi,
    Oidc,
    /// Argon2 alone, on so many threads as clients can keep busy.
    Hashes,
    /// The same statements.
    Statements,
    /// A bearer check alone.
    Floor,
}

use Contestant::{FastApi, Floor, Hashes, Oidc, Statements};

const fn scenario(
    name: &'static str,
    deed: Deed,
    clients: usize,
    against: &'static [Contestant],
) -> Scenario {
    Scenario { name, deed, clients, against, statements: 0, is_open: false }
}

impl Scenario {
    /// A deed that is compared with nothing but itself.
    pub(crate) const fn of(deed: Deed, clients: usize) -> Self {
        scenario("", deed, clients, &[])
    }

    const fn with(mut self, statements: usize) -> Self {
        self.statements = statements;
        self
    }

    const fn and_open(mut self) -> Self {
        self.is_open = true;
        self
    }

    /// Lines that buyers' carts hold when a round begins; `None` where nobody buys.
    pub(crate) fn lines(&self) -> Option<u64> {
        match self.deed {
            Deed::Order => Some(3),
            Deed::AddItem | Deed::Purchase => Some(0),
            _ => None,
        }
    }

    /// How the visits that wrote are counted in the database; whether that is auth's.
    pub(crate) fn written(&self, dialect: Dialect) -> Option<(bool, &'static str)> {
        match self.deed {
            Deed::AddItem => {
                Some((false, "SELECT coalesce(sum(quantity), 0)::bigint FROM cart_items"))
            }
            Deed::Order | Deed::Purchase => Some((false, "SELECT count(*) FROM orders")),
            Deed::Login if dialect == Dialect::Latchkey => {
                Some((true, "SELECT count(*) FROM sessions"))
            }
            Deed::Refresh => {
                Some((true, "SELECT coalesce(sum(generation - 1), 0)::bigint FROM sessions"))
            }
            _ => None,
        }
    }
}

/// All that are measured by closed loops, in the order of the report.
pub(crate) const SCENARIOS: [Scenario; 14] = [
    scenario("login, 1 client", Deed::Login, 1, &[FastApi, Hashes]).with(2),
    scenario("login, 8 clients", Deed::Login, 8, &[FastApi, Hashes]).with(2),
    scenario("login, 64 clients", Deed::Login, 64, &[FastApi, Hashes]).with(2),
    scenario("login, 256 clients", Deed::Login, 256, &[FastApi, Hashes]).with(2),
    scenario("client_credentials", Deed::MachineToken, 64, &[Oidc]).with(1),
    scenario("refresh", Deed::Refresh, 64, &[Statements]).with(2),
    scenario("introspection", Deed::Introspect, 64, &[]).with(2),
    scenario("GET /user/me", Deed::Me, 64, &[FastApi, Statements, Floor]).with(1).and_open(),
    scenario("GET /cart/", Deed::Cart, 64, &[FastApi, Statements]).with(1).and_open(),
    scenario("GET /products/", Deed::Products, 64, &[FastApi, Statements]).with(1).and_open(),
    scenario("GET /orders/", Deed::Orders, 64, &[FastApi, Statements]).with(2).and_open(),
    scenario("POST /cart/items", Deed::AddItem, 64, &[FastApi, Statements]).with(4).and_open(),
    scenario("POST /orders/", Deed::Order, 64, &[FastApi, Statements]).with(5).and_open(),
    scenario("purchase", Deed::Purchase, 64, &[FastApi]).with(17),
];
