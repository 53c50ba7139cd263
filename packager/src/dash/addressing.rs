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
                SegmentTimeline: Some(SegmentTimeline { segments: timeline(track) }),
                ..SegmentTemplate::default()
            })));
        };
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
        Ok(Self::Base { url: format!("{prefix}{}", media_path(&track.name)), base: Box::new(base) })
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

/// `S` elements with runs of equal lengths folded into `@r` (§5.3.9.6).
fn timeline(track: &TrackRecord) -> Vec<S> {
    let mut runs: Vec<S> = Vec::new();
    for segment in &track.segments {
        match runs.last_mut() {
            Some(run) if run.d == segment.duration_ticks => run.r = Some(run.r.unwrap_or(0) + 1),
            last => {
                let t = last.is_none().then_some(segment.start_ticks);
                runs.push(S { t, d: segment.duration_ticks, ..S::default() });
            }
        }
    }
    runs
}
