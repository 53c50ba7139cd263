//! What a ladder file may say to the encoder of each codec.

use std::ops::RangeInclusive;

use media_types::{DynamicRange, VideoCodec};

use crate::report::Mistakes;
use crate::section::Section;

/// Presets of x264 and of x265 but `placebo`, which no one should wait for.
pub(crate) const WORDS: [&str; 9] =
    ["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"];

/// How an encoder's presets are named, fastest first or highest fastest.
pub(crate) enum Presets {
    Words,
    Numbers(RangeInclusive<i64>),
}

/// The bounds of one encoder's settings.
pub(crate) struct Encoder {
    pub(crate) codec: VideoCodec,
    pub(crate) presets: Presets,
    pub(crate) crf: RangeInclusive<f64>,
    /// Whether it takes nothing between two whole numbers.
    whole_crf: bool,
    /// Those for viewing; others are for measuring.
    pub(crate) tunes: &'static [&'static str],
    /// Whether it is asked for 10 bits, which high dynamic range needs.
    deep: bool,
    /// Lines that a file without them could add.
    usual_preset: &'static str,
    usual_crf: u32,
}

const ENCODERS: [Encoder; 4] = [
    // x264
    Encoder {
        codec: VideoCodec::H264,
        presets: Presets::Words,
        crf: 0.0..=51.0,
        whole_crf: false,
        tunes: &["animation", "film", "grain", "stillimage"],
        deep: false,
        usual_preset: "preset = \"veryfast\"",
        usual_crf: 23,
    },
    // x265
    Encoder {
        codec: VideoCodec::Hevc,
        presets: Presets::Words,
        crf: 0.0..=51.0,
        whole_crf: false,
        tunes: &["animation", "grain"],
        deep: true,
        usual_preset: "preset = \"fast\"",
        usual_crf: 26,
    },
    // SVT-AV1
    Encoder {
        codec: VideoCodec::Av1,
        presets: Presets::Numbers(0..=13),
        crf: 0.0..=63.0,
        whole_crf: true,
        tunes: &["vq"],
        deep: true,
        usual_preset: "preset = 8",
        usual_crf: 35,
    },
    // libvpx
    Encoder {
        codec: VideoCodec::Vp9,
        presets: Presets::Numbers(0..=8),
        crf: 0.0..=63.0,
        whole_crf: true,
        tunes: &["film", "screen"],
        deep: false,
        usual_preset: "preset = 5",
        usual_crf: 32,
    },
];

impl Encoder {
    pub(crate) fn of(codec: VideoCodec) -> &'static Self {
        let [h264, hevc, av1, vp9] = &ENCODERS;
        match codec {
            VideoCodec::H264 => h264,
            VideoCodec::Hevc => hevc,
            VideoCodec::Av1 => av1,
            VideoCodec::Vp9 => vp9,
        }
    }

    /// Lines that would add what it needs to be told: its preset and its rate factor.
    pub(crate) fn usual(&self) -> [(&'static str, String); 2] {
        [("preset", self.usual_preset.to_owned()), ("crf", format!("crf = {}", self.usual_crf))]
    }

    /// The preset, if the key is there.
    pub(crate) fn preset(&self, section: &Section<'_>, mistakes: &mut Mistakes<'_>) -> Option<String> {
        const KEY: &str = "preset";
        let name = self.codec.name();
        match &self.presets {
            Presets::Words if section.holds_number(KEY) => {
                let message = format!("`{}.{KEY}` is a number, and {name} takes a word", section.path());
                section.add(KEY, message, &format!("choose one of: {}", WORDS.join(", ")), mistakes);
                None
            }
            Presets::Words => section.choice(KEY, &WORDS, mistakes),
            Presets::Numbers(bounds) if section.holds_word(KEY) => {
                let message = format!("`{}.{KEY}` is a word, and {name} takes a number", section.path());
                let (low, high) = (bounds.start(), bounds.end());
                section.add(KEY, message, &format!("choose a value from {low} to {high}; higher is faster"), mistakes);
                None
            }
            Presets::Numbers(bounds) => {
                section.integer(KEY, bounds.clone(), "of this encoder", mistakes).map(|preset| preset.to_string())
            }
        }
    }

    /// The rate factor, if the key is there.
    pub(crate) fn crf(&self, section: &Section<'_>, mistakes: &mut Mistakes<'_>) -> Option<f32> {
        const KEY: &str = "crf";
        let cure = format!("choose a value near {}; lower is better and larger", self.usual_crf);
        let crf = section.number(KEY, &self.crf, "", &cure, mistakes)?;
        if self.whole_crf && crf.fract() != 0.0 {
            let message = format!("`{}.{KEY}` is {crf}, and {} takes whole numbers", section.path(), self.codec.name());
            section.add(KEY, message, &format!("write {} or {}", crf.floor(), crf.ceil()), mistakes);
        }
        Some(crf as f32)
    }

    /// The tune, if the key is there.
    pub(crate) fn tune(&self, section: &Section<'_>, mistakes: &mut Mistakes<'_>) -> Option<String> {
        section.choice("tune", self.tunes, mistakes)
    }

    /// The dynamic range, if the key is there and this encoder has it.
    pub(crate) fn dynamic_range(&self, section: &Section<'_>, mistakes: &mut Mistakes<'_>) -> Option<DynamicRange> {
        const KEY: &str = "dynamic_range";
        let word = section.choice(KEY, &DynamicRange::ALL.map(DynamicRange::name), mistakes)?;
        let range = DynamicRange::ALL.into_iter().find(|range| range.name() == word)?;
        if range == DynamicRange::Hdr && !self.deep {
            let message = format!("`{}.{KEY}` is \"hdr\", and {} has 8 bits here", section.path(), self.codec.name());
            let deep: Vec<&str> = ENCODERS.iter().filter(|one| one.deep).map(|one| one.codec.name()).collect();
            let cure = format!("choose a codec with 10 bits for this rung ({}), or remove the line", deep.join(", "));
            section.add(KEY, message, &cure, mistakes);
            return None;
        }
        Some(range)
    }
}
