//! What a container says of its streams and parts.

use std::ffi::CStr;
use std::ptr;

use ff::codec::Id;
use ff::format::context::Input;
use ff::format::stream::Disposition;
use ff::media::Type;
use ffmpeg_next as ff;
use media_types::segment::Roles;
use media_types::time::rescale;
use media_types::{AudioProbe, ChapterProbe, Rational, TextProbe, language};

use crate::documents::Kind;
use crate::packets::Seen;
use crate::teletext;

const MAX_CHAPTERS: usize = 1000;
/// Characters of a chapter's title.
const MAX_TITLE: usize = 200;

/// Subtitles as text; those that are pictures, or of an unknown kind, are passed over with a word. A stream of teletext has a
/// track for each page of subtitles that it announces.
pub(crate) fn text_tracks(source: &Input, warnings: &mut Vec<String>) -> Vec<TextProbe> {
    let mut tracks = Vec::new();
    for stream in source.streams() {
        let (index, codec, kind) = (stream.index(), stream.parameters().id(), Kind::of(&stream));
        let language = stated(&stream, c"language");
        let pages = match codec {
            Id::DVB_TELETEXT => teletext::announced(&stream, language.as_deref()),
            _ => Vec::new(),
        };
        match kind {
            None if stream.parameters().medium() != Type::Subtitle => {}
            None if unreadable(codec, &pages).is_some() => {
                let reason = unreadable(codec, &pages).unwrap_or_default();
                if warnings.len() < 15 {
                    warnings.push(format!("subtitle track {index} ({}) is left out: {reason}", codec.name()));
                }
            }
            _ => {
                let track = TextProbe {
                    stream_index: index as u32,
                    codec: kind.map_or(codec.name(), Kind::name).to_owned(),
                    language: language.filter(|text| text != "und"),
                    title: title(&stream),
                    roles: roles(&stream),
                    time_base: rational(stream.time_base()),
                    page: None,
                };
                match pages.is_empty() {
                    true => tracks.push(track),
                    false => tracks.extend(pages.into_iter().map(|page| of_page(&track, page))),
                }
            }
        }
    }
    tracks
}

fn of_page(track: &TextProbe, announced: teletext::Announced) -> TextProbe {
    let roles = Roles { hearing_impaired: announced.hearing_impaired, ..track.roles };
    TextProbe { language: announced.language, page: Some(announced.page), roles, ..track.clone() }
}

/// Why a decoder of subtitles would give no text. `pages` are those that a stream of teletext announces.
fn unreadable(codec: Id, pages: &[teletext::Announced]) -> Option<&'static str> {
    let properties = properties(codec);
    if codec == Id::DVB_TELETEXT {
        match (pages, teletext::is_readable()) {
            ([], _) => Some("it is teletext that announces no subtitles"),
            (_, false) => Some("it is teletext, which this build of FFmpeg does not read"),
            _ => None,
        }
    } else if properties & ff::ffi::AV_CODEC_PROP_BITMAP_SUB != 0 {
        Some("it is pictures of text")
    } else if properties & ff::ffi::AV_CODEC_PROP_TEXT_SUB == 0 {
        Some("its kind is not known here")
    } else if ff::decoder::find(codec).is_none() {
        Some("its codec is not known here")
    } else {
        None
    }
}

fn properties(codec: Id) -> i32 {
    // SAFETY: the function takes any known codec and answers null or a static descriptor.
    unsafe { ff::ffi::avcodec_descriptor_get(codec.into()).as_ref().map_or(0, |descriptor| descriptor.props) }
}

pub(crate) fn chapters(source: &Input) -> Vec<ChapterProbe> {
    // SAFETY: the context is open; it has `nb_chapters` valid chapters, which live as long as it.
    let all = unsafe {
        let raw = &*source.as_ptr();
        (0..(raw.nb_chapters as usize).min(MAX_CHAPTERS)).map(move |index| &**raw.chapters.add(index))
    };
    let micros = |time: i64, base: ff::ffi::AVRational| {
        let (num, den) = (u64::from(base.num.unsigned_abs()), u64::from(base.den.unsigned_abs()).max(1));
        rescale(time, num * 1_000_000, den)
    };
    let told = |chapter: &ff::ffi::AVChapter| {
        let (start_us, end_us) = (micros(chapter.start, chapter.time_base), micros(chapter.end, chapter.time_base));
        // SAFETY: the dictionary belongs to a chapter of an open context.
        let title = unsafe { entry(chapter.metadata, c"title") }.unwrap_or_default();
        ChapterProbe { start_us, end_us, title: title.chars().take(MAX_TITLE).collect() }
    };
    all.map(told).collect()
}

pub(crate) fn rational(value: ff::Rational) -> Rational {
    Rational { num: value.numerator(), den: value.denominator() }
}

pub(crate) fn pixel_format(format: i32) -> String {
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

fn stated(stream: &ff::Stream<'_>, key: &CStr) -> Option<String> {
    // SAFETY: the dictionary belongs to a stream of an open context.
    unsafe { entry((*stream.as_ptr()).metadata, key) }
}

/// An entry of a dictionary. The bindings would take whatever bytes the file has for UTF-8.
///
/// # Safety
/// The dictionary is null or valid.
unsafe fn entry(dictionary: *const ff::ffi::AVDictionary, key: &CStr) -> Option<String> {
    // SAFETY: the values of a valid dictionary are terminated strings.
    unsafe {
        let entry = ff::ffi::av_dict_get(dictionary, key.as_ptr(), ptr::null(), 0);
        let value = CStr::from_ptr(entry.as_ref()?.value);
        value.to_str().ok().map(str::to_owned)
    }
}

/// What a track is called; MP4 files have it where others name the program that wrote them.
fn title(stream: &ff::Stream<'_>) -> Option<String> {
    [c"title", c"handler_name"].into_iter().find_map(|key| language::label(&stated(stream, key)?))
}

fn roles(stream: &ff::Stream<'_>) -> Roles {
    let disposition = stream.disposition();
    Roles {
        default: disposition.contains(Disposition::DEFAULT),
        forced: disposition.contains(Disposition::FORCED),
        hearing_impaired: disposition.contains(Disposition::HEARING_IMPAIRED),
        visual_impaired: disposition.contains(Disposition::VISUAL_IMPAIRED),
        commentary: disposition.contains(Disposition::COMMENT),
    }
}

pub(crate) fn describe_audio(source: &Input, index: usize, seen: &Seen) -> Option<AudioProbe> {
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
        language: stated(&stream, c"language").filter(|text| text != "und"),
        title: title(&stream),
        roles: roles(&stream),
        time_base: rational(stream.time_base()),
        span: seen.mended.span(index).or(seen.audio.get(&index).copied()),
        clock: seen.mended.clock(index),
    })
}
