//! A collector of traces (OTLP over HTTP), as the services export them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use devstack_testkit::eventually;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use crate::wire::read;

/// A collector that keeps what it is sent.
pub(crate) struct Collector {
    url: String,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    /// Each request's line and headers.
    heads: Vec<String>,
    spans: Vec<Span>,
}

/// A span as it was exported.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) service: String,
    pub(crate) name: String,
    pub(crate) kind: SpanKind,
    pub(crate) trace: String,
    pub(crate) id: String,
    /// Empty where it has none.
    pub(crate) parent: String,
    pub(crate) attributes: HashMap<String, String>,
    /// Whether its status is an error.
    pub(crate) is_error: bool,
}

impl Collector {
    /// A collector that takes everything.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let taken = Arc::<Mutex<Taken>>::default();
        let taking = Arc::clone(&taken);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(take(stream, Arc::clone(&taking)));
            }
        });
        Self { url, taken }
    }

    /// For `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Everything so far.
    pub(crate) fn spans(&self) -> Vec<Span> {
        self.taken.lock().unwrap().spans.clone()
    }

    /// The line and the headers of each request so far.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.taken.lock().unwrap().heads.clone()
    }

    /// A service's first span of this name, as soon as there is one.
    pub(crate) async fn span(&self, service: &str, name: &str) -> Span {
        let is_it = |span: &Span| span.service == service && span.name == name;
        eventually(name, async || self.spans().into_iter().find(is_it)).await
    }

    /// As many spans of this trace, as soon as there are.
    pub(crate) async fn trace(&self, id: &str, spans: usize) -> Vec<Span> {
        eventually("the trace is complete", async || {
            let of_trace = self.spans().into_iter().filter(|span| span.trace == id);
            let of_trace: Vec<Span> = of_trace.collect();
            (of_trace.len() >= spans).then_some(of_trace)
        })
        .await
    }
}

impl Span {
    /// An attribute's value as text; empty where it has none.
    pub(crate) fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

/// Takes requests on one connection; `None` closes it.
async fn take(mut stream: TcpStream, taken: Arc<Mutex<Taken>>) -> Option<()> {
    loop {
        let request = read(&mut stream).await?;
        assert!(request.starts_with(b"POST /v1/traces HTTP/1.1\r\n"), "{request:?}");
        let head = request.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let exported = ExportTraceServiceRequest::decode(&request[head..]).unwrap();
        {
            let mut taken = taken.lock().unwrap();
            taken.heads.push(String::from_utf8_lossy(&request[..head]).into_owned());
            taken.spans.extend(read_spans(exported));
        }
        let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n\
            Content-Length: 0\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.ok()?;
    }
}

fn read_spans(exported: ExportTraceServiceRequest) -> Vec<Span> {
    let mut spans = Vec::new();
    for of_resource in exported.resource_spans {
        let resource = texts(of_resource.resource.unwrap_or_default().attributes);
        for span in of_resource.scope_spans.into_iter().flat_map(|of_scope| of_scope.spans) {
            assert!(span.start_time_unix_nano <= span.end_time_unix_nano, "{span:?}");
            spans.push(Span {
                service: resource["service.name"].clone(),
                kind: span.kind(),
                name: span.name,
                trace: hex(&span.trace_id),
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                attributes: texts(span.attributes),
                is_error: span.status.is_some_and(|status| status.code == 2),
            });
        }
    }
    spans
}

fn texts(attributes: Vec<KeyValue>) -> HashMap<String, String> {
    let text = |value: Option<AnyValue>| match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    attributes.into_iter().map(|pair| (pair.key, text(pair.value))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
