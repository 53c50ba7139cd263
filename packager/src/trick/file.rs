//! The file of a track's keyframes, made from the track's own segments.

use bytes::{BufMut, Bytes, BytesMut};
use drm::SegmentEncryptor;
use media_types::{Sample, SegmentRecord, SyncPoint, TrackRecord};

use super::{TrickPlan, TrickTrack, least_distance};
use crate::segment::{ReadBack, read_back};
use crate::{
    OutputFile, PackageError, SampleMeta, TrackSignal, init_segment, media_segment, media_type, protected_segment,
    segment_index, trick_path,
};

/// Bytes of the pictures in one file, which is held in memory: where there are more, every other one is left out until there
/// are not.
const MOST_BYTES: u64 = 48 << 20;

/// What boxes around a picture take, roughly.
const FRAGMENT_BYTES: usize = 256;

/// The file of a track's keyframes under construction, for whoever has the track's segments: see
/// [`TrickPlan`] for whoever has its samples.
pub struct TrickFile {
    track: TrickTrack,
    plan: TrickPlan,
    encryptor: Option<SegmentEncryptor>,
    /// What the edit list of the track itself hides.
    hidden_ticks: u32,
    /// Bytes in front of the index.
    init_bytes: usize,
    bytes: BytesMut,
    samples: blake3::Hasher,
}

/// A file of keyframes that is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinishedTrick {
    /// What playlists and manifest are written from.
    pub track: TrickTrack,
    /// The file.
    pub file: OutputFile,
    /// Lower-case hex BLAKE3 of its samples in clear, one behind another.
    pub samples_blake3: String,
}

impl TrickFile {
    /// Of a track with its segments in clear; `None` when it has less than two keyframes. The encryptor is for the
    /// [name of the new track](TrickTrack::new), and the signal what is told of it.
    ///
    /// # Errors
    /// As [`init_segment`].
    pub fn new(
        main: &TrackRecord,
        protection: Option<(SegmentEncryptor, &TrackSignal)>,
    ) -> Result<Option<Self>, PackageError> {
        let Some((plan, data_bytes)) = plan(main) else { return Ok(None) };
        Self::with(main, (plan, data_bytes), protection).map(Some)
    }

    /// Of some keyframes of a track, by their times, ascending: a file of those alone, in clear. The segments that have none of
    /// them need not be taken.
    ///
    /// # Errors
    /// [`PackageError::Track`] for times that no keyframe can have, and as [`init_segment`].
    pub fn of_pictures(main: &TrackRecord, times: &[i64]) -> Result<Self, PackageError> {
        let plan = end_of(main).and_then(|end| TrickPlan::of(times, end));
        let plan = plan.ok_or(PackageError::Track("it has no keyframes at these times"))?;
        let bytes = shown_bytes(&plan, main);
        Self::with(main, (plan, bytes), None)
    }

    fn with(
        main: &TrackRecord,
        (plan, data_bytes): (TrickPlan, u64),
        protection: Option<(SegmentEncryptor, &TrackSignal)>,
    ) -> Result<Self, PackageError> {
        let track = TrickTrack::new(main);
        let (encryptor, signal) = protection.unzip();
        let init = init_segment(&track.record, signal)?;
        let index_bytes = usize::try_from(plan.index_bytes()).unwrap_or(usize::MAX);
        let room = init.len() + index_bytes + plan.pictures.len() * FRAGMENT_BYTES;
        let mut bytes = BytesMut::with_capacity(room + usize::try_from(data_bytes).unwrap_or(0));
        bytes.put_slice(&init);
        bytes.put_bytes(0, index_bytes);
        let (hidden_ticks, init_bytes, samples) = (main.hidden_ticks, init.len(), blake3::Hasher::new());
        Ok(Self { track, plan, encryptor, hidden_ticks, init_bytes, bytes, samples })
    }

