//! Proposes Argon2 parameters for this machine: what it can afford in a given time, and never
//! less than OWASP's Password Storage Cheat Sheet asks for.

use std::time::{Duration, Instant};

use argon2::password_hash::phc::Salt;
use argon2::{Argon2, Params};
use proto::Password;

use super::failed;
use super::memory::Memory;
use super::phc::{ALGORITHM, VERSION};
use super::recipe::OUTPUT;
use crate::error::Error;

/// OWASP's minimum: 19 MiB, two passes, one lane.
const MEMORY_MIN_MIB: u32 = 19;
const ITERATIONS_MIN: u32 = 2;
const PARALLELISM: u32 = 1;

/// A hash of more memory is slow for its cache misses already: more passes do as well.
const MEMORY_MAX_MIB: u32 = 256;
/// All threads together.
const TOTAL_MAX_MIB: u32 = 1024;
/// Enough for any target.
const ITERATIONS_MAX: u32 = 10_000;

/// Hashes that each thread measures a time by.
const HASHES: usize = 5;

/// Parameters for new hashes.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// Argon2's parameters.
    pub params: Params,
    /// How long a hash takes with them.
    pub time: Duration,
}

/// Proposes parameters by which a hash takes a little less than `target` while as many threads
/// hash as will; OWASP's minimum, where even that takes longer. Blocks; tells `progress` of
/// everything it measures.
pub fn calibrate(
    target: Duration,
    concurrency: usize,
    mut progress: impl FnMut(&Params, Duration),
) -> Result<Proposal, Error> {
    let mut machine = Machine::new(concurrency)?;
    choose(target, concurrency, |params| {
        let time = machine.measure(params)?;
        progress(params, time);
        Ok(time)
    })
}

/// Memory first, for it is what an attacker has to pay for; passes once it is at its maximum.
fn choose(
    target: Duration,
    concurrency: usize,
    mut measure: impl FnMut(&Params) -> Result<Duration, Error>,
) -> Result<Proposal, Error> {
    let mut time = |mib: u32, iterations| measure(&params(mib, iterations)?);
    let threads = u32::try_from(concurrency.max(1)).unwrap_or(u32::MAX);
    let memory_max = (TOTAL_MAX_MIB / threads).clamp(MEMORY_MIN_MIB, MEMORY_MAX_MIB);

    let least = (MEMORY_MIN_MIB, time(MEMORY_MIN_MIB, ITERATIONS_MIN)?);
    let (mib, by_memory) = most(least, memory_max, target, |mib| time(mib, ITERATIONS_MIN))?;
    let least = (ITERATIONS_MIN, by_memory);
    let (iterations, time) = match mib == memory_max {
        true => most(least, ITERATIONS_MAX, target, |iterations| time(mib, iterations))?,
        false => least,
    };
    Ok(Proposal { params: params(mib, iterations)?, time })
}

/// The most units within the target, and their time: from the least, which is taken even where it
/// is not within, up to `max`.
fn most(
    least: (u32, Duration),
    max: u32,
    target: Duration,
    mut measure: impl FnMut(u32) -> Result<Duration, Error>,
) -> Result<(u32, Duration), Error> {
    let (mut within, mut above, mut last) = (least, max.saturating_add(1), least);
    // Close enough: times vary by more.
    let is_near = |time: Duration| time * 100 >= target * 95;
    while !is_near(within.1) && within.0 + 1 < above {
        // The time grows about as the units do, so that few are tried; the middle where it does
        // not.
        let (units, time) = last;
        let guess = u128::from(units) * target.as_nanos() / time.as_nanos().max(1);
        let guess = u32::try_from(guess).map_or(max, |guess| guess.min(max));
        let guess = if time <= target { guess.max(within.0 + 1) } else { guess };
        let is_inside = within.0 < guess && guess < above;
        let guess = if is_inside { guess } else { within.0.midpoint(above) };
        last = (guess, measure(guess)?);
        if last.1 <= target { within = last } else { above = guess }
    }
    Ok(within)
}

fn params(mib: u32, iterations: u32) -> Result<Params, Error> {
    Params::new(mib * 1024, iterations, PARALLELISM, None).map_err(failed)
}

/// As many threads as hash at once when the service is busy: alone, a hash would have all of the
/// memory's bandwidth.
struct Machine {
    password: Password,
    threads: Vec<Memory>,
}

