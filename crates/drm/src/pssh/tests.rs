#![allow(clippy::unwrap_used)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;
use crate::secret::ContentKey;

const ID: KeyId = KeyId(0x00112233_44556677_8899aabb_ccddeeff_u128.to_be_bytes());
const OTHER: KeyId = KeyId(0xff112233_44556677_8899aabb_ccddeeff_u128.to_be_bytes());

fn key() -> ContentKey {
    ContentKey::from_hex("0123456789abcdeffedcba9876543210").ok().unwrap()
}

/// Boxes that Shaka Packager 3.8.0 writes for the same keys.
#[test]
fn common_and_widevine_boxes_are_those_of_the_reference_packager() {
    for (pssh, expected) in [
        (
            Pssh::common(&[ID]),
            "0000003470737368010000001077efecc0b24d02ace33c1e52e2fb4b0000000100112233445566778899aabbccddeeff00000000",
        ),
        (
            Pssh::common(&[ID, OTHER]),
            "0000004470737368010000001077efecc0b24d02ace33c1e52e2fb4b0000000200112233445566778899aabbccddeeff\
             ff112233445566778899aabbccddeeff00000000",
        ),
        (
            Pssh::widevine(&[ID], ProtectionScheme::Cenc),
            "000000387073736800000000edef8ba979d64acea3c827dcd51d21ed00000018121000112233445566778899aabbccddeeff48e3dc959b06",
        ),
        (
            Pssh::widevine(&[ID], ProtectionScheme::Cens),
            "000000387073736800000000edef8ba979d64acea3c827dcd51d21ed00000018121000112233445566778899aabbccddeeff48f3dc959b06",
        ),
        (
            Pssh::widevine(&[ID], ProtectionScheme::Cbc1),
            "000000387073736800000000edef8ba979d64acea3c827dcd51d21ed00000018121000112233445566778899aabbccddeeff48b1c6899b06",
        ),
        (
            Pssh::widevine(&[ID, OTHER], ProtectionScheme::Cbcs),
            "0000004a7073736800000000edef8ba979d64acea3c827dcd51d21ed0000002a121000112233445566778899aabbccddeeff\
             1210ff112233445566778899aabbccddeeff48f3c6899b06",
        ),
    ] {
        assert_eq!(hex::encode(pssh.to_box()), expected);
        assert_eq!(Pssh::parse(&hex::decode(expected).unwrap()).unwrap(), pssh);
        assert_eq!(pssh.all_key_ids()[0], ID);
    }
}

#[test]
fn playready_objects_are_those_of_the_reference_packager() {
    let ctr = include_str!("../../tests/data/playready-cenc.base64").trim();
    let cbc = include_str!("../../tests/data/playready-cbcs.base64").trim();
    for (scheme, expected) in [
        (ProtectionScheme::Cenc, ctr),
        (ProtectionScheme::Cens, ctr),
        (ProtectionScheme::Cbc1, cbc),
        (ProtectionScheme::Cbcs, cbc),
    ] {
        let object = playready::object(ID, &key(), scheme, None);
        assert_eq!(STANDARD.encode(&object), expected, "{scheme}");
        assert_eq!((playready::key_ids(&object), playready::la_url(&object)), (vec![ID], None));
    }
}

#[test]
fn playready_objects_with_an_address_and_several_keys_are_read_back() {
    let url = "https://licence.example/rights?a=1&b=<2>";
    for object in [
        playready::object(ID, &key(), ProtectionScheme::Cenc, Some(url)),
        playready::object_of_many(&[ID, OTHER], ProtectionScheme::Cenc, Some(url)),
    ] {
        assert_eq!(playready::la_url(&object).unwrap(), url);
        assert!(!playready::header(&object).unwrap().contains("b=<"));
    }
    let many = playready::object_of_many(&[ID, OTHER], ProtectionScheme::Cbcs, None);
    assert_eq!(playready::key_ids(&many), [ID, OTHER]);
    assert_eq!(Pssh::playready(many).all_key_ids(), [ID, OTHER]);
}

