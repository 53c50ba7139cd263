//! Whether two pictures look the same, and where they differ.

use std::ffi::c_int;
use std::ops::Range;
use std::sync::Arc;

use ff::ffi::{AV_PIX_FMT_FLAG_BITSTREAM, AV_PIX_FMT_FLAG_HWACCEL, AV_PIX_FMT_FLAG_PAL, av_image_get_linesize};
use ff::format::Pixel;
use ff::frame;
use ffmpeg_next as ff;

/// What nobody sees: so far apart are samples of 8 bits at most, from one picture to another one that looks the same. It is
/// what encoders leave where nothing moves.
const UNSEEN: u8 = 2;

/// Whether nobody could tell `picture` from `before`. Samples of other than 8 bits must be equal.
pub(crate) fn unchanged(before: &frame::Video, picture: &frame::Video) -> bool {
    let shape = |picture: &frame::Video| (picture.format(), picture.width(), picture.height());
    let Some(tolerance) = tolerance(picture) else { return false };
    shape(before) == shape(picture) && (0..picture.planes()).all(|plane| same(before, picture, plane, tolerance))
}

/// Rows that are compared together: even, as rows of 4:2:0 colour want it.
const BAND: u32 = 16;

/// Where a picture differs from the one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Changed {
    /// Nobody has looked.
    Anywhere,
    /// In those bands of rows, from the top down, for which it says so; in others it is the same to the bit.
    Bands(Arc<[bool]>),
}

impl Changed {
    /// Compares two pictures; only those of 8 bits and 4:2:0 are looked at.
    pub(crate) fn between(before: &frame::Video, picture: &frame::Video) -> Self {
        let shape = |picture: &frame::Video| (picture.format(), picture.width(), picture.height());
        let upright = |picture: &frame::Video| (0..picture.planes()).all(|plane| stride(picture, plane) > 0);
        let is_plain = picture.format() == Pixel::YUV420P && upright(picture) && upright(before);
        if !is_plain || shape(before) != shape(picture) {
            return Self::Anywhere;
        }
        let mut bands = vec![false; picture.height().div_ceil(BAND) as usize];
        for plane in 0..picture.planes() {
            let (high, bytes) =
                if plane == 0 { (BAND, picture.width()) } else { (BAND / 2, picture.width().div_ceil(2)) };
            for (at, (left, right)) in rows(before, plane).zip(rows(picture, plane)).enumerate() {
                let Some(band) = bands.get_mut(at / high as usize) else { break };
                *band = *band || left.get(..bytes as usize) != right.get(..bytes as usize);
            }
        }
        Self::Bands(bands.into())
    }

    /// Whether some of these rows may be others.
    pub(crate) fn touches(&self, rows: Range<u32>) -> bool {
        let Self::Bands(bands) = self else { return true };
        let band = (rows.start / BAND) as usize..(rows.end.div_ceil(BAND) as usize).min(bands.len());
        bands.get(band).is_none_or(|bands| bands.contains(&true))
    }
}

/// How far apart bytes may be; `None` for pictures that are not made of bytes in rows from the top down.
fn tolerance(picture: &frame::Video) -> Option<u8> {
    // SAFETY: the function takes any format of the bindings and answers null or a static description.
    let format = unsafe { ff::ffi::av_pix_fmt_desc_get(picture.format().into()).as_ref() }?;
    let unfit = AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_BITSTREAM;
    let fit =
        format.flags & u64::from(unfit.unsigned_abs()) == 0 && (0..picture.planes()).all(|at| stride(picture, at) > 0);
    let parts = &format.comp[..usize::from(format.nb_components).min(format.comp.len())];
    fit.then(|| if parts.iter().all(|part| part.depth == 8) { UNSEEN } else { 0 })
}

/// Bytes from one row to the next; below 0 where they go upwards.
fn stride(picture: &frame::Video, plane: usize) -> c_int {
    // SAFETY: reading a plain field of a valid frame, which has 8 of them.
    unsafe { (*picture.as_ptr()).linesize.get(plane).copied().unwrap_or(0) }
}

