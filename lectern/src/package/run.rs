//! One step after another.

use std::path::PathBuf;
use std::sync::atomic::AtomicU64;

use demux::MediaKind;
use media_types::TrackRecord;
use packager::markers::Marker;
use packager::{Chapter, DashText, FileLayout, Presentation, Protection, TrickTrack};
use workers::Staging;

use super::chapters::Named;
use super::cpix::{Handover, Used};
use super::decrypt::InputKeys;
use super::files::Folder;
use super::keys::Protect;
use super::markers::{Heard, event_messages, unused_options};
use super::output::{Collected, clear_segments, examined, finish, targets};
use super::plan::{Planned, plan, survey_all};
use super::progressive;
use super::rotation::TrackEncryptor;
use super::source::Source;
use super::survey::Surveyed;
use super::text::{self, Subtitles};
use super::transport::{self, Transport};
use super::trick;
use super::work::{Job, Work};
use crate::exit::Failure;

/// What is to be packaged, and how.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) inputs: Vec<PathBuf>,
    /// What encrypted ones are decrypted with.
    pub(crate) input_keys: InputKeys,
    pub(crate) out: PathBuf,
    pub(crate) segment_ms: u32,
    pub(crate) layout: FileLayout,
    /// How DASH players get subtitles.
    pub(crate) dash_text: DashText,
    pub(crate) protect: Option<Protect>,
    /// Whether to write a file for download as well.
    pub(crate) progressive: bool,
    /// What to write as MPEG-TS as well.
    pub(crate) transport: Option<Transport>,
    /// Cues that were written down, beside those of the inputs.
    pub(crate) cues: Vec<Marker>,
    /// Chapters that were written down, in place of those of the inputs.
    pub(crate) chapters: Option<Vec<Chapter>>,
    /// Whether segments carry SCTE 35 messages too.
    pub(crate) emsg: bool,
    /// Who is told the keys.
    pub(crate) handover: Option<Handover>,
    /// Whether the manifest has a period from each marker's border to the next.
    pub(crate) periods: bool,
}

/// What came out.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) tracks: Vec<TrackRecord>,
    /// How many breaks and cues playlists and manifest tell.
    pub(crate) markers: usize,
    /// How many chapters they name.
    pub(crate) chapters: usize,
    pub(crate) warnings: Vec<String>,
}

