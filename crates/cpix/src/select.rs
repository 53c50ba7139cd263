//! Which key a track is encrypted with (DASH-IF CPIX 2.4, "Usage Rules Filters").

use drm::KeyId;

use crate::model::{AudioFilter, BitrateFilter, Document, UsageRule, VideoFilter};

/// What is known of a track. Without a value where nothing is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Track<'a> {
    /// What it holds.
    pub media: Media,
    /// Nominal bits per second.
    pub bitrate_bps: Option<u64>,
    /// Labels it was given.
    pub labels: &'a [&'a str],
    /// `@id` of the key period; `None` without key rotation.
    pub period: Option<&'a str>,
}

/// What a track holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Media {
    /// Pictures.
    Video {
        /// Width times height as encoded.
        pixels: Option<u64>,
        /// Frames per second as a fraction; of interlaced video half the fields.
        fps: Option<(u32, u32)>,
        /// High dynamic range.
        hdr: Option<bool>,
        /// Wide colour gamut.
        wcg: Option<bool>,
    },
    /// Sound.
    Audio {
        /// Channels.
        channels: Option<u64>,
    },
    /// Neither.
    #[default]
    Other,
}

/// No key can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// A rule has filters that are not known, so that none may be applied.
    #[error("a usage rule for content key {0} has filters that are not known")]
    UnknownFilter(KeyId),
    /// A rule asks for what is not known of the track.
    #[error("a usage rule for content key {kid} asks for {what}, which is not known of the track")]
    NotKnown {
        /// The key of the rule.
        kid: KeyId,
        /// What it asks for.
        what: &'static str,
    },
    /// Rules give the track more than one key.
    #[error("usage rules give the track both content key {0} and {1}")]
    Ambiguous(KeyId, KeyId),
}

impl Document {
    /// The key whose rules match `track`; `None` when it stays clear.
    ///
    /// # Errors
    /// See [`SelectError`].
    pub fn key_for(&self, track: &Track<'_>) -> Result<Option<KeyId>, SelectError> {
        if let Some(rule) = self.usage_rules.iter().find(|rule| rule.unknown_filters) {
            return Err(SelectError::UnknownFilter(rule.kid));
        }
        let mut found: Option<KeyId> = None;
        for rule in &self.usage_rules {
            if !matches(rule, track).map_err(|what| SelectError::NotKnown { kid: rule.kid, what })? {
                continue;
            }
            match found {
                Some(other) if other != rule.kid => return Err(SelectError::Ambiguous(other, rule.kid)),
                _ => found = Some(rule.kid),
            }
        }
        Ok(found)
    }
}

/// Whether a rule matches, or what would have to be known. A filter that fails settles it, whatever is not known.
fn matches(rule: &UsageRule, track: &Track<'_>) -> Result<bool, &'static str> {
    let by_name =
        |names: &[String], mut has: Box<dyn FnMut(&str) -> bool + '_>| names.is_empty() || names.iter().any(|n| has(n));
    if !by_name(&rule.periods, Box::new(|id| track.period == Some(id)))
        || !by_name(&rule.labels, Box::new(|label| track.labels.contains(&label)))
    {
        return Ok(false);
    }
    // Filters for video and for audio in one rule are alternatives in practice (SPEKE's "ALL"): read with the logical
    // AND between kinds they could match no track at all.
    let media = match track.media {
        _ if rule.video.is_empty() && rule.audio.is_empty() => Answer::Yes,
        Media::Video { .. } => any(&rule.video, |filter| video(filter, track)),
        Media::Audio { .. } => any(&rule.audio, |filter| audio(filter, track)),
        Media::Other => Answer::No,
    };
    let bitrate = match rule.bitrate.is_empty() {
        true => Answer::Yes,
        false => any(&rule.bitrate, |filter| rate(filter, track)),
    };
    match (media, bitrate) {
        (Answer::No, _) | (_, Answer::No) => Ok(false),
        (Answer::Unknown(what), _) | (_, Answer::Unknown(what)) => Err(what),
        (Answer::Yes, Answer::Yes) => Ok(true),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
    Unknown(&'static str),
}

impl Answer {
    fn and(self, other: Answer) -> Answer {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Unknown(what), _) | (_, Self::Unknown(what)) => Self::Unknown(what),
            _ => Self::Yes,
        }
    }
}

fn any<T>(filters: &[T], test: impl Fn(&T) -> Answer) -> Answer {
    filters.iter().map(test).fold(Answer::No, |sum, answer| match (sum, answer) {
        (Answer::Yes, _) | (_, Answer::Yes) => Answer::Yes,
        (Answer::Unknown(what), _) | (_, Answer::Unknown(what)) => Answer::Unknown(what),
        _ => Answer::No,
    })
}

/// Within bounds that are both included.
fn within(value: Option<u64>, min: Option<u64>, max: Option<u64>, what: &'static str) -> Answer {
    match value {
        _ if min.is_none() && max.is_none() => Answer::Yes,
        None => Answer::Unknown(what),
        Some(value) if min.is_some_and(|min| value < min) || max.is_some_and(|max| value > max) => Answer::No,
        Some(_) => Answer::Yes,
    }
}

fn same(value: Option<bool>, asked: Option<bool>, what: &'static str) -> Answer {
    match (asked, value) {
        (None, _) => Answer::Yes,
        (Some(_), None) => Answer::Unknown(what),
        (Some(asked), Some(value)) if asked == value => Answer::Yes,
        _ => Answer::No,
    }
}

fn video(filter: &VideoFilter, track: &Track<'_>) -> Answer {
    let Media::Video { pixels, fps, hdr, wcg } = track.media else { return Answer::No };
    // The lower bound is excluded, the upper included (clause "`VideoFilter` Element").
    let rate = match fps {
        _ if filter.min_fps.is_none() && filter.max_fps.is_none() => Answer::Yes,
        None | Some((_, 0)) => Answer::Unknown("the frame rate"),
        Some((num, den)) => {
            let above = |min: u64| u128::from(num) > u128::from(min) * u128::from(den);
            match filter.min_fps.is_none_or(above) && filter.max_fps.is_none_or(|max| !above(max)) {
                true => Answer::Yes,
                false => Answer::No,
            }
        }
    };
    within(pixels, filter.min_pixels, filter.max_pixels, "the number of pixels")
        .and(rate)
        .and(same(hdr, filter.hdr, "the dynamic range"))
        .and(same(wcg, filter.wcg, "the colour gamut"))
}

fn audio(filter: &AudioFilter, track: &Track<'_>) -> Answer {
    let Media::Audio { channels } = track.media else { return Answer::No };
    within(channels, filter.min_channels, filter.max_channels, "the number of channels")
}

fn rate(filter: &BitrateFilter, track: &Track<'_>) -> Answer {
    within(track.bitrate_bps, filter.min_bps, filter.max_bps, "the bit rate")
}
