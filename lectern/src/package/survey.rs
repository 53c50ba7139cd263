//! The first pass, over times alone, and what it says about every track.

use std::hash::{DefaultHasher, Hash, Hasher};

use demux::{ByteRange, Chapter, Data, MediaKind, Packet, Track};
use drm::KeyId;
use media_types::time::rescale;
use media_types::{CodecConfig, MediaTime, Timescale};
use packager::repack::{PacketTimes, Survey, TrackShape};

use super::chapters::Named;
use super::markers::Heard;
use super::source::Source;
use crate::exit::Failure;

/// The longest priming there is: two AAC frames at 16 kHz and more.
const PRIMING_MS: i64 = 150;
const MILLISECONDS: Timescale = Timescale::new(1000).expect("not zero");

/// Samples whose bytes tell two tracks apart that have all times and sizes in common.
const COMPARED: u64 = 64;

/// Keyframes whose kind is looked at, and how far into them: parameter sets and messages lie before their slices.
const KEYFRAMES: u32 = 32;
const KEYFRAME_HEAD: u64 = 4096;

/// Samples under a new key that tell whether it is right.
const TRIED: u64 = 16;

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
    /// The key of the last sample.
    key: Option<KeyId>,
    /// So many samples are decrypted to see whether that key is right.
    tried_to: u64,
    hasher: DefaultHasher,
    /// Of the keyframes that were looked at in H.264, how many there were and how many were IDR pictures.
    refreshes: Option<(u32, u32)>,
}

/// A file whose times were read, and that has no place on the presentation's line yet.
pub(super) struct Scanned {
    tracks: Vec<Track>,
    passes: Vec<Pass>,
    origin: MediaTime,
    markers: Vec<(Option<i64>, Vec<u8>)>,
    chapters: Vec<Chapter>,
}

/// Reads the times of all tracks of a file, and collects the markers in it and what its demuxer warns of.
pub(super) fn scan(source: &Source, warnings: &mut Vec<String>) -> Result<Scanned, Failure> {
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
    let mut passes: Vec<Pass> = tracks.iter().map(Pass::new).collect();
    let mut markers = Vec::new();
    while let Some(mut packet) = reader.sealed_packet()? {
        // Only so many wait.
        markers.extend(reader.markers());
        let Some(pass) = passes.get_mut(packet.track) else { continue };
        if pass.wants(reader.packet_key()) {
            reader.open(&mut packet)?;
        }
        let times = times(&packet, 0);
        pass.survey.add(times).map_err(|error| source.unfit(&error))?;
        pass.take(source, times, &packet.data)?;
        let readable = packet.keyframe && packet.encryption.is_none();
        if readable && matches!(tracks[packet.track].config, CodecConfig::Avc(_)) {
            pass.look(source, &packet.data)?;
        }
    }
    warnings.extend(tracks.iter().zip(&passes).filter_map(|(track, pass)| pass.open_groups(source, track)));
    warnings.extend(reader.warnings());
    let origin = origin(&tracks, &passes, reader.starts_are_stated());
    if origin.ticks > i64::from(origin.scale.get()) / 100 {
        warnings.push(format!(
            "{}: its edit list starts {:.3} s behind a keyframe; what lies between is shown, for players cannot hide it",
            source.path.display(),
            origin.as_secs_f64()
        ));
    }
    markers.extend(reader.markers());
    let chapters = reader.chapters().to_vec();
    Ok(Scanned { tracks, passes, origin, markers, chapters })
}

/// When the first picture or sound of all files comes, if that is not at once: parts of a live recording count from when
/// it began. Sound that starts a moment before the pictures is priming, as in [`origin`].
pub(super) fn late(files: &[Scanned]) -> Option<MediaTime> {
    let starts = |video: bool| {
        let these = files.iter().flat_map(|file| file.starts(video).map(|start| moved(start, file.origin)));
        these.min()
    };
    let start = match (starts(true), starts(false)) {
        (Some(picture), Some(sound)) => {
            let primed = moved(sound, MediaTime::new(PRIMING_MS, MILLISECONDS)) >= picture;
            if primed { picture } else { sound }
        }
        (picture, sound) => picture.or(sound)?,
    };
    Some(start).filter(|start| *start > MediaTime::new(PRIMING_MS, MILLISECONDS))
}

