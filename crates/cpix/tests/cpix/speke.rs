//! Requests, answers and the key service's side.

use cpix::encryption::{MacPolicy, OpenError};
use cpix::speke::{
    Answer, AnswerError, Ask, AskError, KeyAsk, MissingSignal, Response, Signal, SystemAsk, TrackTypeError, Tracks,
    Version, answer, describe,
};
use cpix::{ContentKeyPeriod, Document, KeyData, PrivateKey, Scheme, UsageRule, VideoFilter, Xml};
use drm::{Iv, ProtectionScheme, SystemId};

use crate::support::{key, kid, origin, packager, random};

fn ask() -> Ask {
    let key = |number, tracks| KeyAsk {
        kid: kid(number),
        scheme: ProtectionScheme::Cbcs.into(),
        explicit_iv: Iv::new(&[number; 16]),
        tracks,
        period: None,
    };
    Ask {
        version: Version::V2_0,
        content_id: "lecture-7".to_owned(),
        user_agent: Some("packager/1".to_owned()),
        keys: vec![key(1, Tracks::sd().and(Tracks::hd())), key(2, Tracks::audio())],
        systems: vec![
            SystemAsk::hls_and_dash(SystemId::WIDEVINE),
            SystemAsk::hls_and_dash(SystemId::PLAYREADY),
            SystemAsk { pssh: false, content_protection_data: false, ..SystemAsk::hls_and_dash(SystemId::FAIRPLAY) },
        ],
        periods: Vec::new(),
        recipient: None,
    }
}

fn serve(ask: &Ask) -> Response {
    let request = ask.request().unwrap();
    answer(&request, "keys/1", |kid| Some(key(kid.0[0])), describe, &mut random(7))
}

fn interpret(ask: &Ask, response: &Response, private: Option<&PrivateKey>) -> Result<Answer, AnswerError> {
    ask.interpret(response, private.map(|key| (key, MacPolicy::Required)), &mut random(8))
}

/// The error of a response whose document was changed.
fn refused(change: impl FnOnce(&mut Document)) -> AnswerError {
    let (ask, mut response) = (ask(), serve(&ask()));
    let mut document = Document::parse(response.body.as_bytes()).unwrap();
    change(&mut document);
    response.body = document.to_xml();
    interpret(&ask, &response, None).err().unwrap()
}

#[test]
fn a_request_is_what_the_protocol_wants() {
    let request = ask().request().unwrap();
    let headers: Vec<(&str, &str)> = request.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let expected =
        [("Content-Type", "application/xml"), ("X-Speke-Version", "2.0"), ("X-Speke-User-Agent", "packager/1")];
    assert_eq!((request.method, &headers[..]), ("POST", &expected[..]));
    let text = request.body.as_str();
    assert!(text.contains(" contentId=\"lecture-7\" version=\"2.3\""));
    assert!(text.contains("<cpix:ContentKey kid=\"01010101-0101-0101-0101-010101010101\" explicitIV=\"AQEBAQEBAQEBAQEBAQEBAQ==\" commonEncryptionScheme=\"cbcs\"/>"));
    assert!(text.contains("intendedTrackType=\"SD+HD\""));
    assert!(text.contains("<cpix:VideoFilter maxPixels=\"589824\"/>"));
    assert!(text.contains("<cpix:VideoFilter minPixels=\"589825\" maxPixels=\"2073600\"/>"));
    assert!(text.contains("<cpix:PSSH/>") && text.contains("<cpix:HLSSignalingData playlist=\"master\"/>"));
    assert_eq!(Document::parse(request.body.as_bytes()).unwrap(), ask().document().unwrap());
}

