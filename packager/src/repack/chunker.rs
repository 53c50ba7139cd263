//! Packets to segments.

use super::{PacketTimes, TrackShape};
use crate::{PackageError, SampleMeta};

/// Where a track's segments after the first begin, in presentation time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cuts {
    /// Exactly at these keyframes.
    Keyframes(Vec<i64>),
    /// At the packet that starts nearest to each of these times.
    Nearest(Vec<i64>),
}

/// The samples of one segment, and what the caller keeps of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk<D> {
    /// 0-based segment.
    pub index: u32,
    /// Its samples, on the coded timeline.
    pub samples: Vec<SampleMeta>,
    /// What came with each of them.
    pub data: Vec<D>,
    /// When its first sample is shown or heard, and how long until the next segment's is, in ticks of the presentation.
    pub shown: (u64, u64),
}

/// Groups a track's packets into segments. Holds one segment's samples at most.
#[derive(Debug)]
pub struct Chunker<D> {
    shape: TrackShape,
    cuts: Vec<i64>,
    at_keyframes: bool,
    index: u32,
    open: Vec<SampleMeta>,
    data: Vec<D>,
    /// The last packet, which lasts until the next one is decoded.
    held: Option<(PacketTimes, u32, D)>,
    /// Packets shown after the end, kept only if one shown before it is decoded after them.
    behind_end: Vec<(PacketTimes, u32, D)>,
    next_cut: usize,
}

impl<D> Chunker<D> {
    /// For a track of this shape.
    pub fn new(shape: TrackShape, cuts: Cuts) -> Self {
        let (mut cuts, at_keyframes) = match cuts {
            Cuts::Keyframes(cuts) => (cuts, true),
            Cuts::Nearest(cuts) => (cuts, false),
        };
        cuts.retain(|&cut| cut < shape.end_pts);
        Self {
            shape,
            cuts,
            at_keyframes,
            index: 0,
            open: Vec::new(),
            data: Vec::new(),
            held: None,
            behind_end: Vec::new(),
            next_cut: 0,
        }
    }

    /// Takes a packet of `size` bytes; gives the segment that it ends.
    ///
    /// # Errors
    /// [`PackageError::OutOfRange`] when times do not fit the boxes.
    pub fn push(&mut self, times: PacketTimes, size: u32, data: D) -> Result<Option<Chunk<D>>, PackageError> {
        if times.pts >= self.shape.end_pts {
            self.behind_end.push((times, size, data));
            return Ok(None);
        }
        let mut done = None;
        for late in std::mem::take(&mut self.behind_end) {
            done = self.accept(late)?.or(done);
        }
        Ok(self.accept((times, size, data))?.or(done))
    }

    /// The last segment, once all packets were pushed.
    ///
    /// # Errors
    /// As [`push`](Chunker::push).
    pub fn finish(mut self) -> Result<Option<Chunk<D>>, PackageError> {
        let Some((times, size, data)) = self.held.take() else { return Ok(None) };
        let usual = self.open.last().map(|sample| sample.duration);
        let left = u32::try_from(self.shape.end_pts - times.pts).ok().filter(|&left| left > 0);
        let whole = times.duration.or(usual).or(left).unwrap_or(1).max(1);
        // Sound that an edit list ends inside a packet: players take the end of the last packet for the recording's.
        let duration = left.filter(|_| !self.at_keyframes).map_or(whole, |left| whole.min(left));
        self.add(times, size, data, duration);
        let end = if self.at_keyframes { self.shape.end_pts } else { times.pts + i64::from(duration) };
        Ok(Some(self.close(end)))
    }

    fn accept(&mut self, packet: (PacketTimes, u32, D)) -> Result<Option<Chunk<D>>, PackageError> {
        let next = packet.0;
        let Some((times, size, data)) = self.held.replace(packet) else { return Ok(None) };
        let length = next.dts.checked_sub(times.dts).and_then(|length| u32::try_from(length).ok());
        let duration = length.ok_or(PackageError::OutOfRange { index: self.index, what: "a sample's duration" })?;
        self.add(times, size, data, duration);
        let Some(&cut) = self.cuts.get(self.next_cut) else { return Ok(None) };
        let begins = if self.at_keyframes {
            next.keyframe && next.pts == cut
        } else {
            next.pts + i64::from(next.duration.unwrap_or(duration) / 2) >= cut
        };
        if !begins {
            return Ok(None);
        }
        self.next_cut += 1;
        // Packets longer than a segment may pass over several borders.
        while !self.at_keyframes && self.cuts.get(self.next_cut).is_some_and(|&cut| next.pts >= cut) {
            self.next_cut += 1;
        }
        Ok(Some(self.close(next.pts)))
    }

    fn add(&mut self, times: PacketTimes, size: u32, data: D, duration: u32) {
        let dts = times.dts + self.shape.shift;
        // Offsets come out as presentation minus decode time, raised by what is hidden.
        self.open.push(SampleMeta { dts, pts: times.pts, duration, size, keyframe: times.keyframe });
        self.data.push(data);
    }

    fn close(&mut self, end: i64) -> Chunk<D> {
        let start = match self.index {
            0 => self.shape.first_pts.max(0),
            _ => self.open.first().map_or(0, |first| first.pts.max(0)),
        };
        let shown = (start.unsigned_abs(), (end - start).max(1).unsigned_abs());
        let capacity = self.open.len() + self.open.len() / 8;
        let chunk = Chunk {
            index: self.index,
            samples: std::mem::replace(&mut self.open, Vec::with_capacity(capacity)),
            data: std::mem::replace(&mut self.data, Vec::with_capacity(capacity)),
            shown,
        };
        self.index += 1;
        chunk
    }
}
