//! A media segment against its record.

use media_types::{ByteRange, SegmentRecord, SyncPoint, TrackKind, TrackRecord};
use mp4_atom::{Atom, Decode, FourCC, Header, Mdat, Moof, Styp, Tfhd, Traf, TrunEntry};

use super::Findings;
use crate::codec::sample_ticks;
use crate::init::TRACK_ID;

/// `sample_is_non_sync_sample` (ISO/IEC 14496-12 §8.8.3.1).
const NON_SYNC: u32 = 0x0001_0000;

/// The record's hash.
pub(super) fn check_hash(track: &TrackRecord, record: &SegmentRecord, bytes: &[u8], findings: &mut Findings) {
    let mut at = Judge::new(track, record, findings);
    at.same("cmaf.blake3", "its hash", blake3::hash(bytes).to_hex().to_string(), record.blake3.clone());
}

/// ISO/IEC 23000-19 §7.3.3, and every figure of the record but its hash counted again.
pub(super) fn check(track: &TrackRecord, record: &SegmentRecord, bytes: &[u8], findings: &mut Findings) {
    let mut at = Judge::new(track, record, findings);
    at.same("cmaf.size", "its size", bytes.len() as u64, record.size_bytes);
    let parsed = match Parsed::read(bytes) {
        Ok(parsed) => parsed,
        Err(detail) => return at.add("cmaf.structure", detail),
    };
    if !parsed.styp.compatible_brands.contains(&FourCC::new(b"msdh")) {
        at.add("cmaf.brand", "it does not claim msdh".to_owned());
    }
    at.same("cmaf.sequence", "its sequence number", parsed.moof.mfhd.sequence_number, record.index.wrapping_add(1));
    let [traf] = parsed.moof.traf.as_slice() else {
        return at.add("cmaf.structure", format!("it has {} track fragments", parsed.moof.traf.len()));
    };
    check_header(&traf.tfhd, &mut at);
    match &traf.tfdt {
        Some(tfdt) => at.same("cmaf.tfdt", "its decode time", tfdt.base_media_decode_time, record.start_ticks),
        None => at.add("cmaf.tfdt", "it has no decode time".to_owned()),
    }
    let [run] = traf.trun.as_slice() else {
        return at.add("cmaf.structure", format!("it has {} runs", traf.trun.len()));
    };
    let offset = parsed.data_start - parsed.moof_start;
    at.same("cmaf.data-offset", "its data offset", run.data_offset.map(i64::from), Some(offset as i64));
    at.same("cmaf.sample-count", "its sample count", run.samples.len() as u64, record.sample_count.into());
    check_samples(track, record, &parsed, traf, &mut at);
}

struct Judge<'a> {
    prefix: String,
    findings: &'a mut Findings,
}

impl<'a> Judge<'a> {
    fn new(track: &TrackRecord, record: &SegmentRecord, findings: &'a mut Findings) -> Self {
        Self { prefix: format!("{} segment {}", track.name, record.index), findings }
    }

    fn add(&mut self, rule: &'static str, detail: String) {
        self.findings.add(rule, format!("{}: {detail}", self.prefix));
    }

    fn same<T: PartialEq + std::fmt::Debug>(&mut self, rule: &'static str, what: &str, found: T, expected: T) {
        self.findings.same(rule, &format!("{}: {what}", self.prefix), found, expected);
    }
}

struct Parsed<'a> {
    styp: Styp,
    moof: Moof,
    moof_start: usize,
    data_start: usize,
    data: &'a [u8],
}

impl<'a> Parsed<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let mut rest = bytes;
        let styp = Styp::decode(&mut rest).map_err(|error| format!("styp: {error}"))?;
        let moof_start = bytes.len() - rest.len();
        let moof = Moof::decode(&mut rest).map_err(|error| format!("moof: {error}"))?;
        let header = Header::decode(&mut rest).map_err(|error| format!("mdat: {error}"))?;
        if header.kind != Mdat::KIND || header.size != Some(rest.len()) {
            return Err("the moof is not followed by one mdat to the end".to_owned());
        }
        Ok(Self { styp, moof, moof_start, data_start: bytes.len() - rest.len(), data: rest })
    }
}

/// ISO/IEC 23000-19 §7.5.16: offsets count from the moof.
fn check_header(tfhd: &Tfhd, at: &mut Judge<'_>) {
    at.same("cmaf.tracks", "its track id", tfhd.track_id, TRACK_ID);
    if !tfhd.default_base_is_moof || tfhd.base_data_offset.is_some() || tfhd.duration_is_empty {
        at.add("cmaf.tfhd", "offsets must count from the moof".to_owned());
    }
}

