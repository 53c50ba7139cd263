//! A decoded picture made fit for one rendition: progressive, upright, scaled, of standard dynamic range and no more than
//! its colours, 8-bit 4:2:0 in video range; or of high dynamic range as it is, in 10 bits.

use std::collections::VecDeque;
use std::ptr;

use ff::{filter, frame};
use ffmpeg_next as ff;
use media_types::{HdrTransfer, Rotation};
use pipeline::EngineError;

use crate::error::engine;
use crate::scaling::{Scaler, is_plain, reference};
use crate::unchanged::Changed;

/// What a picture is turned into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) rotation: Rotation,
    pub(crate) deinterlace: bool,
    pub(crate) kind: Kind,
}

/// What pictures show in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Standard dynamic range, for encoders.
    Standard,
    /// What a JPEG file holds (JFIF 1.02): standard dynamic range, full-range pictures in the matrix of BT.601.
    Jpeg,
    /// ITU-R BT.2100, for encoders.
    High(HdrTransfer),
}

/// Made for the first picture, and again whenever pictures change their shape.
pub(crate) struct Converter {
    target: Target,
    made: Option<(Shape, Way)>,
    /// What is converted, and what earlier ways still held.
    ready: VecDeque<frame::Video>,
}

/// How pictures of one shape are converted.
enum Way {
    /// They are as they shall be.
    Keep,
    /// All they want is another size.
    Scale(Scaler),
    /// Everything else.
    Filter(filter::Graph),
}

/// What a way is made for; the last is whether pictures need to change in size at most.
type Shape = (ff::format::Pixel, u32, u32, Light, bool);

/// How a picture's numbers become light.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Light {
    /// Standard dynamic range, in colours that any screen has.
    Standard,
    /// Standard dynamic range in the wide colours of ITU-R BT.2020.
    Wide,
    /// The high dynamic range of ITU-R BT.2100: PQ or HLG.
    High,
}

impl Light {
    /// Of a picture that says its colours.
    fn of(picture: &frame::Video) -> Self {
        use ff::color::{Primaries, TransferCharacteristic as Transfer};
        match picture.color_transfer_characteristic() {
            Transfer::SMPTE2084 | Transfer::ARIB_STD_B67 => Self::High,
            _ if picture.color_primaries() == Primaries::BT2020 => Self::Wide,
            _ => Self::Standard,
        }
    }

    /// Filters that bring a picture to a size and to BT.709; empty where it may keep its colours.
    fn filters(self, width: u32, height: u32, picture: &frame::Video) -> String {
        let size = sized(width, height, picture);
        match self {
            Self::Standard => String::new(),
            Self::Wide => format!("{size}:p=bt709:t=bt709:m=bt709:r=tv,"),
            Self::High => format!(
                "{size}:t=linear:npl={DIFFUSE_WHITE_NITS},format=gbrpf32le,zscale=p=bt709,\
                 tonemap=tonemap=mobius:param={KEPT}:desat=0:peak={:.3},\
                 zscale=t=bt709:m=bt709:r=tv:d=error_diffusion,format=yuv420p,",
                f64::from(PEAK_NITS) / f64::from(DIFFUSE_WHITE_NITS),
            ),
        }
    }
}

/// The filter, still open for options, that brings a picture to a size.
fn sized(width: u32, height: u32, picture: &frame::Video) -> String {
    // zimg takes no subsampled colour of half a sample more.
    let even = picture.width().is_multiple_of(2) && picture.height().is_multiple_of(2);
    let whole = if even { "" } else { "format=yuv444p10le," };
    format!("{whole}zscale=w={width}:h={height}:filter=bicubic")
}

/// Filters that bring a picture to a size and to ITU-R BT.2100. One that is of it already keeps its numbers; others, which a
/// source may have between, are shown with their white as diffuse white.
fn high(transfer: HdrTransfer, width: u32, height: u32, picture: &frame::Video) -> String {
    let transfer = match transfer {
        HdrTransfer::Pq => "smpte2084",
        HdrTransfer::Hlg => "arib-std-b67",
    };
    let size = sized(width, height, picture);
    format!("{size}:p=bt2020:t={transfer}:m=bt2020nc:r=tv:npl={DIFFUSE_WHITE_NITS},format=yuv420p10le,setsar=1")
}

