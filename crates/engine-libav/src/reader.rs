//! One stream of a source, on a clock that runs on.

use ff::format::context::Input;
use ffmpeg_next as ff;
use media_types::StreamClock;

use crate::open::{keep_stream, read_packet};

/// Reads the packets of one stream, from wherever it was last sought to.
pub(crate) struct Reader {
    source: Input,
    stream: usize,
    clock: StreamClock,
    /// Where the last packet began that said so.
    position: Option<u64>,
}

impl Reader {
    /// From now on only this stream is read; `None` when it is not there.
    pub(crate) fn new(mut source: Input, stream_index: u32, clock: &StreamClock) -> Option<Self> {
        let stream = stream_index as usize;
        keep_stream(&mut source, stream);
        source.stream(stream)?;
        Some(Self { source, stream, clock: clock.clone(), position: None })
    }

    pub(crate) fn source(&self) -> &Input {
        &self.source
    }

    pub(crate) fn stream(&self) -> Option<ff::Stream<'_>> {
        self.source.stream(self.stream)
    }

    /// Whether the packet is one of the stream, and not empty.
    pub(crate) fn is_wanted(&self, packet: &ff::Packet) -> bool {
        packet.stream() == self.stream && packet.size() > 0
    }

    /// Reads the next packet, as [`read_packet`].
    pub(crate) fn read(&mut self, packet: &mut ff::Packet) -> Result<(), ff::Error> {
        read_packet(packet, &mut self.source)?;
        if !self.clock.is_empty() && packet.stream() == self.stream {
            self.position = u64::try_from(packet.position()).ok().or(self.position);
            let (dts, pts) = self.clock.times(self.position, packet.dts(), packet.pts());
            packet.set_dts(dts);
            packet.set_pts(pts);
        }
        Ok(())
    }

    /// Goes on at about `pts`, not after it if that can be; `false` when the container cannot.
    pub(crate) fn seek(&mut self, pts: i64) -> bool {
        if self.clock.is_empty() {
            return self.seek_raw(self.stream as i32, pts, ff::ffi::AVSEEK_FLAG_BACKWARD);
        }
        // Where times come more than once, only the place says which is meant.
        self.clock.entry(pts).is_some_and(|position| self.seek_bytes(position))
    }

    /// Goes back to the very start; `false` when the container cannot, and then it was not moved by `seek` either.
    pub(crate) fn rewind(&mut self) -> bool {
        if !self.clock.is_empty() {
            return self.seek_bytes(0);
        }
        let stream = self.stream as i32;
        let start = self.source.stream(self.stream).map_or(0, |stream| stream.start_time());
        let backward = ff::ffi::AVSEEK_FLAG_BACKWARD;
        // Each demuxer family accepts one of these: any time, none before the first, bytes only. What is subtracted from the
        // first must not overflow.
        self.seek_raw(stream, i64::MIN / 2, backward)
            || self.seek_raw(stream, start, backward)
            || self.seek_raw(-1, 0, ff::ffi::AVSEEK_FLAG_BYTE)
    }

    fn seek_bytes(&mut self, position: u64) -> bool {
        self.position = Some(position);
        i64::try_from(position).is_ok_and(|position| self.seek_raw(-1, position, ff::ffi::AVSEEK_FLAG_BYTE))
    }

    fn seek_raw(&mut self, stream: i32, to: i64, flags: i32) -> bool {
        // SAFETY: the context is open, and the stream index is one of its streams or -1.
        unsafe { ff::ffi::av_seek_frame(self.source.as_mut_ptr(), stream, to, flags) >= 0 }
    }
}
