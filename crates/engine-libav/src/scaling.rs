//! Scaling of what is new in a picture.
//!
//! On a slide with a pointer, or beside a small picture of who speaks, most rows are those of the picture before; their scaled
//! form is there already. What comes out is the same to the bit as of a picture that is scaled whole.

use std::ops::Range;
use std::ptr::NonNull;
use std::sync::OnceLock;

use ff::ffi::{self, SwsContext};
use ff::format::Pixel;
use ff::frame;
use ffmpeg_next as ff;
use pipeline::EngineError;

use crate::error::engine;
use crate::unchanged::Changed;

/// Rows that are scaled, or not, together.
const BAND: u32 = 16;
/// Where rows of 4:2:0 colour lie, in 256ths of the way from one row of brightness to the next: as MPEG-2 has them, in between.
const BETWEEN_ROWS: i64 = 128;

/// Scales pictures of one size and of 8 bits, 4:2:0, in video range.
pub(crate) struct Scaler {
    context: NonNull<SwsContext>,
    source_height: u32,
    /// The last picture as it came out.
    scaled: frame::Video,
    /// Whether there was one.
    begun: bool,
}

/// Whether a [`Scaler`] scales such pictures.
pub(crate) fn is_plain(picture: &frame::Video) -> bool {
    picture.format() == Pixel::YUV420P && picture.color_range() != ff::color::Range::JPEG
}

impl Scaler {
    /// For pictures of the size of `like`; bicubic, to an even number of rows.
    ///
    /// # Errors
    /// When there is no memory, or the sizes are none.
    pub(crate) fn new(like: &frame::Video, width: u32, height: u32) -> Result<Self, EngineError> {
        let options = [
            (c"srcw", i64::from(like.width())),
            (c"srch", i64::from(like.height())),
            (c"src_format", i64::from(ffi::AVPixelFormat::AV_PIX_FMT_YUV420P as i32)),
            (c"dstw", i64::from(width)),
            (c"dsth", i64::from(height)),
            (c"dst_format", i64::from(ffi::AVPixelFormat::AV_PIX_FMT_YUV420P as i32)),
            (c"sws_flags", i64::from(ffi::SWS_BICUBIC)),
            (c"src_v_chr_pos", BETWEEN_ROWS),
            (c"dst_v_chr_pos", BETWEEN_ROWS),
        ];
        // SAFETY: the context is ours until it is freed by its owner's drop; it is told plain numbers before it is used.
        let context = unsafe {
            let context = NonNull::new(ffi::sws_alloc_context()).ok_or_else(no_memory)?;
            for (name, value) in options {
                ffi::av_opt_set_int(context.as_ptr().cast(), name.as_ptr(), value, 0);
            }
            context
        };
        let scaler = Self {
            context,
            source_height: like.height(),
            scaled: frame::Video::new(Pixel::YUV420P, width, height),
            begun: false,
        };
        // SAFETY: a context of ours that is not in use yet; it has no filters of its own.
        check(unsafe { ffi::sws_init_context(context.as_ptr(), std::ptr::null_mut(), std::ptr::null_mut()) })?;
        Ok(scaler)
    }

    /// The scaled form of a picture that differs from the last one at most where it is said to.
    ///
    /// # Errors
    /// When there is no memory.
    pub(crate) fn scale(&mut self, picture: &frame::Video, changed: &Changed) -> Result<frame::Video, EngineError> {
        // Whoever still has the last picture keeps it as it is.
        // SAFETY: a valid frame that is ours alone.
        check(unsafe { ffi::av_frame_make_writable(self.scaled.as_mut_ptr()) })?;
        let rows = self.rows(changed);
        // Until all of them are there the rest counts for nothing.
        self.begun = false;
        for rows in rows {
            // SAFETY: both frames are valid, and of the size and format that the context was made for.
            unsafe { scale_rows(self.context, &self.scaled, picture, &rows) }?;
        }
        self.begun = true;
        let mut scaled = reference(&self.scaled)?;
        // SAFETY: both frames are valid; properties are copied, and what they refer to is counted.
        check(unsafe { ffi::av_frame_copy_props(scaled.as_mut_ptr(), picture.as_ptr()) })?;
        Ok(scaled)
    }

