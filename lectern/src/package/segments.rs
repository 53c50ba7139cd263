//! The second pass: samples to segments, encrypted in place.

use demux::{ByteRange, Data};
use drm::SegmentAux;
use media_types::segment::CaptionChannel;
use media_types::{SegmentRecord, Timescale};
use packager::captions::CaptionScan;
use packager::markers::EventMessages;
use packager::repack::{Chunk, Chunker, PacketTimes};
use packager::{SampleTable, SegmentProtection, segment_header, segment_path};

use super::files::{Folder, Growing};
use super::keys::micros;
use super::rotation::TrackEncryptor;
use super::source::Source;
use super::trick::{TrickWriter, WrittenTrick};
use crate::exit::Failure;

/// A segment is held in memory as a whole; 4 s at 500 Mbit/s have half as many bytes.
const MAX_SEGMENT_BYTES: u64 = 512 << 20;

/// Where a track's segments go.
pub(crate) enum Target<'a> {
    /// Each into a file of its own.
    Files(&'a Folder),
    /// One behind another.
    One(Growing),
}

/// One track on its way from packets to segments.
pub(crate) struct TrackWriter<'a> {
    pub(crate) name: String,
    source: &'a Source,
    video: bool,
    timescale: Timescale,
    hidden_ticks: u32,
    chunker: Option<Chunker<Data>>,
    encryptor: Option<TrackEncryptor>,
    clear_lead_ms: u32,
    captions: Option<CaptionScan>,
    aux: SegmentAux,
    table: Option<SampleTable>,
    events: EventMessages,
    trick: Option<TrickWriter<'a>>,
    target: Target<'a>,
    records: Vec<SegmentRecord>,
}

/// What a [`TrackWriter`] is made from.
pub(crate) struct TrackJob<'a> {
    pub(crate) name: String,
    pub(crate) source: &'a Source,
    pub(crate) video: bool,
    pub(crate) timescale: Timescale,
    pub(crate) hidden_ticks: u32,
    pub(crate) chunker: Chunker<Data>,
    pub(crate) encryptor: Option<TrackEncryptor>,
    pub(crate) clear_lead_ms: u32,
    /// Looks at every sample in clear.
    pub(crate) captions: Option<CaptionScan>,
    /// Gathers what an index over all samples needs.
    pub(crate) table: Option<SampleTable>,
    /// Each for the segment in which its event begins.
    pub(crate) events: EventMessages,
    /// Takes its keyframes.
    pub(crate) trick: Option<TrickWriter<'a>>,
    pub(crate) target: Target<'a>,
}

/// A track as it was written.
pub(crate) struct WrittenTrack {
    pub(crate) segments: Vec<SegmentRecord>,
    /// Its file, if it has one of its own.
    pub(crate) file: Option<Growing>,
    /// `None` when nobody looked.
    pub(crate) captions: Option<Vec<CaptionChannel>>,
    /// The index over all samples, if one was asked for.
    pub(crate) table: Option<SampleTable>,
    /// Its keyframes, if they were asked for.
    pub(crate) trick: Option<WrittenTrick>,
}

/// A buffer for the bytes of one segment, used again for each.
#[derive(Default)]
pub(crate) struct Buffer(Vec<u8>);

impl Buffer {
    /// `length` bytes of unspecified content.
    fn take(&mut self, length: usize) -> &mut [u8] {
        if self.0.len() < length {
            self.0.resize(length, 0);
        }
        &mut self.0[..length]
    }
}

impl<'a> TrackWriter<'a> {
    pub(crate) fn new(job: TrackJob<'a>) -> Self {
        let TrackJob {
            name,
            source,
            video,
            timescale,
            hidden_ticks,
            chunker,
            encryptor,
            clear_lead_ms,
            captions,
            table,
            events,
            trick,
            target,
        } = job;
        Self {
            name,
            source,
            video,
            timescale,
            hidden_ticks,
            chunker: Some(chunker),
            encryptor,
            clear_lead_ms,
            captions,
            aux: SegmentAux::new(),
            table,
            events,
            trick,
            target,
            records: Vec::new(),
        }
    }

    /// Takes the next packet. Gives the bytes written, if it ended a segment.
    pub(crate) fn push(&mut self, times: PacketTimes, data: Data, buffer: &mut Buffer) -> Result<u64, Failure> {
        let length = match &data {
            Data::At(range) => range.length,
            Data::Here(bytes) => bytes.len() as u64,
        };
        let size = u32::try_from(length).map_err(|_| self.source.unfit(&format!("a sample of {length} bytes")))?;
        let Some(chunker) = &mut self.chunker else { return Ok(0) };
        let chunk = chunker.push(times, size, data).map_err(|error| self.source.unfit(&error))?;
        chunk.map_or(Ok(0), |chunk| self.write(&chunk, buffer))
    }

    /// Writes what is left, and gives what came out.
    pub(crate) fn finish(mut self, buffer: &mut Buffer) -> Result<WrittenTrack, Failure> {
        let last = self.chunker.take().map(Chunker::finish).transpose().map_err(|error| self.source.unfit(&error))?;
        if let Some(chunk) = last.flatten() {
            self.write(&chunk, buffer)?;
        }
        let file = match self.target {
            Target::Files(_) => None,
            Target::One(growing) => Some(growing),
        };
        let captions = self.captions.map(CaptionScan::finish);
        let trick = self.trick.map(TrickWriter::finish).transpose()?.flatten();
        Ok(WrittenTrack { segments: self.records, file, captions, table: self.table, trick })
    }

