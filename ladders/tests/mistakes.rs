//! What an operator reads after a mistake.
#![allow(clippy::unwrap_used)]

use ladders::{builtin, catalog, parse};
use media_types::{DynamicRange, VideoCodec};
use proptest::prelude::*;

const GOOD: &str = r#"name = "small"
description = "For tests."

[video]
codec = "h264"
preset = "veryfast"
crf = 23

[audio]
bitrate_kbps = 96
channels = 2

[[rung]]
name = "720p"
height = 720
max_bitrate_kbps = 2800

[[rung]]
name = "360p"
height = 360
max_bitrate_kbps = 800
buffer_kbits = 1600
crf = 24.5
preset = "medium"
tune = "film"
"#;

fn report(text: &str) -> String {
    parse("small.toml", text).expect_err("the text has mistakes").to_string()
}

/// Replaces one line of [`GOOD`] and reads the result.
fn with(line: &str, replacement: &str) -> String {
    assert!(GOOD.contains(line), "{line}");
    report(&GOOD.replacen(line, replacement, 1))
}

#[test]
fn a_good_file_becomes_ascending_rungs_with_defaults_and_overrides() {
    let ladder = parse("small.toml", GOOD).unwrap();
    assert_eq!((ladder.name.as_str(), ladder.max_frame_rate), ("small", 60));
    assert_eq!((ladder.audio.bitrate_bps, ladder.audio.channels), (96_000, 2));
    let [low, high] = &ladder.rungs[..] else { panic!("two rungs") };
    assert_eq!((low.name.as_str(), low.height, high.height), ("360p", 360, 720));
    assert_eq!((low.encoding.max_bitrate_bps, low.encoding.buffer_bits), (800_000, 1_600_000));
    assert_eq!(
        (low.encoding.crf, low.encoding.preset.as_str(), low.encoding.tune.as_deref()),
        (24.5, "medium", Some("film"))
    );
    assert_eq!((high.encoding.buffer_bits, high.encoding.crf, high.encoding.tune.as_deref()), (4_200_000, 23.0, None));
    assert_eq!(ladder.sha256.len(), 64);
    assert_eq!(ladder.pin().sha256, ladder.sha256);
}

#[test]
fn the_library_is_left_alone_unless_the_file_says_otherwise() {
    let of = |value: &str| GOOD.replacen("[video]", &format!("renew_library = {value}\n\n[video]"), 1);
    assert!(!parse("small.toml", GOOD).unwrap().renew_library);
    assert!(parse("small.toml", &of("true")).unwrap().renew_library);
    assert!(!parse("small.toml", &of("false")).unwrap().renew_library);
    assert_eq!(
        report(&of("\"yes\"")),
        "small.toml:4:17: `renew_library` is a string, not true or false\n  help: replace the value"
    );
}

#[test]
fn sound_is_brought_to_minus_16_lufs_unless_the_file_says_otherwise() {
    let of = |lines: &str| {
        let text = GOOD.replacen("channels = 2", &format!("channels = 2\n{lines}"), 1);
        let loudness = parse("small.toml", &text).unwrap().audio.loudness;
        loudness.map(|target| (target.integrated_lufs, target.max_true_peak_dbtp))
    };
    assert_eq!(of(""), Some((-16.0, -1.0)));
    assert_eq!(of("loudness_lufs = -23"), Some((-23.0, -1.0)));
    assert_eq!(of("loudness_lufs = -18.5\ntrue_peak_dbtp = -2"), Some((-18.5, -2.0)));
    assert_eq!(of("true_peak_dbtp = -1.5"), Some((-16.0, -1.5)));
    assert_eq!(of("loudness_lufs = \"source\""), None);
}

#[test]
fn opus_is_encoded_where_it_is_asked_for() {
    let of = |line: &str| parse("small.toml", &GOOD.replacen("channels = 2", &format!("channels = 2\n{line}"), 1));
    assert_eq!(of("").unwrap().audio.opus_bitrate_bps, None);
    assert_eq!(of("opus_bitrate_kbps = 48").unwrap().audio.opus_bitrate_bps, Some(48_000));
    let said = of("opus_bitrate_kbps = 8").unwrap_err().to_string();
    assert!(said.contains("`audio.opus_bitrate_kbps` is 8, outside 16 to 320 kbit/s"), "{said}");
}