#[test]
fn an_answer_in_clear_gives_keys_and_signalling() {
    let (ask, response) = (ask(), serve(&ask()));
    assert_eq!(response.status, 200, "{}", response.body.as_str());
    let answer = interpret(&ask, &response, None).ok().unwrap();
    assert_eq!(answer.user_agent.as_deref(), Some("keys/1"));
    assert!(*answer.key(kid(1)).unwrap() == key(1) && *answer.key(kid(2)).unwrap() == key(2));
    assert_eq!(answer.missing, []);
    let fairplay = answer.system(kid(2), SystemId::FAIRPLAY).unwrap();
    let media = fairplay.hls_signaling.media.as_deref().unwrap();
    assert!(media.starts_with("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://"), "{media}");
    assert!(fairplay.pssh.is_none() && answer.system(kid(3), SystemId::FAIRPLAY).is_none());
    let widevine = answer.system(kid(1), SystemId::WIDEVINE).unwrap();
    assert_eq!(drm::Pssh::parse(widevine.pssh.as_ref().unwrap()).unwrap().all_key_ids(), [kid(1)]);
    assert!(widevine.content_protection_data.as_ref().unwrap().starts_with("<cenc:pssh "));
}

#[test]
fn encrypted_keys_are_opened_by_whoever_asked() {
    let (private, certificate) = packager();
    let ask = Ask { recipient: Some(certificate), ..ask() };
    let response = serve(&ask);
    assert!(!response.body.as_str().contains("PlainValue"));
    let answer = interpret(&ask, &response, Some(&private)).ok().unwrap();
    assert!(answer.keys.iter().map(|(kid, _)| *kid).eq([kid(1), kid(2)]));
    assert!(*answer.key(kid(2)).unwrap() == key(2));
    let other = interpret(&ask, &response, Some(&origin().0)).err().unwrap();
    assert_eq!(other, AnswerError::Open(OpenError::NotForUs(1)));
    assert_eq!(interpret(&ask, &response, None).err().unwrap(), AnswerError::NoKey(kid(1)));
    let clear = Ask { recipient: None, ..ask.clone() };
    assert_eq!(interpret(&ask, &serve(&clear), Some(&private)).err().unwrap(), AnswerError::Clear(kid(1)));
    assert_eq!(interpret(&clear, &response, Some(&private)).err().unwrap(), AnswerError::Encrypted(kid(1)));
}

#[test]
fn recipients_keep_their_names() {
    let ask = Ask { recipient: Some(packager().1), ..ask() };
    let mut request = ask.request().unwrap();
    let mut document = ask.document().unwrap();
    document.delivery[0].id = Some("origin-1".to_owned());
    request.body = document.to_xml();
    let response = answer(&request, "keys/1", |kid| Some(key(kid.0[0])), describe, &mut random(7));
    let answered = Document::parse(response.body.as_bytes()).unwrap();
    assert_eq!(answered.delivery[0].id.as_deref(), Some("origin-1"));
    assert_eq!(answered.delivery[0].document_keys.len(), 1);
}

#[test]
fn rotation_asks_for_keys_by_period() {
    let mut ask = ask();
    ask.version = Version::V2_1;
    ask.periods = vec![ContentKeyPeriod {
        id: Some("period-1".to_owned()),
        index: Some(1),
        start: Some("2026-11-21T10:00:00Z".to_owned()),
        end: Some("2026-11-21T11:00:00Z".to_owned()),
        ..ContentKeyPeriod::default()
    }];
    assert_eq!(ask.request().err(), Some(AskError::Period(kid(1))));
    ask.keys.iter_mut().for_each(|key| key.period = Some("period-1".to_owned()));
    let request = ask.request().unwrap();
    assert!(request.body.as_str().contains("version=\"2.4\""));
    assert!(request.body.as_str().contains("<cpix:KeyPeriodFilter periodId=\"period-1\"/>"));
    let answer = interpret(&ask, &serve(&ask), None).ok().unwrap();
    assert_eq!(answer.document.periods, ask.periods);
    ask.version = Version::V2_0;
    assert_eq!(ask.request().err(), Some(AskError::PeriodTimes(0)));
    ask.periods[0].id = None;
    assert_eq!(ask.request().err(), Some(AskError::PeriodId(0)));
}

