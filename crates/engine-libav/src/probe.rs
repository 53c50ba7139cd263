//! What a source contains, from its container and its packets; no picture is decoded beyond what libavformat needs to
//! know the streams.

use std::collections::HashMap;
use std::ffi::CStr;
use std::ptr;

use ff::codec::Id;
use ff::format::context::Input;
use ff::format::stream::Disposition;
use ff::media::Type;
use ffmpeg_next as ff;
use media_types::time::rescale;
use media_types::{AudioProbe, FrameRate, PacketTime, ProbeReport, Rational, VideoProbe};
use pipeline::EngineError;

use crate::clocks::{Clocks, Mended};
use crate::error::input;
use crate::index::Index;
use crate::open::{SharedSource, has_decode_times_only, read_packet};
use crate::turn;

/// About twelve hours at 120 pictures a second, with room.
const MAX_PACKETS: usize = 8_000_000;

pub(crate) fn probe(source: &mut Input, bytes: &SharedSource) -> Result<ProbeReport, EngineError> {
    let size_bytes = bytes.size();
    let container = source.format().name().to_owned();
    let mut warnings = Vec::new();
    let video_index = choose_video(source);
    let audio_indexes = choose_audio(source, &mut warnings);
    let index = Index::read(source, bytes, video_index);
    let mut seen = read_packets(source, bytes, video_index, &audio_indexes, index.as_ref())?;
    drop(index);
    if !seen.anything && claims_samples(source) {
        return Err(input(
            "input.damaged_index",
            "the MP4 file's index (moov) is damaged: none of the pictures and sounds it speaks of can be found",
        ));
    }
    if seen.truncated || lacks_its_end(source, size_bytes) {
        warnings.push("the file ends in the middle: what was there is used".to_owned());
    }
    if seen.mended.back > 0 {
        warnings.push(format!(
            "the file's clock goes back {} times, as where recordings are put behind one another: they lie over each other",
            seen.mended.back
        ));
    }
    let video = match video_index {
        Some(index) => Some(describe_video(source, index, &mut seen)?),
        None => None,
    };
    let audio =
        audio_indexes.iter().filter_map(|&index| describe_audio(source, index, &seen)).collect();
    Ok(ProbeReport { container, size_bytes, video, audio, warnings })
}

/// Whether an MP4 file's index names samples, or does not even name a track: a whole index of nothing does neither.
fn claims_samples(source: &Input) -> bool {
    source.format().name().starts_with("mov,")
        && (source.nb_streams() == 0 || source.streams().any(|stream| stream.frames() > 0))
}

/// Whether the index speaks of samples behind the last byte there is.
fn lacks_its_end(source: &Input, size_bytes: u64) -> bool {
    let ends_behind = |stream: ff::Stream<'_>| {
        // SAFETY: the stream belongs to an open context; an entry is null or lives as long as it.
        let last = unsafe {
            let raw = stream.as_ptr().cast_mut();
            let count = ff::ffi::avformat_index_get_entries_count(raw);
            ff::ffi::avformat_index_get_entry(raw, count - 1).as_ref()
        };
        last.is_some_and(|entry| {
            let end = entry.pos.saturating_add(entry.size().into());
            u64::try_from(end).is_ok_and(|end| end > size_bytes)
        })
    };
    source.streams().any(ends_behind)
}

fn choose_video(source: &Input) -> Option<usize> {
    let playable = |stream: &ff::Stream<'_>| {
        stream.parameters().medium() == Type::Video
            && !stream.disposition().contains(Disposition::ATTACHED_PIC)
            && ff::decoder::find(stream.parameters().id()).is_some()
    };
    let best = source.streams().best(Type::Video).filter(playable).map(|stream| stream.index());
    best.or_else(|| source.streams().find(playable).map(|stream| stream.index()))
}

fn choose_audio(source: &Input, warnings: &mut Vec<String>) -> Vec<usize> {
    let mut indexes = Vec::new();
    for stream in source.streams().filter(|stream| stream.parameters().medium() == Type::Audio) {
        if ff::decoder::find(stream.parameters().id()).is_some() {
            indexes.push(stream.index());
        } else if warnings.len() < 15 {
            warnings.push(format!("sound track {} is left out: its codec is not known here", stream.index()));
        }
    }
    if let Some(best) = source.streams().best(Type::Audio).map(|stream| stream.index()) {
        indexes.sort_by_key(|&index| index != best);
    }
    indexes
}

#[derive(Default)]
struct Seen {
    pictures: Vec<PacketTime>,
    video_bytes: u64,
    keyframes: u64,
    keyframe_bytes: u64,
    audio: HashMap<usize, (i64, i64)>,
    mended: Mended,
    truncated: bool,
    /// A packet came, be it of a stream that nobody wants.
    anything: bool,
}

