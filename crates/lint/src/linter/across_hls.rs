//! What playlists say against what the media are.

use super::{Track, measure};
use crate::codec::{self, Kind};
use crate::hls::attributes::Attributes;
use crate::hls::multivariant::{Multivariant, Variant};
use crate::report::{Findings, Place};
use crate::rules::{hls as rules, hls_media};
use crate::uri;

mod playlist;

pub(super) use playlist::{check as check_playlist, parse_id};

struct Across<'a> {
    playlist: &'a Multivariant,
    base: &'a str,
    tracks: &'a [Track],
}

/// Checks a multivariant playlist against its tracks.
pub(super) fn check(playlist: &Multivariant, base: &str, tracks: &[Track], findings: &mut Findings) {
    let across = Across { playlist, base, tracks };
    for track in tracks {
        check_playlist(track, findings);
        if playlist.independent {
            playlist::check_independent(track, findings);
        }
    }
    for variant in &playlist.variants {
        across.check_variant(variant, findings);
    }
    for media in &playlist.renditions {
        across.check_rendition(media, findings);
    }
    across.check_alignment(findings);
    across.check_session_keys(findings);
    let measured = || tracks.iter().flat_map(|track| &track.segments).filter_map(|segment| segment.summary);
    let declared = playlist.independent
        || tracks.iter().all(|track| track.playlist.as_ref().is_none_or(|media| media.independent));
    if !declared && measured().next().is_some() && measured().all(|summary| summary.starts_with_sync) {
        findings.add(
            rules::INDEPENDENT_MISSING,
            Place::of(base),
            "all segments begin with a sync sample and EXT-X-INDEPENDENT-SEGMENTS is not written",
        );
    }
}

