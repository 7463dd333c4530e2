//! Rounds: one measurement of one system, judged.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::limits::hashes;
use crate::load::{Outcome, closed, open, quantile};
use crate::machine::{Snapshot, Spent, memory};
use crate::results::{Metric, Round};
use crate::scenarios::Scenario;
use crate::scenarios::visitor::{Deed, Visitor};
use crate::seed;
use crate::systems::postgres::Postgres;
use crate::systems::site::Site;

/// A round in which others used more of the machine, or around which it was slower, is repeated, so
/// often at the most; then the quietest counts.
const FOREIGN_MAX: f64 = 0.05;
const SLOWED_MAX: f64 = 0.1;
const REPEATS: usize = 4;
/// And in all: a machine that is never quiet is measured as it is.
const REPEATS_IN_ALL: usize = 80;

/// Clients of an open loop.
const OPEN_CLIENTS: usize = 256;

/// Who logs in while somebody else shops.
const STORM: usize = 64;

/// A system that is measured.
pub(crate) struct Measured<'a> {
    pub(crate) postgres: &'a Postgres,
    pub(crate) site: &'a Arc<Site>,
    /// Its processes.
    pub(crate) servers: Vec<u32>,
}

/// Measures until nobody has disturbed.
pub(crate) async fn undisturbed(mut measure: impl AsyncFnMut() -> Result<Round>) -> Result<Round> {
    static REPEATED: AtomicUsize = AtomicUsize::new(0);
    let mut judged = async || -> Result<Round> {
        let before = hashes::slowed()?;
        let mut round = measure().await?;
        round.insert(Metric::Slowed, before.max(hashes::slowed()?));
        Ok(round)
    };
    let mut quietest = judged().await?;
    for _ in 0..REPEATS {
        if disturbance(&quietest) <= 1.0
            || REPEATED.fetch_add(1, Ordering::Relaxed) >= REPEATS_IN_ALL
        {
            break;
        }
        let again = judged().await?;
        if disturbance(&again) < disturbance(&quietest) {
            quietest = again;
        }
    }
    Ok(quietest)
}

/// More than 1 where a round was disturbed.
fn disturbance(round: &Round) -> f64 {
    let figure = |metric| round.get(&metric).copied().unwrap_or(0.0);
    (figure(Metric::Foreign) / FOREIGN_MAX).max(figure(Metric::Slowed) / SLOWED_MAX)
}

/// Measures a limit, and who disturbed it.
pub(crate) async fn limit(measure: impl Future<Output = Result<Round>>) -> Result<Round> {
    let begin = Snapshot::take();
    let mut round = measure.await?;
    round.insert(Metric::Foreign, Snapshot::take().foreign(&begin));
    Ok(round)
}

