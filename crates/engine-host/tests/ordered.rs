//! What an engine hands over is bounded by what was ordered, and its reading by the source.

#![allow(clippy::unwrap_used)]

mod support;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::time::Duration;

use bytes::Bytes;
use engine_host::protocol::{FromChild, Limits, encode};
use engine_host::{EngineEvent, EngineHostError, EngineSession};
use media_types::CodecConfig;
use pipeline::{POSTER, STORYBOARD, StillsOrder};
use support::liar::{aac, config, framed, liar, read, ready, sample};
use support::{MemorySource, audio_order, range_order, within};
use tokio::net::UnixStream;
use tokio::sync::mpsc;

const STALL: Duration = Duration::from_secs(20);

#[tokio::test]
async fn more_bytes_than_the_cap_allows_are_refused() {
    // Half a second at 20 Mbit/s and two seconds' worth of buffer, eight times over, and 16 MiB: just below 64 MiB.
    let large = framed(&sample(0), &vec![0; 16 << 20]);
    let (stream, thread) = liar([ready(), framed(&config(0), &[]), large.repeat(5)].concat());
    let mut session = support::session(stream, MemorySource::new(1000), STALL).await.unwrap();
    let (sender, mut receiver) = mpsc::channel(1);
    let swallow = async move {
        let mut bytes = 0;
        while let Some(event) = receiver.recv().await {
            bytes += if let EngineEvent::Sample { sample, .. } = event { sample.data.len() } else { 0 };
        }
        bytes
    };
    let (outcome, bytes) =
        within(async { tokio::join!(session.encode_range(range_order(1, 12), sender), swallow) }).await;
    assert_eq!((outcome.unwrap_err().code(), bytes), ("engine.protocol", 48 << 20));
    drop(session);
    thread.join().unwrap();
}

/// What the sound of `order` comes to when the engine answers with `lies`.
async fn sound_from_liar(order: pipeline::AudioOrder, lies: Vec<u8>) -> EngineHostError {
    let (stream, thread) = liar([ready(), lies].concat());
    let mut session = support::session(stream, MemorySource::new(1000), STALL).await.unwrap();
    let (sender, mut receiver) = mpsc::channel(1);
    let swallow = async move { while receiver.recv().await.is_some() {} };
    let (outcome, ()) = within(async { tokio::join!(session.encode_audio(order, sender), swallow) }).await;
    drop(session);
    thread.join().unwrap();
    outcome.unwrap_err()
}

#[tokio::test]
async fn sound_is_as_long_as_ordered() {
    let config = |priming_samples| framed(&FromChild::Config { track: 0, config: aac(), priming_samples }, &[]);
    let done = framed(&FromChild::AudioDone(pipeline::AudioSummary::default()), &[]);
    // 3072 samples behind a priming of 1024 are 4 frames.
    for (what, lie) in [
        ("a priming of hours", config(u32::MAX)),
        ("a frame of megabytes", [config(1024), framed(&sample(0), &[0; 8192])].concat()),
        ("no end", [config(1024), framed(&sample(0), b"x").repeat(5)].concat()),
        ("an early end", [config(1024), framed(&sample(0), b"x").repeat(3), done].concat()),
    ] {
        let error = sound_from_liar(audio_order(), lie).await;
        assert_eq!(error.code(), "engine.protocol", "{what}: {error}");
    }
}

#[tokio::test]
async fn sound_in_two_codecs_is_two_tracks_of_those() {
    let mut order = audio_order();
    order.plan.opus_bitrate_bps = Some(48_000);
    let opus = || CodecConfig::Opus(Bytes::from_static(&[0, 2, 1, 0x38, 0, 0, 0xbb, 0x80, 0, 0, 0]));
    let config = |track, config, priming_samples| framed(&FromChild::Config { track, config, priming_samples }, &[]);
    let done = framed(&FromChild::AudioDone(pipeline::AudioSummary { samples: 3072, ..Default::default() }), &[]);
    let aac = [config(0, aac(), 1024), framed(&sample(0), b"x").repeat(4)].concat();
    // 3072 samples behind 312 are 4 packets.
    for (what, lie) in [
        ("AAC alone", [aac.clone(), done.clone()].concat()),
        ("AAC twice", [aac.clone(), config(1, support::liar::aac(), 1024)].concat()),
        ("a packet too few", [aac.clone(), config(1, opus(), 312), framed(&sample(1), b"x").repeat(3), done].concat()),
        ("a packet too many", [aac, config(1, opus(), 312), framed(&sample(1), b"x").repeat(5)].concat()),
    ] {
        let error = sound_from_liar(order.clone(), lie).await;
        assert_eq!(error.code(), "engine.protocol", "{what}: {error}");
    }
}