impl<'a> Across<'a> {
    fn track(&self, reference: &str) -> Option<&'a Track> {
        let target = uri::resolve(self.base, reference);
        self.tracks.iter().find(|track| track.resource == target)
    }

    /// Renditions of the groups of a variant that have playlists of their own, by type.
    fn renditions(&self, variant: &'a Variant, kind: &'a str) -> impl Iterator<Item = &'a Track> {
        let group = variant.attributes.get(kind);
        self.playlist
            .renditions
            .iter()
            .filter(move |media| group.is_some() && media.get("TYPE") == Some(kind) && media.get("GROUP-ID") == group)
            .filter_map(|media| self.track(media.get("URI")?))
    }

    fn check_variant(&self, variant: &'a Variant, findings: &mut Findings) {
        let place = Place::line(self.base, variant.attributes.line);
        let Some(track) = self.track(&variant.uri) else { return };
        if variant.iframes && track.playlist.as_ref().is_some_and(|media| !media.iframes_only) {
            findings.add(
                hls_media::IFRAMES_ONLY,
                Place::of(&track.resource),
                "the playlist of an I-frame variant has no EXT-X-I-FRAMES-ONLY",
            );
        }
        self.check_codecs(variant, track, place, findings);
        self.check_picture(variant, track, place, findings);
        self.check_rates(variant, track, place, findings);
        if track.state.captions
            && !variant.iframes
            && variant.attributes.get("CLOSED-CAPTIONS").is_none_or(|value| value == "NONE")
        {
            findings.add(
                rules::CAPTIONS_UNSIGNALLED,
                place,
                "the video holds closed captions and the variant names no group of them",
            );
        }
    }

    fn check_codecs(&self, variant: &'a Variant, track: &'a Track, place: Place<'_>, findings: &mut Findings) {
        let names: Vec<&str> = variant.codecs().collect();
        if names.is_empty() {
            return;
        }
        let audio: Vec<&Track> = if variant.iframes { Vec::new() } else { self.renditions(variant, "AUDIO").collect() };
        let media = std::iter::once(track).chain(audio);
        let mut used = Vec::new();
        let mut whole = true;
        for track in media {
            let Some(loaded) = track.loaded() else {
                whole = false;
                continue;
            };
            let entries = loaded.init.tracks.iter().filter_map(|track| track.entry.as_ref());
            for facts in entries.filter_map(codec::facts) {
                match names.iter().find(|name| codec::same(name, &facts)) {
                    Some(name) => used.push(*name),
                    None => findings.add(
                        rules::CODECS_MISMATCH,
                        place,
                        format!("CODECS {:?} lacks {}, which {} has", names.join(","), facts.codec, track.resource),
                    ),
                }
            }
        }
        // Text is often in segments without an initialisation segment.
        let idle = names
            .iter()
            .find(|name| !used.contains(name) && !matches!(codec::kind_of_name(name), None | Some(Kind::Text)));
        if let (true, Some(idle), false) = (whole, idle, used.is_empty()) {
            findings.add(rules::CODECS_MISMATCH, place, format!("no initialisation segment of the variant has {idle}"));
        }
    }

    fn check_picture(&self, variant: &Variant, track: &Track, place: Place<'_>, findings: &mut Findings) {
        let Some(entry) = track.media().and_then(|media| media.entry.as_ref()) else { return };
        let facts = track.loaded().map(|loaded| &loaded.facts);
        if let (Some((width, height)), Some(stated)) = (
            facts.and_then(|facts| facts.size).or(entry.size.map(|(w, h)| (w.into(), h.into()))),
            variant.attributes.get("RESOLUTION"),
        ) {
            let shown = u64::from(width) * u64::from(entry.pixel_aspect.0) / u64::from(entry.pixel_aspect.1);
            let number = |text: Option<&str>| text.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
            let mut parts = stated.split('x');
            let (w, h) = (number(parts.next()), number(parts.next()));
            if h != u64::from(height) || (w.abs_diff(shown) > 2 && w != u64::from(width)) {
                findings.add(
                    hls_media::RESOLUTION,
                    place,
                    format!("RESOLUTION is {stated}, the media have {width}x{height}"),
                );
            }
        }
        if let (Some(stated), Some(measured), false) =
            (variant.attributes.number("FRAME-RATE"), measure::frame_rate(track), variant.iframes)
            && (stated - measured).abs() > measured * 0.01
        {
            findings.add(rules::FRAME_RATE, place, format!("FRAME-RATE is {stated}, the media have {measured:.3}"));
        }
        let range = match facts.and_then(|facts| facts.transfer) {
            Some(16) => "PQ",
            Some(18) => "HLG",
            Some(1 | 6 | 14 | 15) => "SDR",
            _ => return,
        };
        let stated = variant.attributes.get("VIDEO-RANGE").unwrap_or("SDR");
        // HLG may be carried as SDR with an alternative transfer (§4.4.6.2).
        if stated != range && (stated, range) != ("HLG", "SDR") {
            findings.add(
                hls_media::VIDEO_RANGE,
                place,
                format!("VIDEO-RANGE is {stated}, the transfer characteristics are of {range}"),
            );
        }
    }

    fn check_rates(&self, variant: &'a Variant, track: &'a Track, place: Place<'_>, findings: &mut Findings) {
        if variant.iframes {
            return;
        }
        let target = track.playlist.as_ref().and_then(|media| media.target).unwrap_or(6.0);
        let groups: Vec<Vec<&Track>> = ["AUDIO", "SUBTITLES"]
            .iter()
            .map(|kind| self.renditions(variant, kind).filter(|other| other.resource != track.resource).collect())
            .collect();
        let largest = |measure: &dyn Fn(&Track) -> Option<f64>| -> f64 {
            groups.iter().map(|group| group.iter().filter_map(|track| measure(track)).fold(0.0, f64::max)).sum()
        };
        let stated = |name: &str| variant.attributes.number(name).filter(|value| *value > 0.0);
        let Some(peak) = measure::peak(track, target) else { return };
        // The peaks of renditions need not fall together: their averages are a safe lower bound of what adds up.
        let least = peak + largest(&measure::average);
        if let Some(bandwidth) = stated("BANDWIDTH")
            && least > bandwidth * 1.01
        {
            findings.add(
                rules::BANDWIDTH,
                place,
                format!("BANDWIDTH is {bandwidth:.0}, the measured peak is {least:.0} bit/s"),
            );
        }
        let whole = track.complete && groups.iter().flatten().all(|track| track.complete);
        let Some(average) =
            measure::average(track).map(|average| average + largest(&measure::average)).filter(|_| whole)
        else {
            return;
        };
        if let Some(value) = stated("AVERAGE-BANDWIDTH")
            && (value < average * 0.9 || value > average * 1.1)
        {
            findings.add(
                rules::AVERAGE_BANDWIDTH,
                place,
                format!("AVERAGE-BANDWIDTH is {value:.0}, the measured average is {average:.0} bit/s"),
            );
        }
        let ended = track.playlist.as_ref().is_some_and(|media| media.ended && media.segments.len() > 2);
        if ended && peak > 2.0 * average {
            findings.add(
                hls_media::PEAK_RATIO,
                place,
                format!("the peak is {peak:.0} bit/s, the average {average:.0} bit/s"),
            );
        }
    }

    fn check_rendition(&self, media: &Attributes, findings: &mut Findings) {
        let track = media.get("URI").and_then(|reference| self.track(reference));
        let Some(facts) = track.and_then(Track::loaded).map(|loaded| &loaded.facts) else { return };
        let stated = media.get("CHANNELS").and_then(|channels| channels.split('/').next()?.parse::<u32>().ok());
        if let (Some((_, channels)), Some(stated)) = (facts.sound, stated)
            && channels > 0
            && channels != stated
        {
            let place = Place::line(self.base, media.line);
            findings.add(rules::CHANNELS, place, format!("CHANNELS is {stated}, the media have {channels}"));
        }
    }

    /// All variants have the same segments (§6.2.4).
    fn check_alignment(&self, findings: &mut Findings) {
        let streams: Vec<&Track> = self
            .playlist
            .variants
            .iter()
            .filter(|variant| !variant.iframes && variant.is_video())
            .filter_map(|variant| self.track(&variant.uri))
            .collect();
        let lists: Vec<&Track> = self.tracks.iter().filter(|track| !track.iframes).collect();
        let target = |track: &Track| track.playlist.as_ref().and_then(|media| media.target);
        if let Some((first, rest)) = streams.split_first() {
            for other in rest {
                let place = Place::of(&other.resource);
                if target(first) != target(other) {
                    let message = format!(
                        "the target duration is {:?} s, {} has {:?} s",
                        target(other).unwrap_or(0.0),
                        first.resource,
                        target(first).unwrap_or(0.0)
                    );
                    findings.add(hls_media::TARGET_AGREEMENT, place, message);
                }
                let ended = |track: &Track| track.playlist.as_ref().is_some_and(|media| media.ended);
                if ended(first) && ended(other) && first.segments.len() != other.segments.len() {
                    let message = format!(
                        "there are {} segments, {} has {}",
                        other.segments.len(),
                        first.resource,
                        first.segments.len()
                    );
                    findings.add(hls_media::SEGMENT_ALIGNMENT, place, message);
                    continue;
                }
                check_starts(first, other, findings);
            }
        }
        if let Some((first, rest)) = lists.split_first() {
            for other in rest {
                let breaks = |track: &Track| {
                    track.playlist.as_ref().map(|media| {
                        (media.ended, media.segments.iter().skip(1).filter(|segment| segment.discontinuity).count())
                    })
                };
                if let (Some((true, a)), Some((true, b))) = (breaks(first), breaks(other))
                    && a != b
                {
                    let message = format!("there are {b} discontinuities, {} has {a}", first.resource);
                    findings.add(hls_media::DISCONTINUITY, Place::of(&other.resource), message);
                }
            }
        }
    }

    fn check_session_keys(&self, findings: &mut Findings) {
        let address = |key: &Attributes| key.get("URI").map(str::to_owned);
        for key in &self.playlist.session_keys {
            let lists = || self.tracks.iter().filter_map(|track| track.playlist.as_ref());
            let known = lists().flat_map(|media| &media.keys).any(|other| address(other) == address(key));
            if !known && lists().next().is_some() {
                findings.add(
                    hls_media::SESSION_KEY,
                    Place::line(self.base, key.line),
                    "no media playlist has a key with this URI",
                );
            }
        }
    }
}

/// Segments of the same position start at the same time.
fn check_starts(first: &Track, other: &Track, findings: &mut Findings) {
    let sequence = |track: &Track| track.playlist.as_ref().map_or(0, |media| media.sequence);
    if sequence(first) != sequence(other) {
        return;
    }
    for (index, (a, b)) in first.segments.iter().zip(&other.segments).enumerate() {
        let (Some(a), Some(b)) = (a.summary, b.summary) else { continue };
        let left = a.earliest as f64 / first.timescale() as f64;
        let right = b.earliest as f64 / other.timescale() as f64;
        if (left - right).abs() > 0.05 {
            let message = format!("segment {index} starts at {right:.3} s, that of {} at {left:.3} s", first.resource);
            findings.add(hls_media::SEGMENT_ALIGNMENT, Place::of(&other.resource), message);
            break;
        }
    }
}
