//! Pictures that show what is there already are not encoded again.

use std::path::Path;

use crate::decoding::{Encoded, assert_shown, encode_all, encode_deinterlaced, numbers};
use crate::media::{Folder, SIZE, moving, run};

const X264: &str = "-c:v libx264 -preset veryfast -crf 12 -pix_fmt yuv420p";

/// Stills, one a second.
fn slides(seconds: u32) -> String {
    format!("color=gray:s={}x{}:r=1,trim=end_frame={seconds}", SIZE.0, SIZE.1)
}

/// Encodes the file and demands that every frame shows what the source's picture of that time shows.
fn demand_shown(folder: &Folder, file: &Path) -> Encoded {
    demand_as_planned(file, encode_all(folder, file))
}

fn demand_as_planned(file: &Path, made: Encoded) -> Encoded {
    let source = file.to_str().unwrap();
    let grey = run(["-i", source, "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", "-"]);
    let drawn = numbers(&grey, SIZE.0, SIZE.1);
    let expected: Vec<_> = made.planned_numbers(0).iter().map(|at| at.and_then(|at| drawn[at as usize])).collect();
    assert_shown(&made, &expected, source);
    made
}

#[test]
fn slides_are_encoded_when_they_change_and_stay_for_a_second_at_most() {
    let folder = Folder::new();
    for (name, output) in [("25.mp4", "-r 25 -bf 2"), ("film.mkv", "-r 24000/1001 -bf 0"), ("60.mp4", "-r 60 -g 600")] {
        let made = demand_shown(&folder, &folder.numbered(&slides(30), "", &format!("{X264} {output} {name}")));
        // What the source's own encoder improves after a change is a change too.
        assert!((30..30 * 5).contains(&made.pictures), "{name}: {} pictures", made.pictures);
        assert!(made.video().ranges.len() > 1, "{name}");
    }
}

#[test]
fn a_small_thing_that_moves_is_shown_wherever_it_is() {
    let folder = Folder::new();
    let pointer = "[0:v][1:v]overlay=x=20+mod(n\\,100):y=60";
    folder.numbered(&slides(4), "fps=25", "-c:v ffv1 -pix_fmt yuv420p ground.mkv");
    let file = folder.make(&format!(
        "-i @ground.mkv -f lavfi -i color=white:s=2x2:r=25:d=4 -filter_complex {pointer} {X264} -crf 1 pointer.mp4"
    ));
    let made = demand_shown(&folder, &file);
    assert_eq!(made.pictures as u64, made.video().frame_count());
}

#[test]
fn a_recorder_that_writes_changes_alone_costs_no_more_than_they_do() {
    let folder = Folder::new();
    let changes = "select=not(mod(n\\,40))";
    let file = folder.numbered(&moving("25", 1000), changes, &format!("-fps_mode vfr {X264} -bf 0 screen.mkv"));
    let made = demand_shown(&folder, &file);
    // The changes, and what the grid of keyframes and the longest hold add.
    assert!(made.pictures < 25 + 25 + 40, "{} pictures", made.pictures);
}

#[test]
fn a_deinterlacer_sees_every_picture() {
    let folder = Folder::new();
    let fields = "-flags +ilme+ildct -x264opts tff=1";
    let file = folder.numbered(&slides(4), "fps=25,setfield=tff", &format!("{X264} {fields} fields.mp4"));
    let made = encode_deinterlaced(&folder, &file, true);
    let made = demand_as_planned(&file, made);
    assert_eq!(made.pictures as u64, made.video().frame_count());
}
