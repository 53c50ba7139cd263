//! What is said about keys, by files, licence requests and manifests of others.

use drm::clearkey::{self, Request};
use drm::pssh::{playready, widevine};
use drm::{DataKey, KeyEncryptionKey, KeySet, ObjectSeal, Pssh, TrackClass, WrappedKey, seal};

/// `pssh` boxes, and what the systems put into them: what is read is written and read again as the same.
pub fn protection_data(data: &[u8]) {
    if let Ok(boxes) = Pssh::parse_all(data) {
        let written: Vec<u8> = boxes.iter().flat_map(Pssh::to_box).collect();
        assert_eq!(Pssh::parse_all(&written).expect("what was written is read"), boxes);
        assert!(boxes.iter().map(|pssh| pssh.all_key_ids().len()).sum::<usize>() <= data.len());
        boxes.iter().for_each(|pssh| contents(&pssh.data));
    }
    if let Ok(pssh) = Pssh::parse(data) {
        assert_eq!(Pssh::parse(&pssh.to_box()), Ok(pssh));
    }
    contents(data);
}

fn contents(data: &[u8]) {
    if let Some(read) = widevine::Data::parse(data) {
        assert_eq!(widevine::Data::parse(&read.to_bytes()).as_ref(), Some(&read));
        assert_eq!(widevine::key_ids(data), read.key_ids);
    }
    let _ = playready::la_url(data);
    assert!(playready::key_ids(data).is_empty() || playready::header(data).is_some());
}

/// A key file: refused without a word of its keys, or every class has a key or none for it.
pub fn key_file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match KeySet::parse(text) {
        Ok(keys) => {
            let mut ids = keys.key_ids();
            assert_eq!(ids.len(), keys.entries().len());
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len(), keys.entries().len(), "no key twice");
            for class in [TrackClass::Audio, TrackClass::Sd, TrackClass::Hd, TrackClass::Uhd] {
                assert_eq!(TrackClass::from_name(class.as_str()), Some(class));
                let entry = keys.key_for(class).ok().and_then(|entry| entry.class);
                assert!(entry.is_none_or(|found| found == class));
            }
        }
        Err(error) => {
            assert!(error.line > 0 && error.column > 0, "{error:?}");
            let said = format!("{error} {error:?}").to_ascii_lowercase();
            let words = text.split(|letter: char| !letter.is_ascii_hexdigit()).filter(|word| word.len() >= 16);
            for word in words {
                assert!(!said.contains(&word.to_ascii_lowercase()), "{said}");
            }
        }
    }
}

/// A ClearKey licence request, and the licence for what it asks.
pub fn licence_request(data: &[u8]) {
    let Ok(request) = Request::parse(data) else { return };
    assert!((1..=clearkey::MAX_KEYS).contains(&request.key_ids.len()));
    assert!(data.len() <= clearkey::MAX_REQUEST);
    let key = drm::ContentKey::new([7; 16]);
    let licence = clearkey::licence(request.key_ids.iter().map(|id| (*id, &key)), request.session);
    assert_eq!(licence.matches("\"kid\"").count(), request.key_ids.len());
}

/// What the seeds are sealed under.
pub(crate) fn data_key() -> DataKey {
    DataKey::new([5; 32])
}

/// The name of the object that is read.
pub(crate) const SEALED_NAME: &str = "work/ast_1/job-1/1.m4s";

/// A sealed object: opens only when nothing in it was changed, whole and in parts.
pub fn sealed_object(data: &[u8]) {
    let key = data_key();
    let whole = seal::open(&key, SEALED_NAME, data.to_vec()).ok();
    if let Some(clear) = &whole {
        let salt = *data[4..].first_chunk().expect("what opens has a header");
        assert!(seal::seal(&key, SEALED_NAME, salt, clear) == data);
    }
    if let Ok(object) = ObjectSeal::read(&key, SEALED_NAME, data, data.len() as u64) {
        assert_eq!(object.sealed_bytes(), data.len() as u64);
        let end = object.clear_bytes();
        for range in [0..end.min(1), end / 2..end, end.saturating_sub(1)..end] {
            let part = object.cover(range.clone());
            let opened = object.open_range(range.clone(), data[part.start as usize..part.end as usize].to_vec());
            let expected = whole.as_ref().map(|clear| &clear[range.start as usize..range.end as usize]);
            assert!(expected.is_none_or(|expected| opened.as_deref() == Ok(expected)));
            assert!(opened.is_err() || opened.is_ok_and(|opened| opened.len() as u64 == range.end - range.start));
        }
    }
    assert!(seal::open(&key, "other", seal::seal(&key, "other", [1; 32], data)).is_ok_and(|opened| opened == data));
}

/// A stored key: opens only when nothing in it was changed.
pub fn wrapped_key(data: &[u8]) {
    let under = KeyEncryptionKey::new(&[3; 32]).expect("32 bytes are a key");
    if let Ok(key) = WrappedKey::from_bytes(data).unwrap(&under) {
        let padded = drm::wrap::wrap_padded(&under, key.expose());
        assert!(WrappedKey::wrap(&key, &under).as_bytes() == data || padded.as_deref() == Some(data));
    }
    let _ = (drm::wrap::unwrap(&under, data), drm::wrap::unwrap_padded(&under, data));
    if let Some(wrapped) = drm::wrap::wrap_padded(&under, data) {
        assert_eq!(drm::wrap::unwrap_padded(&under, &wrapped).expect("it was just wrapped")[..], *data);
    }
    if let Some(wrapped) = drm::wrap::wrap(&under, data) {
        assert_eq!(drm::wrap::unwrap(&under, &wrapped).expect("it was just wrapped")[..], *data);
    }
}
