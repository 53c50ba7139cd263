//! Which keys there are. Everything that could leave a folder, hide in it or upset a shell is refused at the door.

use crate::StoreError;

const MAX_KEY_BYTES: usize = 512;
const MAX_PART_BYTES: usize = 128;

fn plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

fn fine_part(part: &str) -> bool {
    (1..=MAX_PART_BYTES).contains(&part.len()) && part.bytes().all(plain) && part != "." && part != ".."
}

/// Whether `key` may name an object or an upload: 1 to 512 bytes, parts of 1 to 128 letters, digits, `.`, `_` or `-`
/// joined by `/`, none of them `.` or `..`.
///
/// # Errors
/// [`StoreError::InvalidKey`].
pub(crate) fn check_key(key: &str) -> Result<(), StoreError> {
    let fine = key.len() <= MAX_KEY_BYTES && key.split('/').all(fine_part);
    if fine { Ok(()) } else { Err(StoreError::invalid_key(key)) }
}

/// Whether `prefix` may start a key: a key with its end cut off anywhere.
pub(crate) fn check_prefix(prefix: &str) -> Result<(), StoreError> {
    let (folders, rest) = prefix.rsplit_once('/').map_or((None, prefix), |(folders, rest)| (Some(folders), rest));
    let fine = prefix.len() <= MAX_KEY_BYTES
        && folders.is_none_or(|folders| folders.split('/').all(fine_part))
        && rest.len() <= MAX_PART_BYTES
        && rest.bytes().all(plain);
    if fine { Ok(()) } else { Err(StoreError::invalid_key(prefix)) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_that_leave_the_store_or_are_odd_are_refused() {
        let long_part = "x".repeat(MAX_PART_BYTES + 1);
        let long_key = vec!["part"; 110].join("/");
        for bad in
            ["", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "a/.", "a\\b", "a b", "a\0b", "ä", "a:b", "*", "~"]
        {
            assert!(check_key(bad).is_err(), "{bad:?}");
        }
        assert!(check_key(&long_part).is_err() && check_key(&long_key).is_err());
        for good in ["a", "sources/ast_1/original", "published/pb_1/g2/video-1080p/00001.m4s", "..a", "a/b..c"] {
            assert!(check_key(good).is_ok(), "{good:?}");
        }
    }

    proptest! {
        #[test]
        fn an_accepted_key_stays_below_its_folder(key in "[a./\\\\-]{0,12}") {
            if check_key(&key).is_ok() {
                let path = std::path::Path::new("root").join(&key);
                prop_assert!(path.components().all(|part| part != std::path::Component::ParentDir));
                prop_assert_eq!(path.into_os_string(), std::ffi::OsString::from(format!("root/{key}")));
            }
        }

        #[test]
        fn every_cut_of_a_key_is_a_prefix(key in "[a-c]{1,3}(/[a-c.]{2}x){0,3}", cut in 0usize..12) {
            prop_assume!(check_key(&key).is_ok());
            prop_assert!(check_prefix(key.get(..cut).unwrap_or(&key)).is_ok());
        }
    }

    #[test]
    fn prefixes_that_leave_the_store_are_refused() {
        for bad in ["/", "../", "a/../", "a//", "a b"] {
            assert!(check_prefix(bad).is_err(), "{bad:?}");
        }
    }
}
