#![allow(clippy::unwrap_used)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cpix::{ContentKeyElement, ContentKeyPeriod, DrmSystem, UsageRule, VideoFilter};
use drm::signal::Licensed;
use drm::{Pssh, SystemId, TrackProtection};
use packager::TrackSignal;
use packager::repack::TrackShape;

use super::*;

const PIXELS_SD: u64 = 1024 * 576;

fn id(number: u8) -> KeyId {
    KeyId([number; 16])
}

/// A track of 10 s and 1 MB.
fn track(kind: MediaKind) -> Surveyed {
    let scale = media_types::Timescale::NINETY_KHZ;
    let about = demux::Track {
        id: 1,
        kind,
        config: media_types::CodecConfig::Aac(bytes::Bytes::from_static(&[0x12, 0x10])),
        timescale: scale,
        end: None,
        language: "und".to_owned(),
        label: None,
        roles: demux::Roles::default(),
        protection: None,
    };
    let end_pts = 10 * i64::from(scale.get());
    let (shift, hidden_ticks, first_pts, packets, key_times, rate) = (0, 0, 0, 1, Vec::new(), None);
    let shape = TrackShape { shift, hidden_ticks, first_pts, end_pts, packets, key_times, rate };
    Surveyed { input: 0, track: 0, about, shape, offset: 0, bytes: 1_000_000, fingerprint: 0 }
}

fn video(width: u32, height: u32) -> Surveyed {
    track(MediaKind::Video { width, height, sample_aspect: (1, 1), frame_rate: None })
}

fn sound() -> Surveyed {
    track(MediaKind::Audio { sample_rate: 48_000, channels: 2 })
}

/// Key 1 for small pictures, 2 for larger ones, 3 for sound.
fn document() -> Document {
    let mut document = Document::new("lecture");
    for number in 1..=3 {
        let mut key = ContentKeyElement::new(id(number));
        key.scheme = Some(Scheme::Cenc(ProtectionScheme::Cbcs));
        key.data = KeyData::Plain(ContentKey::new([0x40 + number; 16]));
        document.keys.push(key);
    }
    let filter = |min_pixels, max_pixels| VideoFilter { min_pixels, max_pixels, ..VideoFilter::default() };
    let mut rules = [1, 2, 3].map(|number| UsageRule::new(id(number)));
    rules[0].video.push(filter(None, Some(PIXELS_SD)));
    rules[1].video.push(filter(Some(PIXELS_SD + 1), None));
    rules[2].audio.push(cpix::AudioFilter::default());
    document.usage_rules.extend(rules);
    document
}

fn parsed(document: &Document) -> Result<CpixKeys, String> {
    let text = document.to_xml();
    CpixKeys::parse(Path::new("keys.xml"), text.as_bytes(), None).map_err(|failure| format!("{failure:?}"))
}

fn chosen(keys: &CpixKeys, track: &Surveyed, period: Option<u32>) -> Result<Option<KeyId>, String> {
    let key = keys.key_of("a-track", track, period).map_err(|failure| format!("{failure:?}"))?;
    Ok(key.map(|(id, _)| id))
}

#[test]
fn usage_rules_give_each_track_its_key() {
    let keys = parsed(&document()).unwrap();
    assert_eq!(chosen(&keys, &video(640, 360), None), Ok(Some(id(1))));
    assert_eq!(chosen(&keys, &video(1280, 720), None), Ok(Some(id(2))));
    assert_eq!(chosen(&keys, &sound(), None), Ok(Some(id(3))));
    assert!(keys.key_of("a-track", &sound(), None).unwrap().unwrap().1 == ContentKey::new([0x43; 16]));
    assert_eq!(keys.key_ids(), [id(1), id(2), id(3)]);
    let mut without_sound = document();
    without_sound.usage_rules.pop();
    assert_eq!(chosen(&parsed(&without_sound).unwrap(), &sound(), None), Ok(None), "it stays clear");
    let mut ambiguous = document();
    ambiguous.usage_rules[0].video.clear();
    let error = chosen(&parsed(&ambiguous).unwrap(), &sound(), None).unwrap_err();
    assert!(error.contains("keys.xml: a-track: usage rules give the track both"), "{error}");
}

