//! `hash`: what password hashes cost.

use std::fmt::Display;
use std::io::Write;
use std::time::Duration;

use argon2::Params;
use chassis::command::{CommandError, print};
use chassis::config::Faults;
use clap::Subcommand;

use crate::config::Settings;
use crate::hashing::calibrate::calibrate;

/// What a login can take without anybody minding, and a guess without being cheap.
const TARGET: &str = "50ms";
const TARGETS: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(1)..=Duration::from_secs(10);

#[derive(Debug, Subcommand)]
pub(super) enum HashCommand {
    /// Propose Argon2 parameters for this machine, as lines to set
    Calibrate {
        /// How long a hash may take, from 1ms to 10s
        #[arg(long, default_value = TARGET, value_name = "TIME")]
        target: String,
    },
}

pub(super) fn run(settings: &Settings, command: &HashCommand) -> Result<(), CommandError> {
    let HashCommand::Calibrate { target } = command;
    let mut faults = Faults::default();
    let target = match faults.duration("--target", target, TARGET) {
        Some(target) if !TARGETS.contains(&target) => {
            faults.report("--target", "must be from 1ms to 10s", TARGET)
        }
        target => target,
    };
    let concurrency = settings.hash_concurrency(&mut faults);
    let (target, concurrency) = faults.or(target.zip(concurrency))?;

    let progress = |params: &Params, time| say(format_args!("{}: {}", cost(params), millis(time)));
    let proposal = calibrate(target, concurrency, progress).map_err(CommandError::failed)?;
    let (params, time) = (proposal.params, proposal.time);
    if time > target {
        say(format_args!(
            "a hash takes longer than {}, but less than this is not safe (OWASP's minimum)",
            millis(target)
        ));
    }
    let mib = params.m_cost() / 1024;
    let rate = u32::try_from(concurrency).map_or(f64::INFINITY, f64::from) / time.as_secs_f64();
    say(format_args!(
        "{} a hash; with {concurrency} at once {rate:.1} hashes a second and {} MiB of memory",
        millis(time),
        concurrency.saturating_mul(mib.try_into().unwrap_or(usize::MAX))
    ));
    print(format_args!("ARGON2_MEMORY_KIB={}", params.m_cost()))?;
    print(format_args!("ARGON2_ITERATIONS={}", params.t_cost()))?;
    print(format_args!("ARGON2_PARALLELISM={}", params.p_cost()))
}

fn cost(params: &Params) -> String {
    format!("{} MiB, {} iterations", params.m_cost() / 1024, params.t_cost())
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

/// Words for people, not the result.
fn say(words: impl Display) {
    let _ = writeln!(std::io::stderr(), "{words}");
}
