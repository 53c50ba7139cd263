//! Cues to samples of WebVTT in ISO BMFF (ISO/IEC 14496-30 §7): contiguous, split wherever a cue begins or ends.

use bytes::Bytes;
use media_types::Timescale;

use super::cue::Cue;
use super::rate::Scale;
use crate::vttc;

/// A sample: time, length and bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TextSample {
    pub(super) at: i64,
    pub(super) duration: u32,
    pub(super) data: Bytes,
}

/// The samples of one text track.
#[derive(Debug)]
pub(super) struct Text {
    scale: Scale,
    /// Up to where samples were made.
    at: i64,
    shown: Vec<Shown>,
    /// `source_ID` of the next cue.
    next_source: u32,
}

#[derive(Debug)]
struct Shown {
    cue: Cue,
    start: i64,
    /// `None` until the next cue begins.
    end: Option<i64>,
    source: u32,
}

impl Text {
    /// The most cues that are shown at a time; more are a damaged file.
    const MOST: usize = 64;
    /// No cue is shown for longer.
    const LONGEST_SECONDS: i64 = 24 * 3600;
    /// How long a cue without a stated end is shown when none follows.
    const OPEN_MS: i64 = 5000;

    pub(super) fn new(unit_ns: u64) -> Text {
        let timescale = if unit_ns.is_multiple_of(1_000_000) { 1000 } else { 90_000 };
        let timescale = Timescale::new(timescale).unwrap_or(Timescale::NINETY_KHZ);
        Text { scale: Scale { unit_ns, timescale }, at: 0, shown: Vec::new(), next_source: 1 }
    }

    pub(super) fn timescale(&self) -> Timescale {
        self.scale.timescale
    }

    /// Takes a cue at a timestamp, and makes the samples before it. `false` when its beginning was past already or too
    /// many cues are shown: the first is cut, the second left out.
    pub(super) fn push(&mut self, cue: Cue, raw: i64, duration: Option<u64>, out: &mut Vec<TextSample>) -> bool {
        let written = self.scale.ticks(raw);
        let start = written.max(self.at);
        let ticks = duration.map(|raw| self.scale.ticks(i64::try_from(raw).unwrap_or(i64::MAX)));
        let longest = Self::LONGEST_SECONDS * i64::from(self.scale.timescale.get());
        let end = ticks.map(|ticks| written.saturating_add(ticks.min(longest)));
        for shown in &mut self.shown {
            shown.end.get_or_insert(start.max(shown.start + 1));
        }
        self.advance(start, out);
        if end.is_some_and(|end| end <= start) || self.shown.len() >= Self::MOST {
            return false;
        }
        self.shown.push(Shown { cue, start, end, source: self.next_source });
        self.next_source = self.next_source.wrapping_add(1);
        start == written
    }

    /// Makes the samples of all cues that are still shown.
    pub(super) fn finish(&mut self, out: &mut Vec<TextSample>) {
        let open = Self::OPEN_MS * i64::from(self.scale.timescale.get()) / 1000;
        for shown in &mut self.shown {
            shown.end.get_or_insert(shown.start.saturating_add(open));
        }
        while let Some(end) = self.shown.iter().filter_map(|shown| shown.end).max() {
            self.advance(end, out);
        }
    }

    /// Makes samples up to `to`.
    fn advance(&mut self, to: i64, out: &mut Vec<TextSample>) {
        while self.at < to {
            let ends = self.shown.iter().filter_map(|shown| shown.end);
            let border = ends.min().map_or(to, |end| end.min(to)).max(self.at + 1);
            let border = border.min(self.at + i64::from(u32::MAX));
            out.push(TextSample { at: self.at, duration: (border - self.at) as u32, data: self.sample(border) });
            self.at = border;
            self.shown.retain(|shown| shown.end.is_none_or(|end| end > border));
        }
        self.shown.retain(|shown| shown.end.is_none_or(|end| end > to));
    }

    /// The boxes of what is shown up to `border` (§7.5).
    fn sample(&self, border: i64) -> Bytes {
        let mut bytes = Vec::new();
        for shown in &self.shown {
            let split = shown.start < self.at || shown.end.is_none_or(|end| end > border);
            cue_box(&mut bytes, shown, split);
        }
        if bytes.is_empty() {
            bytes.extend_from_slice(vttc::NOTHING);
        }
        bytes.into()
    }
}

/// `vttc`. A cue that lies in several samples has a `vsid` by which it is known again.
fn cue_box(out: &mut Vec<u8>, shown: &Shown, split: bool) {
    let mut content = Vec::new();
    if split {
        vttc::put(&mut content, b"vsid", &shown.source.to_be_bytes());
    }
    for (name, text) in [(b"iden", &shown.cue.id), (b"sttg", &shown.cue.settings)] {
        if !text.is_empty() {
            vttc::put(&mut content, name, text.as_bytes());
        }
    }
    vttc::put(&mut content, b"payl", shown.cue.text.as_bytes());
    vttc::put(out, b"vttc", &content);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn cue(text: &str) -> Cue {
        Cue { text: text.into(), ..Cue::default() }
    }

    /// Each sample as its time, length and the letters of its cues.
    fn shown(samples: &[TextSample]) -> Vec<(i64, u32, String)> {
        let letters = |data: &Bytes| {
            let places = data.windows(4).enumerate().filter(|(_, name)| *name == b"payl");
            places.map(|(at, _)| char::from(data[at + 4])).collect()
        };
        samples.iter().map(|sample| (sample.at, sample.duration, letters(&sample.data))).collect()
    }

    #[test]
    fn samples_are_contiguous_and_split_where_cues_overlap() {
        let (mut text, mut out) = (Text::new(1_000_000), Vec::new());
        assert!(text.push(cue("a"), 1000, Some(3000), &mut out));
        assert!(text.push(cue("b"), 2000, Some(500), &mut out));
        assert!(text.push(cue("c"), 6000, None, &mut out));
        assert!(text.push(cue("d"), 7000, Some(1000), &mut out));
        text.finish(&mut out);
        let want = [
            (0, 1000, ""),
            (1000, 1000, "a"),
            (2000, 500, "ab"),
            (2500, 1500, "a"),
            (4000, 2000, ""),
            (6000, 1000, "c"),
            (7000, 1000, "d"),
        ];
        assert_eq!(shown(&out), want.map(|(at, duration, text)| (at, duration, text.to_owned())));
        assert_eq!(out[0].data, &b"\0\0\0\x08vtte"[..]);
        assert_eq!(out[1].data, &b"\0\0\0\x1dvttc\0\0\0\x0cvsid\0\0\0\x01\0\0\0\x09payla"[..]);
        assert_eq!(out[6].data, &b"\0\0\0\x11vttc\0\0\0\x09payld"[..]);
    }

    proptest! {
        #[test]
        fn any_cues_give_contiguous_samples(cues in prop::collection::vec((-500i64..5000, prop::option::of(0u64..900)), 0..40)) {
            let (mut text, mut out) = (Text::new(1_000_000), Vec::new());
            for (start, duration) in &cues {
                text.push(cue("x"), *start, *duration, &mut out);
            }
            text.finish(&mut out);
            let mut at = 0;
            for sample in &out {
                prop_assert_eq!(sample.at, at);
                prop_assert!(sample.duration > 0);
                at += i64::from(sample.duration);
            }
        }
    }
}
