//! Giving samples: in the order of the file, on the movie's timeline, as their track says.

use std::sync::Arc;

use bytes::{BufMut as _, Bytes, BytesMut};
use drm::{SampleEncryption, TrackProtection};

use super::boxes::fail;
use super::crypt::{self, Aux};
use super::reader::Reader;
use super::sample::Raw;
use super::stream::Stream;
use super::{Mp4Demuxer, Phase, tx3g};
use crate::{ByteRange, Data, DemuxError, Packet, Step, Warning};

/// The longest sample whose lengths are widened.
const MOST_WIDENED: u32 = 64 << 20;

/// The longest sample of 3GPP text: 64 KiB of it, and as many runs.
const MOST_TEXT: u32 = 1 << 20;

/// Bytes and samples of a track in a file of unknown length.
const MOST_SPENT: u64 = 1 << 46;

/// Ticks by which a track's clock may lag behind at least, whatever its timescale.
const LEAST_LAG: i64 = 1000;

/// A packet whose bytes must be read and changed.
#[derive(Debug)]
pub(super) struct Held {
    packet: Packet,
    range: ByteRange,
    change: Change,
}

/// What is done with its bytes.
#[derive(Debug)]
enum Change {
    /// Lengths of so many bytes become lengths of 4.
    Widen(u8),
    /// 3GPP text becomes WebVTT.
    Text(tx3g::Style),
}

/// How a sample is protected and encrypted.
type Locked = (Option<Arc<TrackProtection>>, Option<SampleEncryption>);

impl Mp4Demuxer {
    /// The next of the movie box's own samples: chunk by chunk, in the order in which chunks lie in the file.
    pub(super) fn whole(&mut self) -> Result<Option<Step>, DemuxError> {
        let going = |index: &usize| !self.streams[*index].ended && self.streams[*index].table.left_in_chunk() > 0;
        let current = self.current.filter(going);
        let Some(index) = current.or_else(|| self.next_chunk()) else {
            for stream in &mut self.streams {
                stream.next_dts = stream.table.dts();
            }
            let given = self.streams.iter().any(|stream| stream.spent > 0);
            self.phase = if self.fragmented || !given { Phase::Scan } else { Phase::End };
            return Ok(None);
        };
        self.current = Some(index);
        let stream = &mut self.streams[index];
        let chunk = stream.table.chunk();
        if let Some(aux) = stream.aux.as_mut().filter(|_| stream.aux_chunk != Some(chunk)) {
            if let Some(step) = fetch(&mut self.reader, aux, chunk as usize, stream.table.left_in_chunk())? {
                return Ok(Some(step));
            }
            stream.aux_chunk = Some(chunk);
        }
        let description = stream.table.description();
        stream.description = description;
        let raw = match stream.table.next() {
            Ok(raw) => raw,
            Err(why) => {
                self.end_early(index, why);
                return Ok(None);
            }
        };
        let locked = if stream.scheme.is_some() {
            let mut map = stream.mapping.take();
            let protection = stream.protection(map.as_mut(), &crypt::Groups::default(), description, raw.at);
            stream.mapping = map;
            let protection = protection?;
            let encryption = encryption(stream.aux.as_mut(), &protection, &raw)?;
            (protection, encryption)
        } else {
            stream.described(description)?;
            (None, None)
        };
        self.packet(index, &raw, locked)
    }

    fn next_chunk(&mut self) -> Option<usize> {
        let mut best: Option<(u64, usize)> = None;
        for index in 0..self.streams.len() {
            let stream = &mut self.streams[index];
            if stream.ended {
                continue;
            }
            match stream.table.next_chunk() {
                Ok(true) => {
                    let at = stream.table.offset();
                    if best.is_none_or(|(least, _)| at < least) {
                        best = Some((at, index));
                    }
                }
                Ok(false) => {}
                Err(why) => self.end_early(index, why),
            }
        }
        best.map(|(_, index)| index)
    }

