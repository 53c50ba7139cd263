//! Telling containers by their first bytes.

use bytes::Bytes;
use drm::TrackProtection;

use crate::mkv::MkvDemuxer;
use crate::mp4::Mp4Demuxer;
use crate::ts::TsDemuxer;
use crate::{Chapter, Demux, DemuxError, Step, Track, Warning};

/// A demuxer of whatever a file is.
#[derive(Debug)]
pub enum Demuxer {
    /// ISO BMFF, QuickTime, CMAF.
    Mp4(Box<Mp4Demuxer>),
    /// MPEG transport streams.
    Ts(Box<TsDemuxer>),
    /// Matroska and WebM.
    Mkv(Box<MkvDemuxer>),
}

impl Demuxer {
    /// Bytes of a file's beginning that [`detect`](Self::detect) wants, or all of a shorter file.
    pub const HEAD: usize = 4096;

    /// The demuxer of a file that begins with `head` and has `file_length` bytes, when that is known.
    ///
    /// # Errors
    /// The file is none that can be read; the reason names what it looks like.
    pub fn detect(head: &[u8], file_length: Option<u64>) -> Result<Demuxer, DemuxError> {
        if head.starts_with(&[0x1A, 0x45, 0xDF, 0xA3]) {
            return Ok(Self::Mkv(Box::new(MkvDemuxer::new(file_length))));
        }
        if is_mp4(head) {
            return Ok(Self::Mp4(Box::new(Mp4Demuxer::new(file_length))));
        }
        // A transport stream may begin anywhere, so all that is known by its first bytes goes before it.
        if let Some(reason) = refusal(head) {
            return Err(DemuxError { offset: 0, reason: reason.into() });
        }
        if is_ts(head) {
            return Ok(Self::Ts(Box::new(TsDemuxer::new(file_length))));
        }
        let reason = match head {
            [] => "the file is empty".into(),
            _ if head.iter().all(|&byte| byte == 0) => "the file begins with zeros: it was not written whole".into(),
            _ => text_refusal(head)
                .unwrap_or("neither MP4, MPEG-TS nor Matroska, nor anything else that is known")
                .into(),
        };
        Err(DemuxError { offset: 0, reason })
    }

    /// Under which key and pattern the packet that was given last is encrypted, as [`Mp4Demuxer::packet_protection`]; what
    /// other containers give is clear.
    pub fn packet_protection(&self) -> Option<&TrackProtection> {
        match self {
            Self::Mp4(demuxer) => demuxer.packet_protection(),
            Self::Ts(_) | Self::Mkv(_) => None,
        }
    }

    /// The SCTE 35 messages since the last call, as [`TsDemuxer::take_markers`]; other containers carry none.
    pub fn take_markers(&mut self) -> Vec<(Option<i64>, Vec<u8>)> {
        match self {
            Self::Ts(demuxer) => demuxer.take_markers(),
            Self::Mp4(_) | Self::Mkv(_) => Vec::new(),
        }
    }

    /// The chapters met so far, at most [`Chapter::MOST`]: all of them at the file's end; transport streams have none.
    pub fn chapters(&self) -> &[Chapter] {
        match self {
            Self::Mp4(demuxer) => demuxer.chapters(),
            Self::Mkv(demuxer) => demuxer.chapters(),
            Self::Ts(_) => &[],
        }
    }
}

/// What a part of a recording is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// ISO BMFF, QuickTime.
    Mp4,
    /// MPEG transport streams, in packets of this many bytes.
    Ts(usize),
    /// MPEG program streams.
    Ps,
    /// Anything else.
    Other,
}

impl Family {
    /// For people, with its article.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Mp4 => "an MP4 or QuickTime file",
            Self::Ts(192) => "an MPEG transport stream with time codes (MTS, M2TS)",
            Self::Ts(_) => "an MPEG transport stream",
            Self::Ps => "an MPEG program stream",
            Self::Other => "something else",
        }
    }
}

/// What a file is by its first bytes.
pub(crate) fn family(head: &[u8]) -> Family {
    match () {
        () if is_mp4(head) => Family::Mp4,
        () if head.starts_with(b"\0\0\x01\xBA") => Family::Ps,
        () if refusal(head).is_some() || head.starts_with(&[0x1A, 0x45, 0xDF, 0xA3]) => Family::Other,
        () => packet_bytes(head).map_or(Family::Other, Family::Ts),
    }
}

/// Whether a file begins with a box that one of the ISO BMFF family may begin with (ISO/IEC 14496-12 §4.3; QuickTime).
fn is_mp4(head: &[u8]) -> bool {
    let Some((size, name)) =
        head.split_first_chunk::<4>().and_then(|(size, rest)| Some((size, rest.first_chunk::<4>()?)))
    else {
        return false;
    };
    let sound = matches!(u32::from_be_bytes(*size), 0 | 1 | 8..);
    sound
        && matches!(
            name,
            b"ftyp"
                | b"styp"
                | b"moov"
                | b"moof"
                | b"mdat"
                | b"free"
                | b"skip"
                | b"wide"
                | b"sidx"
                | b"pnot"
                | b"uuid"
                | b"emsg"
                | b"prft"
                | b"pdin"
        )
        && !is_picture(head)
}

