//! Film whose pictures are spread over the fields of five is made film again; what is no film is not.

use std::path::{Path, PathBuf};

use media_types::Fields;
use pipeline::RangeOrder;

use crate::decoding::{Encoded, annex_b, assert_shown, encode, encode_all, grey, numbers};
use crate::media::{Folder, SIZE, moving, planned};

const X264: &str = "-c:v libx264 -preset veryfast -crf 12 -bf 2 -g 60 -pix_fmt yuv420p -flags +ilme+ildct";
const MPEG2: &str = "-c:v mpeg2video -q:v 3 -bf 2 -g 15 -pix_fmt yuv420p -flags +ilme+ildct";

/// Numbered pictures of film, without loss.
fn film(folder: &Folder, frames: u32) {
    folder.numbered(&moving("24000/1001", frames), "", "-c:v ffv1 -pix_fmt yuv420p film.mkv");
}

/// That film under pulldown, through further filters.
fn pulled_down(folder: &Folder, order: &str, filters: &str, output: &str) -> PathBuf {
    spread(folder, "23", order, filters, output)
}

/// The same with so many fields for each of its pictures in turn.
fn spread(folder: &Folder, pattern: &str, order: &str, filters: &str, output: &str) -> PathBuf {
    let telecine = format!("telecine=first_field={}:pattern={pattern}", if order == "tff" { "top" } else { "bottom" });
    folder.make(&format!("-i @film.mkv -vf {telecine}{filters},setfield={order} {output}"))
}

/// Whether the lines of both fields show the same numbers in all ranges.
fn is_woven_right(folder: &Folder, file: &Path) -> bool {
    let (mut engine, _, plan) = planned(file);
    let video = plan.video.unwrap();
    video.ranges.iter().all(|range| {
        let (sink, _) = encode(&mut engine, &RangeOrder::new(&video, range, &[0]));
        let pictures = grey(folder, &annex_b(&sink.configs[&0].0, &sink.samples[&0]));
        let of_line = |down: usize| {
            let moved = pictures
                .chunks_exact(SIZE.0 * SIZE.1)
                .flat_map(|picture| picture.iter().skip(down * SIZE.0).chain(&picture[..down * SIZE.0]).copied());
            numbers(&moved.collect::<Vec<_>>(), SIZE.0, SIZE.1)
        };
        of_line(0) == of_line(1)
    })
}

fn demand_film(folder: &Folder, file: &Path, frames: u32) -> Encoded {
    let made = encode_all(folder, file);
    let name = file.display().to_string();
    assert_eq!(made.video().frame_rate.to_string(), "24000/1001", "{name}");
    assert!(made.video().film.is_some() && !made.video().deinterlace, "{name}");
    assert_shown(&made, &(0..frames).map(Some).collect::<Vec<_>>(), &name);
    assert_eq!(made.missing(), 0, "{name}");
    made
}

#[test]
fn every_picture_of_film_under_pulldown_is_there_once_over_all_ranges() {
    let folder = Folder::new();
    film(&folder, 1400);
    let file = pulled_down(&folder, "tff", "", &format!("{X264} -x264opts tff=1 long.ts"));
    let made = demand_film(&folder, &file, 1400);
    assert!(made.video().ranges.len() > 2);
    assert!(is_woven_right(&folder, &file));
}

#[test]
fn film_of_two_three_three_and_two_fields_a_picture_is_made_again_too() {
    let folder = Folder::new();
    film(&folder, 200);
    let file = spread(&folder, "2332", "bff", "", &format!("{X264} -x264opts bff=1 advanced.mov"));
    demand_film(&folder, &file, 200);
    assert!(is_woven_right(&folder, &file));
}