#[test]
fn one_key_without_rules_is_for_all_tracks() {
    let mut document = document();
    document.usage_rules.clear();
    document.keys.truncate(1);
    let keys = parsed(&document).unwrap();
    assert_eq!(
        [chosen(&keys, &sound(), None), chosen(&keys, &video(640, 360), None)],
        [Ok(Some(id(1))), Ok(Some(id(1)))]
    );
}

#[test]
fn bit_rates_are_those_of_the_whole_track() {
    let mut document = document();
    let filter = cpix::BitrateFilter { min_bps: Some(800_000), max_bps: Some(800_000) };
    document.usage_rules[2].bitrate.push(filter);
    assert_eq!(chosen(&parsed(&document).unwrap(), &sound(), None), Ok(Some(id(3))));
}

#[test]
fn the_scheme_is_the_one_asked_for_if_the_keys_are_for_it() {
    let of =
        |document: &Document, asked| parsed(document).unwrap().scheme(asked).map_err(|failure| format!("{failure:?}"));
    let mut document = document();
    assert_eq!(of(&document, None), Ok(ProtectionScheme::Cbcs));
    assert!(of(&document, Some(ProtectionScheme::Cenc)).unwrap_err().contains("keys for cbcs, and cenc is asked for"));
    document.keys[1].scheme = Some(Scheme::Cenc(ProtectionScheme::Cenc));
    assert!(of(&document, None).unwrap_err().contains("keys for cenc"));
    document.keys.iter_mut().for_each(|key| key.scheme = Some("AES-128".into()));
    assert!(of(&document, None).is_err() && of(&document, Some(ProtectionScheme::Cbcs)).is_err());
    document.keys.iter_mut().for_each(|key| key.scheme = None);
    assert!(of(&document, None).unwrap_err().contains("add --scheme"));
    assert_eq!(of(&document, Some(ProtectionScheme::Cenc)), Ok(ProtectionScheme::Cenc));
}

#[test]
fn a_period_is_found_by_its_index() {
    let mut document = document();
    for index in 0..2 {
        let period =
            ContentKeyPeriod { id: Some(format!("p{index}")), index: Some(index), ..ContentKeyPeriod::default() };
        document.periods.push(period);
    }
    document.usage_rules.truncate(2);
    for (rule, period) in document.usage_rules.iter_mut().zip(["p0", "p1"]) {
        rule.video.clear();
        rule.periods.push(period.to_owned());
    }
    let keys = parsed(&document).unwrap();
    assert!(keys.has_periods());
    assert_eq!(chosen(&keys, &sound(), Some(0)), Ok(Some(id(1))));
    assert_eq!(chosen(&keys, &sound(), Some(1)), Ok(Some(id(2))));
    let error = chosen(&keys, &sound(), Some(2)).unwrap_err();
    assert!(
        error.contains("keys.xml: no ContentKeyPeriod has index 2") && error.contains("<ContentKeyPeriod"),
        "{error}"
    );
}

fn signal(keys: &CpixKeys, systems: &[System]) -> TrackSignal {
    let protection = TrackProtection {
        scheme: ProtectionScheme::Cbcs,
        key_id: id(1),
        iv_size: 0,
        constant_iv: drm::Iv::new(&[7; 16]),
        crypt_blocks: 1,
        skip_blocks: 9,
    };
    let key = ContentKey::new([0x41; 16]);
    let licensed = Licensed { protection: &protection, key: &key, key_ids: &[], licence_url: None, skd_uri: None };
    TrackSignal::adjusted(&licensed, systems, |system, signal| keys.adjust(id(1), system, signal))
}