    /// Writes a segment; gives its bytes.
    pub(super) fn write(&mut self, chunk: &Chunk<Data>, buffer: &mut Buffer) -> Result<u64, Failure> {
        let total: u64 = chunk.samples.iter().map(|sample| u64::from(sample.size)).sum();
        if total > MAX_SEGMENT_BYTES {
            let what = format!("{} segment {} would have {total} bytes: no keyframe to cut at", self.name, chunk.index);
            return Err(self.source.unfit(&what));
        }
        let payload = buffer.take(usize::try_from(total).unwrap_or(usize::MAX));
        gather(self.source, &chunk.data, payload)?;
        if let Some(scan) = &mut self.captions {
            let mut rest = &*payload;
            for sample in &chunk.samples {
                // The samples' sizes add up to the payload's.
                let (data, tail) = rest.split_at(sample.size as usize);
                scan.sample(sample.pts, data);
                rest = tail;
            }
        }
        if let Some(trick) = &mut self.trick {
            trick.take(chunk, payload)?;
        }
        let protected = self.protect(chunk, payload)?;
        let group = self.encryptor.as_ref().and_then(TrackEncryptor::group);
        let encrypted = SegmentProtection::Encrypted { aux: &self.aux, group };
        let protection = protected.map(|encrypt| if encrypt { encrypted } else { SegmentProtection::Clear });
        let mut header = segment_header(chunk.index, &chunk.samples, self.hidden_ticks, protection.as_ref())
            .map_err(|error| self.source.unfit(&format!("{}: {error}", self.name)))?;
        self.events.announce(&mut header, chunk.shown.0.saturating_add(chunk.shown.1));
        if let Some(table) = &mut self.table {
            table.add(chunk.index, &chunk.samples, self.hidden_ticks).map_err(|error| self.source.unfit(&error))?;
        }
        let pieces: [&[u8]; 2] = [&header.bytes, payload];
        let mut hasher = blake3::Hasher::new();
        for piece in pieces {
            hasher.update(piece);
        }
        match &mut self.target {
            Target::Files(folder) => folder.write(&segment_path(&self.name, chunk.index), &pieces)?,
            Target::One(growing) => growing.append(&pieces)?,
        }
        let (start_ticks, duration_ticks) = chunk.shown;
        let size_bytes = (header.bytes.len() + payload.len()) as u64;
        self.records.push(SegmentRecord {
            index: chunk.index,
            start_ticks,
            duration_ticks,
            sample_count: header.sample_count,
            size_bytes,
            blake3: hasher.finalize().to_hex().to_string(),
            sync_points: if self.video { header.sync_points } else { Vec::new() },
        });
        Ok(size_bytes)
    }

    /// Encrypts a segment of a protected track in place, unless its time leaves it clear. Gives whether it was
    /// encrypted; `None` for a clear track.
    fn protect(&mut self, chunk: &Chunk<Data>, payload: &mut [u8]) -> Result<Option<bool>, Failure> {
        let Some(encryptor) = &mut self.encryptor else { return Ok(None) };
        let first = chunk.samples.first().map_or(0, |sample| sample.pts.max(0)).unsigned_abs();
        let sizes = chunk.samples.iter().map(|sample| sample.size as usize);
        let unfit =
            |error: drm::EncryptError| self.source.unfit(&format!("{} segment {}: {error}", self.name, chunk.index));
        let encryptor = encryptor.at(micros(chunk.shown.0, self.timescale.get().into())).map_err(unfit)?;
        if u128::from(first) * 1000 < u128::from(self.clear_lead_ms) * u128::from(self.timescale.get()) {
            encryptor.pass(payload, sizes).map_err(unfit)?;
            return Ok(Some(false));
        }
        let seed = encryptor.seed(chunk.index.into(), payload);
        encryptor.encrypt_segment(payload, sizes, &seed, &mut self.aux).map_err(unfit)?;
        Ok(Some(true))
    }
}

/// Collects the samples' bytes; what lies together in the file is read at once.
pub(super) fn gather(source: &Source, data: &[Data], mut into: &mut [u8]) -> Result<(), Failure> {
    let mut run: Option<ByteRange> = None;
    for piece in data {
        match (piece, &mut run) {
            (Data::At(next), Some(run)) if run.offset + run.length == next.offset => run.length += next.length,
            (Data::At(next), _) => {
                into = flush(source, run.replace(*next), into)?;
            }
            (Data::Here(bytes), _) => {
                into = flush(source, run.take(), into)?;
                let (here, rest) = std::mem::take(&mut into).split_at_mut(bytes.len());
                here.copy_from_slice(bytes);
                into = rest;
            }
        }
    }
    flush(source, run, into).map(drop)
}

fn flush<'b>(source: &Source, run: Option<ByteRange>, into: &'b mut [u8]) -> Result<&'b mut [u8], Failure> {
    let Some(run) = run else { return Ok(into) };
    // The run's samples were counted when `into` was measured.
    let (here, rest) = into.split_at_mut(usize::try_from(run.length).unwrap_or(usize::MAX));
    source.read_exact(run.offset, here)?;
    Ok(rest)
}
