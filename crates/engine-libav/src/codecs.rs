//! The encoders, one file each: what each is called, what it is told, and what it gives.
//!
//! They keep to one set of rules: key frames where they are told and nowhere else, nothing that refers across them, quality
//! under a cap, and one thread, so that equal orders give equal bytes.

mod av1;
mod h264;
mod hevc;
mod units;
mod vp9;

use std::ffi::{CStr, c_char, c_void};

use bytes::Bytes;
use media_types::{CodecConfig, FrameRate, Rendition, VideoCodec, VideoEncoding};
use pipeline::VideoSetup;

use crate::look::Look;

/// An encoder of libavcodec.
pub(crate) struct Codec {
    /// What libavcodec calls it.
    pub(crate) name: &'static str,
    /// What it is told beside the size, the rate and the colours of its pictures.
    pub(crate) options: fn(&VideoSetup, &VideoEncoding) -> Vec<(&'static str, String)>,
    /// What a decoder needs first; `None` when the encoder did not say it.
    pub(crate) configuration: fn(&Opened<'_>) -> Option<CodecConfig>,
    /// A packet as a sample, in the form that the configuration says; `None` when it is damaged.
    pub(crate) sample: fn(&[u8]) -> Option<Bytes>,
    /// Whether it makes a key frame of any picture when it is told to. One that does not begins anew with each.
    pub(crate) takes_orders: bool,
}

/// An encoder at its first packet, as far as the configuration depends on it.
pub(crate) struct Opened<'a> {
    /// What libavcodec calls extra data.
    pub(crate) headers: &'a [u8],
    /// The first picture.
    pub(crate) packet: &'a [u8],
    pub(crate) rendition: &'a Rendition,
    pub(crate) frame_rate: FrameRate,
    pub(crate) look: Look,
}

/// The encoder of a codec.
pub(crate) fn of(codec: VideoCodec) -> &'static Codec {
    match codec {
        VideoCodec::H264 => &h264::X264,
        VideoCodec::Hevc => &hevc::X265,
        VideoCodec::Av1 => &av1::SVT,
        VideoCodec::Vp9 => &vp9::LIBVPX,
    }
}

/// The builds of all encoders, such as `x264-164-r3095-baee400 x265-3.5 svt-av1-v1.4.1 libvpx-v1.12.0 libopus-1.3.1`;
/// `unknown` in place of one that does not say.
pub(crate) fn builds() -> String {
    let said = |name: &str, version: Option<String>| format!("{name}-{}", version.unwrap_or("unknown".to_owned()));
    [
        said("x264", h264::build()),
        said("x265", hevc::build()),
        said("svt-av1", av1::build()),
        said("libvpx", vp9::build()),
        said("libopus", version_by_function(c"opus_get_version_string")),
    ]
    .join(" ")
}

/// The address of what a library that libavcodec brings along calls `name`. Nothing links it, as a build of libavcodec may
/// come without it.
fn symbol(name: &CStr) -> Option<*mut c_void> {
    // SAFETY: the name ends with a zero byte; the answer is null or the address of a function or of data.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!found.is_null()).then_some(found)
}

/// What a library's function of this name, which takes nothing and answers a text, says: a version, as its last word.
fn version_by_function(name: &CStr) -> Option<String> {
    let function = symbol(name)?;
    // SAFETY: callers name functions whose headers declare `const char *name(void)`.
    let function = unsafe { std::mem::transmute::<*mut c_void, unsafe extern "C" fn() -> *const c_char>(function) };
    // SAFETY: as declared, it takes nothing; the text is static.
    word(unsafe { function() })
}

/// The same of a variable.
fn version_by_variable(name: &CStr) -> Option<String> {
    let variable = symbol(name)?.cast::<*const c_char>();
    // SAFETY: callers name variables that are declared `const char *name` and never change.
    word(unsafe { *variable })
}

fn word(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: a static text of a library, which ends with a zero byte.
    let text = unsafe { CStr::from_ptr(text) }.to_str().ok()?;
    let text = text.rsplit(' ').next()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-' | '_');
    (!text.is_empty() && text.len() <= 40 && text.chars().all(plain)).then(|| text.to_owned())
}
