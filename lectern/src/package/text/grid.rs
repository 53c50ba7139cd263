//! Where text is cut that is packaged beside sound and pictures.

use media_types::time::rescale;
use media_types::{MediaTime, Timescale};
use packager::TextGrid;
use packager::repack::{SegmentGrid, TrackShape};

/// The segments of text beside these tracks of sound and pictures.
pub(in crate::package) fn text_grid(grid: &SegmentGrid, tracks: &[(Timescale, &TrackShape)]) -> TextGrid {
    let video = tracks.iter().find(|(_, shape)| !shape.key_times.is_empty());
    let scale = TextGrid::scale_beside(video.map(|(scale, _)| *scale));
    let ends = tracks.iter().map(|(scale, shape)| MediaTime::new(shape.end_pts, *scale));
    let end = ends.max().unwrap_or(MediaTime::new(0, scale));
    let end = rescale(end.ticks, scale.get().into(), end.scale.get().into()).max(1);
    let mut borders = vec![0];
    borders.extend(grid.borders(scale).filter(|&at| at > 0 && at < end));
    borders.push(end);
    // Rounding may make two of one.
    borders.dedup();
    TextGrid { scale, borders }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use packager::repack::{PacketTimes, Survey};

    use super::*;

    fn shape(scale: Timescale, video: bool, packets: u32, length: u32, gop: u32) -> TrackShape {
        let mut survey = Survey::new(video);
        for k in 0..packets {
            let at = i64::from(k) * i64::from(length);
            let packet = PacketTimes { dts: at, pts: at, duration: Some(length), keyframe: k % gop == 0 };
            survey.add(packet).unwrap();
        }
        survey.finish(scale, None, 0).unwrap().unwrap()
    }

    #[test]
    fn text_has_the_borders_of_the_pictures_and_the_end_of_the_longest_track() {
        let (ntsc, sound) = (Timescale::new(24_000).unwrap(), Timescale::new(48_000).unwrap());
        let (video, audio) = (shape(ntsc, true, 240, 1001, 48), shape(sound, false, 471, 1024, 1));
        let tracks = [(ntsc, &video), (sound, &audio)];
        let text = text_grid(&SegmentGrid::new(&tracks, 4000, &[]), &tracks);
        assert_eq!(text.scale, ntsc);
        assert_eq!(text.borders, [0, 96_096, 192_192, 471 * 512]);
        assert_eq!(text.borders_us(), [0, 4_004_000, 8_008_000, 10_048_000]);
    }

    #[test]
    fn a_coarse_timescale_is_not_taken_over() {
        let coarse = Timescale::new(25).unwrap();
        let video = shape(coarse, true, 250, 1, 50);
        let tracks = [(coarse, &video)];
        let text = text_grid(&SegmentGrid::new(&tracks, 4000, &[]), &tracks);
        assert_eq!((text.scale, text.borders), (Timescale::NINETY_KHZ, vec![0, 360_000, 720_000, 900_000]));
    }
}
