//! Tokens that somebody else's implementation has signed (pyca/cryptography), and hostile ones.
#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;
use crate::auth::federation::jwk;
use crate::auth::jwt::{Signer, thumbprint};

const NOW_S: i64 = 1_795_233_010;
const EXPECTED: Expected<'static> =
    Expected { issuer: "https://id.example", client: "lectern", nonce: "n-1", now_s: NOW_S };

fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors.json")).unwrap()
}

/// As the sign-in does it.
fn said(token: &str, keys: &[Jwk], expected: Expected<'_>) -> Result<Said, Fault> {
    let unverified = Unverified::read(token)?;
    let key = jwk::find(keys, unverified.kid.as_deref(), unverified.algorithm).ok_or(Fault::Key)?;
    unverified.verify(key, expected)
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[test]
fn tokens_of_each_algorithm_that_others_have_signed_hold_and_changed_ones_do_not() {
    let all = vectors();
    let keys = jwk::read(all.to_string().as_bytes()).unwrap();
    assert_eq!(keys.len(), 3, "what encrypts and what both sides have verifies nothing");
    let anna = Said {
        subject: "u-1".to_owned(),
        email: Some("Anna@school.example".to_owned()),
        name: Some("Anna".to_owned()),
    };
    for (algorithm, token) in all["tokens"].as_object().unwrap() {
        let token = token.as_str().unwrap();
        assert_eq!(said(token, &keys, EXPECTED), Ok(anna.clone()), "{algorithm}");
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let (header, payload) = signed.split_once('.').unwrap();
        let other = payload.replacen('A', "B", 1);
        assert_eq!(said(&format!("{header}.{other}.{signature}"), &keys, EXPECTED), Err(Fault::Signature));
        assert_eq!(said(&format!("{signed}."), &keys, EXPECTED), Err(Fault::Signature));
        assert!(said(signed, &keys, EXPECTED).is_err(), "{algorithm}");
        for (name, expected, fault) in [
            ("iss", Expected { issuer: "https://id.example/", ..EXPECTED }, Fault::Issuer),
            ("aud", Expected { client: "another", ..EXPECTED }, Fault::Audience),
            ("nonce", Expected { nonce: "n-2", ..EXPECTED }, Fault::Nonce),
            ("exp", Expected { now_s: 1_795_233_660, ..EXPECTED }, Fault::Time),
            ("iat", Expected { now_s: 1_795_232_900, ..EXPECTED }, Fault::Time),
        ] {
            assert_eq!(said(token, &keys, expected), Err(fault), "{algorithm} {name}");
        }
    }
}

#[test]
fn no_header_chooses_how_it_is_verified() {
    let all = vectors();
    let keys = jwk::read(all.to_string().as_bytes()).unwrap();
    let token = all["tokens"]["RS256"].as_str().unwrap();
    let (_, rest) = token.split_once('.').unwrap();
    for (header, fault) in [
        (json!({ "alg": "none", "kid": "rsa" }), Fault::Algorithm),
        (json!({ "alg": "None" }), Fault::Algorithm),
        (json!({ "alg": "HS256", "kid": "rsa" }), Fault::Algorithm),
        (json!({ "alg": "RS512", "kid": "rsa" }), Fault::Algorithm),
        (json!({ "alg": "ES256", "kid": "rsa" }), Fault::Key),
        (json!({ "alg": "RS256", "kid": "other" }), Fault::Key),
        (json!({ "alg": "RS256", "kid": "for-encryption" }), Fault::Key),
        (json!({ "alg": "RS256", "kid": "rsa", "typ": "logout+jwt" }), Fault::Malformed),
        (json!({ "alg": "RS256", "kid": "rsa", "crit": ["exp"] }), Fault::Malformed),
        // Another header than the one that was signed.
        (json!({ "alg": "RS256" }), Fault::Signature),
    ] {
        let forged = format!("{}.{rest}", part(&header));
        assert_eq!(said(&forged, &keys, EXPECTED), Err(fault), "{header}");
    }
    let unsigned = format!("{}.{}.", part(&json!({ "alg": "none" })), rest.split('.').next().unwrap());
    assert_eq!(said(&unsigned, &keys, EXPECTED), Err(Fault::Algorithm));
    for text in ["", ".", "..", "a.b.c", &"a".repeat(MAX_BYTES + 1)] {
        assert_eq!(said(text, &keys, EXPECTED), Err(Fault::Malformed), "{text:.9}");
    }
    assert_eq!(said(token, &[], EXPECTED), Err(Fault::Key));
    let twice = jwk::read(json!({ "keys": [all["keys"][2], all["keys"][2]] }).to_string().as_bytes()).unwrap();
    assert!(
        jwk::find(&twice, None, Algorithm::EdDsa).is_none() && jwk::find(&twice[..1], None, Algorithm::EdDsa).is_some()
    );
    for set in ["", "[]", "{}", "{\"keys\":1}"] {
        assert_eq!(jwk::read(set.as_bytes()), None, "{set}");
    }
}

#[test]
fn a_token_is_for_us_alone_of_this_sign_in_and_its_address_counts_where_the_provider_has_asked_there() {
    let signer = Signer::new(&[7; 32]);
    let x = URL_SAFE_NO_PAD.encode(signer.public_key());
    let set = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": thumbprint(signer.public_key()) }] });
    let keys = jwk::read(set.to_string().as_bytes()).unwrap();
    let usual = json!({
        "iss": "https://id.example", "sub": "u-1", "aud": "lectern", "exp": NOW_S + 60, "iat": NOW_S, "nonce": "n-1",
    });
    let of = |name: &str, value: Value| {
        let mut claims = usual.clone();
        claims[name] = value;
        said(&signer.sign(&claims), &keys, EXPECTED)
    };
    for (name, value, fault) in [
        ("aud", json!(["another"]), Fault::Audience),
        ("aud", json!(["lectern", "another"]), Fault::Audience),
        ("aud", json!([]), Fault::Audience),
        ("azp", json!("another"), Fault::Audience),
        ("nonce", Value::Null, Fault::Nonce),
        ("sub", json!(""), Fault::Subject),
        ("sub", json!("a\0"), Fault::Subject),
        ("sub", json!("a".repeat(256)), Fault::Subject),
        ("sub", Value::Null, Fault::Malformed),
        ("exp", json!("9999999999"), Fault::Malformed),
        ("exp", json!(NOW_S - SKEW_S), Fault::Time),
        ("exp", json!(i64::MIN), Fault::Time),
        ("iat", json!(i64::MAX), Fault::Time),
    ] {
        assert_eq!(of(name, value.clone()), Err(fault), "{name} {value}");
    }
    assert!(of("aud", json!(["lectern"])).is_ok() && of("azp", json!("lectern")).is_ok());
    for (verified, believed) in
        [(json!(true), true), (json!("true"), true), (json!(false), false), (json!("1"), false), (Value::Null, false)]
    {
        let mut claims = usual.clone();
        claims["email"] = json!("anna@school.example");
        claims["email_verified"] = verified.clone();
        let said = said(&signer.sign(&claims), &keys, EXPECTED).unwrap();
        assert_eq!(said.email.is_some(), believed, "{verified}");
    }
}
