//! A watched bucket: which objects are new, and what is remembered of those that were taken.
//!
//! ```text
//! PREFIX/.lectern/arriving/<id>   the upload that an object goes into
//! PREFIX/.lectern/done/<id>       it is uploaded
//! PREFIX/.lectern/failed/<id>     it is refused, and why
//! ```
//!
//! An `<id>` is of one state of an object: its key, its ETag and when it was put. Two processes may watch a bucket: what both
//! take is one upload, which one of them fills at a time.

use std::collections::{HashMap, HashSet};

use media_store::{BucketSource, MAX_LISTED_KEYS, SourceObject, StoreError};
use serde_json::{Value, json};

use super::folder::is_whole;
use super::upload::{Announced, Upload};

const ARRIVING: &str = "arriving";
const DONE: &str = "done";
const FAILED: &str = "failed";
/// The most objects below a prefix.
const MOST: usize = 1_000_000;
/// The longest name that the API takes.
const MAX_NAME_CHARS: usize = 255;

/// What is told of one state of an object, here and to the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Id(u128);

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Done,
    Failed,
}

/// An object that nothing is known of yet.
#[derive(Debug)]
pub(super) struct New {
    pub(super) id: Id,
    pub(super) object: SourceObject,
}

/// What a note says of an upload.
pub(super) struct Left {
    pub(super) upload_id: String,
    pub(super) size_bytes: u64,
}

/// A bucket, and what is known of its objects.
pub(super) struct Inbox {
    source: BucketSource,
    /// The bucket's name and prefix, as they were given.
    location: String,
    known: HashMap<Id, Fate>,
    /// What somebody was uploading when this process began.
    arriving: Vec<Id>,
}

/// Where a look at the whole bucket is.
#[derive(Default)]
pub(super) struct Look {
    there: HashSet<Id>,
    after: Option<String>,
    is_over: bool,
}

impl Id {
    fn of(location: &str, object: &SourceObject) -> Self {
        let SourceObject { name, etag, modified_ms, .. } = object;
        let hash = blake3::hash(format!("{location}/{name}\0{etag}\0{modified_ms}").as_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&hash.as_bytes()[..16]);
        Self(u128::from_be_bytes(id))
    }

    fn in_folder(self, folder: &str) -> String {
        format!("{folder}/{:032x}", self.0)
    }

    fn parse(note: &str) -> Option<Self> {
        u128::from_str_radix(note.rsplit_once('/')?.1, 16).ok().map(Self)
    }
}

impl New {
    /// What the API is told: the last part of a key is the name of a file.
    pub(super) fn announced(&self) -> Announced {
        let file = self.object.name.rsplit('/').next().unwrap_or_default().replace('\0', "_");
        let skipped = file.chars().count().saturating_sub(MAX_NAME_CHARS);
        let name = file.chars().skip(skipped).collect();
        Announced { key: format!("watch-{:032x}", self.id.0), name, size: self.object.size_bytes }
    }
}

impl Inbox {
    /// Opens `s3://BUCKET/PREFIX`, and reads what is remembered of it.
    pub(super) async fn open(location: &str) -> Result<Self, StoreError> {
        let source = BucketSource::open(location).await?;
        let location = location.trim_end_matches('/').to_owned();
        let mut inbox = Self { source, location, known: HashMap::new(), arriving: Vec::new() };
        for (folder, fate) in [(FAILED, Fate::Failed), (DONE, Fate::Done)] {
            let ids = inbox.noted_in(folder).await?;
            inbox.known.extend(ids.into_iter().map(|id| (id, fate)));
        }
        inbox.arriving = inbox.noted_in(ARRIVING).await?;
        Ok(inbox)
    }

    async fn noted_in(&self, folder: &str) -> Result<Vec<Id>, StoreError> {
        let mut ids = Vec::new();
        let mut after: Option<String> = None;
        while ids.len() < MOST {
            let names = self.source.notes(folder, after.as_deref()).await?;
            ids.extend(names.iter().filter_map(|name| Id::parse(name)));
            let is_last = names.len() < MAX_LISTED_KEYS;
            after = names.into_iter().next_back();
            if is_last {
                break;
            }
        }
        Ok(ids)
    }

    /// The next page of a look: what is new on it. Objects that are uploaded and still there go, if `remove` says so. `None` when
    /// there are more objects than are looked at.
    pub(super) async fn look(&self, look: &mut Look, remove: bool) -> Result<Option<Vec<New>>, StoreError> {
        let page = self.source.page(look.after.as_deref()).await?;
        let mut new = Vec::new();
        for object in page.objects {
            let id = Id::of(&self.location, &object);
            look.there.insert(id);
            match self.known.get(&id) {
                Some(Fate::Done) if remove => self.source.remove(&object).await?,
                Some(_) => {}
                None if is_wanted(&object) => new.push(New { id, object }),
                None => {}
            }
        }
        look.is_over = page.next.is_none();
        look.after = page.next;
        Ok((look.there.len() <= MOST).then_some(new))
    }

    /// The id of the upload that an object goes into already, or has gone into.
    pub(super) async fn recall(&self, new: &New) -> Result<Option<String>, StoreError> {
        for folder in [DONE, ARRIVING] {
            if let Some(note) = self.source.noted(&new.id.in_folder(folder)).await? {
                return Ok(read(&note).map(|note| note.upload_id));
            }
        }
        Ok(None)
    }

    /// Remembers which upload an object goes into.
    pub(super) async fn begin(&self, new: &New, upload: &Upload) -> Result<(), StoreError> {
        self.source.note(&new.id.in_folder(ARRIVING), note(&new.object, upload)).await
    }

