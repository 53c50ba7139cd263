//! What an operator reads after a mistake.
#![allow(clippy::unwrap_used)]

use ladders::{builtin, catalog, parse};
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
        which in 0usize..3,
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
                prop_assert!(ladder.rungs.is_sorted_by(|a, b| a.height < b.height
                    && a.encoding.max_bitrate_bps < b.encoding.max_bitrate_bps));
                prop_assert!(!ladder.rungs.is_empty());
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
