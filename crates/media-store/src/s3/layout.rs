//! Where things lie in a bucket.

use crate::StoreError;
use crate::key::check_key;

/// S3's longest key.
const MAX_S3_KEY_BYTES: usize = 1024;
/// The longest key of ours, with what is put around it in `staging/bytes/`.
const LONGEST_BYTES: usize = 512 + 160;
/// The longest note on somebody else's object, with what is put around it.
const LONGEST_NOTE_BYTES: usize = 144;

/// The keys below one prefix of a bucket.
pub(super) struct Layout {
    /// Empty, or ends with a slash.
    prefix: String,
}

impl Layout {
    pub(super) fn object(&self, key: &str) -> String {
        format!("{}objects/{key}", self.prefix)
    }

    pub(super) fn upload(&self, key: &str) -> String {
        format!("{}staging/uploads/{key}", self.prefix)
    }

    /// Ends with a slash. No two uploads have the same, not even one after the other under one key.
    pub(super) fn bytes(&self, key: &str, id: &str) -> String {
        format!("{}staging/bytes/{key}/{id}/", self.prefix)
    }

    pub(super) fn conditions(&self) -> String {
        format!("{}staging/conditions", self.prefix)
    }

    pub(super) fn hashes(&self) -> String {
        format!("{}staging/hashes", self.prefix)
    }
}

fn unsupported(location: &str, reason: &'static str) -> StoreError {
    StoreError::UnsupportedLocation { location: location.to_owned(), reason }
}

/// The bucket and the prefix that `s3://BUCKET/PREFIX` names; the prefix is any text.
fn split(location: &str) -> Result<(&str, &str), StoreError> {
    let named = location.strip_prefix("s3://").unwrap_or_default();
    let (bucket, prefix) = named.split_once('/').unwrap_or((named, ""));
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
    if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(plain) {
        return Err(unsupported(location, "a bucket's name is 3 to 63 lower-case letters, digits, '.' and '-'"));
    }
    Ok((bucket, prefix.strip_suffix('/').unwrap_or(prefix)))
}

/// The bucket and the prefix that `s3://BUCKET/PREFIX` names, of a bucket that others fill: any text, empty or with a slash at
/// its end.
pub(super) fn parse_foreign(location: &str) -> Result<(&str, String), StoreError> {
    let (bucket, prefix) = split(location)?;
    if prefix.len() > MAX_S3_KEY_BYTES - LONGEST_NOTE_BYTES {
        return Err(unsupported(location, "a prefix has 880 bytes at most"));
    }
    Ok((bucket, if prefix.is_empty() { String::new() } else { format!("{prefix}/") }))
}

/// The bucket and the layout that `s3://BUCKET/PREFIX` names.
pub(super) fn parse(location: &str) -> Result<(&str, Layout), StoreError> {
    let (bucket, prefix) = split(location)?;
    if prefix.is_empty() {
        return Ok((bucket, Layout { prefix: String::new() }));
    }
    if check_key(prefix).is_err() || prefix.len() > MAX_S3_KEY_BYTES - LONGEST_BYTES {
        return Err(unsupported(
            location,
            "a prefix is parts of letters, digits, '.', '_' and '-', joined by '/', 352 bytes at most",
        ));
    }
    Ok((bucket, Layout { prefix: format!("{prefix}/") }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_location_names_a_bucket_and_perhaps_a_prefix() {
        for (location, bucket, key) in [
            ("s3://lectures", "lectures", "objects/a/b"),
            ("s3://lectures/", "lectures", "objects/a/b"),
            ("s3://lectures.example/x/y", "lectures.example", "x/y/objects/a/b"),
            ("s3://lectures/x/", "lectures", "x/objects/a/b"),
        ] {
            let (name, layout) = parse(location).unwrap();
            assert_eq!((name, layout.object("a/b").as_str()), (bucket, key), "{location}");
        }
        let long = format!("s3://lectures/{}", ["x"; 180].join("/"));
        for bad in ["s3://", "s3://ab", "s3://Lectures", "s3://a_b_c", "s3://lectures//x", "s3://lectures/x y", &long] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
