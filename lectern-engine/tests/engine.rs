//! The real executable, from a parent's side.

#![allow(clippy::unwrap_used)]

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use engine_host::protocol::Confinement;
use engine_host::protocol::PROTOCOL_VERSION;
use engine_host::{EngineEvent, EngineOptions, EngineSession, FileSource, ReadAt, TriedLibvmaf};
use futures::future::BoxFuture;
use media_types::{
    AudioPlan, CodecConfig, FrameMap, FrameRate, LoudnessTarget, Rendition, Shown, Timescale, VideoCodec,
    VideoEncoding, VideoProbe,
};
use pipeline::{AudioOrder, PosterOrder, RangeOrder, SheetOrder, StillsOrder, VideoSetup};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::sync::mpsc;

const ENGINE: &str = env!("CARGO_BIN_EXE_lectern-engine");

fn options() -> EngineOptions {
    EngineOptions::new(PathBuf::from(ENGINE))
}

fn run(args: &[&str]) -> Output {
    Command::new(ENGINE).args(args).stdin(Stdio::null()).output().unwrap()
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it hangs")
}

/// Two seconds of a 16-bit saw tooth at 48 kHz in a WAVE file.
fn wave() -> Vec<u8> {
    let data: Vec<u8> = (0..96_000_i32).flat_map(|i| ((i % 200) * 100 - 10_000).to_le_bytes()[..2].to_vec()).collect();
    let size = u32::try_from(data.len()).unwrap();
    let mut file = b"RIFF".to_vec();
    file.extend((36 + size).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16u32.to_le_bytes());
    file.extend([1u16, 1].map(u16::to_le_bytes).concat());
    file.extend([48_000u32, 96_000].map(u32::to_le_bytes).concat());
    file.extend([2u16, 16].map(u16::to_le_bytes).concat());
    file.extend(b"data");
    file.extend(size.to_le_bytes());
    file.extend(data);
    file
}

