//! What a client does with a server, and with one that misbehaves.
#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::header::LOCATION;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::testing::{endless, full, serve, stalled};

const AUTHORITY: &[u8] = include_bytes!("../../tests/data/authority.cert.pem");
const SERVER: &[u8] = include_bytes!("../../tests/data/server.cert.pem");
const SERVER_KEY: &[u8] = include_bytes!("../../tests/data/server.key.pem");

/// What is waited for in vain.
const SHORT: Duration = Duration::from_millis(200);

fn url(address: SocketAddr, path: &str) -> String {
    format!("http://{address}{path}")
}

fn answer(body: impl Into<Bytes>) -> hyper::Response<crate::testing::Body> {
    hyper::Response::new(full(body))
}

fn redirect(location: &str) -> hyper::Response<crate::testing::Body> {
    let mut response = answer("moved");
    *response.status_mut() = StatusCode::FOUND;
    response.headers_mut().insert(LOCATION, location.parse().unwrap());
    response
}

async fn refused(client: &HttpClient, url: String) -> HttpError {
    client.send(Request::get(url)).await.err().unwrap()
}

#[tokio::test]
async fn a_request_arrives_as_it_is_and_so_does_its_answer() {
    let address = serve(|request: hyper::Request<Bytes>| async move {
        assert_eq!((request.method(), request.uri().path()), (&Method::PUT, "/a/b"));
        assert_eq!(request.uri().query(), Some("c=d%20e"));
        assert_eq!(request.headers()["x-mine"], "1");
        assert_eq!(request.headers()["content-length"], "5");
        assert!(request.headers()["user-agent"].to_str().unwrap().starts_with("lectern/"));
        let mut response = answer(request.into_body());
        *response.status_mut() = StatusCode::IM_A_TEAPOT;
        response.headers_mut().insert("x-yours", HeaderValue::from_static("2"));
        response
    })
    .await;
    let mut request = Request::get(url(address, "/a/b?c=d e#f"));
    request.method = Method::PUT;
    request.headers.insert("x-mine", HeaderValue::from_static("1"));
    request.body = Bytes::from_static(b"hello");
    let response = HttpClient::new(Limits::default()).send(request).await.unwrap();
    assert_eq!((response.status.as_u16(), &response.body[..]), (418, &b"hello"[..]));
    assert_eq!(
        (&response.headers["x-yours"], response.url),
        (&HeaderValue::from_static("2"), url(address, "/a/b?c=d%20e"))
    );
}

#[tokio::test]
async fn an_answer_is_no_longer_than_it_may_be() {
    let address = serve(|request: hyper::Request<Bytes>| async move {
        match request.uri().path() {
            "/endless" => hyper::Response::new(endless()),
            "/just" => answer(vec![7; 1000]),
            _ => answer(vec![7; 1001]),
        }
    })
    .await;
    let client = HttpClient::new(Limits { body_bytes: 1000, ..Limits::default() });
    assert_eq!(client.send(Request::get(url(address, "/just"))).await.unwrap().body, [7; 1000]);
    for path in ["/one-more", "/endless"] {
        assert!(matches!(refused(&client, url(address, path)).await, HttpError::TooLarge(1000)), "{path}");
    }
}

#[tokio::test]
async fn the_whole_has_a_deadline_whatever_is_slow() {
    let address = serve(|request: hyper::Request<Bytes>| async move {
        match request.uri().path() {
            "/silent" => std::future::pending().await,
            _ => hyper::Response::new(stalled()),
        }
    })
    .await;
    let client = HttpClient::new(Limits { whole: SHORT, ..Limits::default() });
    for path in ["/silent", "/stalled"] {
        let error = refused(&client, url(address, path)).await;
        assert!(matches!(error, HttpError::Deadline(SHORT)), "{path}");
        assert_eq!(error.to_string(), "there was no whole answer within 200 ms");
    }
}

