//! Sets of sound, and what sets that a person chooses among have in common (ISO/IEC 23009-1 §5.8.4.2, §5.8.5.5).

use dash_mpd_core::{Accessibility, AdaptationSet, AudioChannelConfiguration, Label, Representation};
use media_types::TrackRecord;
use media_types::segment::CaptionChannel;

use super::addressing::Addressing;
use super::{aligned, protection, representation, role};
use crate::codec::Family;
use crate::presentation::{Sound, plain_text};
use crate::{PackageError, Presentation, codec_string, language};

const CHANNELS: &str = "urn:mpeg:dash:23003:3:audio_channel_configuration:2011";
/// ETSI TS 102 822-3-1: 1 is sound for people who cannot see, 2 for people who cannot hear.
const AUDIO_PURPOSE: &str = "urn:tva:metadata:cs:AudioPurposeCS:2007";
/// ANSI/SCTE 214-1 §7.2.5.
const LINE_21: &str = "urn:scte:dash:cc:cea-608:2015";
const SERVICES: &str = "urn:scte:dash:cc:cea-708:2015";

/// Whether two tracks are the same sound in two codecs.
pub(super) fn is_same(track: &TrackRecord, other: &TrackRecord) -> bool {
    let told = |track: &TrackRecord| (track.language.clone(), track.label.clone(), track.roles);
    Family::of(&track.config) != Family::of(&other.config) && told(track) == told(other)
}

/// A set of one audio track. `default` says whether it plays unless another is chosen.
pub(super) fn audio_set(
    presentation: &Presentation<'_>,
    track: &TrackRecord,
    sound: &Sound<'_>,
    default: bool,
) -> Result<AdaptationSet, PackageError> {
    let channels = AudioChannelConfiguration {
        schemeIdUri: CHANNELS.to_owned(),
        value: Some(sound.channels.to_string()),
        ..AudioChannelConfiguration::default()
    };
    let representation = Representation {
        codecs: Some(codec_string(&track.config)?),
        audioSamplingRate: Some(sound.sample_rate.to_string()),
        AudioChannelConfiguration: vec![channels],
        ..representation(track)
    };
    let (shown, main) = (language::shortest(sound.language), presentation.main_language());
    let kind = match track.roles {
        _ if default => "main",
        roles if roles.commentary => "commentary",
        roles if roles.visual_impaired => "description",
        _ if shown != main && shown != "und" && main != "und" => "dub",
        _ => "alternate",
    };
    Ok(AdaptationSet {
        contentType: Some("audio".to_owned()),
        mimeType: Some("audio/mp4".to_owned()),
        lang: Some(shown),
        ContentProtection: protection::elements(presentation, track),
        Label: label(track),
        Accessibility: purpose(track.roles.visual_impaired.then_some("1")),
        Role: vec![role(kind)],
        ..one(presentation, track, representation)?
    })
}

/// A set of one representation.
pub(super) fn one(
    presentation: &Presentation<'_>,
    track: &TrackRecord,
    mut representation: Representation,
) -> Result<AdaptationSet, PackageError> {
    let addressing = Addressing::of(presentation, track)?;
    let template = addressing.template();
    if template.is_none() {
        addressing.put(&mut representation);
    }
    Ok(AdaptationSet { SegmentTemplate: template, representations: vec![representation], ..aligned(presentation) })
}

pub(super) fn label(track: &TrackRecord) -> Vec<Label> {
    let text = track.label.as_deref().map(plain_text).filter(|text| !text.is_empty());
    text.map(|content| Label { content, ..Label::default() }).into_iter().collect()
}

pub(super) fn purpose(value: Option<&str>) -> Vec<Accessibility> {
    value.map(|value| accessibility(AUDIO_PURPOSE, value.to_owned())).into_iter().collect()
}

/// The channels that any of the tracks carries, with their languages: the first of each kind is in the language that is
/// spoken (CTA-608-E, CTA-708-E).
pub(super) fn captions(presentation: &Presentation<'_>, video: &[&TrackRecord]) -> Vec<Accessibility> {
    let mut channels: Vec<CaptionChannel> =
        video.iter().flat_map(|track| track.captions.as_deref().unwrap_or_default()).copied().collect();
    channels.sort_unstable();
    channels.dedup();
    let main = presentation.main_language();
    let language = |number: u8| {
        let tag = if number == 1 { main.as_str() } else { "und" };
        language::iso639(tag).iter().map(|&letter| char::from(letter)).collect::<String>()
    };
    let (mut line21, mut services) = (Vec::new(), Vec::new());
    for channel in channels {
        match channel {
            CaptionChannel::Line21(number) => line21.push(format!("CC{number}={}", language(number))),
            CaptionChannel::Service(number) => services.push(format!("{number}=lang:{}", language(number))),
        }
    }
    let listed = [(LINE_21, line21), (SERVICES, services)].into_iter().filter(|(_, channels)| !channels.is_empty());
    listed.map(|(scheme, channels)| accessibility(scheme, channels.join(";"))).collect()
}

fn accessibility(scheme: &str, value: String) -> Accessibility {
    Accessibility { schemeIdUri: scheme.to_owned(), value: Some(value), ..Accessibility::default() }
}
