//! Planning tracks and taking what was fetched for them.

use bytes::Bytes;

use super::track::{InitPlan, Loaded, SegmentPlan, Track};
use super::{Job, Linter, Root};
use crate::bmff::boxes::Atoms;
use crate::bmff::check_init;
use crate::bmff::check_segment::{self, Context};
use crate::bmff::init::Init;
use crate::bmff::segment::Sidx;
use crate::codec::{self, Facts};
use crate::dash::{Addressing, Manifest};
use crate::hls::media::{self, Media};
use crate::hls::multivariant::Multivariant;
use crate::report::Place;
use crate::rules::{dash as dash_rules, hls_media};
use crate::{uri, webvtt};

impl Linter {
    pub(super) fn plan_hls(&mut self, playlist: &Multivariant) {
        let variants = playlist.variants.iter().map(|variant| (variant.uri.clone(), variant.iframes));
        let renditions = playlist.renditions.iter().filter_map(|media| Some((media.get("URI")?.to_owned(), false)));
        for (reference, iframes) in variants.chain(renditions).collect::<Vec<_>>() {
            let target = uri::resolve(&self.uri, &reference);
            if reference.is_empty() || self.tracks.iter().any(|track| track.resource == target) {
                continue;
            }
            let mut track = Track::hls(&target);
            track.iframes = iframes;
            self.queue.push_back(Job::Playlist(self.tracks.len()));
            self.tracks.push(track);
        }
    }

    pub(super) fn take_playlist(&mut self, index: usize, bytes: &Bytes, final_uri: &str) {
        let imported = match &self.root {
            Root::Hls(root) => root.variables.clone(),
            _ => std::collections::BTreeMap::new(),
        };
        let media = media::read(bytes, final_uri, &imported, &mut self.findings);
        final_uri.clone_into(&mut self.tracks[index].resource);
        let track = &mut self.tracks[index];
        track.iframes |= media.iframes_only;
        plan_playlist(track, &media, final_uri);
        track.playlist = Some(media);
        self.plan_media(index);
    }

    /// Asks for the initialisation segments of a track, then for its media.
    fn plan_media(&mut self, index: usize) {
        let track = &mut self.tracks[index];
        let count = track.segments.len().min(self.options.max_segments_per_track);
        track.complete = count == track.segments.len();
        let inits: Vec<usize> = (0..track.inits.len()).filter(|&init| track.inits[init].loaded.is_none()).collect();
        // In front of what waits, so that a track is done before the next one begins.
        for segment in (0..count).rev() {
            self.queue.push_front(Job::Segment(index, segment));
        }
        for init in inits.into_iter().rev() {
            self.queue.push_front(Job::Init(index, init));
        }
    }

    pub(super) fn plan_dash(&mut self, manifest: &Manifest) {
        for representation in &manifest.representations {
            let mut track = Track::new(&format!("{}#{}", self.uri, representation.id));
            let index = self.tracks.len();
            match &representation.addressing {
                Addressing::None => {}
                Addressing::Single(reference) => {
                    track.segments.push(SegmentPlan {
                        uri: uri::resolve(&representation.base, reference),
                        // Its one segment lasts as long as the period.
                        duration: representation.period_seconds,
                        ..SegmentPlan::default()
                    });
                }
                Addressing::Indexed { init, index } => {
                    let file = representation.base.clone();
                    let init = init.unwrap_or((0, index.0));
                    track.inits.push(InitPlan { uri: file.clone(), range: Some(init), loaded: None });
                    track.index = Some((file, *index));
                }
                Addressing::Listed { init, segments } => {
                    if let Some((reference, range)) = init {
                        track.inits.push(InitPlan {
                            uri: uri::resolve(&representation.base, reference),
                            range: *range,
                            loaded: None,
                        });
                    }
                    for segment in segments {
                        track.segments.push(SegmentPlan {
                            uri: uri::resolve(&representation.base, &segment.uri),
                            range: segment.range,
                            init: init.as_ref().map(|_| 0),
                            stated: segment.stated,
                            duration: segment.stated.map(|(start, end, scale)| (end - start) as f64 / scale as f64),
                            ..SegmentPlan::default()
                        });
                    }
                }
            }
            track.iframes = representation.trick_mode;
            let indexed = track.index.is_some();
            self.tracks.push(track);
            if indexed {
                self.queue.push_back(Job::Init(index, 0));
                self.queue.push_back(Job::Index(index));
            } else {
                let track = &mut self.tracks[index];
                let count = track.segments.len().min(self.options.max_segments_per_track);
                track.complete = count == track.segments.len();
                if !track.inits.is_empty() {
                    self.queue.push_back(Job::Init(index, 0));
                }
                self.queue.extend((0..count).map(|segment| Job::Segment(index, segment)));
            }
        }
    }

