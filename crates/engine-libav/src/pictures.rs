//! Decoded pictures by presentation time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ff::codec::discard::Discard;
use ff::format::context::Input;
use ff::frame;
use ffmpeg_next as ff;
use media_types::StreamClock;
use pipeline::EngineError;

use crate::colour::describe;
use crate::error::{engine, input, is_again_or_end, is_out_of_memory, no_decoder};
use crate::open::has_decode_times_only;
use crate::reader::Reader;

/// How far before the wanted picture decoding starts, in seconds, one try after the other.
pub(crate) const PREROLL_S: [i64; 5] = [0, 2, 8, 32, 120];
/// Times a decoder may neither take a packet nor give a picture before it counts as broken.
const MAX_REFUSALS: u32 = 1000;
/// `FF_DECODE_ERROR_INVALID_BITSTREAM`, `_CONCEALMENT_ACTIVE` and `_DECODE_SLICES`. A missing reference is none of them: where
/// decoding begins it says nothing.
const DAMAGE: libc::c_int = 1 | 4 | 8;
/// Decode times kept at most for pictures that are still inside the decoder.
const MAX_REORDER: usize = 64;

/// One video stream, decoded forward from wherever it was last sought to.
pub(crate) struct Pictures {
    reader: Reader,
    decoder: ff::decoder::Video,
    packet: ff::Packet,
    /// The decoder did not take `packet` yet.
    pending: bool,
    draining: bool,
    /// After a seek a decoder may only see what starts with a keyframe; some show rubbish otherwise.
    awaiting_keyframe: bool,
    keyframes_only: bool,
    /// Pictures before this time are only decoded as far as later ones need them.
    wanted_from: i64,
    /// A picture was damaged, and none was whole by itself since.
    spoilt: bool,
    /// In containers without presentation times: decode times of the pictures inside the decoder, ascending.
    decode_times: Option<VecDeque<i64>>,
    cancelled: Arc<AtomicBool>,
}

impl Pictures {
    /// Prepares stream `stream_index`; other streams are no longer read. With `threads` over 1 that many pictures are
    /// decoded side by side, the same ones.
    pub(crate) fn new(
        source: Input,
        stream_index: u32,
        clock: &StreamClock,
        threads: usize,
        cancelled: Arc<AtomicBool>,
    ) -> Result<Self, EngineError> {
        let missing = || input("input.no_video", "the planned video stream is not there");
        let reader = Reader::new(source, stream_index, clock).ok_or_else(missing)?;
        let stream = reader.stream().ok_or_else(missing)?;
        let mut context =
            ff::codec::Context::from_parameters(stream.parameters()).map_err(engine("preparing the decoder"))?;
        context.set_threading(ff::threading::Config {
            kind: ff::threading::Type::Frame,
            count: threads,
            ..Default::default()
        });
        let mut decoder = context.decoder();
        decoder.set_packet_time_base(stream.time_base());
        let decoder = decoder.video().map_err(no_decoder("the video"))?;
        Ok(Self {
            decode_times: has_decode_times_only(reader.source()).then(VecDeque::new),
            reader,
            decoder,
            packet: ff::Packet::empty(),
            pending: false,
            draining: false,
            awaiting_keyframe: false,
            keyframes_only: false,
            wanted_from: i64::MIN,
            spoilt: false,
            cancelled,
        })
    }

    /// Pixels of a picture, as the container or the first picture has them.
    pub(crate) fn pixels(&self) -> usize {
        self.decoder.width() as usize * self.decoder.height() as usize
    }

    /// Seeks so that the next pictures start at or before `pts`, as near as the container allows.
    ///
    /// Open GOPs and sloppy indexes answer a seek with a later picture; so the first one is looked at, and the seek is
    /// repeated from further back until it is early enough.
    pub(crate) fn seek_before(&mut self, pts: i64) -> Result<Option<frame::Video>, EngineError> {
        let tick = self.reader.stream().map_or(0.0, |stream| f64::from(stream.time_base()));
        let second = if tick > 0.0 { (1.0 / tick).ceil() as i64 } else { 1 };
        for back in PREROLL_S {
            if !self.seek(pts.saturating_sub(back.saturating_mul(second))) {
                break;
            }
            self.wanted_from = pts;
            let first = self.next()?;
            if first.as_ref().and_then(time_of).is_some_and(|time| time <= pts) {
                return Ok(first);
            }
        }
        self.rewind();
        self.wanted_from = pts;
        self.next()
    }

    /// The last keyframe at or before `pts`, or the first after it. Decodes keyframes only, from now on.
    pub(crate) fn keyframe_at(&mut self, pts: i64) -> Result<Option<frame::Video>, EngineError> {
        self.keyframes_only = true;
        let mut found = self.seek_before(pts)?;
        while found.as_ref().and_then(time_of).is_some_and(|time| time < pts) {
            match self.next()? {
                Some(next) if time_of(&next).is_some_and(|time| time <= pts) => found = Some(next),
                _ => break,
            }
        }
        Ok(found)
    }