#[test]
fn widevine_messages_keep_all_fields_and_pass_over_others() {
    let data = widevine::Data {
        key_ids: vec![ID, OTHER],
        provider: Some("school".into()),
        content_id: Some(vec![0x80; 200]),
        scheme: Some(ProtectionScheme::Cbcs),
    };
    let mut bytes = data.to_bytes();
    assert_eq!(widevine::Data::parse(&bytes).unwrap(), data);
    bytes.extend_from_slice(&hex::decode("08013a03616263510102030405060708a50101020304").unwrap());
    assert_eq!(widevine::Data::parse(&bytes).unwrap(), data);
    for malformed in ["12", "1210", "1203010203", "00", "0b", "ffffffffffffffffffff01", "48ffffffffffffffffff7f"] {
        assert_eq!(widevine::Data::parse(&hex::decode(malformed).unwrap()), None, "{malformed}");
    }
}

#[test]
fn malformed_boxes_are_refused_for_what_they_are() {
    let good = Pssh::common(&[ID]).to_box();
    let changed = |at: usize, to: u8| {
        let mut bytes = good.clone();
        bytes[at] = to;
        bytes
    };
    for (bytes, error) in [
        (vec![], PsshError::Short { at: 0 }),
        (good[..20].to_vec(), PsshError::Short { at: 20 }),
        (changed(4, b'x'), PsshError::Type),
        (changed(8, 2), PsshError::Version(2)),
        (changed(31, 2), PsshError::Short { at: 52 }),
        (changed(28, 0xff), PsshError::Short { at: 52 }),
        (changed(3, 11), PsshError::Short { at: 52 }),
        ([&good[..], &[0]].concat(), PsshError::Trailing(1)),
    ] {
        assert_eq!(Pssh::parse(&bytes), Err(error));
    }
    assert_eq!(Pssh::parse_all(&[&good[..], &good[..]].concat()).unwrap().len(), 2);
    assert!(Pssh::parse_all(&good.repeat(101)).is_err());
}

#[test]
fn systems_are_named_by_their_uuids() {
    assert_eq!(SystemId::WIDEVINE.urn(), "urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed");
    assert_eq!((SystemId::FAIRPLAY.to_string(), SystemId([1; 16]).name()), ("FairPlay".to_owned(), None));
    assert_eq!(SystemId([0x11; 16]).to_string(), "11111111-1111-1111-1111-111111111111");
}

proptest! {
    #[test]
    fn boxes_come_back_as_they_were(system in any::<[u8; 16]>(), ids in prop::collection::vec(any::<[u8; 16]>(), 0..5), data in prop::collection::vec(any::<u8>(), 0..100)) {
        let pssh = Pssh { system_id: SystemId(system), key_ids: ids.into_iter().map(KeyId).collect(), data };
        prop_assert_eq!(Pssh::parse(&pssh.to_box()).unwrap(), pssh);
    }

    #[test]
    fn no_bytes_make_a_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        let _ = (Pssh::parse_all(&bytes), widevine::Data::parse(&bytes), playready::header(&bytes));
    }

    #[test]
    fn changed_boxes_do_not_make_a_parser_panic(which in 0usize..3, at in any::<usize>(), to in any::<u8>(), cut in 0usize..700) {
        let pssh = [
            Pssh::common(&[ID, OTHER]),
            Pssh::widevine(&[ID], ProtectionScheme::Cbcs),
            Pssh::playready(playready::object_of_many(&[ID], ProtectionScheme::Cbcs, Some("https://a.example"))),
        ];
        let mut bytes = pssh[which].to_box();
        let at = at % bytes.len();
        bytes[at] = to;
        bytes.truncate(cut);
        if let Ok(all) = Pssh::parse_all(&bytes) {
            all.iter().for_each(|pssh| drop((pssh.all_key_ids(), playready::la_url(&pssh.data))));
        }
    }
}