    /// The segment index of a representation tells where its segments lie (ISO/IEC 23009-1 §6.3.4.3).
    pub(super) fn take_index(&mut self, index: usize, bytes: &Bytes) {
        let Some((uri, (start, _))) = self.tracks[index].index.clone() else { return };
        let place = Place::of(&uri).at(start);
        let sidx = match Atoms::new(bytes, 0).next() {
            Some(Ok(atom)) if atom.kind == *b"sidx" && atom.end() == bytes.len() => Sidx::read(&atom),
            _ => None,
        };
        let Some(sidx) = sidx.filter(|sidx| !sidx.references.is_empty()) else {
            self.findings.add(dash_rules::INDEX_RANGE, place, "@indexRange is not one whole sidx box");
            return;
        };
        let mut at = start.saturating_add(bytes.len() as u64).saturating_add(sidx.first_offset);
        let mut time = sidx.earliest;
        let scale = u64::from(sidx.timescale.max(1));
        for (nested, size, duration) in sidx.references {
            if nested {
                continue;
            }
            let end = time.saturating_add(duration.into());
            self.tracks[index].segments.push(SegmentPlan {
                uri: uri.clone(),
                range: Some((at, size.into())),
                init: Some(0),
                stated: Some((time, end, scale)),
                duration: Some(f64::from(duration) / scale as f64),
                ..SegmentPlan::default()
            });
            at = at.saturating_add(size.into());
            time = end;
        }
        self.plan_media(index);
        // The initialisation segment is on its way already, or was lost.
        self.queue.retain(|job| !matches!(job, Job::Init(track, _) if *track == index));
    }

    pub(super) fn take_init(&mut self, index: usize, position: usize, bytes: &Bytes) {
        let (resource, offset) = {
            let plan = &self.tracks[index].inits[position];
            (plan.uri.clone(), plan.range.map_or(0, |range| range.0))
        };
        let mut faults = Vec::new();
        let init = Init::read(bytes, &mut faults);
        self.tell(faults, &resource, offset);
        check_init::check(&init, &resource, &mut self.findings);
        let facts =
            init.tracks.first().and_then(|track| track.entry.as_ref()).and_then(codec::facts).unwrap_or_default();
        self.tracks[index].inits[position].loaded = Some(Loaded { init, facts });
    }

    pub(super) fn take_segment(&mut self, index: usize, position: usize, bytes: &Bytes) {
        let segment = &mut self.tracks[index].segments[position];
        segment.size = Some(bytes.len() as u64);
        self.segments += 1;
        if segment.opaque {
            return;
        }
        let (uri, has_init) = (segment.uri.clone(), segment.init.is_some());
        let path = uri.split(['?', '#']).next().unwrap_or_default();
        let named = path.ends_with(".vtt") || path.ends_with(".webvtt") || self.says_webvtt(index);
        if named || webvtt::is_webvtt(bytes) {
            self.check_webvtt(index, &uri, bytes);
            return;
        }
        if !has_init
            && self.tracks[index].hls
            && matches!(bytes.get(4..8), Some(b"styp" | b"moof" | b"sidx" | b"ftyp" | b"emsg" | b"prft"))
        {
            let place = Place::of(&self.tracks[index].resource);
            self.findings.add(
                hls_media::MAP,
                place,
                format!("{uri} is fragmented MP4 and the playlist has no EXT-X-MAP"),
            );
            return;
        }
        self.check_segment(index, position, bytes, 0);
    }

    /// Checks the media in an object, from position `from` on.
    pub(super) fn check_segment(&mut self, index: usize, position: usize, bytes: &[u8], from: usize) {
        let track = &mut self.tracks[index];
        let mut state = std::mem::take(&mut track.state);
        let track = &self.tracks[index];
        let segment = &track.segments[position];
        let loaded = segment.init.and_then(|init| track.inits.get(init)).and_then(|init| init.loaded.as_ref());
        let Some((loaded, media)) = loaded.and_then(|loaded| Some((loaded, loaded.init.tracks.first()?))) else {
            self.tracks[index].state = state;
            return;
        };
        if segment.discontinuity {
            state.restart();
        }
        let unknown = Facts::default();
        let context = Context {
            init: &loaded.init,
            track: media,
            facts: if media.entry.is_some() { &loaded.facts } else { &unknown },
            resource: &segment.uri,
            offset: segment.range.map_or(0, |range| range.0),
            keys: &self.options.keys,
            digests: self.options.digests,
            iframes: track.iframes,
            hls: track.hls,
        };
        let summary = check_segment::check(&context, bytes, from, &mut state, &mut self.findings);
        let track = &mut self.tracks[index];
        track.state = state;
        track.segments[position].summary = summary;
        if from > 0 {
            track.segments[position].size = Some((bytes.len() - from) as u64);
        }
    }
}

/// Fills a track from its playlist.
fn plan_playlist(track: &mut Track, media: &Media, base: &str) {
    for map in &media.maps {
        track.inits.push(InitPlan { uri: uri::resolve(base, &map.uri), range: map.range, loaded: None });
    }
    for (index, segment) in media.segments.iter().enumerate() {
        // A new initialisation section begins a new timeline only behind a discontinuity, but a new key does not.
        let whole = segment.keys.iter().any(|&key| media.keys[key].get("METHOD") == Some("AES-128"));
        track.segments.push(SegmentPlan {
            uri: uri::resolve(base, &segment.uri),
            range: segment.range,
            line: Some(segment.line),
            init: segment.map,
            discontinuity: segment.discontinuity || segment.gap || index == 0,
            opaque: whole || segment.gap,
            duration: segment.duration,
            ..SegmentPlan::default()
        });
    }
}
