#![allow(clippy::unwrap_used)]
use media_types::clock::WRAP;
use proptest::prelude::*;

use super::*;

const PICTURES: u32 = 0;
const SOUND: u32 = 1;
const SECOND: i64 = 90_000;

/// One recording: its packets in the order of the file, on a clock that begins at 0 and does not wrap.
#[derive(Clone, Debug)]
struct Recording {
    step: i64,
    reordered: bool,
    sound: bool,
    /// How much later than the pictures sound begins and ends.
    late: (i64, i64),
    length: i64,
    /// What its clock says at the start.
    start: i64,
}

impl Recording {
    fn packets(&self) -> Vec<ClockedPacket> {
        let mut packets = Vec::new();
        let pictures = self.length / self.step;
        for index in 0..pictures {
            // I P B B P B B: a picture is shown up to two after it is decoded.
            let moved = if !self.reordered {
                0
            } else {
                [1, 3, 0, 0][if index % 49 == 0 { 0 } else { 1 + (index % 49 + 2) as usize % 3 }]
            };
            packets.push(ClockedPacket {
                stream: PICTURES,
                position: None,
                dts: index * self.step,
                pts: (index + moved) * self.step,
                length: self.step,
                keyframe: index % 49 == 0,
            });
        }
        let sounds = if self.sound { (self.length - self.late.0 + self.late.1) / 1920 } else { 0 };
        for index in 0..sounds {
            let time = SECOND / 10 + self.late.0 + index * 1920;
            packets.push(ClockedPacket {
                stream: SOUND,
                position: None,
                dts: time,
                pts: time,
                length: 1920,
                keyframe: true,
            });
        }
        // Sound lies a little ahead of the pictures that belong to it; of fourteen only the first says where it is.
        packets.sort_by_key(|packet| packet.dts - if packet.stream == SOUND { SECOND / 2 } else { 0 });
        packets
    }
}

/// What a file holds: a packet as it is stated, which recording it is of, and its time there.
struct Stored {
    packet: ClockedPacket,
    recording: usize,
    time: i64,
}

fn joined(recordings: &[Recording]) -> Vec<Stored> {
    let (mut stored, mut sounds) = (Vec::new(), 0);
    for (recording, source) in recordings.iter().enumerate() {
        for packet in source.packets() {
            let position = (packet.stream == PICTURES || sounds % 14 == 0).then_some(stored.len() as u64 * 188);
            sounds += u64::from(packet.stream == SOUND);
            let stated = |time: i64| (time + source.start).rem_euclid(WRAP);
            let (dts, pts) = (stated(packet.dts), stated(packet.pts));
            stored.push(Stored { packet: ClockedPacket { position, dts, pts, ..packet }, recording, time: packet.pts });
        }
        sounds = 0;
    }
    stored
}

fn watched(stored: &[Stored]) -> Vec<MendedClock> {
    let mut watch = ClockWatch::new(Some(PICTURES), true);
    for stored in stored {
        watch.see(&stored.packet);
    }
    watch.finish(&mut |_, _| false)
}

/// Decode and presentation times of one stream on the clock that runs on, with where they come from.
fn mended<'s>(stored: &'s [Stored], clocks: &[MendedClock], stream: u32) -> Vec<(i64, i64, &'s Stored)> {
    let clock =
        clocks.iter().find(|clock| clock.stream == stream).map(|mended| mended.clock.clone()).unwrap_or_default();
    let mut position = None;
    let of_stream = stored.iter().filter(|stored| stored.packet.stream == stream);
    let times = of_stream.map(|stored| {
        position = stored.packet.position.or(position);
        let (dts, pts) = clock.times(position, Some(stored.packet.dts), Some(stored.packet.pts));
        (dts.unwrap(), pts.unwrap(), stored)
    });
    times.collect()
}

fn recording(start: i64, length_s: i64) -> Recording {
    Recording { step: 3600, reordered: true, sound: true, late: (0, 0), length: length_s * SECOND, start }
}

fn any_recording() -> impl Strategy<Value = Recording> {
    let step = prop::sample::select(vec![3600, 3003, 3754, 1800, 7200]);
    let late = (-SECOND / 3..SECOND / 3, -SECOND / 3..SECOND / 3);
    (step, any::<bool>(), prop::bool::weighted(0.8), late, 4 * SECOND..40 * SECOND, 0..WRAP).prop_map(
        |(step, reordered, sound, late, length, start)| Recording { step, reordered, sound, late, length, start },
    )
}

