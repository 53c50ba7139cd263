//! The format of a ladder file: its keys, its bounds, its JSON Schema.

use std::ops::RangeInclusive;

use schemars::JsonSchema;
use serde_json::Value;

/// A file longer than this many bytes is refused unread.
pub(crate) const MAX_FILE_BYTES: usize = 64 * 1024;
/// Rungs in one ladder, at most.
pub(crate) const MAX_RUNGS: usize = 16;
/// Characters in a name, at most.
pub(crate) const MAX_NAME: usize = 32;
/// Characters in a description, at most.
pub(crate) const MAX_DESCRIPTION: usize = 300;

pub(crate) const FRAME_RATE: RangeInclusive<i64> = 24..=60;
pub(crate) const HEIGHT: RangeInclusive<i64> = 64..=4320;
pub(crate) const VIDEO_KBPS: RangeInclusive<i64> = 32..=200_000;
pub(crate) const BUFFER_KBITS: RangeInclusive<i64> = 16..=800_000;
pub(crate) const AUDIO_KBPS: RangeInclusive<i64> = 16..=320;
pub(crate) const CHANNELS: RangeInclusive<i64> = 1..=2;
pub(crate) const LUFS: RangeInclusive<f64> = -30.0..=-10.0;
pub(crate) const DBTP: RangeInclusive<f64> = -9.0..=0.0;

pub(crate) const FLOOR_DB: RangeInclusive<f64> = 10.0..=60.0;
pub(crate) const LEAST_VMAF: RangeInclusive<f64> = 10.0..=100.0;
pub(crate) const TARGET_DB: RangeInclusive<f64> = 25.0..=60.0;
pub(crate) const STEP_DB: RangeInclusive<f64> = 0.5..=10.0;
pub(crate) const LEGIBLE_LINES: RangeInclusive<i64> = 240..=2160;

pub(crate) const DEFAULT_FRAME_RATE: u32 = 60;
/// What streaming services aim at, and what a phone in a noisy place can still play loud enough.
pub(crate) const DEFAULT_LUFS: f64 = -16.0;
/// Room for what lossy coding adds to a peak.
pub(crate) const DEFAULT_DBTP: f64 = -1.0;
/// In place of a loudness: the source's own.
pub(crate) const OWN_LOUDNESS: &str = "source";

pub(crate) const ROOT_KEYS: [&str; 7] = ["name", "description", "renew_library", "video", "audio", "per_title", "rung"];
pub(crate) const VIDEO_KEYS: [&str; 7] = ["codec", "preset", "crf", "tune", "max_frame_rate", "floor_db", "least_vmaf"];
pub(crate) const AUDIO_KEYS: [&str; 5] =
    ["bitrate_kbps", "opus_bitrate_kbps", "channels", "loudness_lufs", "true_peak_dbtp"];
pub(crate) const PER_TITLE_KEYS: [&str; 3] = ["target_db", "step_db", "legible_lines"];
pub(crate) const RUNG_KEYS: [&str; 9] =
    ["name", "height", "max_bitrate_kbps", "buffer_kbits", "codec", "crf", "preset", "tune", "dynamic_range"];

/// A ladder: what a video may be encoded into.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used; the reader keeps positions, which serde does not")]
struct LadderFile {
    /// Unique among your ladders.
    #[schemars(length(min = 1, max = 32), regex(pattern = r"^[a-z0-9][a-z0-9-]*$"))]
    name: String,
    /// One sentence on what it is for.
    #[schemars(length(min = 1, max = 300))]
    description: String,
    /// Encodes recordings that were made with this ladder again, behind all other work, when this file has changed. Default:
    /// only when asked for.
    renew_library: Option<bool>,
    /// What holds for all rungs.
    video: VideoFile,
    /// The sound all rungs share.
    audio: AudioFile,
    /// Has each recording's H.264 rungs decided by its own pictures. Default: all get the rungs as they are.
    per_title: Option<PerTitleFile>,
    /// The rungs, in any order.
    #[schemars(length(min = 1, max = 16))]
    rung: Vec<RungFile>,
}

/// What holds for all rungs.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct VideoFile {
    /// Codec of the rungs that state none. At least one rung of a ladder is of h264.
    codec: Codec,
    /// Preset of its encoder: slower ones give fewer bytes for more CPU time.
    preset: PresetFile,
    /// Constant rate factor: lower is better and larger. 0 to 51 of h264 and hevc, where 6 less doubles the bytes; a whole
    /// number from 0 to 63 of av1 and vp9.
    #[schemars(range(min = 0, max = 63))]
    crf: f32,
    /// Tune of its encoder. Default: none.
    tune: Option<Tune>,
    /// Pictures per second that no rung exceeds; faster sources are halved until they fit. Default: 60.
    #[schemars(range(min = 24, max = 60))]
    max_frame_rate: Option<u32>,
    /// What the best rendition has to reach, or the recording is not published complete: XPSNR of the luma in decibels. Default:
    /// whatever comes out is published.
    #[schemars(range(min = 10, max = 60))]
    floor_db: Option<f64>,
    /// The same by VMAF, from 0 to 100, where the server measures that. Default: whatever comes out is published.
    #[schemars(range(min = 10, max = 100))]
    least_vmaf: Option<f64>,
}

