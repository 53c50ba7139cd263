//! A session against peers that lie, and processes that are no engines.

#![allow(clippy::unwrap_used)]

mod support;

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use engine_host::protocol::{Confinement, FromChild, Limits, PROTOCOL_VERSION, ToChild, encode};
use engine_host::{EngineHostError, EngineOptions, EngineSession, child};
use pipeline::{EngineError, POSTER, RangeSummary};
use proptest::prelude::*;
use support::liar::{aac, config, flood, framed, liar, read, ready, sample};
use support::{MemorySource, range_order, within};
use tokio::net::UnixStream;
use tokio::sync::mpsc;

const STALL: Duration = Duration::from_secs(20);

/// What a range comes to when the engine answers the order with `lies`.
async fn order_from_liar(lies: &[Vec<u8>]) -> EngineHostError {
    let (stream, thread) = liar([ready(), lies.concat()].concat());
    let mut session = support::session(stream, MemorySource::new(1000), STALL).await.unwrap();
    assert_eq!(session.identity(), "liar ");
    let (sender, mut receiver) = mpsc::channel(1);
    let swallow = async move { while receiver.recv().await.is_some() {} };
    let (outcome, ()) = within(async { tokio::join!(session.encode_range(range_order(1, 3), sender), swallow) }).await;
    drop(session);
    thread.join().unwrap();
    outcome.unwrap_err()
}

#[tokio::test]
async fn what_has_no_place_in_the_protocol_is_refused() {
    let done = FromChild::AudioDone(pipeline::AudioSummary::default());
    for (what, lie) in [
        ("past the end", framed(&read(999, 2), &[])),
        ("far past the end", framed(&read(u64::MAX, 1), &[])),
        ("nothing", framed(&read(0, 0), &[])),
        ("too much", framed(&read(0, u32::MAX), &[])),
        ("no such track", framed(&config(1), &[])),
        ("no configuration yet", framed(&sample(0), b"x")),
        ("a sample of no track", framed(&sample(u32::MAX), b"x")),
        ("configured twice", [framed(&config(0), &[]), framed(&config(0), &[])].concat()),
        ("a path", framed(&FromChild::Image { name: "../../poster.jpg".into() }, b"x")),
        ("sound's configuration", framed(&FromChild::Config { track: 0, config: aac(), priming_samples: 0 }, &[])),
        ("one picture too many", [vec![framed(&config(0), &[])], vec![framed(&sample(0), b"x"); 4]].concat().concat()),
        ("an image", framed(&FromChild::Image { name: POSTER.into() }, b"x")),
        ("progress of another order", framed(&FromChild::Progress { done: 1, total: 4 }, &[])),
        ("progress past its end", framed(&FromChild::Progress { done: 4, total: 3 }, &[])),
        ("an end too early", framed(&FromChild::RangeDone(RangeSummary::default()), &[])),
        ("another answer", framed(&done, &[])),
        ("ready twice", ready()),
        ("a huge claim", vec![0xff; 8]),
        ("no message", vec![1, 0, 0, 0, 0, 0, 0, 0, 0xee]),
    ] {
        let error = order_from_liar(&[lie]).await;
        assert_eq!(error.code(), "engine.protocol", "{what}: {error}");
    }
}

#[tokio::test]
async fn a_flood_of_reads_is_refused() {
    struct Never;
    impl engine_host::ReadAt for Never {
        fn size(&self) -> u64 {
            1000
        }
        fn read_at(&self, _: u64, _: usize) -> futures::future::BoxFuture<'_, std::io::Result<Bytes>> {
            Box::pin(std::future::pending())
        }
    }
    let flood = framed(&read(0, 1), &[]).repeat(5);
    let (stream, thread) = liar([ready(), flood].concat());
    let mut session = within(EngineSession::over(stream, std::sync::Arc::new(Never), STALL)).await.unwrap();
    assert_eq!(within(session.probe()).await.unwrap_err().code(), "engine.protocol");
    drop(session);
    thread.join().unwrap();
}

