//! What a source's packets say of its clock, while they are listed.

use std::collections::HashMap;

use ff::format::context::Input;
use ffmpeg_next as ff;
use media_types::time::rescale;
use media_types::{PacketTime, StreamClock};
use pipeline::{ClockWatch, ClockedPacket, MendedClock};

use crate::open::SharedSource;
use crate::pcr;

/// Ticks of the clock that MPEG-TS and program streams share.
const TICKS_PER_SECOND: u64 = 90_000;

/// Follows the clock of a source whose times may jump.
pub(crate) struct Clocks {
    watch: ClockWatch,
    /// Whether times can be mended: reading can begin at any place of the file.
    mendable: bool,
    /// Per stream, 90 kHz ticks per tick as a fraction, and where the last packet began that said so.
    streams: HashMap<usize, ((u64, u64), Option<u64>)>,
    /// Place and decode time of the packet seen last, and of each picture.
    last: (Option<u64>, i64),
    pictures: Vec<(Option<u64>, i64)>,
}

impl Clocks {
    /// `None` for containers that have one index of all their times.
    pub(crate) fn of(source: &Input, video: Option<usize>) -> Option<Self> {
        let mendable = match source.format().name() {
            "mpegts" | "mpeg" => true,
            "matroska,webm" => false,
            _ => return None,
        };
        let per_tick = |stream: &ff::Stream<'_>| {
            let base = stream.time_base();
            let num = u64::try_from(base.numerator()).unwrap_or(0) * TICKS_PER_SECOND;
            (num, u64::try_from(base.denominator()).unwrap_or(0).max(1))
        };
        let streams = source.streams().map(|stream| (stream.index(), (per_tick(&stream), None))).collect();
        let pictures = video.and_then(|index| u32::try_from(index).ok());
        let watch = ClockWatch::new(pictures, mendable);
        Some(Self { watch, mendable, streams, last: (None, 0), pictures: Vec::new() })
    }

    pub(crate) fn see(&mut self, packet: &ff::Packet, keyframe: bool) {
        let Some(((num, den), position)) = self.streams.get_mut(&packet.stream()) else { return };
        let (num, den) = (*num, *den);
        let stated = u64::try_from(packet.position()).ok();
        *position = stated.or(*position);
        let Some(dts) = packet.dts().or(packet.pts()) else { return };
        self.last = (*position, dts);
        self.watch.see(&ClockedPacket {
            stream: packet.stream() as u32,
            position: stated,
            dts: rescale(dts, num, den),
            pts: rescale(packet.pts().unwrap_or(dts), num, den),
            length: rescale(packet.duration(), num, den),
            keyframe,
        });
    }

    /// The packet seen last is a picture that is listed.
    pub(crate) fn list(&mut self) {
        if self.mendable {
            self.pictures.push(self.last);
        }
    }

    /// What became of the clocks; `pictures` are those listed, whose times are mended.
    pub(crate) fn finish(self, bytes: &SharedSource, video: Option<usize>, pictures: &mut [PacketTime]) -> Mended {
        let clocks = self.watch.finish(&mut |place, ticks| pcr::goes_on(bytes, place, ticks));
        if !self.mendable {
            let back = clocks.iter().map(|mended| mended.clock.jumps().count()).max().unwrap_or(0);
            return Mended { clocks: Vec::new(), back };
        }
        let mended = Mended { clocks, back: 0 };
        let clock = video.map(|index| mended.clock(index)).unwrap_or_default();
        for (picture, (position, dts)) in pictures.iter_mut().zip(&self.pictures) {
            picture.pts = clock.times(*position, Some(*dts), Some(picture.pts)).1.unwrap_or(picture.pts);
        }
        mended
    }
}

/// The clocks of all streams of a source that jumps.
#[derive(Default)]
pub(crate) struct Mended {
    clocks: Vec<MendedClock>,
    /// How often a clock goes back that cannot be mended.
    pub(crate) back: usize,
}

impl Mended {
    fn of(&self, index: usize) -> Option<&MendedClock> {
        self.clocks.iter().find(|mended| mended.stream as usize == index)
    }

    /// Of one stream; empty where it does not jump.
    pub(crate) fn clock(&self, index: usize) -> StreamClock {
        self.of(index).map(|mended| mended.clock.clone()).unwrap_or_default()
    }

    /// First time and end of one stream, where they are not those stated.
    pub(crate) fn span(&self, index: usize) -> Option<(i64, i64)> {
        self.of(index).map(|mended| mended.span)
    }
}
