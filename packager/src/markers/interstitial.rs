//! What players of HLS show at a marker beside the programme (RFC 8216bis appendix D).

use std::fmt::Write;

use media_types::MediaTime;

use super::dates::seconds;

/// `CLASS` of date ranges that are interstitials (§D.2).
pub(super) const CLASS: &str = "com.apple.hls.interstitial";
/// What `X-SNAP` may list: moments that move to the nearest border of the programme's segments.
pub const SNAPS: &[&str] = &["OUT", "IN"];
/// What `X-RESTRICT` may list: what a viewer may not do.
pub const RESTRICTIONS: &[&str] = &["SKIP", "JUMP"];
/// What `CUE` may list (§4.4.5.1): before or after everything, and no more than once.
pub const CUES: &[&str] = &["PRE", "POST", "ONCE"];

/// Addresses are no longer than servers take them.
const MOST_URI_BYTES: usize = 4000;

/// Something that is shown at a marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interstitial {
    /// What is shown.
    pub asset: Asset,
    /// From the marker's start, where the programme goes on: 0 where it stopped, the marker's length to replace as much.
    pub resume: MediaTime,
    /// How long it is shown at most.
    pub limit: Option<MediaTime>,
    /// Some of [`SNAPS`].
    pub snap: Vec<&'static str>,
    /// Some of [`RESTRICTIONS`].
    pub restrict: Vec<&'static str>,
    /// Some of [`CUES`].
    pub cue: Vec<&'static str>,
}

/// Where the content of an interstitial lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asset {
    /// A multivariant playlist, by its absolute address.
    Uri(String),
    /// A list of assets in JSON (§D.2.2), by its address; a relative one counts from the playlist.
    List(String),
}

impl Asset {
    fn uri(&self) -> &str {
        let (Self::Uri(uri) | Self::List(uri)) = self;
        uri
    }

    /// Whether players can fetch it and playlists carry it (RFC 3986 §2, §4).
    pub(super) fn is_fit(&self) -> bool {
        let uri = self.uri();
        let is_absolute = uri.split_once("://").is_some_and(|(scheme, rest)| {
            let known = ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
            known && !rest.is_empty() && !rest.starts_with(['/', '?', '#'])
        });
        // Without a scheme a colon stands behind the first slash only.
        let is_relative = !uri.split(['/', '?', '#']).next().unwrap_or_default().contains(':');
        let fits = is_absolute || (matches!(self, Self::List(_)) && is_relative && !uri.is_empty());
        fits && uri.len() <= MOST_URI_BYTES && has_plain_characters(uri)
    }
}

/// Reserved and unreserved characters, and others as `%` and two digits.
fn has_plain_characters(uri: &str) -> bool {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=".contains(&byte);
    let mut pieces = uri.split('%');
    pieces.next().is_some_and(|first| first.bytes().all(fine))
        && pieces.all(|piece| {
            let digits = piece.as_bytes().get(..2);
            digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) && piece.bytes().all(fine)
        })
}

impl Interstitial {
    /// What no playlist could carry.
    pub(super) fn problem(&self) -> Option<&'static str> {
        let known = |words: &[&str], all: &[&str]| words.iter().all(|word| all.contains(word));
        let has = |word| self.cue.contains(&word);
        if !self.asset.is_fit() {
            Some("its asset is not at an address that players could fetch")
        } else if !known(&self.snap, SNAPS) || !known(&self.restrict, RESTRICTIONS) || !known(&self.cue, CUES) {
            Some("a word in its lists is none that players know")
        } else if has("PRE") && has("POST") {
            Some("it cannot come both before and after the programme")
        } else if self.resume.ticks < 0 || self.limit.is_some_and(|limit| limit.ticks < 0) {
            Some("its times are negative")
        } else {
            None
        }
    }

    /// The attributes of a date range that are its own, with a comma in front of each.
    pub(super) fn write(&self, out: &mut String) {
        let name = match self.asset {
            Asset::Uri(_) => "X-ASSET-URI",
            Asset::List(_) => "X-ASSET-LIST",
        };
        // Writing to a string cannot fail, here and below.
        let _ = write!(out, ",{name}=\"{}\",X-RESUME-OFFSET={}", self.asset.uri(), seconds(self.resume));
        if let Some(limit) = self.limit {
            let _ = write!(out, ",X-PLAYOUT-LIMIT={}", seconds(limit));
        }
        for (name, words) in [("X-SNAP", &self.snap), ("X-RESTRICT", &self.restrict), ("CUE", &self.cue)] {
            if !words.is_empty() {
                let _ = write!(out, ",{name}=\"{}\"", words.join(","));
            }
        }
    }
}
