//! The boxes of the top level, one after another.

use super::boxes::{Header, fail, name};
use super::{Mp4Demuxer, Phase, fragment, movie};
use crate::{DemuxError, Step};

/// Bytes read where a box may start; small fragments' headers fit.
const WINDOW: u64 = 16 << 10;

/// The largest movie box: a week of 60 pictures a second with sound.
const MOST_MOVIE: u64 = 256 << 20;

/// The largest fragment box.
const MOST_FRAGMENT: u64 = 32 << 20;

impl Mp4Demuxer {
    /// Looks at the box at `self.at`.
    pub(super) fn scan(&mut self) -> Result<Option<Step>, DemuxError> {
        let head = match self.reader.peek(self.at, 16, WINDOW) {
            Ok(head) => head,
            Err(step) => return Ok(Some(step)),
        };
        if head.is_empty() {
            return self.file_end();
        }
        let header = Header::parse(&head)
            .filter(|header| header.kind.iter().all(|byte| (b' '..0x7f).contains(byte) || *byte == 0xa9));
        let Some(header) = header else { return self.no_box(&head) };
        let left = self.reader.length().map(|length| length.saturating_sub(self.at));
        if header.size.is_some_and(|size| size < header.length) {
            let what = format!("the {} box claims to be smaller than its header", name(header.kind));
            return self.broken(what);
        }
        match &header.kind {
            b"moov" if !self.has_movie => return self.movie(header.size.or(left)),
            b"moov" if !self.has_second_movie => {
                self.has_second_movie = true;
                self.warn(
                    self.at,
                    "a second movie box is passed over; what follows is read as the first one says".to_owned(),
                );
            }
            b"moof" if !self.has_movie => {
                let what = "a fragment comes before any movie box: this is a media segment; put its initialisation segment in front";
                return Err(fail(self.at, what));
            }
            b"moof" => return self.moof(header.size.or(left)),
            b"ftyp" => {
                self.quicktime = header.size.is_some_and(|size| size >= 12)
                    && movie::major_brand(&head).is_some_and(|brand| &brand == b"qt  ");
            }
            _ => {}
        }
        let next = header.size.and_then(|size| self.at.checked_add(size));
        if let (Some(next), Some(left), false) = (next, left, self.cut)
            && next - self.at > left
            && self.has_movie
        {
            self.cut = true;
            let missing = next - self.at - left;
            self.warn(
                self.at,
                format!("the file is cut short: its last box, {}, lacks {missing} bytes", name(header.kind)),
            );
        }
        match next {
            Some(next) => self.at = next,
            None => return self.file_end(),
        }
        Ok(None)
    }

    fn movie(&mut self, size: Option<u64>) -> Result<Option<Step>, DemuxError> {
        let size = size.unwrap_or(MOST_MOVIE);
        if size > MOST_MOVIE {
            let what = format!("the movie box of {size} bytes is larger than {} MiB", MOST_MOVIE >> 20);
            return Err(fail(self.at, what));
        }
        let root = match self.reader.get(self.at, size) {
            Ok(root) => root,
            Err(step) => return Ok(Some(step)),
        };
        if (root.len() as u64) < size && size < MOST_MOVIE {
            let what = format!(
                "the file ends inside its movie box, {} bytes short: its index is lost",
                size - root.len() as u64
            );
            return Err(fail(self.at, what));
        }
        let movie = movie::parse(&root, self.at, self.quicktime)?;
        movie.warnings.into_iter().for_each(|warning| self.warnings.push(warning));
        self.tracks = movie.tracks;
        self.streams = movie.streams;
        self.passed_over = movie.passed_over;
        self.chapters = movie.chapters;
        self.fragmented = movie.fragmented;
        self.has_movie = true;
        self.at = self.at.saturating_add(root.len() as u64);
        self.phase = Phase::Chapters;
        Ok(None)
    }

    fn moof(&mut self, size: Option<u64>) -> Result<Option<Step>, DemuxError> {
        let size = size.unwrap_or(MOST_FRAGMENT);
        if size > MOST_FRAGMENT {
            let what = format!("the fragment box of {size} bytes is larger than {} MiB", MOST_FRAGMENT >> 20);
            return Err(fail(self.at, what));
        }
        let root = match self.reader.get(self.at, size) {
            Ok(root) => root,
            Err(step) => return Ok(Some(step)),
        };
        if (root.len() as u64) < size {
            self.cut = true;
            self.warn(self.at, "the file is cut short inside a fragment's header; it ends there".to_owned());
            return self.file_end();
        }
        self.fragment = fragment::parse(&root, self.at, &self.streams, &self.passed_over)?;
        for (id, place) in std::mem::take(&mut self.fragment.strangers) {
            self.passed_over.push(id);
            self.warn(place, format!("fragments of track {id}, which the movie box does not have, are passed over"));
        }
        self.at = self.at.saturating_add(size);
        self.current = None;
        self.phase = Phase::Fragment;
        Ok(None)
    }

    fn file_end(&mut self) -> Result<Option<Step>, DemuxError> {
        if self.has_movie {
            self.phase = Phase::End;
            return Ok(None);
        }
        let what = match self.at {
            0 => "the file is empty",
            _ => {
                "there is no movie box (moov): the recording was cut off before its index was written, or the file is not complete; record or copy it again"
            }
        };
        Err(fail(self.at, what))
    }

    /// What lies at `self.at` is not a box.
    fn no_box(&mut self, head: &[u8]) -> Result<Option<Step>, DemuxError> {
        if self.at == 0 {
            return Err(fail(0, "this is not an MP4, QuickTime or CMAF file: it does not start with a box"));
        }
        // Zero bytes behind the last box are how some writers round files up.
        if self.has_movie && head.len() >= 8 && head.iter().all(|&byte| byte == 0) {
            return self.file_end();
        }
        self.broken(format!(
            "the {} bytes from here on are no box",
            self.reader.length().map_or(0, |end| end - self.at)
        ))
    }

    fn broken(&mut self, what: String) -> Result<Option<Step>, DemuxError> {
        if !self.has_movie {
            let why =
                "and no movie box (moov) came before: the file is damaged, or was cut off before its index was written";
            return Err(fail(self.at, format!("{what}, {why}")));
        }
        self.warn(self.at, format!("{what}; the file is read up to there"));
        self.file_end()
    }
}