#[test]
fn rungs_may_be_inline_tables() {
    let text = GOOD
        .split("[[rung]]")
        .next()
        .unwrap()
        .replace("[video]", "rung = [{ name = \"360p\", height = 360, max_bitrate_kbps = 800 }]\n[video]");
    assert_eq!(parse("x", &text).unwrap().rungs.len(), 1);
}

#[test]
fn each_known_mistake_has_its_report() {
    let one = |line, replacement, expected: &str| assert_eq!(with(line, replacement), expected, "{replacement}");
    one(
        "height = 720",
        "hieght = 720",
        "small.toml:13:1: `rung[0].height` is missing\n  help: add `height = 720`\n\
         small.toml:15:1: `hieght` is not a key of `rung[0]`\n  help: did you mean `height`?",
    );
    one(
        "height = 720",
        "height = 719",
        "small.toml:15:10: `rung[0].height` is 719, an odd number\n  help: write 718 or 720",
    );
    one(
        "max_bitrate_kbps = 2800",
        "max_bitrate_kbps = 0",
        "small.toml:16:20: `rung[0].max_bitrate_kbps` is 0, outside 32 to 200000 kbit/s\n  help: choose a value from 32 to 200000",
    );
    one(
        "max_bitrate_kbps = 2800",
        "max_bitrate_kbps = 700",
        "small.toml:16:20: `rung[0].max_bitrate_kbps` is 700, not above the 800 of \"360p\", which has only 360 lines\n  \
         help: write more than 800 here, or lower `rung[1].max_bitrate_kbps`",
    );
    one(
        "buffer_kbits = 1600",
        "buffer_kbits = 16000",
        "small.toml:22:16: `rung[1].buffer_kbits` is 16000, not half to four times the cap of 800\n  help: write 1200, or leave it out",
    );
    one(
        "name = \"360p\"",
        "name = \"720p\"",
        "small.toml:19:8: `rung[1].name` is \"720p\", as is `rung[0].name`\n  help: give each rung a name of its own",
    );
    one(
        "preset = \"veryfast\"",
        "preset = \"very fast\"",
        "small.toml:6:10: `video.preset` is \"very fast\", which is not known\n  help: did you mean \"veryfast\"?",
    );
    one("crf = 23", "crf = \"23\"", "small.toml:7:7: `video.crf` is a string, not a number\n  help: remove the quotes");
    one(
        "crf = 23",
        "crf = nan",
        "small.toml:7:7: `video.crf` is NaN, outside 0 to 51\n  help: choose a value near 23; lower is better and larger",
    );
    one(
        "name = \"small\"",
        "name = \"../x\"",
        "small.toml:1:8: `name` is not a plain name\n  help: use 1 to 32 lower-case letters, digits and hyphens, and no hyphen first",
    );
    one(
        "channels = 2",
        "channels = 2\nloudness_lufs = -3",
        "small.toml:12:17: `audio.loudness_lufs` is -3, outside -30 to -10 LUFS\n  \
         help: choose a value near -16, or \"source\" to leave the sound as loud as it is; higher is louder",
    );
    one(
        "channels = 2",
        "channels = 2\nloudness_lufs = \"-16\"",
        "small.toml:12:17: `audio.loudness_lufs` is a string, not a number\n  help: remove the quotes",
    );
    one(
        "channels = 2",
        "channels = 2\nloudness_lufs = \"sauce\"",
        "small.toml:12:17: `audio.loudness_lufs` is \"sauce\", which is not known\n  help: did you mean \"source\"?",
    );
    one(
        "channels = 2",
        "channels = 2\ntrue_peak_dbtp = 1.5",
        "small.toml:12:18: `audio.true_peak_dbtp` is 1.5, outside -9 to 0 dBTP\n  \
         help: choose a value near -1; encoded sound peaks a little higher",
    );
    one(
        "channels = 2",
        "channels = 2\nloudness_lufs = \"source\"\ntrue_peak_dbtp = -2",
        "small.toml:13:18: `audio.true_peak_dbtp` is for sound whose loudness is set\n  \
         help: remove it, or write a number for `audio.loudness_lufs`",
    );
    one("codec = \"h264\"", "", "small.toml:4:1: `video.codec` is missing\n  help: add `codec = \"h264\"`");
}

/// [`GOOD`] with a rung of 720 lines in AV1 that has these lines besides.
fn with_av1(lines: &str) -> String {
    format!("{GOOD}\n[[rung]]\nname = \"720p-av1\"\nheight = 720\nmax_bitrate_kbps = 1800\ncodec = \"av1\"\n{lines}")
}

