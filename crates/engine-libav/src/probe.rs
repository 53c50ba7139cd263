//! What a source contains, from its container and its packets; no picture is decoded beyond what libavformat needs to
//! know the streams, the first one of high dynamic range, and some of those that are interlaced.

use ff::format::context::Input;
use ff::format::stream::Disposition;
use ff::media::Type;
use ffmpeg_next as ff;
use media_types::{Fields, FrameRate, PacketTime, ProbeReport, Rational, VideoProbe};
use pipeline::EngineError;

use crate::captions;
use crate::describe::{chapters, describe_audio, pixel_format, rational, text_tracks};
use crate::error::input;
use crate::fields;
use crate::index::Index;
use crate::light;
use crate::open::SharedSource;
use crate::packets::{Seen, read_packets};
use crate::turn;

pub(crate) fn probe(source: &mut Input, bytes: &SharedSource) -> Result<ProbeReport, EngineError> {
    let size_bytes = bytes.size();
    let container = source.format().name().to_owned();
    let mut warnings = Vec::new();
    let video_index = choose_video(source);
    if let Some(stream) = video_index.and_then(|index| source.stream(index)) {
        warnings.extend(light::dolby_vision(&stream)?);
    }
    let audio_indexes = choose_audio(source, &mut warnings);
    let (text, chapters) = (text_tracks(source, &mut warnings), chapters(source));
    let mut index = Index::read(source, bytes, video_index);
    let mut seen = read_packets(source, bytes, video_index, &audio_indexes, index.as_ref())?;
    if index.take().is_some() {
        seen.captions = video_index.is_some_and(|video| captions::are_indexed(source, bytes, video));
    }
    if !seen.anything && claims_samples(source) {
        return Err(input(
            "input.damaged_index",
            "the MP4 file's index (moov) is damaged: none of the pictures and sounds it speaks of can be found",
        ));
    }
    let is_cut = seen.truncated || lacks_its_end(source, size_bytes);
    if is_cut {
        warnings.push("the file ends in the middle: what was there is used".to_owned());
    }
    warnings.extend(seen.oddities());
    let video = match video_index {
        Some(index) => Some(describe_video(source, index, bytes, &mut seen)?),
        None => None,
    };
    let audio = audio_indexes.iter().filter_map(|&index| describe_audio(source, index, &seen)).collect();
    let stated_end_us = stated_end_us(source).filter(|_| is_cut);
    Ok(ProbeReport { container, size_bytes, video, audio, text, chapters, warnings, stated_end_us })
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

/// Where the recording ends by what its header says. Of other containers libavformat reckons the length from what is there.
fn stated_end_us(source: &Input) -> Option<i64> {
    let named = source.format().name().to_owned();
    let states = named.starts_with("mov,") || named == "matroska,webm";
    // SAFETY: plain fields of an open context, in microseconds.
    let (start, length) = unsafe { ((*source.as_ptr()).start_time, (*source.as_ptr()).duration) };
    let start = if start == ff::ffi::AV_NOPTS_VALUE { 0 } else { start };
    (states && length > 0).then(|| start.saturating_add(length))
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

fn frame_rate(value: ff::Rational) -> Option<FrameRate> {
    FrameRate::new(u32::try_from(value.numerator()).ok()?, u32::try_from(value.denominator()).ok()?)
}

fn describe_video(
    source: &Input,
    index: usize,
    bytes: &SharedSource,
    seen: &mut Seen,
) -> Result<VideoProbe, EngineError> {
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
    let clock = seen.mended.clock(index);
    let fields =
        if interlaced { fields::fields(bytes, index as u32, &clock, &seen.pictures) } else { Fields::default() };
    Ok(VideoProbe {
        stream_index: index as u32,
        codec: parameters.id().name().to_owned(),
        width: u32::try_from(width).unwrap_or(0),
        height: u32::try_from(height).unwrap_or(0),
        sample_aspect: Rational { num: aspect.num, den: aspect.den },
        rotation: turn::rotation(&stream),
        pixel_format: pixel_format(format),
        interlaced,
        fields,
        hdr: light::hdr(&stream, bytes, &clock),
        time_base,
        stated_rate: frame_rate(stream.avg_frame_rate()).or_else(|| frame_rate(stream.rate())),
        bitrate_bps: bitrate(&seen.pictures, seen.video_bytes, time_base),
        keyframe_bytes: seen.keyframe_bytes.checked_div(seen.keyframes),
        packets: std::mem::take(&mut seen.pictures),
        clock,
        captions: seen.captions,
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
