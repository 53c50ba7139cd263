//! Chapters: a text track that other tracks name (`tref` of type `chap`; QuickTime File Format, "Chapter Lists"), or a
//! list in the movie's user data (`chpl`, as Nero writes it).

use std::collections::VecDeque;

use bytes::Bytes;

use super::boxes::Atom;
use super::edit;
use super::reader::Reader;
use super::table::{Boxes, Table};
use crate::{ByteRange, Chapter, ChapterTitle, DemuxError, Step};

/// Bytes of a title that are looked at.
const MOST_TITLE: u64 = 4096;

/// Bytes of all titles in a file whose length is unknown.
const MOST_BYTES: u64 = 32 << 10;

/// Nanoseconds of a unit of `chpl`.
const CHPL_NS: u64 = 100;

/// Chapters on their way: those that are known, and those whose titles are still to be read.
#[derive(Debug, Default)]
pub(super) struct Chapters {
    pub(super) found: Vec<Chapter>,
    wanted: VecDeque<Wanted>,
    language: String,
    /// Bytes of titles read so far.
    spent: u64,
}

/// A sample of a chapter track.
#[derive(Debug)]
struct Wanted {
    range: ByteRange,
    start_ns: u64,
    end_ns: u64,
}

/// The tracks that others name as their chapters.
pub(super) fn tracks(moov: &Atom) -> Vec<u32> {
    let mut ids = Vec::new();
    for trak in moov.children().map_while(Result::ok).filter(|atom| &atom.kind == b"trak") {
        let Ok(Some(tref)) = trak.child(b"tref") else { continue };
        let Ok(Some(chap)) = tref.child(b"chap") else { continue };
        let named = chap.body.chunks_exact(4).filter_map(|id| id.first_chunk()).map(|id| u32::from_be_bytes(*id));
        ids.extend(named.take(16));
    }
    ids
}

/// The chapters of `moov/udta/chpl`; a damaged list ends where it is damaged.
pub(super) fn listed(moov: &Atom) -> Vec<Chapter> {
    let mut found = Vec::new();
    let Ok(Some(udta)) = moov.child(b"udta") else { return found };
    let Ok(Some(chpl)) = udta.child(b"chpl") else { return found };
    let Ok((version, _, mut fields)) = chpl.full() else { return found };
    let count = if version == 0 { Some(()) } else { fields.skip(4) }.and_then(|()| fields.u8()).unwrap_or(0);
    for _ in 0..count {
        let entry =
            fields.u64().zip(fields.u8()).and_then(|(start, length)| Some((start, fields.take(length.into())?)));
        let Some((start, title)) = entry else { break };
        let titles = titled(media_types::language::UNKNOWN, &decode(title));
        found.push(Chapter { start_ns: start.saturating_mul(CHPL_NS), end_ns: None, titles });
    }
    found
}

impl Chapters {
    /// Those of a chapter track, whose samples lie in the file.
    ///
    /// # Errors
    /// Its tables are damaged.
    pub(super) fn of_track(
        root: &Bytes,
        trak: &Atom,
        movie_scale: u32,
        timescale: u32,
        language: String,
    ) -> Result<Self, DemuxError> {
        let stbl = trak.need(b"mdia")?.need(b"minf")?.need(b"stbl")?;
        let elst = trak.child(b"edts")?.map(|edts| edts.child(b"elst")).transpose()?.flatten();
        let shift = edit::read(elst.as_ref(), movie_scale, timescale)?.shift;
        let mut table = Table::new(Boxes::parse(root, &stbl)?);
        let ns = |ticks: i64| {
            let ticks = u128::from(ticks.saturating_add(shift).max(0).unsigned_abs());
            u64::try_from(ticks * 1_000_000_000 / u128::from(timescale.max(1))).unwrap_or(u64::MAX)
        };
        let mut wanted = VecDeque::new();
        // A table that contradicts itself ends the list.
        while wanted.len() < Chapter::MOST && (table.left_in_chunk() > 0 || table.next_chunk().unwrap_or(false)) {
            let Ok(raw) = table.next() else { break };
            let range = ByteRange { offset: raw.at, length: u64::from(raw.size).min(MOST_TITLE) };
            wanted.push_back(Wanted { range, start_ns: ns(raw.dts), end_ns: ns(raw.dts.saturating_add(raw.step())) });
        }
        Ok(Self { wanted, language, ..Self::default() })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty() && self.wanted.is_empty()
    }

