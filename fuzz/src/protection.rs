//! What is said about keys, by files, licence requests and manifests of others.

use drm::clearkey::{self, Request};
use drm::pssh::{playready, widevine};
use drm::{KeyEncryptionKey, KeySet, Pssh, TrackClass, WrappedKey};

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
