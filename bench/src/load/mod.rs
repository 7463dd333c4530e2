//! Load: clients that call, and what came of it.
//!
//! | module | what it is |
//! |---|---|
//! | [`connection`] | HTTP/1.1 on one kept connection, with little work for this side |
//! | [`closed`] | every client calls again as soon as it has its answer: how much can be done |
//! | [`open`] | calls come at a rate, whether or not the earlier ones are answered: how long it takes |

pub(crate) mod closed;
pub(crate) mod connection;
pub(crate) mod open;

use std::time::Duration;

use anyhow::Result;

/// A client: what it asks, it knows.
pub(crate) trait Client: Send + 'static {
    /// One visit: a request, or several in order. `false` where nothing was left to do.
    fn visit(&mut self) -> impl Future<Output = Result<bool>> + Send;
}

/// What came of the calls.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// How long each visit took, in microseconds.
    pub(crate) latencies: Vec<u32>,
    /// Visits that ended while it was still time, and how long that was: those under way at the end
    /// are waited for, with ever fewer beside them.
    pub(crate) in_time: u64,
    pub(crate) elapsed: Duration,
    pub(crate) errors: u64,
    /// The first of them.
    pub(crate) error: Option<String>,
}

impl Outcome {
    fn add(&mut self, visit: Result<Duration>) {
        match visit {
            Ok(latency) => {
                self.latencies.push(u32::try_from(latency.as_micros()).unwrap_or(u32::MAX));
            }
            Err(error) => {
                self.errors += 1;
                self.error.get_or_insert_with(|| format!("{error:#}"));
            }
        }
    }

    fn join(mut self, other: Self) -> Self {
        self.latencies.extend(other.latencies);
        self.in_time += other.in_time;
        self.errors += other.errors;
        self.error = self.error.or(other.error);
        self
    }

    /// Visits that ended well.
    pub(crate) fn visits(&self) -> u64 {
        self.latencies.len() as u64
    }
}

/// The latency in microseconds that this part of all visits kept below; sorts them.
pub(crate) fn quantile(latencies: &mut [u32], per_mille: usize) -> u32 {
    latencies.sort_unstable();
    let at = (latencies.len() * per_mille).div_ceil(1000).max(1) - 1;
    latencies.get(at).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_the_smallest_that_so_many_keep_below() {
        let mut hundred: Vec<u32> = (1..=100).rev().collect();

        assert_eq!([500, 990, 1000].map(|part| quantile(&mut hundred, part)), [50, 99, 100]);
        assert_eq!([quantile(&mut [7], 500), quantile(&mut [7], 990)], [7, 7]);
        assert_eq!(quantile(&mut [], 500), 0);
    }
}
