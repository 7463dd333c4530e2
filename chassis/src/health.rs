//! What the service knows of its own state: started, serving, draining.

use std::sync::atomic::{AtomicU8, Ordering};

/// Where a service stands between its start and its end.
#[derive(Debug, Default)]
pub struct Health(AtomicU8);

const STARTING: u8 = 0;
const SERVING: u8 = 1;
const DRAINING: u8 = 2;

impl Health {
    /// The schema is as it must be: requests can be answered.
    pub fn started(&self) {
        // Draining is the end: a migration that ends after SIGTERM does not start anything.
        let _ = self.0.compare_exchange(STARTING, SERVING, Ordering::AcqRel, Ordering::Acquire);
    }

    /// The process is about to end: no new requests, please.
    pub fn draining(&self) {
        self.0.store(DRAINING, Ordering::Release);
    }

    /// Whether requests can be answered: also while draining.
    pub fn has_started(&self) -> bool {
        self.0.load(Ordering::Acquire) != STARTING
    }

    /// Whether new requests are welcome.
    pub fn is_serving(&self) -> bool {
        self.0.load(Ordering::Acquire) == SERVING
    }
}