#[test]
fn film_is_made_again_of_any_codec_container_field_order_and_phase() {
    let folder = Folder::new();
    film(&folder, 200);
    let h264 = |order: &str, name: &str| format!("{X264} -x264opts {order}=1 {name}");
    for (order, filters, output, first) in [
        ("tff", "", h264("tff", "film.mp4"), 0),
        ("bff", "", h264("bff", "lower.mkv"), 0),
        ("tff", "", format!("{MPEG2} -top 1 film.mpg"), 0),
        ("bff", "", format!("{MPEG2} -top 0 film.ts"), 0),
        ("tff", ",trim=start_frame=1,setpts=PTS-STARTPTS", h264("tff", "one.mp4"), 1),
        ("tff", ",trim=start_frame=2,setpts=PTS-STARTPTS", h264("tff", "two.mp4"), 1),
        ("tff", ",trim=start_frame=3,setpts=PTS-STARTPTS", h264("tff", "three.mp4"), 2),
        ("tff", ",trim=start_frame=4,setpts=PTS-STARTPTS", h264("tff", "four.mp4"), 3),
    ] {
        let file = pulled_down(&folder, order, filters, &output);
        let made = encode_all(&folder, &file);
        assert!(made.video().film.is_some(), "{output}");
        let mut shown = made.numbers.clone();
        // Of less than five at the end nothing is left out, be it there twice.
        shown.dedup_by(|now, before| now == before && now.is_some_and(|number| number > 195));
        assert_eq!(shown, (first..200).map(Some).collect::<Vec<_>>(), "{output}");
        assert!(made.numbers.len() - shown.len() <= 1 && is_woven_right(&folder, &file), "{output}");
    }
}

#[test]
fn an_edit_that_shifts_the_pattern_costs_one_picture_at_most() {
    let folder = Folder::new();
    film(&folder, 900);
    for (cut, gone) in [(300, 1), (401, 2), (502, 3), (603, 4)] {
        let edit = format!(",select=not(between(n\\,{cut}\\,{})),setpts=N*1001/30000/TB", cut + gone - 1);
        let file = pulled_down(&folder, "tff", &edit, &format!("{X264} -x264opts tff=1 edited.ts"));
        let made = encode_all(&folder, &file);
        assert!(made.video().film.is_some() && made.missing() == 0, "{cut}");
        let shown: Vec<u32> = made.numbers.iter().map(|number| number.expect("a number is seen")).collect();
        let lost: u32 =
            shown.windows(2).map(|pair| pair[1] - pair[0]).filter(|step| *step > 1).map(|step| step - 1).sum();
        let twice = shown.windows(2).filter(|pair| pair[0] == pair[1]).count();
        assert!(shown.is_sorted() && lost <= gone + 1 && twice <= 2, "{cut}: {lost} lost, {twice} twice");
        assert!(shown.len().abs_diff((1125 - gone as usize) * 4 / 5) <= 1, "{cut}");
    }
}

#[test]
fn pictures_of_two_moments_are_deinterlaced_as_ever_and_so_is_what_film_is_mixed_with() {
    let folder = Folder::new();
    let fields = "tinterlace=interleave_top,setfield=tff";
    // Without numbers: their cells would be of one moment in both fields more often than not.
    folder.make(&format!("-f lavfi -i {} -c:v ffv1 -pix_fmt yuv420p fast.mkv", moving("60000/1001", 600)));
    let output = format!("{X264} -x264opts tff=1");
    let video = folder.make(&format!("-i @fast.mkv -vf {fields} {output} video.ts"));
    film(&folder, 240);
    let both =
        "[0:v]telecine=pattern=23,fps=30000/1001[a];[1:v]tinterlace=interleave_top[b];[a][b]concat=n=2,setfield=tff[v]";
    let mixed = folder.make(&format!("-i @film.mkv -i @fast.mkv -filter_complex {both} -map [v] {output} mixed.ts"));
    for (file, frames) in [(video, 300), (mixed, 600)] {
        let (_, report, plan) = planned(&file);
        assert_eq!(report.video.unwrap().fields, Fields::Interlaced, "{}", file.display());
        let video = plan.video.unwrap();
        assert!(video.deinterlace && video.film.is_none(), "{}", file.display());
        assert_eq!((video.frame_rate.to_string().as_str(), video.frame_count()), ("30000/1001", frames));
        assert_eq!(encode_all(&folder, &file).missing(), 0);
    }
}

#[test]
fn whole_pictures_that_say_they_are_interlaced_are_left_as_they_are() {
    let folder = Folder::new();
    for (rate, output) in [
        ("25", format!("{X264} -x264opts tff=1 psf.mp4")),
        ("30000/1001", format!("{X264} -x264opts tff=1 psf.ts")),
        ("25", format!("{MPEG2} -top 1 psf.mpg")),
    ] {
        let file = folder.numbered(&moving(rate, 250), "setfield=tff", &output);
        let made = crate::decoding::demand_exact(&folder, &file);
        assert!(made.report.video.as_ref().unwrap().interlaced, "{output}");
        assert_eq!((made.video().deinterlace, made.video().film), (false, None), "{output}");
    }
}
