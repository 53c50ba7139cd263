//! What a process says of itself: lines, traces, figures.
//!
//! - [`start`], [`Telemetry`]: logging, set up once per process: lines for people on a terminal, JSON otherwise; always on
//!   standard error, so that standard output stays what the command prints.
//! - [`Export`]: where finished spans go (OTLP over HTTP), when an operator has named a collector.
//! - [`request_span`], [`job_span`], [`send_span`]: the spans of which a trace consists; [`current_traceparent`] is what a job's
//!   row keeps of one, so that another process goes on with it.
//! - [`figures`]: counters and histograms of this process, for Prometheus.
//! - `testing` (a cargo feature): a collector on loopback.
//!
//! Layer 3: the wall around `opentelemetry`.

mod asked;
mod export;
pub mod figures;
mod lines;
mod spans;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

use std::time::Duration;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

pub use export::{Export, Outgoing, Post};
pub use spans::{
    about_asset, answered, current_traceparent, failed, is_exporting, job_span, request_span, send_span, traceparent_of,
};

/// At its end a process waits no longer than this for a collector to take the last spans.
const FLUSH: Duration = Duration::from_secs(3);

/// What was started; [`Telemetry::finish`] ends it.
#[must_use = "spans of the last seconds are lost unless it is finished"]
pub struct Telemetry(Option<opentelemetry_sdk::trace::SdkTracerProvider>);

/// Starts logging, and tracing if there is somewhere to export to. The filter that is asked for applies to lines, in the syntax of
/// [`EnvFilter`] (`info,sqlx=warn`), and `default_filter` in place of one that is none. Neither applies to spans that are exported.
pub fn start(asked: Option<&str>, default_filter: &str, export: Option<Export>) -> Telemetry {
    let asked = asked.and_then(|filter| EnvFilter::builder().parse(filter).ok());
    let filter = asked.unwrap_or_else(|| EnvFilter::new(default_filter));
    let (provider, fault) = export.map_or((None, None), |export| match export.provider() {
        Ok(provider) => (Some(provider), None),
        Err(fault) => (None, Some(fault)),
    });
    let traces = provider.as_ref().map(spans::layer);
    let registry = tracing_subscriber::registry().with(lines::layer().with_filter(asked::Asked(filter))).with(traces);
    // A second start in one process changes nothing.
    let is_first = registry.try_init().is_ok();
    spans::set_exporting(is_first && provider.is_some());
    if let Some(fault) = fault {
        tracing::error!(error = fault, "no traces are exported");
    }
    Telemetry(provider)
}

impl Telemetry {
    /// Hands over what has not been exported yet, for at most 3 s.
    pub fn finish(self) {
        if let Some(provider) = self.0 {
            // What cannot be handed over now is lost, which the export has said already.
            let _ = provider.shutdown_with_timeout(FLUSH);
        }
    }
}
