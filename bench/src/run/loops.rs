//! The scenarios, each against what it is compared with, in alternation.

use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::Bench;
use crate::limits::{hashes, pgbench};
use crate::machine::cores;
use crate::results::{Metric, Round};
use crate::rounds::{self, undisturbed};
use crate::scenarios::visitor::Deed;
use crate::scenarios::{Contestant, SCENARIOS, Scenario};
use crate::stage::say;
use crate::{seed, statements};

/// An open loop calls at this part of what the slowest could do: all of them keep up.
const OPEN_PART: f64 = 0.5;

impl Bench {
    pub(super) async fn loops(&mut self) {
        let wanted: Vec<Scenario> =
            SCENARIOS.into_iter().filter(|scenario| self.options.wants(scenario.name)).collect();
        self.bar.inc_length((wanted.len() * self.options.rounds()) as u64);
        for scenario in wanted {
            let measured = self.scenario(&scenario).await;
            self.note(measured.with_context(|| scenario.name));
        }
    }

    async fn scenario(&mut self, scenario: &Scenario) -> Result<()> {
        self.bar.set_message(scenario.name);
        let script = self.statements(scenario).await?;
        for _ in 0..self.options.rounds() {
            let ours = self.closed(scenario, None, script.as_ref()).await?;
            self.results.add(scenario.name, "ours", ours.context("nothing was measured")?);
            if !self.options.quick {
                for contestant in scenario.against {
                    let theirs = self.closed(scenario, Some(*contestant), script.as_ref()).await;
                    let theirs = theirs.with_context(|| contestant.name())?;
                    if let Some(theirs) = theirs {
                        self.results.add(scenario.name, contestant.name(), theirs);
                    }
                }
            }
            self.bar.inc(1);
        }
        self.show(scenario.name);
        if scenario.is_open && !self.options.quick {
            self.open(scenario).await?;
        }
        Ok(())
    }

    /// Looks at what is sent, which may not be more than it was; and makes pgbench's script of it.
    async fn statements(&mut self, scenario: &Scenario) -> Result<Option<pgbench::Script>> {
        let site = &self.stage.ours.site;
        if let Some(lines) = scenario.lines() {
            seed::reset(&self.stage.postgres, site, lines).await?;
        }
        let seen = statements::watch(&self.stage.postgres, site, scenario.deed).await?;
        self.results.statements.insert(scenario.name.to_owned(), seen.count);
        if seen.count > scenario.statements {
            let sent: Vec<&str> =
                seen.last.iter().map(|statement| statement.sql.as_str()).collect();
            bail!(
                "{} statements a visit, where {} are known:\n{}",
                seen.count,
                scenario.statements,
                sent.join("\n--\n")
            );
        }
        if !scenario.against.contains(&Contestant::Statements) || self.options.quick {
            return Ok(None);
        }
        pgbench::Script::of(scenario, site, &seen.last).map(Some)
    }

    async fn closed(
        &mut self,
        scenario: &Scenario,
        contestant: Option<Contestant>,
        script: Option<&pgbench::Script>,
    ) -> Result<Option<Round>> {
        let (warm_up, time) = (self.options.warm_up(), self.options.time());
        let measured = match contestant {
            None => Some(self.stage.restart_ours().await?),
            Some(Contestant::FastApi) => self.stage.restart_fastapi().await?,
            Some(Contestant::Oidc) => self.stage.restart_oidc().await?,
            Some(Contestant::Floor) => Some(self.stage.restart_floor().await?),
            Some(Contestant::Hashes) => {
                let threads = scenario.clients.min(cores());
                let hashes = async || rounds::of(hashes::run(threads, time)?);
                return undisturbed(async || rounds::limit(hashes()).await).await.map(Some);
            }
            Some(Contestant::Statements) => {
                let script = script.context("no script")?;
                let statements = async || self.pgbench(scenario, script, time).await;
                return undisturbed(async || rounds::limit(statements()).await).await.map(Some);
            }
        };
        let Some(measured) = measured else { return Ok(None) };
        if self.options.quick {
            return measured.closed(scenario, warm_up, time).await.map(Some);
        }
        undisturbed(async || measured.closed(scenario, warm_up, time).await).await.map(Some)
    }