    /// The next sample of the fragment: run by run, in the order in which their data lie in the file.
    pub(super) fn fragment(&mut self) -> Result<Option<Step>, DemuxError> {
        let queues = &mut self.fragment.queues;
        let going = |queues: &[std::collections::VecDeque<super::fragment::TrackFragment>], index: usize| {
            queues[index].front().is_some_and(|front| front.left_in_run() > 0)
        };
        let current = self.current.filter(|&index| !self.streams[index].ended && going(queues, index));
        let Some(index) = current.or_else(|| self.next_run()) else {
            self.current = None;
            self.phase = Phase::Scan;
            return Ok(None);
        };
        self.current = Some(index);
        let stream = &mut self.streams[index];
        let Some(front) = self.fragment.queues[index].front_mut() else { return Ok(None) };
        if let Some(start) = front.start.take() {
            stream.next_dts = start;
        }
        let (run, left) = (front.run, front.left_in_run());
        if let Some(aux) = front.aux.as_mut().filter(|_| front.aux_run != Some(run)) {
            if let Some(step) = fetch(&mut self.reader, aux, run, left)? {
                return Ok(Some(step));
            }
            front.aux_run = Some(run);
        }
        let Some(raw) = front.next(stream.next_dts) else { return Ok(None) };
        stream.description = front.description;
        stream.next_dts = stream.next_dts.saturating_add(raw.step());
        let locked = if stream.scheme.is_some() {
            let protection = stream.protection(front.mapping.as_mut(), &front.groups, front.description, raw.at)?;
            let encryption = encryption(front.aux.as_mut(), &protection, &raw)?;
            (protection, encryption)
        } else {
            stream.described(front.description).map_err(|error| DemuxError { offset: front.place, ..error })?;
            (None, None)
        };
        self.packet(index, &raw, locked)
    }

    fn next_run(&mut self) -> Option<usize> {
        let mut best: Option<(u64, usize)> = None;
        for (index, queue) in self.fragment.queues.iter_mut().enumerate() {
            if self.streams[index].ended {
                queue.clear();
            }
            let at = loop {
                match queue.front_mut().map(super::fragment::TrackFragment::offset) {
                    Some(Some(at)) => break Some(at),
                    Some(None) => queue.pop_front(),
                    None => break None,
                };
            };
            if let Some(at) = at
                && best.is_none_or(|(least, _)| at < least)
            {
                best = Some((at, index));
            }
        }
        best.map(|(_, index)| index)
    }

    fn packet(&mut self, index: usize, raw: &Raw, locked: Locked) -> Result<Option<Step>, DemuxError> {
        let (protection, encryption) = locked;
        let stream = &mut self.streams[index];
        let range = ByteRange { offset: raw.at, length: raw.size.into() };
        let end = raw.at.checked_add(range.length);
        if let Some(length) = self.reader.length()
            && end.is_none_or(|end| end > length)
        {
            let id = stream.id;
            self.cut = true;
            self.end_early(
                index,
                fail(raw.at, format!("track {id} goes on beyond the end of the file, at {length} bytes")),
            );
            return Ok(None);
        }
        stream.spent = stream.spent.saturating_add(range.length + 1);
        if stream.spent > self.reader.length().unwrap_or(MOST_SPENT) {
            let what = format!("the samples of track {} are more than the file has bytes for", stream.id);
            return Err(fail(raw.at, what));
        }
        if raw.size == 0 {
            if !std::mem::replace(&mut stream.has_empty, true) {
                let what = format!("empty samples of track {} are left out", stream.id);
                self.warn(raw.at, what);
            }
            return Ok(None);
        }
        let times = stream.times(raw);
        if times.moved > 0 && (times.moved > LEAST_LAG || !stream.stood_still) {
            stream.stood_still = true;
            self.lagging(index, raw.at, times.moved)?;
        }
        let stream = &self.streams[index];
        let packet = Packet {
            track: index,
            dts: times.dts,
            pts: times.pts,
            duration: (raw.step() > 0).then_some(raw.duration),
            keyframe: raw.sync || stream.always_sync,
            data: Data::At(range),
            encryption,
        };
        self.protection = protection;
        let Some((change, most)) = stream.change() else { return Ok(Some(Step::Packet(packet))) };
        if raw.size > most {
            return Err(fail(raw.at, format!("a sample of {} bytes, which must be rewritten, is too long", raw.size)));
        }
        self.held = Some(Held { packet, range, change });
        Ok(None)
    }

    /// Says that a track's decode times do not grow, and gives up where that is no rounding.
    fn lagging(&mut self, index: usize, at: u64, moved: i64) -> Result<(), DemuxError> {
        let id = self.streams[index].id;
        let limit = i64::from(self.tracks[index].timescale.get()).max(LEAST_LAG);
        if moved > limit {
            let what = format!(
                "decode times of track {id} go back by {moved} ticks, more than a second: the pieces do not belong behind one another"
            );
            return Err(fail(at, what));
        }
        if moved <= LEAST_LAG {
            self.warn(at, format!("decode times of track {id} do not grow here; samples are moved on by a tick each"));
        }
        Ok(())
    }