#[test]
fn it_says_what_it_is() {
    let output = run(&["--version"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    let version = env!("CARGO_PKG_VERSION");
    assert!(text.starts_with(&format!("lectern-engine {version}, engine protocol {PROTOCOL_VERSION}\n")), "{text}");
    assert_eq!(text.lines().count(), 2, "{text}");
}

#[test]
fn it_does_not_run_by_itself() {
    for args in [&[][..], &["--help"], &["serve", "4294967296", "5"]] {
        let output = run(args);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(64), "{args:?}");
        assert!(text.starts_with("lectern-engine is started by lectern"), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

#[tokio::test]
async fn a_libvmaf_passes_its_trial_behind_the_walls_and_what_is_none_is_told() {
    let named = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.cache/libvmaf-path");
    let path = std::fs::read_to_string(named).expect("run `make test`, which builds it");
    let TriedLibvmaf(tried) = within(options().try_libvmaf(path.trim())).await.unwrap();
    assert!(tried.as_ref().is_ok_and(|version| version.starts_with("3.")), "{tried:?}");
    let TriedLibvmaf(tried) = within(options().try_libvmaf("/dev/null")).await.unwrap();
    assert!(tried.as_ref().is_err_and(|why| why.contains("/dev/null")), "{tried:?}");
}

#[tokio::test]
async fn a_libvmaf_that_is_gone_by_now_ends_no_session() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("source.wav");
    std::fs::write(&path, wave()).unwrap();
    let source = Arc::new(FileSource::open(&path).unwrap());
    let options = EngineOptions { libvmaf: Some("/no/such/libvmaf.so".to_owned()), ..options() };
    let mut session = within(EngineSession::start(&options, source)).await.unwrap();
    assert_eq!(within(session.probe()).await.unwrap().audio.len(), 1);
}

#[tokio::test]
async fn a_file_that_is_no_media_is_the_source_s_fault() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("source");
    std::fs::write(&path, "this is no media\n".repeat(10_000)).unwrap();
    let source = Arc::new(FileSource::open(&path).unwrap());
    let outcome = async {
        let mut session = EngineSession::start(&options(), source).await?;
        session.probe().await
    };
    let error = within(outcome).await.unwrap_err();
    assert!(error.is_input_fault(), "{error:?}");
}

#[tokio::test]
async fn a_sound_file_is_probed_and_encoded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("source.wav");
    std::fs::write(&path, wave()).unwrap();
    let source = Arc::new(FileSource::open(&path).unwrap());
    let mut session = within(EngineSession::start(&options(), source)).await.unwrap();
    assert_ne!(session.confinement(), Confinement::None);
    let report = within(session.probe()).await.unwrap();
    let [audio] = report.audio.as_slice() else { panic!("{report:?}") };
    assert_eq!((audio.sample_rate, audio.channels, report.video.is_none()), (48_000, 1, true));

    let plan = AudioPlan {
        name: "und".to_owned(),
        label: None,
        roles: Default::default(),
        clock: Default::default(),
        stream_index: audio.stream_index,
        source_time_base: audio.time_base,
        origin_pts: 0,
        sample_rate: 48_000,
        channels: 1,
        bitrate_bps: 64_000,
        opus_bitrate_bps: None,
        sample_count: 96_000,
        borders: vec![],
        language: "und".into(),
        loudness: Some(LoudnessTarget { integrated_lufs: -16.0, max_true_peak_dbtp: -1.0 }),
    };
    let measured = within(session.measure_audio(&plan)).await.unwrap();
    let (sender, mut receiver) = mpsc::channel(4);
    let collect = async {
        let (mut config, mut samples) = (None, Vec::new());
        while let Some(event) = receiver.recv().await {
            match event {
                EngineEvent::Config { config: CodecConfig::Aac(bytes), priming_samples, .. } => {
                    config = Some((bytes, priming_samples));
                }
                EngineEvent::Sample { sample, .. } => samples.push(sample),
                _ => {}
            }
        }
        (config, samples)
    };
    let encode = session.encode_audio(AudioOrder { plan, gain_db: -6.0 }, sender);
    let (summary, (config, samples)) = within(async { tokio::join!(encode, collect) }).await;
    let summary = summary.unwrap();
    assert_eq!((summary.samples, summary.source), (96_000, measured));
    let [before, after] = [summary.source, summary.coded].map(|loudness| loudness.integrated_lufs.unwrap());
    assert!((before - after - 6.0).abs() < 0.02, "{summary:?}");
    let (config, priming) = config.unwrap();
    assert!(!config.is_empty());
    assert_eq!(samples.len() as u64, (96_000 + u64::from(priming)).div_ceil(1024));
    assert!(samples.iter().all(|sample| !sample.data.is_empty()));
    within(session.close()).await;
}

/// An order for every picture of `video`, as one rendition.
fn range_order(video: &VideoProbe) -> RangeOrder {
    let encoding = VideoEncoding {
        codec: VideoCodec::H264,
        preset: "veryfast".into(),
        crf: 23.0,
        max_bitrate_bps: 400_000,
        buffer_bits: 800_000,
        tune: None,
        dynamic_range: Default::default(),
    };
    RangeOrder {
        video: VideoSetup {
            clock: Default::default(),
            stream_index: video.stream_index,
            source_time_base: video.time_base,
            rotation: video.rotation,
            deinterlace: false,
            film: None,
            hdr: None,
            frame_rate: FrameRate::new(25, 1).unwrap(),
            timescale: Timescale::new(12_800).unwrap(),
            frame_ticks: 512,
            gop_frames: 50,
        },
        first_frame: 0,
        pictures: FrameMap(video.packets.iter().map(|packet| Shown { source_pts: packet.pts, frames: 1 }).collect()),
        renditions: vec![Rendition { name: "96p".into(), width: 160, height: 96, encoding, frame_step: 1 }],
        judge: None,
        careful: false,
    }
}

#[tokio::test]
async fn pictures_are_probed_encoded_and_made_stills_of() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("source.mp4");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=160x96:r=25:d=4", "-pix_fmt", "yuv420p"])
        .arg(&path)
        .stdin(Stdio::null())
        .status();
    assert!(made.expect("ffmpeg is installed").success());
    let source = Arc::new(FileSource::open(&path).unwrap());
    let mut session = within(EngineSession::start(&options(), source)).await.unwrap();
    let video = within(session.probe()).await.unwrap().video.unwrap();
    assert_eq!(video.packets.len(), 100);

    let count = |mut receiver: mpsc::Receiver<EngineEvent>| async move {
        let (mut samples, mut images) = (0, 0);
        while let Some(event) = receiver.recv().await {
            samples += usize::from(matches!(event, EngineEvent::Sample { .. }));
            images += usize::from(matches!(event, EngineEvent::Image { .. }));
        }
        (samples, images)
    };
    let (sender, receiver) = mpsc::channel(4);
    let encode = session.encode_range(range_order(&video), sender);
    let (summary, counted) = within(async { tokio::join!(encode, count(receiver)) }).await;
    assert_eq!((summary.unwrap().frames_per_track, counted), (vec![100], (100, 0)));

    let tile_pts = [0, 25, 50, 75, 99].map(|at| video.packets[at].pts).to_vec();
    let order = StillsOrder {
        stream_index: video.stream_index,
        clock: Default::default(),
        rotation: video.rotation,
        poster: Some(PosterOrder { pts: video.packets[10].pts, width: 160, height: 96 }),
        sheet: Some(SheetOrder { tile_pts, tile_width: 80, tile_height: 48, columns: 3 }),
    };
    let (sender, receiver) = mpsc::channel(4);
    let stills = session.stills(order, sender);
    let (summary, counted) = within(async { tokio::join!(stills, count(receiver)) }).await;
    let summary = summary.unwrap();
    assert_eq!((summary.tiles, summary.sheet_columns, summary.sheet_rows, counted), (5, 3, 2, (0, 2)));
    within(session.close()).await;
}

