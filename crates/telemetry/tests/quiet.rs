//! Without a collector spans lead nowhere and cost next to nothing.

#![allow(clippy::unwrap_used)]

use std::time::Instant;

#[test]
fn without_a_collector_nothing_is_made_that_would_have_to_be_stored() {
    telemetry::start(None, "off", None).finish();
    assert!(!telemetry::is_exporting());
    assert!(telemetry::send_span("as_1", 3).is_none());
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let span = telemetry::job_span(("probe", 1), ("as_1", "job_1"), Some(parent), &[]);
    assert_eq!(span.in_scope(telemetry::current_traceparent), None);

    let began = Instant::now();
    for _ in 0..10_000 {
        let span = telemetry::request_span("GET", Some("/api/v1/assets"), Some("req_1"), Some(parent));
        telemetry::answered(&span, 200);
    }
    let each = began.elapsed() / 10_000;
    println!("{each:?} for each request");
    assert!(each.as_micros() < 200, "{each:?} for each request");
}
