//! `EXT-X-MEDIA` (RFC 8216bis §4.4.6.1): what plays or is shown beside a variant.

use std::fmt::Write;

use media_types::TrackRecord;
use media_types::segment::{CaptionChannel, Roles};

use crate::codec::Family;
use crate::presentation::{Sound, plain_text};
use crate::{
    PackageError, Presentation, average_bitrate_bps, bitrate, codec_string, language, peak_bitrate_bps, playlist_path,
};

/// The group of all subtitles.
pub(super) const SUBTITLES: &str = "text";

/// Subtitles that replace the sound (Apple's media characteristics, as RFC 8216bis §4.4.6.1 names them).
const TRANSCRIBES: &str =
    "public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound";
/// Sound that replaces the picture.
const DESCRIBES: &str = "public.accessibility.describes-video";

/// Audio renditions of one codec: any one of them may play beside the video.
pub(super) struct AudioGroup<'a> {
    pub(super) id: String,
    members: Vec<(&'a TrackRecord, Sound<'a>)>,
    pub(super) codecs: Vec<String>,
}

impl<'a> AudioGroup<'a> {
    pub(super) fn all(audio: &[(&'a TrackRecord, Sound<'a>)]) -> Result<Vec<Self>, PackageError> {
        let mut groups: Vec<(Family, Self)> = Vec::new();
        for &(track, sound) in audio {
            let family = Family::of(&track.config);
            let place = groups.iter().position(|(other, _)| *other == family).unwrap_or_else(|| {
                let id = format!("audio-{}", family.name());
                groups.push((family, Self { id, members: Vec::new(), codecs: Vec::new() }));
                groups.len() - 1
            });
            let group = &mut groups[place].1;
            let codec = codec_string(&track.config)?;
            if !group.codecs.contains(&codec) {
                group.codecs.push(codec);
            }
            group.members.push((track, sound));
        }
        let mut groups: Vec<Self> = groups.into_iter().map(|(_, group)| group).collect();
        if let [only] = groups.as_mut_slice() {
            "audio".clone_into(&mut only.id);
        }
        Ok(groups)
    }

    /// The dearest member's peak.
    pub(super) fn peak_bps(&self) -> u64 {
        self.members.iter().map(|(track, _)| peak_bitrate_bps(track)).max().unwrap_or(0)
    }

    pub(super) fn average_bps(&self) -> u64 {
        self.members.iter().map(|(track, _)| average_bitrate_bps(track)).max().unwrap_or(0)
    }

    pub(super) fn write(&self, out: &mut String, prefix: &str) {
        let mut group = Group::new("AUDIO", &self.id);
        let tracks: Vec<_> = self.members.iter().map(|(track, _)| *track).collect();
        let default = crate::presentation::default_position(&tracks);
        for (position, (track, sound)) in self.members.iter().enumerate() {
            group.open(out, &Rendition::of_audio(track, position == default));
            // Writing to a string cannot fail, here and below.
            let _ = writeln!(out, ",CHANNELS=\"{}\",URI=\"{prefix}{}\"", sound.channels, playlist_path(&track.name));
        }
    }
}

/// All subtitles, in one group that every variant names.
pub(super) struct Subtitles<'a>(Vec<&'a TrackRecord>);

impl<'a> Subtitles<'a> {
    /// `None` when nothing can be listed: HLS carries WebVTT only.
    pub(super) fn of(presentation: &Presentation<'a>) -> Option<Self> {
        let listed = presentation.text().into_iter().filter(|track| !track.webvtt_sizes.is_empty());
        Some(Self(listed.collect())).filter(|subtitles| !subtitles.0.is_empty())
    }

    pub(super) fn peak_bps(&self) -> u64 {
        self.0.iter().map(|track| bitrate::webvtt_peak_bps(track)).max().unwrap_or(0)
    }

    pub(super) fn average_bps(&self) -> u64 {
        self.0.iter().map(|track| bitrate::webvtt_average_bps(track)).max().unwrap_or(0)
    }

    pub(super) fn write(&self, out: &mut String, prefix: &str) {
        let mut group = Group::new("SUBTITLES", SUBTITLES);
        // Those of forced narrative are shown without being chosen.
        let default = self.0.iter().position(|track| track.roles.default && !track.roles.forced);
        for (position, track) in self.0.iter().enumerate() {
            group.open(out, &Rendition::of_text(track, Some(position) == default));
            let forced = if track.roles.forced { "YES" } else { "NO" };
            let _ = writeln!(out, ",FORCED={forced},URI=\"{prefix}{}\"", playlist_path(&track.name));
        }
    }
}

/// Closed captions of the variants: one group for each different list of channels.
pub(super) struct ClosedCaptions<'a> {
    groups: Vec<&'a [CaptionChannel]>,
    none: bool,
    language: String,
}