    /// Reads the titles that are still wanted; gives what must be read first.
    pub(super) fn read(&mut self, reader: &mut Reader) -> Option<Step> {
        while let Some(next) = self.wanted.front() {
            // Samples may lie on one another: together they are no more than the file.
            let spent = self.spent + next.range.length;
            if spent > reader.length().unwrap_or(MOST_BYTES) {
                self.wanted.clear();
                break;
            }
            let bytes = match reader.get(next.range.offset, next.range.length) {
                Ok(bytes) => bytes,
                Err(step) => return Some(step),
            };
            self.spent = spent;
            let Wanted { start_ns, end_ns, .. } = *next;
            let titles = titled(&self.language, &decode(sample_text(&bytes)));
            self.found.push(Chapter { start_ns, end_ns: Some(end_ns), titles });
            self.wanted.pop_front();
        }
        None
    }
}

fn titled(language: &str, text: &str) -> Vec<ChapterTitle> {
    let text: String = text.trim().chars().take(1000).collect();
    let title = (!text.is_empty()).then(|| ChapterTitle { language: language.to_owned(), text });
    title.into_iter().collect()
}

/// The text of a QuickTime or 3GPP text sample: its length in 2 bytes comes first; styles that follow are no part of it.
fn sample_text(sample: &[u8]) -> &[u8] {
    let Some((length, rest)) = sample.split_first_chunk::<2>() else { return &[] };
    let length = usize::from(u16::from_be_bytes(*length));
    &rest[..length.min(rest.len())]
}

/// UTF-8, or UTF-16 behind a byte order mark; up to the first zero character.
fn decode(bytes: &[u8]) -> String {
    let wide = |unit: fn([u8; 2]) -> u16, bytes: &[u8]| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    let text = match bytes {
        [0xfe, 0xff, rest @ ..] => wide(u16::from_be_bytes, rest),
        [0xff, 0xfe, rest @ ..] => wide(u16::from_le_bytes, rest),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    };
    text.split('\0').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::mp4::boxes::Atoms;

    fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32 + 8).to_be_bytes(), &kind[..], body].concat()
    }

    fn list(body: &[u8]) -> Vec<Chapter> {
        let moov = boxed(b"moov", &boxed(b"udta", &boxed(b"chpl", body)));
        listed(&Atoms::new(&moov, 0).next().unwrap().unwrap())
    }

    fn entry(start: u64, title: &[u8]) -> Vec<u8> {
        [&start.to_be_bytes()[..], &[title.len() as u8], title].concat()
    }

    #[test]
    fn neros_list_is_read_in_both_versions_and_ends_where_it_is_damaged() {
        let entries = [entry(0, b"One"), entry(25_000_000, "Zwölf".as_bytes()), entry(70_000_000, b"")].concat();
        let chapters = list(&[&[1, 0, 0, 0, 0, 0, 0, 0, 3][..], &entries].concat());
        let starts: Vec<u64> = chapters.iter().map(|chapter| chapter.start_ns).collect();
        assert_eq!(starts, [0, 2_500_000_000, 7_000_000_000]);
        assert_eq!(chapters[1].titles, [ChapterTitle { language: "und".into(), text: "Zwölf".into() }]);
        assert!(chapters[2].titles.is_empty() && chapters.iter().all(|chapter| chapter.end_ns.is_none()));
        assert_eq!(list(&[&[0, 0, 0, 0, 3][..], &entries].concat()), chapters);
        assert_eq!(list(&[&[0, 0, 0, 0, 200][..], &entries].concat()), chapters);
        assert_eq!(list(&[&[0, 0, 0, 0, 3][..], &entries[..15]].concat()), chapters[..1]);
        assert!(list(&[1, 0, 0]).is_empty());
    }

    #[test]
    fn titles_are_what_their_bytes_say() {
        for (bytes, text) in [
            (&b"\0\x03abc"[..], "abc"),
            (b"\0\x02abc", "ab"),
            (b"\0\x09abc", "abc"),
            (b"\0\x06\xfe\xff\0a\0b", "ab"),
            (b"\0\x06\xff\xfea\0b\0", "ab"),
            (b"\0\x05\xef\xbb\xbfab", "ab"),
            (b"\0\x05ab\0cd", "ab"),
            (b"\0\x02\xff\xff", "\u{fffd}\u{fffd}"),
            (b"\0", ""),
            (b"", ""),
        ] {
            assert_eq!(decode(sample_text(bytes)), text, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..200), kind in any::<bool>()) {
            let found = list(&body);
            prop_assert!(found.len() <= 255);
            let moov = boxed(b"moov", &boxed(b"trak", &boxed(b"tref", &boxed(if kind { b"chap" } else { b"hint" }, &body))));
            let ids = tracks(&Atoms::new(&moov, 0).next().unwrap().unwrap());
            prop_assert_eq!(ids.len(), if kind { (body.len() / 4).min(16) } else { 0 });
            let _ = decode(sample_text(&body));
        }
    }
}
