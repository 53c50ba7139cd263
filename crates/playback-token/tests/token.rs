//! Tokens as their users see them.
#![allow(clippy::unwrap_used)]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use media_types::PlaybackId;
use playback_token::{
    Claims, ClaimsError, Hdcp, KeyRing, MAX_KEY_IDS, MAX_TOKEN_BYTES, PREFIX, PlayPolicy, SessionId, SigningKey,
    TokenError, issue, verify,
};
use proptest::prelude::*;

const NONCE: [u8; 12] = *b"twelve bytes";

fn key(name: &str, byte: u8) -> SigningKey {
    SigningKey::new(name, &[byte; 32]).ok().unwrap()
}

fn ring() -> KeyRing {
    KeyRing::new(key("a", 7))
}

/// With what later servers of version 1 know besides.
fn strictest() -> Claims {
    let policy = everything().policy;
    let policy = PlayPolicy { min_hdcp: Some(Hdcp::V2_2), licence_until_ms: Some(5_000), ..policy };
    Claims { policy, ..everything() }
}

fn playback(name: &str) -> PlaybackId {
    PlaybackId::from_unique(name)
}

fn everything() -> Claims {
    Claims {
        not_before_ms: Some(500),
        key_ids: Some(vec![[1; 16], [2; 16]]),
        session: SessionId::new("viewer-1"),
        policy: PlayPolicy { may_persist: true, max_height: Some(720), ..PlayPolicy::default() },
        ..Claims::new(playback("x"), 1_000)
    }
}

#[test]
fn a_token_lets_its_holder_in_within_its_time_and_only_there() {
    for claims in [Claims::new(playback("x"), 1_000), everything(), strictest()] {
        let token = issue(&ring(), &claims, NONCE).unwrap();
        let at = |now_ms| verify(&ring(), &token, now_ms, &playback("x"));
        assert_eq!((at(500), at(999)), (Ok(claims.clone()), Ok(claims.clone())));
        assert_eq!((at(1_000), at(i64::MAX)), (Err(TokenError::Expired), Err(TokenError::Expired)));
        assert_eq!(verify(&ring(), &token, 500, &playback("y")), Err(TokenError::OtherPlayback));
        assert_eq!(at(499).is_err(), claims.not_before_ms.is_some());
    }
}

/// The text is what clients and other processes hold while the server is updated.
#[test]
fn the_form_of_version_1_stays_as_it_is() {
    let token = issue(&ring(), &everything(), NONCE).unwrap();
    assert_eq!(
        token,
        "lpt1.AWF0d2VsdmUgYnl0ZXMfBHBiX3gAAAAAAAAD6AAAAAAAAAH0AgEBAQEBAQEBAQEBAQEBAQECAgICAgICAgICAgICAgICCHZpZXdlci0x\
         AtBXDA5C-edoMEWMpbrjXV2vd7s6XpHPQiQUefNNV8vXEA"
    );
}

#[test]
fn a_token_with_a_stricter_policy_is_one_that_older_servers_refuse() {
    let token = issue(&ring(), &strictest(), NONCE).unwrap();
    let body = URL_SAFE_NO_PAD.decode(token.strip_prefix(PREFIX).unwrap()).unwrap();
    let older =
        URL_SAFE_NO_PAD.decode(issue(&ring(), &everything(), NONCE).unwrap().strip_prefix(PREFIX).unwrap()).unwrap();
    let flags = 2 + NONCE.len();
    assert_eq!((older[flags], body[flags]), (0b1_1111, 0b111_1111), "they know five flags and refuse others");
    let (tail, older_tail) = (&body[..body.len() - 32], &older[..older.len() - 32]);
    assert_eq!(tail.len() - older_tail.len(), 1 + 8);
    assert_eq!(tail[older_tail.len()..], [0x22, 0, 0, 0, 0, 0, 0, 0x13, 0x88]);
}

#[test]
fn a_licence_ends_with_its_token_unless_that_says_otherwise() {
    assert_eq!((everything().licence_until_ms(), strictest().licence_until_ms()), (1_000, 5_000));
}

