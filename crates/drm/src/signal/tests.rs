#![allow(clippy::unwrap_used)]

use super::*;

const ID: KeyId = KeyId(0x00112233_44556677_8899aabb_ccddeeff_u128.to_be_bytes());
const WIDEVINE_CBCS: &str = "AAAAOHBzc2gAAAAA7e+LqXnWSs6jyCfc1R0h7QAAABgSEAARIjNEVWZ3iJmqu8zd7v9I88aJmwY=";

fn with<T>(scheme: ProtectionScheme, check: impl FnOnce(Licensed<'_>) -> T) -> T {
    let key = ContentKey::from_hex("0123456789abcdeffedcba9876543210").ok().unwrap();
    let constant_iv = (scheme == ProtectionScheme::Cbcs).then(|| Iv::new(&[7; 16]).unwrap());
    let protection = TrackProtection { scheme, key_id: ID, iv_size: 0, constant_iv, crypt_blocks: 1, skip_blocks: 9 };
    check(Licensed { protection: &protection, key: &key, key_ids: &[], licence_url: None, skd_uri: None })
}

/// Values that Shaka Packager 3.8.0 writes for the same key.
#[test]
fn playlists_name_keys_as_the_reference_packager_does() {
    let playready = include_str!("../../tests/data/playready-cbcs.base64").trim();
    with(ProtectionScheme::Cbcs, |licensed| {
        let widevine = licensed.hls_key(System::Widevine).unwrap();
        assert_eq!(widevine.uri, format!("data:text/plain;base64,{WIDEVINE_CBCS}"));
        assert_eq!((widevine.method, widevine.key_format_versions, widevine.key_id), ("SAMPLE-AES", "1", Some(ID)));
        assert_eq!(widevine.key_format, SystemId::WIDEVINE.urn());
        assert_eq!(widevine.iv, Iv::new(&[7; 16]));
        let key = licensed.hls_key(System::PlayReady).unwrap();
        assert_eq!(key.uri, format!("data:text/plain;charset=UTF-16;base64,{playready}"));
        assert_eq!(key.key_format, "com.microsoft.playready");
        let key = licensed.hls_key(System::FairPlay).unwrap();
        assert_eq!(
            (&key.uri[..], key.key_format, key.key_id),
            ("skd://00112233445566778899aabbccddeeff", "com.apple.streamingkeydelivery", None)
        );
        let key = licensed.hls_key(System::ClearKey).unwrap();
        assert_eq!(
            (&key.uri[..], key.key_format),
            ("data:text/plain;base64,ABEiM0RVZneImaq7zN3u/w==", "org.w3.clearkey")
        );
        let skd = Licensed { skd_uri: Some("skd://lecture/7"), ..licensed };
        assert_eq!(skd.hls_key(System::FairPlay).unwrap().uri, "skd://lecture/7");
        assert_eq!(licensed.hls_identity_key("https://a.example/key").unwrap().key_format, "identity");
    });
}

#[test]
fn what_hls_or_a_system_cannot_play_is_not_said() {
    let keys =
        |scheme| with(scheme, |licensed| System::ALL.map(|system| licensed.hls_key(system).map(|key| key.method)));
    let (aes, ctr) = (Some("SAMPLE-AES"), Some("SAMPLE-AES-CTR"));
    assert_eq!(keys(ProtectionScheme::Cbcs), [None, aes, aes, aes, aes]);
    assert_eq!(keys(ProtectionScheme::Cenc), [None, ctr, ctr, None, ctr]);
    assert_eq!((keys(ProtectionScheme::Cens), keys(ProtectionScheme::Cbc1)), ([None; 5], [None; 5]));
}

/// Values that Shaka Packager 3.8.0 writes for the same key.
#[test]
fn manifests_name_keys_as_the_reference_packager_does() {
    let playready = include_str!("../../tests/data/playready-cbcs.base64").trim();
    with(ProtectionScheme::Cbcs, |licensed| {
        let scheme = licensed.dash_scheme();
        assert_eq!((&scheme.scheme_id_uri[..], scheme.value), ("urn:mpeg:dash:mp4protection:2011", Some("cbcs")));
        assert_eq!(scheme.default_kid.unwrap(), "00112233-4455-6677-8899-aabbccddeeff");
        let common = licensed.dash_system(System::Common).unwrap();
        assert_eq!(common.scheme_id_uri, "urn:uuid:1077efec-c0b2-4d02-ace3-3c1e52e2fb4b");
        assert_eq!(common.pssh.unwrap(), "AAAANHBzc2gBAAAAEHfv7MCyTQKs4zweUuL7SwAAAAEAESIzRFVmd4iZqrvM3e7/AAAAAA==");
        assert_eq!(licensed.dash_system(System::Widevine).unwrap().pssh.unwrap(), WIDEVINE_CBCS);
        let element = licensed.dash_system(System::PlayReady).unwrap();
        assert_eq!((element.value, element.playready_object.as_deref()), (Some("MSPR 2.0"), Some(playready)));
        let here = Licensed { licence_url: Some("https://a.example/ck"), ..licensed };
        let element = here.dash_system(System::ClearKey).unwrap();
        assert_eq!(element.pssh, None);
        assert_eq!(
            (element.value, element.licence_url.as_deref()),
            (Some("ClearKey1.0"), Some("https://a.example/ck"))
        );
        assert_eq!(element.scheme_id_uri, "urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e");
        assert_eq!(licensed.dash_system(System::FairPlay), None);
    });
}

#[test]
fn one_licence_covers_all_keys_of_the_presentation() {
    let other = KeyId([9; 16]);
    with(ProtectionScheme::Cbcs, |licensed| {
        let all = Licensed { key_ids: &[ID, other], ..licensed };
        assert_eq!(all.pssh(System::Widevine).unwrap().all_key_ids(), [ID, other]);
        assert_eq!(all.pssh(System::ClearKey).unwrap().key_ids, [ID, other]);
        assert_eq!(all.pssh(System::PlayReady).unwrap().all_key_ids(), [ID]);
    });
}

#[test]
fn systems_are_found_by_name() {
    for system in System::ALL {
        assert_eq!(System::from_name(&system.as_str().to_uppercase()), Some(system));
    }
    assert_eq!(System::from_name("irdeto"), None);
}
