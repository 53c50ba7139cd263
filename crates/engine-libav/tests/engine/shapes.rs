//! Pictures of other shapes: turned, interlaced, full-range, deep, without chroma subsampling, changing.

use std::fs;

use pipeline::RangeOrder;

use crate::decoding::{annex_b, encode};
use crate::decoding::{assert_shown, demand_exact, encode_deinterlaced, grey};
use crate::media::{Folder, SIZE, moving, planned};

const X264: &str = "-c:v libx264 -preset veryfast -bf 2 -g 50";
/// Two pictures become the fields of one, all of which moves.
const TWO_MOMENTS: &str = "scroll=h=0.02,tinterlace=interleave_top,setfield=tff";

/// The luma of the first output frame, with its width.
fn first_picture(folder: &Folder, file: &std::path::Path) -> (Vec<u8>, usize, usize) {
    let (mut engine, _, plan) = planned(file);
    let video = plan.video.unwrap();
    let (sink, _) = encode(&mut engine, &RangeOrder::new(&video, &video.ranges[0], &[0]));
    let pictures = grey(folder, &annex_b(&sink.configs[&0].0, &sink.samples[&0]));
    let (width, height) = (video.renditions[0].width as usize, video.renditions[0].height as usize);
    (pictures[..width * height].to_vec(), width, height)
}

#[test]
fn a_turned_recording_comes_out_upright() {
    let folder = Folder::new();
    // A white corner at the top left of the stored picture.
    let marked = "color=black:s=160x96:r=25:d=1,drawbox=x=0:y=0:w=32:h=32:color=white:t=fill";
    folder.make(&format!("-f lavfi -i {marked} {X264} -pix_fmt yuv420p flat.mp4"));
    // The places are those that the `ffmpeg` program itself turns the marker to.
    for (degrees, size, corner) in
        [(90, (96, 160), (16, 144)), (180, (160, 96), (144, 80)), (270, (96, 160), (80, 16)), (0, (160, 96), (16, 16))]
    {
        let turned = folder.make(&format!("-i @flat.mp4 -c copy -metadata:s:v:0 rotate={degrees} turned.mp4"));
        let (picture, width, height) = first_picture(&folder, &turned);
        assert_eq!((width, height), size, "{degrees}");
        let at = |x: usize, y: usize| picture[y * width + x];
        assert!(at(corner.0, corner.1) > 200, "{degrees}");
        let corners = [(16, 16), (width - 16, 16), (16, height - 16), (width - 16, height - 16)];
        assert_eq!(corners.iter().filter(|(x, y)| at(*x, *y) > 128).count(), 1, "{degrees}");
    }
}

#[test]
fn interlaced_pictures_are_deinterlaced_one_for_one() {
    let folder = Folder::new();
    let fields = "-flags +ilme+ildct -x264opts tff=1 -pix_fmt yuv420p";
    let file = folder.numbered(&moving("50", 500), TWO_MOMENTS, &format!("{X264} {fields} fields.mp4"));
    let made = demand_exact(&folder, &file);
    assert!(made.video().deinterlace);
    assert_eq!(made.video().frame_count(), 250);
}

#[test]
fn full_range_and_deep_and_unsubsampled_pictures_keep_their_greys() {
    let folder = Folder::new();
    // Mid grey and near black; the encoder's output is decoded as video range.
    for (format, codec, grey_level) in [
        ("yuv420p", "libx264", 126),
        ("yuvj420p", "libx264", 126),
        ("yuv420p10le", "libx264", 126),
        ("yuvj422p", "mjpeg", 126),
        ("yuv444p", "libx264", 126),
        ("gbrp", "libx264rgb", 126),
        ("gray", "ffv1", 126),
    ] {
        let source = "color=0x808080:s=160x96:r=25:d=1,drawbox=x=0:y=0:w=80:h=96:color=black:t=fill";
        let codec = if codec == "mjpeg" { "mjpeg -q:v 2".to_owned() } else { format!("{codec} -g 10") };
        let file = folder.make(&format!("-f lavfi -i {source} -c:v {codec} -pix_fmt {format} grey.mkv"));
        let (picture, width, _) = first_picture(&folder, &file);
        let (black, grey) = (picture[48 * width + 40], picture[48 * width + 120]);
        // ffmpeg's `gray` output of video range is stretched to full range by the reader.
        assert!(black < 6, "{format}: black is {black}");
        assert!(grey.abs_diff(grey_level + 2) <= 5, "{format}: grey is {grey}");
    }
}