/// ITU-R BT.2408 §2.1: what a white sheet of paper has in pictures of high dynamic range.
const DIFFUSE_WHITE_NITS: u32 = 203;
/// The brightest light that still differs from what is brighter.
const PEAK_NITS: u32 = 1_000;
/// Light up to this part of diffuse white stays as it is; what is above it shares what is left.
const KEPT: f64 = 0.3;

impl Converter {
    pub(crate) fn new(target: Target) -> Self {
        Self { target, made: None, ready: VecDeque::new() }
    }

    /// Hands in a picture under the time `pts`, which its converted form carries, and where it differs from the one that was
    /// handed in before.
    pub(crate) fn push(&mut self, picture: &frame::Video, changed: &Changed, pts: i64) -> Result<(), EngineError> {
        let light = Light::of(picture);
        let shape =
            (picture.format(), picture.width(), picture.height(), light, self.target.is_of_size_only(picture, light));
        if self.made.as_ref().is_none_or(|(of, _)| *of != shape) {
            self.empty()?;
            self.made = Some((shape, Way::new(self.target, picture, shape)?));
        }
        let Some((_, way)) = &mut self.made else { return Ok(()) };
        let mut converted = match way {
            // A new reference to the same pixels: the picture itself is shared between renditions and must not change.
            Way::Keep | Way::Filter(_) => reference(picture)?,
            Way::Scale(scaler) => scaler.scale(picture, changed)?,
        };
        converted.set_pts(Some(pts));
        if let Way::Filter(graph) = way {
            let mut source = graph.get("in").ok_or_else(broken)?;
            return source.source().add(&converted).map_err(engine("scaling"));
        }
        // SAFETY: a plain field of a valid frame that is ours alone.
        unsafe { (*converted.as_mut_ptr()).sample_aspect_ratio = SQUARE };
        self.ready.push_back(converted);
        Ok(())
    }

    /// Takes out what a deinterlacer still holds back, before its graph goes.
    fn empty(&mut self) -> Result<(), EngineError> {
        self.finish()?;
        while let Some(picture) = self.pull_filtered()? {
            self.ready.push_back(picture);
        }
        Ok(())
    }

    /// A converted picture, if one is ready. One comes for each that was handed in, in order.
    pub(crate) fn pull(&mut self) -> Result<Option<frame::Video>, EngineError> {
        match self.ready.pop_front() {
            Some(picture) => Ok(Some(picture)),
            None => self.pull_filtered(),
        }
    }

    fn pull_filtered(&mut self) -> Result<Option<frame::Video>, EngineError> {
        let Some((_, Way::Filter(graph))) = &mut self.made else { return Ok(None) };
        let mut sink = graph.get("out").ok_or_else(broken)?;
        let mut picture = frame::Video::empty();
        match sink.sink().frame(&mut picture) {
            Ok(()) => Ok(Some(picture)),
            Err(error) if crate::error::is_again_or_end(&error) => Ok(None),
            Err(error) => Err(engine("scaling")(error)),
        }
    }

    /// No more pictures come: what is still inside becomes ready.
    pub(crate) fn finish(&mut self) -> Result<(), EngineError> {
        let Some((_, Way::Filter(graph))) = &mut self.made else { return Ok(()) };
        let mut source = graph.get("in").ok_or_else(broken)?;
        // SAFETY: a null frame is how the end is signalled to a buffer source.
        let end = unsafe { ff::Frame::wrap(ptr::null_mut()) };
        source.source().add(&end).map_err(engine("scaling"))
    }
}

const SQUARE: ff::ffi::AVRational = ff::ffi::AVRational { num: 1, den: 1 };

