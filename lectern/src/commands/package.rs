//! `lectern package`.

use drm::ProtectionScheme;
use media_types::TrackRecord;
use packager::FileLayout;
use serde_json::json;

use crate::cli::Package;
use crate::exit::Failure;
use crate::out;
use crate::package::{self, CpixKeys, Keys, Outcome, Protect, Request};
use crate::report::Report;

pub(crate) fn run(options: &Package, json: bool) -> Result<(), Failure> {
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
        out: options.out.clone(),
        segment_ms: options.segment_duration,
        layout: if options.single_file { FileLayout::SingleFile } else { FileLayout::Segments },
        protect,
        progressive: options.progressive,
        cues: options.cue_file.as_deref().map_or(Ok(Vec::new()), package::read_cues)?,
    };
    let report = Report::new(json);
    report.stage("packaging");
    let result = package::run(&request, &|share| report.progress(share));
    report.finish();
    let outcome = result?;
    if json { out::line(summary(&request, &outcome)) } else { tell(&request, &outcome) }
}

/// The keys, and the scheme they are used with: the one asked for, else the one their document states.
fn keys(options: &Package) -> Result<Option<(ProtectionScheme, Keys)>, Failure> {
    if let Some(path) = &options.cpix {
        let document = CpixKeys::read(path, options.cpix_key.as_deref())?;
        let scheme = document.scheme(options.scheme)?;
        return Ok(Some((scheme, Keys::Cpix(Box::new(document)))));
    }
    match (options.scheme, &options.key_file) {
        (Some(scheme), Some(path)) => Ok(Some((scheme, Keys::File(package::read_keys(path)?)))),
        _ => Ok(None),
    }
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
        "tracks": outcome.tracks.iter().map(track).collect::<Vec<_>>(),
        "bytes": outcome.tracks.iter().map(bytes_of).sum::<u64>(),
        "markers": outcome.markers,
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
    if outcome.markers > 0 {
        out::line(format_args!("  cues  {}", outcome.markers))?;
    }
    for warning in &outcome.warnings {
        out::line(format_args!("  note: {warning}"))?;
    }
    Ok(())
}
