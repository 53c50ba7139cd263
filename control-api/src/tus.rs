//! The headers of tus 1.0, parsed. Pure: text in, values out.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kernel::Problem;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::codes;

pub(crate) const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
pub(crate) const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
pub(crate) const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
pub(crate) const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const UPLOAD_DEFER_LENGTH: HeaderName = HeaderName::from_static("upload-defer-length");
const UPLOAD_CONCAT: HeaderName = HeaderName::from_static("upload-concat");
pub(crate) const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
const UPLOAD_CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");
const CHECKSUM_ALGORITHM: HeaderName = HeaderName::from_static("tus-checksum-algorithm");
const VERSION_LIST: HeaderName = HeaderName::from_static("tus-version");
const EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
const MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");

/// The one protocol version.
pub(crate) const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");
/// Media type of a PATCH.
pub(crate) const OFFSET_OCTET_STREAM: &str = "application/offset+octet-stream";
const EXTENSIONS: HeaderValue =
    HeaderValue::from_static("creation,creation-with-upload,termination,checksum,expiration");
const ALGORITHMS: HeaderValue = HeaderValue::from_static("sha1,sha256");
const MAX_METADATA_BYTES: usize = 8 * 1024;

/// What a creation announces.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Creation {
    pub(crate) size_bytes: u64,
    pub(crate) filename: Option<String>,
    pub(crate) ladder: Option<String>,
    pub(crate) protection: Option<String>,
}

/// Whether the client speaks tus.
pub(crate) fn spoken(headers: &HeaderMap) -> bool {
    headers.contains_key(RESUMABLE)
}

/// Refuses any version but 1.0.0 with 412.
pub(crate) fn check_version(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.get(RESUMABLE) == Some(&VERSION) {
        return Ok(());
    }
    let detail = "the header Tus-Resumable must be 1.0.0";
    Err(Problem::new(StatusCode::PRECONDITION_FAILED, codes::TUS_VERSION, detail).header(VERSION_LIST, VERSION))
}

/// Refuses what a client must not rely on here: concatenation is an extension this server has not.
pub(crate) fn check_extensions(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.contains_key(UPLOAD_CONCAT) {
        let detail = "this server does not have the tus extension concatenation";
        return Err(Problem::bad_request(codes::TUS_EXTENSION, detail));
    }
    Ok(())
}

/// What a client says that its chunk hashes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checksum {
    Sha1([u8; 20]),
    Sha256([u8; 32]),
}

impl Checksum {
    /// Whether these bytes are the chunk.
    pub(crate) fn is_of(self, chunk: &[u8]) -> bool {
        match self {
            Checksum::Sha1(hash) => Sha1::digest(chunk).as_slice() == hash,
            Checksum::Sha256(hash) => Sha256::digest(chunk).as_slice() == hash,
        }
    }
}

/// The checksum of the request's body, if it brings one: `sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk=`.
pub(crate) fn checksum(headers: &HeaderMap) -> Result<Option<Checksum>, Problem> {
    let Some(value) = headers.get(UPLOAD_CHECKSUM) else { return Ok(None) };
    let read = || {
        let (algorithm, hash) = value.to_str().ok()?.trim().split_once(' ')?;
        let hash = STANDARD.decode(hash.trim()).ok()?;
        match algorithm {
            "sha1" => Some(Checksum::Sha1(hash.try_into().ok()?)),
            "sha256" => Some(Checksum::Sha256(hash.try_into().ok()?)),
            _ => None,
        }
    };
    let detail = "the header Upload-Checksum is not sha1 or sha256 with the Base64 of such a hash";
    read().map(Some).ok_or_else(|| Problem::bad_request(codes::TUS_INVALID_CHECKSUM, detail))
}

/// The value of `Upload-Expires` (RFC 9110 §5.6.7).
pub(crate) fn expires(unix_ms: i64) -> HeaderValue {
    // Behind the last year that the form has room for there is nothing to say.
    const LAST_MS: u64 = 253_402_300_799_999;
    let since = Duration::from_millis(u64::try_from(unix_ms).unwrap_or(0).min(LAST_MS));
    let text = httpdate::fmt_http_date(UNIX_EPOCH + since);
    HeaderValue::from_str(&text).expect("a date is a header value")
}

/// What a POST announces.
pub(crate) fn creation(headers: &HeaderMap) -> Result<Creation, Problem> {
    check_version(headers)?;
    check_extensions(headers)?;
    if headers.contains_key(UPLOAD_DEFER_LENGTH) {
        let detail = "the length must be known at creation; send Upload-Length";
        return Err(Problem::bad_request(codes::TUS_DEFERRED_LENGTH, detail));
    }
    let size_bytes = number(headers, &UPLOAD_LENGTH)?
        .ok_or_else(|| Problem::bad_request(codes::TUS_MISSING_LENGTH, "the header Upload-Length is missing"))?;
    let mut metadata = match headers.get(UPLOAD_METADATA) {
        Some(value) => metadata(value.as_bytes())?,
        None => BTreeMap::new(),
    };
    let filename = metadata.remove("filename").or_else(|| metadata.remove("name"));
    let (ladder, protection) = (metadata.remove("ladder"), metadata.remove("protection"));
    Ok(Creation { size_bytes, filename, ladder, protection })
}

