//! A decoded picture, wherever it lies.

use gstreamer as gst;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;
use pipeline::{Glance, Greys, Picture};

/// What nobody sees: so far apart are samples of 8 bits at most, from one picture to another one that looks the same. As the
/// other engine has it.
const UNSEEN: u8 = 2;

/// A picture in the memory of the processor or of a device, from which it is read for a look alone.
#[derive(Clone)]
pub(crate) struct Decoded {
    buffer: gst::Buffer,
    pub(crate) caps: gst::Caps,
    info: gst_video::VideoInfo,
}

impl Decoded {
    /// `None` when it is none.
    pub(crate) fn new(buffer: gst::Buffer, caps: gst::Caps) -> Option<Self> {
        let info = gst_video::VideoInfo::from_caps(&caps).ok()?;
        Some(Self { buffer, caps, info })
    }

    pub(crate) fn pixels(&self) -> usize {
        self.info.width() as usize * self.info.height() as usize
    }

    /// The same picture under another time.
    pub(crate) fn at(&self, pts: gst::ClockTime, duration: gst::ClockTime) -> gst::Buffer {
        let mut buffer = self.buffer.copy();
        {
            let buffer = buffer.make_mut();
            buffer.set_pts(pts);
            buffer.set_dts(gst::ClockTime::NONE);
            buffer.set_duration(duration);
            buffer.unset_flags(gst::BufferFlags::DISCONT);
        }
        buffer
    }

    /// Its points, as the processor reads them.
    pub(crate) fn frame(&self) -> Option<gst_video::VideoFrameRef<&gst::BufferRef>> {
        gst_video::VideoFrameRef::from_buffer_ref_readable(&self.buffer, &self.info).ok()
    }
}

impl Picture for Decoded {
    fn glance(&self) -> Option<Glance> {
        let frame = self.frame()?;
        let stride = usize::try_from(*frame.plane_stride().first()?).ok()?;
        let (width, height) = (frame.width() as usize, frame.height() as usize);
        let data = frame.plane_data(0).ok()?;
        Greys { data, stride, width, height, offset: 0, step: 1, shift: None }.glance()
    }

    fn looks_like(&self, before: &Self) -> bool {
        if self.info.format() != before.info.format() || self.pixels() != before.pixels() {
            return false;
        }
        let (Some(before), Some(frame)) = (before.frame(), self.frame()) else { return false };
        (0..frame.n_planes()).all(|plane| is_same(&before, &frame, plane))
    }
}

type Frame<'a> = gst_video::VideoFrameRef<&'a gst::BufferRef>;

fn is_same(before: &Frame<'_>, frame: &Frame<'_>, plane: u32) -> bool {
    let (Some(left), Some(right)) = (rows(before, plane), rows(frame, plane)) else { return false };
    left.zip(right).all(|(left, right)| apart(left, right) <= UNSEEN)
}

/// The rows of a plane, without what lies beside the picture.
fn rows<'a>(frame: &'a Frame<'_>, plane: u32) -> Option<impl Iterator<Item = &'a [u8]>> {
    let format = frame.format_info();
    let component = format.plane().iter().position(|one| *one == plane)?;
    let stride = usize::try_from(*frame.plane_stride().get(plane as usize)?).ok().filter(|stride| *stride > 0)?;
    let bytes =
        frame.comp_width(component as u32) as usize * usize::try_from(frame.comp_pstride(component as u32)).ok()?;
    let count = frame.comp_height(component as u32) as usize;
    let data = frame.plane_data(plane).ok()?;
    Some(data.chunks(stride).take(count).map(move |row| &row[..bytes.min(row.len())]))
}

/// How far apart two rows are where they are most.
fn apart(left: &[u8], right: &[u8]) -> u8 {
    left.iter().zip(right).fold(0, |most, (a, b)| most.max(a.abs_diff(*b)))
}
