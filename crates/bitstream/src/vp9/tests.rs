#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::av1::ffmpeg::ffmpeg;

/// The frames of an IVF file.
fn samples(file: &[u8]) -> Vec<&[u8]> {
    let (mut rest, mut out) = (&file[32..], Vec::new());
    while !rest.is_empty() {
        let size = u32::from_le_bytes(rest[..4].try_into().unwrap()) as usize;
        out.push(&rest[12..12 + size]);
        rest = &rest[12 + size..];
    }
    out
}

fn encoded(options: &str) -> Vec<u8> {
    let mut arguments = vec!["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=192x128:r=25,rotate=t"];
    arguments.extend(options.split(' '));
    arguments.extend(["-c:v", "libvpx-vp9", "-f", "ivf", "pipe:1"]);
    ffmpeg(&arguments, &[]).0
}

/// For each frame whether it is shown and, unless it only shows another, the bytes of its uncompressed header.
fn traced(file: &[u8]) -> Vec<(bool, Option<usize>)> {
    let arguments = ["-f", "ivf", "-i", "pipe:0", "-c", "copy", "-bsf:v", "trace_headers", "-f", "null", "-"];
    let (_, log) = ffmpeg(&arguments, file);
    let mut out: Vec<(bool, Option<usize>)> = Vec::new();
    for line in log[log.find("Packet: ").unwrap()..].lines().filter_map(|line| Some(line.split_once("] ")?.1)) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [_, "show_existing_frame", .., _] => out.push((true, None)),
            [_, "show_frame", .., value] => out.last_mut().unwrap().0 = value == "1",
            [at, "header_size_in_bytes", ..] => {
                out.last_mut().unwrap().1 = Some((at.parse::<usize>().unwrap() + 16).div_ceil(8));
            }
            _ => {}
        }
    }
    out
}

fn read(file: &[u8]) -> Vec<Frame> {
    let mut frames = Frames::new();
    let mut all = Vec::new();
    for sample in samples(file) {
        let mut out = Vec::new();
        frames.headers(sample, &mut out).unwrap();
        assert_eq!(out[0].keyframe, is_keyframe(sample));
        assert!(out.windows(2).all(|pair| pair[0].range.end == pair[1].range.start));
        all.extend(out);
    }
    all
}

fn check(file: &[u8], name: &str) -> Vec<Frame> {
    let (frames, expected) = (read(file), traced(file));
    assert_eq!(frames.len(), expected.len(), "{name}");
    for (frame, (shown, clear)) in frames.iter().zip(expected) {
        assert_eq!((frame.shown, frame.clear), (shown, clear.unwrap_or(frame.range.len())), "{name}");
    }
    frames
}

#[test]
fn headers_end_where_another_reader_finds_it() {
    for (options, format) in [
        ("-frames:v 8 -pix_fmt yuv420p -tile-rows 1", (0, 8, true, true)),
        ("-frames:v 8 -pix_fmt yuv420p10le -error-resilient 1", (2, 10, true, true)),
        ("-frames:v 8 -pix_fmt yuv422p12le -aq-mode 2 -lossless 1", (3, 12, true, false)),
        ("-frames:v 30 -pix_fmt yuv444p -deadline realtime -cpu-used 8 -aq-mode 3 -b:v 30k", (1, 8, false, false)),
    ] {
        let frames = check(&encoded(options), options);
        assert!(frames.iter().all(|frame| (frame.width, frame.height) == (192, 128)), "{options}");
        let first = frames[0].format.unwrap();
        assert_eq!((first.profile, first.bit_depth, first.subsampling_x, first.subsampling_y), format, "{options}");
        for frame in &frames {
            let protected = frame.protected();
            assert_eq!((protected.len() % 16, protected.end), (0, frame.range.end));
            let clear = protected.start - frame.range.start;
            assert!(clear >= frame.clear && clear < frame.clear + 16);
        }
    }
}

