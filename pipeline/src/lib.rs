//! Pure planning: what a source's packet times become, and the port through which an engine makes it.
//!
//! - `engine`: the port. [`Engine`], [`EngineSink`], the orders and their summaries, [`SourceRead`].
//! - `plan`: [`plan`], from a probe report and a ladder to an encode plan; `error` holds [`PlanError`].
//!   - `exact`: rational arithmetic on source times.
//!   - `rate`: the constant rate behind the timestamps, if there is one.
//!   - `timeline`: the output grid, and which picture each of its frames shows.
//!   - `shape`: size, bitrate and key frames, by which rungs are chosen.
//!   - `ranges`: the units of parallel encoding.
//!   - `sound`, `stills`, `text`: the other parts of a plan; `losses`: what its source lacks.
//! - `clock`: [`ClockWatch`], where a source's clock jumps.
//! - `loudness`: [`Loudness`], where it is measured and the gain that follows.
//! - `scenes`: [`SceneWatch`], where slides change and what a recording shows.
//! - `analysis`: [`Analysis`], by which samples of its pictures a recording's renditions are decided.
//! - `walk`: [`walk`], which decoded pictures are encoded, at which frame and how.
//! - `fields`: [`FieldWatch`], what an interlaced stream's fields show.
//! - `film`: [`FilmPictures`], film out of pictures whose fields are repeated, and the timeline of such.
//! - `coded`: [`CodedSource`], the coded pictures of a source for an engine that decodes them elsewhere.
//! - `xpsnr`: [`Quality`], how far coded pictures are from their source; `vmaf`: [`Vmaf`], the same by another judge.
//! - `check`: [`check_range`] and [`RangeCheck`], that every planned frame appears exactly once.
//! - `fake`: [`FakeEngine`] and [`CollectingSink`], for tests of whatever drives an engine.
//!
//! Layer 2: deterministic, no I/O, no clock. One picture's time decides nothing by itself; the plan is a function of
//! the whole probe report, so every worker that makes it makes the same one.

mod analysis;
mod check;
mod clock;
mod coded;
mod ends;
mod engine;
mod error;
mod exact;
mod fake;
mod fields;
mod film;
mod losses;
mod loudness;
mod plan;
mod ranges;
mod rate;
mod scenes;
mod shape;
mod sound;
mod stills;
mod text;
mod timeline;
mod vmaf;
mod walk;
mod xpsnr;

pub use analysis::{Analysis, is_worth_deciding};
pub use check::{RangeCheck, RangeFault, check_range};
pub use clock::{ClockWatch, ClockedPacket, MendedClock};
pub use coded::{CodedPicture, CodedPictures, CodedSource, CodedStream, Colours, SourceCodec};
pub use engine::{
    AudioOrder, AudioSummary, Engine, EngineError, EngineSink, Judge, MAX_CUE_BYTES, MAX_CUES, MAX_TEXT_BYTES, POSTER,
    PosterOrder, RangeOrder, RangeSummary, STORYBOARD, SheetOrder, SourceRead, StillsOrder, StillsSummary, Stop,
    TextCue, TextOrder, TextSummary, VideoSetup, compared_at,
};
pub use error::PlanError;
pub use fake::{CollectingSink, FakeEngine};
pub use fields::{FieldWatch, Levels};
pub use film::{FilmPictures, decoded_from};
pub use loudness::{Loudness, is_gain_off, loudness_windows};
pub use plan::{MAX_DURATION_S, plan, source_shape};
pub use scenes::{
    GLANCE_COLUMNS, GLANCE_ROWS, Glance, Greys, RangeScenes, RecordingScenes, Scene, SceneKind, SceneWatch, SlideChange,
};
pub use stills::tile_frames;
pub use vmaf::{MOST_VMAF, Vmaf, is_vmaf_for};
pub use walk::{Coding, DecodedPictures, Picture, Placed, Walked, walk};
pub use xpsnr::{FAST_RATE, Luma, MOST_DB, Quality, Reference};