impl Target {
    /// Whether a picture is all that is wanted but for its size.
    fn is_of_size_only(self, picture: &frame::Video, light: Light) -> bool {
        self.rotation == Rotation::None
            && !self.deinterlace
            && self.kind == Kind::Standard
            && light == Light::Standard
            && self.height.is_multiple_of(2)
            && is_plain(picture)
    }
}

impl Way {
    fn new(
        target: Target,
        picture: &frame::Video,
        (_, width, height, light, size_only): Shape,
    ) -> Result<Self, EngineError> {
        Ok(match size_only {
            true if (width, height) == (target.width, target.height) => Self::Keep,
            true => Self::Scale(Scaler::new(picture, target.width, target.height)?),
            false => Self::Filter(build(target, picture, light)?),
        })
    }
}

/// Filters that bring a picture to a size and to standard dynamic range.
fn standard(target: Target, picture: &frame::Video, light: Light) -> String {
    let Target { width, height, kind, .. } = target;
    let (format, range) = if kind == Kind::Jpeg { ("yuvj420p", "pc") } else { ("yuv420p", "tv") };
    let mut chain = light.filters(width, height, picture);
    chain.push_str(&format!("scale=w={width}:h={height}:flags=bicubic:out_range={range}"));
    if kind == Kind::Jpeg {
        chain.push_str(":out_color_matrix=bt601");
    } else if picture.color_space() == ff::color::Space::RGB {
        chain.push_str(":out_color_matrix=bt709");
    }
    chain.push_str(&format!(",format={format},setsar=1"));
    chain
}

fn broken() -> EngineError {
    EngineError::Engine { detail: "the scaling graph lost its ends".to_owned() }
}

/// A graph between `in` and `out` for pictures such as this one; a tick of its clock is 1.
pub(crate) fn graph(chain: &str, picture: &frame::Video) -> Result<filter::Graph, EngineError> {
    let failed = engine("building the scaling graph");
    let missing = || EngineError::Engine { detail: "libavfilter lacks its buffers".to_owned() };
    let mut graph = filter::Graph::new();
    // SAFETY: the graph is not configured yet. Renditions are the unit of parallelism, not slices.
    unsafe { (*graph.as_mut_ptr()).nb_threads = 1 };
    // SAFETY: reading a plain field of a valid frame.
    let format = unsafe { (*picture.as_ptr()).format };
    let arguments =
        format!("video_size={}x{}:pix_fmt={format}:time_base=1/1:pixel_aspect=1/1", picture.width(), picture.height());
    graph
        .add(&filter::find("buffer").ok_or_else(missing)?, "in", &arguments)
        .map_err(engine("building the scaling graph"))?;
    graph
        .add(&filter::find("buffersink").ok_or_else(missing)?, "out", "")
        .map_err(engine("building the scaling graph"))?;
    graph
        .output("in", 0)
        .and_then(|parser| parser.input("out", 0))
        .and_then(|parser| parser.parse(chain))
        .map_err(failed)?;
    graph.validate().map_err(engine("building the scaling graph"))?;
    Ok(graph)
}

fn build(target: Target, picture: &frame::Video, light: Light) -> Result<filter::Graph, EngineError> {
    let mut chain = String::new();
    if target.deinterlace {
        chain.push_str("yadif=mode=send_frame:deint=interlaced,");
    }
    chain.push_str(match target.rotation {
        Rotation::None => "",
        Rotation::Right => "transpose=clock,",
        Rotation::Half => "hflip,vflip,",
        Rotation::Left => "transpose=cclock,",
        Rotation::Mirrored => "hflip,",
        Rotation::HalfMirrored => "vflip,",
        // Named by another decomposition: these are the turn clockwise and the one counter-clockwise, then mirrored.
        Rotation::RightMirrored => "transpose=cclock_flip,",
        Rotation::LeftMirrored => "transpose=clock_flip,",
    });
    chain.push_str(&match target.kind {
        Kind::High(transfer) => high(transfer, target.width, target.height, picture),
        Kind::Standard | Kind::Jpeg => standard(target, picture, light),
    });
    graph(&chain, picture)
}