#[tokio::test]
async fn an_end_in_the_middle_is_a_death() {
    for words in [&[][..], &framed(&config(0), &[])[..5], &framed(&sample(0), b"12345678")[..20]] {
        assert_eq!(order_from_liar(&[words.to_vec()]).await.code(), "engine.died");
    }
}

#[tokio::test]
async fn what_an_engine_said_before_it_left_is_heard() {
    let error = EngineError::Input { code: "input.test".into(), detail: "no good".into() };
    let words = [ready(), framed(&read(0, 10), &[]), framed(&FromChild::Failed(error), &[])].concat();
    let (ours, mut theirs) = StdUnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    theirs.write_all(&words).unwrap();
    drop(theirs);
    let stream = UnixStream::from_std(ours).unwrap();
    let mut session = support::session(stream, MemorySource::new(1000), STALL).await.unwrap();
    assert_eq!(within(session.probe()).await.unwrap_err().code(), "input.test");
}

#[tokio::test]
async fn texts_and_codes_of_the_child_are_cleaned() {
    let failed = |error| framed(&FromChild::Failed(error), &[]);
    let input = EngineError::Input { code: "engine.died\n".into(), detail: "a\nb".into() };
    let error = order_from_liar(&[failed(input)]).await;
    assert_eq!((error.code(), error.to_string().as_str()), ("input.unreadable", "input.unreadable: a b"));
    let error = order_from_liar(&[failed(EngineError::Stopped)]).await;
    assert_eq!(error.code(), "engine.failed");
}

#[tokio::test]
async fn saying_the_same_progress_again_is_standing_still() {
    let (stream, thread) = flood(framed(&FromChild::Progress { done: 1, total: 2 }, &[]));
    let mut session = support::session(stream, MemorySource::new(1), Duration::from_millis(500)).await.unwrap();
    let (sender, mut receiver) = mpsc::channel(8);
    let swallow = async move { while receiver.recv().await.is_some() {} };
    let (outcome, ()) = within(async { tokio::join!(session.encode_range(range_order(1, 96), sender), swallow) }).await;
    assert_eq!(outcome.unwrap_err().code(), "engine.stalled");
    thread.join().unwrap();
}

#[tokio::test]
async fn an_engine_that_talks_on_after_a_stop_is_given_up() {
    let (stream, thread) = flood(framed(&FromChild::Progress { done: 1, total: 2 }, &[]));
    let mut session = support::session(stream, MemorySource::new(1), Duration::from_millis(500)).await.unwrap();
    let (sender, receiver) = mpsc::channel(8);
    drop(receiver);
    assert_eq!(within(session.encode_range(range_order(1, 96), sender)).await.unwrap_err().code(), "engine.stopped");
    thread.join().unwrap();
}

#[tokio::test]
async fn an_engine_of_another_release_is_named() {
    let words = framed(
        &FromChild::Ready { protocol_version: 999, identity: String::new(), confinement: Confinement::None },
        &[],
    );
    let (stream, _thread) = liar(words);
    let error = support::session(stream, MemorySource::new(1), STALL).await.err().unwrap();
    assert_eq!(error.code(), "engine.version");
    assert!(error.to_string().contains("speaks 999"), "{error}");
}

#[tokio::test]
async fn what_an_engine_says_of_its_walls_can_be_asked_for() {
    for (confinement, said) in [(Confinement::SystemCalls, "no Landlock"), (Confinement::Full, "seccomp and Landlock")]
    {
        let ready = FromChild::Ready { protocol_version: PROTOCOL_VERSION, identity: String::new(), confinement };
        let (stream, thread) = liar(framed(&ready, &[]));
        let session = support::session(stream, MemorySource::new(1), STALL).await.unwrap();
        assert_eq!(session.confinement(), confinement);
        assert!(session.confinement().to_string().contains(said));
        drop(session);
        thread.join().unwrap();
    }
}

