//! Where a representation's segments lie, and when (ISO/IEC 23009-1 §5.3.9).

use dash_mpd_core::{BaseURL, Initialization, Representation, S, SegmentBase, SegmentTemplate, SegmentTimeline};
use media_types::TrackRecord;

use crate::paths::{INIT_FILE, media_path};
use crate::single_file::FilePlan;
use crate::{PackageError, Presentation};

/// Numbered files, or ranges of one file that its own index lists.
#[derive(Clone, PartialEq)]
pub(super) enum Addressing {
    Template(Box<SegmentTemplate>),
    Base { url: String, base: Box<SegmentBase> },
}

impl Addressing {
    pub(super) fn of(presentation: &Presentation<'_>, track: &TrackRecord) -> Result<Self, PackageError> {
        let prefix = presentation.uri_prefix;
        let Some(plan) = FilePlan::of(presentation, track)? else {
            return Ok(Self::Template(Box::new(SegmentTemplate {
                initialization: Some(format!("{prefix}$RepresentationID$/{INIT_FILE}")),
                media: Some(format!("{prefix}$RepresentationID$/$Number%05d$.m4s")),
                startNumber: Some(1),
                timescale: Some(track.timescale.get().into()),
                SegmentTimeline: Some(SegmentTimeline { segments: timeline(spans(track)) }),
                ..SegmentTemplate::default()
            })));
        };
        Ok(Self::in_file(&plan, track, format!("{prefix}{}", media_path(&track.name))))
    }

    /// Of a track that lies in one file.
    pub(super) fn in_file(plan: &FilePlan, track: &TrackRecord, url: String) -> Self {
        let index_end = plan.init_bytes + plan.index_bytes;
        let base = SegmentBase {
            timescale: Some(track.timescale.get().into()),
            indexRange: Some(format!("{}-{}", plan.init_bytes, index_end - 1)),
            Initialization: Some(Initialization {
                range: Some(format!("0-{}", plan.init_bytes - 1)),
                ..Initialization::default()
            }),
            ..SegmentBase::default()
        };
        Self::Base { url, base: Box::new(base) }
    }

    /// What several representations may share.
    pub(super) fn template(&self) -> Option<SegmentTemplate> {
        match self {
            Self::Template(template) => Some((**template).clone()),
            Self::Base { .. } => None,
        }
    }

    pub(super) fn put(self, representation: &mut Representation) {
        match self {
            Self::Template(template) => representation.SegmentTemplate = Some(*template),
            Self::Base { url, base } => {
                representation.BaseURL = vec![BaseURL { base: url, ..BaseURL::default() }];
                representation.SegmentBase = Some(*base);
            }
        }
    }
}

/// Start and length of each segment.
fn spans(track: &TrackRecord) -> impl Iterator<Item = (u64, u64)> + '_ {
    track.segments.iter().map(|segment| (segment.start_ticks, segment.duration_ticks))
}

/// `S` elements of segments that follow one another, with runs of equal lengths folded into `@r` (§5.3.9.6).
pub(super) fn timeline(spans: impl Iterator<Item = (u64, u64)>) -> Vec<S> {
    let mut runs: Vec<S> = Vec::new();
    for (start, length) in spans {
        match runs.last_mut() {
            Some(run) if run.d == length => run.r = Some(run.r.unwrap_or(0) + 1),
            last => {
                let t = last.is_none().then_some(start);
                runs.push(S { t, d: length, ..S::default() });
            }
        }
    }
    runs
}
