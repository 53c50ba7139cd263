//! The first pass, over times alone, and what it says about every track.

use std::hash::{DefaultHasher, Hash, Hasher};

use demux::{Data, MediaKind, Packet, Track};
use media_types::time::rescale;
use media_types::{MediaTime, Timescale};
use packager::repack::{PacketTimes, Survey, TrackShape};

use super::source::Source;
use crate::exit::Failure;

/// The longest priming there is: two AAC frames at 16 kHz and more.
const PRIMING_MS: i64 = 150;
const MILLISECONDS: Timescale = Timescale::new(1000).expect("not zero");

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
    /// Added to all times, in ticks, so that presentation starts where it can.
    pub(crate) offset: i64,
    /// Bytes of all samples.
    pub(crate) bytes: u64,
    /// Equal for tracks that hold the same.
    pub(crate) fingerprint: u64,
}

/// What the packager needs to know of a packet, moved by its track's offset.
pub(super) fn times(packet: &Packet, offset: i64) -> PacketTimes {
    let Packet { dts, pts, duration, keyframe, .. } = *packet;
    PacketTimes { dts: dts.saturating_add(offset), pts: pts.saturating_add(offset), duration, keyframe }
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
    let mut tracks = reader.tracks()?.to_vec();
    for track in &mut tracks {
        // What a container claims of the size may be anything.
        if let (MediaKind::Video { width, height, .. }, Some(coded)) =
            (&mut track.kind, packager::coded_size(&track.config))
        {
            (*width, *height) = coded;
        }
    }
    if let Some(track) = tracks.iter().find(|track| track.protection.is_some()) {
        let detail = format!("{}: track {} is encrypted", source.path.display(), track.id);
        return Err(Failure::bad_input(
            "input.encrypted",
            detail,
            "decrypt it first, or package what it was made from",
        ));
    }
    let mut passes: Vec<Pass> = tracks.iter().map(Pass::new).collect();
    while let Some(packet) = reader.packet()? {
        let Some(pass) = passes.get_mut(packet.track) else { continue };
        let times = times(&packet, 0);
        pass.survey.add(times).map_err(|error| source.unfit(&error))?;
        pass.take(source, times, &packet.data)?;
    }
    warnings.extend(reader.warnings());
    let origin = origin(&tracks, &passes, reader.starts_are_stated());
    if origin.ticks > i64::from(origin.scale.get()) / 100 {
        warnings.push(format!(
            "{}: its edit list starts {:.3} s behind a keyframe; what lies between is shown, for players cannot hide it",
            source.path.display(),
            origin.as_secs_f64()
        ));
    }
    let mut surveyed = Vec::new();
    for (track, (about, pass)) in tracks.into_iter().zip(passes).enumerate() {
        let fingerprint = pass.hasher.finish();
        let offset = rescale(origin.ticks, about.timescale.get().into(), origin.scale.get().into());
        let shape = pass.survey.finish(about.timescale, about.end, offset).map_err(|error| source.unfit(&error))?;
        match shape {
            Some(shape) => {
                surveyed.push(Surveyed { input, track, about, shape, offset, bytes: pass.bytes, fingerprint });
            }
            None => warnings.push(format!("{}: track {} shows nothing; left out", source.path.display(), about.id)),
        }
    }
    Ok(surveyed)
}

/// How far all times of a file move.
///
/// A keyframe that an edit list hides is shown: browsers drop pictures before 0, and with them all that are decoded from
/// them. And where no edit list says otherwise (`stated`), presentation starts with the first picture, if sound starts a
/// moment before it: that is an encoder's priming.
fn origin(tracks: &[Track], passes: &[Pass], stated: bool) -> MediaTime {
    let starts = |video: bool| {
        let these = tracks.iter().zip(passes).filter(move |(track, _)| {
            matches!(track.kind, MediaKind::Video { .. }) == video && !matches!(track.kind, MediaKind::Text)
        });
        these.filter_map(|(track, pass)| Some(MediaTime::new(pass.survey.earliest()?, track.timescale))).min()
    };
    let still = MediaTime::new(0, Timescale::NINETY_KHZ);
    let Some(picture) = starts(true) else { return still };
    let moment = MediaTime::new(PRIMING_MS, MILLISECONDS);
    let primed = !stated && picture <= moment && starts(false).is_some_and(|sound| sound < picture);
    if picture < still || (picture > still && primed) { MediaTime::new(-picture.ticks, picture.scale) } else { still }
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