/// The sound all rungs share: AAC-LC, and Opus besides where it is asked for.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct AudioFile {
    /// Target bitrate of AAC-LC in kbit/s.
    #[schemars(range(min = 16, max = 320))]
    bitrate_kbps: u32,
    /// Target bitrate in kbit/s of the same sound in Opus, for players that have it. Default: there is none.
    #[schemars(range(min = 16, max = 320))]
    opus_bitrate_kbps: Option<u32>,
    /// Channels at most; mono sources stay mono.
    #[schemars(range(min = 1, max = 2))]
    channels: u32,
    /// Integrated loudness in LUFS (EBU R 128) that one gain brings the sound to, or "source" to leave it as it is.
    /// Default: -16.
    loudness_lufs: Option<LoudnessFile>,
    /// True peak in dBTP that the sound is held below, unless it is left as it is. Default: -1.
    #[schemars(range(min = -9, max = 0))]
    true_peak_dbtp: Option<f64>,
}

/// How the H.264 rungs of a recording are decided: samples are encoded at every rung's size and several rate factors, and rungs
/// chosen where a quality takes the fewest bits. No rung is finer than the ladder says, and none has a higher cap.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct PerTitleFile {
    /// What the best rung aims at: XPSNR of the luma in decibels, at the size of the largest rung.
    #[schemars(range(min = 25, max = 60))]
    target_db: f64,
    /// What rungs differ by at least.
    #[schemars(range(min = 0.5, max = 10))]
    step_db: f64,
    /// Lines that every rung of a drawn recording, such as slides or a screen, has at least: at low rates it has fewer pictures a
    /// second in place of smaller ones. Default: small ones will do.
    #[schemars(range(min = 240, max = 2160))]
    legible_lines: Option<u32>,
}

/// Integrated loudness in LUFS, or the source's own.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum LoudnessFile {
    Lufs(#[schemars(range(min = -30, max = -10))] f64),
    Own(OwnLoudness),
}

/// One rung.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct RungFile {
    /// Unique in the ladder; part of URLs.
    #[schemars(length(min = 1, max = 32), regex(pattern = r"^[a-z0-9][a-z0-9-]*$"))]
    name: String,
    /// Pixels of the shorter side, even; the other side follows from the source's aspect.
    #[schemars(range(min = 64, max = 4320), extend("multipleOf" = 2))]
    height: u32,
    /// Cap of the bitrate in kbit/s.
    #[schemars(range(min = 32, max = 200_000))]
    max_bitrate_kbps: u32,
    /// Decoder buffer in kbit, half to four times the cap. Default: one and a half times the cap.
    #[schemars(range(min = 16, max = 800_000))]
    buffer_kbits: Option<u32>,
    /// Codec of this rung. Default: `video.codec`; a rung of another one states its own preset and crf.
    codec: Option<Codec>,
    /// Overrides `video.crf`.
    #[schemars(range(min = 0, max = 63))]
    crf: Option<f32>,
    /// Overrides `video.preset`.
    preset: Option<PresetFile>,
    /// Overrides `video.tune`, which is for rungs of `video.codec`.
    tune: Option<Tune>,
    /// hdr, of hevc and av1: PQ and HLG as the source has them, with 10 bits; sources without get no such rung. Default: sdr.
    dynamic_range: Option<Range>,
}

/// A word of h264's and hevc's encoders, or a number of av1's (0 to 13) and vp9's (0 to 8), of which higher ones are faster.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum PresetFile {
    Word(Preset),
    Number(#[schemars(range(min = 0, max = 13))] u32),
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($word:ident),* })*) => {$(
        $(#[$doc])*
        #[derive(JsonSchema)]
        #[schemars(rename_all = "lowercase")]
        #[expect(dead_code, reason = "only its schema is used")]
        enum $name { $($word),* }
    )*};
}

words! {
    /// Video codec.
    Codec { H264, Hevc, Av1, Vp9 }
    /// Preset of x264 and x265, fastest first.
    Preset { Ultrafast, Superfast, Veryfast, Faster, Fast, Medium, Slow, Slower, Veryslow }
    /// Dynamic range.
    Range { Sdr, Hdr }
    /// Left as loud as it is.
    OwnLoudness { Source }
    /// Tune: animation and grain of h264 and hevc, film of h264 and vp9, stillimage of h264, vq of av1, screen of vp9.
    Tune { Animation, Film, Grain, Screen, Stillimage, Vq }
}