    /// Takes the track's next segment in clear, as [`media_segment`] made it.
    ///
    /// # Errors
    /// [`PackageError::Unreadable`] when the bytes are not of this crate, [`PackageError::Encrypt`] when a sample does not
    /// conform to its codec.
    pub fn take(&mut self, segment: &SegmentRecord, bytes: &Bytes) -> Result<(), PackageError> {
        let ReadBack { samples, payload } = read_back(segment.index, bytes, self.hidden_ticks)?;
        let mut rest = bytes.slice(payload);
        for sample in &samples {
            // The samples' sizes add up to the payload's.
            let data = rest.split_to(sample.size as usize);
            if let Some((index, picture)) = self.plan.pick(sample) {
                self.add(index, picture, data)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, index: u32, picture: SampleMeta, data: Bytes) -> Result<(), PackageError> {
        self.samples.update(&data);
        let SampleMeta { dts, pts, duration, keyframe, .. } = picture;
        let sample = Sample { dts, pts, duration, keyframe, data };
        let mut made = media_segment(&self.track.record.kind, index, &[sample], 0)?;
        if let Some(encryptor) = &mut self.encryptor {
            made = protected_segment(&made.record, 0, &made.bytes, encryptor)?;
        }
        self.bytes.put_slice(&made.bytes);
        self.track.record.segments.push(made.record);
        Ok(())
    }

    /// The whole file.
    ///
    /// # Errors
    /// [`PackageError::Track`] when keyframes that the track's records name were in none of its segments.
    pub fn finish(mut self) -> Result<FinishedTrick, PackageError> {
        if self.track.record.segments.len() != self.plan.pictures.len() {
            return Err(PackageError::Track("its segments lack keyframes that its records name"));
        }
        let index = segment_index(&self.track.record)?;
        self.bytes[self.init_bytes..][..index.len()].copy_from_slice(&index);
        let path = trick_path(&self.track.of);
        let file = OutputFile { media_type: media_type(&path), path, bytes: self.bytes.freeze() };
        Ok(FinishedTrick { track: self.track, file, samples_blake3: self.samples.finalize().to_hex().to_string() })
    }
}

/// Which keyframes are shown, and about how many bytes they have.
fn plan(main: &TrackRecord) -> Option<(TrickPlan, u64)> {
    let key_times: Vec<i64> = sync_points(main).map(|point| point.pts).collect();
    let end = end_of(main)?;
    let mut distance = least_distance(end, main.timescale)?;
    loop {
        let plan = TrickPlan::spaced(&key_times, end, distance)?;
        let bytes = shown_bytes(&plan, main);
        if bytes <= MOST_BYTES {
            return Some((plan, bytes));
        }
        // Ends at the latest where a single picture is left, which is no plan.
        distance = distance.checked_mul(2)?;
    }
}

fn sync_points(main: &TrackRecord) -> impl Iterator<Item = &SyncPoint> {
    main.segments.iter().flat_map(|segment| &segment.sync_points)
}

fn shown_bytes(plan: &TrickPlan, main: &TrackRecord) -> u64 {
    let lengths = sync_points(main).filter(|point| plan.shows(point.pts)).map(|point| point.bytes.length);
    lengths.fold(0, u64::saturating_add)
}

fn end_of(main: &TrackRecord) -> Option<i64> {
    let last = main.segments.last()?;
    i64::try_from(last.start_ticks.checked_add(last.duration_ticks)?).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use media_types::segment::Roles;
    use media_types::{ByteRange, CodecConfig, Timescale, TrackKind};

    use super::*;

    /// Segments of two seconds, each of one keyframe of so many bytes.
    fn track(segments: u32, length: u64) -> TrackRecord {
        let segment = |index: u32| SegmentRecord {
            index,
            start_ticks: u64::from(index) * 2000,
            duration_ticks: 2000,
            sample_count: 50,
            size_bytes: length,
            blake3: String::new(),
            sync_points: vec![SyncPoint { pts: i64::from(index) * 2000, bytes: ByteRange { offset: 0, length } }],
        };
        TrackRecord {
            name: "video-360p".to_owned(),
            kind: TrackKind::Video { width: 640, height: 360, rate_num: 25, rate_den: 1, sample_aspect: (1, 1) },
            language: "und".to_owned(),
            timescale: Timescale::new(1000).unwrap(),
            config: CodecConfig::Avc(Bytes::new()),
            max_bitrate_bps: 0,
            hidden_ticks: 0,
            shown_ticks: 0,
            segments: (0..segments).map(segment).collect(),
            label: None,
            roles: Roles::default(),
            captions: None,
            webvtt_sizes: Vec::new(),
        }
    }

    #[test]
    fn more_than_a_file_may_hold_is_thinned_out() {
        let kept = |segments, length| plan(&track(segments, length)).map(|(plan, bytes)| (plan.pictures.len(), bytes));
        assert_eq!(kept(1000, 1000), Some((1000, 1_000_000)));
        assert_eq!(kept(48, 1 << 20), Some((48, MOST_BYTES)));
        assert_eq!(kept(49, 1 << 20), Some((25, 25 << 20)), "every other one");
        assert_eq!(kept(200, 1 << 20), Some((25, 25 << 20)), "every eighth one");
        assert_eq!(kept(5, MOST_BYTES), None);
        assert_eq!(kept(5, u64::MAX), None);
        assert_eq!(kept(0, 0), None);
    }
}
