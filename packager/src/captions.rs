//! Closed captions, found in pictures on their way through rather than declared.
//!
//! [`CaptionScan`] is given every sample of a video track in decode order; [`CaptionScan::finish`] says which channels
//! carry text.

use bitstream::sei::{CaptionCarrier, CaptionChannels, CaptionOrder, CaptionPair};
use media_types::CodecConfig;
use media_types::segment::CaptionChannel;

/// Looks for closed captions in the pictures of one track (ATSC A/53 Part 4 in ITU-T H.264 and H.265).
#[derive(Debug)]
pub struct CaptionScan {
    carrier: CaptionCarrier,
    order: CaptionOrder,
    channels: CaptionChannels,
}

impl CaptionScan {
    /// For a track; `None` when captions of its codec are not looked for.
    pub fn new(config: &CodecConfig) -> Option<Self> {
        let carrier = match config {
            CodecConfig::Avc(_) => CaptionCarrier::Avc(Some(4)),
            CodecConfig::Hevc(_) => CaptionCarrier::Hevc(Some(4)),
            _ => return None,
        };
        Some(Self { carrier, order: CaptionOrder::default(), channels: CaptionChannels::new() })
    }

    /// Takes the next sample in decode order: when it is shown, in any unit, and its bytes in clear, NAL units behind
    /// their 4-byte lengths. What is cut short is passed over.
    pub fn sample(&mut self, pts: i64, data: &[u8]) {
        self.order.picture(pts, self.carrier.pairs(data, false));
        while let Some((_, pairs)) = self.order.next_shown() {
            self.show(pairs);
        }
    }

    /// The channels that carry text, ascending; line 21 comes first. Empty when there are none.
    pub fn finish(mut self) -> Vec<CaptionChannel> {
        while let Some((_, pairs)) = self.order.next_left() {
            self.show(pairs);
        }
        let line21 = self.channels.line21().map(CaptionChannel::Line21);
        line21.chain(self.channels.services().map(CaptionChannel::Service)).collect()
    }

    fn show(&mut self, pairs: Vec<CaptionPair>) {
        pairs.into_iter().for_each(|pair| self.channels.pair(pair));
    }
}
