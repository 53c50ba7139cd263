//! Fields: the two halves of a picture that is stored interlaced, its upper lines and the lines between.

use serde::{Deserialize, Serialize};

use crate::FrameRate;

/// What the fields of a stream that states it is interlaced show, as a look at some of its pictures told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fields {
    /// Two moments a picture, as the stream states; or nobody looked, or what was seen does not agree.
    #[default]
    Interlaced,
    /// Both of every picture are of one moment (2:2 pulldown, progressive segmented frames).
    Whole,
    /// Film, four pictures of which are spread over the fields of five (3:2 pulldown).
    Film {
        /// When one of those pictures is shown that say nothing new: what its fields show was shown before it.
        repeated_pts: i64,
    },
}

/// How film lies in a stream of 3:2 pulldown: of every five pictures of the stream four of the film.
///
/// Picture `k` of the film lies at `origin_pts + k / rate`. Places of pictures of the stream are counted from `origin_pts` too;
/// those of five places from a multiple of five on show four pictures of the film, from a multiple of four on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilmGrid {
    /// In ticks of the source stream's time base.
    pub origin_pts: i64,
    /// Pictures of the film per second: four fifths of the stream's.
    pub rate: FrameRate,
}
