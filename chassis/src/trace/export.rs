//! Spans on their way to a collector: in batches, from a queue with a bound. Where the collector is
//! away, or slow, spans are lost, and nobody waits for them.

use std::sync::OnceLock;
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry::{Key, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::{
    EnvResourceDetector, ResourceDetector, SdkProvidedResourceDetector,
};
use opentelemetry_sdk::trace::SdkTracerProvider;
use reqwest::Client;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::config::BaseUrl;

/// How long a collector may take for a batch.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why nothing can be exported.
#[derive(Debug, thiserror::Error)]
#[error("traces: {0}")]
pub struct ExportError(#[from] ExporterBuildError);

pub(super) fn provider(
    service: &'static str,
    collector: &BaseUrl,
) -> Result<SdkTracerProvider, ExportError> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Http { runtime: Handle::current(), client: OnceLock::new() })
        .with_endpoint(format!("{}/v1/traces", collector.as_str()))
        .with_timeout(PATIENCE)
        .build()?;
    let provider = SdkTracerProvider::builder().with_resource(resource(service));
    Ok(provider.with_batch_exporter(exporter).build())
}

/// Who exports; `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` know better.
fn resource(service: &'static str) -> Resource {
    let name = Key::new("service.name");
    let given = SdkProvidedResourceDetector.detect().get(&name);
    let given = given.filter(|given| !given.as_str().starts_with("unknown_service"));
    Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", Uuid::now_v7().to_string()),
        ])
        .with_detector(Box::new(EnvResourceDetector::new()))
        .with_service_name(given.unwrap_or_else(|| service.into()))
        .build()
}

/// Asks on a thread of its own, for the exporter blocks the one that asks.
pub(super) async fn flush(provider: SdkTracerProvider) -> bool {
    let (done, flushed) = oneshot::channel();
    std::thread::spawn(move || {
        // Nobody listens where it took too long.
        let _ = done.send(provider.force_flush().is_ok());
    });
    matches!(tokio::time::timeout(PATIENCE, flushed).await, Ok(Ok(true)))
}

/// Sends on our runtime: the exporter's own thread has none.
#[derive(Debug)]
struct Http {
    runtime: Handle,
    /// Built at first use: it loads the system's certificates.
    client: OnceLock<Client>,
}

#[async_trait]
impl HttpClient for Http {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = match self.client.get() {
            Some(client) => client,
            None => {
                let built = Client::builder().timeout(PATIENCE).build()?;
                self.client.get_or_init(|| built)
            }
        };
        let client = client.clone();
        self.runtime.spawn(async move { client.send_bytes(request).await }).await?
    }
}
