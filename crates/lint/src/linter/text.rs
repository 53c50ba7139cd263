//! WebVTT files: segments of playlists, and files that a manifest names.

use super::{Linter, Root};
use crate::report::Place;
use crate::rules::{dash as dash_rules, hls_media};
use crate::webvtt;

impl Linter {
    /// Whether what a track lists is to be WebVTT.
    pub(super) fn says_webvtt(&self, index: usize) -> bool {
        let Root::Dash(manifest) = &self.root else { return false };
        manifest.representations.get(index).is_some_and(|representation| representation.mime == "text/vtt")
    }

    pub(super) fn check_webvtt(&mut self, index: usize, uri: &str, bytes: &[u8]) {
        match self.tracks[index].hls {
            true => self.check_webvtt_segment(uri, bytes),
            false => self.check_webvtt_file(index, uri, bytes),
        }
    }

    fn check_webvtt_segment(&mut self, uri: &str, bytes: &[u8]) {
        if !webvtt::is_webvtt(bytes) {
            self.findings.add(hls_media::WEBVTT, Place::line(uri, 1), "the segment does not begin with WEBVTT");
            return;
        }
        let header = bytes.split(|&byte| byte == b'\n').take_while(|line| !line.trim_ascii().is_empty());
        let mapped = header.into_iter().any(|line| line.trim_ascii_start().starts_with(b"X-TIMESTAMP-MAP"));
        if !mapped {
            self.findings.add(hls_media::WEBVTT_MAP, Place::line(uri, 1), "the header has no X-TIMESTAMP-MAP");
        }
    }

    fn check_webvtt_file(&mut self, index: usize, uri: &str, bytes: &[u8]) {
        let findings = &mut self.findings;
        let latest = webvtt::read(bytes, &mut |line, message| {
            findings.add(dash_rules::WEBVTT, Place::line(uri, line), message);
        });
        let Root::Dash(manifest) = &self.root else { return };
        let period = manifest.representations.get(index).and_then(|representation| representation.period_seconds);
        if let (Some(latest), Some(period)) = (latest, period)
            && latest as f64 / 1e3 >= period
        {
            let message = format!("a cue starts at {} s, the period lasts {period} s", latest as f64 / 1e3);
            self.findings.add(dash_rules::TEXT_PERIOD, Place::of(uri), message);
        }
    }
}
