//! Segments: tables, then the units of all streams in the order in which they are decoded.

use drm::SampleCipher;
use media_types::{CodecConfig, Timescale, TrackRecord};

use super::clock::{CLOCK_EVERY, ninety_khz, reference};
use super::packet::{Marks, PACKET, ROOM, Stream};
use super::pes::{BODY, Head, VIDEO};
use super::pictures::ByteStream;
use super::sound::{ADTS, Coding};
use super::{TrackSamples, program, section};
use crate::{PackageError, SampleMeta};

const MAP_PID: u16 = 0x1000;
const PICTURES_PID: u16 = 0x100;
const SOUND_PID: u16 = 0x101;

/// How long the frames in one unit of sound last, in 90 kHz: with pictures, and alone, when they carry the clock.
const LONG_UNIT: i64 = 22_500;
const SHORT_UNIT: i64 = CLOCK_EVERY;
/// Frames that lie further apart than they last are not in one unit, which has one stamp: 2 ms, since containers that
/// count milliseconds round.
const GAP: u64 = 180;

/// A still picture may stand for long; its clock is not written for longer than a minute.
const MOST_CLOCKS: i64 = 600;

/// Writes the segments of one transport stream, in order: pictures, sound or both.
///
/// Each segment begins with the program's tables and, if it has pictures, with a keyframe; it can be decoded alone. All
/// of them together, one behind another, are one valid stream. The stamp of presentation time 0 is 10 s, in each stream
/// of a presentation. Frames of sound that end before time 0 are left out: nothing can say that they are hidden.
pub struct TransportWriter {
    association: (Stream, Vec<u8>),
    map: (Stream, Vec<u8>),
    pictures: Option<Pictures>,
    sound: Option<Sound>,
    cipher: Option<SampleCipher>,
    /// A unit that is being written.
    unit: Vec<u8>,
    /// The last sample of the clock.
    clock: Option<i64>,
}

struct Pictures {
    stream: Stream,
    format: ByteStream,
    scale: Timescale,
    hidden: i64,
}

struct Sound {
    stream: Stream,
    coding: Coding,
    scale: Timescale,
}

impl TransportWriter {
    /// For a track of pictures and one of sound, which comes with its first sample; `cipher` encrypts all samples. The
    /// tracks' segments are not looked at.
    ///
    /// # Errors
    /// As [`fits_transport`](super::fits_transport); [`PackageError::Track`] for no track at all.
    pub fn new(
        pictures: Option<&TrackRecord>,
        sound: Option<(&TrackRecord, &[u8])>,
        cipher: Option<SampleCipher>,
    ) -> Result<Self, PackageError> {
        let mut listed = Vec::new();
        let pictures = pictures.map(|track| {
            listed.push(program::pictures(PICTURES_PID, cipher.is_some()));
            Pictures::new(track)
        });
        let sound = sound.map(|(track, first)| {
            let coding = Coding::of(&track.config)?;
            let first = cipher.is_some().then_some(first);
            listed.push(coding.listed(SOUND_PID, &track.config, &track.language, first));
            Ok(Sound { stream: Stream::new(SOUND_PID), coding, scale: track.timescale })
        });
        let clock_pid = listed.first().map(|first| first.pid).ok_or(PackageError::Track("nothing to be carried"))?;
        Ok(Self {
            association: (Stream::new(0), section::association(MAP_PID)),
            map: (Stream::new(MAP_PID), section::map(clock_pid, &listed)?),
            pictures: pictures.transpose()?,
            sound: sound.transpose()?,
            cipher,
            unit: Vec::new(),
            clock: None,
        })
    }

    /// Writes the 0-based segment `index` in place of what `out` holds. Of a track that this stream lacks, nothing is
    /// looked at.
    ///
    /// # Errors
    /// - [`PackageError::NotSync`]: the first picture is no keyframe.
    /// - [`PackageError::OutOfRange`]: a sample whose inner lengths do not add up, or too long for its header.
    pub fn segment(
        &mut self,
        index: u32,
        pictures: TrackSamples<'_>,
        sound: TrackSamples<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), PackageError> {
        let out_of_range = |what| PackageError::OutOfRange { index, what };
        out.clear();
        let payload = pictures.data.len() + sound.data.len();
        out.reserve((payload / ROOM + 2 * pictures.samples.len() + sound.samples.len() + 8) * PACKET);
        for (stream, section) in [&mut self.association, &mut self.map] {
            section::write(stream, out, section);
        }
        let longest = if self.pictures.is_some() { LONG_UNIT } else { SHORT_UNIT };
        let mut frames = match &self.sound {
            Some(of) => Frames::new(of.scale, longest, sound),
            None => Frames::new(Timescale::NINETY_KHZ, longest, TrackSamples::default()),
        };
        let mut end = i64::MAX;
        if let Some((scale, hidden)) = self.pictures.as_ref().map(|pictures| (pictures.scale, pictures.hidden)) {
            let decoded = |ticks: i64| ninety_khz(ticks.saturating_sub(hidden), scale);
            if pictures.samples.first().is_some_and(|first| !first.keyframe) {
                return Err(PackageError::NotSync { index });
            }
            if let Some(last) = pictures.samples.last() {
                end = decoded(last.dts.saturating_add(last.duration.into()));
            }
            for (position, (sample, data)) in pictures.iter().enumerate() {
                let dts = decoded(sample.dts);
                while position > 0
                    && let Some(unit) = frames.before(dts)
                {
                    self.sound(unit, dts, out).ok_or(out_of_range("a frame of sound"))?;
                }
                self.picture(sample, data, dts, out).ok_or(out_of_range("the length of a NAL unit"))?;
            }
        }
        while let Some(unit) = frames.before(i64::MAX) {
            self.sound(unit, end, out).ok_or(out_of_range("a frame of sound"))?;
        }
        if self.pictures.is_some() && end != i64::MAX {
            self.tick(end, out);
        }
        Ok(())
    }

