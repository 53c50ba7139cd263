//! What an engine leaves behind in its process: nothing. One test, since threads and memory are the whole process's.
#![allow(clippy::unwrap_used)]

#[path = "engine/media.rs"]
#[allow(dead_code)]
mod media;

use std::time::{Duration, Instant};

use pipeline::{CollectingSink, Engine, EngineError, RangeOrder};

use media::{Folder, open, planned};

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

/// Resident memory in bytes, where pages are 4 KiB.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[test]
fn no_thread_and_no_packet_stays() {
    let folder = Folder::new();
    let film = "-f lavfi -i testsrc2=s=320x180:r=25:d=8 -c:v libx264 -preset ultrafast -pix_fmt yuv420p a.mp4";
    let (mut engine, _, plan) = planned(&folder.make(film));
    let video = plan.video.unwrap();
    let order = RangeOrder::new(&video, &video.ranges[0], &[0, 0]);
    let before = threads();
    for samples in [0, 5, 10_000] {
        let result = engine.encode_range(&order, &mut CollectingSink::new(samples));
        assert_eq!(result.err(), (samples < 400).then_some(EngineError::Stopped));
        // The kernel lists a thread for a moment after it was joined.
        let deadline = Instant::now() + Duration::from_secs(10);
        while threads() != before && Instant::now() < deadline {
            std::thread::yield_now();
        }
        assert_eq!(threads(), before, "after {samples} samples");
    }

    let large = folder.make("-f lavfi -i anullsrc=r=96000:cl=7.1 -t 30 -c:a pcm_s32le a.wav");
    let size = large.metadata().unwrap().len();
    let mut engine = open(&large);
    let before = resident();
    engine.probe().unwrap();
    let more = resident().saturating_sub(before);
    assert!(more < size / 4, "reading {size} bytes left {more} behind");
}