#[test]
fn versions_of_hdcp_have_one_name_each() {
    assert!(
        Hdcp::ALL.is_sorted()
            && Hdcp::ALL.into_iter().all(|version| Hdcp::from_name(version.as_str()) == Some(version))
    );
    for name in ["", "2", "2.20", "1.5", "hdcp-2.2"] {
        assert_eq!(Hdcp::from_name(name), None, "{name}");
    }
}

#[test]
fn tokens_outlive_the_change_of_keys_until_their_key_is_removed() {
    let claims = Claims::new(playback("x"), 1_000);
    let old = issue(&ring(), &claims, NONCE).unwrap();
    let rotated = ring().rotated(key("b", 8));
    let new = issue(&rotated, &claims, NONCE).unwrap();
    let check = |ring: &KeyRing, token: &str| verify(ring, token, 1, &playback("x")).map(drop);
    assert_eq!((check(&rotated, &old), check(&rotated, &new)), (Ok(()), Ok(())));
    assert_eq!(check(&ring(), &new), Err(TokenError::UnknownKey));
    assert_eq!(check(&rotated.without("a"), &old), Err(TokenError::UnknownKey));
    assert_eq!(check(&KeyRing::new(key("a", 9)), &old), Err(TokenError::BadSignature));
}

#[test]
fn the_nonce_makes_each_token_its_own() {
    let claims = Claims::new(playback("x"), 1_000);
    assert_ne!(issue(&ring(), &claims, NONCE).unwrap(), issue(&ring(), &claims, [0; 12]).unwrap());
}

#[test]
fn the_largest_claims_fit_and_larger_ones_are_refused() {
    let ring = KeyRing::new(key("sixteen-letters-", 1));
    let mut claims = Claims {
        key_ids: Some(vec![[9; 16]; MAX_KEY_IDS]),
        session: SessionId::new("s".repeat(64)),
        playback_id: PlaybackId::from_unique("p".repeat(61)),
        ..strictest()
    };
    let token = issue(&ring, &claims, NONCE).unwrap();
    assert!(token.len() <= MAX_TOKEN_BYTES, "{}", token.len());
    assert_eq!(verify(&ring, &token, 500, &claims.playback_id).as_ref(), Ok(&claims));
    let mut refused = |change: fn(&mut Claims)| {
        let before = claims.clone();
        change(&mut claims);
        let refused = issue(&ring, &claims, NONCE).unwrap_err();
        claims = before;
        refused
    };
    assert_eq!(refused(|claims| claims.key_ids = Some(vec![])), ClaimsError::KeyIds { count: 0 });
    assert_eq!(refused(|claims| claims.key_ids = Some(vec![[0; 16]; 33])), ClaimsError::KeyIds { count: 33 });
    assert_eq!(refused(|claims| claims.expires_at_ms = -1), ClaimsError::Time);
    assert_eq!(refused(|claims| claims.policy.licence_until_ms = Some(-1)), ClaimsError::Time);
    assert_eq!(refused(|claims| claims.not_before_ms = Some(1_000)), ClaimsError::Never);
    assert_eq!(refused(|claims| claims.policy.max_height = Some(0)), ClaimsError::Height);
    for text in ["", "a b", "ü", &"s".repeat(65)] {
        assert_eq!(SessionId::new(text), None, "{text}");
    }
}

#[test]
fn what_is_no_token_is_malformed() {
    let token = issue(&ring(), &everything(), NONCE).unwrap();
    let encoded = token.strip_prefix(PREFIX).unwrap();
    for text in [
        "",
        PREFIX,
        encoded,
        &format!("lpt2.{encoded}"),
        &format!("LPT1.{encoded}"),
        &format!("{token}="),
        &format!(" {token}"),
        &format!("{PREFIX}{}", "A".repeat(MAX_TOKEN_BYTES)),
        &format!("{PREFIX}{}", "A".repeat(20)),
    ] {
        assert_eq!(verify(&ring(), text, 500, &playback("x")), Err(TokenError::Malformed), "{text}");
    }
}

#[test]
fn a_key_scope_names_the_keys_that_are_allowed() {
    let scoped = everything();
    assert!(scoped.allows_key(&[1; 16]) && !scoped.allows_key(&[3; 16]));
    assert!(Claims::new(playback("x"), 1).allows_key(&[3; 16]));
}