#[test]
fn systems_are_told_what_the_document_says_and_the_rest_what_we_say() {
    let boxed = |system_id, data: &[u8]| Pssh { system_id, key_ids: Vec::new(), data: data.to_vec() }.to_box();
    let mut document = document();
    let mut widevine = DrmSystem::new(id(1), SystemId::WIDEVINE);
    widevine.pssh = Some(boxed(SystemId::WIDEVINE, b"theirs"));
    let mut playready = DrmSystem::new(id(1), SystemId::PLAYREADY);
    playready.pssh = Some(boxed(SystemId::PLAYREADY, b"object"));
    let mut fairplay = DrmSystem::new(id(1), SystemId::FAIRPLAY);
    let line = "#EXT-X-KEY:METHOD=SAMPLE-AES,KEYFORMAT=\"com.apple,URI=\",URI=\"skd://service/1?a=b\"";
    fairplay.hls_signaling.media = Some(line.to_owned());
    document.drm_systems.extend([widevine.clone(), playready, fairplay]);
    let keys = parsed(&document).unwrap();
    let systems = [System::Widevine, System::PlayReady, System::FairPlay, System::ClearKey];
    let (ours, told) = (signal(&parsed(&self::document()).unwrap(), &systems), signal(&keys, &systems));
    let boxes = Pssh::parse_all(&told.pssh).unwrap();
    assert_eq!(boxes.iter().map(|pssh| &pssh.data[..]).collect::<Vec<_>>(), [&b"theirs"[..], b"object", b""]);
    let whole = STANDARD.encode(boxed(SystemId::WIDEVINE, b"theirs"));
    let uris: Vec<_> = told.hls.iter().map(|key| key.uri.clone()).collect();
    let object = format!("data:text/plain;charset=UTF-16;base64,{}", STANDARD.encode("object"));
    let theirs = [format!("data:text/plain;base64,{whole}"), object, "skd://service/1?a=b".to_owned()];
    assert_eq!((&uris[..3], &uris[3]), (&theirs[..], &ours.hls[3].uri));
    assert_eq!(told.hls[2].iv, ours.hls[2].iv, "samples are encrypted with ours");
    assert_eq!(told.dash[1].pssh, Some(whole));
    assert_eq!(told.dash[2].playready_object, Some(STANDARD.encode("object")));
    assert_eq!(told.dash[3], ours.dash[3]);

    document.drm_systems[0].pssh = Some(boxed(SystemId::PLAYREADY, b""));
    assert!(parsed(&document).unwrap_err().contains("PSSH of Widevine"));
    document.drm_systems[0] = widevine;
    document.drm_systems[2].hls_signaling.media = Some("#EXT-X-KEY:METHOD=NONE".to_owned());
    assert!(parsed(&document).unwrap_err().contains("HLSSignalingData of FairPlay"));
}

#[test]
fn what_is_wrong_is_told_by_line_and_never_with_a_key() {
    let secret = ["c2VjcmV0", "4141"];
    let text = document().to_xml().as_str().replace("kid=\"", "kid=\"x");
    let error = CpixKeys::parse(Path::new("keys.xml"), text.as_bytes(), None).map(drop).map_err(|e| format!("{e:?}"));
    let error = error.unwrap_err();
    assert!(
        error.contains("keys.xml: ") && error.contains("line ") && !secret.iter().any(|s| error.contains(s)),
        "{error}"
    );
    let mut twice = document();
    twice.keys.push(twice.keys[0].clone());
    assert!(parsed(&twice).unwrap_err().contains("occurs more than once"));
    let mut empty = document();
    empty.keys[2].data = KeyData::None;
    let error = chosen(&parsed(&empty).unwrap(), &sound(), None).unwrap_err();
    assert!(error.contains("whose value is not in the document"), "{error}");
    assert!(!format!("{:?}", parsed(&document()).unwrap()).contains("65"), "keys are not printed");
}

