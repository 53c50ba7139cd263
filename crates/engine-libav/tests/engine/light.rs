//! High dynamic range: what is known of a source, what renditions keep of it, and Dolby Vision without a base.

use std::fs;
use std::path::{Path, PathBuf};

use bitstream::{av1, hevc};
use media_types::{CodecConfig, ContentLight, DynamicRange, HdrTransfer, HdrVideo, MasteringDisplay, VideoCodec};
use pipeline::{CollectingSink, Engine, EngineError, Judge, Quality, RangeOrder};

use crate::decoding::{decode_as, encode};
use crate::media::{Folder, open, planned};

/// The colours of P3 and 1,000 cd/m², as x265 takes them and as the stream says them.
const SCREEN: &str =
    "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):max-cll=1000,400";
const MASTERING: MasteringDisplay = MasteringDisplay {
    primaries: [(13_250, 34_500), (7_500, 3_000), (34_000, 16_000)],
    white: (15_635, 16_450),
    max_luminance: 10_000_000,
    min_luminance: 1,
};
const LIGHT: ContentLight = ContentLight { max_content: 1000, max_average: 400 };

/// Columns of so many pixels, each of one code value of luma; the lower half in the deepest green of BT.2020 or thereabouts.
const COLUMN: usize = 20;
const COLUMNS: [u16; 8] = [64, 153, 312, 440, 507, 594, 723, 940];
const GREEN: [u16; 3] = [520, 300, 280];

/// Pictures of [`COLUMNS`] and a spot that moves, encoded as `output` says.
fn columns(folder: &Folder, size: &str, transfer: &str, output: &str) -> PathBuf {
    let steps: Vec<String> =
        COLUMNS.iter().enumerate().map(|(at, value)| format!("{value}*eq(floor(X/{COLUMN})\\,{at})")).collect();
    let spot = "between(Y\\,40\\,47)*between(X\\,N\\,N+7)";
    let lower = "gte(Y\\,H/2)";
    let luma = format!("if({spot}\\,600\\,if({lower}\\,{}\\,{}))", GREEN[0], steps.join("+"));
    let chroma = |plane: usize| format!("if({lower}\\,{}\\,512)", GREEN[plane]);
    let tags = format!("-color_primaries bt2020 -color_trc {transfer} -colorspace bt2020nc -color_range tv");
    folder.make(&format!(
        "-f lavfi -i color=black:s={size}:r=25:d=2,format=yuv420p10le,geq=lum={luma}:cb={}:cr={} {tags} {output}",
        chroma(1),
        chroma(2)
    ))
}

fn x265(parameters: &str) -> String {
    format!("-c:v libx265 -preset ultrafast -x265-params lossless=1:log-level=none:{parameters}")
}

fn hdr(file: &Path) -> Option<HdrVideo> {
    open(file).probe().unwrap().video.unwrap().hdr
}

#[test]
fn a_source_of_high_dynamic_range_says_so_wherever_it_does() {
    let folder = Folder::new();
    let told = HdrVideo { transfer: HdrTransfer::Pq, mastering: Some(MASTERING), content_light: Some(LIGHT) };
    // In the pictures alone: Debian's FFmpeg writes no boxes of its own encoders' making.
    for name in ["a.mp4", "a.ts", "a.mkv"] {
        let file = columns(&folder, "160x96", "smpte2084", &format!("{} {name}", x265(SCREEN)));
        assert_eq!(hdr(&file), Some(told), "{name}");
    }
    let file = columns(&folder, "160x96", "arib-std-b67", &format!("{} b.mp4", x265("pools=none")));
    assert_eq!(hdr(&file), Some(HdrVideo { transfer: HdrTransfer::Hlg, mastering: None, content_light: None }));
}

#[test]
fn what_is_not_of_bt_2100_counts_as_standard() {
    let folder = Folder::new();
    for (transfer, output) in [
        ("bt2020-10", "-c:v ffv1 wide.mkv"),
        ("smpte2084", "-pix_fmt yuv420p -c:v ffv1 eight-bits.mkv"),
        ("smpte2084", "-color_primaries smpte432 -c:v ffv1 p3.mkv"),
    ] {
        assert_eq!(hdr(&columns(&folder, "160x96", transfer, output)), None, "{output}");
    }
}

/// The order for a file's first segment, in one rendition of high dynamic range for each codec.
fn high(file: &Path, codecs: &[VideoCodec]) -> (engine_libav::LibavEngine, RangeOrder) {
    let (engine, _, plan) = planned(file);
    let mut video = plan.video.unwrap();
    let lowest = video.renditions.remove(0);
    video.renditions.clear();
    for &codec in codecs {
        let mut rendition = lowest.clone();
        rendition.encoding.codec = codec;
        rendition.encoding.dynamic_range = DynamicRange::Hdr;
        rendition.encoding.max_bitrate_bps = 4_000_000;
        rendition.encoding.buffer_bits = 8_000_000;
        let (preset, crf) = if codec == VideoCodec::Hevc { ("veryfast", 16.0) } else { ("9", 16.0) };
        (rendition.encoding.preset, rendition.encoding.crf) = (preset.to_owned(), crf);
        video.renditions.push(rendition);
    }
    let all: Vec<usize> = (0..codecs.len()).collect();
    (engine, RangeOrder::new(&video, &video.ranges[0], &all))
}

