//! `lectern probe`.

use std::path::PathBuf;

use engine_host::{EngineOptions, EngineSession};
use media_types::{HdrTransfer, ProbeReport};
use serde_json::json;

use crate::cli::Probe;
use crate::exit::Failure;
use crate::out;

pub(crate) async fn run(options: Probe, json: bool) -> Result<(), Failure> {
    let report = probe(&options.inputs).await?;
    if json {
        return out::line(summary(&report));
    }
    let names: Vec<_> = options.inputs.iter().map(|input| input.display().to_string()).collect();
    out::line(format_args!("{}: {} bytes, {}", names.join(", "), report.size_bytes, report.container))?;
    if let Some(video) = &report.video {
        let keyframes = video.packets.iter().filter(|packet| packet.keyframe).count();
        let rate = video.stated_rate.map_or("unstated rate".to_owned(), |rate| format!("{rate} fps stated"));
        let light = match video.hdr.map(|hdr| hdr.transfer) {
            None => "",
            Some(HdrTransfer::Pq) => " HDR (PQ)",
            Some(HdrTransfer::Hlg) => " HDR (HLG)",
        };
        let captions = if video.captions { ", closed captions" } else { "" };
        out::line(format_args!(
            "  video #{}: {} {}x{} {}{light}, {rate}, {} pictures, {keyframes} keyframes{captions}",
            video.stream_index,
            video.codec,
            video.width,
            video.height,
            video.pixel_format,
            video.packets.len()
        ))?;
    }
    for audio in &report.audio {
        out::line(format_args!(
            "  audio #{}: {} {} Hz, {} channels, {}",
            audio.stream_index,
            audio.codec,
            audio.sample_rate,
            audio.channels,
            named(audio.language.as_deref(), audio.title.as_deref())
        ))?;
    }
    for text in &report.text {
        let named = named(text.language.as_deref(), text.title.as_deref());
        out::line(format_args!("  text #{}: {}, {named}", text.stream_index, text.codec))?;
    }
    if !report.chapters.is_empty() {
        out::line(format_args!("  {} chapters", report.chapters.len()))?;
    }
    for warning in &report.warnings {
        out::line(format_args!("  note: {warning}"))?;
    }
    Ok(())
}

/// A track's language and what it is called.
fn named(language: Option<&str>, title: Option<&str>) -> String {
    let title = title.map_or(String::new(), |title| format!(", \"{title}\""));
    format!("{}{title}", language.unwrap_or("und"))
}

/// Looks at a recording, one file or several parts, through a confined engine of its own.
pub(crate) async fn probe(parts: &[PathBuf]) -> Result<ProbeReport, Failure> {
    let source = workers::open_recording(parts).await?;
    let mut session = EngineSession::start(&EngineOptions::find()?, source).await?;
    let report = session.probe().await?;
    session.close().await;
    Ok(report)
}

/// The report without its packet list.
fn summary(report: &ProbeReport) -> serde_json::Value {
    let video = report.video.as_ref().map(|video| {
        json!({
            "stream_index": video.stream_index, "codec": video.codec, "width": video.width, "height": video.height,
            "pixel_format": video.pixel_format, "rotation": video.rotation, "interlaced": video.interlaced,
            "fields": video.fields, "hdr": video.hdr,
            "rate": video.stated_rate.map(|rate| rate.to_string()), "bitrate_bps": video.bitrate_bps,
            "captions": video.captions, "pictures": video.packets.len(), "keyframes": video.packets.iter().filter(|packet| packet.keyframe).count(),
        })
    });
    json!({
        "container": report.container, "size_bytes": report.size_bytes, "video": video, "audio": report.audio,
        "text": report.text, "chapters": report.chapters, "warnings": report.warnings,
    })
}
