//! The same behind the walls of an engine that uses a device.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use engine_host::protocol::Confinement;
use engine_host::{EngineEvent, EngineHostError, EngineOptions, EngineSession, FileSource};
use media_types::{CodecConfig, Sample};
use pipeline::RangeOrder;
use tokio::sync::mpsc;

use crate::media::{apart, libav, number, numbered, order, planned, shown};
use crate::{keyframes, made};

/// The processor's elements, as if they were a device's.
const PROCESSOR: &str = "avdec_h264+avdec_h265+vp9dec+av1dec+x264enc@processor";

fn options(devices: &str) -> EngineOptions {
    let program = env!("CARGO_BIN_EXE_lectern-engine").into();
    EngineOptions { devices: Some(devices.to_owned()), ..EngineOptions::new(program) }
}

type Tracks = Vec<(Option<CodecConfig>, Vec<Sample>)>;

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(120), future).await.expect("it hangs")
}

/// Makes a range in a session; answers how it is confined and what the engine calls itself, too.
async fn encoded(
    options: &EngineOptions,
    path: &Path,
    order: &RangeOrder,
) -> Result<(Confinement, String, Tracks), EngineHostError> {
    let source = Arc::new(FileSource::open(path).unwrap());
    let mut session = within(EngineSession::start(options, source)).await?;
    let (confinement, identity) = (session.confinement(), session.identity().to_owned());
    let (sender, mut receiver) = mpsc::channel(4);
    let collect = async {
        let mut tracks: Tracks = order.renditions.iter().map(|_| (None, Vec::new())).collect();
        while let Some(event) = receiver.recv().await {
            match event {
                EngineEvent::Config { track, config, .. } => tracks[track as usize].0 = Some(config),
                EngineEvent::Sample { track, sample } => tracks[track as usize].1.push(sample),
                _ => {}
            }
        }
        tracks
    };
    let (summary, tracks) = within(async { tokio::join!(session.encode_range(order.clone(), sender), collect) }).await;
    summary?;
    within(session.close()).await;
    Ok((confinement, identity, tracks))
}

/// Whether a session says that this kernel cannot confine an engine with a device.
fn has_no_landlock(error: &EngineHostError) -> bool {
    error.to_string().contains("no Landlock")
}

#[tokio::test]
async fn a_confined_engine_makes_ranges_by_a_graph() {
    let folder = tempfile::tempdir().unwrap();
    let path = numbered(folder.path(), 4, "", "-c:v libx264 -preset veryfast -bf 2 source.mp4");
    let order = order(&planned(&path), 0);
    let (expected, _) = made(&mut libav(&path), &order);
    let (confinement, identity, tracks) = match encoded(&options(PROCESSOR), &path, &order).await {
        Err(error) if has_no_landlock(&error) => return eprintln!("NOT RUN: {error}"),
        outcome => outcome.unwrap(),
    };
    assert_eq!(confinement, Confinement::Device);
    assert!(identity.contains(" gstreamer-1.") && identity.ends_with(PROCESSOR), "{identity}");
    for (track, (config, samples)) in tracks.iter().enumerate() {
        let beside = &expected.samples[&(track as u32)];
        assert_eq!(keyframes(samples), keyframes(beside));
        let pictures = shown(&order, config.as_ref().unwrap(), samples);
        let others = shown(&order, &expected.configs[&(track as u32)].0, beside);
        assert!(pictures.iter().zip(&others).all(|(picture, other)| apart(picture, other) < 2.0));
        assert!(pictures.iter().zip(0..).all(|(picture, at)| number(picture) == at), "every picture in its place");
        assert_eq!(samples.len() as u64, order.frame_count(), "the graph holds none, so it was the graph");
    }
}

#[tokio::test]
async fn trials_are_made_behind_the_same_walls() {
    let found = within(options("").find_devices(true)).await;
    match found {
        Err(error) if has_no_landlock(&error) => eprintln!("NOT RUN: {error}"),
        found => {
            let found = found.unwrap();
            assert!(!found.tried.is_empty(), "{found:?}");
            let passed = found.tried.iter().any(|tried| tried.outcome.is_ok());
            assert!(passed || found.used.is_none(), "{found:?}");
        }
    }
}

#[tokio::test]
async fn an_engine_is_not_started_for_what_is_no_profile() {
    let folder = tempfile::tempdir().unwrap();
    let path = numbered(folder.path(), 1, "", "-c:v libx264 -preset veryfast source.mp4");
    for devices in ["", "filesink@processor", "avdec_h264+x264enc@a b"] {
        let source = Arc::new(FileSource::open(&path).unwrap());
        let started = within(EngineSession::start(&options(devices), source)).await;
        assert!(matches!(started.err(), Some(EngineHostError::Died { .. })), "{devices}");
    }
}

/// What a device has to show: a source of each codec that it decodes, whole, in order and like the processor's.
#[tokio::test]
async fn a_device_that_is_there_makes_the_same_range() {
    let found = match within(options("").find_devices(true)).await {
        Err(error) if has_no_landlock(&error) => return eprintln!("NOT RUN: {error}"),
        found => found.unwrap(),
    };
    let Some(profile) = found.used else { return eprintln!("NOT RUN: no device passed its trial: {:?}", found.tried) };
    let folder = tempfile::tempdir().unwrap();
    let path = numbered(folder.path(), 28, "", "-c:v libx264 -preset veryfast -bf 3 source.mp4");
    let video = planned(&path);
    for range in 0..video.ranges.len() {
        let order = order(&video, range);
        let (expected, _) = made(&mut libav(&path), &order);
        let (_, identity, tracks) = encoded(&options(&profile), &path, &order).await.unwrap();
        assert!(identity.ends_with(&profile), "{identity}");
        for (track, (config, samples)) in tracks.iter().enumerate() {
            let beside = &expected.samples[&(track as u32)];
            assert_eq!(keyframes(samples), keyframes(beside));
            let pictures = shown(&order, config.as_ref().unwrap(), samples);
            let others = shown(&order, &expected.configs[&(track as u32)].0, beside);
            assert_eq!(pictures.len(), others.len());
            for (picture, other) in pictures.iter().zip(&others) {
                assert_eq!(number(picture), number(other));
                assert!(apart(picture, other) < 4.0, "range {range}, track {track}");
            }
        }
    }
}
