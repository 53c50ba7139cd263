//! Sets for fast playback (ISO/IEC 23009-1 §5.3.6, DASH-IF Interoperability Points §3.2.9).

use dash_mpd_core::{AdaptationSet, EssentialProperty, Representation};

use super::addressing::Addressing;
use super::{CMAF_PROFILE, colour, protection, representation};
use crate::presentation::picture;
use crate::{FileLayout, FilePlan, PackageError, Presentation, TrickTrack, codec_string, trick_path};

/// The sets whose keyframes these are, as ids behind one another.
const TRICK_MODE: &str = "http://dashif.org/guidelines/trickmode";

/// A set for each track of keyframes, for `sets` that have their ids.
///
/// An essential property: players that do not know it, such as dash.js, pass over the whole set; Shaka Player attaches it to
/// the sets that it names. It is one file with an index, also where other tracks are numbered files, so it follows the CMAF
/// profile alone there, which allows both.
pub(super) fn sets(
    presentation: &Presentation<'_>,
    sets: &[AdaptationSet],
) -> Result<Vec<AdaptationSet>, PackageError> {
    let mut all = Vec::new();
    for trick in presentation.tricks {
        let codec = codec_string(&trick.record.config)?;
        let format = |codec: &str| codec.split('.').next().unwrap_or_default().to_owned();
        let colours = colour::essential(&trick.record);
        let same = |set: &&AdaptationSet| {
            let codecs = set.representations.iter().filter_map(|one| one.codecs.as_deref());
            set.contentType.as_deref() == Some("video")
                && set.essential_property == colours
                && codecs.into_iter().any(|other| format(other) == format(&codec))
        };
        let ids: Vec<&str> = sets.iter().filter(same).filter_map(|set| set.id.as_deref()).collect();
        all.push(AdaptationSet {
            id: Some((sets.len() + all.len() + 1).to_string()),
            essential_property: std::iter::once(EssentialProperty {
                schemeIdUri: TRICK_MODE.to_owned(),
                value: Some(ids.join(" ")),
                ..EssentialProperty::default()
            })
            .chain(colours)
            .collect(),
            ..set(presentation, trick, codec)?
        });
    }
    Ok(all)
}

fn set(presentation: &Presentation<'_>, trick: &TrickTrack, codec: String) -> Result<AdaptationSet, PackageError> {
    let track = &trick.record;
    let picture = picture(track).ok_or(PackageError::Track("only pictures have keyframes"))?;
    let (x, y) = picture.sample_aspect;
    let mut representation = Representation {
        codecs: Some(codec),
        width: Some(picture.width.into()),
        height: Some(picture.height.into()),
        sar: Some(format!("{x}:{y}")),
        codingDependency: Some(false),
        maxPlayoutRate: Some(trick.most_speed() as f64),
        ..representation(track)
    };
    let url = format!("{}{}", presentation.uri_prefix, trick_path(&trick.of));
    Addressing::in_file(&FilePlan::single(presentation, track)?, track, url).put(&mut representation);
    Ok(AdaptationSet {
        contentType: Some("video".to_owned()),
        mimeType: Some("video/mp4".to_owned()),
        profiles: (presentation.layout == FileLayout::Segments).then(|| CMAF_PROFILE.to_owned()),
        subsegmentAlignment: Some(true),
        subsegmentStartsWithSAP: Some(1),
        ContentProtection: protection::elements(presentation, track),
        representations: vec![representation],
        ..AdaptationSet::default()
    })
}
