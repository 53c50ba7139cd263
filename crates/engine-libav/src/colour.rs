//! What pictures say of their colours, in numbers that come from the file.

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

/// Leaves out what no standard knows. Containers hand such numbers through unread, and the bindings' enums have no place
/// for them: only after this may the picture's colour fields be looked at.
pub(crate) fn forget_unknown(picture: &mut frame::Video) {
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