    /// The rows that have to be scaled, from the top down.
    fn rows(&self, changed: &Changed) -> Vec<Range<u32>> {
        let height = self.scaled.height();
        if !self.begun {
            return std::iter::once(0..height).collect();
        }
        let mut rows: Vec<Range<u32>> = Vec::new();
        for start in (0..height).step_by(BAND as usize) {
            let band = start..(start + BAND).min(height);
            if changed.touches(seen_by(&band, self.source_height, height)) {
                match rows.last_mut() {
                    Some(last) if last.end == band.start => last.end = band.end,
                    _ => rows.push(band),
                }
            }
        }
        rows
    }
}

impl Drop for Scaler {
    fn drop(&mut self) {
        // SAFETY: ours, and used no more.
        unsafe { ffi::sws_freeContext(self.context.as_ptr()) };
    }
}

/// Rows of the source that have a say in scaled rows: a cubic filter reaches two rows in the larger picture's or the smaller
/// one's measure, whichever is more, and twice as far in 4:2:0 colour; and a little more for roundings.
fn seen_by(rows: &Range<u32>, source_height: u32, height: u32) -> Range<u32> {
    let (source, height) = (u64::from(source_height), u64::from(height.max(1)));
    let reach = 4 * source.div_ceil(height).max(1) + 8;
    let start = (u64::from(rows.start) * source / height).saturating_sub(reach);
    let end = ((u64::from(rows.end) * source).div_ceil(height) + reach).min(source);
    start as u32..end as u32
}

/// Scales some rows of `picture` into `scaled`.
///
/// # Safety
/// The frames are valid and of the size and format that the context was made for.
unsafe fn scale_rows(
    context: NonNull<SwsContext>,
    scaled: &frame::Video,
    picture: &frame::Video,
    rows: &Range<u32>,
) -> Result<(), EngineError> {
    let (context, mut into) = (context.as_ptr(), reference(scaled)?);
    // SAFETY: as promised; where rows are misplaced they come to lie where they belong. What is started is ended.
    unsafe {
        if rows_are_misplaced() {
            let raw = into.as_mut_ptr();
            (*raw).data[0] = (*raw).data[0].add((rows.start - rows.start / 2) as usize * scaled.stride(0));
        }
        let mut done = check(ffi::sws_frame_start(context, into.as_mut_ptr(), picture.as_ptr()));
        done = done.and_then(|()| check(ffi::sws_send_slice(context, 0, picture.height())));
        done = done.and_then(|()| check(ffi::sws_receive_slice(context, rows.start, rows.end - rows.start)));
        ffi::sws_frame_end(context);
        done
    }
}

/// Whether libswscale, asked for some rows, puts those of brightness at half their height, as it does those of colour: that of
/// FFmpeg 5.1 does.
fn rows_are_misplaced() -> bool {
    static ARE: OnceLock<bool> = OnceLock::new();
    *ARE.get_or_init(|| {
        let mut source = frame::Video::new(Pixel::YUV420P, 16, 64);
        (0..source.planes()).for_each(|plane| source.data_mut(plane).fill(200));
        let mut scaled = frame::Video::new(Pixel::YUV420P, 16, 32);
        scaled.data_mut(0).fill(0);
        let Ok(scaler) = Scaler::new(&source, 16, 32) else { return false };
        let context = scaler.context.as_ptr();
        // SAFETY: valid frames of the context's sizes, wide and high enough wherever the rows are put.
        unsafe {
            if ffi::sws_frame_start(context, scaled.as_mut_ptr(), source.as_ptr()) >= 0 {
                ffi::sws_send_slice(context, 0, 64);
                ffi::sws_receive_slice(context, 16, 16);
            }
            ffi::sws_frame_end(context);
        }
        scaled.data(0).get(8 * scaled.stride(0)).is_some_and(|byte| *byte != 0)
    })
}

/// A new reference to the same pixels.
///
/// # Errors
/// When there is no memory.
pub(crate) fn reference(picture: &frame::Video) -> Result<frame::Video, EngineError> {
    let mut reference = frame::Video::empty();
    // SAFETY: both frames are valid; the reference is unreferenced by its own drop.
    check(unsafe { ffi::av_frame_ref(reference.as_mut_ptr(), picture.as_ptr()) })?;
    Ok(reference)
}

fn check(code: std::ffi::c_int) -> Result<(), EngineError> {
    if code < 0 { Err(engine("scaling")(ff::Error::from(code))) } else { Ok(()) }
}

fn no_memory() -> EngineError {
    EngineError::Engine { detail: "out of memory while scaling".to_owned() }
}

#[cfg(test)]
mod tests;