#[test]
fn requests_that_break_the_rules_are_not_made() {
    let broken = |change: &dyn Fn(&mut Ask)| {
        let mut ask = ask();
        change(&mut ask);
        ask.request().unwrap_err()
    };
    assert_eq!(broken(&|ask| ask.content_id.clear()), AskError::NoContentId);
    assert_eq!(broken(&|ask| ask.keys.clear()), AskError::NoKey);
    assert_eq!(broken(&|ask| ask.systems.clear()), AskError::NoSystem);
    assert_eq!(broken(&|ask| ask.systems.push(ask.systems[0])), AskError::DuplicateSystem(SystemId::WIDEVINE));
    assert_eq!(broken(&|ask| ask.keys[1].kid = kid(1)), AskError::DuplicateKey(kid(1)));
    assert_eq!(broken(&|ask| ask.keys[1].scheme = Scheme::from("cenc")), AskError::MixedSchemes(kid(2)));
    assert_eq!(broken(&|ask| ask.keys[1].tracks = ask.keys[0].tracks.clone()), AskError::SameTracks(kid(2)));
    assert_eq!(broken(&|ask| ask.keys[1].period = Some("p".to_owned())), AskError::Period(kid(2)));
    let tracks = |tracks: Tracks| match broken(&|ask| ask.keys[1].tracks = tracks.clone()) {
        AskError::Tracks { problem, .. } => problem,
        other => unreachable!("{other}"),
    };
    assert_eq!(
        tracks(Tracks { name: "SD+HD".to_owned(), ..Tracks::sd() }),
        TrackTypeError::Count { parts: 2, filters: 1 }
    );
    assert_eq!(tracks(Tracks { name: "ALL".to_owned(), ..Tracks::sd() }), TrackTypeError::All);
    assert_eq!(tracks(Tracks { name: "SD+".to_owned(), ..Tracks::sd() }), TrackTypeError::Empty);
    let gamut = VideoFilter { wcg: Some(true), ..VideoFilter::default() };
    assert_eq!(tracks(Tracks { video: vec![gamut], ..Tracks::video() }), TrackTypeError::Filter);
}

#[test]
fn answers_to_something_else_are_refused_with_the_reason() {
    assert_eq!(refused(|d| d.content_id = Some("other".to_owned())), AnswerError::ContentId);
    assert_eq!(refused(|d| d.version = Some("2.4".to_owned())), AnswerError::Version("2.0"));
    assert_eq!(refused(|d| drop(d.keys.pop())), AnswerError::NoKey(kid(2)));
    assert_eq!(refused(|d| d.keys[0].data = KeyData::None), AnswerError::NoKey(kid(1)));
    assert_eq!(refused(|d| d.keys.push(d.keys[0].clone())), AnswerError::DuplicateKey(kid(1)));
    assert_eq!(refused(|d| d.keys[0].kid = kid(9)), AnswerError::UnknownKey(kid(9)));
    assert_eq!(refused(|d| d.keys[0].scheme = Some(Scheme::from("cenc"))), AnswerError::Scheme(kid(1)));
    assert_eq!(refused(|d| d.keys[0].explicit_iv = Iv::new(&[0; 16])), AnswerError::ExplicitIv(kid(1)));
    assert_eq!(refused(|d| drop(d.usage_rules.pop())), AnswerError::UsageRules(kid(2)));
    assert_eq!(refused(|d| d.usage_rules[0].video[0].max_pixels = None), AnswerError::UsageRules(kid(1)));
    assert_eq!(refused(|d| d.usage_rules[1].labels.push("x".to_owned())), AnswerError::UsageRules(kid(2)));
    assert_eq!(refused(|d| d.usage_rules.push(UsageRule::new(kid(1)))), AnswerError::UsageRules(kid(1)));
    let system_id = SystemId::FAIRPLAY;
    assert_eq!(refused(|d| drop(d.drm_systems.pop())), AnswerError::NoSystem { kid: kid(2), system_id });
    let pssh = AnswerError::Pssh { kid: kid(1), system_id: SystemId::WIDEVINE };
    assert_eq!(refused(|d| d.drm_systems[0].pssh = Some(vec![1])), pssh);
    assert_eq!(refused(|d| d.drm_systems[0].pssh = d.drm_systems[1].pssh.clone()), pssh);
    assert_eq!(refused(|d| d.drm_systems[0].pssh = d.drm_systems[3].pssh.clone()), pssh);
}

