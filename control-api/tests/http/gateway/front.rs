//! A gateway before units that are whatever a test makes of them, and a client.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use control_api::{Bounds, FrontOptions, Gateway, GatewayOptions, Origins};
use http_client::Base;
use hyper::Response;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kernel::auth::Vouching;
use kernel::{AdminToken, Directory, Limiter, Proxies, Rates, Unit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::server::{Answer, TOKEN, read};

/// A gateway that is being asked.
pub(super) struct Front {
    pub(super) address: SocketAddr,
    client: Client<HttpConnector, Body>,
    /// Turns true when the process is to end.
    pub(super) stop: watch::Sender<bool>,
    _tasks: JoinSet<()>,
}

/// Where nothing is, until something is.
pub(super) async fn nowhere() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

/// Serves `router` as a unit does, at a free port.
pub(super) async fn unit(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

/// Has `talk` do as it likes with each connection, once the head of a request has come, which is given with the number of requests
/// so far.
pub(super) async fn raw<F>(
    talk: impl Fn(TcpStream, usize) -> F + Send + Sync + 'static,
) -> (SocketAddr, Arc<AtomicUsize>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, asked) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                let mut piece = [0; 1024];
                match stream.read(&mut piece).await {
                    Ok(read @ 1..) => head.extend_from_slice(&piece[..read]),
                    _ => break,
                }
            }
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            tokio::spawn(talk(stream, number));
        }
    });
    (address, asked)
}

/// Writes this, and closes the connection.
pub(super) async fn say(mut stream: TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
}

/// Waits until `check` holds, for a limited time.
pub(super) async fn until(what: &str, check: impl AsyncFn() -> bool) {
    crate::server::until(what, async || check().await.then_some(())).await;
}

impl Front {
    /// Before these units.
    pub(super) async fn before(elsewhere: &[(&'static Unit, SocketAddr)], bounds: Bounds) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::at(listener, elsewhere, bounds)
    }

    pub(super) fn at(listener: TcpListener, elsewhere: &[(&'static Unit, SocketAddr)], bounds: Bounds) -> Self {
        Self::knowing(listener, elsewhere, bounds, None)
    }

    /// One that knows keys, and tells units of them.
    pub(super) fn knowing(
        listener: TcpListener,
        elsewhere: &[(&'static Unit, SocketAddr)],
        bounds: Bounds,
        known: Option<(Arc<dyn Directory>, Vouching)>,
    ) -> Self {
        let (directory, vouching) = known.unzip();
        let base = |at: &SocketAddr| Base::new(&format!("http://{at}")).unwrap();
        let elsewhere = elsewhere.iter().map(|(unit, at)| (*unit, base(at))).collect();
        let here = vec![&control_api::GATEWAY];
        let gateway = Gateway::new(GatewayOptions { here, elsewhere, authorities: None, bounds }).unwrap();
        let (stop, stopped) = watch::channel(false);
        let (mut served, mut tasks) = (vec![gateway.serve()], JoinSet::new());
        served.iter_mut().for_each(|unit| unit.begin(&mut tasks, &stopped));
        let options = FrontOptions {
            admin_token: AdminToken::new(TOKEN).unwrap(),
            service_token: None,
            directory,
            vouching,
            recorder: None,
            limiter: Limiter::new(Rates::default()),
            proxies: Proxies::none(),
            origins: Origins::default(),
            maintenance: None,
            version: "1.2.3".to_owned(),
            database: None,
            gateway: Some(gateway),
            more_figures: Vec::new(),
        };
        let router = control_api::router(options, served);
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self { address, client: Client::builder(TokioExecutor::new()).build_http(), stop, _tasks: tasks }
    }

    /// Sends a request, with the token unless another one is among the headers, and gives the answer as soon as it begins.
    pub(super) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Response<Incoming> {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        if headers.iter().all(|(name, _)| *name != "authorization") {
            request = request.header("authorization", format!("Bearer {TOKEN}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.client.request(request.body(body).unwrap()).await.unwrap()
    }

    pub(super) async fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &'static str) -> Answer {
        read(self.send(method, path, headers, Body::from(body)).await).await
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[], "").await
    }

    /// A figure of `/metrics`.
    pub(super) async fn figure(&self, line: &str) -> bool {
        let figures = self.get("/metrics").await.body;
        std::str::from_utf8(&figures).unwrap().lines().any(|known| known == line)
    }
}
