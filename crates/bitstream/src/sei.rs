//! Supplemental enhancement information of H.264 and H.265, and the captions in it.
//!
//! - [`messages`]: the messages of a NAL unit. [`Message::recovery_point`], [`Message::captions`].
//! - [`CaptionChannels`]: which caption channels carry text, found rather than declared.

mod captions;
mod dtvcc;
mod line21;
mod message;

pub use captions::{CaptionChannels, CaptionData, CaptionPair, CaptionPairs};
pub use message::{Message, Messages, Payload, RecoveryPoint, messages};
