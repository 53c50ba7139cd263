//! What the fields of an interlaced stream show, from some windows of its pictures.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ff::format::Pixel;
use media_types::{Fields, PacketTime, StreamClock};
use pipeline::{EngineError, FieldWatch};

use crate::glance::greys;
use crate::open::{SharedSource, open};
use crate::pictures::{Pictures, time_of};
use ffmpeg_next as ff;

/// Windows at most, spread over the recording; each begins with a key frame, so that next to nothing is decoded before it.
const WINDOWS: usize = 8;
/// Pictures of a window: five times the five that film is spread over.
const PICTURES: usize = 25;
/// Pictures decoded in all, with those before windows where key frames are not what they seem.
const MOST_PICTURES: usize = 600;
/// Pictures decoded side by side.
const THREADS: usize = 2;
/// What fields are matched in.
const MATCHED: [Pixel; 6] =
    [Pixel::YUV420P, Pixel::YUV422P, Pixel::YUV444P, Pixel::YUV411P, Pixel::YUVJ420P, Pixel::YUVJ422P];

/// Of the stream with these pictures. What cannot be decoded says nothing.
pub(crate) fn fields(bytes: &SharedSource, stream_index: u32, clock: &StreamClock, packets: &[PacketTime]) -> Fields {
    look(bytes, stream_index, clock, packets).unwrap_or_default()
}

fn look(
    bytes: &SharedSource,
    stream_index: u32,
    clock: &StreamClock,
    packets: &[PacketTime],
) -> Result<Fields, EngineError> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut pictures = Pictures::new(open(bytes)?, stream_index, clock, THREADS, stop)?;
    let (mut watch, mut left, mut matched) = (FieldWatch::default(), MOST_PICTURES, true);
    for from in windows(packets) {
        let mut next = pictures.seek_before(from)?;
        let mut looked_at = 0;
        while let Some(picture) = next
            && looked_at < PICTURES
            && left > 0
        {
            left -= 1;
            if let Some(pts) = time_of(&picture).filter(|pts| *pts >= from) {
                let Some(levels) = greys(&picture).and_then(|greys| greys.levels()) else {
                    return Ok(Fields::default());
                };
                matched &= MATCHED.contains(&picture.format());
                watch.show(pts, levels);
                looked_at += 1;
            }
            next = pictures.next()?;
        }
        watch.end_window();
    }
    Ok(match watch.fields() {
        Fields::Film { .. } if !matched => Fields::default(),
        fields => fields,
    })
}

/// Where windows begin: with the first key frame of each of equal parts; without any, with the first picture.
fn windows(packets: &[PacketTime]) -> Vec<i64> {
    let part = |window: usize| packets.len() * window / WINDOWS..packets.len() * (window + 1) / WINDOWS;
    let first_key = |window| packets[part(window)].iter().find(|packet| packet.keyframe).map(|packet| packet.pts);
    let windows: Vec<i64> = (0..WINDOWS).filter_map(first_key).collect();
    if windows.is_empty() { packets.first().map(|packet| packet.pts).into_iter().collect() } else { windows }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_begin_with_key_frames_all_over_a_recording() {
        let every = |count: i64, keyint: i64| {
            (0..count).map(|pts| PacketTime { pts, keyframe: pts % keyint == 0 }).collect::<Vec<_>>()
        };
        assert_eq!(windows(&every(8000, 15)), [0, 1005, 2010, 3000, 4005, 5010, 6000, 7005]);
        assert_eq!(windows(&every(100, 250)), [0]);
        let none: Vec<_> = (5..90).map(|pts| PacketTime { pts, keyframe: false }).collect();
        assert_eq!((windows(&none), windows(&[])), (vec![5], vec![]));
    }
}
