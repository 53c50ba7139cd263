//! Frames to packets.

use super::codec::Format;
use super::frames::Frame;
use super::input::Stop;
use super::lane::{Clock, Lane, PROBED_PICTURES};
use super::pictures::Oddity;
use super::text::TextSample;
use super::{MkvDemuxer, Warnings, cue};
use crate::{Data, Packet};

/// Tracks that gave nothing when so many frames, bytes or nanoseconds of others came are left out.
const MOST_EARLY: usize = 4096;
const MOST_EARLY_BYTES: usize = 32 << 20;
const MOST_EARLY_NS: i64 = 10_000_000_000;
/// Oddities of its times that are told of a track.
const MOST_TOLD: usize = 10;

impl MkvDemuxer {
    /// Takes a frame that is wholly there.
    pub(super) fn commit(&mut self, frame: Frame) -> Result<(), Stop> {
        if self.progress.ready {
            match self.early.is_empty() {
                true => self.deliver(frame),
                // The rest of the block that made everything ready.
                false => self.early.push_back(frame),
            }
            return Ok(());
        }
        let lane = &mut self.lanes[frame.lane];
        if lane.timings.len() < PROBED_PICTURES
            && let Some(raw) = frame.raw
        {
            lane.timings.push((raw, frame.samples));
        } else if let Some(last) = lane.timings.last_mut() {
            // A lace counts as one frame.
            last.1 = last.1.saturating_add(if frame.raw.is_none() { frame.samples } else { 0 });
        }
        if let Data::Here(bytes) = &frame.data {
            self.early_bytes += bytes.len();
        }
        self.early.push_back(frame);
        let span = match (self.early.front().and_then(|frame| frame.raw), self.early.back().and_then(|frame| frame.raw))
        {
            (Some(first), Some(last)) => (last - first).saturating_mul(self.unit_ns as i64),
            _ => 0,
        };
        let waited = self.early.len() >= MOST_EARLY || self.early_bytes >= MOST_EARLY_BYTES || span >= MOST_EARLY_NS;
        if waited || self.lanes.iter().all(Lane::is_settled) {
            return self.make_ready();
        }
        Ok(())
    }

    /// All tracks are known as well as they will be.
    pub(super) fn make_ready(&mut self) -> Result<(), Stop> {
        self.progress.ready = true;
        for lane in &mut self.lanes {
            match lane.start(self.unit_ns) {
                Some(track) => {
                    lane.track = self.tracks.len();
                    self.tracks.push(track);
                }
                None => {
                    lane.clock = Clock::Off;
                    let what = "has no frame that tells how it is coded; it is left out";
                    self.warnings.push(self.at, format!("track {} ({}) {what}", lane.entry.number, lane.entry.codec));
                }
            }
        }
        if self.tracks.is_empty() {
            return Err(self.fail("no track has a frame that tells how it is coded"));
        }
        Ok(())
    }

    /// Gives a frame its times.
    pub(super) fn deliver(&mut self, frame: Frame) {
        match self.lanes[frame.lane].clock {
            Clock::Video(_) => self.deliver_picture(frame),
            Clock::Audio(_) => self.deliver_sound(frame),
            Clock::Text(_) => self.deliver_text(frame),
            Clock::Waiting | Clock::Off => {}
        }
        if self.out.is_full() {
            self.resolve_pictures();
        }
    }

    fn deliver_picture(&mut self, frame: Frame) {
        let lane = &mut self.lanes[frame.lane];
        let Clock::Video(pictures) = &mut lane.clock else { return };
        // Laces of pictures have but one time; nobody writes them.
        let Some(raw) = frame.raw else { return };
        let (pts, off_grid) = pictures.present(raw);
        let packet = Packet {
            track: lane.track,
            dts: pts,
            pts,
            duration: pictures.duration(frame.duration),
            keyframe: frame.keyframe,
            data: frame.data,
            encryption: None,
        };
        let number = self.out.push_waiting(packet);
        let (resolved, late) = pictures.push(number, pts);
        if let Some((number, dts)) = resolved {
            self.out.resolve(number, dts);
        }
        let depth = pictures.depth();
        for oddity in [off_grid, late].into_iter().flatten() {
            let what = match oddity {
                Oddity::OffGrid => {
                    "a picture's time leaves the constant rate of the track; it is kept as written".into()
                }
                Oddity::Late => {
                    format!(
                        "pictures are reordered more deeply than the codec states; {depth} are waited for from here on"
                    )
                }
            };
            tell(&mut lane.told, &mut self.warnings, lane.entry.number, frame.offset, what);
        }
    }

    fn deliver_sound(&mut self, frame: Frame) {
        let lane = &mut self.lanes[frame.lane];
        let Clock::Audio(sound) = &mut lane.clock else { return };
        let (pts, jump) = sound.next(frame.raw, frame.samples);
        let discard = sound.samples(frame.discard_ns.clamp(0, 1_000_000_000));
        let heard = (i64::from(frame.samples) - discard).max(1);
        self.out.push(Packet {
            track: lane.track,
            dts: pts,
            pts,
            duration: u32::try_from(heard).ok(),
            keyframe: true,
            data: frame.data,
            encryption: None,
        });
        if let Some(jump) = jump {
            let what = match jump.ms {
                gap @ 0.. => format!("{gap} ms of sound are missing; what follows keeps its time"),
                overlap => format!("sound overlaps by {} ms; what follows is put at its time", -overlap),
            };
            tell(&mut lane.told, &mut self.warnings, lane.entry.number, frame.offset, what);
        }
    }

    fn deliver_text(&mut self, frame: Frame) {
        let lane = &mut self.lanes[frame.lane];
        let (Clock::Text(text), Format::Text(form)) = (&mut lane.clock, lane.coded.format) else { return };
        let (Data::Here(block), Some(raw)) = (&frame.data, frame.raw) else { return };
        let Some(cue) = cue::read(form, block, frame.addition.as_deref()) else { return };
        let mut samples = Vec::new();
        if !text.push(cue, raw, frame.duration, &mut samples) {
            let what = "a cue begins before one that was read, or too many are shown: it is cut or left out".into();
            tell(&mut lane.told, &mut self.warnings, lane.entry.number, frame.offset, what);
        }
        let track = lane.track;
        samples.into_iter().for_each(|sample| self.out.push(text_packet(track, sample)));
    }

    fn resolve_pictures(&mut self) {
        for lane in &mut self.lanes {
            let Clock::Video(pictures) = &mut lane.clock else { continue };
            while let Some((number, dts)) = pictures.resolve() {
                self.out.resolve(number, dts);
            }
        }
    }

    /// At the end: gives out what waits.
    pub(super) fn flush(&mut self) {
        self.resolve_pictures();
        for lane in &mut self.lanes {
            let Clock::Text(text) = &mut lane.clock else { continue };
            let mut samples = Vec::new();
            text.finish(&mut samples);
            let track = lane.track;
            samples.into_iter().for_each(|sample| self.out.push(text_packet(track, sample)));
        }
    }
}

fn text_packet(track: usize, sample: TextSample) -> Packet {
    Packet {
        track,
        dts: sample.at,
        pts: sample.at,
        duration: Some(sample.duration),
        keyframe: true,
        data: Data::Here(sample.data),
        encryption: None,
    }
}

fn tell(told: &mut usize, warnings: &mut Warnings, track: u64, offset: u64, what: String) {
    *told += 1;
    match *told {
        ..MOST_TOLD => warnings.push(offset, format!("track {track}: {what}")),
        MOST_TOLD => warnings.push(offset, format!("track {track}: {what}; more of this track are not told")),
        _ => {}
    }
}
