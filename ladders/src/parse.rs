//! Reads a ladder file and reports every mistake at once.

use std::collections::BTreeMap;

use media_types::{DynamicRange, LoudnessTarget, PerTitle, VideoCodec, VideoEncoding};
use sha2::{Digest, Sha256};
use toml_edit::{Document, Item, TableLike, Value};

use crate::encoder::Encoder;
use crate::file::{self, MAX_FILE_BYTES, MAX_RUNGS};
use crate::report::{Mistakes, Report, Span};
use crate::section::Section;
use crate::{AudioRung, Ladder, Rung};

/// Reads the text of a ladder file. `file_name` is only what the report calls it.
///
/// # Errors
/// Every mistake in the text, each with its line, column and cure. A text that is not TOML gives one mistake.
pub fn parse(file_name: &str, text: &str) -> Result<Ladder, Report> {
    let mut mistakes = Mistakes::new(text);
    let ladder = read(text, &mut mistakes);
    mistakes.finish(file_name)?;
    Ok(ladder.expect("a file without mistakes was read to its end"))
}

fn read(text: &str, mistakes: &mut Mistakes<'_>) -> Option<Ladder> {
    if text.len() > MAX_FILE_BYTES {
        let message = format!("the file has {} bytes, more than {MAX_FILE_BYTES}", text.len());
        mistakes.add(None, "", message, "a ladder needs a few kilobytes: check that this is the right file".to_owned());
        return None;
    }
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => {
            let message = format!("not TOML: {}", error.message().replace('\n', " "));
            mistakes.add(error.span(), "", message, "correct the syntax here; the rest was not read".to_owned());
            return None;
        }
    };
    let root = Section::root(document.as_table());
    root.only(&file::ROOT_KEYS, mistakes);
    let name = root.name("name", mistakes);
    let description = root.description(mistakes);
    let renew_library = root.flag("renew_library", mistakes).unwrap_or_default();
    let defaults = read_video(root.table("video", "[video]", mistakes), mistakes);
    let audio = read_audio(root.table("audio", "[audio]", mistakes), mistakes);
    let per_title = read_per_title(&root, mistakes);
    let rungs = read_rungs(document.as_table(), &defaults, mistakes);
    Some(Ladder {
        name,
        description,
        max_frame_rate: defaults.max_frame_rate,
        floor_db: defaults.floor_db,
        least_vmaf: defaults.least_vmaf,
        rungs,
        audio,
        per_title,
        renew_library,
        sha256: hex::encode(Sha256::digest(text.as_bytes())),
    })
}

/// What `[video]` says for all rungs.
struct Defaults {
    /// `None` when it says nothing that is known.
    codec: Option<VideoCodec>,
    codec_span: Span,
    preset: String,
    crf: f32,
    tune: Option<String>,
    max_frame_rate: u32,
    floor_db: Option<f64>,
    least_vmaf: Option<f64>,
}

fn read_video(section: Option<Section<'_>>, mistakes: &mut Mistakes<'_>) -> Defaults {
    let mut defaults = Defaults {
        codec: None,
        codec_span: None,
        preset: String::new(),
        crf: 0.0,
        tune: None,
        max_frame_rate: file::DEFAULT_FRAME_RATE,
        floor_db: None,
        least_vmaf: None,
    };
    let Some(section) = section else { return defaults };
    section.only(&file::VIDEO_KEYS, mistakes);
    section.require("codec", "codec = \"h264\"", mistakes);
    (defaults.codec, defaults.codec_span) = (read_codec(&section, mistakes), section.span_of("codec"));
    let encoder = Encoder::of(defaults.codec.unwrap_or_default());
    for (key, example) in encoder.usual() {
        section.require(key, &example, mistakes);
    }
    if defaults.codec.is_some() || !section.holds("codec") {
        defaults.preset = encoder.preset(&section, mistakes).unwrap_or_default();
        defaults.crf = encoder.crf(&section, mistakes).unwrap_or_default();
        defaults.tune = encoder.tune(&section, mistakes);
    }
    let rate = section.integer("max_frame_rate", file::FRAME_RATE, "pictures per second", mistakes);
    defaults.max_frame_rate = rate.unwrap_or(defaults.max_frame_rate);
    let cure = "choose a value that no fit recording falls below, such as 25; lower lets more pass";
    defaults.floor_db = section.number("floor_db", &file::FLOOR_DB, " dB", cure, mistakes);
    let cure = "choose a value that no fit recording falls below, such as 70; lower lets more pass";
    defaults.least_vmaf = section.number("least_vmaf", &file::LEAST_VMAF, "", cure, mistakes);
    defaults
}