/// A header that holds a number of bytes; `None` when it is absent.
pub(crate) fn number(headers: &HeaderMap, name: &HeaderName) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let text = value.to_str().unwrap_or("");
    // `parse` alone would take a plus sign.
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let parsed = if digits { text.parse::<u64>().ok().filter(|number| i64::try_from(*number).is_ok()) } else { None };
    let detail = format!("the header {name} must be a whole number of bytes");
    parsed.map(Some).ok_or_else(|| Problem::bad_request(codes::TUS_INVALID_NUMBER, detail))
}

/// `key base64,key base64,key`: a value may be absent, a key may not repeat.
fn metadata(bytes: &[u8]) -> Result<BTreeMap<String, String>, Problem> {
    let refuse =
        |detail: &str| Problem::bad_request(codes::TUS_INVALID_METADATA, format!("in Upload-Metadata, {detail}"));
    let text = std::str::from_utf8(bytes).map_err(|_| refuse("keys are ASCII"))?;
    if text.len() > MAX_METADATA_BYTES {
        return Err(refuse("there are more than 8 KiB"));
    }
    let mut pairs = BTreeMap::new();
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let value = STANDARD.decode(value.trim()).map_err(|_| refuse("a value is not Base64"))?;
        let value = String::from_utf8(value).map_err(|_| refuse("a value is not UTF-8"))?;
        if pairs.insert(key.to_owned(), value).is_some() {
            return Err(refuse("a key repeats"));
        }
    }
    Ok(pairs)
}

/// The headers with which OPTIONS describes this server.
pub(crate) fn capabilities(max_bytes: u64) -> HeaderMap {
    HeaderMap::from_iter([
        (RESUMABLE, VERSION),
        (VERSION_LIST, VERSION),
        (EXTENSION, EXTENSIONS),
        (CHECKSUM_ALGORITHM, ALGORITHMS),
        (MAX_SIZE, HeaderValue::from(max_bytes)),
    ])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn a_creation_is_read_and_each_mistake_has_its_code() {
        let name = STANDARD.encode("a \"b\"\n/../c.mp4");
        let with = |metadata: &str, length: &str| {
            let list = headers(&[("tus-resumable", "1.0.0"), ("upload-length", length), ("upload-metadata", metadata)]);
            creation(&list).map_err(|problem| problem.code())
        };
        let read =
            with(&format!("filename {name}, is_confidential,ladder ZmlsbQ==,protection Y2Jjcw=="), "10").unwrap();
        assert_eq!(read.filename.as_deref(), Some("a \"b\"\n/../c.mp4"));
        assert_eq!((read.size_bytes, read.ladder.as_deref()), (10, Some("film")));
        assert_eq!(read.protection.as_deref(), Some("cbcs"));
        for (metadata, length, code) in [
            ("", "", "tus.invalid_number"),
            ("", "+1", "tus.invalid_number"),
            ("", "-1", "tus.invalid_number"),
            ("", "18446744073709551616", "tus.invalid_number"),
            ("", "9223372036854775808", "tus.invalid_number"),
            ("filename ***", "1", "tus.invalid_metadata"),
            ("filename /w==", "1", "tus.invalid_metadata"),
            ("a YQ==,a Yg==", "1", "tus.invalid_metadata"),
        ] {
            assert_eq!(with(metadata, length), Err(code), "{metadata} {length}");
        }
        let code = |pairs: &[_]| creation(&headers(pairs)).unwrap_err().code();
        assert_eq!(code(&[("tus-resumable", "0.2.2")]), "tus.version");
        assert_eq!(code(&[("tus-resumable", "1.0.0")]), "tus.missing_length");
        assert_eq!(code(&[("tus-resumable", "1.0.0"), ("upload-defer-length", "1")]), "tus.deferred_length");
        assert_eq!(code(&[("tus-resumable", "1.0.0"), ("upload-concat", "partial")]), "tus.extension");
    }

    #[test]
    fn a_checksum_fits_its_chunk_alone_and_another_form_is_refused() {
        let read = |value: &str| checksum(&headers(&[("upload-checksum", value)])).map_err(|problem| problem.code());
        assert_eq!(checksum(&HeaderMap::new()).unwrap(), None);
        let (sha1, sha256) = (STANDARD.encode(Sha1::digest(b"abc")), STANDARD.encode(Sha256::digest(b"abc")));
        for value in [format!("sha1 {sha1}"), format!(" sha256  {sha256} ")] {
            let read = read(&value).unwrap().unwrap();
            assert!(read.is_of(b"abc") && !read.is_of(b"abd") && !read.is_of(b""), "{value}");
        }
        for value in
            ["", "sha1", "sha1 ", "sha1 ***", "md5 kAFQmDzST7DWlj99KOF/cg==", "SHA1 x", &format!("sha256 {sha1}")]
        {
            assert_eq!(read(value), Err("tus.invalid_checksum"), "{value}");
        }
    }

    #[test]
    fn an_upload_expires_at_a_date_of_http() {
        for (ms, text) in [
            (1_403_712_000_999, "Wed, 25 Jun 2014 16:00:00 GMT"),
            (-1, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (i64::MAX, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] {
            assert_eq!(expires(ms), text, "{ms}");
        }
    }

    proptest! {
        #[test]
        fn any_filename_survives_the_metadata_header(filename in ".{0,255}") {
            let header = format!("filename {}", STANDARD.encode(&filename));
            prop_assert_eq!(metadata(header.as_bytes()).unwrap().remove("filename"), Some(filename));
        }

        #[test]
        fn arbitrary_metadata_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = metadata(&bytes);
        }
    }
}
