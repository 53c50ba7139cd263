//! Everything that playlists and manifests are written from.

use std::collections::BTreeSet;

use bytes::Bytes;
use media_types::{MediaTime, TrackKind, TrackRecord};

use crate::codec::{Family, VideoRange};
use crate::markers::{self, Marker};
use crate::{Chapter, DashText, PackageError, Protection, TrackSignal, TrickTrack, init_segment, language};

/// One generation of one asset, as its text files describe it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Presentation<'a> {
    /// Its tracks; the default audio track is the first that says so, otherwise the first.
    pub tracks: &'a [TrackRecord],
    /// Put before every URI of the multivariant playlist and the MPD: empty or `g2/`.
    pub uri_prefix: &'a str,
    /// Its sheet of thumbnails, if there is one.
    pub storyboard: Option<StoryboardRef<'a>>,
    /// Which tracks are protected, and how players get their keys.
    pub protection: Option<&'a Protection>,
    /// How media lies in files.
    pub layout: FileLayout,
    /// How the manifest offers subtitles.
    pub dash_text: DashText,
    /// Breaks and cues, for players and for those who insert content.
    pub markers: &'a [Marker],
    /// Keyframes of some of the tracks, for fast playback.
    pub tricks: &'a [TrickTrack],
    /// Named places, as [`settled_chapters`](crate::settled_chapters) gives them.
    pub chapters: &'a [Chapter],
    /// Where periods of the manifest begin, after the first: borders of segments, strictly ascending.
    pub periods: &'a [MediaTime],
    /// Whether segments carry the markers' SCTE 35 messages ([`EventMessages`](crate::markers::EventMessages)): those of
    /// all tracks of pictures, or of sound where there are no pictures.
    pub inband_events: bool,
}

/// How the media of a track lies in files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FileLayout {
    /// An init segment and one file per media segment.
    #[default]
    Segments,
    /// One file: init segment, segment index (`sidx`), media segments.
    SingleFile,
}

/// A sheet of thumbnails at a constant distance, row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoryboardRef<'a> {
    /// The sheet, relative to the generation: `storyboard.jpg`.
    pub uri: &'a str,
    /// Width of a tile in pixels.
    pub tile_width: u32,
    /// Height of a tile in pixels.
    pub tile_height: u32,
    /// Tiles per row.
    pub columns: u32,
    /// Rows of the sheet.
    pub rows: u32,
    /// Tiles that show something.
    pub tile_count: u32,
    /// Milliseconds each tile stands for.
    pub interval_ms: u32,
    /// First instant of each tile in the WebVTT file, in milliseconds, ascending: that of its slide, say. All other forms know one
    /// distance alone. Empty: they are told by it here too.
    pub starts_ms: &'a [u64],
    /// Length of the presentation in milliseconds; the last tile ends there.
    pub duration_ms: i64,
    /// Size of the sheet in bytes.
    pub sheet_bytes: u64,
}

/// The figures of a video track.
#[derive(Clone, Copy)]
pub(crate) struct Picture {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) rate_num: u32,
    pub(crate) rate_den: u32,
    pub(crate) sample_aspect: (u32, u32),
}

/// The figures of an audio track.
#[derive(Clone, Copy)]
pub(crate) struct Sound<'a> {
    pub(crate) sample_rate: u32,
    pub(crate) channels: u32,
    pub(crate) language: &'a str,
}

impl<'a> Presentation<'a> {
    /// Video tracks with their figures: H.264 first, then the other codecs, behind these what is of high dynamic range; of each the
    /// smallest picture first.
    pub(crate) fn video(&self) -> Vec<(&'a TrackRecord, Picture)> {
        let mut found: Vec<_> = self.tracks.iter().filter_map(|track| Some((track, picture(track)?))).collect();
        found.sort_by_key(|(track, at)| {
            let group = (VideoRange::of(&track.config), Family::of(&track.config));
            (group, u64::from(at.width) * u64::from(at.height), track.max_bitrate_bps)
        });
        found
    }

    /// Audio tracks with their figures, in the order given.
    pub(crate) fn audio(&self) -> Vec<(&'a TrackRecord, Sound<'a>)> {
        self.tracks.iter().filter_map(|track| Some((track, sound(track)?))).collect()
    }