#[test]
fn rungs_of_other_codecs_follow_those_of_h264_with_settings_of_their_own() {
    let text = GOOD.replace("crf = 23", "crf = 23\ntune = \"grain\"");
    let text = format!(
        "{text}\n[[rung]]\nname = \"1080p-vp9\"\nheight = 1080\nmax_bitrate_kbps = 90\ncodec = \"vp9\"\npreset = 5\ncrf = 32\ntune = \"screen\"\n\
         [[rung]]\nname = \"360p-hevc\"\nheight = 360\nmax_bitrate_kbps = 500\ncodec = \"hevc\"\npreset = \"slow\"\ncrf = 25.5\n"
    );
    let ladder = parse("small.toml", &text).unwrap();
    let rungs: Vec<_> = ladder
        .rungs
        .iter()
        .map(|rung| {
            (rung.name.as_str(), rung.encoding.preset.as_str(), rung.encoding.crf, rung.encoding.tune.as_deref())
        })
        .collect();
    let expected = [
        ("360p", "medium", 24.5, Some("film")),
        ("720p", "veryfast", 23.0, Some("grain")),
        ("360p-hevc", "slow", 25.5, None),
        ("1080p-vp9", "5", 32.0, Some("screen")),
    ];
    assert_eq!(rungs, expected);
    assert_eq!(parse("x", &with_av1("preset = 8\ncrf = 35")).unwrap().rungs.len(), 3);
}

#[test]
fn each_mistake_about_a_codec_has_its_report() {
    let one = |lines: &str, expected: &str| assert_eq!(report(&with_av1(lines)), expected, "{lines}");
    one(
        "",
        "small.toml:27:1: `rung[2].preset` is missing, and `video.preset` is for h264\n  help: add `preset = 8`\n\
         small.toml:27:1: `rung[2].crf` is missing, and `video.crf` is for h264\n  help: add `crf = 35`",
    );
    one(
        "preset = \"medium\"\ncrf = 35",
        "small.toml:32:10: `rung[2].preset` is a word, and av1 takes a number\n  help: choose a value from 0 to 13; higher is faster",
    );
    one(
        "preset = \"8\"\ncrf = 35",
        "small.toml:32:10: `rung[2].preset` is a string, not a whole number\n  help: remove the quotes",
    );
    one(
        "preset = 14\ncrf = 64",
        "small.toml:32:10: `rung[2].preset` is 14, outside 0 to 13 of this encoder\n  help: choose a value from 0 to 13\n\
         small.toml:33:7: `rung[2].crf` is 64, outside 0 to 63\n  help: choose a value near 35; lower is better and larger",
    );
    one(
        "preset = 8\ncrf = 35.5",
        "small.toml:33:7: `rung[2].crf` is 35.5, and av1 takes whole numbers\n  help: write 35 or 36",
    );
    one(
        "preset = 8\ncrf = 35\ntune = \"film\"",
        "small.toml:34:8: `rung[2].tune` is \"film\", which is not known\n  help: choose one of: vq",
    );
    let with = |from: &str, to: &str| report(&GOOD.replacen(from, to, 1));
    assert_eq!(
        with("codec = \"h264\"", "codec = \"h265\""),
        "small.toml:5:9: `video.codec` is not called so here\n  help: did you mean \"hevc\"?"
    );
    assert_eq!(
        with("preset = \"veryfast\"", "preset = 6"),
        "small.toml:6:10: `video.preset` is a number, and h264 takes a word\n  \
         help: choose one of: ultrafast, superfast, veryfast, faster, fast, medium, slow, slower, veryslow"
    );
}

