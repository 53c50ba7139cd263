//! One rendition of a range: pictures in, samples out.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender};

use media_types::{CodecConfig, Rendition, Sample};
use pipeline::{EngineError, RangeOrder};

use crate::convert::{Converter, Target};
use crate::video::VideoEncoder;
use crate::walk::Placed;

/// What an encoder made, and for which rendition of the order.
pub(crate) enum Made {
    Config(u32, CodecConfig),
    Sample(u32, Sample),
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
        jpeg: false,
    };
    let mut track = Track {
        order,
        rendition,
        index,
        converter: Converter::new(target),
        frames: VecDeque::new(),
        encoder: None,
        out,
    };
    for placed in pictures {
        track.frames.push_back((placed.first, placed.in_order));
        track.converter.push(&placed.picture, placed.first.cast_signed())?;
        drop(placed);
        track.encode_converted()?;
    }
    track.converter.finish()?;
    track.encode_converted()?;
    track.finish()
}

struct Track<'a> {
    order: &'a RangeOrder,
    rendition: &'a Rendition,
    index: u32,
    converter: Converter,
    /// The first frames that show the pictures inside the converter, and whether those are coded in order.
    frames: VecDeque<(u64, bool)>,
    encoder: Option<VideoEncoder>,
    out: &'a SyncSender<Made>,
}

impl Track<'_> {
    fn encode_converted(&mut self) -> Result<(), EngineError> {
        while let Some(mut picture) = self.converter.pull()? {
            let Some((frame, in_order)) = self.frames.pop_front() else { break };
            if self.encoder.is_none() {
                let (encoder, config) = VideoEncoder::open(self.order, self.rendition, &picture)?;
                self.send(Made::Config(self.index, config))?;
                self.encoder = Some(encoder);
            }
            if let Some(encoder) = &mut self.encoder {
                encoder.push(&mut picture, frame, in_order)?;
            }
            self.drain()?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), EngineError> {
        if let Some(encoder) = &mut self.encoder {
            encoder.finish()?;
        }
        self.drain()
    }

    fn drain(&mut self) -> Result<(), EngineError> {
        while let Some(encoder) = &mut self.encoder
            && let Some(sample) = encoder.pull()?
        {
            self.send(Made::Sample(self.index, sample))?;
        }
        Ok(())
    }

    fn send(&self, made: Made) -> Result<(), EngineError> {
        self.out.send(made).map_err(|_| EngineError::Stopped)
    }
}