    /// The packet that is held back until its bytes are read.
    pub(super) fn release(&mut self, held: Held) -> Result<Option<Step>, DemuxError> {
        let bytes = match self.reader.get(held.range.offset, held.range.length) {
            Ok(bytes) => bytes,
            Err(step) => {
                self.held = Some(held);
                return Ok(Some(step));
            }
        };
        let Held { mut packet, range, change } = held;
        if (bytes.len() as u64) < range.length {
            self.cut = true;
            let what = format!("track {} goes on beyond the end of the file", self.streams[packet.track].id);
            self.end_early(packet.track, fail(range.offset, what));
            return Ok(None);
        }
        packet.data = Data::Here(match change {
            Change::Widen(width) => widened(&bytes, width.into())
                .ok_or_else(|| fail(range.offset, "a NAL unit reaches beyond the end of its sample"))?,
            Change::Text(style) => style.sample(&bytes),
        });
        Ok(Some(Step::Packet(packet)))
    }

    /// Ends a track where its samples cannot be had.
    fn end_early(&mut self, index: usize, why: DemuxError) {
        self.streams[index].ended = true;
        self.warnings.push(Warning { offset: why.offset, what: format!("{}; the track ends there", why.reason) });
    }
}

impl Stream {
    /// What must be done with the bytes of the sample that is given, and how many it may have.
    fn change(&self) -> Option<(Change, u32)> {
        if let Some(width) = self.widen {
            return Some((Change::Widen(width), MOST_WIDENED));
        }
        let place = usize::try_from(self.description).ok()?.checked_sub(1)?;
        let style = self.text.get(place)?.clone()?;
        Some((Change::Text(style), MOST_TEXT))
    }
}

/// The bytes of `range` for encryption data, or the step that reads them.
fn fetch(reader: &mut Reader, aux: &mut Aux, index: usize, samples: u32) -> Result<Option<Step>, DemuxError> {
    let Some(range) = aux.wants(index, samples)? else { return Ok(None) };
    match reader.get(range.offset, range.length) {
        Ok(bytes) => aux.give(range, bytes),
        Err(step) => return Ok(Some(step)),
    }
    Ok(None)
}

fn encryption(
    aux: Option<&mut Aux>,
    protection: &Option<Arc<TrackProtection>>,
    raw: &Raw,
) -> Result<Option<SampleEncryption>, DemuxError> {
    let found = match (aux, protection) {
        (Some(aux), _) => aux.next(protection)?,
        (None, Some(protection)) if protection.iv_size == 0 => {
            Some(SampleEncryption { iv: None, subsamples: Vec::new() })
        }
        (None, Some(_)) => {
            return Err(fail(
                raw.at,
                "an encrypted sample has no initialisation vector: there is no senc and no saio box",
            ));
        }
        (None, None) => None,
    };
    if let Some(found) = &found {
        crypt::check(found, raw.size, raw.at)?;
    }
    Ok(found)
}

/// NAL units behind 4-byte lengths instead of `width`-byte ones; `None` when one reaches beyond the end.
fn widened(sample: &[u8], width: usize) -> Option<Bytes> {
    let mut out = BytesMut::with_capacity(sample.len() + sample.len() / 8);
    let mut rest = sample;
    while !rest.is_empty() {
        let (length, tail) = rest.split_at_checked(width)?;
        let length = length.iter().fold(0usize, |length, &byte| length << 8 | usize::from(byte));
        let (nal, tail) = tail.split_at_checked(length)?;
        out.put_u32(u32::try_from(length).ok()?);
        out.put_slice(nal);
        rest = tail;
    }
    Some(out.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_lengths_are_widened_and_false_ones_noticed() {
        assert_eq!(widened(&[0, 2, 7, 8, 0, 1, 9], 2).as_deref(), Some(&[0, 0, 0, 2, 7, 8, 0, 0, 0, 1, 9][..]));
        assert_eq!(widened(&[1, 7, 0], 1).as_deref(), Some(&[0, 0, 0, 1, 7, 0, 0, 0, 0][..]));
        assert_eq!(widened(&[0, 3, 7, 8], 2), None);
        assert_eq!(widened(&[0], 2), None);
    }
}
