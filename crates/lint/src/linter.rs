//! The walk from the root to the last segment.

use std::collections::VecDeque;

use bytes::Bytes;
use drm::{ContentKey, KeyId};

use crate::bmff::init::Init;
use crate::report::{Findings, Place, Report, TrackSamples};
use crate::rules::input as rules;
use crate::{bmff, dash, hls, uri};

mod across_dash;
mod across_hls;
mod load;
mod measure;
mod text;
mod track;

pub(crate) use track::{InitPlan, SegmentPlan, Track};

/// Variants or renditions that are compared with one another.
const MAX_LISTED: usize = 300;

/// How deep to look, and what to look with.
#[derive(Clone)]
pub struct Options {
    /// Segments that are read of each track, from its start on; `usize::MAX` for all. Rules about sums need them all.
    pub max_segments_per_track: usize,
    /// Content keys: with them samples are decrypted and looked into.
    pub keys: Vec<(KeyId, ContentKey)>,
    /// Whether the report has a digest of each track's samples, to be compared with that of a twin.
    pub digests: bool,
    /// Objects that are fetched at most.
    pub max_fetches: usize,
    /// Bytes that an object may have.
    pub max_object_bytes: usize,
    /// Findings that are listed at most.
    pub max_findings: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_segments_per_track: usize::MAX,
            keys: Vec::new(),
            digests: false,
            max_fetches: 200_000,
            max_object_bytes: 256 << 20,
            max_findings: 2000,
        }
    }
}

/// What a linter wants next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// These bytes. Answer with [`Linter::give`].
    Fetch {
        /// An absolute URI or a path, as the root is.
        uri: String,
        /// First byte and number of bytes; `None` for the whole object.
        range: Option<(u64, u64)>,
    },
    /// Nothing more: the report is complete.
    Done,
}

/// An object, or the part of it that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Its bytes; fewer than the range asked for when the object ends before.
    pub bytes: Bytes,
    /// The `Content-Type` of an HTTP response.
    pub content_type: Option<String>,
    /// The URI after redirects, from which references are resolved.
    pub final_uri: String,
}

#[derive(Clone, Debug)]
enum Job {
    Root,
    Playlist(usize),
    Init(usize, usize),
    Index(usize),
    Segment(usize, usize),
}

#[derive(Debug)]
enum Root {
    Unknown,
    Hls(hls::multivariant::Multivariant),
    Dash(dash::Manifest),
}

/// Lints one presentation. Call [`poll`](Self::poll) until it says [`Step::Done`]; after every [`Step::Fetch`] call
/// [`give`](Self::give) once.
pub struct Linter {
    options: Options,
    uri: String,
    findings: Findings,
    root: Root,
    tracks: Vec<Track>,
    queue: VecDeque<Job>,
    flying: Option<Job>,
    finished: bool,
    objects: u64,
    segments: u64,
    bytes: u64,
}

impl Linter {
    /// For the presentation of a multivariant playlist, a media playlist, an MPD or a CMAF file at a URI or path.
    pub fn new(root: &str, options: Options) -> Self {
        Self {
            findings: Findings::new(options.max_findings),
            options,
            uri: root.to_owned(),
            root: Root::Unknown,
            tracks: Vec::new(),
            queue: VecDeque::from([Job::Root]),
            flying: None,
            finished: false,
            objects: 0,
            segments: 0,
            bytes: 0,
        }
    }

    /// The next thing it wants. The same again while an answer is awaited.
    pub fn poll(&mut self) -> Step {
        loop {
            if let Some(job) = &self.flying {
                let (uri, range) = self.target(job);
                return Step::Fetch { uri, range };
            }
            let Some(job) = self.queue.pop_front() else {
                self.finish();
                return Step::Done;
            };
            if self.objects >= self.options.max_fetches as u64 {
                self.findings.add(
                    rules::LIMIT,
                    Place::of(&self.uri),
                    format!("{} objects were fetched, the rest was not", self.objects),
                );
                self.queue.clear();
                continue;
            }
            let (uri, _) = self.target(&job);
            match uri.starts_with("data:").then(|| uri::data(&uri)) {
                Some(Some(bytes)) => self.take(job, &Bytes::from(bytes), &uri),
                Some(None) => self.findings.add(
                    rules::URI,
                    Place::of(&uri.chars().take(60).collect::<String>()),
                    "the data URI cannot be read",
                ),
                None => self.flying = Some(job),
            }
        }
    }

