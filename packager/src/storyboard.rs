//! Thumbnails for players that read WebVTT.

use std::fmt::Write;

use crate::StoryboardRef;
use crate::chapters::clock;

/// A WebVTT file whose cues name a region of the sheet each: `storyboard.jpg#xywh=160,0,160,90`.
///
/// Cues touch one another; the last one ends with the presentation. Figures that contradict one another (no column,
/// more tiles than cells) make a file without the impossible cues.
pub fn storyboard_vtt(board: &StoryboardRef<'_>) -> String {
    let mut out = String::from("WEBVTT\n");
    let end = board.duration_ms.unsigned_abs();
    let cells = u64::from(board.columns) * u64::from(board.rows);
    let regular = |tile: u64| tile * u64::from(board.interval_ms);
    let start = |tile: u64| {
        let told = usize::try_from(tile).ok().and_then(|tile| board.starts_ms.get(tile));
        told.copied().unwrap_or_else(|| regular(tile))
    };
    for tile in 0..u64::from(board.tile_count).min(cells) {
        let from = start(tile);
        let last = tile + 1 == u64::from(board.tile_count);
        let to = if last { end } else { end.min(start(tile + 1)) };
        if from >= to {
            break;
        }
        let x = tile % u64::from(board.columns) * u64::from(board.tile_width);
        let y = tile / u64::from(board.columns) * u64::from(board.tile_height);
        // Writing to a string cannot fail.
        let _ = write!(
            out,
            "\n{} --> {}\n{}#xywh={x},{y},{},{}\n",
            clock(from),
            clock(to),
            board.uri,
            board.tile_width,
            board.tile_height
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOARD: StoryboardRef<'_> = StoryboardRef {
        uri: "storyboard.jpg",
        tile_width: 160,
        tile_height: 90,
        columns: 2,
        rows: 2,
        tile_count: 3,
        interval_ms: 10_000,
        starts_ms: &[],
        duration_ms: 3_623_500,
        sheet_bytes: 30_000,
    };

    #[test]
    fn cues_walk_the_sheet_row_by_row_and_end_with_the_presentation() {
        assert_eq!(
            storyboard_vtt(&BOARD),
            "WEBVTT\n\n\
             00:00:00.000 --> 00:00:10.000\nstoryboard.jpg#xywh=0,0,160,90\n\n\
             00:00:10.000 --> 00:00:20.000\nstoryboard.jpg#xywh=160,0,160,90\n\n\
             00:00:20.000 --> 01:00:23.500\nstoryboard.jpg#xywh=0,90,160,90\n"
        );
    }

    #[test]
    fn a_tile_is_shown_from_where_it_is_told() {
        let told = storyboard_vtt(&StoryboardRef { starts_ms: &[0, 12_040, 19_960], ..BOARD });
        let cues: Vec<&str> = told.lines().filter(|line| line.contains("-->")).collect();
        let expected =
            ["00:00:00.000 --> 00:00:12.040", "00:00:12.040 --> 00:00:19.960", "00:00:19.960 --> 01:00:23.500"];
        assert_eq!(cues, expected);
    }

    #[test]
    fn tiles_without_a_cell_or_a_moment_get_no_cue() {
        let count = |board: &StoryboardRef<'_>| storyboard_vtt(board).matches("-->").count();
        assert_eq!(count(&StoryboardRef { tile_count: 9, ..BOARD }), 4);
        assert_eq!(count(&StoryboardRef { columns: 0, ..BOARD }), 0);
        assert_eq!(count(&StoryboardRef { duration_ms: 15_000, ..BOARD }), 2);
    }
}