/// Packages; nothing is left behind after a failure. `progress` is told the share that is done.
pub(crate) fn run(request: &Request, progress: &(dyn Fn(f64) + Sync)) -> Result<Outcome, Failure> {
    let staging = Staging::create(&request.out)?;
    let (texts, media): (Vec<_>, Vec<_>) = request.inputs.iter().cloned().partition(|path| text::is_text(path));
    let sources = media.iter().map(|path| Source::open(path, &request.input_keys)).collect::<Result<Vec<_>, _>>()?;
    let mut warnings = Vec::new();
    let mut heard = Heard::default();
    let mut named = Named::default();
    let surveyed = survey_all(&sources, &mut heard, &mut named, &mut warnings)?;
    let (inside, surveyed): (Vec<_>, Vec<_>) =
        surveyed.into_iter().partition(|track| track.about.kind == MediaKind::Text);
    let markers = heard.markers(&request.cues, &surveyed, &mut warnings);
    let chapters = named.chapters(request.chapters.as_deref(), &surveyed, &mut warnings);
    let (planned, text_grid, places) = plan(surveyed, &sources, request.segment_ms, &markers, &mut warnings)?;
    let subtitles = subtitles(&texts, &sources, inside, &mut warnings)?;
    let mut tricks = trick::choose(&planned);
    let used = used_keys(request, &planned, &tricks)?;
    let (encryptors, protection) = protect(request, &planned, &mut tricks, &mut warnings)?;
    let transport = transport::plan(request, &planned, &mut warnings)?;
    let folder = Folder::new(staging.path());
    let frame = Presentation {
        tracks: &[],
        uri_prefix: "",
        storyboard: None,
        protection: protection.as_ref(),
        layout: request.layout,
        dash_text: request.dash_text,
        markers: &markers,
        periods: if request.periods { &places } else { &[] },
        inband_events: request.emsg,
        chapters: &chapters,
        ..Presentation::default()
    };
    let mut jobs = sources.iter().map(|_| Vec::new()).collect::<Vec<_>>();
    let targets = targets(&frame, &sources, &planned, &folder)?;
    let downloaded = if request.progressive { progressive::chosen(&planned) } else { Vec::new() };
    for (position, ((track, encryptor), target)) in planned.iter().zip(encryptors).zip(targets).enumerate() {
        let indexed = downloaded.contains(&position);
        let events = event_messages(&frame, &planned, track);
        let trick = tricks.iter().position(|trick| trick.of == position).map(|at| tricks.remove(at));
        let trick = trick.map(|trick| trick.open(&frame, &folder)).transpose()?;
        jobs[track.from.input].push(Job { position, track, encryptor, indexed, events, trick, target });
    }
    let total: u64 = planned.iter().map(|track| track.from.bytes).sum::<u64>() + transport.bytes(&planned);
    let clear_lead_ms = request.protect.as_ref().map_or(0, |protect| protect.clear_lead_ms);
    let work = Work { sources: &sources, clear_lead_ms, total, done: AtomicU64::new(0), progress };
    let written = work.all(jobs)?;
    let transported = transport::write(transport, &work, &planned, &folder)?;
    let Collected { mut tracks, mut growing, tables, keyframes } = Collected::new(planned, written)?;
    for (track, file) in text::write(&subtitles, &text_grid, &frame, &folder, &mut warnings)? {
        growing.extend(file.map(|file| (tracks.len(), file)));
        tracks.push(track);
    }
    let tricks: Vec<TrickTrack> = keyframes.iter().map(|written| written.track.clone()).collect();
    let mut told = protection.clone();
    for (name, signal) in told.iter_mut().flatten() {
        let all = tracks.iter().chain(tricks.iter().map(|trick| &trick.record));
        signal.clear_segments = clear_segments(all, name, clear_lead_ms);
    }
    let presentation = Presentation { tracks: &tracks, protection: told.as_ref(), tricks: &tricks, ..frame };
    warnings.extend(unused_options(request, &markers, &places));
    if !presentation.fits_hls() {
        warnings.push("no HLS: it has no word for this scheme; cbcs and cenc are what its players know".to_owned());
    }
    keyframes.into_iter().try_for_each(|written| written.finish(&presentation))?;
    finish(&presentation, &folder, growing)?;
    transport::finish(&transported, &tracks, &folder)?;
    if !tables.is_empty() {
        progressive::write(&presentation, &folder, &progressive::in_order(&downloaded, tables))?;
    }
    warnings.extend(examined(staging.path()));
    let handed = request.handover.iter().zip(&request.protect).next();
    let handed = handed.map(|(handover, protect)| handover.write(protect.scheme, &used)).transpose()?;
    staging.publish(&request.out)?;
    if let Some(handed) = handed {
        handed.keep();
    }
    Ok(Outcome { tracks, markers: markers.len(), chapters: chapters.len(), warnings })
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

pub(super) fn unfit(name: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::bad_input("input.unfit", format!("{name}: {error}"), "")
}

/// The keys of all tracks, if anybody is told.
fn used_keys(request: &Request, planned: &[Planned], tricks: &[trick::Chosen]) -> Result<Vec<Used>, Failure> {
    let (Some(protect), Some(_)) = (&request.protect, &request.handover) else { return Ok(Vec::new()) };
    let periods = protect.periods(planned)?;
    let whole = planned.iter().map(|track| (&track.record.name, &track.from));
    let keyframes = tricks.iter().map(|trick| (&trick.track.record.name, &planned[trick.of].from));
    let mut used = Vec::new();
    for (name, from) in whole.chain(keyframes) {
        used.extend(protect.used(name, from, &periods)?);
    }
    Ok(used)
}

/// What encrypts each track, and what is said of all.
fn protect(
    request: &Request,
    planned: &[Planned],
    tricks: &mut [trick::Chosen],
    warnings: &mut Vec<String>,
) -> Result<(Vec<Option<TrackEncryptor>>, Option<Protection>), Failure> {
    let Some(protect) = &request.protect else { return Ok((planned.iter().map(|_| None).collect(), None)) };
    let periods = protect.periods(planned)?;
    warnings.extend(protect.notes());
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
    tricks.iter_mut().try_for_each(|trick| trick.protect(protect, planned, &periods, &mut protection))?;
    if protection.is_empty() {
        let hint = "add a ContentKeyUsageRule that matches them";
        return Err(Failure::config("keys.missing", "no usage rule gives any track a key", hint));
    }
    Ok((encryptors, Some(protection)))
}
