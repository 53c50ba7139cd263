//! `lectern package`.

use media_types::TrackRecord;
use packager::FileLayout;
use serde_json::json;

use crate::cli::Package;
use crate::exit::Failure;
use crate::out;
use crate::package::{self, Outcome, Protect, Request};
use crate::report::Report;

pub(crate) fn run(options: &Package, json: bool) -> Result<(), Failure> {
    let protect = match (options.scheme, &options.key_file) {
        (Some(scheme), Some(path)) => Some(Protect {
            scheme,
            keys: package::read_keys(path)?,
            systems: options.systems.clone(),
            licence_url: options.licence_url.clone(),
            clear_lead_ms: options.clear_lead,
        }),
        _ => None,
    };
    let request = Request {
        inputs: options.inputs.clone(),
        out: options.out.clone(),
        segment_ms: options.segment_duration,
        layout: if options.single_file { FileLayout::SingleFile } else { FileLayout::Segments },
        protect,
        progressive: options.progressive,
    };
    let report = Report::new(json);
    report.stage("packaging");
    let result = package::run(&request, &|share| report.progress(share));
    report.finish();
    let outcome = result?;
    if json { out::line(summary(&request, &outcome)) } else { tell(&request, &outcome) }
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
    for warning in &outcome.warnings {
        out::line(format_args!("  note: {warning}"))?;
    }
    Ok(())
}
