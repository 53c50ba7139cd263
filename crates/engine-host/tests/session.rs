//! A session against engines that are served on a thread.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use engine_host::{EngineEvent, EngineHostError};
use support::{Bench, Does, MemorySource, audio_order, range_order, stills_order, text_order, within};
use tokio::sync::mpsc;

const STALL: Duration = Duration::from_secs(20);

async fn collect(mut events: mpsc::Receiver<EngineEvent>) -> Vec<EngineEvent> {
    let mut all = Vec::new();
    while let Some(event) = events.recv().await {
        all.push(event);
    }
    all
}

#[tokio::test]
async fn a_probe_report_with_half_a_million_pictures_crosses() {
    let (mut session, _bench) = Bench::start(Does::Encode { samples: 1 }, STALL).await;
    let report = within(session.probe()).await.unwrap();
    assert_eq!(report, support::probe_report());
    assert_eq!(session.identity(), "test engine 1");
    within(session.close()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_can_run_on_any_thread() {
    let (mut session, _bench) = Bench::start(Does::Encode { samples: 5 }, STALL).await;
    let (sender, receiver) = mpsc::channel(1);
    let encode = tokio::spawn(async move { session.encode_range(range_order(1, 5), sender).await });
    assert_eq!(within(collect(receiver)).await, support::expected_range(1, 5));
    assert!(within(encode).await.unwrap().is_ok());
}

#[tokio::test]
async fn a_range_arrives_whole_and_in_order() {
    let (mut session, _bench) = Bench::start(Does::Encode { samples: 50 }, STALL).await;
    let (sender, receiver) = mpsc::channel(4);
    let (summary, events) =
        within(async { tokio::join!(session.encode_range(range_order(2, 50), sender), collect(receiver)) }).await;
    assert_eq!(summary.unwrap().frames_per_track, [50, 50]);
    assert_eq!(events, support::expected_range(2, 50));
}

#[tokio::test]
async fn sound_and_stills_and_text_follow_on_the_same_session() {
    let (mut session, _bench) = Bench::start(Does::Encode { samples: 3 }, STALL).await;
    assert_eq!(within(session.measure_audio(&audio_order().plan)).await.unwrap(), support::LOUDNESS);
    let (sender, receiver) = mpsc::channel(4);
    let (summary, events) =
        within(async { tokio::join!(session.encode_audio(audio_order(), sender), collect(receiver)) }).await;
    assert_eq!(summary.unwrap().samples, audio_order().plan.sample_count);
    assert_eq!(events.len(), 5);
    let (sender, receiver) = mpsc::channel(4);
    let (summary, events) =
        within(async { tokio::join!(session.stills(stills_order(), sender), collect(receiver)) }).await;
    assert_eq!(summary.unwrap().tiles, 3);
    let names: Vec<_> =
        events.iter().map(|event| matches!(event, EngineEvent::Image { name, .. } if name == "poster.jpg")).collect();
    assert_eq!(names, [true, false]);
    let (sender, receiver) = mpsc::channel(4);
    let (summary, events) =
        within(async { tokio::join!(session.read_text(text_order(), sender), collect(receiver)) }).await;
    assert_eq!(summary.unwrap().cues_per_track, [1, 1]);
    let said = |track| EngineEvent::Cue { track, cue: support::cue("a word") };
    assert_eq!(events, [said(0), said(1), EngineEvent::Progress { done: 1000, total: 1000 }]);
}

#[tokio::test]
async fn a_fault_of_the_source_is_final_and_leaves_the_session_usable() {
    let (mut session, _bench) = Bench::start(Does::FailInput, STALL).await;
    let (sender, _receiver) = mpsc::channel(4);
    let error = within(session.encode_range(range_order(1, 96), sender)).await.unwrap_err();
    assert!(error.is_input_fault());
    assert_eq!((error.code(), error.to_string().as_str()), ("input.test", "input.test: no good"));
    assert!(within(session.probe()).await.is_ok());
}

#[tokio::test]
async fn a_source_that_is_no_media_fails_the_start() {
    let (bench, stream) = Bench::serve(Does::RefuseToOpen);
    let error = support::session(stream, MemorySource::new(10), STALL).await.err().unwrap();
    assert_eq!(error.code(), "input.not_media");
    bench.ended();
}

#[tokio::test]
async fn dropping_the_future_of_a_command_ends_the_engine_and_the_session() {
    let (mut session, bench) = Bench::start(Does::Encode { samples: u64::from(u32::MAX) }, STALL).await;
    let (sender, mut receiver) = mpsc::channel(1);
    {
        let command = session.encode_range(range_order(1, u32::MAX), sender);
        tokio::pin!(command);
        within(async {
            tokio::select! {
                _ = &mut command => panic!("it has no end"),
                event = receiver.recv() => assert!(event.is_some()),
            }
        })
        .await;
    }
    bench.ended();
    assert!(matches!(within(session.probe()).await, Err(EngineHostError::Closed)));
}

#[tokio::test]
async fn a_dropped_receiver_stops_the_command_and_leaves_the_session_usable() {
    let (mut session, _bench) = Bench::start(Does::Encode { samples: u64::from(u32::MAX) }, STALL).await;
    let (sender, mut receiver) = mpsc::channel(1);
    let take_one = async move {
        receiver.recv().await.unwrap();
    };
    let (outcome, ()) =
        within(async { tokio::join!(session.encode_range(range_order(1, u32::MAX), sender), take_one) }).await;
    assert!(matches!(outcome, Err(EngineHostError::Stopped)), "{outcome:?}");
    assert!(within(session.probe()).await.is_ok());
}

#[tokio::test]
async fn a_slow_consumer_holds_the_engine_back() {
    // 64 KiB each: what fits into both socket buffers, the channel and the hands of both ends.
    const MAX_AHEAD: u64 = 40;
    let (mut session, bench) = Bench::start(Does::Encode { samples: 1000 }, STALL).await;
    let (sender, mut receiver) = mpsc::channel(1);
    let made = Arc::clone(&bench.made);
    let consume = async move {
        let mut got = 0;
        receiver.recv().await.unwrap();
        let ran_away = async {
            while made.load(Ordering::SeqCst) <= MAX_AHEAD {
                tokio::task::yield_now().await;
            }
        };
        assert!(tokio::time::timeout(Duration::from_millis(300), ran_away).await.is_err(), "nothing holds it back");
        while let Some(event) = receiver.recv().await {
            got += u64::from(matches!(event, EngineEvent::Sample { .. }));
            assert!(made.load(Ordering::SeqCst) <= got + MAX_AHEAD);
        }
        got
    };
    let (summary, got) =
        within(async { tokio::join!(session.encode_range(range_order(1, 1000), sender), consume) }).await;
    assert_eq!((summary.unwrap().frames_per_track, got), (vec![1000], 1000));
}

#[tokio::test]
async fn the_engine_reads_the_source_as_it_is_with_few_reads_at_once() {
    let (bench, stream) = Bench::serve(Does::ReadAll);
    let source = MemorySource::new((20 << 20) + 12_345);
    let mut session = support::session(stream, Arc::clone(&source), STALL).await.unwrap();
    within(session.probe()).await.unwrap();
    assert!(source.most_at_once.load(Ordering::SeqCst) <= 4);
    assert!(source.longest.load(Ordering::SeqCst) <= 1 << 20);
    // Forward once, then back and forth: what is near is kept.
    assert!(source.reads.load(Ordering::SeqCst) <= 21 + 24, "{}", source.reads.load(Ordering::SeqCst));
    drop(session);
    bench.ended();
}

#[tokio::test]
async fn a_source_that_fails_is_named_even_when_the_engine_goes_on_without_it() {
    let (_bench, stream) = Bench::serve(Does::SwallowReadErrors);
    let source = MemorySource::failing_from(64 << 20, 3 << 20);
    let mut session = support::session(stream, source, STALL).await.unwrap();
    let error = within(session.probe()).await.unwrap_err();
    assert_eq!((error.code(), error.is_input_fault()), ("source.unreadable", false));
    assert!(error.to_string().contains("the disk is gone"), "{error}");
}

#[tokio::test]
async fn an_engine_that_stands_still_is_given_up() {
    let (mut session, bench) = Bench::start(Does::Block, Duration::from_millis(50)).await;
    let (sender, _receiver) = mpsc::channel(1);
    let error = within(session.encode_range(range_order(1, 96), sender)).await.unwrap_err();
    assert_eq!(error.code(), "engine.stalled");
    assert!(matches!(within(session.probe()).await, Err(EngineHostError::Closed)));
    bench.gate.open();
    bench.ended();
}

#[tokio::test]
async fn an_engine_that_does_not_stop_is_given_up() {
    let (mut session, bench) = Bench::start(Does::Block, Duration::from_millis(200)).await;
    let (sender, receiver) = mpsc::channel(1);
    drop(receiver);
    let error = within(session.encode_range(range_order(1, 96), sender)).await.unwrap_err();
    assert_eq!(error.code(), "engine.stopped");
    assert!(matches!(within(session.probe()).await, Err(EngineHostError::Closed)));
    bench.gate.open();
    bench.ended();
}

#[tokio::test]
async fn a_panic_in_the_engine_is_a_death() {
    let (mut session, bench) = Bench::start(Does::Panic, STALL).await;
    let (sender, _receiver) = mpsc::channel(1);
    let error = within(session.encode_range(range_order(1, 96), sender)).await.unwrap_err();
    assert_eq!(error.code(), "engine.died");
    bench.panicked();
}

#[tokio::test]
async fn a_sample_too_large_to_send_is_the_engine_s_fault() {
    let (mut session, _bench) = Bench::start(Does::HugeSample, STALL).await;
    let (sender, _receiver) = mpsc::channel(4);
    let error = within(session.encode_range(range_order(1, 96), sender)).await.unwrap_err();
    assert_eq!(error.code(), "engine.failed");
    assert!(error.to_string().contains("17825792 bytes"), "{error}");
}