impl Measured<'_> {
    /// A closed loop: how much can be done.
    pub(crate) async fn closed(
        &self,
        scenario: &Scenario,
        warm_up: Duration,
        time: Duration,
    ) -> Result<Round> {
        if let Some(lines) = scenario.lines() {
            seed::reset(self.postgres, self.site, lines).await?;
        }
        let before = self.written(scenario).await?;
        let (clients, warm) = warm(self.site, scenario.deed, scenario.clients, warm_up).await?;
        let begin = Snapshot::take();
        let (clients, outcome) = closed::run(clients, time).await?;
        let end = Snapshot::take();
        let used = memory(&self.servers);
        drop(clients);
        let made = warm + outcome.visits();
        let mut round = self.figures(outcome, &begin, &end)?;
        round.insert(Metric::Memory, float(used));
        if let (Some(before), Some(after)) = (before, self.written(scenario).await?) {
            ensure!(after - before == made, "{made} visits wrote {} rows", after - before);
        }
        Ok(round)
    }

    /// An open loop: how long an answer takes at this rate.
    pub(crate) async fn open(
        &self,
        scenario: &Scenario,
        rate: f64,
        warm_up: Duration,
        time: Duration,
    ) -> Result<Round> {
        if let Some(lines) = scenario.lines() {
            seed::reset(self.postgres, self.site, lines).await?;
        }
        let clients = || Visitor::many(self.site, scenario.deed, OPEN_CLIENTS);
        no_errors(&open::run(clients(), rate, warm_up).await?)?;
        let clients = clients();
        let begin = Snapshot::take();
        let outcome = open::run(clients, rate, time).await?;
        self.figures(outcome, &begin, &Snapshot::take())
    }

    /// An open loop while others storm the login of `stormed`.
    pub(crate) async fn in_storm(
        &self,
        stormed: &Arc<Site>,
        rate: f64,
        warm_up: Duration,
        time: Duration,
    ) -> Result<Round> {
        let (logins, _) = warm(stormed, Deed::Login, STORM, warm_up).await?;
        let clients = Visitor::many(self.site, Deed::Cart, 32);
        let begin = Snapshot::take();
        let (storm, shopping) =
            tokio::join!(closed::run(logins, time), open::run(clients, rate, time));
        let end = Snapshot::take();
        no_errors(&storm?.1)?;
        let used = memory(&self.servers);
        let mut round = self.figures(shopping?, &begin, &end)?;
        round.insert(Metric::Memory, float(used));
        Ok(round)
    }

    fn figures(&self, outcome: Outcome, begin: &Snapshot, end: &Snapshot) -> Result<Round> {
        let servers = self.servers.iter().map(|&pid| end.spent_by(begin, pid));
        let servers = servers.fold(Spent::default(), |one, other| Spent {
            cpu: one.cpu + other.cpu,
            faults: one.faults + other.faults,
        });
        let postgres = self.postgres.pid().context("PostgreSQL has ended")?;
        let postgres = end.spent_by(begin, postgres).cpu;
        let visits = float(outcome.visits()).max(1.0);
        let mut round = of(outcome)?;
        round.insert(Metric::ServerCpu, servers.cpu.as_secs_f64() * 1e6 / visits);
        round.insert(Metric::PostgresCpu, postgres.as_secs_f64() * 1e6 / visits);
        round.insert(Metric::Faults, float(servers.faults) / visits);
        round.insert(Metric::Foreign, end.foreign(begin));
        Ok(round)
    }

    async fn written(&self, scenario: &Scenario) -> Result<Option<u64>> {
        let Some((is_auths, sql)) = scenario.written(self.site.dialect) else { return Ok(None) };
        let database = self.site.database.as_str();
        let auths = database.replace("_shop", "_auth");
        self.postgres.count(if is_auths { &auths } else { database }, sql).await.map(Some)
    }
}

/// Clients that have called for this long, and how many visits were made for it. Others have called
/// before them: a system's workers do not all start at the same moment, and a connection stays with
/// the one that has taken it.
async fn warm(
    site: &Arc<Site>,
    deed: Deed,
    count: usize,
    time: Duration,
) -> Result<(Vec<Visitor>, u64)> {
    let (others, first) = closed::run(Visitor::many(site, deed, count), time).await?;
    drop(others);
    let (clients, second) = closed::run(Visitor::many(site, deed, count), time).await?;
    no_errors(&first)?;
    no_errors(&second)?;
    Ok((clients, first.visits() + second.visits()))
}

/// What visits alone tell.
pub(crate) fn of(mut outcome: Outcome) -> Result<Round> {
    no_errors(&outcome)?;
    ensure!(outcome.visits() > 0, "nothing was done");
    let rate = float(outcome.in_time) / outcome.elapsed.as_secs_f64();
    let p50 = f64::from(quantile(&mut outcome.latencies, 500));
    let p99 = f64::from(quantile(&mut outcome.latencies, 990));
    Ok(Round::from([(Metric::Rate, rate), (Metric::P50, p50), (Metric::P99, p99)]))
}

fn no_errors(outcome: &Outcome) -> Result<()> {
    let error = outcome.error.as_deref().unwrap_or_default();
    ensure!(outcome.errors == 0, "{} visits failed, the first: {error}", outcome.errors);
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}
