//! `lectern package`.

use std::path::Path;

use drm::ProtectionScheme;
use media_types::TrackRecord;
use packager::{DashText, FileLayout};
use serde_json::json;

use crate::cli::Package;
use crate::exit::Failure;
use crate::out;
use crate::package::{
    self, CpixKeys, Encryption, Handover, InputKeys, Keys, Outcome, Protect, Request, SpekeAsk, Transport,
};
use crate::report::Report;

pub(crate) fn run(options: &Package, json: bool) -> Result<(), Failure> {
    if options.periods && options.dash_subtitles == DashText::WebVtt {
        let detail = "whole WebVTT files go with one period: players disagree where their times count from in others";
        return Err(Failure::config("subtitles.periods", detail, "leave out --periods or --dash-subtitles webvtt"));
    }
    let protect = keys(options)?.map(|(scheme, keys)| Protect {
        scheme,
        keys,
        systems: options.systems.clone(),
        licence_url: options.licence_url.clone(),
        clear_lead_ms: options.clear_lead,
        crypto_period_ms: options.crypto_period,
    });
    let request = Request {
        inputs: options.inputs.clone(),
        input_keys: options.input_keys.as_deref().map_or(Ok(InputKeys::default()), InputKeys::read)?,
        out: options.out.clone(),
        segment_ms: options.segment_duration,
        layout: if options.single_file { FileLayout::SingleFile } else { FileLayout::Segments },
        dash_text: options.dash_subtitles,
        protect,
        progressive: options.progressive,
        transport: transport(options)?,
        cues: options.cue_file.as_deref().map_or(Ok(Vec::new()), package::read_cues)?,
        chapters: options.chapters.as_deref().map(package::read_chapters).transpose()?,
        emsg: options.emsg,
        handover: options.write_cpix.as_deref().map(|path| Handover::new(path, &options.cpix_recipient)).transpose()?,
        periods: options.periods,
    };
    let report = Report::new(json);
    report.stage("packaging");
    let result = package::run(&request, &|share| report.progress(share));
    report.finish();
    let outcome = result?;
    if json { out::line(summary(&request, &outcome)) } else { tell(&request, &outcome) }
}

fn document(path: &Path, options: &Package) -> Result<CpixKeys, Failure> {
    CpixKeys::read(path, options.cpix_key.as_deref(), options.cpix_trust.as_deref())
}

/// The keys, and the scheme they are used with: the one asked for, else the one their document states.
fn keys(options: &Package) -> Result<Option<(ProtectionScheme, Keys)>, Failure> {
    if let Some(path) = &options.cpix {
        let document = document(path, options)?;
        let scheme = document.scheme(options.scheme)?;
        return Ok(Some((scheme, Keys::Cpix(Box::new(document)))));
    }
    if let (Some(url), Some(content_id), Some(scheme)) = (&options.speke, &options.content_id, options.scheme) {
        let (classes, systems) = (&options.speke_classes[..], &options.systems[..]);
        let ask = SpekeAsk { url, content_id, scheme, classes, systems, clear_keys: options.speke_clear_keys };
        return Ok(Some((scheme, Keys::Cpix(Box::new(package::ask_speke(&ask)?)))));
    }
    match (options.scheme, &options.key_file) {
        (Some(scheme), Some(path)) => Ok(Some((scheme, Keys::File(package::read_keys(path)?)))),
        _ => Ok(None),
    }
}

/// The MPEG-TS set that is asked for, with keys of its own reading: the same ones as the CMAF set's.
fn transport(options: &Package) -> Result<Option<Transport>, Failure> {
    if !options.hls_ts {
        return Ok(None);
    }
    let (Some(method), Some(key_uri)) = (options.hls_ts_encryption, &options.hls_ts_key_uri) else {
        return Ok(Some(Transport { encryption: None }));
    };
    let keys = match (&options.cpix, &options.key_file) {
        (Some(path), _) => Keys::Cpix(Box::new(document(path, options)?)),
        (None, Some(path)) => Keys::File(package::read_keys(path)?),
        (None, None) => return Err(Failure::config("keys.missing", "there is no key", "add --key-file FILE")),
    };
    Ok(Some(Transport { encryption: Some(Encryption { method, keys, key_uri: key_uri.clone() }) }))
}

fn bytes_of(track: &TrackRecord) -> u64 {
    track.segments.iter().map(|segment| segment.size_bytes).sum()
}

fn summary(request: &Request, outcome: &Outcome) -> serde_json::Value {
    let track = |track: &TrackRecord| {
        json!({
            "name": track.name,
            "codec": packager::codec_string(&track.config).unwrap_or_default(),
            "segments": track.segments.len(),
            "samples": track.segments.iter().map(|segment| u64::from(segment.sample_count)).sum::<u64>(),
            "bytes": bytes_of(track),
        })
    };
    json!({
        "out": request.out, "hls": "master.m3u8", "dash": "manifest.mpd",
        "hls_ts": request.transport.as_ref().map(|_| "ts/master.m3u8"),
        "tracks": outcome.tracks.iter().map(track).collect::<Vec<_>>(),
        "bytes": outcome.tracks.iter().map(bytes_of).sum::<u64>(),
        "markers": outcome.markers,
        "chapters": outcome.chapters,
        "warnings": outcome.warnings,
    })
}

fn tell(request: &Request, outcome: &Outcome) -> Result<(), Failure> {
    let folder = &request.out;
    let names: Vec<_> = outcome.tracks.iter().map(|track| track.name.as_str()).collect();
    let bytes: u64 = outcome.tracks.iter().map(bytes_of).sum();
    out::line(format_args!("{}: {} ({:.1} MB)", folder.display(), names.join(", "), bytes as f64 / 1e6))?;
    out::line(format_args!("  HLS   {}", folder.join("master.m3u8").display()))?;
    out::line(format_args!("  DASH  {}", folder.join("manifest.mpd").display()))?;
    if request.transport.is_some() {
        out::line(format_args!("  TS    {}", folder.join("ts/master.m3u8").display()))?;
    }
    if outcome.markers > 0 {
        out::line(format_args!("  cues  {}", outcome.markers))?;
    }
    if outcome.chapters > 0 {
        out::line(format_args!("  chapters  {}", outcome.chapters))?;
    }
    for warning in &outcome.warnings {
        out::line(format_args!("  note: {warning}"))?;
    }
    Ok(())
}
