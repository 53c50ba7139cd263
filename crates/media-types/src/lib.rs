//! The vocabulary of Lectern: every value that flows from an upload to a player, and nothing that acts on it.
//!
//! - [`time`]: exact time. [`Timescale`], [`MediaTime`], [`FrameRate`].
//! - [`id`]: typed identifiers ([`AssetId`], [`JobId`], ...), random parts supplied by the caller.
//! - [`language`]: language tags.
//! - [`clock`]: clocks of sources that jump ([`StreamClock`]).
//! - [`fields`]: what is stored in halves of pictures ([`Fields`], [`FilmGrid`]).
//! - [`light`]: standard and high dynamic range ([`DynamicRange`], [`HdrVideo`]).
//! - [`probe`]: what a source contains ([`ProbeReport`]).
//! - [`plan`]: what will be encoded ([`EncodePlan`], [`Rendition`], [`GopRange`], [`FrameMap`]).
//! - [`decision`]: what was decided for one recording by its own pictures ([`LadderDecision`]).
//! - [`completion`]: what publishing everything of one came to ([`Completion`]).
//! - [`loss`]: what of a recording is not as it was recorded ([`Loss`]).
//! - [`sample`]: coded media ([`Sample`], [`CodecConfig`]).
//! - [`segment`]: packaged media as stored ([`SegmentRecord`], [`TrackRecord`]).
//! - [`text`]: text of a source, before it is a cue ([`TextForm`], [`TeletextPage`]).
//! - [`publication`]: immutable generations, the pointer to the newest, and the layout of the store.
//!
//! Layer 0: deterministic, no I/O, no clock, no foreign library.

pub mod clock;
pub mod completion;
pub mod decision;
pub mod fields;
pub mod id;
pub mod language;
pub mod light;
pub mod loss;
pub mod plan;
pub mod probe;
pub mod publication;
pub mod sample;
pub mod segment;
pub mod text;
pub mod time;

pub use clock::{Anchor, StreamClock, Stretch};
pub use completion::{Completion, RenditionQuality, SceneShares};
pub use decision::{Chosen, LadderDecision, PerTitle, Trial};
pub use fields::{Fields, FilmGrid};
pub use id::{AssetId, JobId, PlaybackId, TenantId, UploadId};
pub use light::{ContentLight, DynamicRange, HdrTransfer, HdrVideo, MasteringDisplay};
pub use loss::{Loss, LossKind};
pub use plan::{
    AudioCodec, AudioCoding, AudioPlan, EncodePlan, FrameMap, GopRange, LadderPin, LoudnessTarget, PlannedChapter,
    Rendition, Shown, SkippedRung, StillsPlan, TextPlan, VideoCodec, VideoEncoding, VideoPlan,
};
pub use probe::{AudioProbe, ChapterProbe, PacketTime, ProbeReport, Rational, Rotation, TextProbe, VideoProbe};
pub use publication::{GenerationIndex, Pointer, PublishedFile};
pub use sample::{CodecConfig, Sample};
pub use segment::{ByteRange, SegmentRecord, SyncPoint, TrackKind, TrackRecord};
pub use text::{TeletextPage, TextForm, TextPlace};
pub use time::{FrameRate, MediaTime, Timescale};
