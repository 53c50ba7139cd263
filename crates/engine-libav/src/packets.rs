//! What a source's packets say, before one of them is decoded.

use std::collections::{HashMap, HashSet};

use ff::codec::Id;
use ff::format::context::Input;
use ff::format::stream::Disposition;
use ff::media::Type;
use ffmpeg_next as ff;
use media_types::PacketTime;
use media_types::time::rescale;
use pipeline::EngineError;

use crate::captions;
use crate::clocks::{Clocks, Mended};
use crate::describe::rational;
use crate::ebml;
use crate::error::input;
use crate::index::Index;
use crate::open::{SharedSource, has_decode_times_only, read_packet};

/// About twelve hours at 120 pictures a second, with room.
const MAX_PACKETS: usize = 8_000_000;

/// What a source's packets come to.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) pictures: Vec<PacketTime>,
    pub(crate) video_bytes: u64,
    pub(crate) keyframes: u64,
    pub(crate) keyframe_bytes: u64,
    pub(crate) audio: HashMap<usize, (i64, i64)>,
    pub(crate) mended: Mended,
    /// Further streams of pictures.
    others: HashSet<usize>,
    pub(crate) truncated: bool,
    /// Pictures have room for captions; nothing is known of it while an index stands for their bytes.
    pub(crate) captions: bool,
    /// A packet came, be it of a stream that nobody wants.
    pub(crate) anything: bool,
}

/// Reads every packet; those of `video` and `audio` count.
pub(crate) fn read_packets(
    source: &mut Input,
    bytes: &SharedSource,
    video: Option<usize>,
    audio: &[usize],
    index: Option<&Index<'_>>,
) -> Result<Seen, EngineError> {
    let mut seen = Seen::default();
    let (mut packet, mut last) = (ff::Packet::empty(), None);
    let by_decode_time = has_decode_times_only(source);
    let hides_pictures = video.and_then(|index| source.stream(index)).is_some_and(|s| s.parameters().id() == Id::VP8);
    let mut starts_hidden = false;
    let mut clocks = Clocks::of(source, video);
    let carrier = video.filter(|_| index.is_none()).and_then(|index| captions::carrier(&source.stream(index)?));
    loop {
        match read_packet(&mut packet, source) {
            Ok(()) if is_encrypted(&packet) => {
                return Err(input("input.encrypted", "the recording is encrypted, and its keys are not in it"));
            }
            Ok(()) => (seen.anything, last) = (true, u64::try_from(packet.position()).ok().or(last)),
            Err(ff::Error::Eof) => break,
            Err(_) => {
                seen.truncated = true;
                break;
            }
        }
        let time = if by_decode_time { packet.dts().or(packet.pts()) } else { packet.pts().or(packet.dts()) };
        let Some(time) = time.filter(|_| packet.size() > 0) else { continue };
        if Some(packet.stream()) == video {
            if seen.pictures.len() >= MAX_PACKETS {
                return Err(input("input.too_long", "the recording has more pictures than twelve hours of video"));
            }
            let (bytes, is_key) = (packet.size() as u64, index.map_or(packet.is_key(), |index| index.is_key(&packet)));
            seen.video_bytes += bytes;
            if let (false, Some(carrier), Some(data)) = (seen.captions, carrier, packet.data()) {
                seen.captions = !carrier.pairs(data, true).is_empty();
            }
            clocks.iter_mut().for_each(|clocks| clocks.see(&packet, is_key));
            if is_discarded(&packet) || hides_pictures && is_hidden_vp8(&packet) {
                starts_hidden |= is_key && seen.pictures.is_empty();
                continue;
            }
            if is_key {
                seen.keyframes += 1;
                seen.keyframe_bytes += bytes;
            }
            seen.pictures.push(PacketTime { pts: time, keyframe: is_key });
            clocks.iter_mut().for_each(Clocks::list);
        } else if audio.contains(&packet.stream()) && !is_discarded(&packet) {
            seen.hear(&packet, time, source);
            clocks.iter_mut().for_each(|clocks| clocks.see(&packet, true));
        } else if video.is_some() && holds_pictures(source, packet.stream()) {
            seen.others.insert(packet.stream());
        }
    }
    seen.truncated |= is_cut(source, bytes, last);
    if let Some(clocks) = clocks {
        seen.mended = clocks.finish(bytes, video, &mut seen.pictures);
    }
    seen.pictures.sort_by_key(|picture| (picture.pts, !picture.keyframe));
    seen.pictures.dedup_by_key(|picture| picture.pts);
    if let Some(first) = seen.pictures.first_mut() {
        // Where an edit list starts inside a GOP, the pictures that are not shown let decoding start with the first.
        first.keyframe |= starts_hidden;
    }
    Ok(seen)
}