fn same(before: &frame::Video, picture: &frame::Video, plane: usize, tolerance: u8) -> bool {
    // SAFETY: the function reads its arguments alone.
    let bytes = unsafe { av_image_get_linesize(picture.format().into(), picture.width() as c_int, plane as c_int) };
    let bytes = usize::try_from(bytes).unwrap_or(0);
    rows(before, plane).zip(rows(picture, plane)).all(|(left, right)| match (left.get(..bytes), right.get(..bytes)) {
        (Some(left), Some(right)) => apart(left, right) <= tolerance,
        _ => false,
    })
}

fn rows(picture: &frame::Video, plane: usize) -> impl Iterator<Item = &[u8]> {
    let stride = usize::try_from(stride(picture, plane)).unwrap_or(0).max(1);
    picture.data(plane).chunks(stride).take(picture.plane_height(plane) as usize)
}

/// How far apart two rows are where they are most.
fn apart(left: &[u8], right: &[u8]) -> u8 {
    left.iter().zip(right).fold(0, |most, (a, b)| most.max(a.abs_diff(*b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(format: Pixel, level: u8) -> frame::Video {
        let mut picture = frame::Video::new(format, 33, 17);
        (0..picture.planes()).for_each(|plane| picture.data_mut(plane).fill(level));
        picture
    }

    #[test]
    fn a_single_point_that_can_be_seen_is_a_change() {
        for format in [Pixel::YUV420P, Pixel::YUV444P, Pixel::NV12, Pixel::RGB24, Pixel::GRAY8] {
            let before = grey(format, 100);
            assert!(unchanged(&before, &grey(format, 102)), "{format:?}");
            assert!(!unchanged(&before, &grey(format, 103)), "{format:?}");
            for plane in 0..before.planes() {
                let mut other = grey(format, 100);
                let last = (other.plane_height(plane) as usize - 1) * other.stride(plane);
                other.data_mut(plane)[last] = 110;
                assert!(!unchanged(&before, &other), "{format:?}, plane {plane}");
            }
        }
    }

    #[test]
    fn what_lies_beside_the_picture_is_no_change() {
        let (before, mut other) = (grey(Pixel::YUV420P, 100), grey(Pixel::YUV420P, 100));
        let (width, stride) = (33, other.stride(0));
        other.data_mut(0)[width..stride].fill(0);
        assert!(unchanged(&before, &other));
    }

    #[test]
    fn what_differs_is_told_by_bands_of_rows() {
        let before = grey(Pixel::YUV420P, 100);
        let (luma, chroma) = (before.stride(0), before.stride(1));
        for (plane, at, bands) in
            [(0, 15 * luma, [true, false]), (0, 16 * luma + 32, [false, true]), (2, 8 * chroma, [false, true])]
        {
            let mut other = grey(Pixel::YUV420P, 100);
            other.data_mut(plane)[at] = 101;
            let changed = Changed::between(&before, &other);
            assert_eq!(changed, Changed::Bands(bands.into()), "plane {plane} at {at}");
            assert_eq!([changed.touches(0..16), changed.touches(16..17)], bands);
            assert!(changed.touches(0..17));
        }
        assert_eq!(Changed::between(&before, &grey(Pixel::YUV420P, 100)), Changed::Bands([false; 2].into()));
        assert_eq!(Changed::between(&before, &grey(Pixel::YUV422P, 100)), Changed::Anywhere);
        assert!(Changed::Anywhere.touches(0..0));
    }

    #[test]
    fn other_shapes_and_deeper_samples_have_to_be_equal() {
        assert!(!unchanged(&grey(Pixel::YUV420P, 100), &grey(Pixel::YUV422P, 100)));
        assert!(!unchanged(&grey(Pixel::YUV420P10LE, 1), &grey(Pixel::YUV420P10LE, 2)));
        assert!(unchanged(&grey(Pixel::YUV420P10LE, 1), &grey(Pixel::YUV420P10LE, 1)));
        assert!(!unchanged(&grey(Pixel::PAL8, 1), &grey(Pixel::PAL8, 1)), "its colours may differ");
    }
}
