//! A track being read: how its frames are formed, and how its times are counted.

use bytes::Bytes;
use media_types::{ByteRange, CodecConfig, Timescale};

use super::codec::{Coded, Facts, Format};
use super::entry::Entry;
use super::pictures::Pictures;
use super::sound::{Sound, Timing};
use super::text::Text;
use super::{aspect, byte_stream, codec, language, learn, obus};
use crate::{Data, MediaKind, Roles, Track};

/// One track of the file.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) entry: Entry,
    pub(super) coded: Coded,
    /// What was taken off the start of every frame.
    prefix: Bytes,
    pub(super) clock: Clock,
    /// Of its first frames, until all tracks are known.
    pub(super) timings: Vec<Timing>,
    /// Position among the demuxer's tracks.
    pub(super) track: usize,
    /// Oddities of its times that were told.
    pub(super) told: usize,
}

#[derive(Debug)]
pub(super) enum Clock {
    /// Not known yet.
    Waiting,
    Video(Pictures),
    Audio(Sound),
    Text(Text),
    /// The track is left out.
    Off,
}

/// What of a frame must be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Nothing,
    /// This many bytes at its start.
    Head(usize),
    Whole,
}

/// Frames whose times tell the rate of a video track, and how it reorders.
pub(super) const PROBED_PICTURES: usize = 48;

impl Lane {
    /// Why a track is left out, naming it and its codec, or the track.
    pub(super) fn open(entry: Entry) -> Result<Lane, String> {
        let named = |what: &str| format!("track {} ({}) {what}", entry.number, entry.codec);
        if !entry.enabled {
            return Err(named("is disabled"));
        }
        let (prefix, private) = entry.stripped().map_err(|how| named(&format!("is {how}")))?;
        let private = if private.is_empty() { entry.private.clone() } else { join(&private, &entry.private) };
        let coded = codec::open(&entry, &private).map_err(|why| named(&why))?;
        Ok(Lane { entry, coded, prefix, clock: Clock::Waiting, timings: Vec::new(), track: 0, told: 0 })
    }

    /// What is said in the file and not carried.
    pub(super) fn notes(&self) -> Vec<String> {
        let entry = &self.entry;
        let mut notes = Vec::new();
        let mut note = |what: &str| notes.push(format!("track {}: {what}", entry.number));
        if entry.video.crop.iter().any(|&pixels| pixels > 0) && matches!(self.coded.facts, Facts::Video(_)) {
            note("the container crops its pictures, which is not carried: they are shown whole");
        }
        if entry.video.roll != 0.0 {
            note("the container turns its pictures, which is not carried");
        }
        if matches!(self.coded.format, Format::Text(super::cue::Form::Ass)) {
            note(
                "its subtitles are styled (ASS): what they say is carried, without fonts, colours, drawings and effects",
            );
        }
        if entry.scaled {
            note("a TrackTimestampScale is stated, which has no effect");
        }
        notes
    }

    pub(super) fn reads(&self, number: u64) -> bool {
        self.entry.number == number && !matches!(self.clock, Clock::Off)
    }

    pub(super) fn need(&self) -> Need {
        if !self.prefix.is_empty() || self.coded.config.is_none() {
            return Need::Whole;
        }
        match self.coded.format {
            Format::Nal { length_size: 4 } | Format::Av1 | Format::Vp9 | Format::Aac | Format::Ac3 => Need::Nothing,
            Format::Nal { .. } | Format::ByteStream { .. } | Format::Text(_) => Need::Whole,
            Format::Eac3 => Need::Whole,
            Format::Opus => Need::Head(2),
            Format::Flac => Need::Head(16),
        }
    }

    /// Whether its frames' OBUs are looked at one by one.
    pub(super) fn is_walked(&self) -> bool {
        matches!(self.coded.format, Format::Av1)
    }