impl Machine {
    fn new(concurrency: usize) -> Result<Self, Error> {
        let password = Password::presented("correct horse battery staple");
        let password = password.ok_or_else(|| failed("no password to measure with"))?;
        Ok(Self { password, threads: (0..concurrency).map(|_| Memory::default()).collect() })
    }

    /// The median time of a hash.
    fn measure(&mut self, params: &Params) -> Result<Duration, Error> {
        let password = &self.password;
        let times: Result<Vec<_>, Error> = std::thread::scope(|scope| {
            let start = |memory| scope.spawn(move || times(params, password, memory));
            let threads: Vec<_> = self.threads.iter_mut().map(start).collect();
            let join = |thread: std::thread::ScopedJoinHandle<'_, _>| {
                thread.join().unwrap_or_else(|_| Err(failed("a thread panicked")))
            };
            threads.into_iter().map(join).collect()
        });
        let mut times = times?.concat();
        times.sort_unstable();
        times.get(times.len() / 2).copied().ok_or_else(|| failed("nothing was measured"))
    }
}

fn times(
    params: &Params,
    password: &Password,
    memory: &mut Memory,
) -> Result<Vec<Duration>, Error> {
    let argon = Argon2::new(ALGORITHM, VERSION, params.clone());
    let (salt, mut output) = (Salt::generate(), [0; OUTPUT]);
    let hash = |_| {
        let started = Instant::now();
        memory.hash(&argon, password, &salt, &mut output)?;
        Ok(started.elapsed())
    };
    (0..HASHES).map(hash).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is chosen, and how many measurements that took, where a pass over a MiB takes so long.
    fn chosen(target: Duration, concurrency: usize, pass: Duration) -> (u32, u32, usize) {
        let mut measurements = 0;
        let measure = |params: &Params| {
            measurements += 1;
            Ok(pass * params.t_cost() * (params.m_cost() / 1024))
        };
        let Proposal { params, .. } = choose(target, concurrency, measure).unwrap();
        assert_eq!(params.p_cost(), 1);
        (params.m_cost(), params.t_cost(), measurements)
    }

    const fn millis(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn the_minimum_is_proposed_even_where_it_takes_too_long() {
        let proposal = choose(millis(1), 2, |_| Ok(millis(20))).unwrap();

        let minimum = Params::new(19_456, 2, 1, None).unwrap();
        assert_eq!(proposal, Proposal { params: minimum, time: millis(20) });
    }

    #[test]
    fn memory_is_raised_until_a_hash_takes_almost_the_target() {
        let (memory, iterations, measurements) = chosen(millis(50), 2, Duration::from_micros(400));

        // 50 ms are 62.5 MiB twice.
        assert_eq!((memory, iterations), (62 * 1024, 2));
        assert!(measurements <= 4, "{measurements}");
    }

    #[test]
    fn passes_are_raised_once_memory_is_at_its_maximum() {
        let (memory, iterations, measurements) =
            chosen(millis(1000), 2, Duration::from_micros(400));

        // 1 s are 9.8 passes over 256 MiB.
        assert_eq!((memory, iterations), (256 * 1024, 9));
        assert!(measurements <= 5, "{measurements}");
    }

    #[test]
    fn many_threads_share_the_memory() {
        let memory = |concurrency| chosen(millis(1000), concurrency, millis(1)).0;

        assert_eq!([4, 8, 1000].map(memory), [256 * 1024, 128 * 1024, 19_456]);
    }

    #[test]
    fn what_is_proposed_is_within_the_target_however_the_time_grows() {
        let target = millis(100);
        for exponent in [0.5, 1.0, 1.5, 3.0] {
            let mut measurements = 0;
            let measure = |params: &Params| {
                measurements += 1;
                let growth = f64::from(params.m_cost()) / 19_456.0;
                Ok(millis(20).mul_f64(growth.powf(exponent) * f64::from(params.t_cost()) / 2.0))
            };

            let Proposal { time, .. } = choose(target, 2, measure).unwrap();

            assert!(time <= target && time >= millis(60), "{exponent}: {time:?}");
            assert!(measurements <= 12, "{exponent}: {measurements}");
        }
    }

    #[test]
    fn a_machine_tells_how_long_a_hash_takes() {
        let mut machine = Machine::new(2).unwrap();
        let mut time = |memory| machine.measure(&Params::new(memory, 1, 1, None).unwrap()).unwrap();

        let (small, large) = (time(64), time(64 * 64));

        assert!(small < large, "{small:?} {large:?}");
    }
}
