//! What of an MP4 file need not be read to know its packets: its index says where they lie, when they are shown, and which
//! of them are key frames.

use std::collections::HashSet;
use std::ops::Range;

use ff::codec::Id;
use ff::format::context::Input;
use ffmpeg_next as ff;

use crate::open::SharedSource;

/// Top-level boxes of a file whose index is whole; one of more boxes has it in pieces.
const MOST_BOXES: usize = 64;

/// The index of an MP4 file, while its media are not read. Dropped, they are again.
pub(crate) struct Index<'a> {
    bytes: &'a SharedSource,
    key_positions: HashSet<i64>,
}

impl<'a> Index<'a> {
    /// Leaves out the bytes of media (`mdat`, ISO/IEC 14496-12 §8.1.1) until it is dropped; `None` where the index, or what is
    /// known of the codecs, does not say all that their packets do.
    pub(crate) fn read(source: &Input, bytes: &'a SharedSource, video: Option<usize>) -> Option<Self> {
        let plain = source.format().name().starts_with("mov,")
            && source.streams().all(|stream| is_unparsed(stream.parameters().id()));
        let media = if plain { media(bytes)? } else { return None };
        let key_positions = match video {
            Some(index) => key_positions(&source.stream(index)?)?,
            None => HashSet::new(),
        };
        bytes.leave_out(media);
        Some(Self { bytes, key_positions })
    }

    /// Whether a packet of the video stream that was asked for is a key frame. Without its bytes a parser cannot tell.
    pub(crate) fn is_key(&self, packet: &ff::Packet) -> bool {
        i64::try_from(packet.position()).is_ok_and(|position| self.key_positions.contains(&position))
    }
}

impl Drop for Index<'_> {
    fn drop(&mut self) {
        self.bytes.leave_out(Vec::new());
    }
}

/// Where the key frames lie. Where all are key frames, a table of them (`stss`) may just be missing.
fn key_positions(stream: &ff::Stream<'_>) -> Option<HashSet<i64>> {
    // SAFETY: the stream belongs to an open context, whose index lives as long as it and is not changed here.
    let entries = unsafe {
        let raw = stream.as_ptr().cast_mut();
        let count = ff::ffi::avformat_index_get_entries_count(raw);
        (0..count).filter_map(move |at| ff::ffi::avformat_index_get_entry(raw, at).as_ref()).collect::<Vec<_>>()
    };
    let is_key = |entry: &&&ff::ffi::AVIndexEntry| entry.flags() & ff::ffi::AVINDEX_KEYFRAME != 0;
    let keys: HashSet<i64> = entries.iter().filter(is_key).map(|entry| entry.pos).collect();
    (!keys.is_empty() && keys.len() < entries.len()).then_some(keys)
}

/// The bytes of media; `None` when the file is in fragments.
fn media(bytes: &SharedSource) -> Option<Vec<Range<u64>>> {
    let (mut media, mut offset) = (Vec::new(), 0);
    for _ in 0..MOST_BOXES {
        let Some((kind, header, end)) = top_level_box(bytes, offset) else { return Some(media) };
        match &kind {
            b"mdat" => media.push(offset + header..end),
            b"moof" => return None,
            _ => {}
        }
        offset = end;
    }
    None
}

/// Codecs whose packets no parser looks into: their boundaries, times and key frames are those of the index.
fn is_unparsed(codec: Id) -> bool {
    matches!(codec, Id::H264 | Id::HEVC | Id::AAC | Id::ALAC | Id::PCM_S16LE | Id::PCM_S16BE | Id::MOV_TEXT | Id::None)
}

/// Kind, header length and end of the box at `offset`; `None` at the end, and for what is none.
fn top_level_box(bytes: &SharedSource, offset: u64) -> Option<([u8; 4], u64, u64)> {
    let size_bytes = bytes.size();
    let mut header = [0; 16];
    let read = bytes.read_at(offset, &mut header).ok()?;
    let (short, kind) = (header.first_chunk::<4>()?, header[4..8].try_into().ok()?);
    let (length, header) = match u32::from_be_bytes(*short) {
        0 => (size_bytes.checked_sub(offset)?, 8),
        1 if read == 16 => (u64::from_be_bytes(header[8..].try_into().ok()?), 16),
        length => (length.into(), 8),
    };
    let end = offset.checked_add(length)?.min(size_bytes);
    (read >= 8 && length >= header && end >= offset + header).then_some((kind, header, end))
}
