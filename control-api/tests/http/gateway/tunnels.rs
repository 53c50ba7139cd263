//! Requests that leave HTTP, by a client and a unit that speak it byte for byte.

use std::time::Duration;

use control_api::{Bounds, MEDIA};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::front::{Front, raw, say, until};
use crate::server::TOKEN;

const PATIENCE: Duration = Duration::from_secs(30);
const SWITCHES: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
                          sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
const ONE: &str = "lectern_gateway_tunnels 1";
const NONE: &str = "lectern_gateway_tunnels 0";

/// Leaves HTTP at once, and says again whatever it hears.
async fn echo(mut stream: TcpStream, _number: usize) {
    stream.write_all(SWITCHES).await.unwrap();
    let (mut from, mut to) = stream.split();
    let _ = tokio::io::copy(&mut from, &mut to).await;
    let _ = to.shutdown().await;
}

/// Sends a request for a WebSocket; the head of the answer, and the connection.
async fn knock(front: &Front, upgrade: &str) -> (String, TcpStream) {
    let mut stream = TcpStream::connect(front.address).await.unwrap();
    let request = format!(
        "GET /api/v1/events?after=1 HTTP/1.1\r\nHost: school.example\r\nAuthorization: Bearer {TOKEN}\r\n\
         Connection: keep-alive, Upgrade\r\nUpgrade: {upgrade}\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nLectern-Identity: root\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(PATIENCE, stream.read_u8()).await.expect("there is an answer").unwrap());
    }
    (String::from_utf8(head).unwrap().to_ascii_lowercase(), stream)
}

/// What comes until the other side has nothing more to say.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("it ends").unwrap();
    bytes
}

async fn said_again(stream: &mut TcpStream, words: &[u8]) {
    stream.write_all(words).await.unwrap();
    let mut heard = vec![0; words.len()];
    timeout(PATIENCE, stream.read_exact(&mut heard)).await.expect("it is said again").unwrap();
    assert_eq!(heard, words);
}

#[tokio::test]
async fn a_websocket_goes_to_the_unit_and_both_sides_hear_each_other_until_one_of_them_ends_it() {
    let (at, _) = raw(echo).await;
    let front = Front::before(&[(&MEDIA, at)], Bounds::default()).await;
    let (head, mut stream) = knock(&front, "websocket").await;
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    for line in
        ["\nconnection: upgrade\r", "\nupgrade: websocket\r", "\nsec-websocket-accept: s3ppl", "\nx-request-id: "]
    {
        assert!(head.contains(line), "{line:?} in {head}");
    }
    // Frames are none of the gateway's business: any bytes, and many of them.
    said_again(&mut stream, b"\x81\x05hello").await;
    said_again(&mut stream, &vec![7; 1 << 16]).await;
    assert!(front.figure(ONE).await);
    assert!(front.figure(r#"lectern_gateway_requests_in_flight{unit="media"} 1"#).await, "it is under way");
    stream.shutdown().await.unwrap();
    assert!(rest(&mut stream).await.is_empty(), "what the unit hears last is the end");
    until("the place to be free", async || {
        front.figure(NONE).await && front.figure(r#"lectern_gateway_requests_in_flight{unit="media"} 0"#).await
    })
    .await;
}

#[tokio::test]
async fn a_unit_that_stays_with_http_answers_by_it() {
    let refusal = "HTTP/1.1 426 Upgrade Required\r\nupgrade: websocket\r\ncontent-length: 2\r\n\r\nno";
    let (at, _) = raw(move |stream, _| say(stream, refusal)).await;
    let front = Front::before(&[(&MEDIA, at)], Bounds::default()).await;
    let (head, mut stream) = knock(&front, "websocket").await;
    assert!(head.starts_with("http/1.1 426 "), "{head}");
    let mut body = [0; 2];
    stream.read_exact(&mut body).await.unwrap();
    assert_eq!((&body, front.figure(NONE).await), (b"no", true));
}

#[tokio::test]
async fn neither_a_protocol_of_requests_nor_one_that_nobody_asked_for_is_spoken_through_the_gateway() {
    let (at, _) = raw(echo).await;
    for upgrade in ["h2c", "TLS/1.2", "other"] {
        let front = Front::before(&[(&MEDIA, at)], Bounds::default()).await;
        let (head, _stream) = knock(&front, upgrade).await;
        assert!(head.starts_with("http/1.1 503 ") && !head.contains("\nupgrade:"), "{upgrade}: {head}");
        assert!(front.figure(NONE).await);
    }
}

#[tokio::test]
async fn no_more_connections_leave_http_than_may_and_one_that_is_silent_is_ended() {
    let (at, _) = raw(echo).await;
    let bounds = Bounds { tunnels: 1, ..Bounds::default() };
    let front = Front::before(&[(&MEDIA, at)], bounds).await;
    let (_, mut first) = knock(&front, "websocket").await;
    said_again(&mut first, b"one").await;
    let (head, _second) = knock(&front, "websocket").await;
    assert!(head.starts_with("http/1.1 503 ") && head.contains("\nretry-after: "), "{head}");
    drop(first);
    until("room for another", async || front.figure(NONE).await).await;

    let bounds = Bounds { quiet: Duration::from_millis(100), ..Bounds::default() };
    let front = Front::before(&[(&MEDIA, at)], bounds).await;
    let (head, mut silent) = knock(&front, "websocket").await;
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    assert!(rest(&mut silent).await.is_empty());
    until("the place to be free", async || front.figure(NONE).await).await;
}

#[tokio::test]
async fn a_gateway_that_is_to_end_tells_both_sides() {
    let (tell, mut told) = tokio::sync::mpsc::channel(1);
    let (at, _) = raw(move |stream, number| {
        let tell = tell.clone();
        async move {
            echo(stream, number).await;
            tell.send(()).await.unwrap();
        }
    })
    .await;
    let front = Front::before(&[(&MEDIA, at)], Bounds::default()).await;
    let (_, mut stream) = knock(&front, "websocket").await;
    said_again(&mut stream, b"one").await;
    front.stop.send_replace(true);
    assert!(rest(&mut stream).await.is_empty(), "an end, and no broken connection");
    timeout(PATIENCE, told.recv()).await.expect("the unit hears of it too").unwrap();
    until("the place to be free", async || front.figure(NONE).await).await;
}
