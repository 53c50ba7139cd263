//! What pictures say of their colours, in numbers that come from the file, and what is assumed where they say nothing.

use ff::frame;
use ffmpeg_next as ff;
use libc::{c_char, c_int};

/// `AVCOL_PRI_UNSPECIFIED`, `AVCOL_TRC_UNSPECIFIED` and `AVCOL_SPC_UNSPECIFIED`.
const UNSPECIFIED: c_int = 2;
/// `AVCOL_RANGE_UNSPECIFIED` and `AVCHROMA_LOC_UNSPECIFIED`.
const NOT_SAID: c_int = 0;

// The generated bindings take Rust enums, which a number from a file may not be turned into.
unsafe extern "C" {
    fn av_color_primaries_name(number: c_int) -> *const c_char;
    fn av_color_transfer_name(number: c_int) -> *const c_char;
    fn av_color_space_name(number: c_int) -> *const c_char;
    fn av_color_range_name(number: c_int) -> *const c_char;
    fn av_chroma_location_name(number: c_int) -> *const c_char;
}

/// Makes a picture say its colours: what no standard knows is left out, what is not said is taken as is usual.
pub(crate) fn describe(picture: &mut frame::Video) {
    forget_unknown(picture);
    assume_usual(picture);
}

/// Leaves out what no standard knows. Containers hand such numbers through unread, and the bindings' enums have no place
/// for them: only after this may the picture's colour fields be looked at.
fn forget_unknown(picture: &mut frame::Video) {
    // SAFETY: the fields are 32 bits wide and belong to a valid frame. They are read and written as numbers, and each
    // function takes any number and answers null or a static string.
    unsafe {
        let raw = picture.as_mut_ptr();
        let fields: [(*mut c_int, unsafe extern "C" fn(c_int) -> *const c_char, c_int); 5] = [
            ((&raw mut (*raw).color_primaries).cast(), av_color_primaries_name, UNSPECIFIED),
            ((&raw mut (*raw).color_trc).cast(), av_color_transfer_name, UNSPECIFIED),
            ((&raw mut (*raw).colorspace).cast(), av_color_space_name, UNSPECIFIED),
            ((&raw mut (*raw).color_range).cast(), av_color_range_name, NOT_SAID),
            ((&raw mut (*raw).chroma_location).cast(), av_chroma_location_name, NOT_SAID),
        ];
        for (field, name, unknown) in fields {
            if name(*field).is_null() {
                *field = unknown;
            }
        }
    }
}

/// Fills in what a picture does not say. Players do the same but differ in how, so that what is published must say it.
///
/// The matrix follows from the primaries where those are wide, and otherwise from the size: BT.709 for high definition,
/// below it BT.601 in the variant of the 625-line or of the 525-line system. Primaries and transfer follow the matrix.
fn assume_usual(picture: &mut frame::Video) {
    use ff::color::{Primaries, Space, TransferCharacteristic as Transfer};
    let (width, height) = (picture.width(), picture.height());
    let matrix = match picture.color_space() {
        Space::Unspecified if is_rgb(picture) => Space::RGB,
        Space::Unspecified if picture.color_primaries() == Primaries::BT2020 => Space::BT2020NCL,
        Space::Unspecified if height >= 720 || width >= 1280 => Space::BT709,
        Space::Unspecified if matches!(height, 576 | 288) => Space::BT470BG,
        Space::Unspecified => Space::SMPTE170M,
        said => said,
    };
    let (primaries, transfer) = match matrix {
        Space::BT2020NCL | Space::BT2020CL => (Primaries::BT2020, Transfer::BT2020_10),
        Space::BT470BG => (Primaries::BT470BG, Transfer::SMPTE170M),
        Space::SMPTE170M => (Primaries::SMPTE170M, Transfer::SMPTE170M),
        Space::SMPTE240M => (Primaries::SMPTE240M, Transfer::SMPTE240M),
        _ => (Primaries::BT709, Transfer::BT709),
    };
    picture.set_color_space(matrix);
    if picture.color_primaries() == Primaries::Unspecified {
        picture.set_color_primaries(primaries);
    }
    if picture.color_transfer_characteristic() == Transfer::Unspecified {
        picture.set_color_transfer_characteristic(transfer);
    }
}

fn is_rgb(picture: &frame::Video) -> bool {
    // SAFETY: the function takes any format of the bindings and answers null or a static description.
    let described = unsafe { ff::ffi::av_pix_fmt_desc_get(picture.format().into()).as_ref() };
    described.is_some_and(|format| format.flags & u64::from(ff::ffi::AV_PIX_FMT_FLAG_RGB.unsigned_abs()) != 0)
}

#[cfg(test)]
mod tests {
    use ff::color::{Primaries, Space, TransferCharacteristic as Transfer};
    use ff::format::Pixel;

    use super::*;

    fn described(
        format: Pixel,
        width: u32,
        height: u32,
        set: impl FnOnce(&mut frame::Video),
    ) -> (Space, Primaries, Transfer) {
        let mut picture = frame::Video::new(format, width, height);
        set(&mut picture);
        describe(&mut picture);
        (picture.color_space(), picture.color_primaries(), picture.color_transfer_characteristic())
    }

    #[test]
    fn what_is_not_said_follows_from_the_size() {
        let high = (Space::BT709, Primaries::BT709, Transfer::BT709);
        let ntsc = (Space::SMPTE170M, Primaries::SMPTE170M, Transfer::SMPTE170M);
        let pal = (Space::BT470BG, Primaries::BT470BG, Transfer::SMPTE170M);
        let cases = [
            (1280, 720, high),
            (720, 1280, high),
            (1280, 544, high),
            (720, 576, pal),
            (720, 480, ntsc),
            (320, 180, ntsc),
        ];
        for (width, height, expected) in cases {
            assert_eq!(described(Pixel::YUV420P, width, height, |_| ()), expected, "{width}x{height}");
        }
        let rgb = (Space::RGB, Primaries::BT709, Transfer::BT709);
        assert_eq!(described(Pixel::RGB24, 320, 180, |_| ()), rgb);
    }

    #[test]
    fn what_is_said_stays_and_the_rest_follows_from_it() {
        let wide = |picture: &mut frame::Video| picture.set_color_primaries(Primaries::BT2020);
        let expected = (Space::BT2020NCL, Primaries::BT2020, Transfer::BT2020_10);
        assert_eq!(described(Pixel::YUV420P10LE, 320, 180, wide), expected);
        let high = |picture: &mut frame::Video| picture.set_color_space(Space::BT709);
        let expected = (Space::BT709, Primaries::BT709, Transfer::BT709);
        assert_eq!(described(Pixel::YUV420P, 720, 576, high), expected);
        let bright = |picture: &mut frame::Video| {
            picture.set_color_space(Space::BT2020NCL);
            picture.set_color_transfer_characteristic(Transfer::SMPTE2084);
        };
        let expected = (Space::BT2020NCL, Primaries::BT2020, Transfer::SMPTE2084);
        assert_eq!(described(Pixel::YUV420P10LE, 320, 180, bright), expected);
    }

    #[test]
    fn a_number_that_no_standard_knows_counts_as_not_said() {
        let odd = |picture: &mut frame::Video| {
            // SAFETY: the field is 32 bits wide and belongs to a valid frame.
            unsafe { (&raw mut (*picture.as_mut_ptr()).colorspace).cast::<c_int>().write(200) };
        };
        assert_eq!(described(Pixel::YUV420P, 1280, 720, odd).0, Space::BT709);
    }
}