#[test]
fn a_child_of_another_release_says_so_and_ends() {
    let (mut ours, theirs) = StdUnixStream::pair().unwrap();
    let open = ToChild::Open { protocol_version: 999, size: 1 };
    ours.write_all(&encode(&open, 0, Limits::TO_CHILD).unwrap()).unwrap();
    let outcome = child::serve(theirs.into(), Confinement::None, |_| unreachable!("it opens nothing"));
    assert!(matches!(outcome, Err(child::ServeError::Version { theirs: 999, .. })), "{outcome:?}");
    let mut said = Vec::new();
    ours.read_to_end(&mut said).unwrap();
    let (identity, confinement) = (String::new(), Confinement::None);
    assert_eq!(said, framed(&FromChild::Ready { protocol_version: PROTOCOL_VERSION, identity, confinement }, &[]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn garbage_from_an_engine_is_an_error_and_no_hang(garbage in prop::collection::vec(any::<u8>(), 0..300), greets in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let words = if greets { [ready(), garbage].concat() } else { garbage };
            let (stream, thread) = liar(words);
            if let Ok(mut session) = support::session(stream, MemorySource::new(1000), STALL).await {
                assert!(within(session.probe()).await.is_err());
            }
            thread.join().unwrap();
        });
    }

    #[test]
    fn garbage_from_a_worker_ends_the_child(garbage in prop::collection::vec(any::<u8>(), 0..300), greets in any::<bool>()) {
        let (ours, theirs) = StdUnixStream::pair().unwrap();
        let open = encode(&ToChild::Open { protocol_version: PROTOCOL_VERSION, size: 1 }, 0, Limits::TO_CHILD).unwrap();
        let words = if greets { [open, garbage].concat() } else { garbage };
        (&ours).write_all(&words).unwrap();
        ours.shutdown(Shutdown::Write).unwrap();
        let refused = || EngineError::Input { code: "input.test".into(), detail: String::new() };
        let _ = child::serve(theirs.into(), Confinement::None, |_| Err(refused()));
    }
}

fn options(program: &str) -> EngineOptions {
    EngineOptions { stall: STALL, ..EngineOptions::new(PathBuf::from(program)) }
}

#[tokio::test]
async fn a_program_that_is_not_there_cannot_be_started() {
    let source = MemorySource::new(1);
    let error = within(EngineSession::start(&options("/nowhere/lectern-engine"), source)).await.err().unwrap();
    assert_eq!(error.code(), "engine.spawn");
    assert!(error.to_string().starts_with("/nowhere/lectern-engine could not be started: "), "{error}");
}

#[tokio::test]
async fn a_child_that_ends_is_quoted() {
    // A shell takes the arguments for a script that is not there.
    let error = within(EngineSession::start(&options("/bin/sh"), MemorySource::new(1))).await.err().unwrap();
    let EngineHostError::Died { how, stderr_tail } = error else { panic!("{error}") };
    assert!(how.starts_with("exit status: "), "{how}");
    assert!(stderr_tail.contains("serve"), "{stderr_tail}");
}

#[tokio::test]
async fn a_child_that_never_answers_is_killed() {
    let options = EngineOptions { stall: Duration::from_millis(100), ..options("/usr/bin/yes") };
    let error = within(EngineSession::start(&options, MemorySource::new(1))).await.err().unwrap();
    assert_eq!(error.code(), "engine.stalled");
    let ended = async {
        while children_named("yes") > 0 {
            tokio::task::yield_now().await;
        }
    };
    within(ended).await;
}

/// Living children of this process whose command is `name`.
fn children_named(name: &str) -> usize {
    let parent = std::process::id().to_string();
    let ours = |stat: &str| {
        let (head, rest) = stat.rsplit_once(") ")?;
        let mut fields = rest.split(' ');
        let lives = fields.next()? != "Z";
        Some(head.ends_with(&format!("({name}")) && lives && fields.next()? == parent)
    };
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|process| std::fs::read_to_string(process.path().join("stat")).ok())
        .filter(|stat| ours(stat) == Some(true))
        .count()
}
