//! What was measured, as it is kept and reported.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::machine::Machine;

/// A figure of a round, by its metric.
pub(crate) type Round = BTreeMap<Metric, f64>;

/// What a figure tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Metric {
    /// Visits a second.
    Rate,
    /// Microseconds within which half of the visits were answered.
    P50,
    /// Likewise 99 of 100.
    P99,
    /// CPU microseconds of the servers a visit.
    ServerCpu,
    /// Likewise of PostgreSQL.
    PostgresCpu,
    /// Minor page faults of the servers a visit.
    Faults,
    /// Bytes of memory of the servers.
    Memory,
    /// Seconds.
    Seconds,
    /// Bytes of a file.
    Bytes,
    /// The part of the machine that others used meanwhile.
    Foreign,
    /// How much longer a hash took before or after than at best in the run.
    Slowed,
}

/// One run of the bench.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Results {
    /// The day.
    pub(crate) day: String,
    pub(crate) machine: Machine,
    /// What was measured, with its version.
    pub(crate) versions: BTreeMap<String, String>,
    /// Seconds of a round, and rounds.
    pub(crate) seconds: f64,
    pub(crate) rounds: usize,
    /// Statements of a visit, by scenario.
    pub(crate) statements: BTreeMap<String, usize>,
    /// By scenario and contestant.
    pub(crate) series: BTreeMap<String, BTreeMap<String, Vec<Round>>>,
}

impl Results {
    pub(crate) fn add(&mut self, scenario: &str, contestant: &str, round: Round) {
        let scenario = self.series.entry(scenario.to_owned()).or_default();
        scenario.entry(contestant.to_owned()).or_default().push(round);
    }

    /// The median of a series.
    pub(crate) fn median(&self, scenario: &str, contestant: &str, metric: Metric) -> Option<f64> {
        let rounds = self.series.get(scenario)?.get(contestant)?;
        let mut figures: Vec<f64> =
            rounds.iter().filter_map(|round| round.get(&metric).copied()).collect();
        figures.sort_by(f64::total_cmp);
        let middle = figures.len() / 2;
        let upper = figures.get(middle).copied()?;
        match figures.len() % 2 {
            0 => figures.get(middle - 1).map(|lower| f64::midpoint(*lower, upper)),
            _ => Some(upper),
        }
    }

    pub(crate) fn write(&self, file: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
    }

    pub(crate) fn read(file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file);
        let text = text.with_context(|| format!("cannot read {}", file.display()))?;
        serde_json::from_str(&text)
            .with_context(|| format!("{} is of another version", file.display()))
    }
}
