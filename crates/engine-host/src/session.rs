//! The parent's end.

use std::sync::{Arc, Once};
use std::time::Duration;

use bytes::Bytes;
use media_types::loss::MAX_LOSSES;
use media_types::{AudioPlan, CodecConfig, ProbeReport, Sample, language};
use pipeline::{
    AudioOrder, AudioSummary, EngineError, Loudness, RangeOrder, RangeSummary, StillsOrder, StillsSummary, TextCue,
    TextOrder, TextSummary,
};
use tokio::net::UnixStream;
use tokio::sync::mpsc;

use crate::error::{clean, clean_code};
use crate::process::Process;
use crate::protocol::{Confinement, FromChild, Limits, PROTOCOL_VERSION, ProtocolError, ToChild};
use crate::{EngineHostError, EngineOptions, ReadAt};

mod allowance;
mod conversation;
mod expected;
mod frames;
mod link;

use conversation::Conversation;
use expected::Expected;
use link::Link;

/// Sound tracks of a report that are kept.
const MAX_AUDIO: usize = 64;
const MAX_TEXTS: usize = 64;
const MAX_CHAPTERS: usize = 1000;
/// Warnings of a report that are kept.
const MAX_WARNINGS: usize = 16;

/// What an engine hands over while a command runs. Tracks are positions in the order, and 0 for audio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineEvent {
    /// What a decoder needs first; once per track, before its first sample.
    Config {
        /// Position in the order.
        track: u32,
        /// The configuration.
        config: CodecConfig,
        /// The encoder's delay in samples, 0 for video.
        priming_samples: u32,
    },
    /// One access unit, in decode order within its track.
    Sample {
        /// Position in the order.
        track: u32,
        /// The access unit.
        sample: Sample,
    },
    /// Text of a track, in the order of the source.
    Cue {
        /// Position in the order.
        track: u32,
        /// What it says.
        cue: TextCue,
    },
    /// A whole JPEG.
    Image {
        /// [`pipeline::POSTER`] or [`pipeline::STORYBOARD`].
        name: String,
        /// Its bytes.
        jpeg: Bytes,
    },
    /// Work moves.
    Progress {
        /// Done so far: frames, samples or pictures.
        done: u64,
        /// Of how many.
        total: u64,
    },
}

/// One engine with one open source. Commands run one after the other.
///
/// Dropping the session, or the future of a command, kills the child. So does every error but
/// [`EngineHostError::Input`], [`EngineHostError::Engine`], [`EngineHostError::Source`] and, when the engine stops in
/// time, [`EngineHostError::Stopped`]; later commands then give [`EngineHostError::Closed`].
pub struct EngineSession {
    link: Option<Link>,
    identity: String,
    confinement: Confinement,
}

impl EngineSession {
    /// Starts a child and opens `source` in it.
    ///
    /// # Errors
    /// When the child cannot be started, is of another release, or cannot read the source.
    pub async fn start(options: &EngineOptions, source: Arc<dyn ReadAt>) -> Result<Self, EngineHostError> {
        let (process, stream) = Process::start(options).await?;
        let session = Self::greet(stream, source, options.stall, Some(process)).await?;
        warn_of_weak(session.confinement);
        Ok(session)
    }