/// The codec, if the key is there and it is known.
fn read_codec(section: &Section<'_>, mistakes: &mut Mistakes<'_>) -> Option<VideoCodec> {
    const KEY: &str = "codec";
    // One letter from `h264`, and not what is meant.
    if section.holds_one_of(KEY, &["h265", "h.265", "x265"]) {
        let message = format!("`{}.{KEY}` is not called so here", section.path());
        section.add(KEY, message, "did you mean \"hevc\"?", mistakes);
        return None;
    }
    let word = section.choice(KEY, &VideoCodec::ALL.map(VideoCodec::name), mistakes)?;
    VideoCodec::ALL.into_iter().find(|codec| codec.name() == word)
}

fn read_audio(section: Option<Section<'_>>, mistakes: &mut Mistakes<'_>) -> AudioRung {
    let Some(section) = section else {
        return AudioRung { bitrate_bps: 0, opus_bitrate_bps: None, channels: 0, loudness: None };
    };
    section.only(&file::AUDIO_KEYS, mistakes);
    section.require("bitrate_kbps", "bitrate_kbps = 96", mistakes);
    let kbps = section.integer("bitrate_kbps", file::AUDIO_KBPS, "kbit/s", mistakes);
    let opus_kbps = section.integer("opus_bitrate_kbps", file::AUDIO_KBPS, "kbit/s", mistakes);
    section.require("channels", "channels = 2", mistakes);
    let channels = section.integer("channels", file::CHANNELS, "channels", mistakes);
    let loudness = read_loudness(&section, mistakes);
    AudioRung {
        bitrate_bps: kbps.unwrap_or_default() * 1000,
        opus_bitrate_bps: opus_kbps.map(|kbps| kbps * 1000),
        channels: channels.unwrap_or_default(),
        loudness,
    }
}

/// `None` when every recording gets the rungs as they are.
fn read_per_title(root: &Section<'_>, mistakes: &mut Mistakes<'_>) -> Option<PerTitle> {
    const SECTION: &str = "per_title";
    if !root.holds(SECTION) {
        return None;
    }
    let section = root.table(SECTION, "[per_title]", mistakes)?;
    section.only(&file::PER_TITLE_KEYS, mistakes);
    section.require("target_db", "target_db = 39", mistakes);
    section.require("step_db", "step_db = 2", mistakes);
    let cure = "choose a value near 39 for films, near 46 for slides; higher is better and larger";
    let target = section.number("target_db", &file::TARGET_DB, " dB", cure, mistakes);
    let cure = "choose a value near 2; what differs by less looks the same";
    let step = section.number("step_db", &file::STEP_DB, " dB", cure, mistakes);
    let legible_lines = section.integer("legible_lines", file::LEGIBLE_LINES, "lines", mistakes);
    target.zip(step).map(|(target_db, step_db)| PerTitle { target_db, step_db, legible_lines })
}

/// `None` when the sound stays as loud as it is.
fn read_loudness(section: &Section<'_>, mistakes: &mut Mistakes<'_>) -> Option<LoudnessTarget> {
    const LOUDNESS: &str = "loudness_lufs";
    const PEAK: &str = "true_peak_dbtp";
    let cure = "choose a value near -1; encoded sound peaks a little higher";
    let peak = section.number(PEAK, &file::DBTP, " dBTP", cure, mistakes);
    if section.holds_word(LOUDNESS) {
        section.choice(LOUDNESS, &[file::OWN_LOUDNESS], mistakes);
        if peak.is_some() {
            let message = format!("`{}.{PEAK}` is for sound whose loudness is set", section.path());
            let cure = format!("remove it, or write a number for `{}.{LOUDNESS}`", section.path());
            section.add(PEAK, message, &cure, mistakes);
        }
        return None;
    }
    let cure = "choose a value near -16, or \"source\" to leave the sound as loud as it is; higher is louder";
    let loudness = section.number(LOUDNESS, &file::LUFS, " LUFS", cure, mistakes);
    Some(LoudnessTarget {
        integrated_lufs: loudness.unwrap_or(file::DEFAULT_LUFS),
        max_true_peak_dbtp: peak.unwrap_or(file::DEFAULT_DBTP),
    })
}

