//! Where spans go: OTLP over HTTP in protobuf (OTLP 1.x, "OTLP/HTTP"), by whatever sends requests in this process.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry::KeyValue;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;

use crate::figures;

/// Name of the service unless `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` says another.
const SERVICE: &str = "lectern";
/// Any of these names a collector.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
const PROTOCOLS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];

const TIMEOUTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"];
const TIMEOUT: Duration = Duration::from_secs(10);

/// A request to the collector: always a POST.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// An absolute address.
    pub url: String,
    /// Headers, `Content-Type` and those of `OTEL_EXPORTER_OTLP_HEADERS` among them.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Sends a request, within [`Export::timeout`], and says with which status and body it was answered; or in a clause why it was not. Called from
/// a thread that has nothing else to do and no runtime.
pub type Post = Box<dyn Fn(Outgoing) -> Result<(u16, Vec<u8>), String> + Send + Sync>;

/// What is exported, and how. Everything else is read from the standard variables `OTEL_*`.
pub struct Export {
    /// Sends requests to the collector.
    pub post: Post,
    /// Version of the service.
    pub version: String,
}

impl Export {
    /// Whether the environment names a collector, and does not say that traces are unwanted.
    pub fn is_wanted() -> bool {
        wanted(|name| std::env::var(name).ok())
    }

    /// How long a request to the collector may take, as `OTEL_EXPORTER_OTLP_TRACES_TIMEOUT` or `OTEL_EXPORTER_OTLP_TIMEOUT` say
    /// in milliseconds: 10 s if they do not.
    pub fn timeout() -> Duration {
        timeout(|name| std::env::var(name).ok())
    }

    /// The pipeline: at most 2048 finished spans wait (`OTEL_BSP_MAX_QUEUE_SIZE`), further ones are dropped.
    pub(crate) fn provider(self) -> Result<SdkTracerProvider, String> {
        protocol(|name| std::env::var(name).ok())?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_http_client(Posting { post: self.post, away: AtomicBool::new(false) })
            .build()
            .map_err(|error| error.to_string())?;
        let provider =
            SdkTracerProvider::builder().with_resource(resource(&self.version)).with_batch_exporter(exporter);
        Ok(provider.build())
    }
}

fn wanted(variable: impl Fn(&str) -> Option<String>) -> bool {
    let is = |name: &str, value: &str| variable(name).is_some_and(|set| set.trim().eq_ignore_ascii_case(value));
    let named = ENDPOINTS.iter().any(|name| variable(name).is_some_and(|value| !value.trim().is_empty()));
    named && !is("OTEL_SDK_DISABLED", "true") && !is("OTEL_TRACES_EXPORTER", "none")
}

fn timeout(variable: impl Fn(&str) -> Option<String>) -> Duration {
    let said = TIMEOUTS.iter().find_map(|name| variable(name)?.trim().parse().ok());
    said.map_or(TIMEOUT, Duration::from_millis)
}

/// What is not spoken is refused: spans in another form than the one asked for would only look exported.
fn protocol(variable: impl Fn(&str) -> Option<String>) -> Result<(), String> {
    let asked = PROTOCOLS.iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
    match asked.as_deref() {
        None | Some("http/protobuf") => Ok(()),
        Some(other) => Err(format!("{other} is not spoken, http/protobuf is: set OTEL_EXPORTER_OTLP_PROTOCOL to that")),
    }
}

fn resource(version: &str) -> Resource {
    // What the environment says is put over it: the builder's attributes win over what it was made with.
    let said = Resource::builder().build();
    let service = said.get_ref(&"service.name".into()).map(ToString::to_string);
    let is_named = service.is_some_and(|name| !name.starts_with("unknown_service"));
    let own = [
        KeyValue::new("service.version", version.to_owned()),
        KeyValue::new("process.pid", i64::from(std::process::id())),
    ];
    let own = own.into_iter().filter(|own| said.get_ref(&own.key).is_none()).collect::<Vec<_>>();
    let builder = Resource::builder().with_attributes(own);
    if is_named { builder.build() } else { builder.with_service_name(SERVICE).build() }
}

struct Posting {
    post: Post,
    /// Whether the last request failed: that is said once, and its end too.
    away: AtomicBool,
}

impl fmt::Debug for Posting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Posting")
    }
}

#[async_trait]
impl HttpClient for Posting {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let headers = parts.headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes())));
        let outgoing = Outgoing { url: parts.uri.to_string(), headers: headers.collect(), body: body.to_vec() };
        let answer = (self.post)(outgoing);
        self.note(&answer);
        let (status, body) = answer?;
        Ok(Response::builder().status(status).body(body.into())?)
    }
}

impl Posting {
    fn note(&self, answer: &Result<(u16, Vec<u8>), String>) {
        let fault = match answer {
            Ok((200..300, _)) => None,
            Ok((status, _)) => Some(format!("it answers {status}")),
            Err(fault) => Some(fault.clone()),
        };
        figures::TRACE_EXPORTS.add(&[if fault.is_none() { "done" } else { "failed" }], 1);
        let was_away = self.away.swap(fault.is_some(), Ordering::Relaxed);
        match fault {
            Some(fault) if !was_away => {
                tracing::warn!(error = fault, "the collector takes no traces, spans are dropped")
            }
            None if was_away => tracing::info!("the collector takes traces again"),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<'a>(set: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn traces_are_exported_when_a_collector_is_named_and_only_then() {
        let (any, traces) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
        assert!(wanted(of(&[(any, "http://collector:4318")])));
        assert!(wanted(of(&[(traces, "http://collector:4318/v1/traces")])));
        assert!(!wanted(of(&[])));
        assert!(!wanted(of(&[(any, " ")])));
        assert!(!wanted(of(&[(any, "http://c"), ("OTEL_SDK_DISABLED", "TRUE")])));
        assert!(!wanted(of(&[(any, "http://c"), ("OTEL_TRACES_EXPORTER", "none")])));
    }

    #[test]
    fn a_request_takes_as_long_as_the_environment_allows() {
        assert_eq!(timeout(of(&[])), TIMEOUT);
        assert_eq!(timeout(of(&[("OTEL_EXPORTER_OTLP_TIMEOUT", "250")])), Duration::from_millis(250));
        assert_eq!(timeout(of(&[("OTEL_EXPORTER_OTLP_TIMEOUT", "soon")])), TIMEOUT);
    }

    #[test]
    fn a_protocol_that_is_not_spoken_is_refused() {
        assert_eq!(protocol(of(&[])), Ok(()));
        assert_eq!(protocol(of(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")])), Ok(()));
        assert!(protocol(of(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")])).is_err());
        let one = [("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf")];
        assert_eq!(protocol(of(&one)), Ok(()), "the one of traces alone counts first");
    }
}