    /// A frame of this track: how a sample holds it, and its samples when it is audio. `known` is as much of it as
    /// [`need`](Self::need) asks for.
    pub(super) fn read_frame(
        &mut self,
        known: &Bytes,
        place: ByteRange,
        keyframe: bool,
    ) -> Result<(Data, u32), String> {
        let restored = (!self.prefix.is_empty()).then(|| join(&self.prefix, known));
        let frame = restored.clone().unwrap_or_else(|| known.clone());
        let frame = &frame;
        if self.coded.config.is_none() {
            self.coded.learn(frame, keyframe, &self.entry)?;
        }
        let samples = self.coded.samples(frame)?;
        let data = match (&mut self.coded.format, restored) {
            (Format::ByteStream { changed }, _) => {
                let Some(CodecConfig::Avc(record)) = &self.coded.config else { return Err("H.264 data".into()) };
                let sample = byte_stream::sample(frame, record);
                // What follows a change cannot be decoded either, until a key frame has the sets of the beginning.
                *changed = sample.is_none() || (*changed && !keyframe);
                let sample = sample.filter(|_| !*changed);
                Data::Here(sample.ok_or("a picture under other parameter sets than the first: cut the file there")?)
            }
            (Format::Nal { length_size }, _) if *length_size != 4 => {
                Data::Here(codec::relength(frame, *length_size).ok_or("NAL units that do not fit their frame")?)
            }
            (Format::Text(_), _) => Data::Here(Bytes::copy_from_slice(frame)),
            (Format::Av1, Some(frame)) => Data::Here(obus::rewritten(&frame).ok_or("damaged AV1 data")?),
            (_, Some(frame)) => Data::Here(frame),
            (_, None) => Data::At(place),
        };
        Ok((data, samples))
    }

    pub(super) fn is_settled(&self) -> bool {
        match self.coded.facts {
            Facts::Video(_) => self.coded.config.is_some() && self.timings.len() >= PROBED_PICTURES,
            Facts::Audio(_) => self.coded.config.is_some() && !self.timings.is_empty(),
            Facts::Text => true,
        }
    }

    /// Chooses how its times are counted, and describes it; `None` when it must be left out.
    pub(super) fn start(&mut self, unit_ns: u64) -> Option<Track> {
        let config = self.coded.config.clone()?;
        let (clock, kind) = match &self.coded.facts {
            Facts::Video(facts) => {
                let raw: Vec<i64> = self.timings.iter().map(|timing| timing.0).collect();
                let default_duration = self.entry.default_duration;
                let pictures = Pictures::new(&raw, unit_ns, default_duration, facts.rate, facts.reorder);
                let frame_rate = pictures.rate();
                let (width, height) = facts.size;
                let sample_aspect = aspect::of(&self.entry.video, facts);
                (Clock::Video(pictures), MediaKind::Video { width, height, sample_aspect, frame_rate })
            }
            Facts::Audio(facts) => {
                let timescale = Timescale::new(facts.timescale)?;
                let priming = facts.priming(&self.entry);
                let sound = Sound::new(timescale, unit_ns, priming, &self.timings);
                (Clock::Audio(sound), MediaKind::Audio { sample_rate: facts.rate, channels: facts.channels })
            }
            Facts::Text => (Clock::Text(Text::new(unit_ns)), MediaKind::Text),
        };
        self.clock = clock;
        self.timings = Vec::new();
        Some(self.describe(config, kind))
    }

    fn describe(&self, config: CodecConfig, kind: MediaKind) -> Track {
        let entry = &self.entry;
        let timescale = match &self.clock {
            Clock::Video(pictures) => pictures.timescale(),
            Clock::Audio(sound) => sound.timescale(),
            Clock::Text(text) => text.timescale(),
            Clock::Waiting | Clock::Off => Timescale::NINETY_KHZ,
        };
        Track {
            id: entry.number,
            kind,
            config: finished(config, &self.clock, kind),
            timescale,
            end: None,
            language: language::of(entry),
            label: entry.name.clone(),
            roles: Roles {
                default: entry.default,
                forced: entry.forced,
                hearing_impaired: entry.hearing_impaired,
                visual_impaired: entry.visual_impaired,
                commentary: entry.commentary,
            },
            protection: None,
        }
    }
}

/// A configuration that depends on what only the times tell: the level of VP9 is one of rate.
fn finished(config: CodecConfig, clock: &Clock, kind: MediaKind) -> CodecConfig {
    match (config, clock, kind) {
        (CodecConfig::Vp9(record), Clock::Video(pictures), MediaKind::Video { width, height, .. }) => {
            let rate = pictures.rate().map(|rate| (rate.num(), rate.den()));
            CodecConfig::Vp9(learn::with_level(record, (width, height), rate))
        }
        (config, ..) => config,
    }
}

fn join(front: &[u8], back: &[u8]) -> Bytes {
    [front, back].concat().into()
}