    /// Seeks to about `pts`, so that pictures start at the next keyframe from there; `false` when the container cannot.
    fn seek(&mut self, pts: i64) -> bool {
        let sought = self.reader.seek(pts);
        if sought {
            self.restart(true);
        }
        sought
    }

    /// Goes back to the very start.
    fn rewind(&mut self) {
        if self.reader.rewind() {
            self.restart(false);
        }
    }

    fn restart(&mut self, awaiting_keyframe: bool) {
        self.decoder.flush();
        self.draining = false;
        self.pending = false;
        self.awaiting_keyframe = awaiting_keyframe;
        self.spoilt = false;
        if let Some(times) = &mut self.decode_times {
            times.clear();
        }
    }

    /// The next picture in presentation order; `None` at the end. Damaged packets are passed over.
    pub(crate) fn next(&mut self) -> Result<Option<frame::Video>, EngineError> {
        let mut refusals = 0;
        while refusals < MAX_REFUSALS {
            if self.cancelled.load(Ordering::Relaxed) {
                return Err(EngineError::Stopped);
            }
            let mut picture = frame::Video::empty();
            match self.decoder.receive_frame(&mut picture) {
                Ok(()) => {
                    describe(&mut picture);
                    self.mark(&mut picture);
                    if let Some(time) = self.decode_times.as_mut().and_then(VecDeque::pop_front) {
                        picture.set_pts(Some(time));
                    }
                    return Ok(Some(picture));
                }
                Err(ff::Error::Eof) => return Ok(None),
                Err(error) if is_out_of_memory(&error) => return Err(engine("decoding")(error)),
                // A damaged picture: whole ones may still lie behind it.
                Err(error) if self.draining && !is_again_or_end(&error) => refusals += 1,
                Err(_) if self.draining => return Ok(None),
                Err(_) => refusals = if self.feed()? { 0 } else { refusals + 1 },
            }
        }
        Ok(None)
    }

    /// Marks what is damaged: what refers to a damaged picture shows its damage too.
    fn mark(&mut self, picture: &mut frame::Video) {
        self.spoilt = is_damaged(picture) || self.spoilt && !picture.is_key();
        // SAFETY: a plain field of a valid frame that is ours alone.
        unsafe { (*picture.as_mut_ptr()).decode_error_flags = if self.spoilt { DAMAGE } else { 0 } };
    }

    /// Moves one packet on; `false` when nothing moved.
    fn feed(&mut self) -> Result<bool, EngineError> {
        if !self.pending {
            match self.reader.read(&mut self.packet) {
                // An empty packet would tell the decoder that the end is reached.
                Ok(()) if !self.reader.is_wanted(&self.packet) => return Ok(true),
                Ok(()) => {}
                Err(error) if is_again_or_end(&error) && error != ff::Error::Eof => return Ok(false),
                Err(_) => {
                    self.draining = true;
                    // A decoder that refuses to drain has nothing more to give.
                    let _ = self.decoder.send_eof();
                    return Ok(true);
                }
            }
            if self.awaiting_keyframe && !self.packet.is_key() {
                return Ok(true);
            }
            self.awaiting_keyframe = false;
            self.note_decode_time();
            self.skip_what_nobody_sees();
        }
        match self.decoder.send_packet(&self.packet) {
            Err(error) if is_again_or_end(&error) => self.pending = error != ff::Error::Eof,
            Err(error) if is_out_of_memory(&error) => return Err(engine("decoding")(error)),
            // Damaged: what the decoder made of it, if anything, comes out of it.
            Ok(()) | Err(_) => self.pending = false,
        }
        Ok(!self.pending)
    }

    fn note_decode_time(&mut self) {
        if let (Some(times), Some(dts)) = (&mut self.decode_times, self.packet.dts().or(self.packet.pts())) {
            times.push_back(dts);
            if times.len() > MAX_REORDER {
                times.pop_front();
            }
        }
    }

    /// Pre-roll pictures that no other picture refers to need not be decoded.
    fn skip_what_nobody_sees(&mut self) {
        // Where pictures are told apart by their order, each must come out.
        let early = self.decode_times.is_none() && self.packet.pts().is_some_and(|pts| pts < self.wanted_from);
        self.decoder.skip_frame(match (self.keyframes_only, early) {
            (true, _) => Discard::NonKey,
            (false, true) => Discard::NonReference,
            (false, false) => Discard::Default,
        });
    }
}

/// Whether a picture, or one that it refers to, could not be decoded whole.
pub(crate) fn is_damaged(picture: &frame::Video) -> bool {
    // SAFETY: a plain field of a valid frame.
    unsafe { (*picture.as_ptr()).decode_error_flags & DAMAGE != 0 }
}

/// When a picture is shown, in stream ticks.
pub(crate) fn time_of(picture: &frame::Video) -> Option<i64> {
    picture.pts().or(picture.timestamp())
}