#[tokio::test]
async fn a_connection_has_a_deadline_of_its_own() {
    // It accepts, by its backlog, and never says a word of TLS.
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = mute.local_addr().unwrap();
    let client = HttpClient::new(Limits { connect: SHORT, ..Limits::default() });
    let error = refused(&client, format!("https://{address}/")).await;
    assert!(matches!(error, HttpError::Connect { .. }), "{error}");
    assert_eq!(error.to_string(), format!("{address} cannot be connected to: there was no connection within 200 ms"));
}

#[tokio::test]
async fn what_does_not_listen_or_does_not_speak_http_is_told_apart() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let client = HttpClient::new(Limits::default());
    let error = refused(&client, url(free, "/?token=secret")).await;
    assert!(matches!(error, HttpError::Connect { .. }), "{error}");
    assert!(error.to_string().contains("refused") && !format!("{error} {error:?}").contains("secret"), "{error:?}");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"220 mail ready\r\n").await.unwrap();
    });
    assert!(matches!(refused(&client, url(address, "/")).await, HttpError::Exchange { .. }));
}

#[tokio::test]
async fn a_redirect_is_followed_only_where_that_is_wanted() {
    let elsewhere = serve(|request: hyper::Request<Bytes>| async move {
        let told = request.headers().get("authorization").map_or("nothing", |value| value.to_str().unwrap()).to_owned();
        answer(told)
    })
    .await;
    let there = url(elsewhere, "/there");
    let address = serve(move |request: hyper::Request<Bytes>| {
        let there = there.clone();
        async move {
            match request.uri().path() {
                "/away" => redirect(&there),
                "/twice" => redirect("here"),
                "/out" => redirect("http://192.0.2.1/"),
                "/round" => redirect("/round"),
                _ => answer(request.headers()["authorization"].as_bytes().to_vec()),
            }
        }
    })
    .await;
    let asked = |path: &str| {
        let mut request = Request::get(url(address, path));
        request.headers.insert("authorization", HeaderValue::from_static("Bearer mine"));
        request
    };
    let plain = HttpClient::new(Limits::default());
    let response = plain.send(asked("/twice")).await.unwrap();
    assert_eq!((response.status.as_u16(), &response.body[..]), (302, &b"moved"[..]));

    let following = HttpClient::new(Limits { redirects: 2, ..Limits::default() });
    let response = following.send(asked("/twice")).await.unwrap();
    assert_eq!((&response.body[..], response.url), (&b"Bearer mine"[..], url(address, "/here")));
    let response = following.send(asked("/away")).await.unwrap();
    assert_eq!(
        (&response.body[..], response.url),
        (&b"nothing"[..], url(elsewhere, "/there")),
        "it is for the first alone"
    );
    assert!(matches!(following.send(asked("/round")).await, Err(HttpError::Redirects(2))));
    assert!(matches!(following.send(asked("/out")).await, Err(HttpError::Url { .. })));
    let posted = Request { method: Method::POST, ..asked("/twice") };
    assert_eq!(following.send(posted).await.unwrap().status, 302, "what changes something is not sent elsewhere");
}

#[tokio::test]
async fn plain_text_does_not_leave_the_machine_unasked() {
    let client = HttpClient::new(Limits { connect: SHORT, ..Limits::default() });
    assert!(matches!(refused(&client, "http://192.0.2.1/".to_owned()).await, HttpError::Url { .. }));
    assert!(client.check_url("http://192.0.2.1/").is_err() && client.check_url("https://192.0.2.1/").is_ok());
}

#[tokio::test]
async fn only_so_many_requests_are_out_at_once() {
    let arrived = Arc::new(AtomicUsize::new(0));
    let gate = Arc::new(Semaphore::new(0));
    let (counted, waited) = (Arc::clone(&arrived), Arc::clone(&gate));
    let address = serve(move |_| {
        let (counted, waited) = (Arc::clone(&counted), Arc::clone(&waited));
        async move {
            counted.fetch_add(1, Ordering::SeqCst);
            waited.acquire().await.unwrap().forget();
            answer("")
        }
    })
    .await;
    let client = HttpClient::new(Limits { at_once: 2, ..Limits::default() });
    let tasks: Vec<_> = (0..5)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.send(Request::get(url(address, "/"))).await.map(drop) })
        })
        .collect();
    while arrived.load(Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(arrived.load(Ordering::SeqCst), 2);
    gate.add_permits(5);
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(arrived.load(Ordering::SeqCst), 5);
}