    /// The answer to the last [`Step::Fetch`]: the object, or why it could not be fetched.
    pub fn give(&mut self, answer: Result<Fetched, String>) {
        let Some(job) = self.flying.take() else { return };
        let (uri, range) = self.target(&job);
        self.objects += 1;
        let fetched = match answer {
            Ok(fetched) => fetched,
            Err(reason) => {
                self.findings.add(rules::FETCH, Place::of(&uri), reason);
                self.lost(&job);
                return;
            }
        };
        self.bytes += fetched.bytes.len() as u64;
        if fetched.bytes.len() > self.options.max_object_bytes {
            self.findings.add(rules::LIMIT, Place::of(&uri), format!("the object has {} bytes", fetched.bytes.len()));
            self.lost(&job);
            return;
        }
        self.check_range(&job, &uri, range, fetched.bytes.len());
        self.check_content_type(&job, &uri, fetched.content_type.as_deref(), &fetched.bytes);
        self.take(job, &fetched.bytes, &fetched.final_uri);
    }

    /// What was found so far; complete after [`Step::Done`].
    pub fn report(&self) -> Report {
        let told = self.tracks.iter().filter(|track| self.options.digests && !track.iframes && track.state.samples > 0);
        let samples = told.map(|track| TrackSamples {
            resource: track.resource.clone(),
            count: track.state.samples,
            blake3: track.state.digest(),
        });
        let samples = samples.collect();
        Report { objects: self.objects, segments: self.segments, bytes: self.bytes, samples, ..self.findings.report() }
    }

    fn target(&self, job: &Job) -> (String, Option<(u64, u64)>) {
        match *job {
            Job::Root => (self.uri.clone(), None),
            Job::Playlist(track) => (self.tracks[track].resource.clone(), None),
            Job::Init(track, init) => {
                let init = &self.tracks[track].inits[init];
                (init.uri.clone(), init.range)
            }
            Job::Index(track) => {
                self.tracks[track].index.clone().map_or((String::new(), None), |(uri, range)| (uri, Some(range)))
            }
            Job::Segment(track, segment) => {
                let segment = &self.tracks[track].segments[segment];
                (segment.uri.clone(), segment.range)
            }
        }
    }

    fn check_range(&mut self, job: &Job, uri: &str, range: Option<(u64, u64)>, length: usize) {
        let Some((start, wanted)) = range.filter(|(_, wanted)| *wanted != length as u64) else { return };
        let rule = match (&self.root, job) {
            (Root::Dash(_), _) => crate::rules::dash::INDEX_RANGE,
            _ => crate::rules::hls_media::BYTERANGE,
        };
        let message = format!("the range {start}+{wanted} gave {length} bytes; the object ends before");
        self.findings.add(rule, Place::of(uri).at(start), message);
    }

