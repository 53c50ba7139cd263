//! How good the renditions of a range are, where its order says: their samples decoded again, beside the source's pictures.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use ff::{codec, frame};
use ffmpeg_next as ff;
use media_types::{CodecConfig, Rotation, Sample};
use pipeline::{EngineError, FAST_RATE, Judge, Luma, Quality, RangeOrder, Reference};

use crate::convert::{Converter, Kind, Target};
use crate::error::{engine, is_again_or_end};
use crate::pictures::time_of;
use crate::unchanged::Changed;
use crate::vmaf::{self, Around, Comparison};
use crate::walk::Placed;

/// Pictures kept to tell change from movement: the one on display and two before it.
const KEPT: usize = 3;

/// The source's pictures at the frames that are looked at; one that stays, with nothing new beside it, is there once.
pub(crate) type References = Vec<(u64, Arc<Original>)>;

/// A picture of the source.
pub(crate) struct Original {
    reference: Reference,
    /// What is shown beside it, if that is asked for.
    around: Around,
}

/// Takes what is looked at out of all that comes over `pictures`.
pub(crate) fn references(
    order: &RangeOrder,
    judge: &Judge,
    pictures: &Receiver<Placed>,
) -> Result<References, EngineError> {
    let target = Target {
        width: judge.width,
        height: judge.height,
        rotation: order.video.rotation,
        deinterlace: order.video.deinterlace,
        kind: Kind::Standard,
    };
    let rate = order.video.frame_rate;
    let by_vmaf = judge.by_vmaf && vmaf::is_loaded();
    let mut watch = Watch {
        converter: Converter::new(target),
        last: None,
        inside: VecDeque::new(),
        shown: VecDeque::new(),
        due: judge.frames().take_while(|frame| *frame < order.frame_count()).collect(),
        is_fast: rate.num() / rate.den().max(1) > FAST_RATE,
        by_vmaf,
        made: None,
        found: Vec::new(),
    };
    // What a run's first picture has changed from is looked at too, and for VMAF what its last one changes to.
    let (lead, tail) = (KEPT as u64, u64::from(by_vmaf));
    let runs: Vec<_> = judge.runs().map(|run| run.start.saturating_sub(lead)..run.end.saturating_add(tail)).collect();
    let mut before = None;
    for placed in pictures {
        // The picture on display when a run begins may have been handed in long before.
        if !runs.iter().any(|run| run.contains(&placed.first)) {
            before = Some(placed);
            continue;
        }
        if let Some(before) = before.take() {
            watch.take(&before)?;
        }
        watch.take(&placed)?;
    }
    if let Some(before) = before {
        watch.take(&before)?;
    }
    watch.finish(order.frame_count())
}

struct Watch {
    converter: Converter,
    /// What was taken last.
    last: Option<Arc<frame::Video>>,
    /// The first frames of the pictures inside the converter.
    inside: VecDeque<u64>,
    /// Pictures and the first frames that show them, the newest last.
    shown: VecDeque<(u64, Arc<Luma>)>,
    /// Frames to look at, the next one first.
    due: VecDeque<u64>,
    is_fast: bool,
    by_vmaf: bool,
    /// Of which pictures the last reference was made: the first frames of the one on display and of those before it; and whether
    /// another one comes with the next frame, if that counts.
    made: Option<([Option<u64>; KEPT], bool)>,
    found: References,
}

impl Watch {
    fn take(&mut self, placed: &Placed) -> Result<(), EngineError> {
        // What is on display is handed in anew when it stays for long.
        if self.last.as_ref().is_some_and(|last| Arc::ptr_eq(last, &placed.picture.0)) {
            return Ok(());
        }
        self.last = Some(placed.picture.0.clone());
        self.inside.push_back(placed.first);
        self.converter.push(&placed.picture.0, &Changed::Anywhere, placed.first.cast_signed())?;
        self.convert()
    }

    fn convert(&mut self) -> Result<(), EngineError> {
        while let Some(picture) = self.converter.pull()? {
            let Some(first) = self.inside.pop_front() else { break };
            let luma = Arc::new(luma_of(&picture).ok_or_else(|| wrong("a scaled picture has no luma"))?);
            self.look_until(first, Some(&luma));
            if self.shown.len() == KEPT {
                self.shown.pop_front();
            }
            self.shown.push_back((first, luma));
        }
        Ok(())
    }