/// A server with the certificate that the authority of the tests gave it.
async fn serve_tls() -> SocketAddr {
    let chain = CertificateDer::pem_slice_iter(SERVER).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(SERVER_KEY).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(chain, key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            let service = service_fn(|_| async { Ok::<_, std::convert::Infallible>(answer("over TLS")) });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

#[tokio::test]
async fn a_certificate_is_trusted_by_its_authority_alone_and_for_its_name_alone() {
    let address = serve_tls().await;
    let ours = HttpClient::trusting(Limits::default(), AUTHORITY).unwrap();
    let response = ours.send(Request::get(format!("https://{address}/"))).await.unwrap();
    assert_eq!(response.body, b"over TLS");
    let stranger = refused(&HttpClient::new(Limits::default()), format!("https://{address}/")).await;
    assert!(stranger.to_string().contains("invalid peer certificate: UnknownIssuer"), "{stranger}");
    let misnamed = refused(&ours, format!("https://localhost:{}/", address.port())).await;
    assert!(matches!(misnamed, HttpError::Connect { .. }), "{misnamed}");
    assert!(misnamed.to_string().contains("certificate not valid for name"), "{misnamed}");
}

#[test]
fn a_list_of_authorities_is_checked_when_it_is_read() {
    let read = |pem: &[u8]| HttpClient::trusting(Limits::default(), pem).err();
    assert_eq!(read(AUTHORITY), None);
    assert_eq!(read(&[AUTHORITY, SERVER].concat()), None);
    assert_eq!(read(b"nothing"), Some(RootsError::Empty));
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert_eq!(read(&[AUTHORITY, broken.as_bytes()].concat()), Some(RootsError::Malformed(2)));
}

#[tokio::test]
async fn a_guarded_client_asks_no_machine_that_it_must_not_by_name_or_by_address() {
    let asked = std::sync::Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let address = serve(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        async { answer("here") }
    })
    .await;
    let limits = || Limits { plain_http: PlainHttp::Anywhere, ..Limits::default() };
    let port = address.port();
    let addresses = ["127.0.0.1", "localhost", "127.1", "[::ffff:127.0.0.1]", "[::1]", "0.0.0.0", "169.254.169.254"];
    let guarded = HttpClient::guarded(limits(), Egress::public(), None).unwrap();
    for host in addresses {
        let error = refused(&guarded, format!("http://{host}:{port}/")).await;
        let text = error.to_string();
        assert!(matches!(error, HttpError::Connect { .. }) && text.contains("is no public address"), "{host}: {text}");
    }
    assert_eq!(asked.load(Ordering::Relaxed), 0, "nothing was even connected to");
    let allowing = HttpClient::guarded(limits(), Egress::allowing("127.0.0.0/8").unwrap(), None).unwrap();
    for host in ["127.0.0.1", "localhost"] {
        let response = allowing.send(Request::get(format!("http://{host}:{port}/"))).await.unwrap();
        assert_eq!(response.body, b"here", "{host}");
    }
}

#[tokio::test]
async fn whoever_wants_the_status_alone_takes_as_much_of_the_body_as_comes() {
    let address = serve(|request: hyper::Request<Bytes>| async move {
        match request.uri().path() {
            "/endless" => hyper::Response::new(endless()),
            "/stalled" => hyper::Response::new(stalled()),
            _ => answer("short"),
        }
    })
    .await;
    let client = HttpClient::new(Limits { body_bytes: 3000, ..Limits::default() });
    for (path, length) in [("/endless", 3000), ("/stalled", 1024), ("/", 5)] {
        let response = client.send_for_status(Request::get(url(address, path))).await.unwrap();
        assert_eq!((response.status.as_u16(), response.body.len()), (200, length), "{path}");
    }
}
