//! The one place that asks the machine's clock: rules take `now` as a parameter.
//!
//! Clocks that replicas must agree on (expiry, back-off, throttle) are PostgreSQL's instead.

use time::OffsetDateTime;

/// Now, in UTC.
#[expect(clippy::disallowed_methods, reason = "the one place that asks the clock")]
pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