fn any_claims() -> impl Strategy<Value = Claims> {
    let times = (0..i64::MAX, prop::option::of(0..i64::MAX))
        .prop_filter("ends after it begins", |(to, from)| from.is_none_or(|from| from < *to));
    let ids = prop::option::of(prop::collection::vec(any::<[u8; 16]>(), 1..=MAX_KEY_IDS));
    let session = prop::option::of("[0-9A-Za-z_-]{1,64}");
    let hdcp = prop::option::of(prop::sample::select(&Hdcp::ALL[..]));
    let policy = (any::<bool>(), prop::option::of(1..=u16::MAX), hdcp, prop::option::of(0..i64::MAX));
    let policy = policy.prop_map(|(may_persist, max_height, min_hdcp, licence_until_ms)| PlayPolicy {
        may_persist,
        max_height,
        min_hdcp,
        licence_until_ms,
    });
    ("[0-9A-Za-z_-]{1,64}", times, ids, session, policy).prop_map(|(id, times, key_ids, session, policy)| Claims {
        playback_id: id.parse().unwrap(),
        expires_at_ms: times.0,
        not_before_ms: times.1,
        key_ids,
        session: session.and_then(SessionId::new),
        policy,
    })
}

proptest! {
    #[test]
    fn any_claims_come_back(claims in any_claims(), nonce in any::<[u8; 12]>()) {
        let token = issue(&ring(), &claims, nonce).unwrap();
        prop_assert!(token.len() <= MAX_TOKEN_BYTES);
        prop_assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)));
        let now = claims.not_before_ms.unwrap_or(0).min(claims.expires_at_ms - 1);
        if now >= 0 {
            prop_assert_eq!(verify(&ring(), &token, now, &claims.playback_id), Ok(claims));
        }
    }

    #[test]
    fn any_flipped_bit_is_refused(at in any::<usize>(), bit in 0u8..8) {
        let token = issue(&ring(), &everything(), NONCE).unwrap();
        let mut bytes = URL_SAFE_NO_PAD.decode(token.strip_prefix(PREFIX).unwrap()).unwrap();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        let changed = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(&bytes));
        let refused = verify(&ring(), &changed, 500, &playback("x")).unwrap_err();
        prop_assert!(matches!(refused, TokenError::Malformed | TokenError::UnknownKey | TokenError::BadSignature));
    }

    #[test]
    fn any_other_character_is_refused(at in any::<usize>(), to in "[ -~]") {
        let token = issue(&ring(), &everything(), NONCE).unwrap();
        let at = at % token.len();
        let mut changed = token.clone();
        changed.replace_range(at..=at, &to);
        if changed != token {
            prop_assert!(verify(&ring(), &changed, 500, &playback("x")).is_err(), "{}", changed);
        }
    }

    #[test]
    fn a_cut_token_is_refused(keep in 0usize..200) {
        let token = issue(&ring(), &everything(), NONCE).unwrap();
        let keep = keep.min(token.len() - 1);
        prop_assert!(verify(&ring(), &token[..keep], 500, &playback("x")).is_err());
    }

    #[test]
    fn no_text_makes_the_parser_of_keys_panic(text in "[0-9a-fA-F:,#\\n ]{0,200}|.{0,80}") {
        let _ = KeyRing::parse(&text);
    }

    #[test]
    fn no_text_is_a_token_by_chance(text in "(lpt1\\.)?[0-9A-Za-z_-]{0,200}", any in ".{0,40}") {
        prop_assert!(verify(&ring(), &text, 500, &playback("x")).is_err());
        prop_assert!(verify(&ring(), &any, 500, &playback("x")).is_err());
    }
}

#[test]
fn keys_have_no_text_form() {
    trait NotShown {
        const SHOWN: bool = false;
    }
    impl<T> NotShown for Of<T> {}
    struct Of<T>(std::marker::PhantomData<T>);
    impl<T: std::fmt::Debug> Of<T> {
        const SHOWN: bool = true;
    }
    let shown = [Of::<SigningKey>::SHOWN, Of::<KeyRing>::SHOWN, Of::<Claims>::SHOWN];
    assert_eq!(shown, [false, false, true]);
}