#[tokio::test]
async fn what_is_said_of_sound_is_a_measurement_of_what_was_ordered() {
    let summary = pipeline::AudioSummary { samples: 3072, ..pipeline::AudioSummary::default() };
    let beyond = pipeline::Loudness { integrated_lufs: Some(f64::NAN), true_peak_dbtp: None };
    let track = framed(&FromChild::Config { track: 0, config: aac(), priming_samples: 1024 }, &[]);
    let track = [track, framed(&sample(0), b"x").repeat(4)].concat();
    for (what, done) in [
        ("a shorter track", pipeline::AudioSummary { samples: 3071, ..summary.clone() }),
        ("more silence than sound", pipeline::AudioSummary { filled_samples: 3073, ..summary.clone() }),
        ("a source of no loudness", pipeline::AudioSummary { source: beyond, ..summary.clone() }),
        ("a result of no loudness", pipeline::AudioSummary { coded: beyond, ..summary.clone() }),
    ] {
        let lie = [track.clone(), framed(&FromChild::AudioDone(done), &[])].concat();
        let error = sound_from_liar(audio_order(), lie).await;
        assert_eq!(error.code(), "engine.protocol", "{what}: {error}");
    }
    for lie in [FromChild::AudioMeasured(beyond), FromChild::AudioDone(summary)] {
        let (stream, thread) = liar([ready(), framed(&lie, &[])].concat());
        let mut session = support::session(stream, MemorySource::new(1000), STALL).await.unwrap();
        let error = within(session.measure_audio(&audio_order().plan)).await.unwrap_err();
        assert_eq!(error.code(), "engine.protocol", "{lie:?}: {error}");
        drop(session);
        thread.join().unwrap();
    }
}

#[tokio::test]
async fn stills_are_those_that_were_ordered() {
    let image = |name: &str| framed(&FromChild::Image { name: name.into() }, b"x");
    let done = |tiles, sheet_columns, sheet_rows| {
        framed(&FromChild::StillsDone(pipeline::StillsSummary { tiles, sheet_columns, sheet_rows }), &[])
    };
    let both = [image(POSTER), image(STORYBOARD)].concat();
    for (what, lie) in [
        ("a poster twice", [image(POSTER), image(POSTER)].concat()),
        ("no storyboard", [image(POSTER), done(3, 3, 1)].concat()),
        ("more tiles", [both.clone(), done(4, 2, 2)].concat()),
        ("an endless sheet", [both.clone(), done(3, 3, u32::MAX)].concat()),
        ("no columns", [both, done(3, 0, 1)].concat()),
    ] {
        let (stream, thread) = liar([ready(), lie].concat());
        let mut session = support::session(stream, MemorySource::new(1000), STALL).await.unwrap();
        let (sender, _receiver) = mpsc::channel(4);
        let error = within(session.stills(support::stills_order(), sender)).await.unwrap_err();
        assert_eq!(error.code(), "engine.protocol", "{what}: {error}");
        drop(session);
        thread.join().unwrap();
    }
    for (what, lie) in [
        ("a sheet beside the poster", [image(POSTER), image(STORYBOARD), done(0, 0, 0)].concat()),
        ("tiles of no sheet", [image(POSTER), done(1, 1, 1)].concat()),
    ] {
        let (stream, thread) = liar([ready(), lie].concat());
        let mut session = support::session(stream, MemorySource::new(1000), STALL).await.unwrap();
        let (sender, _receiver) = mpsc::channel(4);
        let order = StillsOrder { sheet: None, ..support::stills_order() };
        let error = within(session.stills(order, sender)).await.unwrap_err();
        assert_eq!(error.code(), "engine.protocol", "{what}: {error}");
        drop(session);
        thread.join().unwrap();
    }
}

