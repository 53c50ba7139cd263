//! Keys from a service on loopback.
#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;

use cpix::speke;
use drm::{ContentKey, KeyId};
use http_client::testing::{full, serve};
use tokio::runtime::Runtime;

use super::*;

fn key(kid: KeyId) -> ContentKey {
    ContentKey::new(kid.0.map(|byte| byte ^ 0x5a))
}

/// The reference service, which changes its answer before it sends it; it runs as long as the runtime.
fn service(change: fn(&mut speke::Response)) -> (Runtime, SocketAddr) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let address = runtime.block_on(serve(move |request| async move {
        let (parts, body) = request.into_parts();
        let text = |value: &http_client::header::HeaderValue| value.to_str().unwrap().to_owned();
        let headers = parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let asked =
            speke::Request { method: "POST", headers, body: cpix::Xml::new(String::from_utf8(body.to_vec()).unwrap()) };
        let mut random = |bytes: &mut [u8]| bytes.fill(7);
        let mut answer = speke::answer(&asked, "keys/1", |kid| Some(key(kid)), speke::describe, &mut random);
        change(&mut answer);
        let body = full(answer.body.as_bytes().to_vec());
        answer
            .headers
            .iter()
            .fold(hyper::Response::builder().status(answer.status), |response, (name, value)| {
                response.header(name, value)
            })
            .body(body)
            .unwrap()
    }));
    (runtime, address)
}

fn asked(url: &str, clear_keys: bool) -> SpekeAsk<'_> {
    SpekeAsk {
        url,
        content_id: "lecture-7",
        scheme: ProtectionScheme::Cbcs,
        classes: &[Some(TrackClass::Audio)],
        systems: &[System::Widevine, System::FairPlay, System::ClearKey],
        clear_keys,
    }
}

#[test]
fn keys_of_a_service_are_those_of_a_document() {
    let (_runtime, address) = service(|_| ());
    let url = format!("http://{address}/");
    for clear_keys in [true, false] {
        let keys = ask(&asked(&url, clear_keys)).unwrap();
        assert_eq!(keys.key_ids().len(), 2);
        assert_eq!(keys.scheme(None).unwrap(), ProtectionScheme::Cbcs);
        assert!(keys.scheme(Some(ProtectionScheme::Cenc)).is_err());
    }
}

#[test]
fn a_service_that_does_otherwise_is_told_with_a_cure() {
    let told = |change, clear_keys| {
        let (_runtime, address) = service(change);
        format!("{:?}", ask(&asked(&format!("http://{address}/"), clear_keys)).err().unwrap())
    };
    let refused = told(|answer| (answer.status, answer.body) = (403, cpix::Xml::new("who are you".to_owned())), true);
    assert!(
        refused.contains("status 403: who are you") && refused.contains("LECTERN_SPEKE_AUTHORIZATION"),
        "{refused}"
    );
    assert!(refused.contains("exit: 78"), "{refused}");
    let busy = told(|answer| (answer.status, answer.body) = (503, cpix::Xml::new("later".to_owned())), true);
    assert!(busy.contains("status 503: later") && busy.contains("exit: 69"), "{busy}");
    let plain = format!("{:?}", ask(&asked("http://keys.example/", true)).err().unwrap());
    assert!(plain.contains("plain http is for this machine alone"), "{plain}");
    let (_runtime, address) = service(|_| ());
    let url = format!("http://{address}/");
    let none = ask(&SpekeAsk { systems: &[System::ClearKey], ..asked(&url, true) });
    assert!(format!("{:?}", none.err().unwrap()).contains("--systems"));
}

#[test]
fn what_a_service_leaves_out_is_said_once_for_each_system() {
    let (_runtime, address) = service(|answer| {
        let mut document = cpix::Document::parse(answer.body.as_bytes()).unwrap();
        for system in &mut document.drm_systems {
            system.pssh = None;
            system.hls_signaling = cpix::HlsSignaling::default();
        }
        answer.body = document.to_xml();
    });
    let url = format!("http://{address}/");
    let keys = fetch(&asked(&url, true), HttpClient::new(Limits::default()), None).unwrap();
    let expected = [(System::Widevine, "the pssh box"), (System::FairPlay, "lines for HLS")];
    assert_eq!(left_out(&keys), expected);
}