#[test]
fn the_order_of_an_answer_does_not_matter_and_what_is_missing_is_told() {
    let (ask, mut response) = (ask(), serve(&ask()));
    let mut document = Document::parse(response.body.as_bytes()).unwrap();
    document.keys.reverse();
    document.usage_rules.reverse();
    document.usage_rules[1].video.reverse();
    document.drm_systems.reverse();
    document.drm_systems[0].hls_signaling.media = None;
    response.body = document.to_xml();
    let answer = interpret(&ask, &response, None).ok().unwrap();
    assert!(answer.keys.iter().map(|(kid, _)| *kid).eq([kid(1), kid(2)]));
    let missing = MissingSignal { kid: kid(2), system_id: SystemId::FAIRPLAY, signal: Signal::HlsMedia };
    assert_eq!(answer.missing, [missing]);
}

#[test]
fn statuses_are_told_apart_and_keys_never_repeated() {
    let with = |status, body: &str| {
        let response = Response { status, headers: Vec::new(), body: Xml::new(body.to_owned()) };
        interpret(&ask(), &response, None).err().unwrap()
    };
    let refusal = with(422, "Missing CPIX@contentId\nmore");
    assert_eq!(refusal.to_string(), "the key service refused the request with status 422: Missing CPIX@contentId");
    assert!(!refusal.is_passing() && with(429, "").is_passing() && with(503, "").is_passing());
    let document = serve(&ask()).body;
    assert_eq!(with(500, document.as_str()).to_string(), "the key service failed with status 500");
    assert_eq!(with(302, ""), AnswerError::Status(302));
    assert!(matches!(with(200, "<a>"), AnswerError::Parse(_)));
    let mut response = serve(&ask());
    response.headers[1] = ("x-speke-version".to_owned(), "2.1".to_owned());
    assert_eq!(interpret(&ask(), &response, None).err().unwrap(), AnswerError::Version("2.0"));
}

#[test]
fn the_service_refuses_what_it_must() {
    let refused = |change: &dyn Fn(&mut Document)| {
        let mut request = ask().request().unwrap();
        let mut document = ask().document().unwrap();
        change(&mut document);
        request.body = document.to_xml();
        let response = answer(&request, "keys/1", |k| (k != kid(9)).then(|| key(k.0[0])), describe, &mut random(7));
        assert_eq!(response.status, 422);
        response.body.as_str().to_owned()
    };
    assert_eq!(refused(&|d| d.content_id = None), "Missing CPIX@contentId");
    assert_eq!(refused(&|d| d.version = None), "Missing CPIX@version");
    assert_eq!(refused(&|d| d.version = Some("1.0".to_owned())), "Unsupported CPIX@version");
    assert!(
        refused(&|d| d.keys[1].scheme = None).starts_with("Missing ContentKey@commonEncryptionScheme for KID 0202")
    );
    assert!(refused(&|d| d.keys[1].scheme = Some(Scheme::from("cenc"))).contains("another scheme"));
    assert!(refused(&|d| drop(d.usage_rules.pop())).starts_with("Missing ContentKeyUsageRule"));
    assert!(refused(&|d| d.usage_rules[1].intended_track_type = None).contains("track type is empty"));
    assert!(
        refused(&|d| {
            d.keys[1].kid = kid(9);
            d.usage_rules[1].kid = kid(9);
            d.drm_systems.iter_mut().filter(|s| s.kid == kid(2)).for_each(|s| s.kid = kid(9));
        })
        .starts_with("Unknown KID 0909")
    );
    let mut request = ask().request().unwrap();
    request.headers[1].1 = "1.0".to_owned();
    let response = answer(&request, "keys/1", |_| None, describe, &mut random(7));
    assert_eq!((response.status, response.body.as_str()), (422, "Unsupported SPEKE version"));
}
