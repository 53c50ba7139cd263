//! Blocks to frames.

use bytes::Bytes;
use media_types::ByteRange;

use super::MkvDemuxer;
use super::block::{self, BlockHead, Lacing};
use super::ebml::Head;
use super::input::Stop;
use super::lane::Need;
use super::obus::Walk;
use crate::Data;

/// One frame of a track, with the times of its block.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) lane: usize,
    /// Where its block's element begins.
    pub(super) offset: u64,
    /// Timestamp units; `None` for all but the first of a lace.
    pub(super) raw: Option<i64>,
    pub(super) keyframe: bool,
    pub(super) data: Data,
    /// Of an audio frame, as the codec says; 0 otherwise.
    pub(super) samples: u32,
    /// Timestamp units.
    pub(super) duration: Option<u64>,
    /// Nanoseconds at its end that are not heard.
    pub(super) discard_ns: i64,
    /// The block addition of a subtitle.
    pub(super) addition: Option<Vec<u8>>,
}

/// The frames of the block read last.
#[derive(Debug, Default)]
pub(super) struct Held {
    frames: Vec<HeldFrame>,
    /// Offsets and sizes in a block, kept for its memory.
    laces: Vec<(u64, u64)>,
    lane: usize,
    offset: u64,
    end: u64,
    raw: i64,
    keyframe: bool,
    /// Where the walk through an AV1 frame is.
    walk: Option<Walk>,
}

#[derive(Debug)]
struct HeldFrame {
    data: Data,
    samples: u32,
}

impl Held {
    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.frames.clear();
        self.walk = None;
    }
}

/// The most bytes of a frame that must be read, which those of subtitles and changed frames are.
pub(super) const LARGEST_READ: u64 = 32 << 20;
/// The most bytes of a frame (`sample_size` of ISO/IEC 14496-12 §8.7.3.2 has 32 bits).
const LARGEST_FRAME: u64 = u32::MAX as u64;
/// The most bytes of a block's lace sizes.
const LARGEST_LACES: u64 = 64 << 10;
/// The most bytes of a block of several frames.
const LARGEST_LACED: u64 = 4 << 20;

impl MkvDemuxer {
    /// A Block or SimpleBlock, the element at `at` that ends at `end`.
    pub(super) fn block(&mut self, element: Head, end: u64, simple: bool) -> Result<(), Stop> {
        if !self.held.is_empty() {
            return self.damaged("a second block in a group");
        }
        if self.input.length().is_some_and(|length| end > length) {
            return self.finish();
        }
        let skip = element.length as usize;
        let size = end - self.at - element.length;
        let bytes = self.input.peek(self.at, skip + size.min(BlockHead::MAX as u64) as usize)?;
        let Some(head) = bytes.get(skip..).and_then(BlockHead::read) else {
            return self.damaged("a block without its head");
        };
        let Some(timestamp) = self.cluster.and_then(|cluster| cluster.timestamp) else {
            return self.damaged("a block before the timestamp of its Cluster");
        };
        let Some(lane) = self.lanes.iter().position(|lane| lane.reads(head.track)) else {
            self.at = end;
            return Ok(());
        };
        self.held.lane = lane;
        self.held.offset = self.at;
        self.held.end = end;
        self.held.raw = timestamp.saturating_add(head.relative.into());
        self.held.keyframe = head.keyframe || !simple;
        let start = skip + head.length;
        let read = self.hold(lane, head.lacing, start, size.saturating_sub(head.length as u64))?;
        if let Err(what) = read {
            self.held.clear();
            self.warnings.push(self.at, format!("{what} in a block of track {}; the block is left out", head.track));
        }
        self.at = end;
        Ok(())
    }