/// Whether the brands are those of still pictures (HEIF, AVIF).
fn is_picture(head: &[u8]) -> bool {
    head.get(4..8) == Some(b"ftyp")
        && matches!(head.get(8..12), Some(b"heic" | b"heix" | b"mif1" | b"avif" | b"crx " | b"jp2 " | b"jxl "))
}

/// Whether sync bytes stand in the distance of packets (ISO/IEC 13818-1 §2.4.3.2; with a time code before each, or
/// parity behind).
fn is_ts(head: &[u8]) -> bool {
    packet_bytes(head).is_some()
}

/// How far apart the packets of a transport stream begin.
fn packet_bytes(head: &[u8]) -> Option<usize> {
    let packets = [188usize, 192, 204].into_iter().find(|&packet| {
        (0..packet.min(head.len())).any(|first| {
            let count = (head.len() - first).div_ceil(packet);
            let synced = head[first..].iter().step_by(packet).filter(|&&byte| byte == 0x47).count();
            // All of a short file, most of a damaged one.
            count == synced && count >= 2 || count >= 8 && synced * 8 >= count * 7
        })
    });
    packets.or((head.len() == 188 && head[0] == 0x47).then_some(188))
}

/// What begins with bytes of its own.
fn refusal(head: &[u8]) -> Option<&'static str> {
    let is = |bytes: &[u8]| head.starts_with(bytes);
    let at = |offset: usize, bytes: &[u8]| head.get(offset..).is_some_and(|rest| rest.starts_with(bytes));
    Some(match () {
        () if is(b"RIFF") && at(8, b"AVI ") => "an AVI file, which is not read",
        () if is(b"RIFF") && at(8, b"WAVE") => "a WAV file: uncompressed sound, which CMAF does not carry",
        () if is(b"RIFF") && at(8, b"WEBP") => "a WebP picture",
        () if is(b"RF64") || is(b"BW64") => "a WAV file: uncompressed sound, which CMAF does not carry",
        () if is(b"FLV\x01") => "an FLV file, which is not read",
        () if is(&[0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11]) => "a Windows Media (ASF) file, which is not read",
        () if is(b"OggS") => "an Ogg file, which is not read",
        () if is(b"fLaC") => "a bare FLAC file, without a container",
        () if is(b"ID3") => "bare sound behind an ID3 tag, such as MP3, without a container",
        () if is(b"FORM") && (at(8, b"AIFF") || at(8, b"AIFC")) => "an AIFF file: uncompressed sound",
        () if is(b"\x89PNG") => "a PNG picture",
        () if is(b"GIF8") => "a GIF picture",
        () if is(&[0xFF, 0xD8, 0xFF]) => "a JPEG picture",
        () if is(b"II*\0") || is(b"MM\0*") => "a TIFF picture",
        () if is_picture(head) => "a still picture (HEIF or AVIF)",
        () if is(b"\0\0\x01\xBA") => "an MPEG programme stream, which is not read",
        () if is(b"\x06\x0E\x2B\x34") => "an MXF file, which is not read",
        () if is(b"DKIF") => "an IVF file: bare video, without a container",
        () if is(b".RMF") => "a RealMedia file, which is not read",
        () if is(b"%PDF") => "a PDF document",
        () if is(b"PK\x03\x04") => "a ZIP archive",
        () if is(&[0x1F, 0x8B]) => "a gzip file",
        () if is(&[0, 0, 0, 1, 0x67]) || is(&[0, 0, 1, 0x67]) || is(&[0, 0, 0, 1, 0x09]) => {
            "bare H.264 video, without a container"
        }
        () if is(&[0, 0, 0, 1, 0x40, 1]) || is(&[0, 0, 1, 0x40, 1]) => "bare HEVC video, without a container",
        () if is(&[0x0B, 0x77]) => "bare AC-3 sound, without a container",
        () => return None,
    })
}

