//! Waiting for what happens, without a fixed pause: a deadline only the hopeless case reaches.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Longer than anything takes on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// How soon it is tried again.
const PAUSE: Duration = Duration::from_millis(10);

/// What `attempt` gives as soon as it gives something.
///
/// # Panics
/// When it gives nothing until [`DEADLINE`]; `what` says what was waited for.
pub async fn eventually<T>(what: &str, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = attempt().await {
            return found;
        }
        assert!(Instant::now() < end, "waited {DEADLINE:?} in vain: {what}");
        sleep(PAUSE).await;
    }
}