/// Means of the three planes of a picture of 16-bit samples in 4:2:0, around a place.
fn around(picture: &[u8], (width, height): (usize, usize), (x, y): (usize, usize)) -> [f64; 3] {
    let luma = width * height * 2;
    [(0, width, 1), (luma, width / 2, 2), (luma + luma / 4, width / 2, 2)].map(|(start, columns, by)| {
        let mut sum = 0.0;
        for (dx, dy) in (0..4).flat_map(|dx| (0..4).map(move |dy| (dx, dy))) {
            let at = start + 2 * ((y / by + dy) * columns + x / by + dx);
            sum += f64::from(u16::from_le_bytes([picture[at], picture[at + 1]]));
        }
        sum / 16.0
    })
}

fn check_columns(picture: &[u8], size: (usize, usize), what: &str) {
    for (at, &value) in COLUMNS.iter().enumerate() {
        let x = (at * COLUMN + 8) * size.0 / 160;
        for (y, expected) in [(16, [value, 512, 512]), (70, GREEN)] {
            let found = around(picture, size, (x & !1, y * size.1 / 96));
            let near = found.iter().zip(expected).all(|(found, wanted)| (found - f64::from(wanted)).abs() <= 3.0);
            assert!(near, "{what}: {found:?} at {x}, {y}, not {expected:?}");
        }
    }
}

#[test]
fn pictures_of_high_dynamic_range_keep_their_numbers_in_every_deep_codec() {
    let folder = Folder::new();
    for (transfer, point, parameters) in [("smpte2084", 16, SCREEN), ("arib-std-b67", 18, "pools=none")] {
        let file = columns(&folder, "160x96", transfer, &format!("{} film.mp4", x265(parameters)));
        let (mut engine, order) = high(&file, &[VideoCodec::Hevc, VideoCodec::Av1]);
        let (sink, _) = encode(&mut engine, &order);
        for track in 0..2 {
            let (config, samples) = (&sink.configs[&track].0, &sink.samples[&track]);
            let what = format!("{transfer} in {:?}", order.renditions[track as usize].encoding.codec);
            let (depth, colour, light) = match config {
                CodecConfig::Hevc(record) => {
                    let read = hevc::Record::parse(record).unwrap();
                    let colour = read.first_sps().unwrap().colour.unwrap();
                    assert_eq!((read.profile_tier_level.profile, colour.full_range), (2, false), "{what}");
                    (read.bit_depth_luma, [colour.primaries, colour.transfer, colour.matrix], read.light())
                }
                CodecConfig::Av1(record) => {
                    let read = av1::Record::parse(record).unwrap();
                    let colour = read.sequence_header().unwrap().colour.unwrap();
                    (read.bit_depth, [colour.primaries, colour.transfer, colour.matrix], read.light())
                }
                other => panic!("{other:?}"),
            };
            assert_eq!((depth, colour), (10, [9, point, 9]), "{what}");
            let stated = point == 16;
            assert_eq!(
                light.mastering.map(|display| display.primaries),
                stated.then_some(MASTERING.primaries),
                "{what}"
            );
            let luminance =
                light.mastering.map(|display| (display.max_luminance, display.min_luminance, display.white));
            assert_eq!(luminance, stated.then_some((10_000_000, 1, MASTERING.white)), "{what}");
            assert_eq!(
                light.content.map(|light| (light.max_content, light.max_average)),
                stated.then_some((1000, 400))
            );
            let pictures = decode_as(&folder, config, samples, "yuv420p10le");
            check_columns(&pictures[..160 * 96 * 3], (160, 96), &what);
        }
        let again = encode(&mut engine, &order).0;
        assert!(again == sink, "{transfer}: equal orders give equal bytes");
    }
}

#[test]
fn odd_sizes_and_colours_that_no_standard_screen_has_come_out_in_both_ranges() {
    let folder = Folder::new();
    let file = columns(&folder, "161x97", "smpte2084", "-c:v ffv1 odd.mkv");
    let (mut engine, mut order) = high(&file, &[VideoCodec::Hevc]);
    let (sink, _) = encode(&mut engine, &order);
    let pictures = decode_as(&folder, &sink.configs[&0].0, &sink.samples[&0], "yuv420p10le");
    check_columns(&pictures[..160 * 96 * 3], (160, 96), "odd");
    let encoding = &mut order.renditions[0].encoding;
    (encoding.codec, encoding.dynamic_range) = (VideoCodec::H264, DynamicRange::Sdr);
    let (sink, _) = encode(&mut engine, &order);
    let pictures = decode_as(&folder, &sink.configs[&0].0, &sink.samples[&0], "rgb24");
    let pixel = &pictures[(72 * 160 + 80) * 3..][..3];
    assert!(pixel[0] < 60 && pixel[1] > 150 && pixel[2] < 60, "green of BT.2020 became {pixel:?}");
}