/// A time that is moved by another, in its own scale.
fn moved(time: MediaTime, by: MediaTime) -> MediaTime {
    let by = rescale(by.ticks, time.scale.get().into(), by.scale.get().into());
    MediaTime::new(time.ticks.saturating_add(by), time.scale)
}

impl Scanned {
    /// When its tracks of pictures start, or those of sound.
    fn starts(&self, video: bool) -> impl Iterator<Item = MediaTime> + '_ {
        starts(&self.tracks, &self.passes, video)
    }

    /// The tracks of the file on the presentation's line, which begins at `late` on that of the files.
    pub(super) fn settle(
        self,
        input: usize,
        source: &Source,
        late: Option<MediaTime>,
        (heard, named): (&mut Heard, &mut Named),
        warnings: &mut Vec<String>,
    ) -> Result<Vec<Surveyed>, Failure> {
        let Self { tracks, passes, origin, markers, chapters } = self;
        let origin = late.map_or(origin, |late| moved(MediaTime::new(late.ticks.saturating_neg(), late.scale), origin));
        heard.keep(input, markers, origin);
        named.keep(input, &chapters, origin);
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
}

/// How far all times of a file move.
///
/// A keyframe that an edit list hides is shown: browsers drop pictures before 0, and with them all that are decoded from
/// them. And where no edit list says otherwise (`stated`), presentation starts with the first picture, if sound starts a
/// moment before it: that is an encoder's priming.
fn origin(tracks: &[Track], passes: &[Pass], stated: bool) -> MediaTime {
    let starts = |video: bool| starts(tracks, passes, video).min();
    let still = MediaTime::new(0, Timescale::NINETY_KHZ);
    let Some(picture) = starts(true) else { return still };
    let moment = MediaTime::new(PRIMING_MS, MILLISECONDS);
    let primed = !stated && picture <= moment && starts(false).is_some_and(|sound| sound < picture);
    if picture < still || (picture > still && primed) { MediaTime::new(-picture.ticks, picture.scale) } else { still }
}

/// When tracks of pictures start, or those of sound.
fn starts<'a>(tracks: &'a [Track], passes: &'a [Pass], video: bool) -> impl Iterator<Item = MediaTime> + 'a {
    let these = tracks.iter().zip(passes).filter(move |(track, _)| {
        matches!(track.kind, MediaKind::Video { .. }) == video && !matches!(track.kind, MediaKind::Text)
    });
    these.filter_map(|(track, pass)| Some(MediaTime::new(pass.survey.earliest()?, track.timescale)))
}

impl Pass {
    fn new(track: &Track) -> Self {
        let video = matches!(track.kind, MediaKind::Video { .. });
        Self {
            survey: Survey::new(video),
            bytes: 0,
            seen: 0,
            key: None,
            tried_to: 0,
            hasher: DefaultHasher::new(),
            refreshes: None,
        }
    }

    /// Whether the next sample, encrypted under `key`, is to be decrypted: when its bytes are compared, or when it is
    /// among the first under a key, which shows a wrong one before anything is written.
    fn wants(&mut self, key: Option<KeyId>) -> bool {
        if key != self.key {
            (self.key, self.tried_to) = (key, self.seen + TRIED);
        }
        key.is_some() && self.seen < self.tried_to.max(COMPARED)
    }

    /// Looks at the kind of a keyframe, at the first ones alone.
    fn look(&mut self, source: &Source, data: &Data) -> Result<(), Failure> {
        let (seen, sound) = self.refreshes.get_or_insert((0, 0));
        if *seen == KEYFRAMES {
            return Ok(());
        }
        let idr = match data {
            Data::At(range) => {
                demux::avc_is_idr(&source.read(ByteRange { length: range.length.min(KEYFRAME_HEAD), ..*range })?)
            }
            Data::Here(bytes) => demux::avc_is_idr(bytes),
        };
        *seen += 1;
        *sound += u32::from(idr.unwrap_or(true));
        Ok(())
    }

    /// That decoding cannot start cleanly at all keyframes.
    fn open_groups(&self, source: &Source, track: &Track) -> Option<String> {
        let (seen, sound) = self.refreshes.filter(|(seen, sound)| sound < seen)?;
        Some(format!(
            "{}: {} of the first {seen} keyframes of track {} are no IDR pictures (open groups of pictures, or gradual \
             refresh): players that start or switch there show damaged pictures at first; encode with closed groups",
            source.path.display(),
            seen - sound,
            track.id
        ))
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

#[cfg(test)]
#[path = "survey/tests.rs"]
mod tests;