/// Whether each recording begins where nobody would take it for the one before.
fn apart(recordings: &[Recording]) -> bool {
    recordings.windows(2).all(|pair| {
        let gap = (pair[1].start - pair[0].start - pair[0].length).rem_euclid(WRAP);
        (12 * SECOND..WRAP - 3 * SECOND).contains(&gap)
    })
}

proptest! {
    #[test]
    fn any_recordings_put_together_run_on_and_keep_sound_and_pictures_in_step(
        recordings in prop::collection::vec(any_recording(), 2..7)
    ) {
        prop_assume!(apart(&recordings));
        let stored = joined(&recordings);
        let clocks = watched(&stored);
        let streams = [PICTURES, SOUND].map(|stream| mended(&stored, &clocks, stream));
        let mut shifts = vec![None; recordings.len()];
        let mut closest = vec![i64::MAX; recordings.len()];
        for times in &streams {
            let mut shown: Vec<i64> = times.iter().map(|(_, pts, _)| *pts).collect();
            shown.sort_unstable();
            prop_assert!(shown.windows(2).all(|pair| pair[0] < pair[1]), "two are shown at once");
            let mut end = None;
            for (index, closest) in closest.iter_mut().enumerate() {
                let own: Vec<_> = times.iter().filter(|(.., stored)| stored.recording == index).collect();
                let Some(start) = own.iter().map(|(_, pts, _)| *pts).min() else { continue };
                for (_, pts, stored) in &own {
                    prop_assert_eq!(pts - stored.time, *shifts[index].get_or_insert(pts - stored.time), "out of step");
                }
                if let Some(end) = end.replace(own.iter().map(|(_, pts, stored)| pts + stored.packet.length).max().unwrap()) {
                    prop_assert!(start - end >= -450, "{} ticks are there twice", end - start);
                    *closest = (*closest).min(start - end);
                }
            }
        }
        let both = recordings.windows(2).enumerate().filter(|(_, pair)| pair[0].sound == pair[1].sound);
        for (index, _) in both {
            prop_assert!(closest[index + 1] < 7200, "{} ticks are lost", closest[index + 1]);
        }
        let pictures = &clocks.iter().find(|clock| clock.stream == PICTURES).unwrap().clock;
        prop_assert_eq!(pictures.stretches.len(), recordings.len());
        prop_assert!(pictures.anchors.is_sorted_by(|a, b| a.position < b.position && a.time < b.time));
        for anchor in &pictures.anchors {
            let found = streams[0].iter().find(|(.., stored)| stored.packet.position == Some(anchor.position)).unwrap();
            prop_assert!(found.2.packet.keyframe && found.1 == anchor.time);
        }
    }

    #[test]
    fn a_clock_that_is_set_in_the_middle_of_a_recording_runs_on_as_if_it_were_not(
        source in any_recording(), at in 0.1..0.9, jump in prop_oneof![12 * SECOND..WRAP / 2, -WRAP / 2..-SECOND]
    ) {
        let mut stored = joined(std::slice::from_ref(&source));
        let set_at = (stored.len() as f64 * at) as usize;
        // A stream of which next to nothing was seen by then may belong anywhere.
        let is_seen = |stream: u32| {
            stored[..set_at].iter().filter(|one| one.packet.stream == stream && one.packet.position.is_some()).count() > 5
        };
        prop_assume!(is_seen(PICTURES) && (is_seen(SOUND) || !source.sound));
        // The demuxer has the times between from the packet before.
        let mut behind = [false; 2];
        for (index, stored) in stored.iter_mut().enumerate() {
            let packet = &mut stored.packet;
            behind[packet.stream as usize] |= index >= set_at && packet.position.is_some();
            if behind[packet.stream as usize] {
                (packet.dts, packet.pts) = ((packet.dts + jump).rem_euclid(WRAP), (packet.pts + jump).rem_euclid(WRAP));
            }
        }
        let clocks = watched(&stored);
        prop_assert_eq!(clocks.len(), 1 + usize::from(source.sound));
        let times: Vec<_> = [PICTURES, SOUND].iter().flat_map(|stream| mended(&stored, &clocks, *stream)).collect();
        // Its first packet may be stated before the clock begins anew, so by a whole turn of it later.
        let shift = times[0].1 - times[0].2.time;
        prop_assert_eq!((shift - source.start) % WRAP, 0);
        for (_, pts, stored) in times {
            prop_assert_eq!(pts - stored.time, shift);
        }
    }

    #[test]
    fn a_recording_whose_clock_never_jumps_keeps_it(source in any_recording(), early in any::<bool>()) {
        let mut stored = joined(std::slice::from_ref(&source));
        prop_assert_eq!(watched(&stored), []);
        // Sound that begins late, or pictures that do.
        let late = if early { PICTURES } else { SOUND };
        stored.retain(|stored| stored.packet.stream != late || stored.time > source.length / 2);
        prop_assert_eq!(watched(&stored), []);
    }
}

