//! A collector that does not answer costs the process nothing but its traces.

#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use telemetry::{Export, Outgoing};

#[test]
fn spans_are_dropped_when_the_collector_hangs_and_the_end_is_not_held_up() {
    // Held to the end of the test: a request to the collector waits for it.
    let (hold, held) = mpsc::channel::<()>();
    let (held, asked) = (Mutex::new(held), Arc::new(AtomicUsize::new(0)));
    let counted = asked.clone();
    let post = move |_: Outgoing| {
        counted.fetch_add(1, Ordering::Relaxed);
        let _ = held.lock().unwrap().recv();
        Err("away".to_owned())
    };
    let telemetry = telemetry::start(None, "off", Some(Export { post: Box::new(post), version: "1.2.3".to_owned() }));
    assert!(telemetry::is_exporting());

    let began = Instant::now();
    for number in 0..20_000 {
        let span = telemetry::job_span(("probe", 1), ("as_1", &format!("job_{number}")), None, &[]);
        assert_eq!(span.in_scope(telemetry::current_traceparent).unwrap().len(), 55, "W3C Trace Context, version 00");
    }
    // Ten times as many as may wait. Were one of them to wait for the collector, all would.
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());

    let began = Instant::now();
    telemetry.finish();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(asked.load(Ordering::Relaxed), 1, "the first batch is still under way");
    drop(hold);
}