/// What is text, or has no bytes of its own.
fn text_refusal(head: &[u8]) -> Option<&'static str> {
    if let &[0xFF, second, third, ..] = head {
        match second {
            0xF0 | 0xF1 | 0xF8 | 0xF9 => return Some("bare AAC sound, without a container"),
            0xE0.. if second & 0x06 != 0 && third >> 4 != 0x0F => return Some("a bare MP3 file, without a container"),
            _ => {}
        }
    }
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    // The last character may be cut.
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return None,
    };
    let text = text.trim_start();
    if text.is_empty() || text.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t')) {
        return None;
    }
    Some(match () {
        () if text.starts_with("WEBVTT") => "is a subtitle file (WebVTT)",
        () if is_sub_rip(text) => "is a subtitle file (SubRip)",
        () if text.starts_with("[Script Info]") => "is a subtitle file (ASS)",
        () if text.starts_with("#EXTM3U") => "an HLS playlist: give the media it lists",
        () if text.starts_with('<') && text.contains("http://www.w3.org/ns/ttml") => "is a subtitle file (TTML)",
        () if text.starts_with('<') && (text.contains("<tt ") || text.contains("<tt>") || text.contains("<tt:tt")) => {
            "is a subtitle file (TTML)"
        }
        () if text.starts_with('<') && text.contains("<MPD") => "a DASH manifest: give the media it lists",
        () if text.starts_with('<') => "an XML or HTML document",
        () => "a text file",
    })
}

/// A number on a line, then two times.
fn is_sub_rip(text: &str) -> bool {
    let mut lines = text.lines();
    let number = lines.next().unwrap_or_default().trim();
    let times = lines.next().unwrap_or_default();
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) && times.contains(" --> ")
}

macro_rules! delegate {
    ($self:ident, $demuxer:ident => $what:expr) => {
        match $self {
            Demuxer::Mp4($demuxer) => $what,
            Demuxer::Ts($demuxer) => $what,
            Demuxer::Mkv($demuxer) => $what,
        }
    };
}

impl Demux for Demuxer {
    fn poll(&mut self) -> Result<Step, DemuxError> {
        delegate!(self, demuxer => demuxer.poll())
    }

    fn give(&mut self, bytes: Bytes) {
        delegate!(self, demuxer => demuxer.give(bytes));
    }

    fn tracks(&self) -> &[Track] {
        delegate!(self, demuxer => demuxer.tracks())
    }

    fn take_warnings(&mut self) -> Vec<Warning> {
        delegate!(self, demuxer => demuxer.take_warnings())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn what(head: &[u8]) -> String {
        match Demuxer::detect(head, Some(head.len() as u64)) {
            Ok(Demuxer::Mp4(_)) => "mp4".into(),
            Ok(Demuxer::Ts(_)) => "ts".into(),
            Ok(Demuxer::Mkv(_)) => "mkv".into(),
            Err(error) => error.reason,
        }
    }

    fn packets(size: usize, skip: usize) -> Vec<u8> {
        let mut bytes = vec![0x11; skip];
        for _ in 0..10 {
            bytes.push(0x47);
            bytes.extend(vec![0x22; size - 1]);
        }
        bytes
    }

    #[test]
    fn containers_are_told_by_their_first_bytes() {
        for (head, want) in [
            (b"\0\0\0\x20ftypisom".to_vec(), "mp4"),
            (b"\0\0\0\x18stypmsdh".to_vec(), "mp4"),
            (b"\0\0\0\x08wide\0\0\0\0mdat".to_vec(), "mp4"),
            (b"\x1A\x45\xDF\xA3\x01".to_vec(), "mkv"),
            (packets(188, 0), "ts"),
            (packets(192, 4), "ts"),
            (packets(204, 0), "ts"),
            (packets(188, 77), "ts"),
        ] {
            assert_eq!(what(&head), want, "{:?}", &head[..8]);
        }
    }

    #[test]
    fn other_files_are_refused_by_their_names() {
        for (head, want) in [
            (&b"RIFF\0\0\0\0AVI LIST"[..], "AVI"),
            (b"RIFF\0\0\0\0WAVEfmt ", "WAV"),
            (b"FLV\x01\x05", "FLV"),
            (b"ID3\x04\0\0", "MP3"),
            (&[0xFF, 0xFB, 0x90, 0x64, 0], "MP3"),
            (&[0xFF, 0xF1, 0x50, 0x80, 0], "AAC"),
            (&[0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11], "ASF"),
            (b"OggS\0", "Ogg"),
            (b"\x89PNG\r\n", "PNG"),
            (b"\0\0\0\x20ftypheic", "picture"),
            (b"#EXTM3U\n", "playlist"),
            (b"\xEF\xBB\xBFWEBVTT\n\n", "is a subtitle file"),
            (b"1\n00:00:01,000 --> 00:00:02,000\nHi\n", "is a subtitle file"),
            (b"<?xml version=\"1.0\"?><tt xmlns=\"http://www.w3.org/ns/ttml\">", "is a subtitle file"),
            (b"<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\">", "DASH"),
            (b"hello world", "text"),
            (b"", "empty"),
            (&[0; 100], "zeros"),
            (b"\x13\x37\x00\x99", "neither"),
        ] {
            assert!(what(head).contains(want), "{want}: {}", what(head));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_told_or_refused(head in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = what(&head);
        }
    }
}
