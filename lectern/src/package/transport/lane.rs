//! A track read once more, segment by segment.

use demux::Data;
use packager::repack::{Chunk, Chunker, Cuts};
use packager::{SampleMeta, TrackSamples};

use crate::exit::Failure;
use crate::package::plan::Planned;
use crate::package::segments::gather;
use crate::package::source::{Reader, Source};
use crate::package::survey::times;

/// The segments of one track.
pub(super) struct Lane<'a> {
    source: &'a Source,
    reader: Reader<'a>,
    planned: &'a Planned,
    chunker: Option<Chunker<Data>>,
}

impl<'a> Lane<'a> {
    pub(super) fn open(source: &'a Source, planned: &'a Planned) -> Result<Self, Failure> {
        let mut reader = source.reader()?;
        reader.tracks()?;
        let chunker = Some(Chunker::new(planned.from.shape.clone(), planned.cuts.clone()));
        Ok(Self { source, reader, planned, chunker })
    }

    /// The next segment; `None` after the last.
    pub(super) fn chunk(&mut self) -> Result<Option<Chunk<Data>>, Failure> {
        let Some(chunker) = &mut self.chunker else { return Ok(None) };
        while let Some(packet) = self.reader.packet()? {
            if packet.track != self.planned.from.track {
                continue;
            }
            let length = match &packet.data {
                Data::At(range) => range.length,
                Data::Here(bytes) => bytes.len() as u64,
            };
            let size = u32::try_from(length).map_err(|_| self.source.unfit(&format!("a sample of {length} bytes")))?;
            let times = times(&packet, self.planned.from.offset);
            let chunk = chunker.push(times, size, packet.data).map_err(|error| self.source.unfit(&error))?;
            if chunk.is_some() {
                return Ok(chunk);
            }
        }
        let last = self.chunker.take().map(Chunker::finish).transpose();
        last.map(Option::flatten).map_err(|error| self.source.unfit(&error))
    }

    /// Reads the bytes of a segment into `payload`, which only grows.
    pub(super) fn load<'b>(&self, chunk: &Chunk<Data>, payload: &'b mut Vec<u8>) -> Result<&'b [u8], Failure> {
        // Segments that are too long were refused when the CMAF set was written.
        let total: usize = chunk.samples.iter().map(|sample| sample.size as usize).sum();
        if payload.len() < total {
            payload.resize(total, 0);
        }
        let bytes = &mut payload[..total];
        gather(self.source, &chunk.data, bytes)?;
        Ok(bytes)
    }
}

/// The frames of a track of sound, taken up to one border after another.
pub(super) struct SoundQueue<'a> {
    lane: Lane<'a>,
    borders: &'a [i64],
    /// What was read last, and how much of it was taken.
    chunk: Option<Chunk<Data>>,
    payload: Vec<u8>,
    taken: usize,
    taken_bytes: usize,
    /// What was taken last.
    samples: Vec<SampleMeta>,
    data: Vec<u8>,
}

impl<'a> SoundQueue<'a> {
    pub(super) fn open(source: &'a Source, planned: &'a Planned) -> Result<Self, Failure> {
        let (Cuts::Nearest(borders) | Cuts::Keyframes(borders)) = &planned.cuts;
        let mut queue = Self {
            lane: Lane::open(source, planned)?,
            borders,
            chunk: None,
            payload: Vec::new(),
            taken: 0,
            taken_bytes: 0,
            samples: Vec::new(),
            data: Vec::new(),
        };
        queue.refill()?;
        Ok(queue)
    }

    /// The first frame that is left, empty when there is none.
    pub(super) fn first(&self) -> &[u8] {
        let samples = self.chunk.as_ref().map_or(&[][..], |chunk| &chunk.samples);
        let size = samples.get(self.taken).map_or(0, |first| first.size as usize);
        &self.payload[self.taken_bytes..self.taken_bytes + size]
    }

    fn refill(&mut self) -> Result<(), Failure> {
        self.chunk = self.lane.chunk()?;
        (self.taken, self.taken_bytes) = (0, 0);
        if let Some(chunk) = &self.chunk {
            self.lane.load(chunk, &mut self.payload)?;
        }
        Ok(())
    }

    /// The frames that belong to the pictures of the 0-based segment, by the rule that cuts the track itself: all that
    /// start before the border behind it, or nearer to that than to their end. All that are left for `None`.
    pub(super) fn take(&mut self, segment: Option<u32>) -> Result<TrackSamples<'_>, Failure> {
        let border = segment.and_then(|segment| self.borders.get(segment as usize).copied());
        self.samples.clear();
        self.data.clear();
        while let Some(chunk) = &self.chunk {
            let left = chunk.samples.get(self.taken..).unwrap_or_default();
            let belongs =
                |sample: &&SampleMeta| border.is_none_or(|border| sample.pts + i64::from(sample.duration / 2) < border);
            let count = left.iter().take_while(belongs).count();
            let bytes: usize = left[..count].iter().map(|sample| sample.size as usize).sum();
            let end = self.taken_bytes + bytes;
            self.samples.extend_from_slice(&left[..count]);
            self.data.extend_from_slice(&self.payload[self.taken_bytes..end]);
            (self.taken, self.taken_bytes) = (self.taken + count, end);
            if count < left.len() {
                break;
            }
            self.refill()?;
        }
        Ok(TrackSamples { samples: &self.samples, data: &self.data })
    }

    /// The next segment as the track itself is cut, with its index.
    pub(super) fn whole(&mut self) -> Result<Option<(u32, TrackSamples<'_>)>, Failure> {
        let Some(chunk) = self.chunk.take() else { return Ok(None) };
        self.samples.clone_from(&chunk.samples);
        let total: usize = chunk.samples.iter().map(|sample| sample.size as usize).sum();
        std::mem::swap(&mut self.data, &mut self.payload);
        self.refill()?;
        Ok(Some((chunk.index, TrackSamples { samples: &self.samples, data: &self.data[..total] })))
    }
}