#[test]
fn standard_pictures_between_those_of_high_range_are_shown_at_paper_white() {
    let folder = Folder::new();
    let output = |name: &str| format!("{} -muxdelay 0 {name}", x265(SCREEN));
    let first = columns(&folder, "160x96", "smpte2084", &output("first.ts"));
    let tags = "-color_primaries bt709 -color_trc bt709 -colorspace bt709 -color_range tv -output_ts_offset 2.08";
    let white = "color=white:s=160x96:r=25:d=2,format=yuv420p10le";
    let second = folder.make(&format!("-f lavfi -i {white} {tags} {}", output("second.ts")));
    let file = folder.path("both.ts");
    fs::write(&file, [fs::read(first).unwrap(), fs::read(second).unwrap()].concat()).unwrap();
    let (mut engine, order) = high(&file, &[VideoCodec::Hevc]);
    let (sink, _) = encode(&mut engine, &order);
    let pictures = decode_as(&folder, &sink.configs[&0].0, &sink.samples[&0], "yuv420p10le");
    check_columns(&pictures[..160 * 96 * 3], (160, 96), "before");
    let [luma, blue, red] = around(&pictures[pictures.len() - 160 * 96 * 3..], (160, 96), (80, 48));
    // 203 cd/m² in PQ.
    assert!(
        (luma - 573.0).abs() <= 4.0 && (blue - 512.0).abs() <= 3.0 && (red - 512.0).abs() <= 3.0,
        "{luma} {blue} {red}"
    );
}

#[test]
fn a_rendition_of_high_dynamic_range_is_not_judged_by_references_of_standard() {
    crate::vmaf::load();
    let folder = Folder::new();
    let file = columns(&folder, "160x96", "smpte2084", &format!("{} film.mp4", x265(SCREEN)));
    let (mut engine, mut order) = high(&file, &[VideoCodec::Hevc, VideoCodec::Hevc]);
    let encoding = &mut order.renditions[1].encoding;
    (encoding.codec, encoding.dynamic_range) = (VideoCodec::H264, DynamicRange::Sdr);
    order.judge = Some(Judge {
        first_frames: vec![0],
        frame_count: 50,
        every: 10,
        width: 160,
        height: 96,
        may_be_left_out: false,
        by_vmaf: true,
    });
    let (_, summary) = encode(&mut engine, &order);
    assert_eq!(summary.quality[0], Quality::default());
    assert!(summary.quality[1].db((160, 96)).is_some_and(|db| db > 30.0), "{:?}", summary.quality);
    assert!(summary.quality[1].vmaf.mean().is_some(), "{:?}", summary.quality);
}

#[test]
fn an_order_of_high_dynamic_range_without_any_is_refused() {
    let folder = Folder::new();
    let file = columns(&folder, "160x96", "smpte2084", "-c:v ffv1 film.mkv");
    let (mut engine, mut order) = high(&file, &[VideoCodec::Hevc]);
    order.video.hdr = None;
    let refused = engine.encode_range(&order, &mut CollectingSink::new(10));
    assert!(
        matches!(&refused, Err(EngineError::Engine { detail }) if detail.contains("high dynamic range")),
        "{refused:?}"
    );
}

/// Puts a Dolby Vision configuration of a profile in the place of two boxes that nobody needs.
fn dolby(file: &[u8], profile: u16, compatibility: u8) -> Vec<u8> {
    let mut file = file.to_vec();
    let at = file.windows(4).position(|window| window == b"pasp").unwrap() - 4;
    assert_eq!(&file[at + 20..at + 24], b"btrt");
    let flags = profile << 9 | 6 << 3 | 0b101;
    let mut record = [&36u32.to_be_bytes()[..], b"dvcC", &[1, 0], &flags.to_be_bytes(), &[compatibility << 4]].concat();
    record.resize(36, 0);
    file[at..at + 36].copy_from_slice(&record);
    file
}

#[test]
fn dolby_vision_is_used_where_it_has_a_base_and_refused_where_it_has_none() {
    let folder = Folder::new();
    let output = format!("{} -tag:v hvc1 film.mp4", x265(SCREEN));
    let film = fs::read(columns(&folder, "160x96", "smpte2084", &output)).unwrap();
    let path = folder.path("dolby.mp4");
    fs::write(&path, dolby(&film, 5, 0)).unwrap();
    let refused = open(&path).probe();
    let Err(EngineError::Input { code, detail }) = &refused else { panic!("{refused:?}") };
    assert!(code == "input.dolby_vision" && detail.contains("profile 5"), "{code}: {detail}");
    fs::write(&path, dolby(&film, 8, 1)).unwrap();
    let report = open(&path).probe().unwrap();
    assert_eq!(report.warnings, ["the Dolby Vision part of the pictures is left out: their base is used"]);
    assert_eq!(report.video.unwrap().hdr.and_then(|hdr| hdr.mastering), Some(MASTERING));
}
