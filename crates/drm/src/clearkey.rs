//! ClearKey licences (W3C Encrypted Media Extensions §9.1): requests and answers in JSON.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::{Zeroize, Zeroizing};

use crate::secret::ContentKey;
use crate::types::KeyId;

/// The largest request in bytes.
pub const MAX_REQUEST: usize = 16 << 10;
/// The most keys of one request.
pub const MAX_KEYS: usize = 128;
/// How deep values that are not understood may nest.
const MAX_DEPTH: usize = 16;

/// What a player asks for (§9.1.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The keys, as named in the initialisation data.
    pub key_ids: Vec<KeyId>,
    /// For how long.
    pub session: Session,
}

/// The `type` of a session (§9.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    /// For playing now.
    Temporary,
    /// To be kept.
    Persistent,
}

/// A request cannot be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Too many bytes.
    #[error("a licence request has at most {MAX_REQUEST} bytes")]
    TooLong,
    /// Not JSON.
    #[error("the licence request is not JSON at byte {at}")]
    Json {
        /// Where it ends to be.
        at: usize,
    },
    /// No list of key ids.
    #[error("the licence request has no list \"kids\" of 1 to {MAX_KEYS} key ids")]
    NoKeys,
    /// A key id is wrong.
    #[error("key id {index} of the licence request is not 16 bytes in base64url without padding")]
    KeyId {
        /// 0-based position in the list.
        index: usize,
    },
    /// A session type that is not known.
    #[error("the licence request's \"type\" is neither \"temporary\" nor \"persistent-license\"")]
    Session,
}

impl Request {
    /// Parses a request: `{"kids":["..."],"type":"temporary"}`. Other members are passed over; without a type it is
    /// temporary.
    ///
    /// # Errors
    /// It is no such object, or asks for no key or too many.
    pub fn parse(bytes: &[u8]) -> Result<Self, RequestError> {
        if bytes.len() > MAX_REQUEST {
            return Err(RequestError::TooLong);
        }
        let mut json = Json { bytes, at: 0 };
        let mut key_ids = Vec::new();
        let mut session = Session::Temporary;
        json.members(|json, name| match name {
            "kids" => json.items(|json| {
                let index = key_ids.len();
                if index == MAX_KEYS {
                    return Err(RequestError::NoKeys);
                }
                let mut id = [0; 16];
                let text = json.string()?;
                let length = URL_SAFE_NO_PAD.decode_slice(text, &mut id).map_err(|_| RequestError::KeyId { index })?;
                if length != 16 {
                    return Err(RequestError::KeyId { index });
                }
                key_ids.push(KeyId(id));
                Ok(())
            }),
            "type" => {
                session = match json.string()? {
                    "temporary" => Session::Temporary,
                    "persistent-license" => Session::Persistent,
                    _ => return Err(RequestError::Session),
                };
                Ok(())
            }
            _ => json.skip(0),
        })?;
        json.end()?;
        if key_ids.is_empty() { Err(RequestError::NoKeys) } else { Ok(Self { key_ids, session }) }
    }
}

/// A licence: a JSON Web Key set (§9.1.4, RFC 7517 §5), wiped when dropped.
pub fn licence<'a>(keys: impl IntoIterator<Item = (KeyId, &'a ContentKey)>, session: Session) -> Zeroizing<String> {
    const ENTRY: usize = 80;
    let keys: Vec<_> = keys.into_iter().collect();
    // Never grows, so that no copy of a key stays behind in memory that was given back.
    let mut out = Zeroizing::new(String::with_capacity(64 + ENTRY * keys.len()));
    out.push_str("{\"keys\":[");
    for (index, (id, key)) in keys.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str("{\"kty\":\"oct\",\"k\":\"");
        push_base64(&mut out, key.expose());
        out.push_str("\",\"kid\":\"");
        push_base64(&mut out, &id.0);
        out.push_str("\"}");
    }
    out.push_str("],\"type\":\"");
    out.push_str(match session {
        Session::Temporary => "temporary",
        Session::Persistent => "persistent-license",
    });
    out.push_str("\"}");
    out
}

fn push_base64(out: &mut String, bytes: &[u8; 16]) {
    let mut text = [0; 22];
    URL_SAFE_NO_PAD.encode_slice(bytes, &mut text).expect("16 bytes are 22 characters");
    out.push_str(std::str::from_utf8(&text).expect("base64 is ASCII"));
    text.zeroize();
}