    /// Looks at the frames before `end` with what is shown now; from then on `next` is, if that is known.
    fn look_until(&mut self, end: u64, next: Option<&Arc<Luma>>) {
        while let Some(frame) = self.due.pop_front_if(|frame| *frame < end) {
            let at = |frame: u64| self.shown.iter().rev().find(|(first, _)| *first <= frame);
            let earlier = |by: u64| frame.checked_sub(by).and_then(at);
            // Before the first picture there is nothing to be compared with.
            let Some(now) = at(frame).or(self.shown.front()) else { continue };
            let (before, older) = (earlier(1), earlier(2).filter(|_| self.is_fast));
            let after = if frame + 1 < end { Some(now.1.clone()) } else { next.cloned() };
            let around = Around { before: before.map(|(_, luma)| luma.clone()), after };
            let around = if self.by_vmaf { around } else { Around::default() };
            let stands_still = [before, older].into_iter().flatten().all(|(first, _)| *first == now.0);
            let (before, older) = if stands_still { (None, None) } else { (before, older) };
            let of = [Some(now), before, older].map(|shown| shown.map(|(first, _)| *first));
            let is_last = self.by_vmaf && frame + 1 == end;
            let same = self.found.last().filter(|_| self.made == Some((of, is_last)));
            let same = same.map(|(_, original)| original.clone());
            let luma = |shown: Option<&'_ (u64, Arc<Luma>)>| shown.map(|(_, luma)| Arc::clone(luma));
            let (before, older) = (luma(before), luma(older));
            let reference = || Reference::new(Luma::clone(&now.1), before.as_deref(), older.as_deref());
            let original = same.unwrap_or_else(|| Arc::new(Original { reference: reference(), around }));
            self.found.push((frame, original));
            self.made = Some((of, is_last));
        }
    }

    fn finish(mut self, frame_count: u64) -> Result<References, EngineError> {
        self.converter.finish()?;
        self.convert()?;
        self.look_until(frame_count, None);
        Ok(self.found)
    }
}

/// What came of one rendition at the judged frames.
#[derive(Default)]
pub(crate) struct Judged {
    config: Option<CodecConfig>,
    samples: Vec<Sample>,
}

impl Judged {
    pub(crate) fn configure(&mut self, config: &CodecConfig) {
        self.config = Some(config.clone());
    }

    /// Keeps a sample if the judge looks at it.
    pub(crate) fn keep(&mut self, order: &RangeOrder, judge: &Judge, sample: &Sample) {
        let frame = frame_of(order, sample.dts);
        if frame.is_some_and(|frame| judge.runs().any(|run| run.contains(&frame))) {
            self.samples.push(sample.clone());
        }
    }

    /// Decodes what was kept, and compares.
    pub(crate) fn quality(
        self,
        order: &RangeOrder,
        judge: &Judge,
        references: &References,
    ) -> Result<Quality, EngineError> {
        let Some(config) = self.config else { return Ok(Quality::default()) };
        let target = Target {
            width: judge.width,
            height: judge.height,
            rotation: Rotation::None,
            deinterlace: false,
            kind: Kind::Standard,
        };
        let mut comparing = Comparing {
            order,
            references: references.iter(),
            next: None,
            converter: Converter::new(target),
            last: None,
            scaled: None,
            found: None,
            vmaf: match judge.by_vmaf {
                true => Comparison::begin().transpose().map_err(vmaf::failed)?,
                false => None,
            },
            quality: Quality::default(),
        };
        comparing.next = comparing.references.next();
        let mut decoder = decoder(&config)?;
        for sample in &self.samples {
            let mut packet = codec::packet::Packet::copy(&sample.data);
            packet.set_pts(Some(sample.pts));
            packet.set_dts(Some(sample.dts));
            decoder.send_packet(&packet).map_err(engine("decoding what was encoded"))?;
            comparing.drain(&mut decoder)?;
        }
        decoder.send_eof().map_err(engine("decoding what was encoded"))?;
        comparing.drain(&mut decoder)?;
        comparing.compare_until(u64::MAX)?;
        let mut quality = comparing.quality;
        if let Some(comparison) = comparing.vmaf {
            quality.vmaf = comparison.finish().map_err(vmaf::failed)?;
        }
        Ok(quality)
    }
}

struct Comparing<'a> {
    order: &'a RangeOrder,
    references: std::slice::Iter<'a, (u64, Arc<Original>)>,
    next: Option<&'a (u64, Arc<Original>)>,
    converter: Converter,
    /// The picture on display.
    last: Option<frame::Video>,
    /// Its luma, at the size of the references.
    scaled: Option<Luma>,
    /// What it was last compared with, and its error.
    found: Option<(&'a Arc<Original>, f64)>,
    vmaf: Option<Comparison>,
    quality: Quality,
}

