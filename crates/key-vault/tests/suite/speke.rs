//! A key service on loopback, and what is made of its answers.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use cpix::speke::{self, AnswerError, AskError};
use cpix::{Certificate, Document, KeyData, PrivateKey, Scheme};
use drm::signal::System;
use drm::{ContentKey, KeyId, ProtectionScheme, SystemId, TrackClass};
use http_client::testing::{Body, endless, full, serve, stalled};
use http_client::{Credential, HttpClient, HttpError, Limits};
use hyper::{Request, Response};
use key_vault::{MAX_SPEKE_ANSWER, SpekeClient, SpekeError, SpekeKeys, SpekeWish};

const CREDENTIAL: &str = "Bearer a-secret-credential";

/// The key that the service has for an id.
fn key(kid: KeyId) -> ContentKey {
    ContentKey::new(kid.0.map(|byte| byte ^ 0x5a))
}

fn random() -> impl FnMut(&mut [u8]) + Send {
    let mut next = 0_u8;
    move |out| {
        out.iter_mut().for_each(|byte| {
            next = next.wrapping_mul(5).wrapping_add(17);
            *byte = next;
        });
    }
}

fn recipient() -> (PrivateKey, Certificate) {
    let key = PrivateKey::from_pem(include_str!("../../../cpix/tests/data/packager.key.pem")).ok().unwrap();
    (key, Certificate::from_pem(include_str!("../../../cpix/tests/data/packager.cert.pem")).unwrap())
}

/// The request as the reference service of `cpix` takes it, after every header was held against the protocol.
fn strict(request: &Request<Bytes>) -> Result<speke::Request, String> {
    let header = |name: &str| match &request.headers().get_all(name).iter().collect::<Vec<_>>()[..] {
        [one] => one.to_str().map(str::to_owned).map_err(|error| error.to_string()),
        found => Err(format!("{name} is there {} times", found.len())),
    };
    let wanted = [
        ("content-type", "application/xml"),
        ("x-speke-version", "2.0"),
        ("authorization", CREDENTIAL),
        ("content-length", &request.body().len().to_string()),
    ];
    for (name, value) in wanted {
        if header(name)? != value {
            return Err(format!("{name} is {:?}", header(name)));
        }
    }
    if !header("x-speke-user-agent")?.starts_with("lectern/") {
        return Err("no name".to_owned());
    }
    if (request.method().as_str(), request.uri().path()) != ("POST", "/speke/v2") {
        return Err(format!("{} {}", request.method(), request.uri()));
    }
    let headers = request.headers().iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    let body = String::from_utf8(request.body().to_vec()).map_err(|error| error.to_string())?;
    Ok(speke::Request { method: "POST", headers: headers.collect(), body: cpix::Xml::new(body) })
}

fn sent(response: speke::Response) -> Response<Body> {
    let mut out = Response::builder().status(response.status);
    for (name, value) in response.headers {
        out = out.header(name, value);
    }
    out.body(full(response.body.as_bytes().to_vec())).unwrap()
}

/// The service, which answers rightly but for what `change` does to its answer.
async fn service(change: impl Fn(&mut speke::Response) + Clone + Send + Sync + 'static) -> SocketAddr {
    serve(move |request| {
        let change = change.clone();
        async move {
            match strict(&request) {
                Err(fault) => Response::builder().status(400).body(full(fault)).unwrap(),
                Ok(asked) => {
                    let known = |kid| Some(key(kid));
                    let mut answer = speke::answer(&asked, "keys/1", known, speke::describe, &mut random());
                    change(&mut answer);
                    sent(answer)
                }
            }
        }
    })
    .await
}

/// The service, which changes its document before it sends it.
async fn forging(change: impl Fn(&mut Document) + Clone + Send + Sync + 'static) -> SocketAddr {
    service(move |response| {
        let mut document = Document::parse(response.body.as_bytes()).unwrap();
        change(&mut document);
        response.body = document.to_xml();
    })
    .await
}

fn client(address: SocketAddr, limits: Limits) -> SpekeClient {
    let credential = Credential::parse(CREDENTIAL).ok().unwrap();
    SpekeClient::new(HttpClient::new(limits), format!("http://{address}/speke/v2"), Some(credential)).unwrap()
}

fn wish() -> SpekeWish {
    SpekeWish {
        content_id: "lecture-7".to_owned(),
        scheme: ProtectionScheme::Cbcs,
        classes: vec![TrackClass::Audio],
        systems: System::ALL.to_vec(),
    }
}

/// The names of the keys that are wished for.
async fn wish_ids() -> Vec<KeyId> {
    ask(service(|_| ()).await).await.ok().unwrap().entries.iter().map(|entry| entry.id).collect()
}

