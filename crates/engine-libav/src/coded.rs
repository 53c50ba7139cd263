//! Pictures as the container has them, for an engine that decodes them by other means.

use bytes::Bytes;
use ff::codec::Id;
use ff::color::{Primaries, TransferCharacteristic as Transfer};
use ff::format::Pixel;
use ff::format::context::Input;
use ff::frame;
use ffmpeg_next as ff;
use libc::c_int;
use pipeline::{CodedPicture, CodedPictures, CodedStream, Colours, EngineError, SourceCodec, VideoSetup};

use crate::colour::describe;
use crate::describe::rational;
use crate::error::{input, is_again_or_end};
use crate::look::Look;
use crate::open::{SharedSource, has_decode_times_only};
use crate::pictures::PREROLL_S;
use crate::reader::Reader;

/// As [`CodedSource::coded_pictures`](pipeline::CodedSource::coded_pictures).
pub(crate) fn coded_pictures(
    source: Input,
    bytes: SharedSource,
    video: &VideoSetup,
) -> Result<Option<Box<dyn CodedPictures>>, EngineError> {
    let missing = || input("input.no_video", "the planned video stream is not there");
    if has_decode_times_only(&source) {
        return Ok(None);
    }
    let reader = Reader::new(source, video.stream_index, &video.clock).ok_or_else(missing)?;
    let described = stream(&reader.stream().ok_or_else(missing)?);
    let coded = described.map(|stream| Coded { reader, bytes, stream, packet: ff::Packet::empty(), pending: None });
    Ok(coded.map(|coded| Box::new(coded) as Box<dyn CodedPictures>))
}

struct Coded {
    reader: Reader,
    bytes: SharedSource,
    stream: CodedStream,
    packet: ff::Packet,
    /// What was read while the place was looked for.
    pending: Option<CodedPicture>,
}

impl CodedPictures for Coded {
    fn stream(&self) -> &CodedStream {
        &self.stream
    }

    fn seek_before(&mut self, pts: i64) -> Result<(), EngineError> {
        let base = self.stream.time_base;
        let second = i64::from(base.den) / i64::from(base.num.max(1)) + 1;
        for back in PREROLL_S {
            if !self.reader.seek(pts.saturating_sub(back.saturating_mul(second))) {
                break;
            }
            let first = self.next_keyframe()?;
            if first.as_ref().is_some_and(|picture| picture.pts <= pts) {
                self.pending = first;
                return Ok(());
            }
        }
        self.reader.rewind();
        self.pending = None;
        Ok(())
    }

    fn next(&mut self) -> Result<Option<CodedPicture>, EngineError> {
        match self.pending.take() {
            Some(picture) => Ok(Some(picture)),
            None => self.read(),
        }
    }
}

impl Coded {
    /// Pictures before it refer to what was not read.
    fn next_keyframe(&mut self) -> Result<Option<CodedPicture>, EngineError> {
        loop {
            match self.read()? {
                Some(picture) if !picture.keyframe => {}
                found => return Ok(found),
            }
        }
    }

    fn read(&mut self) -> Result<Option<CodedPicture>, EngineError> {
        loop {
            match self.reader.read(&mut self.packet) {
                Ok(()) if !self.reader.is_wanted(&self.packet) => continue,
                Ok(()) => {}
                Err(error) if is_again_or_end(&error) && error != ff::Error::Eof => continue,
                Err(_) => return self.bytes.take_failure().map_or(Ok(None), Err),
            }
            let Some(pts) = self.packet.pts().or(self.packet.dts()) else { continue };
            let data = Bytes::copy_from_slice(self.packet.data().unwrap_or_default());
            return Ok(Some(CodedPicture { pts, keyframe: self.packet.is_key(), data }));
        }
    }
}

fn stream(stream: &ff::Stream<'_>) -> Option<CodedStream> {
    let parameters = stream.parameters();
    let codec = match parameters.id() {
        Id::H264 => SourceCodec::H264,
        Id::HEVC => SourceCodec::Hevc,
        Id::VP9 => SourceCodec::Vp9,
        Id::AV1 => SourceCodec::Av1,
        _ => return None,
    };
    let mut like = frame::Video::empty();
    // SAFETY: the parameters are valid as long as the stream; extra data is valid for its stated size. Enums are copied as
    // the numbers that they are, since they may come from the file.
    let setup = unsafe {
        let (from, to) = (parameters.as_ptr(), like.as_mut_ptr());
        (*to).format = (*from).format;
        (*to).width = (*from).width;
        (*to).height = (*from).height;
        let number = |field: *const c_int| field.read();
        (&raw mut (*to).color_primaries).cast::<c_int>().write(number((&raw const (*from).color_primaries).cast()));
        (&raw mut (*to).color_trc).cast::<c_int>().write(number((&raw const (*from).color_trc).cast()));
        (&raw mut (*to).colorspace).cast::<c_int>().write(number((&raw const (*from).color_space).cast()));
        (&raw mut (*to).color_range).cast::<c_int>().write(number((&raw const (*from).color_range).cast()));
        let size = usize::try_from((*from).extradata_size).unwrap_or(0);
        if (*from).extradata.is_null() { &[][..] } else { std::slice::from_raw_parts((*from).extradata, size) }
    };
    describe(&mut like);
    let (primaries, transfer, matrix) = Look::of(&like).code_points();
    Some(CodedStream {
        codec,
        setup: Bytes::copy_from_slice(setup),
        width: like.width(),
        height: like.height(),
        time_base: rational(stream.time_base()),
        colours: Colours { primaries, transfer, matrix },
        unusual: unusual(&like),
    })
}

fn unusual(like: &frame::Video) -> Option<&'static str> {
    if like.format() == Pixel::YUVJ420P || like.color_range() == ff::color::Range::JPEG {
        Some("its pictures use the full range of numbers")
    } else if like.format() != Pixel::YUV420P {
        Some("its pictures are not 8-bit 4:2:0")
    } else if matches!(like.color_transfer_characteristic(), Transfer::SMPTE2084 | Transfer::ARIB_STD_B67) {
        Some("its pictures are of high dynamic range")
    } else {
        (like.color_primaries() == Primaries::BT2020).then_some("its pictures have wide colours")
    }
}