/// A rung and where it stands in the file.
struct Placed {
    rung: Rung,
    path: String,
    cap_span: Span,
    codec_span: Span,
}

fn read_rungs(root: &dyn TableLike, defaults: &Defaults, mistakes: &mut Mistakes<'_>) -> Vec<Rung> {
    let tables = rung_tables(root, mistakes);
    if tables.len() > MAX_RUNGS {
        let message = format!("`rung` has {} entries, more than {MAX_RUNGS}", tables.len());
        mistakes.add(tables[MAX_RUNGS].1.clone(), "rung", message, "remove the rungs nobody would miss".to_owned());
    }
    let mut placed: Vec<Placed> = Vec::new();
    let (mut names, mut heights) = (BTreeMap::new(), BTreeMap::new());
    for (index, (table, span)) in tables.into_iter().take(MAX_RUNGS).enumerate() {
        let section = Section::new(table, span, format!("rung[{index}]"));
        let rung = read_rung(&section, defaults, mistakes);
        if section.holds_text("name")
            && let Some(first) = names.insert(rung.name.clone(), index)
        {
            let message = format!("`rung[{index}].name` is \"{}\", as is `rung[{first}].name`", rung.name);
            section.add("name", message, "give each rung a name of its own", mistakes);
        }
        if rung.height > 0
            && let Some(first) = heights.insert((rung.encoding.group(), rung.height), index)
        {
            let message = format!("`rung[{index}].height` is {}, as is `rung[{first}].height`", rung.height);
            section.add("height", message, "keep one rung per height, codec and dynamic range", mistakes);
        }
        let cap_span = section.span_of("max_bitrate_kbps");
        let codec_span = section.holds("codec").then(|| section.span_of("codec")).flatten();
        placed.push(Placed { rung, path: section.path().to_owned(), cap_span, codec_span });
    }
    check_h264(&placed, defaults, mistakes);
    placed.sort_by_key(|placed| (placed.rung.encoding.group(), placed.rung.height));
    check_caps(&placed, mistakes);
    placed.into_iter().map(|placed| placed.rung).collect()
}

/// The tables behind `rung`, written as `[[rung]]` or as an array of inline tables.
fn rung_tables<'d>(root: &'d dyn TableLike, mistakes: &mut Mistakes<'_>) -> Vec<(&'d dyn TableLike, Span)> {
    const CURE: &str = "write each rung as a `[[rung]]` section with `name`, `height` and `max_bitrate_kbps`";
    let Some((key, item)) = root.get_key_value("rung") else {
        mistakes.add(None, "rung", "`rung` is missing: a ladder has at least one rung".to_owned(), CURE.to_owned());
        return Vec::new();
    };
    let tables: Option<Vec<(&dyn TableLike, Span)>> = match item {
        Item::ArrayOfTables(tables) => {
            Some(tables.iter().map(|table| (table as &dyn TableLike, table.span())).collect())
        }
        Item::Value(Value::Array(array)) => array
            .iter()
            .map(|value| value.as_inline_table().map(|table| (table as &dyn TableLike, value.span())))
            .collect(),
        _ => None,
    };
    match tables {
        Some(tables) if !tables.is_empty() => tables,
        Some(_) => {
            let message = "`rung` is empty: a ladder has at least one rung".to_owned();
            mistakes.add(item.span().or_else(|| key.span()), "rung", message, CURE.to_owned());
            Vec::new()
        }
        None => {
            let message = "`rung` is not a list of sections".to_owned();
            mistakes.add(key.span().or_else(|| item.span()), "rung", message, CURE.to_owned());
            Vec::new()
        }
    }
}

