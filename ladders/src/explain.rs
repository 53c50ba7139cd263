//! A selection in words.

use std::fmt::Write;

use media_types::DynamicRange;

use crate::{Ladder, Selection, SourceShape};

/// What a source of this shape gets of a ladder, and what it does not get and why. Plain text, at most 100 columns
/// for names of usual length.
pub fn explain(ladder: &Ladder, selection: &Selection, source: &SourceShape) -> String {
    let mut text = String::new();
    let mut bitrate =
        source.video_bitrate_bps.map_or("an unknown bitrate".to_owned(), |bps| format!("{} kbit/s", kilo(bps)));
    if source.video_bitrate_bps.is_some() && source.counted_keyframes_bps() > 0 {
        bitrate.push_str(&format!(" and {} for key frames it lacks", kilo(source.counted_keyframes_bps())));
    }
    if source.is_hdr {
        bitrate.push_str(", HDR");
    }
    let lines = [
        format!("{}: {}", ladder.name, ladder.description),
        format!(
            "source: {}x{} at {} pictures per second ({:.2}), {bitrate}",
            source.width,
            source.height,
            source.frame_rate,
            source.frame_rate.as_f64()
        ),
        String::new(),
        format!("{:<12} {:>11} {:>12} {:>12} {:>6}  encoder", "rendition", "size", "cap kbit/s", "buffer kbit", "crf"),
    ];
    for line in lines {
        push_line(&mut text, &line);
    }
    for rendition in &selection.renditions {
        let encoding = &rendition.encoding;
        let size = format!("{}x{}", rendition.width, rendition.height);
        let range = if encoding.dynamic_range == DynamicRange::Hdr { ", HDR" } else { "" };
        let tune = encoding.tune.as_ref().map_or(String::new(), |tune| format!(", tune {tune}"));
        let line = format!(
            "{:<12} {size:>11} {:>12} {:>12} {:>6}  {} {}{range}{tune}",
            rendition.name,
            kilo(encoding.max_bitrate_bps),
            kilo(encoding.buffer_bits),
            encoding.crf,
            encoding.codec.name(),
            encoding.preset
        );
        push_line(&mut text, &line);
    }
    let channels = if ladder.audio.channels == 1 { "mono" } else { "stereo at most" };
    let loudness = match ladder.audio.loudness {
        Some(target) => {
            format!("{} LUFS, true peak at most {} dBTP", target.integrated_lufs, target.max_true_peak_dbtp)
        }
        None => "as loud as the source".to_owned(),
    };
    let bitrate = kilo(ladder.audio.bitrate_bps.into());
    push_line(&mut text, &format!("{:<12} {bitrate:>24}  AAC-LC, {channels}, {loudness}", "sound"));
    if let Some(opus_bps) = ladder.audio.opus_bitrate_bps {
        push_line(&mut text, &format!("{:<12} {:>24}  Opus, the same", "", kilo(opus_bps.into())));
    }
    if !selection.skipped.is_empty() {
        push_line(&mut text, "\nnot encoded:");
    }
    for skipped in &selection.skipped {
        push_line(&mut text, &format!("  {}: {}", skipped.name, skipped.reason));
    }
    text
}

/// Thousands, rounded to nearest.
pub(crate) fn kilo(value: u64) -> u64 {
    value / 1000 + u64::from(value % 1000 >= 500)
}

pub(crate) fn push_line(text: &mut String, line: &str) {
    writeln!(text, "{}", line.trim_end()).expect("writing to a string does not fail");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use media_types::FrameRate;

    use super::*;
    use crate::{KeyframeCost, builtin, select};

    #[test]
    fn key_frames_that_raise_a_cap_are_named() {
        let ladder = builtin("lecture").unwrap();
        let keyframes = KeyframeCost { bits: 540_000, added_bps: 240_000 };
        let frame_rate = FrameRate::new(10, 1).unwrap();
        let source = SourceShape {
            width: 1280,
            height: 720,
            frame_rate,
            video_bitrate_bps: Some(28_000),
            keyframes,
            is_hdr: false,
        };
        let text = explain(&ladder, &select(&ladder, &source), &source);
        assert!(text.contains("(10.00), 28 kbit/s and 226 for key frames it lacks\n"), "{text}");
        assert!(text.contains("720p            1280x720          225         1200     22"), "{text}");
    }

    #[test]
    fn what_is_of_high_dynamic_range_says_so() {
        let ladder = builtin("film-hdr").unwrap();
        let (frame_rate, keyframes) = (FrameRate::new(25, 1).unwrap(), KeyframeCost::default());
        let source =
            SourceShape { width: 1280, height: 720, frame_rate, video_bitrate_bps: None, keyframes, is_hdr: true };
        let text = explain(&ladder, &select(&ladder, &source), &source);
        assert!(text.contains("(25.00), an unknown bitrate, HDR\n"), "{text}");
        assert!(text.contains("720p            1280x720         2800         4200     23  h264 veryfast\n"), "{text}");
        assert!(text.contains("720p-hdr        1280x720         2000         3000     23  hevc fast, HDR\n"), "{text}");
    }

    #[test]
    fn an_explanation_names_every_rendition_and_every_skipped_rung() {
        let ladder = builtin("lecture").unwrap();
        let source = SourceShape {
            width: 1280,
            height: 720,
            frame_rate: FrameRate::new(30_000, 1001).unwrap(),
            video_bitrate_bps: Some(900_400),
            keyframes: KeyframeCost::default(),
            is_hdr: false,
        };
        let text = explain(&ladder, &select(&ladder, &source), &source);
        let expected = "\
lecture: Slides, screens and a speaker: sharp text, low rates between slide changes.
source: 1280x720 at 30000/1001 pictures per second (29.97), 900 kbit/s

rendition           size   cap kbit/s  buffer kbit    crf  encoder
360p             640x360          454          909     22  h264 veryfast
480p             854x480          606         1212     22  h264 veryfast
720p            1280x720          909         1817     22  h264 veryfast
sound                              96  AAC-LC, stereo at most, -16 LUFS, true peak at most -1 dBTP

not encoded:
  1080p: the source is 720p
  1440p: the source is 720p
  2160p: the source is 720p
";
        assert_eq!(text, expected);
    }
}
