//! Playlists of MPEG-TS segments, for players that know no fMP4 (RFC 8216).
//!
//! They keep to what the oldest players read: every variant has its sound inside, and the protocol is of version 3 where
//! that is enough.

use std::fmt::Write;

use drm::{HlsMethod, Iv};
use media_types::publication::MULTIVARIANT_PLAYLIST;
use media_types::{SegmentRecord, TrackRecord};

use super::media::{borders, diffused, target_duration};
use super::multivariant::{frame_rate, start_first};
use crate::bitrate::{average, peak};
use crate::presentation::{Picture, picture};
use crate::{OutputFile, PackageError, codec_string, media_type, playlist_path};

/// The folder of everything that is MPEG-TS, beside the CMAF set.
pub const TRANSPORT_FOLDER: &str = "ts";

/// Decimals in `EXTINF`, and `IV` in `EXT-X-KEY`.
const VERSION: u32 = 3;
/// `KEYFORMAT` in `EXT-X-KEY`, with which `SAMPLE-AES` came.
const SAMPLE_VERSION: u32 = 5;

/// A variant as MPEG-TS: the segments of one track, with sound in them.
#[derive(Clone, Debug)]
pub struct TransportVariant<'a> {
    /// The track whose name and segments it has: pictures, or sound when there are none.
    pub track: &'a TrackRecord,
    /// What is heard with the pictures.
    pub sound: Option<&'a TrackRecord>,
    /// Bytes of each segment, encrypted or not; as many as `track` has segments.
    pub sizes: &'a [u64],
    /// How they are encrypted.
    pub key: Option<&'a TransportKey>,
}

/// What `EXT-X-KEY` says of a variant's segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransportKey {
    /// How they are encrypted.
    pub method: HlsMethod,
    /// Where players get the 16 bytes of the key. It must not hold quotes or line ends.
    pub uri: String,
    /// The initialisation vector of each segment; the last one is for all that follow.
    pub ivs: Vec<Iv>,
}

/// Path of an MPEG-TS segment, from its 0-based index: `ts/video-360p/00001.ts`.
pub fn transport_segment_path(track: &str, index: u32) -> String {
    format!("{TRANSPORT_FOLDER}/{track}/{}", segment_file(index))
}

fn segment_file(index: u32) -> String {
    format!("{:05}.ts", u64::from(index) + 1)
}

/// The multivariant playlist over these variants, and the media playlist of each, in the folder of MPEG-TS.
///
/// Variants with pictures come first, the one to start with in front, as in
/// [`multivariant_playlist`](crate::multivariant_playlist).
///
/// # Errors
/// [`PackageError::Track`] when a variant has not as many sizes as segments; [`PackageError::Config`] for a codec without
/// a name.
pub fn transport_playlists(variants: &[TransportVariant<'_>]) -> Result<Vec<OutputFile>, PackageError> {
    if variants.iter().any(|variant| variant.sizes.len() != variant.track.segments.len()) {
        return Err(PackageError::Track("it has not as many MPEG-TS segments as others"));
    }
    let file = |path: String, text: String| {
        let path = format!("{TRANSPORT_FOLDER}/{path}");
        OutputFile { media_type: media_type(&path), path, bytes: text.into() }
    };
    let mut files = vec![file(MULTIVARIANT_PLAYLIST.to_owned(), multivariant(variants)?)];
    // RFC 8216 §6.2.4: the same in all of them.
    let target = variants.iter().map(|variant| target_duration(variant.track)).max().unwrap_or(1);
    for variant in variants {
        files.push(file(playlist_path(&variant.track.name), variant.media_playlist(target)));
    }
    Ok(files)
}

fn multivariant(variants: &[TransportVariant<'_>]) -> Result<String, PackageError> {
    let version = variants.iter().map(TransportVariant::version).max().unwrap_or(VERSION);
    let mut out = format!("#EXTM3U\n#EXT-X-VERSION:{version}\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    let mut pictures: Vec<(&TrackRecord, Picture)> =
        variants.iter().filter_map(|variant| Some((variant.track, picture(variant.track)?))).collect();
    pictures.sort_by_key(|(track, at)| (u64::from(at.width) * u64::from(at.height), track.max_bitrate_bps));
    let named = |name: &str| variants.iter().find(|variant| variant.track.name == name);
    for variant in start_first(&pictures).filter_map(|(track, _)| named(&track.name)) {
        variant.write(&mut out)?;
    }
    for variant in variants.iter().filter(|variant| picture(variant.track).is_none()) {
        variant.write(&mut out)?;
    }
    Ok(out)
}

impl TransportVariant<'_> {
    fn version(&self) -> u32 {
        let sample = self.key.is_some_and(|key| key.method == HlsMethod::SampleAes);
        if sample { SAMPLE_VERSION } else { VERSION }
    }

    /// Its entry in the multivariant playlist.
    fn write(&self, out: &mut String) -> Result<(), PackageError> {
        let size = |segment: &SegmentRecord| self.sizes.get(segment.index as usize).copied().unwrap_or(0);
        let average = average(self.track, size);
        // The average of a whole is never above the peak of its parts, unless a short tail fell out of every window.
        let peak = peak(self.track, size).max(average);
        let mut codecs = codec_string(&self.track.config)?;
        if let Some(sound) = self.sound {
            codecs = format!("{codecs},{}", codec_string(&sound.config)?);
        }
        // Writing to a string cannot fail, here and below.
        let _ = write!(out, "#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},CODECS=\"{codecs}\"");
        if let Some(picture) = picture(self.track) {
            let _ = write!(out, ",RESOLUTION={}x{},FRAME-RATE={}", picture.width, picture.height, frame_rate(&picture));
        }
        let _ = writeln!(out, "\n{}", playlist_path(&self.track.name));
        Ok(())
    }

    /// Its segments, as long as those of the track itself.
    fn media_playlist(&self, target: u64) -> String {
        let mut out = String::with_capacity(256 + 160 * self.sizes.len());
        let _ = write!(
            out,
            "#EXTM3U\n#EXT-X-VERSION:{}\n#EXT-X-TARGETDURATION:{target}\n#EXT-X-MEDIA-SEQUENCE:1\n\
             #EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS\n",
            self.version()
        );
        let lengths = diffused(borders(self.track), self.track.timescale.get());
        for (segment, length) in self.track.segments.iter().zip(lengths) {
            if let Some(key) = self.key {
                key.write(&mut out, segment.index as usize);
            }
            let file = segment_file(segment.index);
            let _ = writeln!(out, "#EXTINF:{}.{:06},\n{file}", length / 1_000_000, length % 1_000_000);
        }
        out.push_str("#EXT-X-ENDLIST\n");
        out
    }
}

impl TransportKey {
    /// What has to be said in front of the segment at `position`: nothing while the last tag holds.
    fn write(&self, out: &mut String, position: usize) {
        let Some(iv) = self.ivs.get(position) else { return };
        let _ = write!(out, "#EXT-X-KEY:METHOD={},URI=\"{}\",IV=0x", self.method, self.uri);
        for byte in iv.as_bytes() {
            let _ = write!(out, "{byte:02x}");
        }
        // What it is without being said, and older players do not know the attribute.
        let format = match self.method {
            HlsMethod::Aes128 => "",
            HlsMethod::SampleAes => ",KEYFORMAT=\"identity\",KEYFORMATVERSIONS=\"1\"",
        };
        let _ = writeln!(out, "{format}");
    }
}
