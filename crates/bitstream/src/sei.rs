//! Supplemental enhancement information of H.264 and H.265, and the captions in it.
//!
//! - [`messages`]: the messages of a NAL unit. [`Message::recovery_point`], [`Message::captions`],
//!   [`Message::mastering_display`], [`Message::content_light`].
//! - [`CaptionCarrier`]: the captions of a whole coded picture, of MPEG-2 too; [`CaptionOrder`] puts them in order.
//! - [`CaptionChannels`]: which caption channels carry text, found rather than declared.
//! - [`Line21Reader`], [`DtvccReader`]: the codes of caption channels.

mod captions;
mod carrier;
mod dtvcc;
mod line21;
mod message;
mod order;

pub use captions::{CaptionChannels, CaptionData, CaptionPair, CaptionPairs};
pub use carrier::CaptionCarrier;
pub use dtvcc::{DtvccReader, ServiceBlocks, ServiceCodes};
pub use line21::{Line21Code, Line21Reader};
pub use message::{Message, Messages, Payload, RecoveryPoint, messages};
pub use order::CaptionOrder;