    /// Text tracks, in the order given.
    pub(crate) fn text(&self) -> Vec<&'a TrackRecord> {
        self.tracks.iter().filter(|track| track.kind == TrackKind::Text).collect()
    }

    /// The language of the audio track that plays unless another is chosen; `und` when it is unknown.
    pub(crate) fn main_language(&self) -> String {
        let audio: Vec<_> = self.audio().into_iter().map(|(track, _)| track).collect();
        let track = audio.get(default_position(&audio));
        track.map_or_else(|| "und".to_owned(), |track| language::shortest(&track.language))
    }

    /// Whether HLS can say how the tracks are protected: it has no word for `cens` and `cbc1`.
    pub fn fits_hls(&self) -> bool {
        self.tracks.iter().filter_map(|track| self.signal_of(track)).all(|signal| !signal.hls.is_empty())
    }

    /// How a track is protected, if it is.
    pub(crate) fn signal_of(&self, track: &TrackRecord) -> Option<&'a TrackSignal> {
        self.protection?.get(&track.name)
    }

    /// The keyframes of a track in a file of their own, if they are.
    pub(crate) fn trick_of(&self, track: &TrackRecord) -> Option<&'a TrickTrack> {
        self.tricks.iter().find(|trick| trick.of == track.name)
    }

    /// Whether HLS lists an I-frame playlist of a video track: of its keyframes in a file, or else of ranges of its segments.
    /// Of an encrypted segment the bytes up to its first picture's end are nothing that Shaka Player can append, and it takes
    /// the playlist of the rendition that plays; so it is left those that have their keyframes in a file.
    pub(crate) fn lists_iframes(&self, track: &TrackRecord) -> bool {
        self.trick_of(track).is_some() || self.signal_of(track).is_none()
    }

    /// All tracks, and the keyframes of some.
    pub(crate) fn all_records(&self) -> impl Iterator<Item = &'a TrackRecord> {
        self.tracks.iter().chain(self.tricks.iter().map(|trick| &trick.record))
    }

    /// The init segment of a track, protected as [`protection`](Self::protection) says.
    ///
    /// # Errors
    /// As [`init_segment`](crate::init_segment).
    pub fn init_segment(&self, track: &TrackRecord) -> Result<Bytes, PackageError> {
        init_segment(track, self.signal_of(track))
    }

    /// Length of the longest track, priming and padding of audio left out.
    pub(crate) fn duration(&self) -> Option<MediaTime> {
        self.tracks.iter().map(presentation_length).max()
    }

    /// Refuses what no playlist could carry or no player could play.
    pub(crate) fn check(&self) -> Result<(), PackageError> {
        if self.tracks.is_empty() || self.tracks.iter().any(|track| track.segments.is_empty()) {
            return Err(PackageError::Empty);
        }
        if self.tracks.iter().all(|track| track.kind == TrackKind::Text) {
            return Err(PackageError::Track("subtitles need something to be shown beside"));
        }
        let bad = |what, text: &str| Err(PackageError::Name { what, text: text.to_owned() });
        if !self.uri_prefix.split('/').all(|part| part.is_empty() || is_plain(part)) {
            return bad("uri prefix", self.uri_prefix);
        }
        let mut names = BTreeSet::new();
        for track in self.tracks {
            if !is_plain(&track.name) || !names.insert(&track.name) {
                return bad("track", &track.name);
            }
            if !language::is_plain(&track.language) {
                return bad("language", &track.language);
            }
            if !track.webvtt_sizes.is_empty() && track.webvtt_sizes.len() != track.segments.len() {
                return Err(PackageError::Track("it has not as many WebVTT files as segments"));
            }
            check_sums(track)?;
        }
        for trick in self.tricks {
            let known = self.tracks.iter().any(|track| track.name == trick.of && picture(track).is_some());
            if !known || !is_plain(&trick.record.name) || !names.insert(&trick.record.name) {
                return bad("trick track", &trick.record.name);
            }
            if trick.record.segments.is_empty() {
                return Err(PackageError::Empty);
            }
            check_sums(&trick.record)?;
        }
        if let Some(title) =
            self.chapters.iter().flat_map(|chapter| &chapter.titles).find(|title| !language::is_plain(&title.language))
        {
            return bad("chapter language", &title.language);
        }
        if let Some(board) = &self.storyboard {
            if !board.uri.split('/').all(is_plain) {
                return bad("storyboard", board.uri);
            }
            board.check()?;
        }
        markers::check(self.markers)?;
        self.check_alignment()
    }

    /// Every segment of every video track starts when the same segment of the first one does, to the tick of the
    /// coarser of their scales.
    fn check_alignment(&self) -> Result<(), PackageError> {
        let video = self.video();
        let Some(((first, _), others)) = video.split_first() else { return Ok(()) };
        for (track, _) in others {
            let (scale_a, scale_b) = (u128::from(track.timescale.get()), u128::from(first.timescale.get()));
            let same = |a: u64, b: u64| {
                let (a, b) = (u128::from(a) * scale_b, u128::from(b) * scale_a);
                // One tick of either scale is the other one's ticks per second in these products.
                if scale_a == scale_b { a == b } else { a.abs_diff(b) <= scale_a.max(scale_b) }
            };
            let mut pairs = track.segments.iter().zip(&first.segments);
            let aligned =
                track.segments.len() == first.segments.len() && pairs.all(|(a, b)| same(a.start_ticks, b.start_ticks));
            if !aligned {
                return Err(PackageError::Unaligned { track: track.name.clone(), other: first.name.clone() });
            }
        }
        Ok(())
    }
}