    /// Puts the frames of the block at `at` into `held`; they begin `start` bytes on and have `size` bytes in all.
    fn hold(&mut self, lane: usize, lacing: Lacing, start: usize, size: u64) -> Result<Result<(), String>, Stop> {
        let need = self.lanes[lane].need();
        let wanted = match (need, lacing) {
            (Need::Nothing, Lacing::None) => 0,
            (Need::Nothing, _) => size.min(LARGEST_LACES),
            (Need::Head(count), Lacing::None) => size.min(count as u64),
            (Need::Whole, Lacing::None) if size > LARGEST_READ => return Ok(Err(format!("a frame of {size} bytes"))),
            (Need::Whole, Lacing::None) => size,
            _ if size > LARGEST_LACED => return Ok(Err(format!("{size} bytes of laced frames"))),
            _ => size,
        };
        let bytes = match wanted {
            0 => Bytes::new(),
            wanted => {
                let bytes = self.input.bytes(self.at, start + wanted as usize)?;
                bytes.slice(start.min(bytes.len())..)
            }
        };
        let mut laces = std::mem::take(&mut self.held.laces);
        let fits = block::laces(lacing, &bytes, size, &mut laces).is_some();
        let mut result = if fits { Ok(()) } else { Err("lace sizes that do not fit".to_owned()) };
        for &(offset, length) in laces.iter().filter(|_| fits) {
            if length > LARGEST_FRAME {
                result = Err(format!("a frame of {length} bytes"));
            } else if length > 0 {
                let known =
                    bytes.slice((offset as usize).min(bytes.len())..((offset + length) as usize).min(bytes.len()));
                let place = ByteRange { offset: self.at + start as u64 + offset, length };
                match self.lanes[lane].read_frame(&known, place, self.held.keyframe) {
                    Ok((data, samples)) => self.held.frames.push(HeldFrame { data, samples }),
                    Err(what) => result = Err(what),
                }
            }
        }
        self.held.laces = laces;
        Ok(result)
    }

    /// At the end of a group: its block is a key frame when it refers to no other (RFC 9559 §5.1.3.5.4).
    pub(super) fn close_group(&mut self) -> Result<(), Stop> {
        let group = self.group.take().unwrap_or_default();
        self.held.keyframe = !group.referring;
        self.held.end = self.at;
        self.commit_when_whole(group)
    }

    /// A SimpleBlock was read.
    pub(super) fn settle(&mut self) -> Result<(), Stop> {
        self.commit_when_whole(super::walk::Group::default())
    }

    /// Hands the held frames on, once it is sure that the file has all their bytes.
    fn commit_when_whole(&mut self, group: super::walk::Group) -> Result<(), Stop> {
        if self.held.is_empty() {
            return Ok(());
        }
        match self.check() {
            Ok(true) => {}
            Ok(false) => {
                self.held.clear();
                return self.finish();
            }
            Err(stop) => {
                // Asked again after the read.
                if group.end > 0 {
                    self.group = Some(group);
                }
                return Err(stop);
            }
        }
        let mut frames = std::mem::take(&mut self.held.frames);
        for (index, held) in frames.drain(..).enumerate() {
            self.commit(Frame {
                lane: self.held.lane,
                offset: self.held.offset,
                raw: (index == 0).then_some(self.held.raw),
                keyframe: self.held.keyframe,
                data: held.data,
                samples: held.samples,
                duration: group.duration.filter(|_| index == 0),
                discard_ns: if index == 0 { group.discard_ns } else { 0 },
                addition: group.addition.clone(),
            })?;
        }
        self.held.frames = frames;
        Ok(())
    }

    /// Whether the file has the last byte of the held block. AV1 frames are walked through here, since that may take
    /// several reads.
    fn check(&mut self) -> Result<bool, Stop> {
        if self.lanes[self.held.lane].is_walked()
            && let Some(HeldFrame { data, .. }) = self.held.frames.first_mut()
            && let Data::At(place) = data
        {
            let walk = self.held.walk.get_or_insert_with(|| Walk::new(*place));
            let Some(done) = walk.run(&mut self.input)? else {
                let offset = self.held.offset;
                self.warnings.push(offset, "damaged AV1 data in a block; it is left out".into());
                self.held.clear();
                return Ok(true);
            };
            *data = done;
            self.held.walk = None;
        }
        if self.input.length().is_none() {
            return Ok(!self.input.peek(self.held.end.saturating_sub(1), 1)?.is_empty());
        }
        Ok(true)
    }
}
