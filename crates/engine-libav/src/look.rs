//! What a stream says of its pictures' colours, taken from the first of them.

use ff::ffi::{AVChromaLocation, AVColorPrimaries, AVColorTransferCharacteristic};
use ff::frame;
use ffmpeg_next as ff;

/// Format and colours of converted pictures.
#[derive(Clone, Copy)]
pub(crate) struct Look {
    format: ff::format::Pixel,
    matrix: ff::color::Space,
    primaries: AVColorPrimaries,
    transfer: AVColorTransferCharacteristic,
    chroma: AVChromaLocation,
}

impl Look {
    /// Of a converted picture.
    pub(crate) fn of(picture: &frame::Video) -> Self {
        // SAFETY: reading plain fields of a valid frame, whose colours `colour` has left only known numbers of.
        let (primaries, transfer, chroma) = unsafe {
            let raw = &*picture.as_ptr();
            (raw.color_primaries, raw.color_trc, raw.chroma_location)
        };
        let matrix = match picture.color_space() {
            // Converted from RGB, as `convert` does it; the filter then says either.
            ff::color::Space::RGB | ff::color::Space::Unspecified => ff::color::Space::BT709,
            matrix => matrix,
        };
        Self { format: picture.format(), matrix, primaries, transfer, chroma }
    }

    /// Makes an encoder that is not open yet say so. Pictures are in video range.
    pub(crate) fn put(self, video: &mut ff::encoder::video::Video) {
        video.set_format(self.format);
        video.set_colorspace(self.matrix);
        video.set_color_range(ff::color::Range::MPEG);
        // SAFETY: plain fields of a context that is not open yet.
        unsafe {
            let raw = video.as_mut_ptr();
            (*raw).color_primaries = self.primaries;
            (*raw).color_trc = self.transfer;
            (*raw).chroma_sample_location = self.chroma;
        }
    }

    /// Primaries, transfer and matrix as ISO/IEC 23091-2 numbers them, which libavutil does too.
    pub(crate) fn code_points(self) -> (u8, u8, u8) {
        (self.primaries as u8, self.transfer as u8, ff::ffi::AVColorSpace::from(self.matrix) as u8)
    }
}