    /// Remembers that an object is uploaded, and removes it if `remove` says so.
    pub(super) async fn done(&mut self, new: &New, upload: &Upload, remove: bool) -> Result<(), StoreError> {
        self.source.note(&new.id.in_folder(DONE), note(&new.object, upload)).await?;
        if remove {
            self.source.remove(&new.object).await?;
        }
        self.end(new, Fate::Done).await
    }

    /// Remembers that an object is refused; where people find the reason.
    pub(super) async fn failed(&mut self, new: &New, why: &str) -> Result<String, StoreError> {
        let name = new.id.in_folder(FAILED);
        let SourceObject { name: key, etag, .. } = &new.object;
        let text = json!({ "key": key, "etag": etag, "error": why }).to_string();
        self.source.note(&name, text.into()).await?;
        self.end(new, Fate::Failed).await?;
        Ok(self.source.address_of(&name))
    }

    async fn end(&mut self, new: &New, fate: Fate) -> Result<(), StoreError> {
        self.known.insert(new.id, fate);
        self.forget(new.id).await
    }

    /// Forgets that something is being uploaded.
    pub(super) async fn forget(&self, id: Id) -> Result<(), StoreError> {
        self.source.forget(&id.in_folder(ARRIVING)).await
    }

    /// After a look at everything: notes on what is not there any more go. Answers what was being uploaded of that: the
    /// size of each, and the id of its upload.
    pub(super) async fn tidy(&mut self, look: &Look) -> Result<Vec<(Id, Left)>, StoreError> {
        let gone: Vec<(Id, Fate)> =
            self.known.iter().filter(|(id, _)| !look.there.contains(id)).map(|(id, fate)| (*id, *fate)).collect();
        for (id, fate) in gone {
            let folder = if fate == Fate::Done { DONE } else { FAILED };
            self.source.forget(&id.in_folder(folder)).await?;
            self.known.remove(&id);
        }
        let mut left = Vec::new();
        for id in std::mem::take(&mut self.arriving) {
            if look.there.contains(&id) {
                continue;
            }
            if let Some(note) = self.source.noted(&id.in_folder(ARRIVING)).await? {
                left.extend(read(&note).map(|note| (id, note)));
            }
        }
        Ok(left)
    }

    /// Some bytes of an object; `None` when it is not what it was.
    pub(super) async fn read(&self, new: &New, at: u64, length: u64) -> Result<Option<bytes::Bytes>, StoreError> {
        let read = self.source.read(&new.object, at, length).await?;
        Ok(read.filter(|bytes| bytes.len() as u64 == length))
    }
}

impl Look {
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }
}

/// Whether an object is a recording, as far as its key and size tell: the same as of a file in a folder.
fn is_wanted(object: &SourceObject) -> bool {
    object.size_bytes > 0 && object.name.split('/').all(|part| !part.is_empty() && is_whole(part))
}

fn note(object: &SourceObject, upload: &Upload) -> bytes::Bytes {
    let SourceObject { name: key, etag, size_bytes, .. } = object;
    let Upload { id, asset, .. } = upload;
    // No address: whoever may write to the bucket shall not say where to send the token.
    json!({ "key": key, "etag": etag, "size_bytes": size_bytes, "asset_id": asset, "upload_id": id }).to_string().into()
}

/// The upload that a note names.
fn read(note: &[u8]) -> Option<Left> {
    let note: Value = serde_json::from_slice(note).ok()?;
    Some(Left { upload_id: note["upload_id"].as_str()?.to_owned(), size_bytes: note["size_bytes"].as_u64()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str, etag: &str, modified_ms: i64) -> SourceObject {
        SourceObject { name: name.to_owned(), size_bytes: 1, etag: etag.to_owned(), modified_ms }
    }

    #[test]
    fn an_object_that_is_put_again_is_another_and_an_id_is_read_from_its_note() {
        let id = |object: &SourceObject| Id::of("s3://lectures/in", object);
        let first = id(&object("a.mp4", "\"1\"", 5));
        for other in [object("a.mp4", "\"2\"", 5), object("a.mp4", "\"1\"", 6), object("b.mp4", "\"1\"", 5)] {
            assert_ne!(id(&other), first, "{other:?}");
        }
        assert_ne!(Id::of("s3://lectures/other", &object("a.mp4", "\"1\"", 5)), first);
        assert_eq!(Id::of("s3://lectures", &object("in/a.mp4", "\"1\"", 5)), first, "by whatever prefix");
        assert_eq!(Id::parse(&first.in_folder(DONE)), Some(first));
        assert_eq!(Id::parse("done/no-id"), None);
    }

    #[test]
    fn folders_and_what_is_hidden_or_unfinished_is_no_recording() {
        for name in ["a.mp4", "a/b c/ä.mp4", "日本語/講義.mp4"] {
            assert!(is_wanted(&object(name, "", 0)), "{name}");
        }
        for name in ["a/", "", ".hidden", "a/.hidden/b.mp4", "a.mp4.part", "a//b.mp4", "b.mp4~"] {
            assert!(!is_wanted(&object(name, "", 0)), "{name}");
        }
        assert!(!is_wanted(&SourceObject { size_bytes: 0, ..object("a.mp4", "", 0) }));
    }

    #[test]
    fn the_api_is_told_the_end_of_a_key() {
        let told = |name: &str| New { id: Id(1), object: object(name, "", 0) }.announced().name;
        assert_eq!(told("in box/Ü/Vorlesung 1.mp4"), "Vorlesung 1.mp4");
        let long = format!("a/{}.mp4", "ä".repeat(400));
        assert_eq!(told(&long).chars().count(), 255);
        assert!(told(&long).ends_with("ä.mp4"));
    }
}
