//! Text as it comes out of a source, before it is a cue.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A page of teletext (ETSI EN 300 706): its magazine, 1 to 8, and two digits, each four bits; page 888 is `0x888`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct TeletextPage(pub u16);

impl From<TeletextPage> for String {
    fn from(page: TeletextPage) -> Self {
        page.to_string()
    }
}

impl TryFrom<String> for TeletextPage {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u16::from_str_radix(&text, 16).map(Self)
    }
}

impl fmt::Display for TeletextPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03x}", self.0)
    }
}

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
