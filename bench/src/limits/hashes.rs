//! Argon2 in a bare loop, its memory kept: no login can cost less. And how fast the machine is now.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use argon2::Block;

use crate::load::{Outcome, quantile};
use crate::machine::cores;
use crate::seed::argon;
use crate::systems::site::PASSWORD;

const SALT: &[u8] = b"sixteen bytes of";

/// Hashes on so many threads for this long; the calling one waits, for it has nothing to do meanwhile.
pub(crate) fn run(threads: usize, time: Duration) -> Result<Outcome> {
    let started = Instant::now();
    let running: Vec<_> =
        (0..threads).map(|_| thread::spawn(move || hashes(started + time))).collect();
    let mut latencies = Vec::new();
    for thread in running {
        latencies.extend(thread.join().map_err(|_| anyhow!("a hash has panicked"))??);
    }
    let (in_time, elapsed) = (latencies.len() as u64, started.elapsed());
    Ok(Outcome { latencies, in_time, elapsed, ..Outcome::default() })
}

/// Enough for some hashes on each core.
const PROBE: Duration = Duration::from_millis(80);

/// How much longer a hash takes now, on all cores at once, than it did at best in this run: 0.5 for
/// half as long again. Other guests of the host are seen by nothing else: they share its caches and
/// its cores, which no counter of this machine tells.
pub(crate) fn slowed() -> Result<f64> {
    static BEST: AtomicU32 = AtomicU32::new(u32::MAX);
    let now = quantile(&mut run(cores(), PROBE)?.latencies, 500);
    let best = BEST.fetch_min(now, Ordering::Relaxed).min(now);
    Ok(f64::from(now) / f64::from(best) - 1.0)
}

fn hashes(end: Instant) -> Result<Vec<u32>> {
    let argon = argon()?;
    let mut memory = vec![Block::default(); argon.params().block_count()];
    let (mut latencies, mut output) = (Vec::new(), [0; 32]);
    while Instant::now() < end {
        let started = Instant::now();
        argon
            .hash_password_into_with_memory(PASSWORD.as_bytes(), SALT, &mut output, &mut memory)
            .map_err(|error| anyhow!("{error}"))?;
        latencies.push(u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    Ok(latencies)
}