impl Comparing<'_> {
    fn drain(&mut self, decoder: &mut ff::decoder::Video) -> Result<(), EngineError> {
        loop {
            let mut picture = frame::Video::empty();
            match decoder.receive_frame(&mut picture) {
                Ok(()) => {}
                Err(error) if is_again_or_end(&error) => return Ok(()),
                Err(error) => return Err(engine("decoding what was encoded")(error)),
            }
            let first = time_of(&picture).and_then(|pts| frame_of(self.order, pts)).unwrap_or(0);
            self.compare_until(first)?;
            (self.last, self.scaled, self.found) = (Some(picture), None, None);
        }
    }

    /// Compares the frames before `end` with what is on display.
    fn compare_until(&mut self, end: u64) -> Result<(), EngineError> {
        while let Some((frame, original)) = self.next
            && *frame < end
        {
            self.next = self.references.next();
            let Some(picture) = &self.last else { continue };
            let scaled = match self.scaled.take() {
                Some(scaled) => scaled,
                None => scaled(&mut self.converter, picture)?,
            };
            let error = match self.found.filter(|(known, _)| Arc::ptr_eq(known, original)) {
                Some((_, error)) => {
                    self.vmaf.iter_mut().for_each(Comparison::again);
                    error
                }
                None => {
                    let error = original.reference.error(&scaled);
                    let error = error.ok_or_else(|| wrong("what was encoded has another size"))?;
                    let of = (original.reference.luma(), &original.around);
                    self.vmaf.iter_mut().try_for_each(|vmaf| vmaf.compare(of, &scaled)).map_err(vmaf::failed)?;
                    error
                }
            };
            self.quality.add(error);
            (self.scaled, self.found) = (Some(scaled), Some((original, error)));
        }
        Ok(())
    }
}

fn scaled(converter: &mut Converter, picture: &frame::Video) -> Result<Luma, EngineError> {
    converter.push(picture, &Changed::Anywhere, 0)?;
    let scaled = converter.pull()?.ok_or_else(|| wrong("scaling gave no picture"))?;
    luma_of(&scaled).ok_or_else(|| wrong("a scaled picture has no luma"))
}

/// The frame of the range at a time of the presentation; `None` before its first.
fn frame_of(order: &RangeOrder, ticks: i64) -> Option<u64> {
    let frame = u64::try_from(ticks).ok()? / u64::from(order.video.frame_ticks.max(1));
    frame.checked_sub(order.first_frame)
}

/// A decoder of what an encoder here gave.
pub(crate) fn decoder(config: &CodecConfig) -> Result<ff::decoder::Video, EngineError> {
    let (id, headers): (_, &[u8]) = match config {
        CodecConfig::Avc(headers) => (codec::Id::H264, headers),
        CodecConfig::Hevc(headers) => (codec::Id::HEVC, headers),
        CodecConfig::Av1(headers) => (codec::Id::AV1, headers),
        CodecConfig::Vp9(_) => (codec::Id::VP9, &[]),
        _ => return Err(wrong("sound was encoded in place of pictures")),
    };
    let found = ff::decoder::find(id).ok_or_else(|| wrong("this build of FFmpeg cannot decode what it encodes"))?;
    let mut context = codec::Context::new_with_codec(found);
    context.set_threading(ff::threading::Config { count: 1, ..Default::default() });
    put_headers(&mut context, headers)?;
    context.decoder().video().map_err(engine("decoding what was encoded"))
}

/// Gives a context that is not open yet what the container would say of the stream.
fn put_headers(context: &mut codec::Context, headers: &[u8]) -> Result<(), EngineError> {
    if headers.is_empty() {
        return Ok(());
    }
    let padding = ff::ffi::AV_INPUT_BUFFER_PADDING_SIZE as usize;
    // SAFETY: zeroed memory of libavutil's own, as long as is written and padded as decoders want it; the context frees it.
    unsafe {
        let copy = ff::ffi::av_mallocz(headers.len() + padding).cast::<u8>();
        if copy.is_null() {
            return Err(wrong("out of memory while decoding what was encoded"));
        }
        std::ptr::copy_nonoverlapping(headers.as_ptr(), copy, headers.len());
        let raw = context.as_mut_ptr();
        (*raw).extradata = copy;
        (*raw).extradata_size = i32::try_from(headers.len()).unwrap_or(0);
    }
    Ok(())
}

/// The luma of a picture of 8 bits.
pub(crate) fn luma_of(picture: &frame::Video) -> Option<Luma> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let rows = picture.data(0).chunks(picture.stride(0).max(1)).take(height);
    let mut samples = Vec::with_capacity(width * height);
    for row in rows {
        samples.extend_from_slice(row.get(..width)?);
    }
    Luma::new(width, samples)
}

fn wrong(detail: &str) -> EngineError {
    EngineError::Engine { detail: detail.to_owned() }
}