    /// Opens `source` in an engine that is served at the other end of `stream`, such as on a thread of a test.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn over(stream: UnixStream, source: Arc<dyn ReadAt>, stall: Duration) -> Result<Self, EngineHostError> {
        Self::greet(stream, source, stall, None).await
    }

    async fn greet(
        stream: UnixStream,
        source: Arc<dyn ReadAt>,
        stall: Duration,
        process: Option<Process>,
    ) -> Result<Self, EngineHostError> {
        let open = ToChild::Open { protocol_version: PROTOCOL_VERSION, size: source.size() };
        let link = Some(Link::new(stream, source, stall, process));
        let mut session = Self { link, identity: String::new(), confinement: Confinement::None };
        match session.converse(open, Limits::FROM_CHILD, Expected::nothing(), None).await? {
            FromChild::Ready { identity, confinement, .. } => {
                session.identity = clean(&identity);
                session.confinement = confinement;
                Ok(session)
            }
            _ => Err(out_of_place("another answer to Open")),
        }
    }

    /// The engine's name and the versions of its libraries; equal only when equal orders give equal bytes.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// What the kernel keeps the engine from, as it says itself.
    pub fn confinement(&self) -> Confinement {
        self.confinement
    }

    /// Reads what the source contains.
    ///
    /// # Errors
    /// [`EngineHostError::Input`] when the source cannot be read as media; otherwise see [`EngineHostError`].
    pub async fn probe(&mut self) -> Result<ProbeReport, EngineHostError> {
        let size = self.link.as_ref().map(Link::source_size);
        match self.converse(ToChild::Probe, Limits::PROBE, Expected::nothing(), None).await? {
            FromChild::Probed(report) if Some(report.size_bytes) == size => Ok(clean_report(*report)),
            _ => Err(self.lied("another answer to Probe")),
        }
    }

    /// Encodes one range. A full `events` holds the engine back; a closed one stops it.
    ///
    /// # Errors
    /// [`EngineHostError::Stopped`] when the receiver of `events` is gone; otherwise see [`EngineHostError`].
    pub async fn encode_range(
        &mut self,
        order: RangeOrder,
        events: mpsc::Sender<EngineEvent>,
    ) -> Result<RangeSummary, EngineHostError> {
        let expected = Expected::of_range(&order);
        match self.converse(ToChild::EncodeRange(Box::new(order)), Limits::FROM_CHILD, expected, Some(events)).await? {
            FromChild::RangeDone(summary) if summary.losses.len() <= MAX_LOSSES => Ok(summary),
            _ => Err(self.lied("another answer to EncodeRange")),
        }
    }

    /// Measures how loud the planned sound is, before it is encoded.
    ///
    /// # Errors
    /// See [`EngineHostError`].
    pub async fn measure_audio(&mut self, plan: &AudioPlan) -> Result<Loudness, EngineHostError> {
        let order = ToChild::MeasureAudio(Box::new(plan.clone()));
        match self.converse(order, Limits::FROM_CHILD, Expected::nothing(), None).await? {
            FromChild::AudioMeasured(loudness) if loudness.is_plausible() => Ok(loudness),
            _ => Err(self.lied("another answer to MeasureAudio")),
        }
    }

    /// Encodes one sound track, whole. A full `events` holds the engine back; a closed one stops it.
    ///
    /// # Errors
    /// As [`Self::encode_range`].
    pub async fn encode_audio(
        &mut self,
        order: AudioOrder,
        events: mpsc::Sender<EngineEvent>,
    ) -> Result<AudioSummary, EngineHostError> {
        let expected = Expected::of_audio(&order);
        let samples = order.plan.sample_count;
        let fits = |summary: &AudioSummary| {
            summary.samples == samples
                && summary.filled_samples <= samples
                && summary.losses.len() <= MAX_LOSSES
                && summary.source.is_plausible()
                && summary.coded.is_plausible()
        };
        match self.converse(ToChild::EncodeAudio(Box::new(order)), Limits::FROM_CHILD, expected, Some(events)).await? {
            FromChild::AudioDone(summary) if fits(&summary) => Ok(summary),
            _ => Err(self.lied("another answer to EncodeAudio")),
        }
    }

    /// Makes a poster, or the sheet of a storyboard. A full `events` holds the engine back; a closed one stops it.
    ///
    /// # Errors
    /// As [`Self::encode_range`].
    pub async fn stills(
        &mut self,
        order: StillsOrder,
        events: mpsc::Sender<EngineEvent>,
    ) -> Result<StillsSummary, EngineHostError> {
        let expected = Expected::of_stills(&order);
        let ordered = order.sheet.as_ref().map(|sheet| (sheet.tile_pts.len() as u64, sheet.columns));
        let fits = |sheet: &StillsSummary| {
            let Some((tiles, columns)) = ordered else { return *sheet == StillsSummary::default() };
            let places = u64::from(sheet.sheet_columns) * u64::from(sheet.sheet_rows);
            u64::from(sheet.tiles) == tiles
                && (1..=columns.max(1)).contains(&sheet.sheet_columns)
                && (tiles..tiles + u64::from(sheet.sheet_columns)).contains(&places)
        };
        match self.converse(ToChild::Stills(Box::new(order)), Limits::FROM_CHILD, expected, Some(events)).await? {
            FromChild::StillsDone(summary) if fits(&summary) => Ok(summary),
            _ => Err(self.lied("another answer to Stills")),
        }
    }

    /// Reads text tracks. A full `events` holds the engine back; a closed one stops it.
    ///
    /// # Errors
    /// As [`Self::encode_range`].
    pub async fn read_text(
        &mut self,
        order: TextOrder,
        events: mpsc::Sender<EngineEvent>,
    ) -> Result<TextSummary, EngineHostError> {
        let tracks = order.tracks.len();
        let expected = Expected::of_text(&order, self.link.as_ref().map_or(0, Link::source_size));
        match self.converse(ToChild::ReadText(Box::new(order)), Limits::FROM_CHILD, expected, Some(events)).await? {
            FromChild::TextDone(summary) if summary.cues_per_track.len() == tracks => Ok(summary),
            _ => Err(self.lied("another answer to ReadText")),
        }
    }

    /// Ends the child and waits until it is gone, a few seconds at most before it is killed.
    pub async fn close(mut self) {
        if let Some(link) = self.link.take() {
            link.close().await;
        }
    }

    /// One command from its order to its end. The link is out of the session meanwhile, so that a dropped future
    /// drops it, and with it the child.
    async fn converse(
        &mut self,
        order: ToChild,
        limits: Limits,
        expected: Expected,
        events: Option<mpsc::Sender<EngineEvent>>,
    ) -> Result<FromChild, EngineHostError> {
        let mut link = self.link.take().ok_or(EngineHostError::Closed)?;
        link.allow(allowance::cpu_seconds(&order, link.source_size()));
        let mut conversation = Conversation::new(limits, expected, events);
        let outcome = conversation.run(&mut link, &order).await;
        // What was made of a source with a hole in it is worth nothing, and neither is what the engine says of it.
        let fault_of_source = conversation.source_fault.take().map(EngineHostError::Source);
        let last = match (outcome, fault_of_source) {
            (Err(link::Failure::HungUp), None) => return Err(link.autopsy().await),
            (Err(link::Failure::Other(error)), None) => return Err(error),
            (Err(_), Some(error)) => return Err(error),
            (Ok(_), Some(error)) => {
                self.link = Some(link);
                return Err(error);
            }
            (Ok(last), None) => last,
        };
        self.link = Some(link);
        match last {
            _ if conversation.stopping => Err(EngineHostError::Stopped),
            FromChild::Failed(error) => Err(fault(error)),
            done => Ok(done),
        }
    }

    fn lied(&mut self, what: &'static str) -> EngineHostError {
        self.link = None;
        out_of_place(what)
    }
}

