//! Metrics: one recorder a process, printed in Prometheus' text format.
//!
//! Names and units are OpenTelemetry's in Prometheus form. A label is a route's template, a
//! method, a status: never a raw path, an id or an e-mail, of which there are too many.

use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// `http_server_request_duration_seconds`, by method, route and status.
pub const HTTP_DURATION: &str = "http_server_request_duration_seconds";
/// `http_server_active_requests`.
pub const HTTP_ACTIVE: &str = "http_server_active_requests";
/// `db_client_connection_count`, by `state`: `idle` or `used`.
pub const DB_CONNECTIONS: &str = "db_client_connection_count";
/// `db_client_connection_pending_requests`: who waits for a connection.
pub const DB_PENDING: &str = "db_client_connection_pending_requests";

/// Seconds; OpenTelemetry's advice for HTTP, with a finer start.
const BUCKETS: [f64; 15] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Starts recording, once a process.
pub fn start() {
    RECORDER.get_or_init(|| {
        let duration = Matcher::Suffix("_seconds".to_owned());
        let builder = PrometheusBuilder::new().set_buckets_for_metric(duration, &BUCKETS).ok()?;
        builder.install_recorder().ok()
    });
}

/// All metrics, in Prometheus' text format.
pub fn render() -> String {
    RECORDER.get().and_then(Option::as_ref).map(PrometheusHandle::render).unwrap_or_default()
}

/// Folds what was recorded into its buckets; without it, they would grow between two scrapes.
pub(crate) async fn maintain() {
    let mut tick = tokio::time::interval(Duration::from_secs(5));
    loop {
        tick.tick().await;
        if let Some(Some(recorder)) = RECORDER.get() {
            recorder.run_upkeep();
        }
    }
}