#[test]
fn a_ladder_without_h264_is_refused_where_another_codec_was_chosen() {
    const TOLD: &str = "no rung is of h264, which a recording is first played in and some players need\n  \
                        help: add a `[[rung]]` with `codec = \"h264\"`, its own `preset` and `crf`";
    let hevc = GOOD.replace("codec = \"h264\"", "codec = \"hevc\"").replace("tune = \"film\"", "tune = \"grain\"");
    assert_eq!(report(&hevc), format!("small.toml:5:9: {TOLD}"));
    let own = GOOD.replace("buffer_kbits = 1600", "codec = \"hevc\"").replace("tune = \"film\"", "");
    let own = own
        .replace("max_bitrate_kbps = 2800", "max_bitrate_kbps = 2800\ncodec = \"hevc\"\npreset = \"fast\"\ncrf = 26");
    assert_eq!(report(&own), format!("small.toml:17:9: {TOLD}"));
    assert!(parse("x", &format!("{hevc}\n[[rung]]\nname = \"240p\"\nheight = 240\nmax_bitrate_kbps = 300\ncodec = \"h264\"\npreset = \"fast\"\ncrf = 23\n")).is_ok());
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_text() {
    let text =
        GOOD.replace("crf = 23\n", "crf = 99\n").replace("channels = 2", "channels = 6").replace("360\n", "361\n");
    let lines: Vec<u32> = parse("x", &text).unwrap_err().mistakes.iter().map(|mistake| mistake.line).collect();
    assert_eq!(lines, [7, 11, 20]);
}

#[test]
fn a_broken_or_empty_file_is_told_what_to_do() {
    assert!(report("name = ").starts_with("small.toml:1:8: not TOML: "), "{}", report("name = "));
    let paths: Vec<String> = parse("x", "").unwrap_err().mistakes.into_iter().map(|mistake| mistake.path).collect();
    assert_eq!(paths, ["name", "description", "video", "audio", "rung"]);
    assert!(report("rung = 3").contains("`rung` is not a list of sections"));
    assert!(report("rung = []").contains("`rung` is empty"));
    assert!(report(&"#".repeat(100_000)).contains("more than 65536"));
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,300}") {
        let _ = parse("x", &text);
    }

    #[test]
    fn no_edit_of_a_good_file_makes_the_reader_panic(
        which in 0usize..catalog().len(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), "[\\[\\]{}=\"'.,a-z0-9\n_ -]{0,12}", 0usize..20), 1..6),
    ) {
        let mut text: Vec<char> = catalog()[which].1.chars().collect();
        for (index, insert, remove) in edits {
            let at = index.index(text.len() + 1);
            let end = (at + remove).min(text.len());
            text.splice(at..end, insert.chars());
        }
        let text: String = text.into_iter().collect();
        match parse("x", &text) {
            Ok(ladder) => {
                prop_assert!(ladder.rungs.is_sorted_by(|a, b| a.encoding.codec < b.encoding.codec || (a.height < b.height
                    && a.encoding.max_bitrate_bps < b.encoding.max_bitrate_bps)));
                prop_assert_eq!(ladder.rungs[0].encoding.codec, VideoCodec::H264);
            }
            Err(report) => prop_assert!(!report.mistakes.is_empty() && report.mistakes.iter().all(|m| !m.cure.is_empty())),
        }
    }
}

#[test]
fn the_hash_is_of_the_bytes_of_the_file() {
    let changed = GOOD.replace("For tests.", "For tests!");
    assert_ne!(parse("x", GOOD).unwrap().sha256, parse("x", &changed).unwrap().sha256);
    assert_eq!(builtin("lecture"), builtin("lecture"));
}

#[test]
fn high_dynamic_range_needs_ten_bits() {
    let rung = |codec: &str, range: &str| {
        let own = format!("codec = \"{codec}\"\npreset = PRESET\ncrf = 30\ndynamic_range = \"{range}\"\n");
        let preset = if matches!(codec, "h264" | "hevc") { "\"fast\"" } else { "8" };
        let name = "[[rung]]\nname = \"deep\"\nheight = 540\nmax_bitrate_kbps = 1200\n";
        format!("{GOOD}\n{name}{}", own.replace("PRESET", preset))
    };
    for codec in ["hevc", "av1"] {
        let ladder = parse("small.toml", &rung(codec, "hdr")).unwrap();
        assert_eq!(ladder.rungs.last().map(|rung| rung.encoding.dynamic_range), Some(DynamicRange::Hdr), "{codec}");
    }
    for codec in ["h264", "vp9"] {
        let report = report(&rung(codec, "hdr"));
        assert!(
            report.contains(&format!("`rung[2].dynamic_range` is \"hdr\", and {codec} has 8 bits here")),
            "{report}"
        );
        assert!(report.contains("(hevc, av1)"), "{report}");
    }
    let report = report(&rung("hevc", "hlg"));
    assert!(report.contains("`rung[2].dynamic_range` is \"hlg\", which is not known"), "{report}");
}