/// Says once, not for each session, that engines of this machine could be confined better.
fn warn_of_weak(confinement: Confinement) {
    static SAID: Once = Once::new();
    if !matches!(confinement, Confinement::Full | Confinement::Device) {
        SAID.call_once(|| tracing::warn!(%confinement, "the engine has fewer walls around it than it could have"));
    }
}

fn out_of_place(what: &'static str) -> EngineHostError {
    ProtocolError::Unexpected(what).into()
}

/// A report as it may be stored and shown.
fn clean_report(mut report: ProbeReport) -> ProbeReport {
    report.container = clean(&report.container);
    if let Some(video) = &mut report.video {
        video.codec = clean(&video.codec);
        video.pixel_format = clean(&video.pixel_format);
        video.clock.truncate();
    }
    report.audio.truncate(MAX_AUDIO);
    for audio in &mut report.audio {
        audio.codec = clean(&audio.codec);
        audio.language = audio.language.as_deref().map(clean);
        audio.title = audio.title.as_deref().and_then(language::label);
        audio.clock.truncate();
    }
    report.text.truncate(MAX_TEXTS);
    for text in &mut report.text {
        text.codec = clean(&text.codec);
        text.language = text.language.as_deref().map(clean);
        text.title = text.title.as_deref().and_then(language::label);
    }
    report.chapters.truncate(MAX_CHAPTERS);
    for chapter in &mut report.chapters {
        chapter.title = clean(&chapter.title);
    }
    report.warnings.truncate(MAX_WARNINGS);
    report.warnings = report.warnings.iter().map(|warning| clean(warning)).collect();
    report
}

fn fault(error: EngineError) -> EngineHostError {
    match error {
        EngineError::Input { code, detail } => {
            EngineHostError::Input { code: clean_code(&code), detail: clean(&detail) }
        }
        EngineError::Engine { detail } => EngineHostError::Engine { detail: clean(&detail) },
        EngineError::Stopped => EngineHostError::Engine { detail: "it stopped without being asked to".into() },
    }
}
