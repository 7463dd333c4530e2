//! What is told of a request: its log line, its metrics, its span.
//!
//! The route's template stands for the path, which could hold anything.

use std::net::IpAddr;
use std::time::Instant;

use http::{HeaderMap, Method, StatusCode};
use metrics::Gauge;
use tracing::Span;
use tracing::field::Empty;

use super::correlation::Correlation;
use super::refusal::Refusal;
use super::request_id::RequestId;
use super::route::Endpoint;
use crate::metrics as names;
use crate::trace::Trace;

/// A request from its headers to its answer.
pub(super) struct Observation {
    pub(super) correlation: Correlation,
    /// For what is logged while it runs.
    pub(super) span: Span,
    method: &'static str,
    begun: Instant,
    active: Gauge,
    has_ended: bool,
}

impl Observation {
    pub(super) fn begin(
        id: RequestId,
        method: &Method,
        headers: &HeaderMap,
        client: IpAddr,
    ) -> Self {
        let method = method_name(method);
        let trace = Trace::of_request(method, headers, client);
        let span = tracing::info_span!(
            "request",
            request_id = id.as_str(),
            trace_id = %trace.id(),
            user_id = Empty,
            client_id = Empty,
        );
        let active = metrics::gauge!(names::HTTP_ACTIVE, "http_request_method" => method);
        active.increment(1.0);
        let correlation = Correlation { id, trace };
        Self { correlation, span, method, begun: Instant::now(), active, has_ended: false }
    }

    /// It is answered, by a route if there was one.
    pub(super) fn end(
        mut self,
        endpoint: Option<Endpoint>,
        status: StatusCode,
        refusal: Option<&Refusal>,
    ) {
        self.has_ended = true;
        let method = self.method;
        let route = endpoint.map(Endpoint::template);
        self.correlation.trace.answered(method, route, status);
        let route = route.unwrap_or("none");
        let elapsed = self.begun.elapsed().as_secs_f64();
        metrics::histogram!(
            names::HTTP_DURATION,
            "http_request_method" => method,
            "http_route" => route,
            "http_response_status_code" => status.as_str().to_owned(),
        )
        .record(elapsed);
        let cause = refusal.and_then(Refusal::cause);
        let duration_ms = milliseconds(elapsed);
        let status = status.as_u16();
        let _entered = self.span.enter();
        if status == 500 {
            tracing::error!(method, route, status, duration_ms, cause, "failed");
        } else if let Some(cause) = cause {
            tracing::warn!(method, route, status, duration_ms, cause, "refused");
        } else {
            tracing::info!(method, route, status, duration_ms, "answered");
        }
    }
}

/// Nobody waits for the answer any more, or never did.
impl Drop for Observation {
    fn drop(&mut self) {
        self.active.decrement(1.0);
        if !self.has_ended {
            self.correlation.trace.failed("client_gone");
            let (method, duration_ms) =
                (self.method, milliseconds(self.begun.elapsed().as_secs_f64()));
            let _entered = self.span.enter();
            tracing::info!(method, duration_ms, "the client has gone");
        }
    }
}

/// To the microsecond.
fn milliseconds(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e3
}

/// OpenTelemetry's way with methods that anybody can make up.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    }
}
