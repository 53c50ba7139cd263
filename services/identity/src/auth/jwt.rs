//! Access tokens, and what is signed as they are: JSON Web Tokens (RFC 7519) in compact form, signed with Ed25519 (RFC 8037 §3.1). Pure.
//!
//! There is one algorithm, and a header says that and which key, nothing else: no token chooses how it is verified, or brings what it
//! is verified with (RFC 8725 §3.1).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::secret::CLIENT;

/// Who makes the tokens.
pub(crate) const ISSUER: &str = "lectern";
/// Whom they are for.
pub(crate) const AUDIENCE: &str = "lectern-api";
/// Whom those are for that say who somebody is, and open nothing else.
pub(crate) const USERINFO: &str = "lectern-userinfo";
/// The algorithm, as RFC 8037 names it.
pub(crate) const ALGORITHM: &str = "EdDSA";
const TYPE: &str = "JWT";
/// Ours have less than half of that.
const MAX_BYTES: usize = 2048;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: String,
    typ: String,
}

/// What a token says. A claim that is not known here could restrict it, and so makes it no token.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    /// The id of the person.
    pub(crate) sub: String,
    pub(crate) aud: String,
    /// From this second on it is worthless; seconds since 1970.
    pub(crate) exp: i64,
    /// Seconds since 1970.
    pub(crate) iat: i64,
    /// The id of the session.
    pub(crate) sid: String,
    /// The id of the tenant.
    pub(crate) tenant: String,
    /// How many factors have proved who the person is: `aal1` or `aal2`.
    pub(crate) acr: String,
    /// Which ones: words of RFC 8176.
    pub(crate) amr: Vec<String>,
    /// When the last of them was shown; seconds since 1970.
    pub(crate) auth_time: i64,
    /// Who acts as the person, if it is not himself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) act: Option<Act>,
}

/// Who acts as somebody else (RFC 8693 §4.1).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[schema(as = OAuthActor)]
#[serde(deny_unknown_fields)]
pub(crate) struct Act {
    /// The id of that person.
    pub(crate) sub: String,
}

impl Claims {
    /// Whether it is a client's that acts in its own name, and no person's.
    pub(crate) fn is_of_client(&self) -> bool {
        self.sub == self.sid && self.sub.starts_with(CLIENT.id_prefix())
    }
}

/// What signs tokens. It can be neither printed nor serialised.
pub(crate) struct Signer {
    pair: Ed25519KeyPair,
    public_key: [u8; 32],
}

impl Signer {
    /// From its seed of 32 bytes (RFC 8032 §5.1.5).
    pub(crate) fn new(seed: &[u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("a seed is any 32 bytes");
        let public_key = pair.public_key().as_ref().try_into().expect("a public key of Ed25519 has 32 bytes");
        Self { pair, public_key }
    }

    pub(crate) fn public_key(&self) -> &[u8; 32] {
        &self.public_key
    }

    /// The token that says so.
    pub(crate) fn sign(&self, claims: &impl Serialize) -> String {
        self.sign_as(TYPE, claims)
    }

    /// The same of another type, which is none of those that are read here.
    pub(crate) fn sign_as(&self, typ: &str, claims: &impl Serialize) -> String {
        let header = Header { alg: ALGORITHM.to_owned(), kid: thumbprint(&self.public_key), typ: typ.to_owned() };
        let signed = format!("{}.{}", part(&header), part(claims));
        let signature = self.pair.sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}

fn part(value: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(value).expect("it is plain data, which always has a JSON form"))
}

/// The name of a key, which follows from it (RFC 7638 §3.1 and RFC 8037 §2).
pub(crate) fn thumbprint(public_key: &[u8]) -> String {
    let x = URL_SAFE_NO_PAD.encode(public_key);
    let jwk = format!("{{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"{x}\"}}");
    URL_SAFE_NO_PAD.encode(Sha256::digest(jwk))
}

/// A token that has the form of ours, and is not verified.
pub(crate) struct Unverified<'a> {
    /// The name of the key that has to have signed it.
    pub(crate) kid: String,
    signed: &'a str,
    payload: &'a str,
    signature: Vec<u8>,
}

impl<'a> Unverified<'a> {
    /// Reads a token; `None` of what is none of ours.
    pub(crate) fn read(token: &'a str) -> Option<Self> {
        if token.len() > MAX_BYTES {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let Header { alg, kid, typ } = decoded(header)?;
        let is_ours = (alg.as_str(), typ.as_str()) == (ALGORITHM, TYPE) && !kid.contains('\0');
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        is_ours.then_some(Self { kid, signed, payload, signature })
    }

    /// What the token says, if it opens the API, that key has signed it and it holds at that second.
    pub(crate) fn verify(&self, public_key: &[u8], now_s: i64) -> Option<Claims> {
        self.access(public_key, now_s).filter(|claims| claims.aud == AUDIENCE)
    }

    /// The same of an access token for whatever audience.
    pub(crate) fn access(&self, public_key: &[u8], now_s: i64) -> Option<Claims> {
        let claims: Claims = self.said(public_key)?;
        let is_ours = claims.iss == ISSUER && [AUDIENCE, USERINFO].contains(&claims.aud.as_str());
        (is_ours && claims.exp > now_s).then_some(claims)
    }

    /// What the token says, whatever that is, if that key has signed it.
    pub(crate) fn said<T: DeserializeOwned>(&self, public_key: &[u8]) -> Option<T> {
        let key = UnparsedPublicKey::new(&ED25519, public_key);
        key.verify(self.signed.as_bytes(), &self.signature).ok()?;
        decoded(self.payload)
    }
}

fn decoded<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::*;

