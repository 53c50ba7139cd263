//! Text as it comes out of a source, before it is a cue.

use serde::{Deserialize, Serialize};

/// How a piece of text is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TextForm {
    /// As the fields of an event of Advanced SubStation Alpha.
    #[default]
    Event,
    /// The same, and where it stands is known better than the event says.
    Placed(TextPlace),
    /// As cue text of WebVTT, with these settings.
    WebVtt(String),
}

/// Where text stands on the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextPlace {
    /// Its upper edge, in hundredths of the picture's height; `None` at the foot.
    pub top_percent: Option<u8>,
    /// Its left edge, in hundredths of the picture's width; `None` in the middle.
    pub left_percent: Option<u8>,
}