impl<'a> ClosedCaptions<'a> {
    pub(super) fn of(presentation: &Presentation<'a>) -> Self {
        let video = presentation.video();
        let mut groups: Vec<&[CaptionChannel]> = Vec::new();
        for (track, _) in &video {
            let channels = track.captions.as_deref().unwrap_or_default();
            if !channels.is_empty() && !groups.contains(&channels) {
                groups.push(channels);
            }
        }
        // NONE must stand in every variant (§4.4.6.2), and so be true of all.
        let none = groups.is_empty() && !video.is_empty() && video.iter().all(|(track, _)| track.captions.is_some());
        Self { groups, none, language: presentation.main_language() }
    }

    pub(super) fn write(&self, out: &mut String) {
        for (position, channels) in self.groups.iter().enumerate() {
            let id = Self::id(position);
            let mut group = Group::new("CLOSED-CAPTIONS", &id);
            for &channel in *channels {
                let name = channel.to_string();
                let instream = name.to_ascii_uppercase().replace(' ', "");
                let language = if channel.is_primary() { self.language.clone() } else { "und".to_owned() };
                let roles = Roles::default();
                // Line 21 and the digital services say the same; the system need not choose between them.
                let select = !matches!(channel, CaptionChannel::Service(_))
                    || !channels.iter().any(|other| matches!(other, CaptionChannel::Line21(_)));
                let rendition = Rendition { language, name, roles, default: false, select, characteristics: None };
                group.open(out, &rendition);
                let _ = writeln!(out, ",INSTREAM-ID=\"{instream}\"");
            }
        }
    }

    /// The attribute of a variant of this track, with the comma before it.
    pub(super) fn attribute(&self, track: &TrackRecord) -> String {
        let channels = track.captions.as_deref().unwrap_or_default();
        match self.groups.iter().position(|group| *group == channels) {
            Some(position) => format!(",CLOSED-CAPTIONS=\"{}\"", Self::id(position)),
            None if self.none => ",CLOSED-CAPTIONS=NONE".to_owned(),
            None => String::new(),
        }
    }

    fn id(position: usize) -> String {
        if position == 0 { "cc".to_owned() } else { format!("cc-{}", position + 1) }
    }
}

/// What renditions of every type say.
struct Rendition {
    language: String,
    name: String,
    roles: Roles,
    default: bool,
    /// Whether a player may choose it by language alone.
    select: bool,
    characteristics: Option<&'static str>,
}

impl Rendition {
    fn of_audio(track: &TrackRecord, default: bool) -> Self {
        let roles = track.roles;
        let kind = match (roles.commentary, roles.visual_impaired) {
            (true, _) => " (commentary)",
            (_, true) => " (described)",
            _ => "",
        };
        Self::of(track, "Audio", kind, default, roles.visual_impaired.then_some(DESCRIBES))
    }

    fn of_text(track: &TrackRecord, default: bool) -> Self {
        let roles = track.roles;
        let kind = match (roles.commentary, roles.forced, roles.hearing_impaired) {
            (true, _, _) => " (commentary)",
            (_, true, _) => " (forced)",
            (_, _, true) => " (SDH)",
            _ => "",
        };
        Self::of(track, "Subtitles", kind, default, roles.hearing_impaired.then_some(TRANSCRIBES))
    }

    fn of(track: &TrackRecord, noun: &str, kind: &str, default: bool, characteristics: Option<&'static str>) -> Self {
        let language = language::shortest(&track.language);
        let name = track.label.as_deref().map(plain_text).filter(|label| !label.is_empty());
        let name = name.unwrap_or_else(|| {
            let known = if language == "und" { noun } else { &language };
            format!("{known}{kind}")
        });
        Self { language, name, roles: track.roles, default, select: !track.roles.commentary, characteristics }
    }
}

/// A group under construction.
struct Group<'a> {
    kind: &'static str,
    id: &'a str,
    names: Vec<String>,
    selected: Vec<(String, bool, Option<&'static str>)>,
}

impl<'a> Group<'a> {
    fn new(kind: &'static str, id: &'a str) -> Self {
        Self { kind, id, names: Vec::new(), selected: Vec::new() }
    }

    /// Writes what all types have, up to what is the type's own. Names are made unique, and of renditions that a player
    /// could not tell apart it may choose one only (§4.4.6.1.1).
    fn open(&mut self, out: &mut String, rendition: &Rendition) {
        let _ = write!(out, "#EXT-X-MEDIA:TYPE={},GROUP-ID=\"{}\"", self.kind, self.id);
        if rendition.language != "und" {
            let _ = write!(out, ",LANGUAGE=\"{}\"", rendition.language);
        }
        let mut name = rendition.name.clone();
        let mut ordinal = 1;
        while self.names.contains(&name) {
            ordinal += 1;
            name = format!("{} {ordinal}", rendition.name);
        }
        let choice = (rendition.language.clone(), rendition.roles.forced, rendition.characteristics);
        let select = rendition.default || (rendition.select && !self.selected.contains(&choice));
        if select {
            self.selected.push(choice);
        }
        let yes = |yes: bool| if yes { "YES" } else { "NO" };
        let _ = write!(out, ",NAME=\"{name}\",DEFAULT={},AUTOSELECT={}", yes(rendition.default), yes(select));
        if let Some(characteristics) = rendition.characteristics {
            let _ = write!(out, ",CHARACTERISTICS=\"{characteristics}\"");
        }
        self.names.push(name);
    }
}
