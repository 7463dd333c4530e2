//! What links a request with the calls that it makes, in the logs of all services and in traces.

use std::convert::Infallible;

use http::{HeaderMap, Method};
use warp::Filter;

use super::request_id::{self, RequestId};
use crate::config::BaseUrl;
use crate::trace::{Call, Trace};

/// A request's id and its span.
#[derive(Debug, Clone)]
pub struct Correlation {
    pub(super) id: RequestId,
    pub(super) trace: Trace,
}

impl Correlation {
    /// Of work that no request waits for.
    pub fn of_work(name: &'static str) -> Self {
        Self { id: RequestId::fresh(), trace: Trace::of_work(name) }
    }

    /// The span for what is logged of it.
    pub fn span(&self) -> tracing::Span {
        tracing::info_span!(
            "work",
            request_id = self.id.as_str(),
            trace_id = %self.trace.id(),
        )
    }

    /// A call that it makes, to the route `template` of another service: the call's span, and the
    /// headers that go with it.
    pub fn call(
        &self,
        method: &Method,
        template: &'static str,
        server: &BaseUrl,
    ) -> (Call, HeaderMap) {
        let call = self.trace.call(method, template, server);
        let mut headers = call.headers();
        headers.insert(request_id::HEADER, self.id.header());
        (call, headers)
    }
}

/// The request's correlation, for a handler that calls another service.
pub fn correlation() -> impl Filter<Extract = (Correlation,), Error = Infallible> + Clone {
    warp::ext::optional()
        // The edge's service sets it on every request.
        .map(|of: Option<Correlation>| of.unwrap_or_else(|| Correlation::of_work("request")))
}
