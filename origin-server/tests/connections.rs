//! Connections that say nothing, say it slowly, or are open when the process is to end.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::post;
use common::{HLS, Server, eager, noise, publish};
use media_store::MemoryStore;
use origin_server::{ServeLimits, Tls, serve_over, serve_with};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

const DEADLINE: Duration = Duration::from_secs(60);
const SIZE: usize = 24_000_000;

async fn server(limits: ServeLimits) -> Server {
    let store = Arc::new(MemoryStore::default());
    let files = [("master.m3u8", HLS, b"#EXTM3U\n".to_vec()), ("big.mp4", "video/mp4", noise(SIZE, 1))];
    publish(&*store, 1, &files).await;
    Server::start_with(store, eager(), limits).await
}

/// Reads to the end, which must come before the deadline; what was read.
async fn read_to_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = timeout(DEADLINE, stream.read_to_end(&mut bytes)).await.expect("the server hangs up in time");
    bytes
}

#[tokio::test]
async fn a_silent_or_stuck_client_is_hung_up_on() {
    let short = Duration::from_millis(200);
    let limits =
        ServeLimits { header_timeout: short, idle_timeout: short, max_connections: 1, ..ServeLimits::default() };
    let server = server(limits).await;
    for said in ["", "PRI * HTTP/2.0\r\n", "GET /p/pb_1/master.m3u8 HTTP/1.1\r\nHost:"] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        read_to_end(&mut stream).await;
    }
    let mut stalled = TcpStream::connect(server.address).await.unwrap();
    stalled.write_all(b"GET /p/pb_1/g1/big.mp4 HTTP/1.1\r\nHost: o\r\n\r\n").await.unwrap();
    let mut first = [0; 100];
    stalled.read_exact(&mut first).await.unwrap();
    // Not reading: the sockets' buffers fill, nothing moves, and with one connection allowed the next client is only
    // served once this one has been hung up on.
    let next = timeout(DEADLINE, server.get("/p/pb_1/master.m3u8", &[])).await;
    assert_eq!(next.expect("the stalled download gives up its place").body, "#EXTM3U\n");
    let mut rest = Vec::new();
    let _ = timeout(DEADLINE, stalled.read_to_end(&mut rest)).await.unwrap();
    assert!(rest.len() < SIZE);
}

