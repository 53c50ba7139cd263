//! What publishing everything of a recording came to: what it shows, and how good what was made of it looks.

use serde::{Deserialize, Serialize};

use crate::Loss;

/// How much of a recording is what, each from 0 to 1; all 0 when nothing is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SceneShares {
    /// Slides.
    pub slides: f64,
    /// A screen that somebody works at.
    pub screencast: f64,
    /// A person before a wall.
    pub talking_head: f64,
    /// Anything else that was filmed.
    pub film: f64,
}

/// How good a rendition looks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RenditionQuality {
    /// Folder name of its track: [`video_track`](crate::publication::video_track).
    pub track: String,
    /// XPSNR of the luma in decibels, at the size of the largest rendition.
    pub xpsnr_db: f64,
    /// VMAF of the same pictures, from 0 to 100; `None` when it was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vmaf: Option<f64>,
}

/// The result of the job that publishes a complete generation, and the only place where this is kept. What builds of before
/// did not find out is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Completion {
    /// The generation.
    pub generation: u64,
    /// What the pictures show; `None` when nobody looked.
    pub scenes: Option<SceneShares>,
    /// Every rendition that was judged, in the order of the plan.
    pub quality: Vec<RenditionQuality>,
    /// What of the recording is missing or damaged.
    pub losses: Vec<Loss>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn results_of_before_anything_was_found_out_are_still_read() {
        let read: Completion = serde_json::from_str(r#"{"generation":2}"#).unwrap();
        assert_eq!(read, Completion { generation: 2, ..Completion::default() });
    }
}