#[test]
fn encrypted_keys_need_the_private_key_of_a_recipient() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/cpix/tests/data");
    let pem = |name: &str| std::fs::read_to_string(data.join(name)).unwrap();
    let mut sealed = document();
    let recipient = cpix::Certificate::from_pem(&pem("packager.cert.pem")).unwrap();
    let mut next = 0u8;
    let mut random = |bytes: &mut [u8]| {
        bytes.fill_with(|| {
            next = next.wrapping_mul(77).wrapping_add(31);
            next | 1
        });
    };
    sealed.seal(&[recipient], &mut random).unwrap();
    assert!(parsed(&sealed).unwrap_err().contains("--cpix-key"));
    let text = sealed.to_xml();
    let opened = |name: &str| {
        let key = read_private_key(&data.join(name)).unwrap();
        CpixKeys::parse(Path::new("keys.xml"), text.as_bytes(), Some(&key)).map_err(|failure| format!("{failure:?}"))
    };
    let key = opened("packager.key.pem").unwrap().key_of("a-track", &sound(), None).unwrap();
    assert!(key.unwrap().1 == ContentKey::new([0x43; 16]));
    assert!(opened("origin.key.pem").unwrap_err().contains("recipient"));
    assert!(read_private_key(&data.join("make.sh")).is_err());
}

#[test]
fn key_periods_that_say_when_they_are_are_found_by_their_order() {
    let mut document = document();
    for (id, start, duration) in [("late", "PT4S", "PT2.5S"), ("early", "PT0S", "PT4S")] {
        document.periods.push(ContentKeyPeriod {
            id: Some(id.to_owned()),
            start_offset: Some(start.to_owned()),
            duration: Some(duration.to_owned()),
            ..ContentKeyPeriod::default()
        });
    }
    document.usage_rules.truncate(2);
    for (rule, period) in document.usage_rules.iter_mut().zip(["early", "late"]) {
        rule.video.clear();
        rule.periods.push(period.to_owned());
    }
    let keys = parsed(&document).unwrap();
    let span = |start_us, end_us| Span { start_us, end_us };
    assert_eq!(keys.spans(), [span(0, 4_000_000), span(4_000_000, 6_500_000)]);
    let of = |period| chosen(&keys, &sound(), Some(period));
    assert_eq!([of(0), of(1)], [Ok(Some(id(1))), Ok(Some(id(2)))]);
    document.periods[0].start_offset = Some("PT3S".to_owned());
    assert!(parsed(&document).unwrap_err().contains("\\\"late\\\" begins before \\\"early\\\" ends"));
    document.periods.pop();
    document.usage_rules.remove(0);
    assert!(parsed(&document).unwrap_err().contains("no key period begins at the start"));
}

#[test]
fn elements_for_the_manifest_must_be_well_formed() {
    let mut document = document();
    let mut widevine = DrmSystem::new(id(1), SystemId::WIDEVINE);
    widevine.content_protection_data = Some("<cenc:pssh>AAAA</cenc:pssh>".to_owned());
    widevine.robustness = Some("HW_SECURE_ALL".to_owned());
    document.drm_systems.push(widevine);
    document.keys[0].explicit_iv = drm::Iv::new(&[9; 16]);
    let keys = parsed(&document).unwrap();
    assert_eq!((keys.explicit_iv(id(1)), keys.explicit_iv(id(2))), (drm::Iv::new(&[9; 16]), None));
    let told = signal(&keys, &[System::Widevine]);
    let content = "<cenc:pssh xmlns:cenc=\"urn:mpeg:cenc:2013\">AAAA</cenc:pssh>";
    assert_eq!(told.dash[1].content.as_deref(), Some(content));
    assert_eq!(told.dash[1].robustness.as_deref(), Some("HW_SECURE_ALL"));
    document.drm_systems[0].content_protection_data = Some("<cenc:pssh>".to_owned());
    let error = parsed(&document).unwrap_err();
    assert!(error.contains("ContentProtectionData of Widevine") && !error.contains("<cenc"), "{error}");
}