    const NOW_S: i64 = 1_795_233_000;

    fn claims() -> Claims {
        Claims {
            iss: ISSUER.to_owned(),
            sub: "usr_1".to_owned(),
            aud: AUDIENCE.to_owned(),
            exp: NOW_S + 600,
            iat: NOW_S,
            sid: "ses_1".to_owned(),
            tenant: "ten_1".to_owned(),
            acr: "aal1".to_owned(),
            amr: vec!["pwd".to_owned()],
            auth_time: NOW_S,
            act: None,
        }
    }

    fn verify(token: &str, signer: &Signer, now_s: i64) -> Option<Claims> {
        let unverified = Unverified::read(token)?;
        (unverified.kid == thumbprint(signer.public_key())).then(|| unverified.verify(signer.public_key(), now_s))?
    }

    /// A token of any parts, signed as they are.
    fn signed(signer: &Signer, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = URL_SAFE_NO_PAD.encode(signer.pair.sign(signed.as_bytes()).as_ref());
        format!("{signed}.{signature}")
    }

    #[test]
    fn the_name_of_a_key_is_its_thumbprint() {
        // RFC 8037, appendix A.1 and A.3.
        let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let signer = Signer::new(&seed.try_into().unwrap());
        let x = URL_SAFE_NO_PAD.encode(signer.public_key());
        assert_eq!(x, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert_eq!(thumbprint(signer.public_key()), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn a_token_says_what_was_signed_until_it_ends() {
        let (signer, other) = (Signer::new(&[1; 32]), Signer::new(&[2; 32]));
        let token = signer.sign(&claims());
        assert_eq!(verify(&token, &signer, NOW_S), Some(claims()));
        assert_eq!(verify(&token, &signer, NOW_S + 599), Some(claims()));
        assert_eq!(verify(&token, &signer, NOW_S + 600), None);
        assert_eq!(verify(&token, &other, NOW_S), None);
        assert_eq!(Unverified::read(&token).unwrap().verify(other.public_key(), NOW_S), None);
    }

    #[test]
    fn no_token_chooses_how_it_is_verified() {
        let signer = Signer::new(&[1; 32]);
        let header = json!({ "alg": "EdDSA", "kid": thumbprint(signer.public_key()), "typ": "JWT" });
        let said = serde_json::to_value(claims()).unwrap();
        assert_eq!(verify(&signed(&signer, &header, &said), &signer, NOW_S), Some(claims()));
        for (name, value) in [
            ("alg", json!("none")),
            ("alg", json!("None")),
            ("alg", json!("HS256")),
            ("alg", json!("Ed25519ph")),
            ("alg", Value::Null),
            ("typ", json!("at+jwt")),
            ("kid", json!("../../key")),
            ("kid", json!("\0")),
            ("jwk", json!({ "kty": "OKP" })),
            ("jku", json!("https://example.com/keys")),
            ("crit", json!(["exp"])),
            ("b64", json!(false)),
        ] {
            let mut header = header.clone();
            header[name] = value;
            assert_eq!(verify(&signed(&signer, &header, &said), &signer, NOW_S), None, "{header}");
        }
        for (name, value) in [
            ("aud", json!("another")),
            ("aud", json!(USERINFO)),
            ("aud", json!([AUDIENCE])),
            ("iss", json!("another")),
            ("exp", json!(NOW_S)),
            ("exp", json!("9999999999")),
            ("exp", json!(9.0e99)),
            ("exp", Value::Null),
            ("nbf", json!(NOW_S + 60)),
        ] {
            let mut said = said.clone();
            said[name] = value;
            assert_eq!(verify(&signed(&signer, &header, &said), &signer, NOW_S), None, "{said}");
        }
    }

    #[test]
    fn a_changed_token_is_none() {
        let signer = Signer::new(&[1; 32]);
        let token = signer.sign(&claims());
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let more = part(&Claims { sub: "usr_2".to_owned(), ..claims() });
        let other = format!("{}.{more}.{signature}", signed.split_once('.').unwrap().0);
        for changed in [
            other.as_str(),
            signed,
            &format!("{signed}."),
            &format!("{signed}.AAAA"),
            &format!("{token}="),
            &format!("{token}."),
            &format!(".{token}"),
            &token[1..],
            "",
            ".",
            "..",
            "...",
            &"a".repeat(MAX_BYTES + 1),
        ] {
            assert_eq!(verify(changed, &signer, NOW_S), None, "{changed}");
        }
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(verify(&String::from_utf8(bytes).unwrap(), &signer, NOW_S), None, "byte {at}");
        }
    }
}
