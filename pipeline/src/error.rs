//! Why a source cannot be planned.

use thiserror::Error;

/// Why a source cannot be planned: always the fault of the source or of the ladder, never of chance.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{code}: {detail}")]
pub struct PlanError {
    /// Stable and dotted, such as `input.no_media`.
    pub code: &'static str,
    /// What was found, one clause for a person.
    pub detail: String,
    /// What that person can do, one sentence.
    pub hint: &'static str,
}

impl PlanError {
    pub(crate) fn no_media() -> Self {
        Self {
            code: "input.no_media",
            detail: "the file has neither pictures nor sound".to_owned(),
            hint: "Check that the upload is a video or audio recording and plays on your computer.",
        }
    }

    pub(crate) fn image(codec: &str) -> Self {
        Self {
            code: "input.image",
            detail: format!("the file is one still image ({codec})"),
            hint: "Upload a video or a sound recording.",
        }
    }

    pub(crate) fn dimensions(width: u32, height: u32) -> Self {
        Self {
            code: "input.dimensions",
            detail: format!("pictures of {width}x{height} pixels cannot be encoded"),
            hint: "Export the video with sides of 1 to 16384 pixels and at most 67 million pixels a picture.",
        }
    }

    pub(crate) fn too_long(seconds: i128) -> Self {
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        Self {
            code: "input.too_long",
            detail: format!("the recording lasts {hours} h {minutes:02} min, more than 12 h"),
            hint: "Split the recording into parts of at most 12 hours.",
        }
    }

    pub(crate) fn timestamps(detail: impl Into<String>) -> Self {
        Self {
            code: "input.timestamps",
            detail: detail.into(),
            hint: "Open the file in a video editor and export it again, which writes new timestamps.",
        }
    }

    pub(crate) fn empty_ladder(name: &str) -> Self {
        Self {
            code: "ladder.empty",
            detail: format!("the ladder {name} has no rung"),
            hint: "Choose another ladder, or add a rung to this one.",
        }
    }
}
