//! Subtitles as they come: files of their own, or tracks of media files.

use std::fs::File;
use std::io::Read;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use demux::Data;
use media_types::{CodecConfig, language};
use timed_text::codec::{Format, sniff};
use timed_text::ttml::{self, Forced, Ttml};
use timed_text::{BYTE_LIMIT, OUTPUT_LIMIT, Parsed, TextError, imsc, srt, stpp, webvtt, wvtt};

use super::{Subtitles, name};
use crate::exit::Failure;
use crate::package::source::Source;
use crate::package::survey::Surveyed;

/// What is looked at to tell the format.
const HEAD_BYTES: u64 = 4096;

/// Whether a file is one of subtitles, by its first bytes. What cannot be read is told when it is opened as media.
pub(in crate::package) fn is_text(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEAD_BYTES).read_to_end(&mut head));
    read.is_ok() && sniff(&head).is_some()
}

/// Reads subtitle files.
pub(in crate::package) fn from_files(paths: &[PathBuf], warnings: &mut Vec<String>) -> Result<Vec<Subtitles>, Failure> {
    paths.iter().map(|path| from_file(path, warnings)).collect()
}

fn from_file(path: &Path, warnings: &mut Vec<String>) -> Result<Subtitles, Failure> {
    let origin = path.display().to_string();
    let bytes = load(path).map_err(|error| {
        Failure::bad_input("input.unreadable", format!("{origin}: {error}"), "check the path and its permissions")
    })?;
    let refused = |error: TextError| Failure::bad_input("input.unfit", format!("{origin}: {error}"), "");
    let mut ttml = None;
    let parsed = match sniff(&bytes) {
        Some(Format::Ttml) => ttml.insert(ttml::parse(&bytes).map_err(refused)?).to_cues(),
        Some(Format::Srt) => srt::parse(&bytes),
        _ => webvtt::parse(&bytes),
    };
    let Parsed { document: mut cues, warnings: found } = parsed.map_err(refused)?;
    for warning in found.iter().chain(ttml.iter().flat_map(|ttml: &Ttml| ttml.warnings())) {
        let place = if warning.line > 0 { format!(" (line {})", warning.line) } else { String::new() };
        warnings.push(format!("{origin}: {}{place}", warning.what));
    }
    if cues.timestamp_map.take().is_some_and(|map| map.offset_us() != 0) {
        warnings.push(format!("{origin}: it is a segment of an HLS rendition; its times are taken as they stand"));
    }
    let named = name::read(path);
    let stated = ttml.as_ref().map_or(cues.language.as_deref(), Ttml::language).and_then(language::canonical);
    if let (Some(stated), Some(named)) = (&stated, &named.language)
        && stated.split('-').next() != named.split('-').next()
    {
        warnings.push(format!("{origin}: its content says {stated} and its name {named}; taken for {stated}"));
    }
    let mut roles = named.roles;
    roles.forced |= ttml.as_ref().is_some_and(|ttml| ttml.forced() == Forced::All);
    let language = stated.or(named.language).unwrap_or_else(|| language::UNKNOWN.to_owned());
    let mut subtitles = Subtitles { origin, language, label: None, roles, cues, ttml };
    subtitles.clip();
    Ok(subtitles)
}

