//! JPEG files, for stills.

use bytes::Bytes;
use ff::{codec, frame};
use ffmpeg_next as ff;
use pipeline::EngineError;

use crate::error::engine;

/// Encodes one full-range 4:2:0 picture. `quantizer` is libavcodec's, 2 (best) to 31.
pub(crate) fn encode(picture: &mut frame::Video, quantizer: i32) -> Result<Bytes, EngineError> {
    let found = ff::encoder::find(codec::Id::MJPEG)
        .ok_or_else(|| EngineError::Engine { detail: "this build of FFmpeg has no JPEG encoder".to_owned() })?;
    let mut context = codec::Context::new_with_codec(found);
    context.set_flags(codec::Flags::QSCALE);
    let mut video = context.encoder().video().map_err(engine("preparing the JPEG encoder"))?;
    video.set_width(picture.width());
    video.set_height(picture.height());
    video.set_format(picture.format());
    video.set_color_range(ff::color::Range::JPEG);
    video.set_time_base(ff::Rational::new(1, 1));
    let lambda = quantizer * ff::ffi::FF_QP2LAMBDA;
    // SAFETY: plain fields of a context that is not open yet, and of a frame owned here.
    unsafe {
        (*video.as_mut_ptr()).global_quality = lambda;
        (*picture.as_mut_ptr()).quality = lambda;
    }
    let mut encoder = video.open_as(found).map_err(engine("opening the JPEG encoder"))?;
    picture.set_pts(Some(0));
    encoder.send_frame(picture).map_err(engine("encoding a JPEG"))?;
    encoder.send_eof().map_err(engine("encoding a JPEG"))?;
    let mut packet = ff::Packet::empty();
    encoder.receive_packet(&mut packet).map_err(engine("encoding a JPEG"))?;
    Ok(Bytes::copy_from_slice(packet.data().unwrap_or_default()))
}