fn read_rung(section: &Section<'_>, defaults: &Defaults, mistakes: &mut Mistakes<'_>) -> Rung {
    section.only(&file::RUNG_KEYS, mistakes);
    let name = section.name("name", mistakes);
    section.require("height", "height = 720", mistakes);
    let height = section.integer("height", file::HEIGHT, "pixels", mistakes).unwrap_or_default();
    if height % 2 == 1 {
        let message = format!("`{}.height` is {height}, an odd number", section.path());
        section.add("height", message, &format!("write {} or {}", height - 1, height + 1), mistakes);
    }
    section.require("max_bitrate_kbps", "max_bitrate_kbps = 2800", mistakes);
    let cap = section.integer("max_bitrate_kbps", file::VIDEO_KBPS, "kbit/s", mistakes);
    let buffer = section.integer("buffer_kbits", file::BUFFER_KBITS, "kbit", mistakes);
    if let (Some(cap), Some(buffer)) = (cap, buffer)
        && !(cap..=cap * 8).contains(&(buffer * 2))
    {
        let message = format!("`{}.buffer_kbits` is {buffer}, not half to four times the cap of {cap}", section.path());
        section.add("buffer_kbits", message, &format!("write {}, or leave it out", cap * 3 / 2), mistakes);
    }
    let max_bitrate_bps = u64::from(cap.unwrap_or_default()) * 1000;
    let buffer_bits = buffer.map_or(max_bitrate_bps * 3 / 2, |kbits| u64::from(kbits) * 1000);
    let encoding = VideoEncoding { max_bitrate_bps, buffer_bits, ..read_encoder(section, defaults, mistakes) };
    Rung { name, height, encoding }
}

/// What a rung says to its encoder, without the cap. What `[video]` says is for the encoder of its own codec alone.
fn read_encoder(section: &Section<'_>, defaults: &Defaults, mistakes: &mut Mistakes<'_>) -> VideoEncoding {
    let own = read_codec(section, mistakes);
    let known = if section.holds("codec") { own } else { defaults.codec };
    let codec = known.unwrap_or_default();
    let mut encoding = VideoEncoding {
        codec,
        preset: defaults.preset.clone(),
        crf: defaults.crf,
        max_bitrate_bps: 0,
        buffer_bits: 0,
        tune: defaults.tune.clone(),
        dynamic_range: DynamicRange::Sdr,
    };
    if known.is_none() {
        return encoding;
    }
    let encoder = Encoder::of(codec);
    if let Some(other) = defaults.codec.filter(|other| *other != codec) {
        for (key, example) in encoder.usual() {
            let why = format!(", and `video.{key}` is for {}", other.name());
            section.require_because(key, &why, &example, mistakes);
        }
        encoding.tune = None;
    }
    encoding.preset = encoder.preset(section, mistakes).unwrap_or(encoding.preset);
    encoding.crf = encoder.crf(section, mistakes).unwrap_or(encoding.crf);
    encoding.tune = encoder.tune(section, mistakes).or(encoding.tune);
    encoding.dynamic_range = encoder.dynamic_range(section, mistakes).unwrap_or_default();
    encoding
}

/// H.264 is what a recording is first playable with, and all that some players play. Told where another codec was chosen.
fn check_h264(placed: &[Placed], defaults: &Defaults, mistakes: &mut Mistakes<'_>) {
    let unknown = |placed: &Placed| placed.codec_span.is_none() && defaults.codec.is_none();
    if placed.is_empty()
        || placed.iter().any(|placed| placed.rung.encoding.codec == VideoCodec::H264 || unknown(placed))
    {
        return;
    }
    let first = placed.iter().find_map(|placed| placed.codec_span.clone());
    let (span, path) = match first {
        Some(span) if defaults.codec == Some(VideoCodec::H264) => (Some(span), "rung"),
        _ => (defaults.codec_span.clone(), "video.codec"),
    };
    let message = "no rung is of h264, which a recording is first played in and some players need".to_owned();
    let cure = "add a `[[rung]]` with `codec = \"h264\"`, its own `preset` and `crf`".to_owned();
    mistakes.add(span, path, message, cure);
}

/// A higher rung must cost more, or players would never leave the lower one.
fn check_caps(ascending: &[Placed], mistakes: &mut Mistakes<'_>) {
    for pair in ascending.windows(2) {
        let [lower, higher] = pair else { continue };
        let (low, high) = (lower.rung.encoding.max_bitrate_bps / 1000, higher.rung.encoding.max_bitrate_bps / 1000);
        let same = lower.rung.encoding.group() == higher.rung.encoding.group();
        if same && (1..higher.rung.height).contains(&lower.rung.height) && low > 0 && high > 0 && high <= low {
            let path = format!("{}.max_bitrate_kbps", higher.path);
            let message = format!(
                "`{path}` is {high}, not above the {low} of \"{}\", which has only {} lines",
                lower.rung.name, lower.rung.height
            );
            let cure = format!("write more than {low} here, or lower `{}.max_bitrate_kbps`", lower.path);
            mistakes.add(higher.cap_span.clone(), &path, message, cure);
        }
    }
}