/// Asks with a recipient.
async fn ask(address: SocketAddr) -> Result<SpekeKeys, SpekeError> {
    let (key, certificate) = recipient();
    client(address, Limits::default()).keys(&wish(), Some((&key, &certificate)), &mut random()).await
}

fn answer_error(result: Result<SpekeKeys, SpekeError>) -> AnswerError {
    match result.err() {
        Some(SpekeError::Answer(error)) => error,
        other => unreachable!("{other:?}"),
    }
}

async fn refused(change: impl Fn(&mut Document) + Clone + Send + Sync + 'static) -> AnswerError {
    answer_error(ask(forging(change).await).await)
}

#[tokio::test]
async fn keys_come_back_encrypted_for_us_and_are_those_the_service_has() {
    let seen = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&seen);
    let address = service(move |response| *kept.lock().unwrap() = response.body.as_str().to_owned()).await;
    let answer = ask(address).await.ok().unwrap();
    let classes: Vec<_> = answer.entries.iter().map(|entry| entry.class).collect();
    assert_eq!(classes, [Some(TrackClass::Audio), None]);
    assert!(answer.entries.iter().all(|entry| entry.key == key(entry.id)));
    assert_eq!(answer.missing, []);
    let sent = seen.lock().unwrap().clone();
    assert!(sent.contains("EncryptedValue") && !sent.contains("PlainValue"));

    let document = &answer.document;
    assert!(document.delivery.is_empty() && document.problems().is_empty());
    for entry in &answer.entries {
        let element = document.key(entry.id).unwrap();
        assert!(element.data == KeyData::Plain(entry.key.clone()));
        assert_eq!(element.scheme, Some(Scheme::Cenc(ProtectionScheme::Cbcs)));
        assert!(element.explicit_iv.is_some());
        let told = |id| document.drm_systems.iter().find(|told| (told.kid, told.system_id) == (entry.id, id)).unwrap();
        assert!(told(SystemId::WIDEVINE).pssh.is_some() && told(SystemId::PLAYREADY).pssh.is_some());
        assert!(told(SystemId::FAIRPLAY).hls_signaling.media.as_ref().unwrap().contains("skd://"));
    }
    let again = ask(address).await.ok().unwrap();
    assert!(again.entries.iter().zip(&answer.entries).all(|(one, other)| one.id == other.id && one.key == other.key));
}

#[tokio::test]
async fn keys_in_clear_come_only_where_they_are_asked_for() {
    let address = service(|_| ()).await;
    let client = client(address, Limits::default());
    let answer = client.keys(&wish(), None, &mut random()).await.ok().unwrap();
    assert!(answer.entries.iter().all(|entry| entry.key == key(entry.id)));
    let id = answer.entries[0].id;
    let clear = refused(|document| {
        for element in &mut document.keys {
            element.data = KeyData::Plain(key(element.kid));
        }
        document.delivery.clear();
    });
    assert_eq!(clear.await, AnswerError::Clear(id));
}

#[tokio::test]
async fn an_answer_to_something_else_is_refused_with_the_reason() {
    let ids = wish_ids().await;
    let other = KeyId([9; 16]);
    assert_eq!(refused(|d| d.content_id = Some("lecture-8".to_owned())).await, AnswerError::ContentId);
    assert_eq!(refused(|d| drop(d.keys.pop())).await, AnswerError::NoKey(ids[1]));
    assert_eq!(refused(move |d| d.keys[0].kid = other).await, AnswerError::UnknownKey(other));
    assert_eq!(refused(|d| d.keys[0].scheme = Some(Scheme::from("cenc"))).await, AnswerError::Scheme(ids[0]));
    assert_eq!(refused(|d| d.keys[1].explicit_iv = drm::Iv::new(&[1; 16])).await, AnswerError::ExplicitIv(ids[1]));
    assert_eq!(refused(|d| d.version = Some("2.4".to_owned())).await, AnswerError::Version("2.0"));
    assert_eq!(refused(|d| drop(d.usage_rules.pop())).await, AnswerError::UsageRules(ids[1]));
    let cut = refused(|d| {
        if let KeyData::Encrypted(value) = &mut d.keys[0].data {
            value.cipher[20] ^= 1;
        }
    });
    assert!(matches!(cut.await, AnswerError::Open(_)));
    let version = |response: &mut speke::Response| {
        response
            .headers
            .iter_mut()
            .filter(|(name, _)| name == speke::VERSION_HEADER)
            .for_each(|h| h.1 = "1.0".to_owned());
    };
    assert_eq!(answer_error(ask(service(version).await).await), AnswerError::Version("2.0"));
}

