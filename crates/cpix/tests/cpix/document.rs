//! Reading and writing.

use cpix::{
    AudioFilter, BitrateFilter, ContentKeyElement, Document, DocumentProblem, DrmSystem, Hdcp, HlsSignaling, KeyData,
    ListHead, Scheme, UpdateHistoryItem, UsageRule, VideoFilter,
};
use drm::{ContentKey, Iv, KeyId, ProtectionScheme, SystemId};

use crate::support::{FULL, key, kid, plain};

fn id(last: u8) -> KeyId {
    let mut id = [0; 16];
    id[15] = last;
    KeyId(id)
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn all_that_the_schema_has_is_read_whatever_the_prefixes() {
    let document = Document::parse(FULL.as_bytes()).unwrap();
    assert_eq!(document.id, some("doc"));
    assert_eq!(document.content_id, some("lecture-7 & 8"));
    assert_eq!(document.name, some("Semester <1>"));
    assert_eq!(document.keys_head, ListHead { id: some("keys"), update_version: Some(1) });
    let first = ContentKeyElement {
        id: some("k1"),
        explicit_iv: Iv::new(&(0..16).collect::<Vec<u8>>()),
        scheme: Some(Scheme::Cenc(ProtectionScheme::Cbcs)),
        hdcp: Some(Hdcp { hls_level: some("TYPE-1"), output_protection: some("<OutputProtection/>") }),
        data: KeyData::Plain(ContentKey::new(*b"secret-key-0000*")),
        ..ContentKeyElement::new(id(1))
    };
    let second = ContentKeyElement { depends_on: Some(id(1)), ..ContentKeyElement::new(id(0xab)) };
    assert_eq!(document.keys, [first, second]);
    let system = DrmSystem {
        name: some("Widevine"),
        hls_allowed_cpc: some("com.widevine:L1"),
        pssh: Some(vec![0, 1, 2]),
        content_protection_data: some("<a/>"),
        robustness: some("HW_SECURE_ALL"),
        hls_signaling: HlsSignaling { media: some("#B"), multivariant: some("#A\n") },
        smooth_streaming_protection_header_data: some("abc"),
        ..DrmSystem::new(id(1), SystemId::WIDEVINE)
    };
    assert_eq!(document.drm_systems, [system]);
    assert_eq!(document.periods[1].offsets_ns(), Ok(Some((10_000_000_000, 15_500_000_000))));
    let rule = UsageRule {
        id: some("r1"),
        intended_track_type: some("UHD+HFR"),
        periods: vec!["p1".to_owned()],
        labels: vec!["UHD".to_owned()],
        video: vec![
            VideoFilter {
                min_pixels: Some(2_073_601),
                max_pixels: None,
                hdr: Some(true),
                wcg: Some(false),
                min_fps: Some(30),
                max_fps: Some(60),
            },
            VideoFilter::default(),
        ],
        audio: vec![AudioFilter { min_channels: Some(1), max_channels: Some(6) }],
        bitrate: vec![BitrateFilter { min_bps: Some(1000), max_bps: Some(2_000_000) }],
        ..UsageRule::new(id(0xab))
    };
    assert_eq!(document.usage_rules, [rule]);
    let item = UpdateHistoryItem {
        id: None,
        update_version: 1,
        index: "1".to_owned(),
        source: "studio".to_owned(),
        date: "2026-11-21T09:00:00Z".to_owned(),
    };
    assert_eq!(document.history, [item]);
    assert_eq!(document.problems(), []);
}

#[test]
fn what_is_written_is_read_back_the_same_and_written_the_same_again() {
    let document = Document::parse(FULL.as_bytes()).unwrap();
    let written = document.to_xml();
    let again = Document::parse(written.as_bytes()).unwrap();
    assert_eq!(again, document);
    assert_eq!(again.to_xml(), written);
    let lists: Vec<usize> = ["ContentKeyList", "DRMSystemList", "ContentKeyPeriodList", "ContentKeyUsageRuleList"]
        .iter()
        .map(|list| written.as_str().find(&format!("<cpix:{list}")).unwrap())
        .collect();
    assert!(lists.is_sorted());
}

#[test]
fn names_that_need_escaping_survive() {
    let hostile = "a<b>&\"'\t\n\r\u{1f600} ]]> é";
    let mut document = plain(1);
    document.content_id = some(hostile);
    let mut system = DrmSystem::new(kid(0), SystemId::FAIRPLAY);
    system.smooth_streaming_protection_header_data = some("a<b>&\"' ]]>");
    system.hls_signaling.media = some(hostile);
    document.drm_systems = vec![system];
    assert_eq!(Document::parse(document.to_xml().as_bytes()).unwrap(), document);
}

#[test]
fn a_request_is_told_from_nothing() {
    let mut document = plain(1);
    let mut system = DrmSystem::new(kid(0), SystemId::WIDEVINE);
    system.pssh = Some(Vec::new());
    system.hls_signaling.multivariant = some("");
    document.drm_systems = vec![system];
    let read = Document::parse(document.to_xml().as_bytes()).unwrap();
    assert_eq!(read, document);
    assert_eq!(read.drm_systems[0].content_protection_data, None);
}

#[test]
fn the_multivariant_playlist_has_its_old_name_in_old_documents() {
    let mut document = plain(1);
    let mut system = DrmSystem::new(kid(0), SystemId::WIDEVINE);
    system.hls_signaling.multivariant = some("#");
    document.drm_systems = vec![system];
    for (version, name) in [("2.3", "master"), ("2.4", "multiVariant"), ("2.10", "multiVariant"), ("1.9", "master")] {
        document.version = some(version);
        let written = document.to_xml();
        assert!(written.as_str().contains(&format!("playlist=\"{name}\"")), "{version}");
        assert_eq!(Document::parse(written.as_bytes()).unwrap(), document);
    }
}

#[test]
fn errors_say_what_and_where() {
    let ns = "xmlns=\"urn:dashif:org:cpix\" xmlns:k=\"urn:ietf:params:xml:ns:keyprov:pskc\"";
    let keys = |inner: &str| format!("<CPIX {ns}>\n<ContentKeyList>\n{inner}</ContentKeyList></CPIX>");
    let uuid = "00000000-0000-0000-0000-000000000001";
    let value = |text: &str| {
        keys(&format!(
            "  <ContentKey kid='{uuid}'><Data><k:Secret>\n<k:PlainValue>{text}</k:PlainValue></k:Secret></Data></ContentKey>"
        ))
    };
    for (text, message) in [
        (String::new(), "the document is not well-formed XML: there is no root element (line 1, column 1)"),
        ("<CPIX/>".to_owned(), "the root element is not CPIX of urn:dashif:org:cpix (line 1, column 1)"),
        (keys("<ContentKey/>"), "ContentKey has no kid attribute (line 3, column 1)"),
        (keys("  <ContentKey kid='1'/>"), "kid is not a UUID with dashes (line 3, column 3)"),
        (value("!"), "PlainValue is not base64 (line 4, column 1)"),
        (value("AAAA"), "the content key has 3 bytes instead of 16 (line 4, column 1)"),
        (
            keys(&format!("<ContentKey kid='{uuid}' explicitIV='AAAA'/>")),
            "explicitIV is not 16 bytes in base64 (line 3, column 1)",
        ),
        (
            format!("<!DOCTYPE a [<!ENTITY b 'c'>]><CPIX {ns}>&b;</CPIX>"),
            "the document has a document type declaration (line 1, column 1)",
        ),
        (
            format!("<CPIX {ns}>&b;</CPIX>"),
            "the document is not well-formed XML: a reference to an entity that is not declared (line 1, column 81)",
        ),
        (
            "<a>\n<é:b/></a>".to_owned(),
            "the document is not well-formed XML: a prefix that is not declared (line 2, column 1)",
        ),
        ("<a/><b/>".to_owned(), "the document is not well-formed XML: a second root element (line 1, column 5)"),
        (
            "<a></b>".to_owned(),
            "the document is not well-formed XML: tags that do not match, or a stray ampersand (line 1, column 4)",
        ),
        ("<a>".repeat(65), "the document has more than 64 elements inside one another (line 1, column 193)"),
        (
            format!("<CPIX {ns}><ContentKeyList/><ContentKeyList/></CPIX>"),
            "CPIX has more than one ContentKeyList element (line 1, column 98)",
        ),
    ] {
        assert_eq!(Document::parse(text.as_bytes()).unwrap_err().to_string(), message, "{text}");
    }
    assert_eq!(
        Document::parse(b"<a>\n\xff</a>").unwrap_err().to_string(),
        "the document is not UTF-8 (line 2, column 1)"
    );
    let long = vec![b' '; (4 << 20) + 1];
    assert!(Document::parse(&long).unwrap_err().to_string().contains("more than 4194304"));
}

#[test]
fn names_of_other_namespaces_do_not_count() {
    let text = FULL.replace("urn:dashif:org:cpix", "urn:dashif:org:cpix2");
    assert!(Document::parse(text.as_bytes()).is_err());
    let text = FULL.replace("keyprov:pskc", "keyprov:other");
    assert_eq!(Document::parse(text.as_bytes()).unwrap().keys[0].data, KeyData::None);
}

#[test]
fn contradictions_are_found() {
    let mut document = plain(3);
    document.keys[1].kid = kid(0);
    document.keys[0].content_id = some("other");
    document.keys[2].scheme = Some(ProtectionScheme::Cenc.into());
    document.keys[2].depends_on = Some(kid(9));
    document.drm_systems = vec![DrmSystem::new(kid(7), SystemId::WIDEVINE)];
    let mut rule = UsageRule::new(kid(8));
    rule.periods = vec!["p".to_owned()];
    rule.bitrate = vec![BitrateFilter::default()];
    rule.unknown_filters = true;
    document.usage_rules = vec![rule, UsageRule::new(kid(9))];
    assert_eq!(
        document.problems(),
        [
            DocumentProblem::DuplicateKey(kid(0)),
            DocumentProblem::TwoContentIds(kid(0)),
            DocumentProblem::LeafAttributes(kid(2)),
            DocumentProblem::UnknownKey { what: "a licence system", kid: kid(7) },
            DocumentProblem::UnknownKey { what: "a usage rule", kid: kid(8) },
            DocumentProblem::UnknownPeriod(kid(8)),
            DocumentProblem::EmptyBitrate(kid(8)),
            DocumentProblem::UnknownFilter(kid(8)),
            DocumentProblem::UnknownKey { what: "a usage rule", kid: kid(9) },
            DocumentProblem::RuleForRoot(kid(9)),
        ]
    );
}

#[test]
fn keys_are_never_printed() {
    let document = plain(2);
    let written = document.to_xml();
    assert!(written.as_str().contains("c2VjcmV0LWtleS0wMDBhKg=="), "the key is in the document itself");
    for shown in [format!("{document:?}"), format!("{:#?}", document.keys), format!("{written:?}")] {
        assert!(
            !shown.contains("c2VjcmV0") && !shown.contains("secret-key") && !shown.contains("736563726574"),
            "{shown}"
        );
    }
    // A key as an element name, an attribute, an unknown entity, a wrong length: no message repeats it.
    let secret = "c2VjcmV0LWtleS0wMDAw";
    for broken in [
        written.as_str().replace("</pskc:PlainValue>", &format!("</{secret}>")),
        written.as_str().replace("Kg==", "Kg=*"),
        written.as_str().replace("Kg==", ""),
        written.as_str().replace("Kg==", &format!("&{secret};")),
        written.as_str().replace("<pskc:PlainValue>", &format!("<pskc:PlainValue {secret}>")),
    ] {
        let error = Document::parse(broken.as_bytes()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("c2VjcmV0"), "{error:?}");
    }
    assert!(key(0) != key(1));
}
