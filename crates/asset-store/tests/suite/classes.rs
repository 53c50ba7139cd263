//! What the queue's classes are of stages.

use asset_flow::{Ahead, RENEWAL, Stage, URGENT, WATCHED};
use job_queue::policy::{CLASSES, DEMANDED};

#[test]
fn the_queue_s_classes_are_those_of_the_flow() {
    let floors: Vec<i64> = CLASSES.iter().map(|(floor, _)| *floor).collect();
    assert_eq!(floors[1..], [RENEWAL, 100, URGENT, 300]);
    assert_eq!(DEMANDED.start, WATCHED);
    let ahead = Stage::EncodeAhead { of: Ahead::Pictures, first_segment: 0, segment_count: 2 };
    assert!(DEMANDED.contains(&ahead.priority()));
    for other in
        [Stage::Probe, Stage::EncodeRange { range: 0 }, Stage::EncodeAudio { track: 0 }, Stage::PublishComplete]
    {
        assert!(!DEMANDED.contains(&other.priority()), "{other:?}");
    }
    assert!(Stage::Tidy.priority() < 100 && Stage::EncodeRange { range: 0 }.renewal_priority() < RENEWAL);
}
