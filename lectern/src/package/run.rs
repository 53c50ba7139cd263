//! One step after another.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

use demux::MediaKind;
use media_types::TrackRecord;
use media_types::publication::{MPD, MULTIVARIANT_PLAYLIST};
use packager::markers::Marker;
use packager::{FileLayout, Presentation, Protection, index_length, init_path, media_path, segment_index};
use workers::Staging;

use super::files::{Folder, Growing};
use super::keys::Protect;
use super::markers::Heard;
use super::plan::{Planned, count_segments, plan, survey_all};
use super::progressive;
use super::rotation::TrackEncryptor;
use super::segments::{Target, WrittenTrack};
use super::source::Source;
use super::survey::Surveyed;
use super::text::{self, Subtitles};
use super::work::{Job, Work};
use crate::exit::Failure;

/// What is to be packaged, and how.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) inputs: Vec<PathBuf>,
    pub(crate) out: PathBuf,
    pub(crate) segment_ms: u32,
    pub(crate) layout: FileLayout,
    pub(crate) protect: Option<Protect>,
    /// Whether to write a file for download as well.
    pub(crate) progressive: bool,
    /// Cues that were written down, beside those of the inputs.
    pub(crate) cues: Vec<Marker>,
}

/// What came out.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) tracks: Vec<TrackRecord>,
    /// How many breaks and cues playlists and manifest tell.
    pub(crate) markers: usize,
    pub(crate) warnings: Vec<String>,
}

/// Looked at by the linter before the result is handed over; `lectern lint` looks at all.
const EXAMINED_SEGMENTS: usize = 2;
const MOST_FINDINGS: usize = 10;

/// Packages; nothing is left behind after a failure. `progress` is told the share that is done.
pub(crate) fn run(request: &Request, progress: &(dyn Fn(f64) + Sync)) -> Result<Outcome, Failure> {
    let staging = Staging::create(&request.out)?;
    let (texts, media): (Vec<_>, Vec<_>) = request.inputs.iter().cloned().partition(|path| text::is_text(path));
    let sources = media.iter().map(|path| Source::open(path)).collect::<Result<Vec<_>, _>>()?;
    let mut warnings = Vec::new();
    let surveyed = survey_all(&sources, &mut warnings)?;
    let (inside, surveyed) = surveyed.into_iter().partition(|track| track.about.kind == MediaKind::Text);
    let (planned, text_grid) = plan(surveyed, &sources, request.segment_ms, &mut warnings)?;
    let subtitles = subtitles(&texts, &sources, inside, &mut warnings)?;
    let (encryptors, protection) = protect(request, &planned, &mut warnings)?;
    let folder = Folder::new(staging.path());
    let frame = Presentation {
        tracks: &[],
        uri_prefix: "",
        storyboard: None,
        protection: protection.as_ref(),
        layout: request.layout,
        markers: &[],
    };
    let mut jobs = sources.iter().map(|_| Vec::new()).collect::<Vec<_>>();
    let targets = targets(&frame, &sources, &planned, &folder)?;
    let downloaded = if request.progressive { progressive::chosen(&planned) } else { Vec::new() };
    for (position, ((track, encryptor), target)) in planned.iter().zip(encryptors).zip(targets).enumerate() {
        let indexed = downloaded.contains(&position);
        jobs[track.from.input].push(Job { position, track, encryptor, indexed, target });
    }
    let total: u64 = planned.iter().map(|track| track.from.bytes).sum();
    let clear_lead_ms = request.protect.as_ref().map_or(0, |protect| protect.clear_lead_ms);
    let heard = Mutex::new(Heard::default());
    let work = Work { sources: &sources, clear_lead_ms, total, done: AtomicU64::new(0), progress, heard };
    let written = work.all(jobs)?;
    let heard = work.heard.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut tracks: Vec<TrackRecord> = planned.into_iter().map(|track| track.record).collect();
    let (mut growing, mut tables) = (Vec::new(), Vec::new());
    for (position, WrittenTrack { segments, file, captions, table }) in written {
        tables.extend(table.map(|table| (position, table)));
        (tracks[position].segments, tracks[position].captions) = (segments, captions);
        growing.extend(file.map(|file| (position, file)));
    }
    if let Some(empty) = tracks.iter().position(|track| track.segments.is_empty()) {
        return Err(unfit(&tracks[empty].name, &"nothing of it is shown"));
    }
    for (track, file) in text::write(&subtitles, &text_grid, &frame, &folder, &mut warnings)? {
        growing.extend(file.map(|file| (tracks.len(), file)));
        tracks.push(track);
    }
    let mut told = protection.clone();
    for (name, signal) in told.iter_mut().flatten() {
        let lead = clear_segments(&tracks, name, clear_lead_ms);
        signal.clear_segments = lead;
    }
    let markers = heard.markers(&request.cues, &tracks, &mut warnings);
    let presentation = Presentation { tracks: &tracks, protection: told.as_ref(), markers: &markers, ..frame };
    if !presentation.fits_hls() {
        warnings.push("no HLS: it has no word for this scheme; cbcs and cenc are what its players know".to_owned());
    }
    finish(&presentation, &folder, growing)?;
    if !tables.is_empty() {
        // Pictures before sound, as they were chosen.
        tables.sort_by_key(|(position, _)| downloaded.iter().position(|chosen| chosen == position));
        progressive::write(&presentation, &folder, &tables)?;
    }
    warnings.extend(examined(staging.path()));
    staging.publish(&request.out)?;
    Ok(Outcome { tracks, markers: markers.len(), warnings })
}