#[tokio::test]
async fn a_client_whose_answer_takes_long_is_not_hung_up_on_and_one_that_sends_half_a_request_is() {
    let limits = ServeLimits { idle_timeout: Duration::from_millis(200), ..ServeLimits::default() };
    let (release, released) = tokio::sync::watch::channel(false);
    let slow = move |body: String| {
        let mut released = released.clone();
        async move {
            released.wait_for(|now| *now).await.unwrap();
            body
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/slow", post(slow));
    tokio::spawn(serve_with(listener, router, limits, std::future::pending()));
    let head = b"POST /slow HTTP/1.1\r\nHost: o\r\nConnection: close\r\nContent-Length: 4\r\n\r\n";
    let mut whole = TcpStream::connect(address).await.unwrap();
    whole.write_all(&[&head[..], b"body"].concat()).await.unwrap();
    // Each of these is hung up on after one patience, so the other has been waiting for three.
    for _ in 0..3 {
        let mut half = TcpStream::connect(address).await.unwrap();
        half.write_all(&[&head[..], b"bo"].concat()).await.unwrap();
        assert!(!read_to_end(&mut half).await.starts_with(b"HTTP/1.1 200"));
    }
    release.send_replace(true);
    let answer = read_to_end(&mut whole).await;
    assert!(answer.starts_with(b"HTTP/1.1 200") && answer.ends_with(b"body"), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn garbage_is_answered_or_hung_up_on_and_the_next_client_is_served() {
    let server = server(ServeLimits::default()).await;
    let long = format!("GET /p/{} HTTP/1.1\r\nHost: o\r\n\r\n", "x".repeat(70_000));
    for said in ["\0\0\0\0\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET \u{ff}\u{fe} HTTP/1.1\r\n\r\n", &long] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let answer = read_to_end(&mut stream).await;
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&answer));
    }
    assert_eq!(server.get("/p/pb_1/master.m3u8", &[]).await.body, "#EXTM3U\n");
}

#[tokio::test]
async fn a_shutdown_ends_idle_connections_and_lets_responses_finish() {
    let mut server = server(ServeLimits::default()).await;
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    idle.write_all(b"GET /p/pb_1/master.m3u8 HTTP/1.1\r\nHost: o\r\n\r\n").await.unwrap();
    let mut first = [0; 12];
    idle.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    let mut busy = TcpStream::connect(server.address).await.unwrap();
    busy.write_all(b"GET /p/pb_1/g1/big.mp4 HTTP/1.1\r\nHost: o\r\n\r\n").await.unwrap();
    busy.read_exact(&mut first).await.unwrap();

    server.begin_stop();
    assert!(read_to_end(&mut idle).await.ends_with(b"#EXTM3U\n"));
    let body = read_to_end(&mut busy).await;
    assert!(body.ends_with(&noise(SIZE, 1)), "{} bytes", body.len());
    timeout(DEADLINE, server.stopped()).await.expect("the server ends");
}

#[tokio::test]
async fn a_drain_has_an_end() {
    let limits = ServeLimits { drain_timeout: Duration::from_millis(100), ..ServeLimits::default() };
    let mut server = server(limits).await;
    let mut busy = TcpStream::connect(server.address).await.unwrap();
    busy.write_all(b"GET /p/pb_1/g1/big.mp4 HTTP/1.1\r\nHost: o\r\n\r\n").await.unwrap();
    let mut first = [0; 12];
    busy.read_exact(&mut first).await.unwrap();
    server.begin_stop();
    timeout(DEADLINE, server.stopped()).await.expect("the server ends although a client does not read");
    assert!(read_to_end(&mut busy).await.len() < SIZE);
}

#[tokio::test]
async fn a_not_modified_claims_no_length_and_leaves_the_connection_in_step() {
    let server = server(ServeLimits::default()).await;
    for method in ["GET", "HEAD"] {
        let ask = format!("{method} /p/pb_1/g1/big.mp4 HTTP/1.1\r\nHost: o\r\nIf-None-Match: *\r\n\r\n");
        let last = "GET /p/pb_1/master.m3u8 HTTP/1.1\r\nHost: o\r\nConnection: close\r\n\r\n";
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(format!("{ask}{last}").as_bytes()).await.unwrap();
        let answers = String::from_utf8(read_to_end(&mut stream).await).unwrap();
        let (first, second) = answers.split_once("\r\n\r\n").unwrap();
        assert!(first.starts_with("HTTP/1.1 304") && second.starts_with("HTTP/1.1 200"), "{answers}");
        let first = first.to_ascii_lowercase();
        assert!(!first.contains("\ncontent-length:") && !first.contains("\ntransfer-encoding:"), "{first}");
        assert!(second.ends_with("#EXTM3U\n"));
    }
}

#[tokio::test]
async fn http_2_is_spoken_with_prior_knowledge() {
    let server = server(ServeLimits::default()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let empty_settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    stream.write_all(&empty_settings).await.unwrap();
    let mut frame = [0; 9];
    timeout(DEADLINE, stream.read_exact(&mut frame)).await.unwrap().unwrap();
    assert_eq!((frame[3], &frame[5..]), (4, &[0; 4][..]), "the server's preface is a SETTINGS frame on stream 0");
}

/// Connects with TLS, trusting this certificate alone, and offers this protocol.
async fn over_tls(
    address: std::net::SocketAddr,
    trusted: &[u8],
    protocol: &str,
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusted).unwrap()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

#[tokio::test]
async fn over_tls_both_protocols_are_spoken_and_a_certificate_that_changes_is_shown_to_who_comes_next() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("cert"), folder.path().join("key"));
    let put = |pair: &str| {
        let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
        std::fs::copy(data.join(format!("{pair}.cert.pem")), &certificate).unwrap();
        std::fs::copy(data.join(format!("{pair}.key.pem")), &key).unwrap();
    };
    let (one, two) = (include_bytes!("data/one.cert.pem"), include_bytes!("data/two.cert.pem"));
    put("one");
    let tls = Tls::open(&certificate, &key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/", axum::routing::get(|| async { "here" }));
    let limits = ServeLimits { header_timeout: Duration::from_secs(5), ..ServeLimits::default() };
    tokio::spawn(serve_over(listener, Some(tls.clone()), router, limits, std::future::pending()));

    let mut stream = over_tls(address, one, "http/1.1").await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    timeout(DEADLINE, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200") && answer.ends_with(b"here"), "{}", String::from_utf8_lossy(&answer));

    let mut stream = over_tls(address, one, "h2").await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    // The preface, and settings without any (RFC 9113 §3.4); settings are what comes first in return.
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut head = [0; 9];
    timeout(DEADLINE, stream.read_exact(&mut head)).await.unwrap().unwrap();
    assert_eq!(head[3], 4, "{head:?}");

    assert!(over_tls(address, two, "h2").await.is_err());
    put("two");
    assert!(tls.renew().unwrap());
    over_tls(address, two, "http/1.1").await.unwrap();
    assert!(over_tls(address, one, "http/1.1").await.is_err());
}

#[tokio::test]
async fn who_comes_without_tls_or_says_nothing_is_hung_up_on() {
    let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let tls = Tls::open(&data.join("one.cert.pem"), &data.join("one.key.pem")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let limits = ServeLimits { header_timeout: Duration::from_millis(200), ..ServeLimits::default() };
    tokio::spawn(serve_over(listener, Some(tls), Router::new(), limits, std::future::pending()));
    for said in ["", "GET / HTTP/1.1\r\nHost: o\r\n\r\n"] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        assert!(!read_to_end(&mut stream).await.starts_with(b"HTTP"), "{said:?}");
    }
}