impl StoryboardRef<'_> {
    pub(crate) fn check(&self) -> Result<(), PackageError> {
        let cells = u64::from(self.columns) * u64::from(self.rows);
        let sides = [(self.columns, self.tile_width), (self.rows, self.tile_height)];
        let fits = sides.iter().all(|(count, side)| count.checked_mul(*side).is_some_and(|pixels| pixels > 0));
        if fits && self.interval_ms > 0 && self.duration_ms > 0 && (1..=cells).contains(&self.tile_count.into()) {
            return Ok(());
        }
        Err(PackageError::Track("the storyboard's figures contradict one another"))
    }
}

/// Whether `text` can stand in a URI path and in a quoted attribute without escaping.
fn is_plain(text: &str) -> bool {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !text.is_empty() && text != "." && text != ".." && text.len() <= 64 && text.bytes().all(fine)
}

/// Whether HLS lists a track: text only where it has WebVTT files.
pub(crate) fn in_hls(track: &TrackRecord) -> bool {
    track.kind != TrackKind::Text || !track.webvtt_sizes.is_empty()
}

/// The track of one kind that plays unless another is chosen: the first that says so, otherwise the first.
pub(crate) fn default_position(tracks: &[&TrackRecord]) -> usize {
    tracks.iter().position(|track| track.roles.default && !track.roles.commentary).unwrap_or(0)
}

/// A name for people without what a quoted attribute or XML cannot carry, at most 100 characters.
pub(crate) fn plain_text(text: &str) -> String {
    let shown = text.chars().map(|letter| match letter {
        '"' => '\'',
        letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => ' ',
        letter => letter,
    });
    let shown: String = shown.take(100).collect();
    shown.trim().to_owned()
}

/// Segments follow one another, and their sums stay where 64 bits can hold microseconds.
fn check_sums(track: &TrackRecord) -> Result<(), PackageError> {
    let mut at = track.segments.first().map_or(0, |segment| segment.start_ticks);
    for (position, segment) in track.segments.iter().enumerate() {
        if segment.index as usize != position || segment.start_ticks != at || segment.duration_ticks == 0 {
            return Err(PackageError::Track("its segments do not follow one another"));
        }
        at = at.checked_add(segment.duration_ticks).ok_or(PackageError::Track("its segments never end"))?;
    }
    let seconds = at / u64::from(track.timescale.get());
    if seconds > 100 * 366 * 86_400 { Err(PackageError::Track("its segments never end")) } else { Ok(()) }
}

pub(crate) fn picture(track: &TrackRecord) -> Option<Picture> {
    let TrackKind::Video { width, height, rate_num, rate_den, sample_aspect } = track.kind else { return None };
    Some(Picture { width, height, rate_num, rate_den, sample_aspect })
}

pub(crate) fn sound(track: &TrackRecord) -> Option<Sound<'_>> {
    let TrackKind::Audio { sample_rate, channels } = track.kind else { return None };
    Some(Sound { sample_rate, channels, language: &track.language })
}

/// Sum of the segments' durations in ticks.
pub(crate) fn coded_ticks(track: &TrackRecord) -> u64 {
    track.segments.iter().map(|segment| segment.duration_ticks).fold(0, u64::saturating_add)
}

/// How long a track is shown or heard.
pub(crate) fn presentation_length(track: &TrackRecord) -> MediaTime {
    MediaTime::new(i64::try_from(track.shown_ticks).unwrap_or(i64::MAX), track.timescale)
}
