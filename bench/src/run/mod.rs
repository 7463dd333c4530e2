//! Everything, in order.
//!
//! | module | what it measures |
//! |---|---|
//! | [`footprint`] | memory, starts, sizes |
//! | [`loops`] | the scenarios, each against what it is compared with |
//! | [`storm`] | reading a cart while others log in |
//! | [`growth`] | the same requests on much more data |

mod footprint;
mod growth;
mod loops;
mod storm;

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use time::OffsetDateTime;
use tokio::signal::unix::{SignalKind, signal};

use crate::machine::Machine;
use crate::options::Options;
use crate::report;
use crate::results::Results;
use crate::stage::Stage;
use crate::systems::binaries::checkout;
use crate::systems::ours;

/// Measures until it is done, or told to stop; nothing it started outlives it.
pub(crate) async fn run(options: Options) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        done = measure(options) => done,
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
        _ = terminate.recv() => bail!("told to stop"),
    }
}

/// Measures what was asked for, and writes it where that is all there is.
async fn measure(options: Options) -> Result<()> {
    let bar = ProgressBar::new(0);
    bar.set_style(ProgressStyle::with_template("{elapsed_precise} {wide_bar} {pos}/{len} {msg}")?);
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    let stage = Stage::up(&options, &bar).await?;
    let mut bench =
        Bench { results: begin(&options, &stage), options, stage, bar, failures: Vec::new() };
    let measured = bench.measure().await;
    bench.bar.finish_and_clear();
    measured?;
    let Bench { options, results, failures, .. } = bench;
    if options.is_whole() {
        results.write(&checkout().join(LATEST))?;
        write_report()?;
    }
    ensure!(failures.is_empty(), "{}", failures.join("\n\n"));
    Ok(())
}

/// The figures of the last run.
const LATEST: &str = "bench/results/latest.json";

/// Writes the report from them.
pub(crate) fn write_report() -> Result<()> {
    let results = Results::read(&checkout().join(LATEST))?;
    report::write(&results, &checkout().join("docs"), &checkout().join("bench/profiles.md"))
}

/// Logins that stand: as many as clients need at once, and some more.
const LOGINS: usize = 80;

/// A run of the bench.
struct Bench {
    options: Options,
    stage: Stage,
    results: Results,
    bar: ProgressBar,
    /// Scenarios that could not be measured, and why.
    failures: Vec<String>,
}

impl Bench {
    async fn measure(&mut self) -> Result<()> {
        let footprint = self.footprint().await;
        self.note(footprint);
        // A first hash takes its memory, so this comes after.
        ours::log_in(&self.stage.ours.site, LOGINS).await?;
        self.loops().await;
        if !self.options.quick {
            let storm = self.storm().await;
            self.note(storm);
            let growth = self.growth().await;
            self.note(growth);
        }
        let only = self.options.only.as_deref().unwrap_or_default();
        ensure!(
            !self.results.series.is_empty() || !self.failures.is_empty(),
            "no scenario's name contains {only:?}"
        );
        Ok(())
    }

    /// What could not be measured keeps nothing else from being measured.
    fn note(&mut self, measured: Result<()>) {
        if let Err(error) = measured {
            self.failures.push(format!("{error:#}"));
        }
    }
}

fn begin(options: &Options, stage: &Stage) -> Results {
    #[expect(clippy::disallowed_methods, reason = "asked once, where the bench begins")]
    let day = OffsetDateTime::now_utc().date().to_string();
    let mut versions = BTreeMap::new();
    versions.insert("PostgreSQL".to_owned(), stage.postgres.version().to_owned());
    if let Some((installed, _)) = &stage.fastapi {
        versions.insert("FastAPI peer".to_owned(), installed.version.clone());
    }
    if let Some(oidc) = &stage.oidc {
        versions.insert("node-oidc-provider peer".to_owned(), format!("Node {}", oidc.version));
    }
    Results {
        day,
        machine: Machine::this(),
        versions,
        seconds: options.time().as_secs_f64(),
        rounds: options.rounds(),
        statements: BTreeMap::new(),
        series: BTreeMap::new(),
    }
}