    fn check_content_type(&mut self, job: &Job, uri: &str, found: Option<&str>, bytes: &[u8]) {
        let Some(found) = found.map(|kind| kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
        else {
            return;
        };
        if !matches!(job, Job::Root | Job::Playlist(_)) {
            return;
        }
        if bytes.starts_with(b"#EXTM3U") {
            if !matches!(found.as_str(), "application/vnd.apple.mpegurl" | "audio/mpegurl" | "application/x-mpegurl") {
                self.findings.add(
                    crate::rules::hls::CONTENT_TYPE,
                    Place::of(uri),
                    format!("the content type is {found}"),
                );
            }
        } else if bytes.trim_ascii_start().starts_with(b"<") && found != "application/dash+xml" {
            self.findings.add(crate::rules::dash::CONTENT_TYPE, Place::of(uri), format!("the content type is {found}"));
        }
    }

    /// An object will not come: what builds on it is given up.
    fn lost(&mut self, job: &Job) {
        if let Job::Segment(track, _) = *job {
            self.tracks[track].state.restart();
            self.tracks[track].complete = false;
        }
    }

    fn take(&mut self, job: Job, bytes: &Bytes, final_uri: &str) {
        match job {
            Job::Root => self.take_root(bytes, final_uri),
            Job::Playlist(track) => self.take_playlist(track, bytes, final_uri),
            Job::Init(track, init) => self.take_init(track, init, bytes),
            Job::Index(track) => self.take_index(track, bytes),
            Job::Segment(track, segment) => self.take_segment(track, segment, bytes),
        }
    }

    fn take_root(&mut self, bytes: &Bytes, final_uri: &str) {
        final_uri.clone_into(&mut self.uri);
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
        if text.starts_with(b"#EXT") {
            let has = |tag: &[u8]| text.windows(tag.len()).any(|window| window == tag);
            if !has(b"#EXT-X-STREAM-INF")
                && !has(b"#EXT-X-I-FRAME-STREAM-INF")
                && (has(b"#EXTINF") || has(b"#EXT-X-TARGETDURATION"))
            {
                self.tracks.push(Track::hls(final_uri));
                self.take_playlist(0, bytes, final_uri);
                return;
            }
            let mut playlist = hls::multivariant::read(bytes, final_uri, &mut self.findings);
            if playlist.variants.len().max(playlist.renditions.len()) > MAX_LISTED {
                let message = format!("the playlist has more than {MAX_LISTED} variants or renditions");
                self.findings.add(rules::LIMIT, Place::of(final_uri), message);
                playlist.variants.truncate(MAX_LISTED);
                playlist.renditions.truncate(MAX_LISTED);
            }
            self.plan_hls(&playlist);
            self.root = Root::Hls(playlist);
        } else if text.starts_with(b"<") {
            let manifest = dash::read(text, final_uri, &mut self.findings);
            self.plan_dash(&manifest);
            self.root = Root::Dash(manifest);
        } else if matches!(bytes.get(4..8), Some(b"ftyp" | b"styp" | b"moov" | b"moof")) {
            self.take_file(bytes, final_uri);
        } else {
            self.findings.add(
                rules::UNKNOWN,
                Place::of(final_uri),
                "it is neither a playlist nor an MPD nor a CMAF file",
            );
        }
    }

    /// A CMAF file by itself.
    fn take_file(&mut self, bytes: &Bytes, final_uri: &str) {
        let mut faults = Vec::new();
        let end = Init::read(bytes, &mut faults).end;
        let mut track = Track::new(final_uri);
        track.inits.push(InitPlan { uri: final_uri.to_owned(), range: None, loaded: None });
        track.segments.push(SegmentPlan { uri: final_uri.to_owned(), init: Some(0), ..SegmentPlan::default() });
        self.tracks.push(track);
        self.take_init(0, 0, &bytes.slice(..end));
        if end < bytes.len() {
            self.queue.clear();
            self.check_segment(0, 0, bytes, end);
        }
    }

    fn finish(&mut self) {
        if self.finished {
            return;
        }
        self.finished = true;
        match &self.root {
            Root::Hls(playlist) => across_hls::check(playlist, &self.uri, &self.tracks, &mut self.findings),
            Root::Dash(manifest) => across_dash::check(manifest, &self.uri, &self.tracks, &mut self.findings),
            Root::Unknown => {
                for track in &self.tracks {
                    across_hls::check_playlist(track, &mut self.findings);
                }
            }
        }
    }

    /// Faults of a reader become findings.
    fn tell(&mut self, faults: Vec<bmff::Fault>, resource: &str, offset: u64) {
        for fault in faults {
            self.findings.add(fault.rule, Place::of(resource).at(offset + fault.offset as u64), fault.message);
        }
    }
}