impl Seen {
    /// What a person should know of the file's order.
    pub(crate) fn oddities(&self) -> impl Iterator<Item = String> {
        let times = |count: usize| if count == 1 { "once".to_owned() } else { format!("{count} times") };
        let others = (!self.others.is_empty())
            .then(|| format!("only one of {} streams of pictures is used", self.others.len() + 1));
        let back = (self.mended.back > 0).then(|| {
            let back = times(self.mended.back);
            format!("the file's clock goes back {back}, as behind a recording: what follows lies over what came before")
        });
        others.into_iter().chain(back)
    }

    fn hear(&mut self, packet: &ff::Packet, time: i64, source: &Input) {
        let index = packet.stream();
        let end = time.saturating_add(packet.duration());
        let start = time.saturating_add(skipped_ticks(packet, source)).min(end);
        let span = self.audio.entry(index).or_insert((start, end));
        *span = (span.0.min(start), span.1.max(end));
    }
}

fn holds_pictures(source: &Input, index: usize) -> bool {
    let of_film = |stream: &ff::Stream<'_>| {
        stream.parameters().medium() == Type::Video && !stream.disposition().contains(Disposition::ATTACHED_PIC)
    };
    source.stream(index).is_some_and(|stream| of_film(&stream))
}

/// Whether reading ended before the file did, or the file before its media; `last` is the place of the last packet.
fn is_cut(source: &Input, bytes: &SharedSource, last: Option<u64>) -> bool {
    // SAFETY: `source` owns a valid format context whose `pb` was set when it was opened.
    let failed = unsafe {
        let io = (*source.as_ptr()).pb;
        !io.is_null() && (*io).error < 0 && (*io).error != ff::ffi::AVERROR_EOF
    };
    failed || source.format().name() == "matroska,webm" && ebml::is_cut(bytes, last)
}

/// Decoded because others refer to it, but outside what the container shows.
pub(crate) fn is_discarded(packet: &ff::Packet) -> bool {
    use ff::packet::Ref;
    // SAFETY: a plain field of a valid packet.
    unsafe { (*packet.as_ptr()).flags & ff::ffi::AV_PKT_FLAG_DISCARD != 0 }
}

/// ISO/IEC 23001-7: the samples are there but not in clear.
fn is_encrypted(packet: &ff::Packet) -> bool {
    packet.side_data().any(|data| data.kind() == ff::packet::side_data::Type::EncryptionInfo)
}

/// RFC 6386 §9.1: bit 4 of the frame tag says whether the picture is shown.
fn is_hidden_vp8(packet: &ff::Packet) -> bool {
    packet.data().and_then(<[u8]>::first).is_some_and(|tag| tag & 0x10 == 0)
}

/// The part at a sound packet's start that is its encoder's priming.
fn skipped_ticks(packet: &ff::Packet, source: &Input) -> i64 {
    let skip = packet.side_data().find(|data| data.kind() == ff::packet::side_data::Type::SkipSamples);
    let samples = skip.and_then(|data| data.data().first_chunk::<4>().map(|start| u32::from_le_bytes(*start)));
    let (Some(samples @ 1..), Some(stream)) = (samples, source.stream(packet.stream())) else { return 0 };
    // SAFETY: the parameters belong to a stream of an open context.
    let rate = unsafe { (*stream.parameters().as_ptr()).sample_rate };
    let base = rational(stream.time_base());
    let (Ok(num), Ok(den), Ok(rate)) = (u64::try_from(base.num), u64::try_from(base.den), u64::try_from(rate)) else {
        return 0;
    };
    if num == 0 || rate == 0 { 0 } else { rescale(samples.into(), den, num * rate) }
}
