//! What a real collector is sent.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use telemetry::{Export, Outgoing};
use testing::{Collected, Collector};

#[path = "../src/testing.rs"]
#[expect(unreachable_pub, reason = "public where it is a part of the library")]
mod testing;

/// One request, without any library of the sender's.
fn post(address: &str, outgoing: &Outgoing) -> Result<(u16, Vec<u8>), String> {
    let mut connection = TcpStream::connect(address).map_err(|error| error.to_string())?;
    let mut head = format!("POST /v1/traces HTTP/1.1\r\nHost: c\r\nContent-Length: {}\r\n", outgoing.body.len());
    for (name, value) in &outgoing.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    connection.write_all(format!("{head}\r\n").as_bytes()).and_then(|()| connection.write_all(&outgoing.body)).unwrap();
    let mut status = [0; 12];
    connection.read_exact(&mut status).unwrap();
    Ok((String::from_utf8_lossy(&status[9..]).parse().unwrap(), Vec::new()))
}

#[test]
fn a_job_goes_on_with_the_trace_it_was_sent_in_and_is_linked_to_what_it_waited_for() {
    let collector = Collector::start();
    let address = collector.endpoint().trim_start_matches("http://").to_owned();
    let sent_to = address.clone();
    let export = Export { post: Box::new(move |outgoing| post(&sent_to, &outgoing)), version: "1.2.3".to_owned() };
    let telemetry = telemetry::start(Some("error,driver=debug"), "off", Some(export));

    let client = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let request = telemetry::request_span("PUT", Some("/api/v1/uploads/{id}"), Some("req_1"), Some(client));
    let sent_in = request.in_scope(|| {
        telemetry::about_asset("as_1");
        telemetry::traceparent_of(&telemetry::send_span("as_1", 2)).unwrap()
    });
    telemetry::answered(&request, 204);
    drop(request);
    // As drivers of databases ask, before they put a statement into words.
    assert!(tracing::enabled!(target: "driver", tracing::Level::DEBUG));
    let first = telemetry::job_span(("encode_range", 1), ("as_1", "job_1"), Some(&sent_in), &[]);
    let awaited = first.in_scope(telemetry::current_traceparent).unwrap();
    telemetry::failed(&first, "engine.crashed");
    drop(first);
    let malformed = "00-nonsense".to_owned();
    drop(telemetry::job_span(("publish_complete", 3), ("as_1", "job_2"), Some(&sent_in), &[awaited, malformed]));
    drop(tracing::error_span!("of a library"));
    // Another trace, as of a version that stored no span.
    drop(telemetry::job_span(("probe", 1), ("as_2", "job_3"), None, &[]));
    telemetry.finish();

    let spans: BTreeMap<String, Collected> =
        collector.spans().into_iter().map(|span| (span.name.clone(), span)).collect();
    let names: Vec<&str> = spans.keys().map(String::as_str).collect();
    let all =
        ["PUT /api/v1/uploads/{id}", "process encode_range", "process probe", "process publish_complete", "send jobs"];
    assert_eq!(names, all);
    let [put, range, other, publish, send] = all.map(|name| &spans[name]);
    for span in [put, send, range, publish] {
        assert_eq!(span.trace_id, "0af7651916cd43dd8448eb211c80319c", "{span:?}");
        assert_eq!(span.attributes["asset_id"], "as_1", "{span:?}");
        assert_eq!(span.resource["service.name"], "lectern");
        assert_eq!(span.resource["service.version"], "1.2.3");
        assert_eq!(span.resource["process.pid"], std::process::id().to_string());
    }
    assert_eq!((put.parent_span_id.as_str(), put.kind), ("b7ad6b7169203331", 2));
    assert_eq!((&send.parent_span_id, send.kind), (&put.span_id, 4));
    assert_eq!((&range.parent_span_id, range.kind), (&send.span_id, 5));
    assert_eq!(&publish.parent_span_id, &send.span_id);
    assert_eq!(publish.links[0], (range.trace_id.clone(), range.span_id.clone()));
    assert!(range.links.is_empty());
    assert_eq!((put.attributes["http.response.status_code"].as_str(), put.is_error), ("204", false));
    assert_eq!((range.attributes["error.type"].as_str(), range.is_error), ("engine.crashed", true));
    assert_eq!((range.attributes["job_id"].as_str(), range.attributes["attempt"].as_str()), ("job_1", "1"));
    assert_eq!(send.attributes["messaging.batch.message_count"], "2");
    assert_eq!(publish.attributes["messaging.operation.type"], "process");
    assert!(other.parent_span_id.is_empty() && other.trace_id != put.trace_id, "{other:?}");
}