/// What our own linter finds in playlists, manifest, init segments and the first segments; of rules broken alone.
fn examined(folder: &Path) -> Vec<String> {
    let options = lint::Options { max_segments_per_track: EXAMINED_SEGMENTS, ..lint::Options::default() };
    let mut broken = Vec::new();
    for name in [MULTIVARIANT_PLAYLIST, MPD] {
        let root = folder.join(name);
        if !root.is_file() {
            continue;
        }
        let report = crate::commands::lint::examine(&root.to_string_lossy(), options.clone());
        let errors = report.findings.iter().filter(|finding| finding.severity == lint::Severity::Error);
        broken.extend(errors.map(|finding| format!("{name}: {} [{}]", finding.message, finding.rule.id)));
    }
    broken.truncate(MOST_FINDINGS);
    broken
}

/// How many segments of a track the clear lead covers, as their writer counted them.
fn clear_segments(tracks: &[TrackRecord], name: &str, clear_lead_ms: u32) -> usize {
    let track = tracks.iter().find(|track| track.name == name);
    let covered = |track: &TrackRecord| {
        let lead = u128::from(clear_lead_ms) * u128::from(track.timescale.get());
        track.segments.iter().take_while(|segment| u128::from(segment.start_ticks) * 1000 < lead).count()
    };
    track.map_or(0, covered)
}

/// Those of media files first, then files of their own, in the order of the command line.
fn subtitles(
    files: &[PathBuf],
    sources: &[Source],
    inside: Vec<Surveyed>,
    warnings: &mut Vec<String>,
) -> Result<Vec<Subtitles>, Failure> {
    let mut all = text::from_tracks(sources, &inside, warnings)?;
    text::settle_defaults(&mut all);
    all.extend(text::from_files(files, warnings)?);
    Ok(all)
}

fn unfit(name: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::bad_input("input.unfit", format!("{name}: {error}"), "")
}

/// What encrypts each track, and what is said of all.
fn protect(
    request: &Request,
    planned: &[Planned],
    warnings: &mut Vec<String>,
) -> Result<(Vec<Option<TrackEncryptor>>, Option<Protection>), Failure> {
    let Some(protect) = &request.protect else { return Ok((planned.iter().map(|_| None).collect(), None)) };
    let periods = protect.periods(planned)?;
    let (mut encryptors, mut protection) = (Vec::new(), Protection::new());
    for track in planned {
        let protected = protect.track(&track.record.name, &track.from, &periods)?;
        if protected.is_none() {
            warnings.push(format!("{}: no usage rule gives it a key; it stays clear", track.record.name));
        }
        encryptors.push(protected.map(|(encryptor, signal)| {
            protection.insert(track.record.name.clone(), signal);
            encryptor
        }));
    }
    if protection.is_empty() {
        let hint = "add a ContentKeyUsageRule that matches them";
        return Err(Failure::config("keys.missing", "no usage rule gives any track a key", hint));
    }
    Ok((encryptors, Some(protection)))
}

/// Where each track goes.
fn targets<'a>(
    frame: &Presentation<'_>,
    sources: &[Source],
    planned: &[Planned],
    folder: &'a Folder,
) -> Result<Vec<Target<'a>>, Failure> {
    planned.iter().try_for_each(|track| folder.make(&track.record.name))?;
    if frame.layout == FileLayout::Segments {
        return Ok(planned.iter().map(|_| Target::Files(folder)).collect());
    }
    let mut targets = Vec::new();
    for (input, source) in sources.iter().enumerate() {
        let here: Vec<_> = planned.iter().enumerate().filter(|(_, track)| track.from.input == input).collect();
        let counts = count_segments(source, &here.iter().map(|(_, track)| *track).collect::<Vec<_>>())?;
        for ((position, track), count) in here.into_iter().zip(counts) {
            let name = &track.record.name;
            let init = frame.init_segment(&track.record).map_err(|error| unfit(name, &error))?;
            let reserved = init.len() as u64 + index_length(count);
            targets.push((position, Target::One(folder.grow(&media_path(name), reserved)?)));
        }
    }
    targets.sort_by_key(|(position, _)| *position);
    Ok(targets.into_iter().map(|(_, target)| target).collect())
}

/// Init segments, playlists, and last what names everything else.
fn finish(presentation: &Presentation<'_>, folder: &Folder, growing: Vec<(usize, Growing)>) -> Result<(), Failure> {
    let name_of = |position: usize| presentation.tracks[position].name.as_str();
    for (position, file) in growing {
        let track = &presentation.tracks[position];
        let init = presentation.init_segment(track).map_err(|error| unfit(name_of(position), &error))?;
        let index = segment_index(track).map_err(|error| unfit(name_of(position), &error))?;
        file.finish(&[&init, &index])?;
    }
    if presentation.layout == FileLayout::Segments {
        for track in presentation.tracks {
            let init = presentation.init_segment(track).map_err(|error| unfit(&track.name, &error))?;
            folder.write(&init_path(&track.name), &[&init])?;
        }
    }
    let texts = packager::text_files(presentation).map_err(|error| unfit("the presentation", &error))?;
    for file in texts.iter().rev() {
        folder.write(&file.path, &[&file.bytes])?;
    }
    Ok(())
}