#[test]
fn a_stream_that_pauses_while_another_goes_on_is_no_jump() {
    for paused in [PICTURES, SOUND] {
        let mut stored = joined(&[recording(5 * SECOND, 300)]);
        stored.retain(|stored| stored.packet.stream != paused || !(60 * SECOND..200 * SECOND).contains(&stored.time));
        assert_eq!(watched(&stored), []);
    }
}

#[test]
fn a_pause_of_all_streams_is_a_jump_only_where_nothing_else_says_that_time_went_by() {
    let mut stored = joined(&[recording(0, 300)]);
    stored.retain(|stored| !(60 * SECOND..200 * SECOND).contains(&stored.packet.dts));
    let clock = &watched(&stored)[0].clock;
    assert_eq!(clock.stretches.len(), 2);
    let (mut watch, mut asked) = (ClockWatch::new(Some(PICTURES), true), Vec::new());
    stored.iter().for_each(|stored| watch.see(&stored.packet));
    let mut went_by = |place: Range<u64>, ticks: i64| {
        asked.push((place.end - place.start, ticks / SECOND));
        true
    };
    assert_eq!(watch.finish(&mut went_by), []);
    assert!(matches!(asked[..], [(1_000_000.., 139 | 140)]), "{asked:?}");
    assert!(clock.jumps().all(|jump| (jump - 60 * SECOND).abs() < SECOND / 4));
    let mut watch = ClockWatch::new(Some(PICTURES), false);
    stored.iter().for_each(|stored| watch.see(&stored.packet));
    assert_eq!(watch.finish(&mut |_, _| false), []);
}

#[test]
fn damaged_times_are_no_jump() {
    for wild in [-3 * SECOND, -700 * SECOND, 700 * SECOND, WRAP / 2] {
        let mut stored = joined(&[recording(1000 * SECOND, 60)]);
        for damaged in [200, 700, 1500] {
            stored[damaged].packet.dts += wild;
            stored[damaged].packet.pts += wild;
        }
        assert_eq!(watched(&stored), [], "{wild}");
        let mut stored = joined(&[recording(1000 * SECOND, 30), recording(5, 30)]);
        for damaged in [200, 1000, 1800] {
            stored[damaged].packet.dts += wild;
        }
        assert_eq!(watched(&stored)[0].clock.stretches.len(), 2, "{wild}");
    }
}

#[test]
fn one_track_that_leaves_the_others_is_no_jump() {
    let mut stored = joined(&[recording(1000 * SECOND, 60)]);
    for stored in stored.iter_mut().filter(|stored| stored.packet.stream == SOUND && stored.time > 20 * SECOND) {
        stored.packet.dts += 500 * SECOND;
        stored.packet.pts += 500 * SECOND;
    }
    assert_eq!(watched(&stored), []);
}

#[test]
fn the_same_recording_many_times_is_there_as_often_and_never_more_than_a_thousand_times() {
    let many = |count| vec![recording(7, 3); count];
    let stored = joined(&many(40));
    let clock = &watched(&stored)[0].clock;
    assert_eq!(clock.stretches.len(), 40);
    assert!(clock.jumps().is_sorted());
    assert_eq!(watched(&joined(&many(1010)))[0].clock.stretches.len(), MAX_STRETCHES);
}

#[test]
fn anchors_are_bounded_and_reach_to_the_end() {
    let recordings =
        [recording(7, 20_000), recording(3, 300)].map(|recording| Recording { reordered: false, ..recording });
    let stored = joined(&recordings);
    for mended in watched(&stored) {
        let anchors = &mended.clock.anchors;
        assert!((2000..=media_types::clock::MAX_ANCHORS).contains(&anchors.len()), "{}", anchors.len());
        assert!(mended.span.1 - anchors.last().unwrap().time < 10 * SECOND);
    }
}