    fn picture(&mut self, sample: &SampleMeta, data: &[u8], dts: i64, out: &mut Vec<u8>) -> Option<()> {
        self.tick(dts, out);
        self.clock = Some(dts);
        let pictures = self.pictures.as_mut()?;
        self.unit.clear();
        pictures.format.append(data, sample.keyframe, self.cipher.as_mut(), &mut self.unit)?;
        let head = Head::new(VIDEO, ninety_khz(sample.pts, pictures.scale), dts, self.unit.len());
        let marks = Marks { random_access: sample.keyframe, clock: Some(reference(dts)) };
        pictures.stream.unit(out, marks, head.bytes(), &self.unit);
        Some(())
    }

    /// The clock goes on while sound is written, up to `end`, when the next picture carries it.
    fn sound(&mut self, frames: TrackSamples<'_>, end: i64, out: &mut Vec<u8>) -> Option<()> {
        let sound = self.sound.as_ref()?;
        let pts = ninety_khz(frames.samples.first()?.pts, sound.scale);
        self.tick(pts.min(end), out);
        let sound = self.sound.as_mut()?;
        self.unit.clear();
        for (_, data) in frames.iter() {
            sound.coding.append(data, self.cipher.as_mut(), &mut self.unit)?;
        }
        let head = Head::new(sound.coding.stream_id(), pts, pts, self.unit.len());
        let mut marks = Marks { random_access: true, clock: None };
        if self.pictures.is_none() {
            (marks.clock, self.clock) = (Some(reference(pts)), Some(pts));
        }
        sound.stream.unit(out, marks, head.bytes(), &self.unit);
        Some(())
    }

    /// Writes the clock as often as it must be up to `time`, when something is about to carry it.
    fn tick(&mut self, time: i64, out: &mut Vec<u8>) {
        let streams = (self.pictures.as_mut().map(|pictures| &mut pictures.stream))
            .or(self.sound.as_mut().map(|sound| &mut sound.stream));
        let (Some(clock), Some(stream)) = (&mut self.clock, streams) else { return };
        *clock = (*clock).max(time.saturating_sub(MOST_CLOCKS * CLOCK_EVERY));
        while time.saturating_sub(*clock) > CLOCK_EVERY {
            *clock += CLOCK_EVERY;
            stream.clock(out, reference(*clock));
        }
    }
}

impl Pictures {
    fn new(track: &TrackRecord) -> Result<Self, PackageError> {
        let CodecConfig::Avc(record) = &track.config else {
            return Err(PackageError::Config("MPEG-TS for HLS carries pictures of H.264 alone"));
        };
        let format = ByteStream::new(record)?;
        Ok(Self {
            stream: Stream::new(PICTURES_PID),
            format,
            scale: track.timescale,
            hidden: track.hidden_ticks.into(),
        })
    }
}

/// Frames of sound on their way into units.
struct Frames<'a> {
    rest: TrackSamples<'a>,
    scale: Timescale,
    /// How long a unit may last, and how long a frame does, in 90 kHz.
    longest: i64,
    usual: i64,
}

impl<'a> Frames<'a> {
    /// Of a segment's `samples`, without those that end before presentation starts.
    fn new(scale: Timescale, longest: i64, samples: TrackSamples<'a>) -> Self {
        let hidden = |sample: &&SampleMeta| sample.pts.saturating_add(sample.duration.into()) <= 0;
        let (_, rest) = samples.split(samples.samples.iter().take_while(hidden).count());
        // The last one may be cut short, or last until the recording ends.
        let settled = rest.samples.split_last().map_or(rest.samples, |(last, others)| match others {
            [] => std::slice::from_ref(last),
            others => others,
        });
        let usual = settled.iter().map(|sample| sample.duration).min().unwrap_or(0);
        Self { rest, scale, longest, usual: ninety_khz(usual.into(), scale) }
    }

    /// The next unit, if it begins before `time`: frames without a gap, as many as a unit takes.
    fn before(&mut self, time: i64) -> Option<TrackSamples<'a>> {
        let start = ninety_khz(self.rest.samples.first()?.pts, self.scale);
        if start >= time {
            return None;
        }
        let (mut due, mut bytes) = (start, 0usize);
        let fits = |sample: &&SampleMeta| {
            let pts = ninety_khz(sample.pts, self.scale);
            let is_first = bytes == 0;
            bytes = bytes.saturating_add(sample.size as usize + ADTS);
            let gapless = pts.abs_diff(due) <= GAP;
            due = pts.saturating_add(self.usual);
            is_first || gapless && bytes <= BODY && due.saturating_sub(start) <= self.longest
        };
        let count = self.rest.samples.iter().take_while(fits).count();
        let (unit, rest) = self.rest.split(count);
        self.rest = rest;
        Some(unit)
    }
}