#[test]
fn hidden_frames_are_found_in_superframes() {
    // Only the second of two passes makes them.
    let folder = std::env::temp_dir().join(format!("bitstream-vp9-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let log = folder.join("pass");
    let options = |pass: u32| {
        let log = log.display();
        format!(
            "-frames:v 30 -pix_fmt yuv420p -b:v 60k -auto-alt-ref 1 -lag-in-frames 16 -cpu-used 4 -pass {pass} -passlogfile {log}"
        )
    };
    encoded(&options(1));
    let file = encoded(&options(2));
    std::fs::remove_dir_all(&folder).unwrap();
    let frames = check(&file, "two passes");
    assert!(frames.iter().any(|frame| !frame.shown));
    assert_eq!(frames.iter().filter(|frame| frame.shown).count(), 30);
}

#[test]
fn a_superframe_has_the_frames_its_index_says() {
    let ranges = |sample: &[u8]| frames(sample).map(|frames| frames.collect::<Vec<_>>());
    // Two frames of 3 and 2 bytes; sizes of one byte, then of two.
    assert_eq!(ranges(&[1, 2, 3, 4, 5, 0xc1, 3, 2, 0xc1]), Some(vec![0..3, 3..5]));
    assert_eq!(ranges(&[1, 2, 3, 4, 5, 0xc9, 3, 0, 2, 0, 0xc9]), Some(vec![0..3, 3..5]));
    assert_eq!(ranges(&[1, 2, 3, 4, 5, 0xc1, 3, 3, 0xc1]), None, "more than there is");
    assert_eq!(ranges(&[1, 2, 0xc1]), Some(std::iter::once(0..3).collect()), "no index");
    assert_eq!(ranges(&[]), Some(vec![]));
}

#[test]
fn records_and_codecs_strings_agree() {
    let format = |profile, bit_depth, color_space, odd: bool| Format {
        profile,
        bit_depth,
        color_space,
        full_range: color_space == 7,
        subsampling_x: !odd,
        subsampling_y: !odd,
    };
    for (format, size, rate, string) in [
        (format(0, 8, 0, false), (1280, 720), Some((30, 1)), "vp09.00.31.08"),
        (format(0, 8, 2, false), (1920, 1080), Some((60, 1)), "vp09.00.41.08"),
        (format(0, 8, 1, false), (640, 360), Some((25, 1)), "vp09.00.21.08.01.06.06.06.00"),
        (format(2, 10, 5, false), (3840, 2160), None, "vp09.02.50.10.01.09.14.09.00"),
        (format(1, 8, 7, true), (256, 144), Some((15, 1)), "vp09.01.10.08.03.01.13.00.01"),
    ] {
        let record = Record::new(&format, size.0, size.1, rate);
        assert_eq!(Record::parse(&record.to_bytes()), Some(record));
        assert_eq!(codec_string(&record.to_bytes()).as_deref(), Some(string));
    }
    assert_eq!(codec_string(&[0, 31, 0x92, 1, 1, 1, 0, 0]), None, "9 bit");
}

proptest! {
    #[test]
    fn no_bytes_make_the_readers_panic(
        mut bytes in prop::collection::vec(any::<u8>(), 0..120),
        marker in 0xc0u8..0xe0,
        key in any::<bool>(),
    ) {
        let mut state = Frames::new();
        for step in 0..4 {
            if step == 1 && bytes.len() > 4 {
                bytes[..4].copy_from_slice(&[if key { 0x82 } else { 0x86 }, 0x49, 0x83, 0x42]);
            }
            let mut out = Vec::new();
            if state.headers(&bytes, &mut out).is_some() {
                for frame in &out {
                    prop_assert!(frame.range.end <= bytes.len() && frame.clear <= frame.range.len());
                    prop_assert!(frame.protected().start >= frame.range.start + frame.clear);
                }
            }
            let _ = (is_keyframe(&bytes), codec_string(&bytes));
            bytes.push(marker);
        }
    }
}
