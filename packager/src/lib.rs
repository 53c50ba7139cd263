//! Samples in, byte slices out: one CMAF set that HLS and DASH players share, and the playlists and manifests over it.
//!
//! - [`init_segment`], [`media_segment`]: ISO BMFF as CMAF asks for it (ISO/IEC 23000-19), from codec configuration
//!   and [`Sample`](media_types::Sample)s.
//! - [`AudioGrid`], [`audio_segments`]: which coded frames of sound belong to which segment; [`TextGrid`]: where text is cut.
//! - [`Presentation`]: everything that text is written from; [`text_files`] writes all of it.
//! - [`multivariant_playlist`], [`media_playlist`], [`iframe_playlist`]: HLS (RFC 8216bis).
//! - [`TransportWriter`], [`transport_playlists`]: the same samples as MPEG-TS, for players that know no fMP4.
//! - [`mpd`], [`DashText`]: DASH (ISO/IEC 23009-1). [`storyboard_vtt`]: thumbnails for players of either.
//! - [`TrickTrack`], [`TrickPlan`], [`TrickFile`]: keyframes as a track of their own. [`Chapter`]: named places, told by all of them.
//! - [`peak_bitrate_bps`], [`average_bitrate_bps`]: what a track was measured to need.
//! - [`codec_string`], [`composition_delay`]: what a codec configuration is called, and how far its pictures are reordered.
//! - [`markers`]: breaks and cues, from SCTE 35 messages and from lists, into playlists and manifest.
//! - [`captions`]: closed captions found in pictures on their way through.
//!
//! Layer 2: deterministic, no I/O, no clock. Boxes are written by a small writer of this crate, so that their order,
//! versions and the codec configuration's bytes are exactly ours.

mod audio_grid;
mod bitrate;
pub mod captions;
mod chapters;
mod codec;
mod dash;
mod error;
mod files;
mod hls;
mod init;
mod isobmff;
pub mod markers;
mod mpeg_ts;
mod paths;
mod presentation;
mod progressive;
mod protection;
pub mod repack;
mod segment;
mod single_file;
mod storyboard;
mod text_grid;
mod trick;

use media_types::language;

pub use audio_grid::{AudioGrid, audio_segments};
pub use bitrate::{average_bitrate_bps, peak_bitrate_bps};
pub use chapters::{Chapter, ChapterTitle, MOST_CHAPTERS, chapters_json, chapters_vtt, settled_chapters};
pub use codec::{codec_name, codec_string, coded_size, composition_delay};
pub use dash::{DashText, mpd};
pub use error::PackageError;
pub use files::{OutputFile, text_files};
pub use hls::{TRANSPORT_FOLDER, TransportKey, TransportVariant, transport_playlists, transport_segment_path};
pub use hls::{iframe_playlist, image_playlist, media_playlist, multivariant_playlist, trick_playlist};
pub use init::init_segment;
pub use mpeg_ts::{TrackSamples, TransportWriter, fits_transport};
pub use paths::{
    CHAPTERS_JSON, CHAPTERS_VTT, INIT_FILE, MEDIA_FILE, STORYBOARD_PLAYLIST, STORYBOARD_VTT, TRICK_FILE,
    iframe_playlist_path, init_path, media_path, media_type, playlist_path, segment_file, segment_path, subtitles_path,
    trick_path, webvtt_segment_file, webvtt_segment_path,
};
pub use presentation::{FileLayout, Presentation, StoryboardRef};
pub use progressive::{ProgressiveFile, SampleTable, progressive_file};
pub use protection::{KeyChange, Protection, SegmentProtection, SystemSignal, TrackSignal};
pub use segment::{
    PackagedSegment, SampleMeta, SegmentHeader, media_segment, protected_segment, segment_header, segment_samples,
};
pub use single_file::{FilePlan, index_length, segment_index};
pub use storyboard::storyboard_vtt;
pub use text_grid::TextGrid;
pub use trick::{FinishedTrick, TrickFile, TrickPlan, TrickTrack, trick_sources};