/// A source whose bytes never come, and that says when it was asked.
struct Stuck(mpsc::Sender<()>);

impl ReadAt for Stuck {
    fn size(&self) -> u64 {
        1 << 20
    }

    fn read_at(&self, _: u64, _: usize) -> BoxFuture<'_, io::Result<Bytes>> {
        Box::pin(async {
            let _ = self.0.send(()).await;
            std::future::pending().await
        })
    }
}

#[tokio::test]
async fn it_is_confined_before_it_reads_and_dies_with_its_session() {
    let (sender, mut asked) = mpsc::channel(1);
    let options = EngineOptions { memory_bytes: 3 << 30, ..options() };
    let pid = {
        let probe = async { EngineSession::start(&options, Arc::new(Stuck(sender))).await?.probe().await };
        tokio::pin!(probe);
        within(async {
            tokio::select! {
                outcome = &mut probe => panic!("it cannot have read the source: {outcome:?}"),
                read = asked.recv() => assert!(read.is_some()),
            }
        })
        .await;
        let pid = only_child();
        let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
        for (name, limit) in [
            ("Max address space", "3221225472"),
            ("Max open files", "32"),
            ("Max core file size", "0"),
            ("Max file size", "0"),
        ] {
            let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
            let words: Vec<&str> = line[name.len()..].split_whitespace().collect();
            assert_eq!(words[..2], [limit, limit], "{line}");
        }
        let threads: Vec<_> = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten().collect();
        assert!(threads.len() > 1, "one reads from the socket, one waits for the source");
        for thread in threads {
            let status = std::fs::read_to_string(thread.path().join("status")).unwrap();
            let nothing = format!("{:016x}", 0);
            for (name, value) in [("NoNewPrivs", "1"), ("Seccomp", "2"), ("CapEff", &nothing), ("CapPrm", &nothing)] {
                assert!(status.lines().any(|line| line == format!("{name}:\t{value}")), "{name}: {status}");
            }
        }
        pid
    };
    within(ended(&pid)).await;
}

#[tokio::test]
async fn it_dies_with_its_parent() {
    let (ours, theirs) = StdUnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    // The shell is the parent; this process keeps the other end of the socket, so that only the death can end it.
    let mut shell = tokio::process::Command::new("/bin/sh")
        .args(["-c", "exec 3<&0; \"$0\" serve 4294967296 0 <&3 & echo $!; wait", ENGINE])
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let stream = UnixStream::from_std(ours).unwrap();
    let (sender, _asked) = mpsc::channel(1);
    let session = within(EngineSession::over(stream, Arc::new(Stuck(sender)), Duration::from_secs(60))).await.unwrap();
    let mut pid = String::new();
    within(BufReader::new(shell.stdout.take().unwrap()).read_line(&mut pid)).await.unwrap();
    let pid = pid.trim();
    assert!(lives(pid));
    within(shell.kill()).await.unwrap();
    within(ended(pid)).await;
    drop(session);
}

async fn ended(pid: &str) {
    while lives(pid) {
        tokio::task::yield_now().await;
    }
}

fn lives(pid: &str) -> bool {
    state_and_parent(pid).is_some_and(|(state, _)| state != "Z")
}

/// State and parent of a process; `None` when it is gone.
fn state_and_parent(pid: &str) -> Option<(String, String)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    Some((fields.next()?.to_owned(), fields.next()?.to_owned()))
}

/// The child of this process with the tightest address space: other tests have theirs with the usual one.
fn only_child() -> String {
    let parent = std::process::id().to_string();
    let is_ours = |pid: &String| {
        state_and_parent(pid).is_some_and(|(_, of)| of == parent)
            && std::fs::read_to_string(format!("/proc/{pid}/limits")).is_ok_and(|limits| limits.contains("3221225472"))
    };
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes.filter_map(|process| process.file_name().into_string().ok()).find(is_ours).unwrap()
}
