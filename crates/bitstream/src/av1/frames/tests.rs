//! Headers and tiles against FFmpeg's own reading of what real encoders write.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::av1::ffmpeg::ffmpeg;
use crate::av1::{is_keyframe, record};

/// The temporal units of a stream, each from its delimiter on.
fn units(stream: &[u8]) -> Vec<&[u8]> {
    let starts: Vec<usize> = obu::obus(stream)
        .map(|obu| obu.unwrap())
        .filter(|obu| obu.kind == obu::TEMPORAL_DELIMITER)
        .map(|obu| obu.whole.start)
        .chain([stream.len()])
        .collect();
    starts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect()
}

/// The bit after each frame header, counted from the start of its OBU, by `trace_headers`; `None` where the log leaves it
/// open, since it does not say how wide the codes of global motion are.
fn traced(stream: &[u8]) -> Vec<Option<usize>> {
    let arguments = ["-f", "obu", "-i", "pipe:0", "-c", "copy", "-bsf:v", "trace_headers", "-f", "null", "-"];
    let (_, log) = ffmpeg(&arguments, stream);
    let mut ends = Vec::new();
    let mut inside = false;
    let packets = log.find("Packet: ").unwrap();
    for line in log[packets..].lines().filter_map(|line| Some(line.split_once("] ")?.1)) {
        if line.starts_with("Frame Header") {
            inside = true;
            ends.push(None);
            continue;
        }
        let mut words = line.split_whitespace();
        let (Some(Ok(position)), Some(name)) = (words.next().map(str::parse::<usize>), words.next()) else {
            inside &= line.starts_with("Tile Group");
            continue;
        };
        if !inside {
            continue;
        }
        *ends.last_mut().unwrap() = match name {
            "zero_bit" | "trailing_one_bit" | "tile_start_and_end_present_flag" => {
                inside = false;
                Some(position)
            }
            _ => {
                let digits = words.next().filter(|word| word.bytes().all(|byte| matches!(byte, b'0' | b'1')));
                digits.map(|digits| position + digits.len())
            }
        };
    }
    ends
}

/// The same by this crate; also checks that tiles fill what the headers leave.
fn read(stream: &[u8]) -> (Vec<usize>, usize) {
    let mut ends = Vec::new();
    let (mut frames, mut twin) = (Frames::new(), Frames::new());
    let mut count = 0;
    for unit in units(stream) {
        let mut out = Vec::new();
        for obu in obu::obus(unit).map(|obu| obu.unwrap()) {
            if matches!(obu.kind, obu::FRAME | obu::FRAME_HEADER) && frames.current.is_none() {
                let bits = frames.clone().header(&unit[obu.payload.clone()], &obu).unwrap();
                ends.push((obu.payload.start - obu.whole.start) * 8 + bits);
            }
            let before = out.len();
            frames.obu(unit, &obu, &mut out).unwrap();
            if let Some(last) = out[before..].last() {
                assert_eq!(last.end, obu.whole.end);
            }
        }
        let mut again = Vec::new();
        twin.tiles(unit, &mut again).unwrap();
        assert_eq!(out, again);
        count += out.len();
    }
    (ends, count)
}

fn check(stream: &[u8], name: &str) -> usize {
    let expected = traced(stream);
    let (ends, tiles) = read(stream);
    assert_eq!(ends.len(), expected.len(), "{name}");
    let open = expected.iter().filter(|end| end.is_none()).count();
    assert!(open * 3 <= ends.len(), "{name}: too little to compare");
    for (number, (end, expected)) in ends.iter().zip(expected).enumerate() {
        assert_eq!(*end, expected.unwrap_or(*end), "{name}, header {number}");
    }
    tiles
}

/// Pictures from a test source, coded as `options` say.
fn encoded(source: &str, options: &str) -> Vec<u8> {
    let mut arguments = vec!["-v", "error", "-f", "lavfi", "-i", source];
    arguments.extend(options.split(' '));
    arguments.extend(["-f", "obu", "pipe:1"]);
    ffmpeg(&arguments, &[]).0
}

#[test]
fn headers_and_tiles_are_where_another_reader_finds_them() {
    const MOVING: &str = "testsrc2=s=192x128:r=25,rotate=t";
    const AOM: &str = "-frames:v 8 -pix_fmt yuv420p -c:v libaom-av1 -cpu-used 6 -crf 50";
    for (options, tiles_at_least) in [
        (AOM.to_owned(), 8),
        (format!("{AOM} -tiles 2x2 -denoise-noise-level 10 -aom-params num-tile-groups=2:aq-mode=1"), 32),
        (format!("{AOM} -pix_fmt yuv444p10le -error-resilience default -aom-params timing-info=model"), 8),
        (format!("{AOM} -aom-params tune-content=screen:sb-size=128:enable-qm=1:enable-order-hint=0"), 8),
        ("-frames:v 18 -pix_fmt yuv420p10le -c:v libsvtav1 -preset 10 -crf 50".to_owned(), 18),
        ("-frames:v 8 -pix_fmt yuv420p -c:v librav1e -speed 10 -tiles 4".to_owned(), 16),
    ] {
        let stream = encoded(MOVING, &options);
        let units = units(&stream);
        assert!(check(&stream, &options) >= tiles_at_least, "{options}");
        assert!(is_keyframe(units[0]) && !is_keyframe(units[1]), "{options}");
        assert!(record(units[0]).is_some() && record(units[1]).is_none(), "{options}");
    }
}

#[test]
fn a_damaged_unit_is_refused_and_the_next_key_frame_read() {
    let stream =
        encoded("testsrc2=s=64x64:r=25", "-frames:v 4 -pix_fmt yuv420p -c:v libaom-av1 -cpu-used 8 -crf 60 -g 2");
    let units = units(&stream);
    let mut frames = Frames::new();
    let mut out = Vec::new();
    assert_eq!(frames.tiles(units[1], &mut out), None, "no sequence header was seen");
    assert_eq!(frames.tiles(&units[0][..units[0].len() - 1], &mut out), None);
    out.clear();
    assert_eq!(frames.tiles(units[0], &mut out), Some(()));
    assert_eq!(out.len(), 1);
    assert_eq!(out[0].end, units[0].len());
}

#[test]
fn a_record_is_enough_to_read_on_without_sequence_headers() {
    let stream = encoded("testsrc2=s=64x64:r=25", "-frames:v 2 -pix_fmt yuv420p -c:v libaom-av1 -cpu-used 8 -crf 60");
    let unit = units(&stream)[0];
    let bare: Vec<u8> = obu::obus(unit)
        .map(|obu| obu.unwrap())
        .filter(|obu| obu.kind == obu::FRAME)
        .flat_map(|obu| unit[obu.whole].to_vec())
        .collect();
    let mut out = Vec::new();
    assert_eq!(Frames::with_record(&record(unit).unwrap()).tiles(&bare, &mut out), Some(()));
    assert_eq!(out.len(), 1);
}

#[test]
fn protection_covers_whole_blocks_up_to_the_end_of_a_tile() {
    for (tile, expected) in [(3..3 + 15, 18..18), (3..3 + 16, 3..19), (3..3 + 47, 18..50)] {
        assert_eq!(protected(&tile), expected);
    }
}
