//! Spans: made here alone, so that what is exported is what an operator follows and nothing of the libraries below.
//!
//! Names and attributes follow OpenTelemetry's conventions for HTTP servers and for messaging: a job is a message, enqueuing
//! sends it and a stage processes it. A stage is a child of what sent its job, and linked to the jobs that it waited for.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{TraceContextExt, TracerProvider as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::field::Empty;
use tracing::level_filters::LevelFilter;
use tracing::{Span, Subscriber, error_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use crate::asked::Asked;

/// Of every span that is exported. Filters of lines see them as errors, so that lines of any level have their ids.
const TARGET: &str = "telemetry";
/// Name of the header and of the field that W3C Trace Context carries a span in.
const TRACEPARENT: &str = "traceparent";
/// What OpenTelemetry's conventions call the queue.
const SYSTEM: &str = "lectern";

static EXPORTING: AtomicBool = AtomicBool::new(false);

pub(crate) fn set_exporting(exporting: bool) {
    EXPORTING.store(exporting, Ordering::Relaxed);
}

/// Whether spans go anywhere: without it nothing needs to be looked up or stored for them.
pub fn is_exporting() -> bool {
    EXPORTING.load(Ordering::Relaxed)
}

/// Exports spans through `provider`.
pub(crate) fn layer<S>(provider: &SdkTracerProvider) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let ours = filter_fn(|metadata| metadata.is_span() && metadata.target() == TARGET);
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("lectern"))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_level(false)
        .with_target(false)
        .with_filter(Asked(ours.with_max_level_hint(LevelFilter::ERROR)))
}

/// A request to be answered. `route` is the pattern that it matched, `traceparent` what it carries in that header.
pub fn request_span(method: &str, route: Option<&str>, request_id: Option<&str>, traceparent: Option<&str>) -> Span {
    let name = route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}"));
    let span = error_span!(target: TARGET, "request", otel.name = name, otel.kind = "server", otel.status_code = Empty,
        request_id, asset_id = Empty, trace_id = Empty);
    if is_exporting() {
        continue_from(&span, traceparent);
        span.set_attribute("http.request.method", method.to_owned());
        if let Some(route) = route {
            span.set_attribute("http.route", route.to_owned());
        }
        tell_trace(&span);
    }
    span
}

/// Says how a request was answered.
pub fn answered(span: &Span, status: u16) {
    if is_exporting() {
        span.set_attribute("http.response.status_code", i64::from(status));
    }
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
}

/// Says which asset the current request is about.
pub fn about_asset(asset_id: &str) {
    Span::current().record("asset_id", asset_id);
}

/// Jobs put into the queue at once, all of one asset. Nothing when nobody exports: it has no lines of its own.
pub fn send_span(asset_id: &str, jobs: usize) -> Span {
    if !is_exporting() {
        return Span::none();
    }
    let span = error_span!(target: TARGET, "send", otel.name = "send jobs", otel.kind = "producer", asset_id);
    span.set_attribute("messaging.system", SYSTEM);
    span.set_attribute("messaging.operation.type", "send");
    span.set_attribute("messaging.operation.name", "send");
    span.set_attribute("messaging.destination.name", "jobs");
    span.set_attribute("messaging.batch.message_count", i64::try_from(jobs).unwrap_or(i64::MAX));
    span
}

/// An attempt at a job, which `traceparent` sent; `awaited` are the attempts that it waited for, as [`current_traceparent`] told
/// them.
pub fn job_span(
    (stage, attempt): (&str, i64),
    (asset_id, job_id): (&str, &str),
    traceparent: Option<&str>,
    awaited: &[String],
) -> Span {
    let span = error_span!(target: TARGET, "job", otel.name = format!("process {stage}"), otel.kind = "consumer",
        otel.status_code = Empty, error.type = Empty, stage, attempt, asset_id, job_id, trace_id = Empty);
    if is_exporting() {
        continue_from(&span, traceparent);
        for awaited in awaited {
            span.add_link(context_of(awaited).span().span_context().clone());
        }
        span.set_attribute("messaging.system", SYSTEM);
        span.set_attribute("messaging.operation.type", "process");
        span.set_attribute("messaging.operation.name", "process");
        span.set_attribute("messaging.destination.name", "jobs");
        span.set_attribute("messaging.message.id", job_id.to_owned());
        tell_trace(&span);
    }
    span
}

/// Says that an attempt failed, and with which code.
pub fn failed(span: &Span, code: &str) {
    span.record("otel.status_code", "ERROR");
    span.record("error.type", code);
}

/// The current span as W3C Trace Context writes it, `00-TRACE-SPAN-FLAGS`, for another process to go on with. `None` when nobody
/// exports, or outside of every span.
pub fn current_traceparent() -> Option<String> {
    traceparent_of(&Span::current())
}

/// The same of any span.
pub fn traceparent_of(span: &Span) -> Option<String> {
    if !is_exporting() {
        return None;
    }
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&span.context(), &mut carrier);
    carrier.remove(TRACEPARENT)
}

fn continue_from(span: &Span, traceparent: Option<&str>) {
    if let Some(traceparent) = traceparent {
        // It fails only for spans that nobody exports.
        let _ = span.set_parent(context_of(traceparent));
    }
}

/// What is malformed is nobody's span.
fn context_of(traceparent: &str) -> Context {
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier)
}

/// Puts the trace's id on the lines within the span.
fn tell_trace(span: &Span) {
    let context = span.context();
    let in_trace = context.span().span_context().clone();
    if in_trace.is_valid() {
        span.record("trace_id", in_trace.trace_id().to_string());
    }
}
