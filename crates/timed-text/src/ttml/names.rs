//! The elements and attributes of TTML that mean something here.

/// An element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    Tt,
    Head,
    Profile,
    Style,
    Region,
    Body,
    Div,
    P,
    Span,
    Br,
    Image,
    /// `metadata`, `set`, `styling`, `layout` and all foreign elements.
    Other,
    /// `set` and `animate`.
    Animation,
}

/// An attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attr {
    Id,
    Lang,
    Space,
    Begin,
    Dur,
    End,
    TimeContainer,
    Region,
    Style,
    Use,
    // ttp:
    Profile,
    ContentProfiles,
    FrameRate,
    SubFrameRate,
    FrameRateMultiplier,
    TickRate,
    TimeBase,
    DropMode,
    CellResolution,
    // tts:
    Color,
    BackgroundColor,
    FontStyle,
    FontWeight,
    TextDecoration,
    TextAlign,
    DisplayAlign,
    Display,
    Visibility,
    Origin,
    Extent,
    WritingMode,
    Ruby,
    // Others.
    ForcedDisplay,
    BackgroundImage,
    ConformsTo,
}

/// The namespaces of one family: TTML's own and those of its drafts, which old files still use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Space {
    /// No namespace, as unprefixed attributes have.
    None,
    Xml,
    Ttml,
    Parameter,
    Styling,
    ImscStyling,
    Smpte,
    EbuMetadata,
    Foreign,
}

impl Space {
    pub(super) fn of(namespace: &str) -> Self {
        match namespace {
            "http://www.w3.org/XML/1998/namespace" => Self::Xml,
            "http://www.w3.org/ns/ttml/profile/imsc1#styling" => Self::ImscStyling,
            "urn:ebu:tt:metadata" => Self::EbuMetadata,
            smpte if smpte.starts_with("http://www.smpte-ra.org/") => Self::Smpte,
            other => {
                let drafts = ["http://www.w3.org/2006/10/ttaf1", "http://www.w3.org/2006/04/ttaf1"];
                let rest =
                    ["http://www.w3.org/ns/ttml"].iter().chain(&drafts).find_map(|base| other.strip_prefix(base));
                match rest {
                    Some("") => Self::Ttml,
                    Some("#parameter") => Self::Parameter,
                    Some("#styling" | "#style" | "#style-extension") => Self::Styling,
                    _ => Self::Foreign,
                }
            }
        }
    }
}

impl Tag {
    pub(super) fn of(space: Space, local: &str) -> Self {
        match (space, local) {
            (Space::Ttml, "tt") => Self::Tt,
            (Space::Ttml, "head") => Self::Head,
            (Space::Parameter | Space::Ttml, "profile") => Self::Profile,
            (Space::Ttml, "style") => Self::Style,
            (Space::Ttml, "region") => Self::Region,
            (Space::Ttml, "body") => Self::Body,
            (Space::Ttml, "div") => Self::Div,
            (Space::Ttml, "p") => Self::P,
            (Space::Ttml, "span") => Self::Span,
            (Space::Ttml, "br") => Self::Br,
            (Space::Ttml | Space::Smpte, "image") => Self::Image,
            (Space::Ttml, "set" | "animate") => Self::Animation,
            _ => Self::Other,
        }
    }
}

impl Attr {
    pub(super) fn of(space: Space, local: &str) -> Option<Self> {
        Some(match (space, local) {
            (Space::Xml, "id") => Self::Id,
            (Space::Xml, "lang") => Self::Lang,
            (Space::Xml, "space") => Self::Space,
            (Space::None, "begin") => Self::Begin,
            (Space::None, "dur") => Self::Dur,
            (Space::None, "end") => Self::End,
            (Space::None, "timeContainer") => Self::TimeContainer,
            (Space::None, "region") => Self::Region,
            (Space::None, "style") => Self::Style,
            (Space::None, "use") => Self::Use,
            (Space::Parameter, "profile") => Self::Profile,
            (Space::Parameter, "contentProfiles") => Self::ContentProfiles,
            (Space::Parameter, "frameRate") => Self::FrameRate,
            (Space::Parameter, "subFrameRate") => Self::SubFrameRate,
            (Space::Parameter, "frameRateMultiplier") => Self::FrameRateMultiplier,
            (Space::Parameter, "tickRate") => Self::TickRate,
            (Space::Parameter, "timeBase") => Self::TimeBase,
            (Space::Parameter, "dropMode") => Self::DropMode,
            (Space::Parameter, "cellResolution") => Self::CellResolution,
            (Space::Styling, "color") => Self::Color,
            (Space::Styling, "backgroundColor") => Self::BackgroundColor,
            (Space::Styling, "fontStyle") => Self::FontStyle,
            (Space::Styling, "fontWeight") => Self::FontWeight,
            (Space::Styling, "textDecoration") => Self::TextDecoration,
            (Space::Styling, "textAlign") => Self::TextAlign,
            (Space::Styling, "displayAlign") => Self::DisplayAlign,
            (Space::Styling, "display") => Self::Display,
            (Space::Styling, "visibility") => Self::Visibility,
            (Space::Styling, "origin") => Self::Origin,
            (Space::Styling, "extent") => Self::Extent,
            (Space::Styling, "writingMode") => Self::WritingMode,
            (Space::Styling, "ruby") => Self::Ruby,
            (Space::ImscStyling, "forcedDisplay") => Self::ForcedDisplay,
            (Space::Smpte, "backgroundImage") => Self::BackgroundImage,
            (Space::EbuMetadata, "conformsToStandard") => Self::ConformsTo,
            _ => return None,
        })
    }
}
