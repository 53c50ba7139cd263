//! Cutting existing media into segments.

use media_types::Timescale;
use packager::repack::{Chunk, Chunker, Cuts, PacketTimes, SegmentGrid, Survey, TrackShape};
use packager::{PackageError, segment_header};

/// A packet in the input: flags, then how far it is decoded after the one before it, how far shown after decoded, how long
/// and how large it is, in 16 bits each.
const PACKET: usize = 9;

/// Four bytes of timescale and two of segment length in milliseconds for each of two tracks, then their packets: segments
/// follow one another without a gap, no packet is lost but those behind the end, and their boxes are written or refused.
pub fn segments(data: &[u8]) {
    let Some((head, rest)) = data.split_first_chunk::<12>() else { return };
    let target_ms = u32::from(u16::from_be_bytes([head[4], head[5]]));
    let scales = [0, 6].map(|at| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]));
    let flags = u16::from_be_bytes([head[10], head[11]]);
    let mut tracks = [(true, Vec::new()), (flags & 1 == 0, Vec::new())];
    let mut at = [-i64::from(flags >> 8), 0];
    for packet in rest.chunks_exact(PACKET) {
        let track = usize::from(packet[0] & 1);
        let packet = times(packet, &mut at[track]);
        tracks[track].1.push(packet);
    }
    let end = (flags & 2 != 0).then_some(i64::from(flags) * 8);
    let mut shapes = Vec::new();
    for ((video, packets), scale) in tracks.iter().zip(scales) {
        let scale = Timescale::new(scale % 1_000_000).unwrap_or(Timescale::NINETY_KHZ);
        match survey(*video, packets, scale, end) {
            Ok(Some(shape)) => shapes.push((scale, *video, shape, packets)),
            Ok(None) => {}
            Err(_) => return,
        }
    }
    let known: Vec<_> = shapes.iter().map(|(scale, _, shape, _)| (*scale, shape)).collect();
    let grid = SegmentGrid::new(&known, target_ms, &[]);
    let _ = grid.longest_ms();
    for (scale, video, shape, packets) in &shapes {
        let cuts = match video {
            true => Cuts::Keyframes(grid.keyframes(*scale, shape)),
            false => Cuts::Nearest(grid.borders(*scale).collect()),
        };
        let _ = cut(shape, cuts, packets);
    }
}

/// The next packet, decoded `at` or later.
fn times(packet: &[u8], at: &mut i64) -> (PacketTimes, u32) {
    let field = |place: usize| u16::from_be_bytes([packet[place], packet[place + 1]]);
    let flags = packet[0];
    // Rarely far apart.
    let shift = if flags >> 4 == 15 { 16 } else { 0 };
    *at += i64::from(field(1)) << shift;
    let times = PacketTimes {
        dts: *at,
        pts: *at + (i64::from(field(3).cast_signed()) << shift),
        duration: (flags & 2 != 0).then_some(u32::from(field(5)) << shift),
        keyframe: flags & 4 != 0,
    };
    (times, u32::from(field(7)) << shift)
}

fn survey(
    video: bool,
    packets: &[(PacketTimes, u32)],
    scale: Timescale,
    end: Option<i64>,
) -> Result<Option<TrackShape>, PackageError> {
    let mut survey = Survey::new(video);
    packets.iter().try_for_each(|(packet, _)| survey.add(*packet))?;
    let shape = survey.finish(scale, end, 0)?;
    if let Some(shape) = &shape {
        assert!(shape.packets == packets.len() as u64 && shape.key_times.is_sorted());
    }
    Ok(shape)
}

fn cut(shape: &TrackShape, cuts: Cuts, packets: &[(PacketTimes, u32)]) -> Result<(), PackageError> {
    let mut chunker = Chunker::new(shape.clone(), cuts);
    let mut state = Segments { shape, index: 0, next: None, shown: None, samples: 0 };
    for (at, (packet, size)) in packets.iter().enumerate() {
        if let Some(chunk) = chunker.push(*packet, *size, at)? {
            state.take(&chunk)?;
        }
    }
    if let Some(chunk) = chunker.finish()? {
        state.take(&chunk)?;
    }
    let behind = packets.iter().rev().take_while(|(packet, _)| packet.pts >= shape.end_pts).count();
    assert_eq!(state.samples + behind, packets.len(), "every packet shown before the end is in a segment");
    Ok(())
}

struct Segments<'a> {
    shape: &'a TrackShape,
    index: u32,
    /// Where the next segment starts, decoded and shown.
    next: Option<u64>,
    shown: Option<u64>,
    samples: usize,
}

impl Segments<'_> {
    fn take(&mut self, chunk: &Chunk<usize>) -> Result<(), PackageError> {
        assert_eq!(chunk.index, self.index);
        assert!(!chunk.samples.is_empty() && chunk.samples.len() == chunk.data.len());
        assert!(chunk.data.iter().copied().eq(self.samples..self.samples + chunk.data.len()), "packets in order");
        self.samples += chunk.data.len();
        self.index += 1;
        let (start, length) = chunk.shown;
        assert!(length > 0);
        // Sound that is not heard in the order in which it is decoded has no segments of its own.
        if !self.shape.key_times.is_empty() {
            assert!(self.shown.is_none_or(|shown| shown == start), "shown at {start}, the last to {:?}", self.shown);
            self.shown = Some(start + length);
        }
        let header = match segment_header(chunk.index, &chunk.samples, self.shape.hidden_ticks, None) {
            Ok(header) => header,
            Err(error @ PackageError::OutOfRange { .. }) => return Err(error),
            Err(error) => panic!("{error}"),
        };
        assert!(self.next.is_none_or(|next| next == header.start_ticks), "{:?} {}", self.next, header.start_ticks);
        self.next = Some(header.start_ticks + header.duration_ticks);
        assert_eq!(header.sample_count as usize, chunk.samples.len());
        let bytes: u64 = chunk.samples.iter().map(|sample| u64::from(sample.size)).sum();
        assert_eq!(u64::from(header.data_bytes), bytes);
        assert_eq!(header.sync_points.len(), chunk.samples.iter().filter(|sample| sample.keyframe).count());
        Ok(())
    }
}
