//! Sets of text (ISO/IEC 23009-1 §5.8.5.5): CMAF tracks, or a WebVTT file each.

use dash_mpd_core::{AdaptationSet, BaseURL, Representation, Role};
use media_types::{TrackKind, TrackRecord};

use super::renditions::{label, one, purpose};
use super::{protection, representation, role};
use crate::{PackageError, Presentation, bitrate, codec_string, language, subtitles_path};

/// How the manifest offers subtitles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DashText {
    /// As CMAF tracks (`wvtt` or `stpp`), segment by segment.
    #[default]
    Cmaf,
    /// As one WebVTT file for each track, at [`subtitles_path`], with its cues in the order of their starts. Text tracks
    /// have no init segments and media segments then; their records tell of the WebVTT segments that HLS lists.
    WebVtt,
}

impl Presentation<'_> {
    /// Whether a track has an init segment and media segments: all but text that [`DashText::WebVtt`] offers.
    pub fn is_cmaf(&self, track: &TrackRecord) -> bool {
        track.kind != TrackKind::Text || self.dash_text == DashText::Cmaf
    }
}

/// A set of one text track.
pub(super) fn set(presentation: &Presentation<'_>, track: &TrackRecord) -> Result<AdaptationSet, PackageError> {
    let media = if presentation.is_cmaf(track) { cmaf(presentation, track)? } else { whole(presentation, track)? };
    let roles = track.roles;
    let kind = match (roles.forced, roles.hearing_impaired) {
        (true, _) => "forced-subtitle",
        (_, true) => "caption",
        _ => "subtitle",
    };
    let further = [(roles.default && !roles.forced).then_some("main"), roles.commentary.then_some("commentary")];
    let kinds: Vec<Role> = std::iter::once(kind).chain(further.into_iter().flatten()).map(role).collect();
    Ok(AdaptationSet {
        contentType: Some("text".to_owned()),
        lang: Some(language::shortest(&track.language)),
        Label: label(track),
        Accessibility: purpose(roles.hearing_impaired.then_some("2")),
        Role: kinds,
        ..media
    })
}

fn cmaf(presentation: &Presentation<'_>, track: &TrackRecord) -> Result<AdaptationSet, PackageError> {
    let representation = Representation { codecs: Some(codec_string(&track.config)?), ..representation(track) };
    Ok(AdaptationSet {
        mimeType: Some("application/mp4".to_owned()),
        ContentProtection: protection::elements(presentation, track),
        ..one(presentation, track, representation)?
    })
}

/// One file for the whole period, whose times count from its start: nothing else may be said of them (DASH-IF
/// Interoperability Points §6.4.5). The bit rate is that of the same cues segment by segment, so that whatever starts in a
/// segment has arrived when that starts.
fn whole(presentation: &Presentation<'_>, track: &TrackRecord) -> Result<AdaptationSet, PackageError> {
    if track.webvtt_sizes.is_empty() {
        return Err(PackageError::Track("it has no WebVTT files"));
    }
    if presentation.signal_of(track).is_some() {
        return Err(PackageError::Track("a WebVTT file cannot be encrypted"));
    }
    let url = format!("{}{}", presentation.uri_prefix, subtitles_path(&track.name));
    let representation = Representation {
        bandwidth: Some(bitrate::webvtt_peak_bps(track)),
        BaseURL: vec![BaseURL { base: url, ..BaseURL::default() }],
        ..representation(track)
    };
    Ok(AdaptationSet {
        mimeType: Some("text/vtt".to_owned()),
        representations: vec![representation],
        ..AdaptationSet::default()
    })
}
