//! Decoded pictures by presentation time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ff::codec::discard::Discard;
use ff::format::context::Input;
use ff::frame;
use ffmpeg_next as ff;
use pipeline::EngineError;

use crate::error::{engine, input, is_again_or_end};

/// One video stream, decoded forward from wherever it was last sought to.
pub(crate) struct Pictures {
    source: Input,
    decoder: ff::decoder::Video,
    stream: usize,
    packet: ff::Packet,
    draining: bool,
    /// Pictures before this time are only decoded as far as later ones need them.
    wanted_from: i64,
    cancelled: Arc<AtomicBool>,
}

impl Pictures {
    /// Prepares stream `stream_index`; other streams are no longer read.
    pub(crate) fn new(
        mut source: Input,
        stream_index: u32,
        threads: u32,
        cancelled: Arc<AtomicBool>,
    ) -> Result<Self, EngineError> {
        let wanted = stream_index as usize;
        for mut stream in source.streams_mut() {
            let discard = if stream.index() == wanted { Discard::Default } else { Discard::All };
            // SAFETY: the stream belongs to the open context; `discard` is a plain field that the demuxer reads.
            unsafe { (*stream.as_mut_ptr()).discard = discard.into() };
        }
        let stream =
            source.stream(wanted).ok_or_else(|| input("input.no_video", "the planned video stream is not there"))?;
        let mut context =
            ff::codec::Context::from_parameters(stream.parameters()).map_err(engine("preparing the decoder"))?;
        context.set_threading(ff::threading::Config {
            kind: ff::threading::Type::Frame,
            count: threads as usize,
            ..Default::default()
        });
        let mut decoder = context.decoder();
        decoder.set_packet_time_base(stream.time_base());
        let decoder = decoder
            .video()
            .map_err(|error| input("input.unsupported_codec", format!("the video cannot be decoded: {error}")))?;
        Ok(Self {
            source,
            decoder,
            stream: wanted,
            packet: ff::Packet::empty(),
            draining: false,
            wanted_from: i64::MIN,
            cancelled,
        })
    }

    /// Seeks so that the next pictures start at or before `pts`, as near as the container allows.
    ///
    /// Open GOPs and sloppy indexes answer a seek with a later picture; so the first one is looked at, and the seek is
    /// repeated from further back until it is early enough.
    pub(crate) fn seek_before(&mut self, pts: i64) -> Result<Option<frame::Video>, EngineError> {
        let tick = self.source.stream(self.stream).map_or(0.0, |stream| f64::from(stream.time_base()));
        let second = if tick > 0.0 { (1.0 / tick).ceil() as i64 } else { 1 };
        let mut back = 0;
        loop {
            let target = pts.saturating_sub(back);
            let sought = self.seek(target);
            self.wanted_from = pts;
            let first = self.next()?;
            let reached = first.as_ref().and_then(time_of).is_some_and(|time| time <= pts);
            if reached || !sought || back > 120 * second {
                return Ok(first);
            }
            back = if back == 0 { 2 * second } else { back * 4 };
            if back > 120 * second {
                back = i64::MAX;
            }
        }
    }

    /// Seeks to a keyframe at or before `pts`; `false` when the container cannot, and reading goes on from where it was.
    pub(crate) fn seek(&mut self, pts: i64) -> bool {
        // SAFETY: the context is open and the stream index valid.
        let sought = unsafe {
            ff::ffi::av_seek_frame(self.source.as_mut_ptr(), self.stream as i32, pts, ff::ffi::AVSEEK_FLAG_BACKWARD)
                >= 0
        } || self.rewind();
        if sought {
            self.decoder.flush();
            self.draining = false;
        }
        sought
    }

    fn rewind(&mut self) -> bool {
        // SAFETY: as above; byte 0 is where every container starts.
        unsafe { ff::ffi::av_seek_frame(self.source.as_mut_ptr(), -1, i64::MIN, ff::ffi::AVSEEK_FLAG_BACKWARD) >= 0 }
    }

    /// Decodes keyframes only, from now on.
    pub(crate) fn keyframes_only(&mut self, only: bool) {
        self.decoder.skip_frame(if only { Discard::NonKey } else { Discard::Default });
    }

    /// The next picture in presentation order; `None` at the end. Damaged packets are passed over.
    pub(crate) fn next(&mut self) -> Result<Option<frame::Video>, EngineError> {
        loop {
            if self.cancelled.load(Ordering::Relaxed) {
                return Err(EngineError::Stopped);
            }
            let mut picture = frame::Video::empty();
            match self.decoder.receive_frame(&mut picture) {
                Ok(()) => return Ok(Some(picture)),
                Err(ff::Error::Eof) => return Ok(None),
                Err(error) if !is_again_or_end(&error) && self.draining => return Ok(None),
                Err(_) if self.draining => return Ok(None),
                Err(_) => self.feed()?,
            }
        }
    }

    fn feed(&mut self) -> Result<(), EngineError> {
        match self.packet.read(&mut self.source) {
            Ok(()) if self.packet.stream() != self.stream => {}
            Ok(()) => {
                self.skip_what_nobody_sees();
                match self.decoder.send_packet(&self.packet) {
                    Ok(()) | Err(ff::Error::InvalidData) => {}
                    Err(error) if is_again_or_end(&error) => {}
                    Err(error) => return Err(engine("decoding")(error)),
                }
            }
            Err(_) => {
                self.draining = true;
                // A decoder that refuses to drain has nothing more to give.
                let _ = self.decoder.send_eof();
            }
        }
        Ok(())
    }

    /// Pre-roll pictures that no other picture refers to need not be decoded.
    fn skip_what_nobody_sees(&mut self) {
        if self.wanted_from == i64::MIN {
            return;
        }
        let early = self.packet.pts().is_some_and(|pts| pts < self.wanted_from);
        self.decoder.skip_frame(if early { Discard::NonReference } else { Discard::Default });
    }
}

/// When a picture is shown, in stream ticks.
pub(crate) fn time_of(picture: &frame::Video) -> Option<i64> {
    picture.timestamp().or(picture.pts())
}
