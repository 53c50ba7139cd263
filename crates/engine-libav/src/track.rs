//! One rendition of a range: pictures in, samples out.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender};

use media_types::{CodecConfig, DynamicRange, Rendition, Sample};
use pipeline::{Coding, EngineError, RangeOrder};

use crate::convert::{Converter, Kind, Target};
use crate::thinning::{Scaled, Thinning};
use crate::video::VideoEncoder;
use crate::walk::Placed;

/// What an encoder made, and for which rendition of the order.
pub(crate) enum Made {
    Config(u32, CodecConfig),
    Sample(u32, Sample),
    /// An encoder took the picture of so many frames in. Some take dozens before they give the first sample.
    Taken(u64),
}

/// Encodes what comes over `pictures` as rendition `index` of the order, until the channel closes.
pub(crate) fn encode_track(
    order: &RangeOrder,
    index: u32,
    rendition: &Rendition,
    pictures: &Receiver<Placed>,
    out: &SyncSender<Made>,
) -> Result<(), EngineError> {
    let target = Target {
        width: rendition.width,
        height: rendition.height,
        rotation: order.video.rotation,
        deinterlace: order.video.deinterlace,
        kind: kind(order, rendition)?,
    };
    let mut track = Track {
        order,
        rendition,
        index,
        converter: Converter::new(target),
        frames: VecDeque::new(),
        thinning: Thinning::new(rendition.frame_step),
        taken: 0,
        encoder: None,
        configured: false,
        out,
    };
    for placed in pictures {
        track.frames.push_back((placed.first, placed.coding));
        track.converter.push(&placed.picture.0, &placed.changed, placed.first.cast_signed())?;
        drop(placed);
        track.encode_converted()?;
    }
    track.converter.finish()?;
    track.encode_converted()?;
    track.finish()
}

/// What a rendition shows.
fn kind(order: &RangeOrder, rendition: &Rendition) -> Result<Kind, EngineError> {
    match (rendition.encoding.dynamic_range, order.video.hdr) {
        (DynamicRange::Sdr, _) => Ok(Kind::Standard),
        (DynamicRange::Hdr, Some(hdr)) => Ok(Kind::High(hdr.transfer)),
        (DynamicRange::Hdr, None) => Err(EngineError::Engine {
            detail: "a rendition of high dynamic range was ordered of a source that has none".to_owned(),
        }),
    }
}

struct Track<'a> {
    order: &'a RangeOrder,
    rendition: &'a Rendition,
    index: u32,
    converter: Converter,
    /// The first frames that show the pictures inside the converter, and how those are coded.
    frames: VecDeque<(u64, Coding)>,
    thinning: Thinning,
    /// Frames up to the last picture that the encoder has.
    taken: u64,
    encoder: Option<VideoEncoder<'a>>,
    /// Whether the sink knows what a decoder needs first.
    configured: bool,
    out: &'a SyncSender<Made>,
}

impl Track<'_> {
    fn encode_converted(&mut self) -> Result<(), EngineError> {
        while let Some(picture) = self.converter.pull()? {
            let Some((frame, coding)) = self.frames.pop_front() else { break };
            if let Some(shown) = self.thinning.push(Scaled { picture, frame, coding }) {
                self.encode(shown)?;
            }
        }
        Ok(())
    }

    fn encode(&mut self, Scaled { mut picture, frame, coding }: Scaled) -> Result<(), EngineError> {
        let encoder = match &mut self.encoder {
            Some(encoder) => encoder,
            none => none.insert(VideoEncoder::open(self.order, self.rendition, &picture)?),
        };
        encoder.push(&mut picture, frame, coding)?;
        self.send(Made::Taken(frame + 1 - self.taken))?;
        self.taken = frame + 1;
        self.drain()
    }

    fn finish(&mut self) -> Result<(), EngineError> {
        if let Some(last) = self.thinning.finish(self.order.frame_count()) {
            self.encode(last)?;
        }
        if let Some(encoder) = &mut self.encoder {
            encoder.finish()?;
        }
        self.drain()
    }

    fn drain(&mut self) -> Result<(), EngineError> {
        while let Some(encoder) = &mut self.encoder
            && let Some(sample) = encoder.pull()?
        {
            if !self.configured {
                let config = encoder.configuration().cloned();
                self.configured = config.is_some();
                config.map_or(Ok(()), |config| self.send(Made::Config(self.index, config)))?;
            }
            self.send(Made::Sample(self.index, sample))?;
        }
        Ok(())
    }

    fn send(&self, made: Made) -> Result<(), EngineError> {
        self.out.send(made).map_err(|_| EngineError::Stopped)
    }
}