/// Walks the run: sizes fill the mdat, durations are the track's, pictures fill the segment's grid, keyframes are where
/// the record says.
fn check_samples(track: &TrackRecord, record: &SegmentRecord, parsed: &Parsed<'_>, traf: &Traf, at: &mut Judge<'_>) {
    let video = matches!(track.kind, TrackKind::Video { .. });
    let mut grid = Grid::new(track, record, parsed.data.len());
    let (mut ticks, mut data, mut points) = (0u64, parsed.data, Vec::new());
    let mut byte = parsed.data_start as u64;
    let limit = record.sample_count as usize;
    let entries = traf.trun.iter().flat_map(|run| run.samples.iter()).take(limit);
    for (sample, entry) in entries.enumerate() {
        let Some((duration, size, flags)) = resolve(&entry, &traf.tfhd) else {
            return at.add("cmaf.trun", format!("sample {sample} lacks a duration, size or flags"));
        };
        let Some((unit, rest)) = data.split_at_checked(size as usize) else {
            return at.add("cmaf.mdat", format!("sample {sample} runs past the end"));
        };
        if unit.is_empty() {
            return at.add("cmaf.mdat", format!("sample {sample} has no byte"));
        }
        if grid.sample_ticks != Some(duration) {
            at.add("cmaf.duration", format!("sample {sample} lasts {duration} ticks"));
        }
        let offset = entry.cts.unwrap_or(0);
        let pts = grid.pts(ticks, offset);
        if offset < 0 || !grid.take(pts) {
            at.add("cmaf.composition", format!("sample {sample} has no time of its own in the segment: {offset}"));
        }
        let sync = flags & NON_SYNC == 0;
        if !sync && (sample == 0 || !video) {
            at.add("cmaf.sync", format!("sample {sample} must be a sync sample"));
        }
        if video {
            if let Err(detail) = check_access_unit(unit, sync) {
                at.add("avc.nal", format!("sample {sample}: {detail}"));
            }
            if sync {
                let offset = if sample == 0 { 0 } else { byte };
                points.push(SyncPoint { pts, bytes: ByteRange { offset, length: byte + u64::from(size) - offset } });
            }
        }
        (data, byte, ticks) = (rest, byte + u64::from(size), ticks.saturating_add(duration.into()));
    }
    if !data.is_empty() {
        at.add("cmaf.mdat", format!("{} bytes belong to no sample", data.len()));
    }
    at.same("cmaf.duration", "its duration", ticks, record.duration_ticks);
    if points != record.sync_points {
        at.add("cmaf.sync", "its keyframes are not where the record says".to_owned());
    }
}

/// The times at which a segment's samples are due, each for one of them.
struct Grid {
    start_ticks: i64,
    /// Composition offsets are raised by this.
    delay: i64,
    sample_ticks: Option<u32>,
    taken: Vec<bool>,
}

impl Grid {
    /// `most` bounds the samples, whatever the record says of their number.
    fn new(track: &TrackRecord, record: &SegmentRecord, most: usize) -> Self {
        Self {
            start_ticks: record.start_ticks as i64,
            delay: if matches!(track.kind, TrackKind::Video { .. }) { track.hidden_ticks.into() } else { 0 },
            sample_ticks: sample_ticks(&track.kind, track.timescale),
            taken: vec![false; most.min(record.sample_count as usize)],
        }
    }

    /// Presentation time of a sample that is decoded `ticks` into the segment.
    fn pts(&self, ticks: u64, offset: i64) -> i64 {
        self.start_ticks.saturating_add_unsigned(ticks).saturating_add(offset).saturating_sub(self.delay)
    }

    /// Whether `pts` is a time of this grid at which nothing was shown before.
    fn take(&mut self, pts: i64) -> bool {
        let ticks = i64::from(self.sample_ticks.unwrap_or(1).max(1));
        let since = pts.checked_sub(self.start_ticks).filter(|since| since % ticks == 0);
        let place = since.and_then(|since| usize::try_from(since / ticks).ok());
        let taken = place.and_then(|place| self.taken.get_mut(place));
        taken.is_some_and(|taken| !std::mem::replace(taken, true))
    }
}

/// Duration, size and flags of a sample, from the run or else the fragment's defaults (§8.8.7, §8.8.8).
fn resolve(entry: &TrunEntry, tfhd: &Tfhd) -> Option<(u32, u32, u32)> {
    Some((
        entry.duration.or(tfhd.default_sample_duration)?,
        entry.size.or(tfhd.default_sample_size)?,
        entry.flags.or(tfhd.default_sample_flags)?,
    ))
}

/// ISO/IEC 14496-15 §5.3.2: NAL units behind their lengths, slices among them, and IDR slices exactly in sync samples.
fn check_access_unit(mut unit: &[u8], sync: bool) -> Result<(), &'static str> {
    let (mut idr, mut slice) = (false, false);
    while !unit.is_empty() {
        let (length, rest) = unit.split_first_chunk::<4>().ok_or("a length is cut short")?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| "a length is too large")?;
        let (nal, rest) = rest.split_at_checked(length).ok_or("a NAL unit runs past its sample")?;
        let header = nal.first().ok_or("a NAL unit is empty")?;
        idr |= header & 0x1f == 5;
        slice |= (1..=5).contains(&(header & 0x1f));
        unit = rest;
    }
    if !slice {
        return Err("there is no slice");
    }
    if idr == sync { Ok(()) } else { Err("IDR slices and the sync flag disagree") }
}
