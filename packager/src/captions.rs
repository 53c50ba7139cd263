//! Closed captions, found in pictures on their way through rather than declared.
//!
//! [`CaptionScan`] is given every sample of a video track in decode order; [`CaptionScan::finish`] says which channels
//! carry text.

use std::collections::BTreeMap;

use bitstream::bits::length_prefixed;
use bitstream::sei::{CaptionChannels, CaptionPair, messages};
use media_types::CodecConfig;
use media_types::segment::CaptionChannel;

/// More pictures than any stream may hold back to put them into order (16; ITU-T H.264 §A.3.1, H.265 §A.4.2).
const REORDERED: usize = 32;

/// Pairs held back at most; a picture has 31, or 62 as two fields.
const PAIRS: usize = 64 * REORDERED;

/// Looks for closed captions in the pictures of one track (ATSC A/53 Part 4 in ITU-T H.264 and H.265). Captions follow
/// presentation order, pictures decode order: a few pictures' captions are held back until none can come before them.
#[derive(Debug)]
pub struct CaptionScan {
    hevc: bool,
    waiting: BTreeMap<i64, Vec<CaptionPair>>,
    /// Pairs in `waiting`.
    held: usize,
    channels: CaptionChannels,
}

impl CaptionScan {
    /// For a track; `None` when captions of its codec are not looked for.
    pub fn new(config: &CodecConfig) -> Option<Self> {
        let hevc = match config {
            CodecConfig::Avc(_) => false,
            CodecConfig::Hevc(_) => true,
            _ => return None,
        };
        Some(Self { hevc, waiting: BTreeMap::new(), held: 0, channels: CaptionChannels::new() })
    }

    /// Takes the next sample in decode order: when it is shown, in any unit, and its bytes in clear, NAL units behind
    /// their 4-byte lengths. What is cut short is passed over.
    pub fn sample(&mut self, pts: i64, data: &[u8]) {
        for nal in length_prefixed(data) {
            let Some(nal) = nal else { break };
            for message in messages(nal, self.hevc) {
                let Some(captions) = message.captions() else { continue };
                let place = self.waiting.entry(pts).or_default();
                let before = place.len();
                place.extend(captions.pairs());
                self.held += place.len() - before;
            }
        }
        while self.waiting.len() > REORDERED || self.held > PAIRS {
            self.show();
        }
    }

    /// The channels that carry text, ascending; line 21 comes first. Empty when there are none.
    pub fn finish(mut self) -> Vec<CaptionChannel> {
        while !self.waiting.is_empty() {
            self.show();
        }
        let line21 = self.channels.line21().map(CaptionChannel::Line21);
        line21.chain(self.channels.services().map(CaptionChannel::Service)).collect()
    }

    fn show(&mut self) {
        if let Some((_, pairs)) = self.waiting.pop_first() {
            self.held -= pairs.len();
            pairs.into_iter().for_each(|pair| self.channels.pair(pair));
        }
    }
}
