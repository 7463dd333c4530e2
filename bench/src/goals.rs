//! The goals: what was aimed at, and what came of it.

use crate::machine::Machine;
use crate::results::{Metric, Results};

/// One of the goals.
pub(crate) struct Goal {
    pub(crate) what: &'static str,
    pub(crate) against: &'static str,
    bound: Bound,
    /// `None` where it was not measured.
    figure: fn(&Results) -> Option<f64>,
}

#[derive(Clone, Copy)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// What came of a goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Holds,
    FallsShort,
    NotMeasured,
}

use Bound::{AtLeast, AtMost};
use Metric::{Bytes, Faults, Memory, P50, P99, PostgresCpu, Rate, Seconds, ServerCpu};

impl Goal {
    pub(crate) fn figure(&self, results: &Results) -> Option<f64> {
        (self.figure)(results)
    }

    pub(crate) fn verdict(&self, results: &Results) -> Verdict {
        match (self.figure(results), self.bound) {
            (None, _) => Verdict::NotMeasured,
            (Some(figure), AtLeast(bound)) if figure >= bound => Verdict::Holds,
            (Some(figure), AtMost(bound)) if figure <= bound => Verdict::Holds,
            (Some(_), _) => Verdict::FallsShort,
        }
    }

    /// As the report shows it.
    pub(crate) fn bound(&self) -> String {
        match self.bound {
            AtLeast(bound) => format!("≥ {}", short(bound)),
            AtMost(bound) => format!("≤ {}", short(bound)),
        }
    }
}

/// A figure with as many digits as one can mean.
pub(crate) fn short(figure: f64) -> String {
    match figure {
        small if small.abs() < 10.0 => format!("{small:.2}"),
        medium if medium.abs() < 100.0 => format!("{medium:.1}"),
        large => format!("{large:.0}"),
    }
}

fn ratio(results: &Results, scenario: &str, other: &str, metric: Metric) -> Option<f64> {
    Some(results.median(scenario, "ours", metric)? / results.median(scenario, other, metric)?)
}

/// CPU of all servers a request, on much data against little.
fn growth(results: &Results, scenario: &str) -> Option<f64> {
    let cpu = |size| {
        let part = |metric| results.median(scenario, size, metric);
        Some(part(ServerCpu)? + part(PostgresCpu)?)
    };
    Some(cpu("large")? / cpu("small")?)
}

/// Memory in the storm against what hashing needs: a thread a core with 19 MiB each, and 10 MiB.
fn storm_memory(results: &Results) -> Option<f64> {
    let Machine { cores, .. } = results.machine;
    let hashes = u32::try_from(cores).ok().map(|cores| f64::from(cores) * 19.0 + 10.0)?;
    let allowed = results.median("idle", "ours", Memory)? + hashes * 1024.0 * 1024.0;
    Some(results.median(STORM, "ours", Memory)? / allowed)
}

const STORM: &str = "GET /cart/ in a login storm";
const FASTAPI: &str = "FastAPI";

macro_rules! goal {
    ($what:literal, $against:literal, $bound:expr, $figure:expr) => {
        Goal { what: $what, against: $against, bound: $bound, figure: $figure }
    };
}