/// Reads JSON (RFC 8259) front to back.
struct Json<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Json<'a> {
    fn wrong<T>(&self) -> Result<T, RequestError> {
        Err(RequestError::Json { at: self.at })
    }

    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.bytes.get(self.at) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Result<(), RequestError> {
        if self.peek() != Some(byte) {
            return self.wrong();
        }
        self.at += 1;
        Ok(())
    }

    fn end(&mut self) -> Result<(), RequestError> {
        if self.peek().is_none() { Ok(()) } else { self.wrong() }
    }

    /// What lies between `open` and `close`, separated by commas.
    fn list(
        &mut self,
        (open, close): (u8, u8),
        mut item: impl FnMut(&mut Self) -> Result<(), RequestError>,
    ) -> Result<(), RequestError> {
        self.expect(open)?;
        if self.peek() == Some(close) {
            return self.expect(close);
        }
        loop {
            item(self)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                _ => return self.expect(close),
            }
        }
    }

    fn items(&mut self, item: impl FnMut(&mut Self) -> Result<(), RequestError>) -> Result<(), RequestError> {
        self.list((b'[', b']'), item)
    }

    fn members(
        &mut self,
        mut member: impl FnMut(&mut Self, &'a str) -> Result<(), RequestError>,
    ) -> Result<(), RequestError> {
        self.list((b'{', b'}'), |json| {
            let name = json.string()?;
            json.expect(b':')?;
            member(json, name)
        })
    }

    /// A string as it is written; escapes stay, since nothing that matters here needs any.
    fn string(&mut self) -> Result<&'a str, RequestError> {
        self.expect(b'"')?;
        let start = self.at;
        loop {
            match self.bytes.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') if self.bytes.len() - self.at > 1 => self.at += 2,
                Some(0x20..) => self.at += 1,
                _ => return self.wrong(),
            }
        }
        let text = self.bytes.get(start..self.at).and_then(|text| std::str::from_utf8(text).ok());
        let Some(text) = text else { return self.wrong() };
        self.at += 1;
        Ok(text)
    }

    fn skip(&mut self, depth: usize) -> Result<(), RequestError> {
        if depth > MAX_DEPTH {
            return self.wrong();
        }
        match self.peek() {
            Some(b'{') => self.members(|json, _| json.skip(depth + 1)),
            Some(b'[') => self.items(|json| json.skip(depth + 1)),
            Some(b'"') => self.string().map(|_| ()),
            Some(b'a'..=b'z' | b'0'..=b'9' | b'-') => {
                while let Some(b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'+' | b'.') = self.bytes.get(self.at) {
                    self.at += 1;
                }
                Ok(())
            }
            _ => self.wrong(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_examples_of_the_standard_are_understood() {
        let request = Request::parse(br#" {"kids":["LwVHf8JLtPrv2GUXFW2v_A"],"type":"temporary"} "#).unwrap();
        assert_eq!(request.key_ids[0].to_string(), "2f05477fc24bb4faefd86517156daffc");
        let more = br#"{"x":[{"y":null,"z":-1.5e3},[],{}],"type":"persistent-license","kids":["LwVHf8JLtPrv2GUXFW2v_A","AAAAAAAAAAAAAAAAAAAAAA"]}"#;
        let more = Request::parse(more).unwrap();
        assert_eq!((more.key_ids.len(), more.session), (2, Session::Persistent));
        let key = ContentKey::from_hex("0123456789abcdeffedcba9876543210").ok().unwrap();
        assert_eq!(
            *licence([(request.key_ids[0], &key), (KeyId([0; 16]), &key)], Session::Temporary),
            r#"{"keys":[{"kty":"oct","k":"ASNFZ4mrze_-3LqYdlQyEA","kid":"LwVHf8JLtPrv2GUXFW2v_A"},{"kty":"oct","k":"ASNFZ4mrze_-3LqYdlQyEA","kid":"AAAAAAAAAAAAAAAAAAAAAA"}],"type":"temporary"}"#
        );
    }

    #[test]
    fn a_licence_never_outgrows_its_first_memory() {
        let key = ContentKey::new([0xff; 16]);
        for count in [0, 1, 2, MAX_KEYS] {
            let keys = vec![(KeyId([0xff; 16]), &key); count];
            let licence = licence(keys, Session::Persistent);
            assert!(licence.len() <= 64 + 80 * count, "{count}");
        }
    }

    #[test]
    fn other_requests_are_refused() {
        let many = format!("{{\"kids\":[{}]}}", vec!["\"AAAAAAAAAAAAAAAAAAAAAA\""; MAX_KEYS + 1].join(","));
        let deep = format!("{{\"a\":{}", "[".repeat(1000));
        for (text, error) in [
            ("", RequestError::Json { at: 0 }),
            ("{}", RequestError::NoKeys),
            (r#"{"kids":[]}"#, RequestError::NoKeys),
            (r#"{"kids":["AAAA"]}"#, RequestError::KeyId { index: 0 }),
            (r#"{"kids":["LwVHf8JLtPrv2GUXFW2v_A=="]}"#, RequestError::KeyId { index: 0 }),
            (r#"{"kids":"LwVHf8JLtPrv2GUXFW2v_A"}"#, RequestError::Json { at: 8 }),
            (r#"{"kids":["LwVHf8JLtPrv2GUXFW2v_A"],"type":"other"}"#, RequestError::Session),
            (r#"{"kids":["LwVHf8JLtPrv2GUXFW2v_A"]}x"#, RequestError::Json { at: 35 }),
            (&many, RequestError::NoKeys),
            (&deep, RequestError::Json { at: 22 }),
            (&" ".repeat(MAX_REQUEST + 1), RequestError::TooLong),
        ] {
            assert_eq!(Request::parse(text.as_bytes()), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = Request::parse(&bytes);
        }

        #[test]
        fn changed_requests_do_not_make_the_parser_panic(at in 0usize..60, to in any::<u8>(), cut in 0usize..80) {
            let mut bytes = br#"{"kids":["LwVHf8JLtPrv2GUXFW2v_A"],"x":[{"y":"\\z"}],"type":"temporary"}"#.to_vec();
            bytes[at] = to;
            bytes.truncate(cut);
            let _ = Request::parse(&bytes);
        }
    }
}
