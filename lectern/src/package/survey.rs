//! The first pass, over times alone, and what it says about every track.

use std::hash::{DefaultHasher, Hash, Hasher};

use demux::{Data, MediaKind, Packet, Track};
use packager::repack::{PacketTimes, Survey, TrackShape};

use super::source::Source;
use crate::exit::Failure;

/// Samples whose bytes tell two tracks apart that have all times and sizes in common.
const COMPARED: u64 = 64;

/// A track of an input, surveyed.
#[derive(Clone, Debug)]
pub(crate) struct Surveyed {
    /// Position of its input on the command line.
    pub(crate) input: usize,
    /// Position in its file.
    pub(crate) track: usize,
    pub(crate) about: Track,
    pub(crate) shape: TrackShape,
    /// Bytes of all samples.
    pub(crate) bytes: u64,
    /// Equal for tracks that hold the same.
    pub(crate) fingerprint: u64,
}

/// What the packager needs to know of a packet.
pub(super) fn times(packet: &Packet) -> PacketTimes {
    PacketTimes { dts: packet.dts, pts: packet.pts, duration: packet.duration, keyframe: packet.keyframe }
}

struct Pass {
    survey: Survey,
    bytes: u64,
    seen: u64,
    hasher: DefaultHasher,
}

/// Surveys every track of a file, and collects what its demuxer warns of.
pub(crate) fn survey(input: usize, source: &Source, warnings: &mut Vec<String>) -> Result<Vec<Surveyed>, Failure> {
    let mut reader = source.reader()?;
    let tracks = reader.tracks()?.to_vec();
    let mut passes: Vec<Pass> = tracks.iter().map(Pass::new).collect();
    while let Some(packet) = reader.packet()? {
        let Some(pass) = passes.get_mut(packet.track) else { continue };
        let times = times(&packet);
        pass.survey.add(times).map_err(|error| source.unfit(&error))?;
        pass.take(source, times, &packet.data)?;
    }
    warnings.extend(reader.warnings());
    let mut surveyed = Vec::new();
    for (track, (about, pass)) in tracks.into_iter().zip(passes).enumerate() {
        let fingerprint = pass.hasher.finish();
        let shape = pass.survey.finish(about.timescale, about.end).map_err(|error| source.unfit(&error))?;
        match shape {
            Some(shape) => surveyed.push(Surveyed { input, track, about, shape, bytes: pass.bytes, fingerprint }),
            None => warnings.push(format!("{}: track {} has no sample; left out", source.path.display(), about.id)),
        }
    }
    Ok(surveyed)
}

impl Pass {
    fn new(track: &Track) -> Self {
        let video = matches!(track.kind, MediaKind::Video { .. });
        Self { survey: Survey::new(video), bytes: 0, seen: 0, hasher: DefaultHasher::new() }
    }

    fn take(&mut self, source: &Source, times: PacketTimes, data: &Data) -> Result<(), Failure> {
        let size = match data {
            Data::At(range) => range.length,
            Data::Here(bytes) => bytes.len() as u64,
        };
        (times.dts, times.pts, size).hash(&mut self.hasher);
        if self.seen < COMPARED {
            match data {
                Data::At(range) => {
                    let mut bytes = vec![0; usize::try_from(range.length).unwrap_or(0)];
                    source.read_exact(range.offset, &mut bytes)?;
                    bytes.hash(&mut self.hasher);
                }
                Data::Here(bytes) => bytes.hash(&mut self.hasher),
            }
        }
        self.seen += 1;
        self.bytes += size;
        Ok(())
    }
}