/// All of them.
pub(crate) const GOALS: [Goal; 34] = [
    goal!("logins/s, 64 clients", "FastAPI", AtLeast(1.45), |it| ratio(
        it,
        "login, 64 clients",
        FASTAPI,
        Rate
    )),
    goal!("logins/s, 64 clients", "Argon2 alone", AtLeast(0.9), |it| ratio(
        it,
        "login, 64 clients",
        "Argon2",
        Rate
    )),
    goal!("login p50, 1 client", "FastAPI", AtMost(0.75), |it| ratio(
        it,
        "login, 1 client",
        FASTAPI,
        P50
    )),
    goal!("login p50, 1 client", "a hash", AtMost(1.1), |it| ratio(
        it,
        "login, 1 client",
        "Argon2",
        P50
    )),
    goal!("page faults a login, 64 clients", "count", AtMost(100.0), |it| it.median(
        "login, 64 clients",
        "ours",
        Faults
    )),
    goal!("GET /user/me, requests/s", "FastAPI", AtLeast(12.0), |it| ratio(
        it,
        "GET /user/me",
        FASTAPI,
        Rate
    )),
    goal!("GET /user/me, p99", "FastAPI", AtMost(0.15), |it| ratio(
        it,
        "GET /user/me, open loop",
        FASTAPI,
        P99
    )),
    goal!("GET /user/me, server CPU", "FastAPI", AtMost(0.06), |it| ratio(
        it,
        "GET /user/me",
        FASTAPI,
        ServerCpu
    )),
    goal!("GET /user/me, requests/s", "pgbench", AtLeast(0.35), |it| ratio(
        it,
        "GET /user/me",
        "pgbench",
        Rate
    )),
    goal!("GET /cart/, requests/s", "FastAPI", AtLeast(10.0), |it| ratio(
        it,
        "GET /cart/",
        FASTAPI,
        Rate
    )),
    goal!("GET /cart/, p99", "FastAPI", AtMost(0.15), |it| ratio(
        it,
        "GET /cart/, open loop",
        FASTAPI,
        P99
    )),
    goal!("GET /cart/, server CPU", "FastAPI", AtMost(0.06), |it| ratio(
        it,
        "GET /cart/",
        FASTAPI,
        ServerCpu
    )),
    goal!("GET /cart/, requests/s", "pgbench", AtLeast(0.4), |it| ratio(
        it,
        "GET /cart/",
        "pgbench",
        Rate
    )),
    goal!("POST /cart/items, requests/s", "FastAPI", AtLeast(7.0), |it| ratio(
        it,
        "POST /cart/items",
        FASTAPI,
        Rate
    )),
    goal!("POST /cart/items, requests/s", "pgbench", AtLeast(0.5), |it| ratio(
        it,
        "POST /cart/items",
        "pgbench",
        Rate
    )),
    goal!("POST /orders/, requests/s", "FastAPI", AtLeast(7.0), |it| ratio(
        it,
        "POST /orders/",
        FASTAPI,
        Rate
    )),
    goal!("POST /orders/, requests/s", "pgbench", AtLeast(0.45), |it| ratio(
        it,
        "POST /orders/",
        "pgbench",
        Rate
    )),
    goal!("purchases/s", "FastAPI", AtLeast(8.0), |it| ratio(it, "purchase", FASTAPI, Rate)),
    goal!("GET /cart/ in a login storm, p99", "FastAPI", AtMost(0.2), |it| ratio(
        it, STORM, FASTAPI, P99
    )),
    goal!("GET /cart/ in a login storm, p99", "the floor", AtMost(1.5), |it| ratio(
        it, STORM, "floor", P99
    )),
    goal!("memory, idle", "FastAPI", AtMost(0.1), |it| ratio(it, "idle", FASTAPI, Memory)),
    goal!("memory, login storm", "FastAPI", AtMost(0.25), |it| ratio(it, STORM, FASTAPI, Memory)),
    goal!("memory, login storm", "idle + hashes + 10 MiB", AtMost(1.0), storm_memory),
    goal!("cold start", "FastAPI", AtMost(0.08), |it| ratio(it, "cold start", FASTAPI, Seconds)),
    goal!("cold start", "warp alone", AtMost(10.0), |it| ratio(it, "cold start", "floor", Seconds)),
    goal!("auth-service, size", "MB", AtMost(15.0), |it| Some(
        it.median("size", "auth-service", Bytes)? / 1e6
    )),
    goal!("shop-service, size", "MB", AtMost(15.0), |it| Some(
        it.median("size", "shop-service", Bytes)? / 1e6
    )),
    goal!("image, size", "MB", AtMost(30.0), |it| Some(it.median("size", "image", Bytes)? / 1e6)),
    goal!("CPU of GET /orders/, 10,000 orders", "10 orders", AtMost(1.1), |it| growth(
        it,
        "growth: orders"
    )),
    goal!("CPU of GET /user/me, 10⁶ users", "10³ users", AtMost(1.15), |it| growth(
        it,
        "growth: users"
    )),
    goal!("CPU of GET /products/, 10⁵ products", "10³ products", AtMost(1.15), |it| growth(
        it,
        "growth: products"
    )),
    goal!("CPU of a refresh, 10⁶ expired sessions", "1", AtMost(1.05), |it| growth(
        it,
        "growth: expired sessions"
    )),
    goal!("client_credentials, tokens/s", "node-oidc-provider", AtLeast(4.0), |it| ratio(
        it,
        "client_credentials",
        "oidc-provider",
        Rate
    )),
    goal!("refresh, tokens/s", "pgbench", AtLeast(0.5), |it| ratio(it, "refresh", "pgbench", Rate)),
];