/// The bytes of a file, up to the most that are ever read.
pub(in crate::package) fn load(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than is ever read, so that what is too long is refused as such.
    File::open(path)?.take(BYTE_LIMIT as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// One sample: when it starts, how long it lasts if that is stated, and its bytes.
type Packet = (i64, Option<u32>, Bytes);

/// Reads the text tracks that media files hold. One that cannot become text is left out.
pub(in crate::package) fn from_tracks(
    sources: &[Source],
    tracks: &[Surveyed],
    warnings: &mut Vec<String>,
) -> Result<Vec<Subtitles>, Failure> {
    let mut all = Vec::new();
    for (input, source) in sources.iter().enumerate() {
        let here: Vec<&Surveyed> = tracks.iter().filter(|track| track.input == input).collect();
        if here.is_empty() {
            continue;
        }
        for (track, packets) in here.iter().zip(packets(source, &here)?) {
            match from_track(source, track, &packets) {
                Ok(subtitles) => all.push(subtitles),
                Err(error) => {
                    warnings.push(format!("{}: track {} is left out: {error}", source.path.display(), track.about.id))
                }
            }
        }
    }
    Ok(all)
}

fn packets(source: &Source, tracks: &[&Surveyed]) -> Result<Vec<Vec<Packet>>, Failure> {
    let mut reader = source.reader()?;
    reader.tracks()?;
    let mut all: Vec<Vec<Packet>> = tracks.iter().map(|_| Vec::new()).collect();
    let mut total = 0u64;
    while let Some(packet) = reader.packet()? {
        let Some(place) = tracks.iter().position(|track| track.track == packet.track) else { continue };
        let length = match &packet.data {
            Data::At(range) => range.length,
            Data::Here(bytes) => bytes.len() as u64,
        };
        total = total.saturating_add(length);
        if length > BYTE_LIMIT as u64 || total > OUTPUT_LIMIT as u64 {
            return Err(source.unfit(&format!("its text tracks have more than {total} bytes")));
        }
        let data = match packet.data {
            Data::Here(bytes) => bytes,
            Data::At(range) => {
                let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
                source.read_exact(range.offset, &mut bytes)?;
                bytes.into()
            }
        };
        all[place].push((packet.pts.saturating_add(tracks[place].offset), packet.duration, data));
    }
    Ok(all)
}

fn from_track(source: &Source, track: &Surveyed, packets: &[Packet]) -> Result<Subtitles, TextError> {
    let ends = packets.iter().skip(1).map(|packet| packet.0).chain([track.shape.end_pts]);
    let samples: Vec<(i64, u32, &[u8])> = packets
        .iter()
        .zip(ends)
        .map(|((start, length, data), end)| {
            let left = u32::try_from(end.saturating_sub(*start).max(0)).unwrap_or(u32::MAX);
            (*start, length.unwrap_or(left), data.as_ref())
        })
        .collect();
    let scale = NonZeroU32::new(track.about.timescale.get()).expect("a timescale is never zero");
    let (mut cues, ttml) = match &track.about.config {
        CodecConfig::Stpp(_) => documents(scale, &samples)?,
        CodecConfig::Wvtt(config) => {
            let config = String::from_utf8_lossy(config);
            (wvtt::document(&config, scale, samples.iter().copied())?.document, None)
        }
        _ => (timed_text::Document::default(), None),
    };
    let known = |tag: &String| tag != language::UNKNOWN;
    let language = Some(track.about.language.clone()).filter(known);
    let language = language.or(cues.language.as_deref().and_then(language::canonical));
    cues.timestamp_map = None;
    let mut subtitles = Subtitles {
        origin: source.path.display().to_string(),
        language: language.unwrap_or_else(|| language::UNKNOWN.to_owned()),
        label: track.about.label.clone(),
        roles: track.about.roles,
        cues,
        ttml,
    };
    subtitles.clip();
    Ok(subtitles)
}

/// Cues and one document for the whole of a `stpp` track.
fn documents(
    scale: NonZeroU32,
    samples: &[(i64, u32, &[u8])],
) -> Result<(timed_text::Document, Option<Ttml>), TextError> {
    let cues = stpp::document(scale, samples.iter().copied(), false)?.document;
    let mut filled = samples.iter().filter(|(_, _, data)| !data.is_empty());
    if let (Some((_, _, data)), None) = (filled.next(), filled.next()) {
        return Ok((cues, Some(ttml::parse(data)?)));
    }
    // Some packagers count the times of every document from its sample, against the standard. Read the other way most of
    // what is said lies outside of its sample, and is not shown.
    let relative = stpp::document(scale, samples.iter().copied(), true)?.document;
    let shown_us = |document: &timed_text::Document| -> i128 {
        document.cues.iter().map(|cue| i128::from(cue.end_us) - i128::from(cue.start_us)).sum()
    };
    let cues = if shown_us(&relative) > shown_us(&cues) { relative } else { cues };
    let whole = ttml::parse(imsc::write(&cues)?.as_bytes())?;
    Ok((cues, Some(whole)))
}
