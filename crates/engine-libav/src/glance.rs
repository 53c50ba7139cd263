//! A decoded picture at a glance.

use ff::ffi::{
    AV_PIX_FMT_FLAG_BE, AV_PIX_FMT_FLAG_BITSTREAM, AV_PIX_FMT_FLAG_HWACCEL, AV_PIX_FMT_FLAG_PAL, AV_PIX_FMT_FLAG_RGB,
};
use ff::frame;
use ffmpeg_next as ff;
use pipeline::{Glance, Greys};

/// `None` for pictures that have no [`greys`].
pub(crate) fn glance(picture: &frame::Video) -> Option<Glance> {
    greys(picture)?.glance()
}

/// Where a picture has its greys; `None` when it is not made of little-endian samples in rows from the top down.
pub(crate) fn greys(picture: &frame::Video) -> Option<Greys<'_>> {
    // SAFETY: the function takes any format of the bindings and answers null or a static description.
    let format = unsafe { ff::ffi::av_pix_fmt_desc_get(picture.format().into()).as_ref() }?;
    let has = |flag: std::ffi::c_int| format.flags & u64::from(flag.unsigned_abs()) != 0;
    let unfit = [AV_PIX_FMT_FLAG_PAL, AV_PIX_FMT_FLAG_HWACCEL, AV_PIX_FMT_FLAG_BITSTREAM, AV_PIX_FMT_FLAG_BE].map(has);
    let parts = format.comp.get(..usize::from(format.nb_components))?;
    let grey = parts.get(usize::from(has(AV_PIX_FMT_FLAG_RGB)))?;
    let shift = match grey.depth {
        8 => None,
        depth @ 9..=16 => Some((depth - 8 + grey.shift).unsigned_abs()),
        _ => return None,
    };
    let number = |number: std::ffi::c_int| usize::try_from(number).ok();
    let plane = number(grey.plane)?;
    // SAFETY: reading a plain field of a valid frame, which has 8 of them.
    let stride = number(unsafe { (*picture.as_ptr()).linesize.get(plane).copied() }?)?;
    if unfit.contains(&true) || plane >= picture.planes() {
        return None;
    }
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let (offset, step) = (number(grey.offset)?, number(grey.step)?);
    Some(Greys { data: picture.data(plane), stride, width, height, offset, step, shift })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use ff::format::Pixel;
    use pipeline::{GLANCE_COLUMNS, GLANCE_ROWS};

    use super::*;

    /// Half as bright on the left as on the right.
    fn halves(format: Pixel, (width, height): (u32, u32), bytes: usize, dark: &[u8], bright: &[u8]) -> frame::Video {
        let mut picture = frame::Video::new(format, width, height);
        for plane in 0..picture.planes() {
            let stride = picture.stride(plane);
            for (at, sample) in picture.data_mut(plane).chunks_mut(bytes).enumerate() {
                let right = at * bytes % stride >= width as usize / 2 * bytes;
                let value = if right { bright } else { dark };
                sample.copy_from_slice(&value[..sample.len()]);
            }
        }
        picture
    }

    fn expected() -> Glance {
        let row: Vec<u8> =
            (0..GLANCE_COLUMNS).map(|column| if column < GLANCE_COLUMNS / 2 { 60 } else { 120 }).collect();
        Glance::new(&row.repeat(GLANCE_ROWS)).unwrap()
    }

    #[test]
    fn every_format_with_samples_in_rows_gives_the_same_greys() {
        let size = (640, 360);
        for format in [Pixel::YUV420P, Pixel::YUV444P, Pixel::GRAY8, Pixel::GBRP] {
            assert_eq!(glance(&halves(format, size, 1, &[60], &[120])), Some(expected()), "{format:?}");
        }
        assert_eq!(glance(&halves(Pixel::RGB24, size, 3, &[0, 60, 9], &[9, 120, 0])), Some(expected()));
        assert_eq!(glance(&halves(Pixel::BGRA, size, 4, &[0, 60, 9, 1], &[9, 120, 0, 1])), Some(expected()));
        let deep = |level: u16| (level << 2).to_le_bytes();
        let picture = halves(Pixel::YUV420P10LE, size, 2, &deep(60), &deep(120));
        assert_eq!(glance(&picture), Some(expected()));
    }

    #[test]
    fn pictures_of_any_size_have_a_glance_and_those_without_greys_have_none() {
        for size in [(64, 36), (130, 74), (2, 2), (1920, 1080), (33, 4000)] {
            let picture = halves(Pixel::GRAY8, size, 1, &[77], &[77]);
            assert_eq!(glance(&picture), Glance::new(&[77; GLANCE_COLUMNS * GLANCE_ROWS]), "{size:?}");
        }
        assert_eq!(glance(&frame::Video::new(Pixel::PAL8, 64, 64)), None);
        assert_eq!(glance(&frame::Video::new(Pixel::YUV420P10BE, 64, 64)), None);
        assert_eq!(glance(&frame::Video::empty()), None);
    }
}