#[tokio::test]
async fn a_refusal_is_told_in_the_services_own_words() {
    let with = |status: u16, text: &'static str| async move {
        let answer = move |_| async move { Response::builder().status(status).body(full(text)).unwrap() };
        ask(serve(answer).await).await.err().unwrap()
    };
    let refusal = with(403, "no such content\nand more").await;
    assert_eq!(refusal.to_string(), "the key service refused the request with status 403: no such content");
    assert!(!refusal.is_passing());
    let failure = with(503, "<html>later</html>").await;
    assert_eq!(failure.to_string(), "the key service failed with status 503");
    assert!(failure.is_passing());
    let elsewhere =
        move |_| async { Response::builder().status(307).header("location", "/speke/v3").body(full("")).unwrap() };
    assert_eq!(
        answer_error(ask(serve(elsewhere).await).await),
        AnswerError::Status(307),
        "keys are asked of nobody else"
    );
    let stranger = HttpClient::new(Limits::default());
    let address = service(|_| ()).await;
    let stranger = SpekeClient::new(stranger, format!("http://{address}/speke/v2"), None).unwrap();
    let refusal = stranger.keys(&wish(), None, &mut random()).await.err().unwrap();
    assert_eq!(
        refusal.to_string(),
        "the key service refused the request with status 400: authorization is there 0 times"
    );
}

#[tokio::test]
async fn what_is_no_document_is_told_apart() {
    let html = |_| async { Response::builder().header("content-type", "text/html").body(full("<p>hello")).unwrap() };
    let error = ask(serve(html).await).await.err().unwrap();
    assert_eq!(error.to_string(), "the key service answered with text/html where SPEKE has application/xml");
    let latin =
        |_| async { Response::builder().header("content-type", "text/xml").body(full(&b"<a>\xe9</a>"[..])).unwrap() };
    assert!(matches!(ask(serve(latin).await).await.err(), Some(SpekeError::Encoding)));
    let error = answer_error(ask(service(|response| response.body = cpix::Xml::new("<a/>".to_owned())).await).await);
    assert!(matches!(error, AnswerError::Parse(_)), "{error}");
}

#[tokio::test]
async fn an_answer_is_bounded_in_size_and_in_time() {
    let (key, certificate) = recipient();
    let huge = serve(|_| async { Response::new(endless()) }).await;
    let limits = Limits { body_bytes: MAX_SPEKE_ANSWER, ..Limits::default() };
    let error = client(huge, limits).keys(&wish(), Some((&key, &certificate)), &mut random()).await.err().unwrap();
    assert!(matches!(error, SpekeError::Http(HttpError::TooLarge(MAX_SPEKE_ANSWER))), "{error}");
    assert!(!error.is_passing());
    let slow = serve(|_| async { Response::new(stalled()) }).await;
    let limits = Limits { whole: Duration::from_millis(200), ..Limits::default() };
    let error = client(slow, limits).keys(&wish(), Some((&key, &certificate)), &mut random()).await.err().unwrap();
    assert_eq!(error.to_string(), "the key service did not answer: there was no whole answer within 200 ms");
    assert!(error.is_passing());
}

#[tokio::test]
async fn what_cannot_be_asked_is_not_sent() {
    let client = client(SocketAddr::from(([127, 0, 0, 1], 9)), Limits::default());
    for (wish, expected) in [
        (SpekeWish { content_id: String::new(), ..wish() }, AskError::NoContentId),
        (SpekeWish { systems: vec![System::ClearKey], ..wish() }, AskError::NoSystem),
        (SpekeWish { scheme: ProtectionScheme::Cenc, systems: vec![System::FairPlay], ..wish() }, AskError::NoSystem),
    ] {
        let error = client.keys(&wish, None, &mut random()).await.err().unwrap();
        assert!(matches!(&error, SpekeError::Ask(found) if *found == expected), "{error}");
    }
    let http = || HttpClient::new(Limits::default());
    assert!(SpekeClient::new(http(), "http://keys.example/", None).is_err(), "not in plain text");
}

#[tokio::test]
async fn no_error_holds_a_key_or_the_credential() {
    let mut texts = Vec::new();
    let mut keep = |error: &dyn Debug, text: String| texts.push(format!("{error:?} {text}"));
    let echo = serve(|request: Request<Bytes>| async move {
        let told = request.headers()["authorization"].to_str().unwrap().to_owned();
        Response::builder().status(200).header("content-type", "application/xml").body(full(told)).unwrap()
    });
    let error = ask(echo.await).await.err().unwrap();
    keep(&error, error.to_string());
    let clear = service(|response| response.status = 500);
    let plain = client(clear.await, Limits::default()).keys(&wish(), None, &mut random()).await.err().unwrap();
    keep(&plain, plain.to_string());
    let key = key(wish_ids().await[0]);
    let hex: String = key.expose().iter().map(|byte| format!("{byte:02x}")).collect();
    for text in texts {
        assert!(
            !text.contains("a-secret") && !text.contains("PlainValue") && !text.to_lowercase().contains(&hex),
            "{text}"
        );
    }
}
