//! The goals: what was aimed at, and what came of it.

use crate::results::{Metric, Results};

/// One of the goals.
pub(crate) struct Goal {
    pub(crate) what: &'static str,
    pub(crate) against: &'static str,
    bound: Bound,
    figure: Figure,
}

#[derive(Clone, Copy)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// What is judged.
#[derive(Clone, Copy)]
enum Figure {
    /// Ours divided by another's: of a scenario, a contestant, a metric.
    Ratio(&'static str, &'static str, Metric),
    /// Ours alone.
    OfOurs(&'static str, Metric),
    /// The size of a file.
    Megabytes(&'static str),
    /// CPU of all servers a request, on much data against little.
    Growth(&'static str),
    /// Memory in the storm against what hashing needs.
    StormMemory,
}

/// What came of a goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Holds,
    FallsShort,
    NotMeasured,
}

use Bound::{AtLeast, AtMost};
use Figure::{Growth, Megabytes, OfOurs, Ratio, StormMemory};
use Metric::{Bytes, Faults, Memory, P50, P99, PostgresCpu, Rate, Seconds, ServerCpu};

impl Goal {
    /// `None` where it was not measured.
    pub(crate) fn figure(&self, results: &Results) -> Option<f64> {
        let median = |scenario, who, metric| results.median(scenario, who, metric);
        match self.figure {
            Ratio(scenario, other, metric) => {
                Some(median(scenario, "ours", metric)? / median(scenario, other, metric)?)
            }
            OfOurs(scenario, metric) => median(scenario, "ours", metric),
            Megabytes(file) => Some(median("size", file, Bytes)? / 1e6),
            Growth(scenario) => {
                let cpu = |size| {
                    Some(median(scenario, size, ServerCpu)? + median(scenario, size, PostgresCpu)?)
                };
                Some(cpu("large")? / cpu("small")?)
            }
            StormMemory => {
                let allowed = median("idle", "ours", Memory)? + hashing(results)?;
                Some(median(STORM, "ours", Memory)? / allowed)
            }
        }
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

/// What hashes may take: a thread a core with 19 MiB each, and 10 MiB.
fn hashing(results: &Results) -> Option<f64> {
    let cores = u32::try_from(results.machine.cores).ok()?;
    Some((f64::from(cores) * 19.0 + 10.0) * 1024.0 * 1024.0)
}

const STORM: &str = "GET /cart/ in a login storm";
const FASTAPI: &str = "FastAPI";

const fn goal(what: &'static str, against: &'static str, bound: Bound, figure: Figure) -> Goal {
    Goal { what, against, bound, figure }
}

/// All of them.
pub(crate) const GOALS: [Goal; 34] = [
    goal(
        "logins/s, 64 clients",
        "FastAPI",
        AtLeast(1.45),
        Ratio("login, 64 clients", FASTAPI, Rate),
    ),
    goal(
        "logins/s, 64 clients",
        "Argon2 alone",
        AtLeast(0.9),
        Ratio("login, 64 clients", "Argon2", Rate),
    ),
    goal("login p50, 1 client", "FastAPI", AtMost(0.75), Ratio("login, 1 client", FASTAPI, P50)),
    goal("login p50, 1 client", "a hash", AtMost(1.1), Ratio("login, 1 client", "Argon2", P50)),
    goal(
        "page faults a login, 64 clients",
        "count",
        AtMost(100.0),
        OfOurs("login, 64 clients", Faults),
    ),
    goal(
        "GET /user/me, requests/s",
        "FastAPI",
        AtLeast(12.0),
        Ratio("GET /user/me", FASTAPI, Rate),
    ),
    goal(
        "GET /user/me, p99",
        "FastAPI",
        AtMost(0.15),
        Ratio("GET /user/me, open loop", FASTAPI, P99),
    ),
    goal(
        "GET /user/me, server CPU",
        "FastAPI",
        AtMost(0.06),
        Ratio("GET /user/me", FASTAPI, ServerCpu),
    ),
    goal(
        "GET /user/me, requests/s",
        "pgbench",
        AtLeast(0.35),
        Ratio("GET /user/me", "pgbench", Rate),
    ),
    goal("GET /cart/, requests/s", "FastAPI", AtLeast(10.0), Ratio("GET /cart/", FASTAPI, Rate)),
    goal("GET /cart/, p99", "FastAPI", AtMost(0.15), Ratio("GET /cart/, open loop", FASTAPI, P99)),
    goal(
        "GET /cart/, server CPU",
        "FastAPI",
        AtMost(0.06),
        Ratio("GET /cart/", FASTAPI, ServerCpu),
    ),
    goal("GET /cart/, requests/s", "pgbench", AtLeast(0.4), Ratio("GET /cart/", "pgbench", Rate)),
    goal(
        "POST /cart/items, requests/s",
        "FastAPI",
        AtLeast(7.0),
        Ratio("POST /cart/items", FASTAPI, Rate),
    ),
    goal(
        "POST /cart/items, requests/s",
        "pgbench",
        AtLeast(0.5),
        Ratio("POST /cart/items", "pgbench", Rate),
    ),
    goal(
        "POST /orders/, requests/s",
        "FastAPI",
        AtLeast(7.0),
        Ratio("POST /orders/", FASTAPI, Rate),
    ),
    goal(
        "POST /orders/, requests/s",
        "pgbench",
        AtLeast(0.45),
        Ratio("POST /orders/", "pgbench", Rate),
    ),
    goal("purchases/s", "FastAPI", AtLeast(8.0), Ratio("purchase", FASTAPI, Rate)),
    goal("GET /cart/ in a login storm, p99", "FastAPI", AtMost(0.2), Ratio(STORM, FASTAPI, P99)),
    goal("GET /cart/ in a login storm, p99", "the floor", AtMost(1.5), Ratio(STORM, "floor", P99)),
    goal("memory, idle", "FastAPI", AtMost(0.1), Ratio("idle", FASTAPI, Memory)),
    goal("memory, login storm", "FastAPI", AtMost(0.25), Ratio(STORM, FASTAPI, Memory)),
    goal("memory, login storm", "idle + hashes + 10 MiB", AtMost(1.0), StormMemory),
    goal("cold start", "FastAPI", AtMost(0.08), Ratio("cold start", FASTAPI, Seconds)),
    goal("cold start", "warp alone", AtMost(10.0), Ratio("cold start", "floor", Seconds)),
    goal("auth-service, size", "MB", AtMost(15.0), Megabytes("auth-service")),
    goal("shop-service, size", "MB", AtMost(15.0), Megabytes("shop-service")),
    goal("image, size", "MB", AtMost(30.0), Megabytes("image")),
    goal("CPU of GET /orders/, 10,000 orders", "10 orders", AtMost(1.1), Growth("growth: orders")),
    goal("CPU of GET /user/me, 10⁶ users", "10³ users", AtMost(1.15), Growth("growth: users")),
    goal(
        "CPU of GET /products/, 10⁵ products",
        "10³ products",
        AtMost(1.15),
        Growth("growth: products"),
    ),
    goal(
        "CPU of a refresh, 10⁶ expired sessions",
        "1",
        AtMost(1.05),
        Growth("growth: expired sessions"),
    ),
    goal(
        "client_credentials, tokens/s",
        "node-oidc-provider",
        AtLeast(4.0),
        Ratio("client_credentials", "oidc-provider", Rate),
    ),
    goal("refresh, tokens/s", "pgbench", AtLeast(0.5), Ratio("refresh", "pgbench", Rate)),
];