#[test]
fn ten_bit_and_full_range_pictures_are_exact() {
    let folder = Folder::new();
    for format in ["yuv420p10le", "yuvj420p"] {
        demand_exact(&folder, &folder.numbered(&moving("25", 100), "", &format!("{X264} -pix_fmt {format} deep.mp4")));
    }
}

#[test]
fn a_change_of_size_in_the_middle_loses_no_picture() {
    let folder = Folder::new();
    for fields in ["", "-flags +ilme+ildct -x264opts tff=1"] {
        let output = |name: &str| format!("{X264} -pix_fmt yuv420p {fields} -muxdelay 0 {name}");
        let numbered = format!("{},setfield=tff", moving("25", 200));
        // Both halves are made of the same numbered pictures, so that the numbers go on.
        folder.numbered(&numbered, "", "-c:v ffv1 exact.mkv");
        let larger = "-vf trim=start_frame=100,setpts=PTS-STARTPTS,scale=320:192,setfield=tff";
        let second = folder.make(&format!("-i @exact.mkv {larger} -output_ts_offset 4.08 {}", output("second.ts")));
        let first_half = folder.make(&format!("-i @exact.mkv -frames:v 100 {}", output("half.ts")));
        let both = [fs::read(first_half).unwrap(), fs::read(second).unwrap()].concat();
        let file = folder.path("both.ts");
        fs::write(&file, both).unwrap();
        let made = encode_deinterlaced(&folder, &file, !fields.is_empty());
        assert_eq!((made.video().renditions[0].width as usize, made.video().frame_count()), (SIZE.0, 200), "{fields}");
        assert_shown(&made, &made.planned_numbers(0), fields);
        assert_eq!((made.missing(), made.video().deinterlace), (0, !fields.is_empty()));
    }
}

/// What a grey of a standard screen (ITU-R BT.1886) between 0 and 1, seen with diffuse white at 1, is after high dynamic range
/// was brought to standard: the curve of Möbius above 0.3, with 1,000 nits at the top.
fn toned(grey: f64) -> f64 {
    let linear = grey.powf(2.4);
    let (j, peak) = (0.3, 1_000.0 / 203.0);
    let a = -j * j * (peak - 1.0) / (j * j - 2.0 * j + peak);
    let b = (j * j - 2.0 * j * peak + peak) / (peak - 1.0);
    let kept = (b * b + 2.0 * b * j + j * j) / (b - a) * (linear + a) / (linear + b);
    let light = if linear <= j { linear } else { kept };
    light.powf(1.0 / 2.4)
}

#[test]
fn high_dynamic_range_and_wide_colours_come_out_as_a_standard_screen_shows_them() {
    let folder = Folder::new();
    let greys = [0x40u8, 0x80, 0xc0, 0xff];
    let bars: Vec<String> = greys
        .iter()
        .enumerate()
        .map(|(at, g)| format!("drawbox=x={}:y=0:w=40:h=96:color=0x{g:02x}{g:02x}{g:02x}:t=fill", at * 40))
        .collect();
    for (transfer, high) in [("smpte2084", true), ("arib-std-b67", true), ("bt2020-10", false)] {
        let from = "setparams=colorspace=gbr:color_primaries=bt709:color_trc=bt709:range=pc";
        let wide = format!("zscale=p=bt2020:t={transfer}:m=bt2020nc:r=tv:npl=203");
        let tags = format!("-color_primaries bt2020 -color_trc {transfer} -colorspace bt2020nc -color_range tv");
        let file = folder.make(&format!(
            "-f lavfi -i color=black:s=160x96:r=25:d=1 -vf {bars},format=gbrp,{from},zscale=t=linear:npl=203,format=gbrpf32le,{wide},format=yuv420p10le -c:v ffv1 {tags} wide.mkv",
            bars = bars.join(","),
        ));
        let (picture, width, _) = first_picture(&folder, &file);
        for (at, &grey) in greys.iter().enumerate() {
            let drawn = f64::from(grey) / 255.0;
            let wanted = 255.0 * if high { toned(drawn) } else { drawn };
            let found = f64::from(picture[48 * width + at * 40 + 20]);
            assert!((found - wanted).abs() <= 4.0, "{transfer}: {grey} became {found} instead of {wanted:.0}");
        }
    }
}
