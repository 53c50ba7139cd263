//! The way to a collector of traces: the standard variables name it, this sends to it.

use std::time::Duration;

use http_client::header::{HeaderName, HeaderValue};
use http_client::{HeaderMap, HttpClient, Limits, Method, PlainHttp, Request};
use telemetry::{Export, Outgoing};

use crate::cli::Command;

/// What a process that goes on exports, where a collector is named. No other command does.
pub(crate) fn export(command: &Command) -> Option<Export> {
    if !matches!(command, Command::Serve(_) | Command::Worker(_)) || !Export::is_wanted() {
        return None;
    }
    let limits = Limits {
        connect: Duration::from_secs(5),
        whole: Export::timeout(),
        body_bytes: 1 << 20,
        at_once: 1,
        redirects: 0,
        // It stands in the same cluster or on the same machine more often than not, and the operator wrote `http`.
        plain_http: PlainHttp::Anywhere,
    };
    // Of its own: spans are sent when the one of the command has ended, too.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ready = runtime
        .map_err(|error| error.to_string())
        .and_then(|runtime| crate::http::configured(limits).map(|client| (runtime, client)));
    let post = move |outgoing: Outgoing| {
        let (runtime, client) = ready.as_ref().map_err(Clone::clone)?;
        runtime.block_on(send(client, outgoing))
    };
    Some(Export { post: Box::new(post), version: env!("CARGO_PKG_VERSION").to_owned() })
}

async fn send(client: &HttpClient, outgoing: Outgoing) -> Result<(u16, Vec<u8>), String> {
    let headers: HeaderMap = outgoing.headers.iter().filter_map(|(name, value)| header(name, value)).collect();
    let request = Request { method: Method::POST, url: outgoing.url, headers, body: outgoing.body.into() };
    let response = client.send(request).await.map_err(|error| kernel::problem::chain(&error))?;
    Ok((response.status.as_u16(), response.body))
}

fn header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let mut value: HeaderValue = value.parse().ok()?;
    // It may be what the collector knows its senders by.
    value.set_sensitive(true);
    Some((name.parse().ok()?, value))
}
