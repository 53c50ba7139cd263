//! Poster and storyboard.

use media_types::{Rotation, StillsPlan, VideoPlan};
use pipeline::{CollectingSink, Engine, POSTER, STORYBOARD, StillsOrder};

use crate::decoding::numbers;
use crate::media::{Folder, SIZE, moving, planned, run};

/// A JPEG's size and luma, as the `ffmpeg` program decodes it.
pub(crate) fn decode(folder: &Folder, jpeg: &[u8], width: u32, height: u32) -> Vec<u8> {
    let file = folder.path("still.jpg");
    std::fs::write(&file, jpeg).unwrap();
    let luma = run(["-i", file.to_str().unwrap(), "-f", "rawvideo", "-pix_fmt", "gray", "-"]);
    assert_eq!(luma.len() as u32, width * height, "not {width}x{height}");
    luma
}

/// A poster as planned, and a sheet of these pictures.
pub(crate) fn both(video: &VideoPlan, plan: &StillsPlan, tile_pts: &[i64]) -> StillsOrder {
    let sheet = StillsOrder::sheet(plan, tile_pts.to_vec()).sheet;
    StillsOrder { sheet, ..StillsOrder::poster(video, plan) }
}

/// The tile at a place of the sheet.
pub(crate) fn tile(sheet: &[u8], sheet_width: u32, plan: &StillsPlan, column: u32, row: u32) -> Vec<u8> {
    let lines = row * plan.tile_height..(row + 1) * plan.tile_height;
    let start = |line: u32| (line * sheet_width + column * plan.tile_width) as usize;
    lines.flat_map(|line| sheet[start(line)..start(line) + plan.tile_width as usize].to_vec()).collect()
}

#[test]
fn the_planned_pictures_are_shown_in_every_container() {
    let folder = Folder::new();
    let x264 = "-c:v libx264 -preset veryfast -pix_fmt yuv420p -g 100 -bf 2";
    folder.numbered(&moving("25", 1000), "", &format!("{x264} a.mp4"));
    for name in ["a.mp4", "a.ts", "a.mkv"] {
        if name != "a.mp4" {
            folder.make(&format!("-i @a.mp4 -c copy {name}"));
        }
        let (mut engine, report, plan) = planned(&folder.path(name));
        let (video, stills) = (plan.video.unwrap(), plan.stills.unwrap());
        let packets = report.video.unwrap().packets;
        let tile_pts = [100, 300, 700, 900].map(|at| packets[at].pts);
        let mut sink = CollectingSink::new(0);
        let summary = engine.stills(&both(&video, &stills, &tile_pts), &mut sink).unwrap();
        assert_eq!((summary.tiles, summary.sheet_columns, summary.sheet_rows), (4, 4, 1));
        let number = |pts: i64| packets.iter().position(|packet| packet.pts == pts).map(|at| at as u32);

        let poster = decode(&folder, &sink.images[POSTER], stills.poster_width, stills.poster_height);
        assert_eq!(numbers(&poster, SIZE.0, SIZE.1), [number(stills.poster_pts)], "{name}");
        let sheet_width = 4 * stills.tile_width;
        let sheet = decode(&folder, &sink.images[STORYBOARD], sheet_width, stills.tile_height);
        for (index, &pts) in tile_pts.iter().enumerate() {
            let tile = tile(&sheet, sheet_width, &stills, index as u32, 0);
            let shown = numbers(&tile, stills.tile_width as usize, stills.tile_height as usize);
            assert_eq!(shown, [number(pts)], "{name}, tile {index}");
        }
        assert_eq!(sink.progress, (5, 5));
    }
}

#[test]
fn each_entry_has_a_tile_even_when_entries_repeat() {
    let folder = Folder::new();
    let x264 = "-c:v libx264 -preset veryfast -pix_fmt yuv420p -g 25";
    let (mut engine, _, plan) = planned(&folder.numbered(&moving("25", 100), "", &format!("{x264} a.mp4")));
    let (video, mut stills) = (plan.video.unwrap(), plan.stills.unwrap());
    let ticks = video.frame_map.0[25].source_pts;
    let tile_pts = [0, ticks, ticks, ticks, 3 * ticks];
    stills.columns = 2;
    let mut sink = CollectingSink::new(0);
    let summary = engine.stills(&both(&video, &stills, &tile_pts), &mut sink).unwrap();
    assert_eq!((summary.tiles, summary.sheet_columns, summary.sheet_rows), (5, 2, 3));
    let width = 2 * stills.tile_width;
    let sheet = decode(&folder, &sink.images[STORYBOARD], width, 3 * stills.tile_height);
    let shown = |column, row| {
        let tile = tile(&sheet, width, &stills, column, row);
        numbers(&tile, stills.tile_width as usize, stills.tile_height as usize)[0]
    };
    let tiles = [shown(0, 0), shown(1, 0), shown(0, 1), shown(1, 1), shown(0, 2)];
    assert_eq!(tiles, [Some(0), Some(25), Some(25), Some(25), Some(75)]);
    assert!(tile(&sheet, width, &stills, 1, 2).iter().all(|luma| *luma < 8), "the empty place is black");
}

#[test]
fn stills_have_the_colours_of_the_recording() {
    let folder = Folder::new();
    let orange = "-f lavfi -i color=0xC06020:s=160x96:r=25:d=1";
    for output in [
        "-vf scale=out_color_matrix=bt709 -c:v libx264 -pix_fmt yuv420p -colorspace bt709 a.mp4",
        "-c:v libx264rgb -qp 0 b.mkv",
    ] {
        let source = folder.make(&format!("{orange} {output}"));
        let (mut engine, _, plan) = planned(&source);
        let (video, stills) = (plan.video.unwrap(), plan.stills.unwrap());
        let mut sink = CollectingSink::new(0);
        engine.stills(&StillsOrder::poster(&video, &stills), &mut sink).unwrap();
        let poster = folder.path("poster.jpg");
        std::fs::write(&poster, &sink.images[POSTER]).unwrap();
        let [found, wanted] = [poster, source].map(|file| {
            let options = ["-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"];
            let rgb = run(["-i", file.to_str().unwrap()].into_iter().chain(options));
            rgb[(48 * 160 + 80) * 3..][..3].to_vec()
        });
        let near = found.iter().zip(&wanted).all(|(found, wanted)| found.abs_diff(*wanted) <= 3);
        assert!(near, "{output}: {found:?} instead of {wanted:?}");
    }
}

#[test]
fn stills_of_a_turned_interlaced_recording_are_upright() {
    let folder = Folder::new();
    let marked = "color=black:s=160x96:r=25:d=2,drawbox=x=0:y=0:w=32:h=32:color=white:t=fill,setfield=tff";
    let fields = "-flags +ilme+ildct -x264opts tff=1";
    folder.make(&format!("-f lavfi -i {marked} -c:v libx264 -pix_fmt yuv420p {fields} flat.mp4"));
    let turned = folder.make("-i @flat.mp4 -c copy -metadata:s:v:0 rotate=270 turned.mp4");
    let (mut engine, _, plan) = planned(&turned);
    let (video, stills) = (plan.video.unwrap(), plan.stills.unwrap());
    assert_eq!((video.rotation, stills.poster_width, stills.poster_height), (Rotation::Right, 96, 160));
    let mut sink = CollectingSink::new(0);
    engine.stills(&StillsOrder::poster(&video, &stills), &mut sink).unwrap();
    let poster = decode(&folder, &sink.images[POSTER], 96, 160);
    assert!(poster[16 * 96 + 80] > 230 && poster[16 * 96 + 16] < 16 && poster[144 * 96 + 80] < 16);
}