/// The JSON Schema (2020-12) of a ladder file, for editors.
pub fn json_schema() -> Value {
    let mut schema = schemars::schema_for!(LadderFile).to_value();
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".to_owned(), "Lectern ladder".into());
    }
    schema
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use media_types::{DynamicRange, VideoCodec};

    use super::*;
    use crate::encoder::{Encoder, Presets, WORDS};

    fn sorted<'a>(keys: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
        let mut keys: Vec<_> = keys.into_iter().collect();
        keys.sort_unstable();
        keys
    }

    #[test]
    fn the_golden_schema_is_the_schema() {
        let schema = json_schema();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/ladder.schema.json");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(path, format!("{schema:#}\n")).unwrap();
        }
        // As values: the order of keys depends on which features of serde_json the build unites.
        let golden: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert!(golden == schema, "ladder.schema.json is out of date: run this test with UPDATE_GOLDEN=1");
    }

    #[test]
    fn the_schema_and_the_reader_know_the_same_keys() {
        let schema = json_schema();
        let keys =
            |value: &Value| -> Vec<String> { value["properties"].as_object().unwrap().keys().cloned().collect() };
        let defs = &schema["$defs"];
        for (found, known) in [
            (keys(&schema), sorted(ROOT_KEYS)),
            (keys(&defs["VideoFile"]), sorted(VIDEO_KEYS)),
            (keys(&defs["AudioFile"]), sorted(AUDIO_KEYS)),
            (keys(&defs["PerTitleFile"]), sorted(PER_TITLE_KEYS)),
            (keys(&defs["RungFile"]), sorted(RUNG_KEYS)),
        ] {
            assert_eq!(sorted(found.iter().map(String::as_str)), known);
        }
        let words = |name: &str| -> Vec<String> {
            let list = defs[name]["enum"].as_array().cloned().unwrap_or_default();
            list.iter().map(|word| word.as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(words("Preset"), WORDS);
        assert_eq!(words("Codec"), VideoCodec::ALL.map(VideoCodec::name));
        let mut tunes: Vec<_> = VideoCodec::ALL.iter().flat_map(|codec| Encoder::of(*codec).tunes).copied().collect();
        tunes.sort_unstable();
        tunes.dedup();
        assert_eq!(words("Tune"), tunes);
        assert_eq!(words("OwnLoudness"), [OWN_LOUDNESS]);
        assert_eq!(words("Range"), DynamicRange::ALL.map(DynamicRange::name));
    }

    #[test]
    fn the_schema_and_the_reader_have_the_same_bounds() {
        let schema = json_schema();
        for (pointer, bounds) in [
            ("/$defs/VideoFile/properties/max_frame_rate", FRAME_RATE),
            ("/$defs/AudioFile/properties/bitrate_kbps", AUDIO_KBPS),
            ("/$defs/AudioFile/properties/opus_bitrate_kbps", AUDIO_KBPS),
            ("/$defs/AudioFile/properties/channels", CHANNELS),
            ("/$defs/RungFile/properties/height", HEIGHT),
            ("/$defs/RungFile/properties/max_bitrate_kbps", VIDEO_KBPS),
            ("/$defs/RungFile/properties/buffer_kbits", BUFFER_KBITS),
        ] {
            let field = schema.pointer(pointer).unwrap();
            let found = field["minimum"].as_i64().unwrap()..=field["maximum"].as_i64().unwrap();
            assert_eq!(found, bounds, "{pointer}");
        }
        let encoders = || VideoCodec::ALL.into_iter().map(Encoder::of);
        let highest = encoders().map(|encoder| *encoder.crf.end()).fold(0.0, f64::max);
        let presets = encoders().filter_map(|encoder| match &encoder.presets {
            Presets::Numbers(bounds) => Some(*bounds.end()),
            Presets::Words => None,
        });
        assert_eq!(schema.pointer("/$defs/PresetFile/anyOf/1/maximum").unwrap().as_i64(), presets.max());
        for (pointer, bounds) in [
            ("/$defs/VideoFile/properties/crf", 0.0..=highest),
            ("/$defs/LoudnessFile/anyOf/0", LUFS),
            ("/$defs/AudioFile/properties/true_peak_dbtp", DBTP),
            ("/$defs/VideoFile/properties/floor_db", FLOOR_DB),
            ("/$defs/VideoFile/properties/least_vmaf", LEAST_VMAF),
            ("/$defs/PerTitleFile/properties/target_db", TARGET_DB),
            ("/$defs/PerTitleFile/properties/step_db", STEP_DB),
        ] {
            let field = schema.pointer(pointer).unwrap();
            let found = field["minimum"].as_f64().unwrap()..=field["maximum"].as_f64().unwrap();
            assert_eq!(found, bounds, "{pointer}");
        }
        assert_eq!(schema.pointer("/properties/rung/maxItems").unwrap(), MAX_RUNGS);
        assert_eq!(schema.pointer("/properties/name/maxLength").unwrap(), MAX_NAME);
        assert_eq!(schema.pointer("/properties/description/maxLength").unwrap(), MAX_DESCRIPTION);
    }
}