#[tokio::test]
async fn text_is_of_the_tracks_that_were_ordered_and_no_endless_cue() {
    let cue = |track, cue| framed(&FromChild::Cue { track, cue }, b"");
    let done =
        |cues_per_track| framed(&FromChild::TextDone(pipeline::TextSummary { cues_per_track, lost_packets: 0 }), &[]);
    let long = support::cue(&"a".repeat(pipeline::MAX_CUE_BYTES + 1));
    for (what, lie) in [
        ("a third track", cue(2, support::cue("a"))),
        ("an endless cue", cue(1, long)),
        ("a count of one track", done(vec![0])),
    ] {
        let (stream, thread) = liar([ready(), lie].concat());
        let mut session = support::session(stream, MemorySource::new(1000), STALL).await.unwrap();
        let (sender, _receiver) = mpsc::channel(4);
        let error = within(session.read_text(support::text_order(), sender)).await.unwrap_err();
        assert_eq!(error.code(), "engine.protocol", "{what}: {error}");
        drop(session);
        thread.join().unwrap();
    }
}

#[tokio::test]
async fn a_report_is_on_the_source_and_its_texts_are_cleaned() {
    let report = |size_bytes| {
        let mut report = support::probe_report();
        report.size_bytes = size_bytes;
        report.video.as_mut().unwrap().packets.truncate(1);
        report.container = "mov\u{1b}[2J".into();
        report.warnings = vec!["\0".repeat(900); 100];
        let mut frame = encode(&FromChild::Probed(Box::new(report)), 0, Limits::PROBE).unwrap();
        frame.splice(0..0, ready());
        frame
    };
    for size in [1000, 999] {
        let (stream, thread) = liar(report(size));
        let mut session = support::session(stream, MemorySource::new(1000), STALL).await.unwrap();
        match within(session.probe()).await {
            Ok(report) => {
                assert_eq!((size, report.container.as_str(), report.warnings.len()), (1000, "mov [2J", 16));
                assert_eq!(report.warnings[0], " ".repeat(600));
            }
            Err(error) => assert_eq!((size, error.code()), (999, "engine.protocol")),
        }
        drop(session);
        thread.join().unwrap();
    }
}

/// A source that costs nothing to read.
struct Blank(Bytes);

impl engine_host::ReadAt for Blank {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }
    fn read_at(&self, offset: u64, length: usize) -> futures::future::BoxFuture<'_, std::io::Result<Bytes>> {
        let from = offset as usize;
        Box::pin(std::future::ready(Ok(self.0.slice(from..from + length))))
    }
}

#[tokio::test]
async fn reading_the_source_in_circles_is_standing_still() {
    const SIZE: u32 = 256 << 10;
    let (ours, theirs) = StdUnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let thread = std::thread::spawn(move || {
        let (mut out, mut back) = (&theirs, &theirs);
        out.write_all(&ready()).unwrap();
        let mut prefix = [0; 8];
        back.read_exact(&mut prefix).unwrap();
        let mut said = vec![0; prefix[0].into()];
        back.read_exact(&mut said).unwrap();
        back.read_exact(&mut prefix).unwrap();
        back.read_exact(&mut said[..1]).unwrap();
        while out.write_all(&framed(&read(0, SIZE), &[])).is_ok() {
            let mut reply = vec![0; SIZE as usize + 8 + 3];
            if back.read_exact(&mut reply).is_err() {
                break;
            }
        }
    });
    let source = std::sync::Arc::new(Blank(Bytes::from(vec![0; SIZE as usize])));
    let stream = UnixStream::from_std(ours).unwrap();
    let stall = Duration::from_millis(500);
    let mut session = within(EngineSession::over(stream, source, stall)).await.unwrap();
    assert_eq!(within(session.probe()).await.unwrap_err().code(), "engine.stalled");
    drop(session);
    thread.join().unwrap();
}