    async fn pgbench(
        &self,
        scenario: &Scenario,
        script: &pgbench::Script,
        time: Duration,
    ) -> Result<Round> {
        if let Some(lines) = scenario.lines() {
            seed::reset(&self.stage.postgres, &self.stage.ours.site, lines).await?;
        }
        let rate = script.run(&self.stage.postgres, time).await?;
        Ok(Round::from([(Metric::Rate, rate)]))
    }

    /// How long answers take where both sides get the same number of calls.
    async fn open(&mut self, scenario: &Scenario) -> Result<()> {
        let name = format!("{}, open loop", scenario.name);
        let (warm_up, time) = (self.options.warm_up(), self.options.time());
        let rate = |contestant| self.results.median(scenario.name, contestant, Metric::Rate);
        let slowest = rate("FastAPI").or(rate("ours")).context("no rate")?;
        let rate = slowest * OPEN_PART;
        for _ in 0..self.options.rounds() {
            let ours = self.stage.restart_ours().await?;
            let round =
                undisturbed(async || ours.open(scenario, rate, warm_up, time).await).await?;
            let theirs = match self.stage.restart_fastapi().await? {
                Some(peer) => Some(
                    undisturbed(async || peer.open(scenario, rate, warm_up, time).await).await?,
                ),
                None => None,
            };
            self.results.add(&name, "ours", round);
            if let Some(round) = theirs {
                self.results.add(&name, "FastAPI", round);
            }
        }
        self.show(&name);
        Ok(())
    }

    /// Says what came of it, for whoever waits.
    pub(super) fn show(&self, scenario: &str) {
        for (contestant, _) in self.results.series.get(scenario).into_iter().flatten() {
            let figure = |metric, name, unit| {
                let figure = self.results.median(scenario, contestant, metric)?;
                Some(format!("{name} {figure:.0}{unit}"))
            };
            let figures = [
                figure(Metric::Rate, "", "/s"),
                figure(Metric::P50, "p50", " µs"),
                figure(Metric::P99, "p99", " µs"),
                figure(Metric::ServerCpu, "CPU", " µs"),
                figure(Metric::PostgresCpu, "PostgreSQL", " µs"),
                figure(Metric::Faults, "faults", ""),
                self.results
                    .median(scenario, contestant, Metric::Memory)
                    .map(|bytes| format!("memory {:.1} MB", bytes / 1e6)),
                self.results
                    .median(scenario, contestant, Metric::Seconds)
                    .map(|seconds| format!("{seconds:.3} s")),
                self.results
                    .median(scenario, contestant, Metric::Foreign)
                    .map(|part| format!("foreign {:.1} %", part * 100.0)),
                self.results
                    .median(scenario, contestant, Metric::Slowed)
                    .map(|part| format!("slowed {:.0} %", part * 100.0)),
            ];
            let figures: Vec<String> = figures.into_iter().flatten().collect();
            say(&self.bar, &format!("{scenario:<28} {contestant:<14} {}", figures.join(", ")));
        }
    }
}

impl Contestant {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::FastApi => "FastAPI",
            Self::Oidc => "oidc-provider",
            Self::Hashes => "Argon2",
            Self::Statements => "pgbench",
            Self::Floor => "floor",
        }
    }
}

impl pgbench::Script {
    fn of(
        scenario: &Scenario,
        site: &crate::systems::site::Site,
        sent: &[statements::Statement],
    ) -> Result<Self> {
        let name = scenario.name.replace([' ', '/'], "-");
        match scenario.deed {
            Deed::Order => Self::checkout(site),
            Deed::Refresh => Self::refresh(site, sent),
            Deed::AddItem => Self::writing(&name, site, sent),
            _ => Self::reading(&name, site, sent),
        }
    }
}
