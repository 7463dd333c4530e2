//! Traces: a span for each request and for each call that it makes, in the trace of whoever called
//! (W3C Trace Context), exported over OTLP where there is a collector.
//!
//! A request has a trace's id also where nothing is exported: it stands in the log, and goes on to
//! the next service, which may export.
//!
//! Names and attributes are OpenTelemetry's for HTTP. One that they ask for is left out: the
//! path, in which anything could stand; the route's template stands for it.

mod export;

use std::fmt;
use std::net::IpAddr;
use std::sync::OnceLock;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use opentelemetry::propagation::{Injector, TextMapPropagator};
use opentelemetry::trace::{SpanKind, Status, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue, StringValue};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use crate::config::BaseUrl;

pub use export::ExportError;

/// One a process, as logs and metrics are.
static TRACES: OnceLock<Traces> = OnceLock::new();

struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    propagator: TraceContextPropagator,
}

impl Traces {
    fn of(provider: SdkTracerProvider) -> Self {
        let tracer = provider.tracer("latchkey");
        Self { provider, tracer, propagator: TraceContextPropagator::new() }
    }

    /// Those that were started; else some that nobody hears of, but for their ids.
    fn get() -> &'static Self {
        TRACES.get_or_init(|| Self::of(SdkTracerProvider::builder().build()))
    }
}

/// Starts exporting to `collector` what `service` does, once a process. Needs a runtime.
///
/// # Errors
/// When the exporter's own `OTEL_…` variables cannot be read.
pub fn start(service: &'static str, collector: Option<&BaseUrl>) -> Result<(), ExportError> {
    if let Some(collector) = collector {
        let provider = export::provider(service, collector)?;
        TRACES.get_or_init(|| Traces::of(provider));
    }
    Ok(())
}

/// Exports what has ended; says whether all of it was taken.
pub async fn flush() -> bool {
    let Some(traces) = TRACES.get() else { return true };
    export::flush(traces.provider.clone()).await
}

/// A span that has begun, in its trace; it ends by itself where nobody has ended it.
#[derive(Clone)]
pub struct Trace(Context);

// Attributes, named as OpenTelemetry's semantic conventions for HTTP name them.
const METHOD: &str = "http.request.method";
const ROUTE: &str = "http.route";
const STATUS: &str = "http.response.status_code";
const SCHEME: &str = "url.scheme";
const CLIENT: &str = "client.address";
const SERVER: &str = "server.address";
const PORT: &str = "server.port";
const TEMPLATE: &str = "url.template";
const ERROR: &str = "error.type";

impl Trace {
    /// For a request with these headers: in its client's trace, if they name one.
    pub fn of_request(method: &'static str, headers: &HeaderMap, client: IpAddr) -> Self {
        let Traces { tracer, propagator, .. } = Traces::get();
        let parent = propagator.extract_with_context(&Context::new(), &HeaderExtractor(headers));
        let span = tracer.span_builder(method).with_kind(SpanKind::Server).with_attributes([
            KeyValue::new(METHOD, method),
            KeyValue::new(SCHEME, "http"),
            KeyValue::new(CLIENT, client.to_string()),
        ]);
        Self::begin(span.start_with_context(tracer, &parent))
    }

    /// For work that no request waits for: a trace of its own.
    pub fn of_work(name: &'static str) -> Self {
        let Traces { tracer, .. } = Traces::get();
        let span = tracer.span_builder(name).with_kind(SpanKind::Internal);
        Self::begin(span.start_with_context(tracer, &Context::new()))
    }

    /// A call that it makes, to the route `template` of another service.
    pub fn call(&self, method: &Method, template: &'static str, server: &BaseUrl) -> Call {
        let Traces { tracer, .. } = Traces::get();
        let span = tracer.span_builder(format!("{method} {template}"));
        let span = span.with_kind(SpanKind::Client).with_attributes([
            KeyValue::new(METHOD, method.to_string()),
            KeyValue::new(TEMPLATE, template),
            KeyValue::new(SERVER, server.host()),
            KeyValue::new(PORT, i64::from(server.port())),
        ]);
        Call(Self::begin(span.start_with_context(tracer, &self.0)))
    }

    fn begin(span: opentelemetry_sdk::trace::Span) -> Self {
        Self(Context::new().with_span(span))
    }

    /// The trace's id: 32 hexadecimal digits.
    pub fn id(&self) -> impl fmt::Display + use<> {
        self.0.span().span_context().trace_id()
    }

    /// The request was answered, by a route if there was one.
    pub(crate) fn answered(&self, method: &str, route: Option<&'static str>, status: StatusCode) {
        let span = self.0.span();
        if let Some(route) = route {
            span.update_name(format!("{method} {route}"));
            span.set_attribute(KeyValue::new(ROUTE, route));
        }
        // A 4xx is the client's mistake, not the server's.
        self.end(status, status.is_server_error());
    }

    fn end(&self, status: StatusCode, is_error: bool) {
        let span = self.0.span();
        span.set_attribute(KeyValue::new(STATUS, i64::from(status.as_u16())));
        if is_error {
            self.failed(status.as_str().to_owned());
        } else {
            span.end();
        }
    }

    /// Nothing came of it, for this reason: one of a few, in a word.
    pub(crate) fn failed(&self, reason: impl Into<StringValue>) {
        let span = self.0.span();
        span.set_attribute(KeyValue::new(ERROR, reason.into()));
        span.set_status(Status::error(""));
        span.end();
    }
}

/// Without what another service may have put into its state.
impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trace({})", self.id())
    }
}

/// A call to another service.
#[derive(Debug)]
pub struct Call(Trace);

impl Call {
    /// What tells the other service whose call it is.
    pub fn headers(&self) -> HeaderMap {
        let mut headers = Headers::default();
        Traces::get().propagator.inject_context(&self.0.0, &mut headers);
        headers.0
    }

    /// It was answered.
    pub fn answered(self, status: StatusCode) {
        self.0.end(status, status.is_client_error() || status.is_server_error());
    }

    /// Nothing came of it, for this reason: one of a few, in a word.
    pub fn failed(self, reason: &'static str) {
        self.0.failed(reason);
    }
}

/// Nobody waited for its end. Where it has ended, this changes nothing.
impl Drop for Call {
    fn drop(&mut self) {
        self.0.failed("abandoned");
    }
}

/// Without a `tracestate` that says nothing.
#[derive(Default)]
struct Headers(HeaderMap);

impl Injector for Headers {
    fn set(&mut self, name: &str, value: String) {
        if let (false, Ok(name), Ok(value)) =
            (value.is_empty(), name.parse::<HeaderName>(), HeaderValue::try_from(value))
        {
            self.0.insert(name, value);
        }
    }
}