fn read_packets(
    source: &mut Input,
    bytes: &SharedSource,
    video: Option<usize>,
    audio: &[usize],
    index: Option<&Index<'_>>,
) -> Result<Seen, EngineError> {
    let mut seen = Seen::default();
    let mut packet = ff::Packet::empty();
    let by_decode_time = has_decode_times_only(source);
    let hides_pictures = video.and_then(|index| source.stream(index)).is_some_and(|s| s.parameters().id() == Id::VP8);
    let mut starts_hidden = false;
    let mut clocks = Clocks::of(source, video);
    loop {
        match read_packet(&mut packet, source) {
            Ok(()) if is_encrypted(&packet) => {
                return Err(input("input.encrypted", "the recording is encrypted, and its keys are not in it"));
            }
            Ok(()) => seen.anything = true,
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
        }
    }
    // SAFETY: `source` owns a valid format context whose `pb` was set when it was opened.
    seen.truncated |= unsafe {
        let io = (*source.as_ptr()).pb;
        !io.is_null() && (*io).error < 0 && (*io).error != ff::ffi::AVERROR_EOF
    };
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
    fn hear(&mut self, packet: &ff::Packet, time: i64, source: &Input) {
        let index = packet.stream();
        let end = time.saturating_add(packet.duration());
        let start = time.saturating_add(skipped_ticks(packet, source)).min(end);
        let span = self.audio.entry(index).or_insert((start, end));
        *span = (span.0.min(start), span.1.max(end));
    }
}

/// Decoded because others refer to it, but outside what the container shows.
fn is_discarded(packet: &ff::Packet) -> bool {
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

fn rational(value: ff::Rational) -> Rational {
    Rational { num: value.numerator(), den: value.denominator() }
}

fn frame_rate(value: ff::Rational) -> Option<FrameRate> {
    FrameRate::new(u32::try_from(value.numerator()).ok()?, u32::try_from(value.denominator()).ok()?)
}

fn describe_video(source: &Input, index: usize, seen: &mut Seen) -> Result<VideoProbe, EngineError> {
    let missing = || input("input.unreadable", "the video stream vanished while it was read");
    let stream = source.stream(index).ok_or_else(missing)?;
    let parameters = stream.parameters();
    // SAFETY: the parameters belong to a stream of an open context.
    let (width, height, aspect, field_order, format) = unsafe {
        let raw = &*parameters.as_ptr();
        (raw.width, raw.height, raw.sample_aspect_ratio, raw.field_order, raw.format)
    };
    use ff::ffi::AVFieldOrder::{AV_FIELD_BB, AV_FIELD_BT, AV_FIELD_TB, AV_FIELD_TT};
    let interlaced = matches!(field_order, AV_FIELD_TT | AV_FIELD_BB | AV_FIELD_TB | AV_FIELD_BT);
    let time_base = rational(stream.time_base());
    Ok(VideoProbe {
        stream_index: index as u32,
        codec: parameters.id().name().to_owned(),
        width: u32::try_from(width).unwrap_or(0),
        height: u32::try_from(height).unwrap_or(0),
        sample_aspect: Rational { num: aspect.num, den: aspect.den },
        rotation: turn::rotation(&stream),
        pixel_format: pixel_format(format),
        interlaced,
        time_base,
        stated_rate: frame_rate(stream.avg_frame_rate()).or_else(|| frame_rate(stream.rate())),
        bitrate_bps: bitrate(&seen.pictures, seen.video_bytes, time_base),
        keyframe_bytes: seen.keyframe_bytes.checked_div(seen.keyframes),
        packets: std::mem::take(&mut seen.pictures),
        clock: seen.mended.clock(index),
    })
}

fn bitrate(packets: &[PacketTime], bytes: u64, time_base: Rational) -> Option<u64> {
    let (first, last) = (packets.first()?, packets.last()?);
    let pictures = packets.len() as f64;
    let span = last.pts.saturating_sub(first.pts) as f64 * f64::from(time_base.num) / f64::from(time_base.den.max(1));
    // The last picture's own length is about one average interval.
    let seconds = span * pictures / (pictures - 1.0).max(1.0);
    (seconds > 0.2).then(|| (bytes as f64 * 8.0 / seconds) as u64)
}

fn pixel_format(format: i32) -> String {
    // The generated binding takes a Rust enum, which a number from a file may not be turned into.
    unsafe extern "C" {
        fn av_get_pix_fmt_name(format: libc::c_int) -> *const libc::c_char;
    }
    // SAFETY: the C function takes any number and answers null or a static, terminated string.
    unsafe {
        let name = av_get_pix_fmt_name(format);
        if name.is_null() { "unknown".to_owned() } else { CStr::from_ptr(name).to_string_lossy().into_owned() }
    }
}

/// The bindings would take whatever bytes the file has for UTF-8.
fn stated_language(stream: &ff::Stream<'_>) -> Option<String> {
    // SAFETY: the dictionary belongs to a stream of an open context, and its values are terminated strings.
    unsafe {
        let entry = ff::ffi::av_dict_get((*stream.as_ptr()).metadata, c"language".as_ptr(), ptr::null(), 0);
        let value = CStr::from_ptr(entry.as_ref()?.value);
        value.to_str().ok().map(str::to_owned)
    }
}

fn describe_audio(source: &Input, index: usize, seen: &Seen) -> Option<AudioProbe> {
    let stream = source.stream(index)?;
    let parameters = stream.parameters();
    // SAFETY: the parameters belong to a stream of an open context.
    let (rate, channels) = unsafe {
        let raw = &*parameters.as_ptr();
        (raw.sample_rate, raw.channels)
    };
    Some(AudioProbe {
        stream_index: index as u32,
        codec: parameters.id().name().to_owned(),
        sample_rate: u32::try_from(rate).ok().filter(|&rate| rate > 0)?,
        channels: u32::try_from(channels).ok().filter(|&channels| channels > 0)?,
        language: stated_language(&stream).filter(|text| text != "und"),
        time_base: rational(stream.time_base()),
        span: seen.mended.span(index).or(seen.audio.get(&index).copied()),
        clock: seen.mended.clock(index),
    })
}
